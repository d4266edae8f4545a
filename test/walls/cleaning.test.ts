/** Files that an agent leaves where `gc`, `plan delete` and `doctor --fix` delete things lead them to no foreign file. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { clearLock } from '../../runtime/work/git/lock-file.ts';
import { makeRepo } from '../support/daemon.ts';
import { begin, planText, say, startEngine, type TestEngine, untilPlan } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

async function donePlan(on: TestEngine): Promise<string> {
  await begin(on, 'p', planText(['echo one >one', 'exit 1']));
  await untilPlan(on, 'p', ({ phase }) => phase === 'wave_waiting');
  await say(on, 'p', 'advance_wave');
  await untilPlan(on, 'p', ({ status }) => status === 'done');
  await until(() => git(on.repo, 'for-each-ref', 'refs/stator/owned/plan/p-w1-t1') === '');
  return join(on.repo, '.worktrees', 'plan-p-w1-t2');
}

const everything = { dry: false, older_than_ms: 0, overrides: [] } as const;
const all = ['unmerged', 'uncommitted', 'in_use'] as const;

it('a .git of a worktree that leads to another repository: nothing is committed, moved or deleted there', async () => {
  const on = await startEngine();
  const other = join(on.root, 'other');
  makeRepo(other);
  writeFileSync(join(other, 'letter'), 'dear\n');
  const state = () => [git(other, 'for-each-ref'), git(other, 'status', '--porcelain'), git(other, 'log', '--oneline')];
  const before = state();
  const worktree = await donePlan(on);
  writeFileSync(join(worktree, '.git'), `gitdir: ${join(other, '.git')}\n`);
  writeFileSync(join(worktree, 'later'), 'x\n');
  const { items } = await on.client.gc({ ...everything, overrides: [...all] });
  expect(items.find(({ kind }) => kind === 'worktree')).toMatchObject({ name: worktree, state: 'gone' });
  expect(state()).toEqual(before);
  expect(readFileSync(join(other, 'letter'), 'utf8')).toBe('dear\n');
});

it('a repository of its own in a worktree is kept as a ref before the worktree goes', async () => {
  const on = await startEngine();
  const worktree = await donePlan(on);
  makeRepo(join(worktree, 'mine'));
  const head = git(join(worktree, 'mine'), 'rev-parse', 'HEAD');
  const { items } = await on.client.gc({ ...everything, overrides: [...all] });
  expect(items.find(({ kind }) => kind === 'worktree')).toMatchObject({ state: 'gone' });
  const kept = git(on.repo, 'for-each-ref', '--format=%(refname)', '--contains', head, 'refs/stator');
  expect(kept).toContain('nested-mine');
});

it('an entry in .git/worktrees that says another place: the folder there stays, inside of .worktrees and elsewhere', async () => {
  const on = await startEngine();
  const worktree = await donePlan(on);
  const entry = join(on.repo, '.git', 'worktrees', 'plan-p-w1-t2', 'gitdir');
  for (const place of [
    join(on.repo, '.worktrees', 'mine'),
    join(on.root, 'precious'),
    join(on.repo, '.worktrees', '..', 'precious'),
  ]) {
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'letter'), 'dear\n');
    writeFileSync(entry, `${place}/.git\n`);
    await on.client.gc(everything);
    await on.client.repair({ dry: false });
    expect(readFileSync(join(place, 'letter'), 'utf8')).toBe('dear\n');
  }
  expect(existsSync(worktree)).toBe(true);
});

it('a link in the place of a worktree, of a run folder, or of the folder of worktrees: what it leads to stays', async () => {
  const on = await startEngine();
  const worktree = await donePlan(on);
  const precious = join(on.root, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'letter'), 'dear\n');
  rmSync(worktree, { recursive: true });
  symlinkSync(precious, worktree);
  const runs = join(on.home, 'runs');
  const [first] = readdirSync(runs);
  rmSync(join(runs, first ?? ''), { recursive: true });
  symlinkSync(precious, join(runs, first ?? ''));
  await on.client.gc({ ...everything, overrides: [...all] });
  await on.client.repair({ dry: false });
  renameSync(join(on.repo, '.worktrees'), join(on.root, 'aside'));
  symlinkSync(on.root, join(on.repo, '.worktrees'));
  await on.client.gc({ ...everything, overrides: [...all] });
  await on.client.repair({ dry: false });
  expect(readdirSync(precious)).toEqual(['letter']);
  expect(readdirSync(on.root)).toEqual(expect.arrayContaining(['demo', 'home', 'aside', 'precious']));
  expect(existsSync(join(on.repo, '.git', 'HEAD'))).toBe(true);
});

it('names of branches and refs that are more than names are kept as they are, and run nothing', async () => {
  const on = await startEngine();
  await donePlan(on);
  const evil = ['plan/$(true)', 'plan/p-w1-t2;true', 'plan/-rf'];
  for (const name of evil) {
    git(
      on.repo,
      'update-ref',
      `refs/heads/${name}`,
      git(on.repo, 'commit-tree', '-m', 'x', '-p', 'main', 'main^{tree}'),
    );
    git(on.repo, 'update-ref', `refs/stator/owned/${name}`, 'main');
  }
  const look = async () => (await on.client.repair({ dry: false })).orphans;
  // While it cannot be determined which engine serves the repository, everything stays for that reason.
  await until(async () => (await look()).every(({ what }) => !what.includes('the engine of')));
  const orphans = await look();
  expect(orphans.map(({ state, name }) => `${state} ${name}`).sort()).toEqual(
    evil.map((name) => `kept ${name}`).sort(),
  );
  expect(orphans.map(({ what }) => what).join('\n')).toContain(`git branch -D 'plan/$(true)'`);
});

it('refs that hold no commit, or are names of others, are kept: no branch has what they hold', async () => {
  const on = await startEngine();
  writeFileSync(join(on.root, 'letter'), 'nowhere else\n');
  const blob = git(on.repo, 'hash-object', '-w', join(on.root, 'letter'));
  git(on.repo, 'tag', '-a', '-m', 'x', 'of-a-file', blob);
  git(on.repo, 'update-ref', 'refs/stator/attempts/file', blob);
  git(on.repo, 'update-ref', 'refs/stator/archive/tag', git(on.repo, 'rev-parse', 'of-a-file'));
  git(on.repo, 'tag', '-d', 'of-a-file');
  git(on.repo, 'symbolic-ref', 'refs/stator/attempts/name', 'refs/heads/main');
  const before = git(on.repo, 'for-each-ref');
  const { orphans } = await on.client.repair({ dry: false });
  expect(orphans.map(({ state }) => state)).toEqual(['kept', 'kept', 'kept']);
  await on.client.gc({ ...everything, overrides: [...all] });
  expect(git(on.repo, 'for-each-ref')).toBe(before);
});

it('a folder, a link or a file elsewhere that is called like a lock of git is not taken away', async () => {
  const on = await startEngine();
  const refs = join(on.repo, '.git', 'refs', 'stator');
  mkdirSync(join(refs, 'attempts.lock'), { recursive: true });
  git(on.repo, 'update-ref', 'refs/heads/x', 'main');
  writeFileSync(join(refs, 'attempts.lock', 'mine'), git(on.repo, 'rev-parse', 'main'));
  mkdirSync(join(on.root, 'refs'));
  const [elsewhere, link, own] = [
    join(on.root, 'refs', 'yarn.lock'),
    join(refs, 'link.lock'),
    join(refs, 'killed.lock'),
  ];
  for (const file of [elsewhere, own]) writeFileSync(file, '');
  symlinkSync(elsewhere, link);
  const old = new Date(Date.now() - 3_600_000);
  for (const path of [elsewhere, own, join(refs, 'attempts.lock')]) utimesSync(path, old, old);
  for (const path of [elsewhere, link, own, join(refs, 'attempts.lock')]) await clearLock(path);
  expect(readdirSync(join(on.root, 'refs'))).toEqual(['yarn.lock']);
  expect(readdirSync(refs).sort()).toEqual(['attempts.lock', 'link.lock']);
  expect(readdirSync(join(refs, 'attempts.lock'))).toEqual(['mine']);
});
