/** A worktree whose folder is missing for a while: work that needs it waits, the reason is shown everywhere, and no attempt is spent. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  say,
  startEngine,
  untilFile,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { machineClock } from '../support/machine-clock.ts';

const isWaiting = ({ waiting_for: waiting }: { waiting_for: { kind: string } | null }) => waiting?.kind === 'repo';

function startOn(dir: string, clock?: ReturnType<typeof machineClock>['clock']) {
  const on = ground();
  mkdirSync(join(on.repo, '.stator'));
  const text = `[worktree]\ndir = ${JSON.stringify(dir.replace('ROOT', on.root))}\n`;
  writeFileSync(join(on.repo, '.stator', 'config.toml'), text);
  return startEngine({ on, ...(clock && { clock }), agents: { default: { preset: 'sh', attempts: 1 } } });
}

it('an agent that ends while its worktree is away has its work committed when that is back', async () => {
  const made = await startOn('.worktrees');
  const { repo, root } = made;
  const [begun, go] = [join(root, 'begun'), join(root, 'go')];
  await begin(made, 'away', planText([`echo a > a.txt; echo x > '${begun}'; cd /; ${gate(go)}`]));
  await untilFile(begun);
  const place = join(repo, '.worktrees', 'plan-away-w1-t1');
  renameSync(place, join(root, 'elsewhere'));
  openGate(go);
  const shown = await untilPlan(made, 'away', isWaiting);
  expect(shown.waiting_for?.detail).toContain(place);
  renameSync(join(root, 'elsewhere'), place);
  const done = await untilStatus(made, 'away', 'done');
  expect(done.tasks_by_wave[0]?.tasks).toMatchObject([{ attempts: 1 }]);
  expect(git(repo, 'show', 'plan/away:a.txt')).toBe('a');
});

it('an agent that fails of a disk that dropped out goes on when it is back, and spends no attempt', async () => {
  const made = await startOn('ROOT/disk/trees');
  const { repo, root } = made;
  const disk = join(root, 'disk');
  const [begun, go] = [join(root, 'begun'), join(root, 'go')];
  const does = `if [ -e a.txt ]; then exit 0; fi; echo a > a.txt; echo x > '${begun}'; cd /; ${gate(go)}; exit 1`;
  await begin(made, 'disk', planText([does]));
  await untilFile(begun);
  renameSync(disk, `${disk}-out`);
  openGate(go);
  const shown = await untilPlan(made, 'disk', isWaiting);
  expect(shown.waiting_for?.detail).toContain(join(disk, 'trees'));
  expect(existsSync(disk)).toBe(false);
  renameSync(`${disk}-out`, disk);
  await untilStatus(made, 'disk', 'done');
  expect(git(repo, 'show', 'plan/disk:a.txt')).toBe('a');
});

it('an agent that moves its own worktree with git has its work taken, and the worktree is back in its place', async () => {
  const made = await startOn('.worktrees');
  const { repo, root } = made;
  const [begun, go] = [join(root, 'begun'), join(root, 'go')];
  const moves = `echo a > a.txt; git worktree unlock "$PWD"; git worktree move "$PWD" '${root}/elsewhere'; cd /`;
  await begin(made, 'moved', planText([moves], [`ls '${root}' > list.txt; echo x > '${begun}'; ${gate(go)}`]));
  await untilFile(begun);
  expect(git(repo, 'show', 'plan/moved:a.txt')).toBe('a');
  expect(existsSync(join(root, 'elsewhere'))).toBe(false);
  openGate(go);
  await untilStatus(made, 'moved', 'done');
});

it('an agent whose worktree git has at a place where it is not has changed nothing, and the next attempt begins in a new one', async () => {
  const { clock, pass } = machineClock();
  const made = await startOn('.worktrees', clock);
  const { repo, root } = made;
  const moves = `git worktree unlock "$PWD"; git worktree move "$PWD" '${root}/elsewhere'; mv '${root}/elsewhere' '${root}/further'`;
  await begin(
    made,
    'gone',
    planText([`if [ -e '${root}/further' ]; then echo b > b.txt; else echo a > a.txt; ${moves}; fi`]),
  );
  const shown = await untilPlan(made, 'gone', ({ phase, waiting_for: what }) => {
    if (what?.kind === 'repo') pass(20_000);
    return phase === 'wave_waiting';
  });
  expect(shown.tasks_by_wave[0]?.tasks).toMatchObject([
    { reason: 'no-change', why: expect.stringContaining('was gone when it ended') },
  ]);
  await say(made, 'gone', 'retry_wave');
  await untilStatus(made, 'gone', 'done');
  expect(git(repo, 'ls-tree', '--name-only', 'plan/gone').split('\n')).toContain('b.txt');
});
