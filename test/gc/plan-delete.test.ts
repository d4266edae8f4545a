/** A plan is deleted with those leftovers that a person allows, but with nothing that would be lost without permission. */
import { spawn } from 'node:child_process';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { CleaningItem } from '../../runtime/api/client/client.ts';
import { afterwards, begin, planText, say, startEngine, type TestEngine, untilPlan } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

/** A done plan whose second task failed; that task's worktree is left. */
async function donePlan(on: TestEngine, plan = 'p'): Promise<string> {
  await begin(on, plan, planText(['echo one >one', 'exit 1']));
  await untilPlan(on, plan, ({ phase }) => phase === 'wave_waiting');
  await say(on, plan, 'advance_wave');
  await untilPlan(on, plan, ({ status }) => status === 'done');
  await until(() => git(on.repo, 'for-each-ref', `refs/stator/owned/plan/${plan}-w1-t1`) === '');
  return join(on.repo, '.worktrees', `plan-${plan}-w1-t2`);
}

const lines = (items: readonly CleaningItem[]) =>
  items.map(({ kind, name, state, override }) => [kind, name, state, override]);
const branches = ({ repo }: TestEngine) => git(repo, 'branch', '--format=%(refname:short)').split('\n');
const plansOf = async ({ client }: TestEngine) => (await client.plans('demo')).map(({ plan }) => plan);

it('keeps branches and worktrees where nobody says that they may go, and names them', async () => {
  const on = await startEngine();
  const worktree = await donePlan(on);
  const before = branches(on);
  const { items } = await on.client.deletePlan('demo', 'p');
  expect(lines(items)).toEqual([
    ['worktree', worktree, 'kept', null],
    ['branch', 'plan/p', 'kept', 'unmerged'],
    ['branch', 'plan/p-w1-t2', 'kept', null],
  ]);
  expect(branches(on)).toEqual(before);
  expect(existsSync(worktree)).toBe(true);
  expect(await plansOf(on)).toEqual([]);
});

it('takes worktrees alone, or branches too once they are merged; of another plan nothing', async () => {
  const on = await startEngine();
  const mine = await donePlan(on);
  const other = await donePlan(on, 'p2');
  const gone = await on.client.deletePlan('demo', 'p', { clear: 'worktrees' });
  expect(lines(gone.items)).toEqual([['worktree', mine, 'gone', null]]);
  expect(branches(on)).toEqual(['main', 'plan/p', 'plan/p-w1-t2', 'plan/p2', 'plan/p2-w1-t2']);
  expect(existsSync(other)).toBe(true);
  git(on.repo, 'merge', '-q', 'plan/p2');
  await on.client.deletePlan('demo', 'p2', { clear: 'branches' });
  expect(branches(on)).toEqual(['main', 'plan/p', 'plan/p-w1-t2']);
  expect(existsSync(other)).toBe(false);
});

it('deletes nothing at all where commits, files or a process speak against it, each until its own word is said', async () => {
  const on = await startEngine();
  const worktree = await donePlan(on);
  writeFileSync(join(worktree, 'later'), 'written by hand\n');
  const standing = spawn('sleep', ['1000'], { cwd: worktree, stdio: 'ignore' });
  afterwards(() => void standing.kill('SIGKILL'));
  const refused = (overrides: ('unmerged' | 'uncommitted' | 'in_use')[]) =>
    on.client.deletePlan('demo', 'p', { clear: 'branches', overrides }).then(
      () => null,
      ({ code, hint }: { code: string; hint: string }) => [code, hint.split(':')[1]?.split(';')[0]?.trim()],
    );
  expect(await refused([])).toEqual(['refused', '--even-if-in-use --even-if-unmerged']);
  expect(await refused(['in_use', 'unmerged'])).toEqual(['refused', '--even-if-uncommitted']);
  expect(await refused(['in_use', 'uncommitted'])).toEqual(['refused', '--even-if-unmerged']);
  expect(await plansOf(on)).toEqual(['p']);
  expect(existsSync(join(worktree, 'later'))).toBe(true);
  const overrides = ['in_use', 'unmerged', 'uncommitted'] as const;
  const { items } = await on.client.deletePlan('demo', 'p', { clear: 'branches', overrides });
  const ref = /refs\/\S+/.exec(items[0]?.why ?? '')?.[0] ?? '';
  expect(git(on.repo, 'show', `${ref}:later`)).toBe('written by hand');
  expect(branches(on)).toEqual(['main']);
});

it('is refused while the plan is under way, and deletes one whose repo is gone only without what it left there', async () => {
  const on = await startEngine();
  await begin(on, 'p', planText(['exit 1']));
  await untilPlan(on, 'p', ({ phase }) => phase === 'wave_waiting');
  const conflict = { code: 'conflict' };
  await expect(on.client.deletePlan('demo', 'p', { clear: 'branches' })).rejects.toMatchObject(conflict);
  await expect(on.client.planLeftovers('demo', 'p')).rejects.toMatchObject(conflict);
  await say(on, 'p', 'advance_wave');
  await untilPlan(on, 'p', ({ status }) => status === 'done');
  renameSync(on.repo, `${on.repo}-moved`);
  await expect(on.client.deletePlan('demo', 'p', { clear: 'branches' })).rejects.toMatchObject({ code: 'bad_repo' });
  const { notes } = await on.client.deletePlan('demo', 'p');
  expect(notes).toEqual([expect.stringContaining('what it left in demo could not be looked at')]);
  expect(await plansOf(on)).toEqual([]);
});
