import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { instanceLines } from '../../cli/instance/view.ts';
import { noPaint } from '../../cli/output.ts';
import { planLines } from '../../cli/plan/view.ts';
import type { PlanShow } from '../../runtime/engine/engine.ts';
import {
  begin,
  gate,
  openGate,
  planText,
  runFile,
  runFolders,
  runNameOf,
  say,
  startEngine,
  type TestEngine,
  untilFile,
  untilPhase,
  untilPlan,
  untilRunning,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { machineClock } from '../support/machine-clock.ts';

const hourMs = 3_600_000;

function isAlive(pidFile: string): boolean {
  const pid = Number(readFileSync(pidFile, 'utf8'));
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.startsWith('Z') === false;
  } catch {
    return false; // gone
  }
}

function tasksOf(shown: PlanShow): { status: string; reason: string | null; attempts: number }[] {
  return shown.tasks_by_wave.flatMap((wave) =>
    wave.tasks.map(({ status, reason, attempts }) => ({ status, reason, attempts })),
  );
}

function lastRun({ home }: TestEngine, plan: string): string {
  return runFolders(home, plan).at(-1) ?? '';
}

it('a reviewer that is killed after its verdict has succeeded, and the note beside its exit code says why', async () => {
  const engine = await startEngine({
    agents: {
      default: { preset: 'sh', attempts: 1 },
      reviewer: {
        preset: 'command',
        program: '/bin/sh',
        flags: ['-c', 'stator signal emit review_approved && kill -KILL $$'],
        attempts: 1,
      },
    },
  });
  await begin(engine, 'login', planText(['echo a > a.txt']));
  await untilStatus(engine, 'login', 'done');
  const states = async () => (await engine.client.instances({ plan: 'login' })).map((run) => [run.role, run.state]);
  await until(async () => (await states()).every(([, state]) => state === 'succeeded'));
  const [reviewer, coder] = await engine.client.instances({ plan: 'login' });
  expect(coder).toMatchObject({ exit_code: 0, exit_note: null });
  expect(reviewer).toMatchObject({ state: 'succeeded', exit_code: 137 });
  if (reviewer === undefined) throw new Error('it ran');
  const shown = instanceLines(reviewer, (_, text) => text, Date.now()).join('\n');
  expect(shown).toContain('137: ended by signal 9 after it had said its result');
});

describe('an agent that misbehaves', () => {
  it('by ignoring TERM, by leaving its session, or by never ending, is gone with all that it started', async () => {
    const { clock, pass } = machineClock();
    const engine = await startEngine({ clock, agents: { default: { preset: 'sh', attempts: 1, timeout: '1h' } } });
    const { root, repo, client } = engine;
    const [deaf, far] = [join(root, 'deaf'), join(root, 'far')];
    const ignores = `trap '' TERM\necho $$ > '${deaf}'\nwhile :; do sleep 0.1; done`;
    const leaves = `setsid sh -c 'echo $$ > "${far}"; exec sleep 300' &\n${gate(far)}\necho done > far.txt\necho kept > "${root}/kept"\nsleep 300`;
    const kept = join(root, 'kept');
    await begin(engine, 'bad', planText([ignores, leaves]));
    for (const file of [deaf, kept]) await untilFile(file);
    await until(async () => (await client.instances({ plan: 'bad' })).every(({ state }) => state === 'running'));
    pass(hourMs);
    const shown = await untilPhase(engine, 'bad', 'wave_waiting');
    expect(tasksOf(shown)).toEqual([
      { status: 'failed', reason: 'timeout', attempts: 1 },
      { status: 'failed', reason: 'timeout', attempts: 1 },
    ]);
    expect([isAlive(deaf), isAlive(far)]).toEqual([false, false]);
    expect(shown.waiting_for).toMatchObject({ kind: 'wave_confirmation' });
    // The worktree of a task that failed stays, its work is kept by a ref too.
    expect(readFileSync(join(repo, '.worktrees', 'plan-bad-w1-t2', 'far.txt'), 'utf8')).toBe('done\n');
    const [far2] = runFolders(engine.home, 'bad').filter((name) => name.includes('task-2'));
    await until(() =>
      git(repo, 'for-each-ref', '--format=%(refname)').includes(`refs/stator/attempts/${runNameOf(far2 ?? '')}`),
    );
    expect(git(repo, 'show', `refs/stator/attempts/${runNameOf(far2 ?? '')}:far.txt`)).toBe('done');
    expect(git(repo, 'status', '--porcelain')).toBe('');
  });

  it('by writing 100 MB, by silence, or by changing nothing, is told apart', async () => {
    const { clock, pass } = machineClock();
    const engine = await startEngine({
      clock,
      daemon: 'max_agents = 8\n',
      agents: { default: { preset: 'sh', attempts: 1, timeout: '30d', idle_timeout: '1h' } },
    });
    const { home, client } = engine;
    const content = planText([
      'yes "a long line of output that says nothing at all" | head -c 100000000\necho end-of-output\necho x > loud.txt',
      'echo starting; sleep 300',
      'true',
      'echo no >&2; exit 3',
      { sh: 'true', fields: '**Check:** test -e README.md', title: 'checked' },
      // It has ended well; that what it left is silent longer than it might be is no fault of it.
      'echo left > left.txt; sleep 600 &',
      `stator signal emit implement-task-finished --payload '{"no_change":"it is there"}'`,
    ]);
    await begin(engine, 'kinds', content);
    await untilPlan(engine, 'kinds', ({ tasks_by_wave: [wave] }) =>
      [0, 2, 3, 4, 6].every((at) => ['done', 'failed'].includes(wave?.tasks[at]?.status ?? '')),
    );
    const folderOf = (task: number) => runFolders(home, 'kinds').find((name) => name.includes(`task-${task}`)) ?? '';
    await untilFile(join(home, 'runs', folderOf(6), 'exit'));
    await until(() => runFile(home, folderOf(2), 'log').includes('starting'));
    // The first look begins to count.
    const shown = await untilPlan(engine, 'kinds', ({ phase }) => {
      pass(hourMs);
      return phase === 'wave_waiting';
    });
    expect(tasksOf(shown).map(({ status, reason }) => [status, reason])).toEqual([
      ['done', null],
      ['failed', 'idle'],
      ['failed', 'no-change'],
      ['failed', 'exit-code'],
      ['done', null],
      ['done', null],
      ['done', null],
    ]);
    const lines = planLines(shown, { width: 80, nowMs: Date.now(), paint: noPaint, implied: null });
    expect(lines.filter((line) => line.includes('nothing to change')).map((line) => line.trim())).toEqual([
      'nothing to change: it is there',
    ]);
    const { size } = statSync(join(home, 'runs', folderOf(1), 'log'));
    expect(size).toBeLessThanOrEqual(65 * 1024 * 1024);
    const tail = await client.capture({ project: 'demo', title: 'kinds-w1-t1' });
    expect(tail.length).toBeLessThanOrEqual(64 * 1024);
    expect(tail.trimEnd().endsWith('end-of-output')).toBe(true);
    const failed = (await client.instances({ plan: 'kinds' })).find((one) => one.title === 'kinds-w1-t4');
    expect(failed).toMatchObject({ state: 'failed', exit_code: 3, reason: 'exit-code', last_line: 'no', pid: null });
  });

  it('is not silent while it is frozen, and its silence counts again afterwards', async () => {
    const { clock, pass } = machineClock();
    const engine = await startEngine({
      clock,
      agents: { default: { preset: 'sh', attempts: 1, timeout: '30d', idle_timeout: '1h' } },
    });
    const { root, client } = engine;
    const [begun, go] = [join(root, 'begun'), join(root, 'go')];
    await begin(engine, 'frozen', planText([`echo $$ > '${begun}'; ${gate(go)}; echo x > x.txt`]));
    await untilFile(begun);
    const state = async () => (await client.instances({ plan: 'frozen' }))[0]?.state;
    await until(async () => (await state()) === 'running');
    await say(engine, 'frozen', 'agent_pause', { title: 'frozen-w1-t1' });
    const status = () => readFileSync(`/proc/${readFileSync(begun, 'utf8').trim()}/stat`, 'utf8').split(') ')[1]?.[0];
    await until(() => status() === 'T');
    pass(2 * hourMs);
    // All that was due has been handled: a plan that was asked for later is through.
    await begin(engine, 'later', planText(['echo x > later.txt']));
    await untilStatus(engine, 'later', 'done');
    expect(await state()).toBe('paused');
    const { waiting_for: wait } = await client.plan('demo', 'frozen');
    expect(wait?.detail).toContain('is paused; go on with: stator agent resume frozen-w1-t1');
    await say(engine, 'frozen', 'agent_resume', { title: 'frozen-w1-t1' });
    // The first look after the pause begins to count.
    const shown = await untilPlan(engine, 'frozen', ({ phase }) => {
      pass(hourMs);
      return phase === 'wave_waiting';
    });
    expect(tasksOf(shown)).toEqual([{ status: 'failed', reason: 'idle', attempts: 1 }]);
  });

  it('is not silent for the time of a pause, however soon after it a look comes', async () => {
    const { clock, pass } = machineClock();
    const engine = await startEngine({
      clock,
      agents: { default: { preset: 'sh', attempts: 1, timeout: '9h', idle_timeout: '1h' } },
    });
    const [begun, go] = [join(engine.root, 'begun'), join(engine.root, 'go')];
    // Looks come each second: one comes while it sleeps.
    await begin(engine, 'short', planText([`echo $$ > '${begun}'; ${gate(go)}; sleep 3; echo x > x.txt`]));
    await untilFile(begun);
    await untilRunning(engine, 'short-w1-t1');
    await say(engine, 'short', 'agent_pause', { title: 'short-w1-t1' });
    const status = () => readFileSync(`/proc/${readFileSync(begun, 'utf8').trim()}/stat`, 'utf8').split(') ')[1]?.[0];
    await until(() => status() === 'T');
    pass(2 * hourMs);
    await say(engine, 'short', 'agent_resume', { title: 'short-w1-t1' });
    openGate(go);
    await untilStatus(engine, 'short', 'done');
  });

  it('can be killed by a person: its task has failed, and a retry runs it again', async () => {
    const engine = await startEngine({ agents: { default: { preset: 'sh', attempts: 2 } } });
    const { root, client, repo } = engine;
    const [begun, go] = [join(root, 'begun'), join(root, 'go')];
    const block = `if [ -e '${go}' ]; then echo x > x.txt; else echo half > half.txt; echo $$ > '${begun}'; sleep 300; fi`;
    await begin(engine, 'kill', planText([block, 'echo y > y.txt']));
    await untilFile(begun);
    const answer = await client.killInstance({ project: 'demo', title: 'kill-w1-t1' });
    expect(answer.signal).toMatchObject({ type: 'agent_kill', status: 'done' });
    const shown = await untilPhase(engine, 'kill', 'wave_waiting');
    expect(tasksOf(shown)).toEqual([
      { status: 'failed', reason: 'killed', attempts: 1 },
      { status: 'done', reason: null, attempts: 1 },
    ]);
    expect(isAlive(begun)).toBe(false);
    expect(existsSync(join(repo, '.worktrees', 'plan-kill-w1-t1', 'half.txt'))).toBe(true);
    const gone = await client.killInstance({ project: 'demo', title: 'kill-w1-t1' });
    expect(gone.signal.refused?.guard).toBe('agent kill-w1-t1 is not under way');
    openGate(go);
    await say(engine, 'kill', 'retry_wave');
    const done = await untilStatus(engine, 'kill', 'done');
    expect(tasksOf(done)).toEqual([
      { status: 'done', reason: null, attempts: 2 },
      { status: 'done', reason: null, attempts: 1 },
    ]);
    expect(git(repo, 'ls-tree', '--name-only', 'plan/kill').split('\n')).toEqual(['README.md', 'x.txt', 'y.txt']);
  });

  it('with its attempts used up stops the wave; a person may go on without it', async () => {
    const engine = await startEngine({ agents: { default: { preset: 'sh', attempts: 2 } } });
    const { home, client, repo } = engine;
    await begin(
      engine,
      'used',
      planText(['echo oops; echo "$STATOR_ATTEMPT" > n.txt; exit 1'], ['echo later > later.txt']),
    );
    const shown = await untilPhase(engine, 'used', 'wave_waiting');
    expect(tasksOf(shown)[0]).toEqual({ status: 'failed', reason: 'exit-code', attempts: 2 });
    const prompt = runFile(home, lastRun(engine, 'used'), 'prompt');
    expect(prompt).toContain('attempt 2');
    expect(prompt).toContain('oops');
    const refused = await client.send({
      project: 'demo',
      plan: 'used',
      type: 'implement_wave',
      payload: { wave_number: 7 },
    });
    expect(refused.signal.refused).toMatchObject({
      guard: 'no_such_wave',
      state: 'underway.implementing.wave.waiting',
    });
    await say(engine, 'used', 'advance_wave');
    await untilPlan(engine, 'used', (plan) => plan.status === 'done');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/used').split('\n')).toEqual(['README.md', 'later.txt']);
  });
});
