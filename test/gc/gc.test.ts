/** Leftovers of plans are deleted: those that ended long enough ago, but nothing that would be lost, and nothing that stator did not make. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { CleaningItem } from '../../runtime/api/client/client.ts';
import { dataFolderOf } from '../../runtime/work/effects/data-folders.ts';
import { terminal } from '../support/cli.ts';
import { afterwards, begin, planText, say, startEngine, type TestEngine, untilPlan } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

const everything = { dry: false, older_than_ms: 0, overrides: [] } as const;

/** A done plan whose second task failed; that task's worktree is left. */
async function donePlan(on: TestEngine, plan = 'p', failing = 'exit 1'): Promise<void> {
  await begin(on, plan, planText(['echo one >one', failing]));
  await untilPlan(on, plan, ({ phase }) => phase === 'wave_waiting');
  await say(on, plan, 'advance_wave');
  await untilPlan(on, plan, ({ status }) => status === 'done');
  await untilTidy(on, plan);
}

/** The merged task's leftovers are deleted automatically; its mark is the last of them. */
async function untilTidy({ repo }: TestEngine, plan: string): Promise<void> {
  await until(() => git(repo, 'for-each-ref', `refs/stator/owned/plan/${plan}-w1-t1`) === '');
}

/** The number of items by `kind state`. */
function counted(items: readonly CleaningItem[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind, state } of items) counts[`${kind} ${state}`] = (counts[`${kind} ${state}`] ?? 0) + 1;
  return counts;
}

function runFolders({ home }: TestEngine): string[] {
  return readdirSync(join(home, 'runs'));
}

/** What a program keeps from one run of an agent to the next. */
async function memoryOf({ home }: TestEngine, plan: string): Promise<string> {
  const agent = { title: `${plan}-w1-t1`, preset: 'claude' } as const;
  return dirname(await dataFolderOf({ home, store: { plan: async () => null } }, { project: 'demo', plan }, agent));
}

it('says first what would go and what stays, and changes nothing', async () => {
  const on = await startEngine();
  await donePlan(on);
  const folders = runFolders(on);
  const young = await on.client.gc({ dry: true, overrides: [] });
  expect(counted(young.items)).toEqual({ 'run_folder kept': 2, 'worktree kept': 1, 'branch kept': 2, 'ref kept': 2 });
  expect(young.items.map(({ why }) => why)).toEqual(Array(7).fill('its plan is done, but not for long enough'));
  const old = await on.client.gc({ dry: true, older_than_ms: 0, overrides: [] });
  expect(counted(old.items)).toEqual({
    'run_folder goes': 2,
    'worktree goes': 1,
    'branch kept': 1,
    'branch goes': 1,
    'ref goes': 2,
  });
  expect(
    old.items.flatMap(({ kind, bytes }) => (kind === 'run_folder' && (bytes ?? 0) > 0 ? [bytes] : [])),
  ).toHaveLength(2);
  expect(runFolders(on)).toEqual(folders);
  expect(git(on.repo, 'worktree', 'list').split('\n')).toHaveLength(2);
});

it('takes run folders and worktrees of a plan that is over; its journal stays, and nothing is left to take', async () => {
  const on = await startEngine();
  await donePlan(on);
  const history = await on.client.history('demo', 'p');
  const memory = await memoryOf(on, 'p');
  const report = await on.client.gc(everything);
  expect(counted(report.items)).toEqual({
    'run_folder gone': 2,
    'agent_memory gone': 1,
    'worktree gone': 1,
    'branch kept': 1,
    'branch gone': 1,
    'ref gone': 2,
  });
  expect(existsSync(memory)).toBe(false);
  expect(report.disk.after.runs).toBeLessThan(report.disk.before.runs);
  expect(runFolders(on)).toEqual([]);
  expect(git(on.repo, 'worktree', 'list').split('\n')).toHaveLength(1);
  expect(await on.client.history('demo', 'p')).toEqual(history);
  expect(await on.client.capture({ project: 'demo', title: 'p-w1-t1' })).toBe('');
  expect(counted((await on.client.gc(everything)).items)).toEqual({ 'branch kept': 1 });
});

it('leaves a plan alone that is under way', async () => {
  const on = await startEngine();
  await begin(on, 'p', planText(['echo one >one', 'exit 1']));
  await untilPlan(on, 'p', ({ phase }) => phase === 'wave_waiting');
  await untilTidy(on, 'p');
  const memory = await memoryOf(on, 'p');
  const unknown = join(on.home, 'kept', 'unknown');
  mkdirSync(unknown);
  const { items } = await on.client.gc(everything);
  const leftovers = { 'run_folder kept': 2, 'worktree kept': 1, 'branch kept': 2, 'ref kept': 2 };
  expect(counted(items)).toEqual({ ...leftovers, 'agent_memory kept': 2 });
  expect(new Set(items.map(({ why }) => why))).toEqual(
    new Set(['its plan is implementing', 'it does not say which plan it is of']),
  );
  expect([existsSync(memory), existsSync(unknown)]).toEqual([true, true]);
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

it('keeps a worktree in which a process has its working directory', async () => {
  const on = await startEngine();
  await donePlan(on);
  const worktree = join(on.repo, '.worktrees', 'plan-p-w1-t2');
  const standing = spawn('sleep', ['1000'], { cwd: worktree, stdio: 'ignore' });
  afterwards(() => void standing.kill('SIGKILL'));
  const [kept] = (await on.client.gc(everything)).items.filter(({ kind }) => kind === 'worktree');
  expect(kept).toMatchObject({
    state: 'kept',
    override: 'in_use',
    why: `pid ${standing.pid} (sleep) has its working directory in it`,
  });
  const { items } = await on.client.gc({ ...everything, overrides: ['in_use'] });
  expect(counted(items)).toEqual({ 'worktree gone': 1, 'branch kept': 1, 'branch gone': 1 });
});

it('follows no link out of a run folder or a worktree', async () => {
  const on = await startEngine();
  const precious = mkdtempSync(join(on.root, 'precious-'));
  writeFileSync(join(precious, 'letter'), 'dear\n');
  await donePlan(on, 'p', `ln -s '${precious}' link; ln -s '${precious}' "$TMPDIR/link"; exit 1`);
  const { items } = await on.client.gc(everything);
  expect(counted(items)).toEqual({
    'run_folder gone': 2,
    'worktree gone': 1,
    'branch kept': 1,
    'branch gone': 1,
    'ref gone': 1,
    // The failed task's link is on no branch.
    'ref kept': 1,
  });
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

it('clears away the rest where something cannot be deleted, and says why that stays', async () => {
  let isClosed = true;
  const on = await startEngine({
    faults(point) {
      if (point !== 'gc.after-rename' || !isClosed) return;
      isClosed = false;
      throw Object.assign(new Error('EACCES: permission denied, rmdir'), { code: 'EACCES' });
    },
  });
  await donePlan(on);
  // The machine lost its power while this was written.
  const memory = join(on.home, 'kept', 'damaged');
  mkdirSync(memory, { recursive: true });
  writeFileSync(join(memory, 'owner.json'), '');
  const report = await on.client.gc(everything);
  expect(counted(report.items)).toMatchObject({
    ...{ 'run_folder kept': 1, 'run_folder gone': 1, 'worktree gone': 1, 'agent_memory kept': 1 },
  });
  expect(report.notes).toEqual([expect.stringContaining('it cannot be deleted: EACCES')]);
  expect(counted((await on.client.gc(everything)).items)).toEqual({ 'branch kept': 1, 'agent_memory kept': 1 });
  expect(runFolders(on)).toEqual([]);
});

it('is done by one at a time', async () => {
  const on = await startEngine();
  await donePlan(on);
  const both = await Promise.allSettled([on.client.gc(everything), on.client.gc(everything)]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'conflict' } });
});

it('takes the branches of a plan that is merged, and the refs of what is in them; what no branch has stays until somebody says otherwise', async () => {
  const on = await startEngine();
  await donePlan(on, 'merged', 'git commit -q --allow-empty -m mine; exit 1');
  await donePlan(on, 'lone');
  git(on.repo, 'merge', '-q', 'plan/merged');
  // Anybody can write such a ref: a plan's own branch is not gone by it.
  git(on.repo, 'update-ref', 'refs/stator/attempts/lone#copy', 'plan/lone');
  const { items } = await on.client.gc(everything);
  const kept = items.filter(({ state }) => state === 'kept');
  // The failed attempt of the merged plan has a commit that no branch has.
  expect(kept).toMatchObject([
    { kind: 'branch', name: 'plan/lone', override: 'unmerged' },
    { kind: 'ref', project: 'demo', plan: 'merged', override: 'unmerged' },
  ]);
  const ref = kept[1]?.name ?? '';
  // The attempt's ref preserves the failed task's commit; the other task's commit is in its plan's branch.
  const gone = items.flatMap(({ kind, name, state }) => (kind === 'branch' && state === 'gone' ? [name] : []));
  expect(gone.sort()).toEqual(['plan/lone-w1-t2', 'plan/merged', 'plan/merged-w1-t2']);
  const left = git(on.repo, 'for-each-ref', '--format=%(refname)').split('\n');
  expect(left).toEqual(['refs/heads/main', 'refs/heads/plan/lone', ref, 'refs/stator/owned/plan/lone']);
  const tip = git(on.repo, 'rev-parse', 'plan/lone');
  const forced = await on.client.gc({ ...everything, overrides: ['unmerged'] });
  expect(forced.items).toMatchObject([
    { kind: 'branch', name: 'plan/lone', state: 'gone', why: `it was at ${tip}` },
    { kind: 'ref', name: ref, state: 'gone' },
  ]);
  expect(git(on.repo, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
});

it('believes no mark or ref by itself: branches and refs that an agent made stay', async () => {
  const on = await startEngine();
  await donePlan(on);
  git(on.repo, 'branch', 'mine');
  git(on.repo, 'branch', 'plan/other');
  for (const ref of [
    'owned/mine',
    'owned/main',
    'owned/plan/other',
    'attempts/other#1',
    'archive/other/1',
    'elsewhere',
  ])
    git(on.repo, 'update-ref', `refs/stator/${ref}`, 'main');
  git(on.repo, 'symbolic-ref', 'refs/stator/attempts/p#evil', 'refs/heads/main');
  await on.client.gc({ ...everything, overrides: ['unmerged', 'uncommitted', 'in_use'] });
  expect(git(on.repo, 'for-each-ref', '--format=%(refname)').split('\n')).toEqual([
    'refs/heads/main',
    'refs/heads/mine',
    'refs/heads/plan/other',
    'refs/stator/archive/other/1',
    'refs/stator/attempts/other#1',
    'refs/stator/attempts/p#evil',
    'refs/stator/elsewhere',
    'refs/stator/owned/main',
    'refs/stator/owned/mine',
    'refs/stator/owned/plan/other',
  ]);
});

it('asks nothing in a pipe if there is nothing to clear away, and succeeds', async () => {
  const here = terminal();
  for (const verb of [['gc'], ['gc', '--json'], ['issue', 'prune'], ['issue', 'prune', '--json']])
    expect(await here.stator(verb), verb.join(' ')).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining('error'),
    });
  expect(JSON.parse((await here.stator(['gc', '--json'])).stdout)).toMatchObject({ items: [], dry: true });
});
