/** What plans left behind is cleared away: what ended long enough ago, nothing that would be lost, and nothing that stator did not make. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { CleaningItem } from '../../runtime/client/client.ts';
import { afterwards, begin, planText, say, startEngine, type TestEngine, untilPlan } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

const everything = { dry: false, older_than_ms: 0, overrides: [] } as const;

/** A plan that is done, though its second task failed; the worktree of that one is left. */
async function donePlan(on: TestEngine, plan = 'p', failing = 'exit 1'): Promise<void> {
  await begin(on, plan, planText(['echo one >one', failing]));
  await untilPlan(on, plan, ({ phase }) => phase === 'wave_waiting');
  await say(on, plan, 'advance_wave');
  await untilPlan(on, plan, ({ status }) => status === 'done');
  // That of the merged task goes by itself.
  await until(() => !existsSync(join(on.repo, '.worktrees', `plan-${plan}-w1-t1`)));
}

/** As rows of `kind state`, with how many there are of each. */
function counted(items: readonly CleaningItem[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind, state } of items) counts[`${kind} ${state}`] = (counts[`${kind} ${state}`] ?? 0) + 1;
  return counts;
}

function runFolders({ home }: TestEngine): string[] {
  return readdirSync(join(home, 'runs'));
}

it('says first what would go and what stays, and changes nothing', async () => {
  const on = await startEngine();
  await donePlan(on);
  const folders = runFolders(on);
  const young = await on.client.gc({ dry: true, overrides: [] });
  expect(counted(young.items)).toEqual({ 'run_folder kept': 2, 'worktree kept': 1 });
  expect(young.items.map(({ why }) => why)).toEqual(Array(3).fill('its plan is done, but not for long enough'));
  const old = await on.client.gc({ dry: true, older_than_ms: 0, overrides: [] });
  expect(counted(old.items)).toEqual({ 'run_folder goes': 2, 'worktree goes': 1 });
  expect(old.items.every(({ bytes }) => (bytes ?? 0) > 0)).toBe(true);
  expect(runFolders(on)).toEqual(folders);
  expect(git(on.repo, 'worktree', 'list').split('\n')).toHaveLength(2);
});

it('takes run folders and worktrees of a plan that is over; its journal stays, and nothing is left to take', async () => {
  const on = await startEngine();
  await donePlan(on);
  const history = await on.client.history('demo', 'p');
  const report = await on.client.gc(everything);
  expect(counted(report.items)).toEqual({ 'run_folder gone': 2, 'worktree gone': 1 });
  expect(report.disk.after.runs).toBeLessThan(report.disk.before.runs);
  expect(runFolders(on)).toEqual([]);
  expect(git(on.repo, 'worktree', 'list').split('\n')).toHaveLength(1);
  expect(await on.client.history('demo', 'p')).toEqual(history);
  expect(await on.client.capture('demo', 'p-w1-t1')).toBe('');
  expect((await on.client.gc(everything)).items).toEqual([]);
});

it('leaves a plan alone that is under way', async () => {
  const on = await startEngine();
  await begin(on, 'p', planText(['echo one >one', 'exit 1']));
  await untilPlan(on, 'p', ({ phase }) => phase === 'wave_waiting');
  const { items } = await on.client.gc(everything);
  expect(counted(items)).toEqual({ 'run_folder kept': 2, 'worktree kept': 1 });
  expect(new Set(items.map(({ why }) => why))).toEqual(new Set(['its plan is implementing']));
});

it('keeps a worktree with uncommitted work; where somebody says that it may go, a ref keeps the work', async () => {
  const on = await startEngine();
  await donePlan(on);
  const worktree = join(on.repo, '.worktrees', 'plan-p-w1-t2');
  writeFileSync(join(worktree, 'later'), 'written by hand\n');
  const [kept] = (await on.client.gc(everything)).items.filter(({ kind }) => kind === 'worktree');
  expect(kept).toMatchObject({ state: 'kept', override: 'uncommitted', name: worktree });
  expect(kept?.why).toContain('later');
  const { items } = await on.client.gc({ ...everything, overrides: ['uncommitted'] });
  const [gone] = items.filter(({ kind }) => kind === 'worktree');
  expect(gone).toMatchObject({ state: 'gone' });
  expect(existsSync(worktree)).toBe(false);
  const ref = /refs\/\S+/.exec(gone?.why ?? '')?.[0] ?? '';
  expect(git(on.repo, 'show', `${ref}:later`)).toBe('written by hand');
});

it('keeps a worktree in which somebody stands', async () => {
  const on = await startEngine();
  await donePlan(on);
  const worktree = join(on.repo, '.worktrees', 'plan-p-w1-t2');
  const standing = spawn('sleep', ['1000'], { cwd: worktree, stdio: 'ignore' });
  afterwards(() => void standing.kill('SIGKILL'));
  const [kept] = (await on.client.gc(everything)).items.filter(({ kind }) => kind === 'worktree');
  expect(kept).toMatchObject({ state: 'kept', override: 'in_use', why: `pid ${standing.pid} (sleep) stands in it` });
  const { items } = await on.client.gc({ ...everything, overrides: ['in_use'] });
  expect(counted(items)).toEqual({ 'worktree gone': 1 });
});

it('follows no link out of a run folder or a worktree', async () => {
  const on = await startEngine();
  const precious = mkdtempSync(join(on.root, 'precious-'));
  writeFileSync(join(precious, 'letter'), 'dear\n');
  await donePlan(on, 'p', `ln -s '${precious}' link; ln -s '${precious}' "$TMPDIR/link"; exit 1`);
  const { items } = await on.client.gc(everything);
  expect(counted(items)).toEqual({ 'run_folder gone': 2, 'worktree gone': 1 });
  expect(readFileSync(join(precious, 'letter'), 'utf8')).toBe('dear\n');
});

it('takes nothing that stator did not make: links and strange folders under runs, a worktree that an agent locked in our name', async () => {
  const on = await startEngine();
  await donePlan(on);
  const precious = mkdtempSync(join(on.root, 'precious-'));
  writeFileSync(join(precious, 'letter'), 'dear\n');
  symlinkSync(precious, join(on.home, 'runs', 'link'));
  symlinkSync(precious, join(on.home, 'runs', '.removing-link'));
  mkdirSync(join(on.home, 'runs', 'stranger'));
  const far = join(on.root, 'far');
  git(on.repo, 'worktree', 'add', '-q', '--lock', '--reason', 'stator: plan/p', '--detach', far);
  const { items } = await on.client.gc({ ...everything, overrides: ['unmerged', 'uncommitted', 'in_use'] });
  const kept = items.filter(({ state }) => state === 'kept').map(({ name, why }) => [name, why]);
  expect(kept.sort()).toEqual(
    [
      ['.removing-link', 'it is no folder, so no run of stator made it'],
      [far, `it does not lie in ${join(on.repo, '.worktrees')}, where stator makes them`],
      ['link', 'it is no folder, so no run of stator made it'],
      ['stranger', 'no run that this store knows has it'],
    ].sort(),
  );
  expect(readFileSync(join(precious, 'letter'), 'utf8')).toBe('dear\n');
  expect(existsSync(join(far, '.git'))).toBe(true);
});

it('is done by one at a time', async () => {
  const on = await startEngine();
  await donePlan(on);
  const both = await Promise.allSettled([on.client.gc(everything), on.client.gc(everything)]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'conflict' } });
});
