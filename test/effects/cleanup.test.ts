import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  gate,
  openGate,
  planText,
  runFolders,
  say,
  startEngine,
  untilFile,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

const dayMs = 86_400_000;

/** A clock that a test may put forward. */
function movableClock() {
  let aheadMs = 0;
  return {
    clock: { nowMs: () => Date.now() + aheadMs },
    forward: (ms: number): void => {
      aheadMs += ms;
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.startsWith('Z') === false;
  } catch {
    return false; // gone
  }
}

describe('what a plan leaves behind', () => {
  it('its worktree goes seven days after its end, with the branch kept and what lay there kept as a ref', async () => {
    const { clock, forward } = movableClock();
    const engine = await startEngine({ daemon: '', clock });
    const { repo, client } = engine;
    await begin(engine, 'over', planText(['echo a > a.txt']));
    const done = await untilStatus(engine, 'over', 'done');
    expect(done.waiting_for).toBe(null);
    const worktree = join(repo, '.worktrees', 'plan-over');
    const head = git(repo, 'rev-parse', 'plan/over');
    writeFileSync(join(worktree, 'note.txt'), 'look at this\n');

    forward(6 * dayMs);
    await begin(engine, 'next', planText(['echo b > b.txt']));
    await untilStatus(engine, 'next', 'done');
    expect(existsSync(worktree)).toBe(true);

    forward(dayMs);
    // The folder goes first, and then what git knows of it.
    await until(() => !git(repo, 'worktree', 'list').includes('plan-over'));
    expect(existsSync(worktree)).toBe(false);
    expect(git(repo, 'rev-parse', 'plan/over')).toBe(head);
    const refs = git(repo, 'for-each-ref', '--format=%(refname)', 'refs/stator/attempts').split('\n');
    const [leftover] = refs.filter((ref) => ref.endsWith('-leftover'));
    expect(git(repo, 'show', `${leftover}:note.txt`)).toBe('look at this');
    // The other plan's time has not come, and the one that is over stays as it is.
    expect(existsSync(join(repo, '.worktrees', 'plan-next'))).toBe(true);
    expect((await client.plan('demo', 'over')).status).toBe('done');

    await say(engine, 'over', 'reimplement');
    await untilStatus(engine, 'over', 'done');
    expect(readFileSync(join(worktree, 'a.txt'), 'utf8')).toBe('a\n');
  });

  it('a check that runs is gone when its plan is cancelled, and the plan may be begun anew at once', async () => {
    const engine = await startEngine();
    const { root } = engine;
    const [pidFile, go] = [join(root, 'pid'), join(root, 'go')];
    const fields = `**Check:** echo $$ > '${pidFile}'; ${gate(go)}`;
    await begin(engine, 'checked', planText([{ sh: 'echo a > a.txt', fields }]));
    await untilFile(pidFile);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await say(engine, 'checked', 'cancel');
    await until(() => !isAlive(pid));
    await untilStatus(engine, 'checked', 'cancelled');
    openGate(go);
    await say(engine, 'checked', 'reopen');
    await say(engine, 'checked', 'plan_start');
    await say(engine, 'checked', 'implement_start');
    await untilStatus(engine, 'checked', 'done');
  });

  it('a run that has ended well counts, though its time is up while what it left running is being ended', async () => {
    const { clock, forward } = movableClock();
    const engine = await startEngine({ clock, agents: { default: { preset: 'sh', attempts: 1, timeout: '1h' } } });
    const lingering = 'echo a > a.txt\nsleep 600 > /dev/null 2>&1 &\n';
    await begin(engine, 'late', planText([lingering]));
    await until(async () => (await engine.client.instances({ plan: 'late' }))[0]?.state === 'running');
    const [run = ''] = runFolders(engine.home, 'late');
    await untilFile(join(engine.home, 'runs', run, 'exit'));
    forward(dayMs);
    const done = await untilStatus(engine, 'late', 'done');
    expect(done.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'done', attempts: 1, reason: null });
    const lines = await engine.client.history('demo', 'late');
    expect(lines.some((line) => line.event === 'timer_due' && line.to === 'stopping')).toBe(true);
  });

  it('a run that ended well while no engine lived counts, though its time was up before the next engine came', async () => {
    const { clock, forward } = movableClock();
    const first = await startEngine({ clock });
    const go = join(first.root, 'go');
    await begin(first, 'away', planText([`${gate(go)}\necho a > a.txt`]));
    await until(async () => (await first.client.instances({ plan: 'away' }))[0]?.state === 'running');
    await first.engine.stop();
    openGate(go);
    const [run = ''] = runFolders(first.home, 'away');
    await untilFile(join(first.home, 'runs', run, 'exit'));
    forward(dayMs);
    const next = await startEngine({ clock, on: first, adds: false });
    const done = await untilStatus(next, 'away', 'done');
    expect(done.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'done', attempts: 1, reason: null });
  });
});
