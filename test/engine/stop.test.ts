import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  runFile,
  runFolders,
  runNameOf,
  say,
  startEngine,
  untilFile,
  untilPhase,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

/** A block that notes its process and waits; each start adds a line. */
function waiting(file: string, go: string, then: string): string {
  return `echo $$ >> '${file}'\n${gate(go)}\n${then}`;
}

function pids(file: string): number[] {
  return readFileSync(file, 'utf8').trim().split('\n').map(Number);
}

function isAlive(pid: number | undefined): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
  } catch {
    return false; // gone
  }
}

describe('a plan that is paused', () => {
  it('has its agents stopped without an attempt spent, keeps what they did, and goes on', async () => {
    const engine = await startEngine();
    const { root, client, repo, home } = engine;
    const [begun, go] = [join(root, 'begun'), join(root, 'go')];
    await begin(
      engine,
      'rest',
      planText([waiting(begun, go, 'echo a > a.txt').replace('echo', 'echo half > half.txt; echo')]),
    );
    await untilFile(begun);
    await say(engine, 'rest', 'pause');
    await until(() => !isAlive(pids(begun)[0]));
    await until(async () => (await client.instances({ plan: 'rest' }))[0]?.state === 'queued');
    const paused = await client.plan('demo', 'rest');
    expect(paused).toMatchObject({ paused: true, status: 'implementing', waiting_for: { kind: 'paused' } });
    expect(pids(begun)).toHaveLength(1);
    openGate(go);
    await say(engine, 'rest', 'resume');
    const done = await untilStatus(engine, 'rest', 'done');
    expect(done.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'done', reason: null, attempts: 2 });
    const [instance] = await client.instances({ plan: 'rest' });
    expect(instance).toMatchObject({ attempt: 1, state: 'succeeded' });
    const [first, second] = runFolders(home, 'rest');
    await until(() =>
      git(repo, 'for-each-ref', '--format=%(refname)').includes(`refs/stator/attempts/${runNameOf(first ?? '')}`),
    );
    expect(git(repo, 'show', `refs/stator/attempts/${runNameOf(first ?? '')}:half.txt`)).toBe('half');
    expect(runFile(home, second ?? '', 'prompt')).toContain('What the last run changed');
  });

  it('may let what runs come to its end, and starts nothing after it', async () => {
    const engine = await startEngine({ daemon: 'max_agents = 1\nblueprint_skip_threshold = 0\n' });
    const { root, client } = engine;
    const [begun, go] = [join(root, 'begun'), join(root, 'go')];
    await begin(engine, 'wait', planText([waiting(begun, go, 'echo a > a.txt'), 'echo b > b.txt']));
    await untilFile(begun);
    await say(engine, 'wait', 'pause', { wait: true });
    openGate(go);
    await untilPlan(engine, 'wait', (plan) => plan.tasks_done === 1);
    expect((await client.instances({ plan: 'wait' })).map((one) => one.state).sort()).toEqual(['queued', 'succeeded']);
    expect((await client.plan('demo', 'wait')).waiting_for?.kind).toBe('paused');
    await say(engine, 'wait', 'resume');
    await untilStatus(engine, 'wait', 'done');
  });
});

describe('an engine that stops', () => {
  it('leaves its agents, and the next one adopts them with the exit codes they had meanwhile', async () => {
    const on = ground();
    const { root, repo } = on;
    const names = ['one', 'two', 'three'].map((name) => ({ begun: join(root, name), go: join(root, `${name}-go`) }));
    const [one, two, three] = names;
    if (one === undefined || two === undefined || three === undefined) throw new Error('three names');
    const first = await startEngine({ on });
    await begin(
      first,
      'left',
      planText([
        waiting(one.begun, one.go, 'echo 1 > 1.txt'),
        waiting(two.begun, two.go, 'echo two is unhappy; exit 7'),
        waiting(three.begun, three.go, 'echo 3 > 3.txt'),
      ]),
    );
    for (const { begun } of names) await untilFile(begun);
    await until(async () => (await first.client.instances({})).every((instance) => instance.state === 'running'));
    await first.engine.stop();
    expect(names.map(({ begun }) => isAlive(pids(begun)[0]))).toEqual([true, true, true]);
    // Two of them end while nobody looks.
    openGate(one.go);
    openGate(two.go);
    await until(() => !isAlive(pids(one.begun)[0]) && !isAlive(pids(two.begun)[0]));
    const second = await startEngine({ on });
    const { client } = second;
    await untilPlan(second, 'left', (plan) => plan.tasks_done === 1);
    const instances = await client.instances({ plan: 'left' });
    expect(instances.find(({ title }) => title === 'left-w1-t2')).toMatchObject({
      exit_code: 7,
      state: 'failed',
      last_line: 'two is unhappy',
    });
    expect(instances.find(({ title }) => title === 'left-w1-t3')).toMatchObject({
      state: 'running',
      pid: pids(three.begun)[0],
    });
    openGate(three.go);
    await untilPhase(second, 'left', 'wave_waiting');
    await say(second, 'left', 'advance_wave');
    await untilStatus(second, 'left', 'done');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/left').split('\n')).toEqual(['1.txt', '3.txt', 'README.md']);
    expect(names.map(({ begun }) => pids(begun).length)).toEqual([1, 1, 1]);
  });

  it('leaves its agents, and one that ended meanwhile is finished and does nothing twice, though its plan was paused before the next one looked', async () => {
    const on = ground();
    const { root, home, repo } = on;
    const [begun, go] = [join(root, 'begun'), join(root, 'go')];
    const first = await startEngine({ on });
    await begin(first, 'late', planText([waiting(begun, go, 'echo a > a.txt')]));
    await untilFile(begun);
    await until(async () => (await first.client.instances({}))[0]?.state === 'running');
    await first.engine.stop();
    openGate(go);
    await until(() => existsSync(join(home, 'runs', runFolders(home, 'late')[0] ?? '', 'exit')));
    const db = new BetterSqlite3(join(home, 'taskstore.db'));
    db.prepare("INSERT INTO signals (project, plan, type) VALUES ('demo', 'late', 'pause')").run();
    db.close();
    const second = await startEngine({ on });
    const paused = await untilPlan(second, 'late', (plan) => plan.paused && plan.tasks_done === 1);
    expect(paused.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'done', attempts: 1 });
    expect(git(repo, 'show', 'plan/late:a.txt')).toBe('a');
    expect(pids(begun)).toHaveLength(1);
  });

  it('stops its agents where that is asked, also of plans that are paused, and the next one starts them again', async () => {
    const on = ground();
    const { root } = on;
    const [begun, go, paused] = [join(root, 'begun'), join(root, 'go'), join(root, 'paused')];
    const first = await startEngine({ on });
    await begin(first, 'stop', planText([waiting(begun, go, 'echo a > a.txt')]));
    await begin(first, 'paused', planText([waiting(paused, go, 'echo a > a.txt')]));
    await untilFile(begun);
    await untilFile(paused);
    await say(first, 'paused', 'pause', { wait: true });
    await first.engine.stop({ agents: 'stop' });
    expect(isAlive(pids(begun)[0])).toBe(false);
    expect(isAlive(pids(paused)[0])).toBe(false);
    writeFileSync(go, '');
    const second = await startEngine({ on });
    const done = await untilStatus(second, 'stop', 'done');
    expect(done.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'done', attempts: 2 });
    expect((await second.client.instances({ plan: 'stop' }))[0]?.attempt).toBe(1);
    expect((await second.client.plan('demo', 'paused')).paused).toBe(true);
    expect(pids(paused)).toHaveLength(1);
    await say(second, 'paused', 'resume');
    await untilStatus(second, 'paused', 'done');
  });
});
