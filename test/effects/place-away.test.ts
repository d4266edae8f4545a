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
  startEngine,
  untilFile,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git } from '../support/ground.ts';

const isWaiting = ({ waiting_for: waiting }: { waiting_for: { kind: string } | null }) => waiting?.kind === 'repo';

function startOn(dir: string) {
  const on = ground();
  mkdirSync(join(on.repo, '.stator'));
  const text = `[worktree]\ndir = ${JSON.stringify(dir.replace('ROOT', on.root))}\n`;
  writeFileSync(join(on.repo, '.stator', 'config.toml'), text);
  return startEngine({ on, agents: { default: { preset: 'sh', attempts: 1 } } });
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
