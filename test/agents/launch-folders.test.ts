/** Which folder a run speaks through: its own, known to the store alone. One of a store that was begun anew counts for nothing, and one that is gone starts nothing again. */
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAlive, parseIdentity } from '../../runtime/base/platform/process-table.ts';
import {
  begin,
  openGate,
  planText,
  runFolders,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilFile,
  untilStatus,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';

const agents = { default: { preset: 'sh' as const, attempts: 3 } };

function storeFiles(home: string): string[] {
  return ['taskstore.db', 'taskstore.db-wal', 'taskstore.db-shm'].map((name) => join(home, name));
}

/** A coder that counts its starts in a file, and a reviewer that does. */
function counted({ root }: TestEngine) {
  const count = (name: string) => {
    const file = join(root, name);
    return existsSync(file) ? readFileSync(file, 'utf8').length : 0;
  };
  return { content: planText([`printf x >> '${root}/coded'; date +%N >> a.txt`]), count };
}

function agentsOf(root: string) {
  return { ...agents, reviewer: { preset: 'command' as const, program: `printf x >> '${root}/reviewed'; true #` } };
}

function agentIn(home: string, folder: string) {
  const identity = parseIdentity(readFileSync(join(home, 'runs', folder, 'pid'), 'utf8'));
  if (identity === null) throw new Error(`${folder} has no agent`);
  return identity;
}

describe('the folder of a run of an earlier store', () => {
  it('counts for nothing when the store is begun anew in the same home: the plan of the old name is really worked on', async () => {
    const first = await startEngine({ adds: false });
    await first.engine.stop();
    const one = await startEngine({ on: first, agents: agentsOf(first.root) });
    const { content, count } = counted(one);
    await begin(one, 'same', content);
    await untilStatus(one, 'same', 'done');
    await one.engine.stop();
    const before = readdirSync(join(one.home, 'runs'));
    for (const file of storeFiles(one.home)) rmSync(file, { force: true });
    const next = await startEngine({ on: first, agents: agentsOf(first.root) });
    await begin(next, 'same', content);
    await untilStatus(next, 'same', 'done');
    expect([count('coded'), count('reviewed')]).toEqual([2, 2]);
    expect(readdirSync(join(one.home, 'runs'))).toEqual(expect.arrayContaining(before));
  });

  it('is taken over after a copy of the store is put back by hand, as after a restore', async () => {
    const first = await startEngine({});
    await first.engine.stop();
    const copy = join(first.root, 'backup.db');
    copyFileSync(join(first.home, 'taskstore.db'), copy);
    const one = await startEngine({ on: first, adds: false, agents: agentsOf(first.root) });
    const { content, count } = counted(one);
    await begin(one, 'same', content);
    await untilStatus(one, 'same', 'done');
    await one.engine.stop();
    for (const file of storeFiles(one.home)) rmSync(file, { force: true });
    copyFileSync(copy, join(one.home, 'taskstore.db'));
    const next = await startEngine({ on: first, adds: false, agents: agentsOf(first.root) });
    await begin(next, 'same', content);
    const { blocked } = await untilBlocked(next, 'same');
    expect(blocked?.reason).toContain('same-review-1 ended before the store was restored');
    expect([count('coded'), count('reviewed')]).toEqual([1, 1]);
  });

  it('counts for no check either', async () => {
    const first = await startEngine({ agents });
    const check = `test -e '${first.root}/good'`;
    openGate(join(first.root, 'good'));
    const content = planText([{ sh: 'date +%N >> a.txt', fields: `**Check:** ${check}` }]);
    await begin(first, 'same', content);
    await untilStatus(first, 'same', 'done');
    await first.engine.stop();
    for (const file of storeFiles(first.home)) rmSync(file, { force: true });
    rmSync(join(first.root, 'good'));
    const next = await startEngine({ on: first, agents: { default: { preset: 'sh', attempts: 1 } } });
    await begin(next, 'same', content);
    const failed = await until(async () => {
      const [wave] = (await next.client.plan('demo', 'same')).tasks_by_wave;
      return wave?.tasks[0]?.status === 'failed';
    }).then(() => next.client.plan('demo', 'same'));
    expect(failed.tasks_by_wave[0]?.tasks[0]?.reason).toBe('check-failed');
  });
});

describe('a run whose folder is taken away', () => {
  /** The first start works until it is ended, the next one is done at once. */
  function stubborn({ root }: Pick<TestEngine, 'root'>): string {
    return planText([
      `printf x >> '${root}/coded'\nif [ -e '${root}/first' ]; then echo a > a.txt; else trap '' TERM; echo up > '${root}/first'; while :; do sleep 0.05; done; fi`,
    ]);
  }

  async function expectLostOnce(engine: TestEngine, plan: string, agent: Parameters<typeof isAlive>[0]): Promise<void> {
    const done = await untilStatus(engine, plan, 'done');
    expect(isAlive(agent)).toBe(false);
    expect(done.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'done', attempts: 2 });
    expect(readFileSync(join(engine.root, 'coded'), 'utf8')).toBe('xx');
    expect(JSON.stringify(await engine.client.history('demo', plan))).toContain('run_lost');
  }

  it('is lost, and its processes are ended before the next attempt begins', async () => {
    const engine = await startEngine({ agents });
    await begin(engine, 'gone', stubborn(engine));
    await untilFile(join(engine.root, 'first'));
    const [folder = ''] = runFolders(engine.home, 'gone');
    const agent = agentIn(engine.home, folder);
    rmSync(join(engine.home, 'runs', folder), { recursive: true });
    await expectLostOnce(engine, 'gone', agent);
  });

  it('is lost too where no engine lived when it was taken', async () => {
    const first = await startEngine({ agents });
    await begin(first, 'gone', stubborn(first));
    await untilFile(join(first.root, 'first'));
    await until(async () => (await first.client.instances({ plan: 'gone' }))[0]?.state === 'running');
    await first.engine.stop();
    const [folder = ''] = runFolders(first.home, 'gone');
    const agent = agentIn(first.home, folder);
    rmSync(join(first.home, 'runs'), { recursive: true });
    const next = await startEngine({ on: first, adds: false, agents });
    await expectLostOnce(next, 'gone', agent);
  });

  it('is ended, too, where the store that knew it is gone: no two agents work in one place', async () => {
    const first = await startEngine({ agents });
    await begin(first, 'again', stubborn(first));
    await untilFile(join(first.root, 'first'));
    await first.engine.stop();
    const [folder = ''] = runFolders(first.home, 'again');
    const agent = agentIn(first.home, folder);
    for (const file of storeFiles(first.home)) rmSync(file, { force: true });
    const next = await startEngine({ on: first, agents });
    await begin(next, 'again', stubborn(next));
    await untilStatus(next, 'again', 'done');
    expect(isAlive(agent)).toBe(false);
  });

  it.each(['agent-run.before-spawn', 'agent-run.after-spawn'])(
    'is lost too, and counts as an attempt, where it was taken at %s, before the store knew that it had begun',
    async (taken) => {
      let isTaken = false;
      const engine: TestEngine = await startEngine({
        agents,
        faults(point) {
          if (point !== taken || isTaken) return;
          isTaken = true;
          rmSync(join(engine.home, 'runs'), { recursive: true });
        },
      });
      await begin(engine, 'gone', planText([`printf x >> '${engine.root}/coded'; sleep 1; echo a > a.txt`]));
      const done = await untilStatus(engine, 'gone', 'done');
      expect(done.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'done', attempts: 2 });
      expect(readFileSync(join(engine.root, 'coded'), 'utf8').length).toBeLessThanOrEqual(2);
    },
  );
});
