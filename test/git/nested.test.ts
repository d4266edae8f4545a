/** Repositories that an agent makes inside its worktree are in no commit. Refs preserve their work, and they are deleted with the worktree. */
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Committed, commitLeftovers, keepAttempt } from '../../runtime/work/git/attempt.ts';
import { ensureBranch } from '../../runtime/work/git/branch.ts';
import { mergeBranch } from '../../runtime/work/git/merge.ts';
import type { Repository } from '../../runtime/work/git/repository.ts';
import { prepareWorktree, removeWorktree } from '../../runtime/work/git/worktree.ts';
import { makeRepository, openRepository, run, temporaryHome, write } from '../support/git.ts';

const home = temporaryHome();
const quiet = ['-c', 'core.hooksPath=/dev/null', '-c', 'commit.gpgSign=false', '-c', 'advice.addEmbeddedRepo=false'];
const who = ['-c', 'user.name=Agent', '-c', 'user.email=agent@example.com'];
const branch = 'plan/demo-w1-t1';

interface Place {
  readonly repo: Repository;
  readonly path: string;
  readonly base: string;
}

async function demo(): Promise<Place> {
  const repo = await openRepository(join(home.path, 'demo'));
  write(repo.path, '.git/info/exclude', '/.worktrees/\n');
  await ensureBranch(repo, { branch: 'plan/demo', start: 'main' });
  return { repo, ...(await prepare(repo)) };
}

function prepare(repo: Repository, name = 'run-1', previousRun: string | null = null) {
  const path = join(repo.path, '.worktrees', 'demo-w1-t1');
  return prepareWorktree(repo, { path, branch, start: 'plan/demo', run: name, previousRun, reset: true });
}

function commitIn(folder: string, file: string): string {
  write(folder, file, `${file}\n`);
  run(folder, 'add', '-A');
  run(folder, ...quiet, ...who, 'commit', '-qm', file);
  return run(folder, 'rev-parse', 'HEAD');
}

function addLinked(path: string, way: string, ...more: string[]): string {
  run(path, ...quiet, 'worktree', 'add', '-q', ...more, way);
  return join(path, way);
}

function ends({ repo, path, base }: Place, name = 'run-1'): Promise<Committed> {
  return commitLeftovers(repo, { path, branch, run: name, base, message: 'task' });
}

function filesAt(repo: Repository, commit: string): string[] {
  return run(repo.path, 'ls-tree', '-r', '--name-only', commit).split('\n');
}

function refOf({ nested }: Pick<Committed, 'nested'>, path: string): string {
  return nested.find((each) => each.path === path)?.ref ?? 'none';
}

async function merged({ repo, path }: Place) {
  await mergeBranch(repo, { from: branch, into: 'plan/demo', message: 'merge' });
  return removeWorktree(repo, { path, branch, mergedInto: 'plan/demo' });
}

describe('a linked worktree', () => {
  test('is left out of the commit, with its branch, its uncommitted files and those inside of it kept', async () => {
    const place = await demo();
    const { repo, path } = place;
    write(path, 'work.txt', 'work\n');
    const outer = addLinked(path, '.claude/worktrees/agent-x', '-b', 'sub-x');
    const made = commitIn(outer, 'inner.txt');
    write(outer, 'open.txt', 'open\n');
    const inner = addLinked(outer, '.claude/worktrees/agent-y', '--detach');
    const detached = commitIn(inner, 'deep.txt');
    const end = await ends(place);
    expect(filesAt(repo, end.head)).toEqual(['a.txt', 'work.txt']);
    const kept = refOf(end, '.claude/worktrees/agent-x');
    expect(filesAt(repo, kept)).toEqual(['a.txt', 'inner.txt', 'open.txt']);
    expect(run(repo.path, 'rev-parse', `${kept}~`)).toBe(made);
    const deep = refOf(end, '.claude/worktrees/agent-x/.claude/worktrees/agent-y');
    expect(run(repo.path, 'rev-parse', deep)).toBe(detached);
    // A second call saves nothing new.
    expect(await ends(place)).toEqual(end);
    expect(await merged(place)).toEqual({ kind: 'removed', branchDeleted: true });
    expect(existsSync(join(repo.path, '.git', 'worktrees'))).toBe(false);
    // Nothing has its branch checked out any more.
    run(repo.path, ...quiet, 'branch', '-D', 'sub-x');
  });

  test('that was added to the commit as a pointer is taken out of it again', async () => {
    const place = await demo();
    const { repo, path } = place;
    const inner = addLinked(path, 'sub', '-b', 'sub-x');
    commitIn(inner, 'inner.txt');
    const own = commitIn(path, 'work.txt');
    expect(run(repo.path, 'ls-tree', own)).toContain('160000');
    const end = await ends(place);
    expect(filesAt(repo, end.head)).toEqual(['a.txt', 'work.txt']);
    expect(filesAt(repo, refOf(end, 'sub'))).toEqual(['a.txt', 'inner.txt']);
  });

  test('in a folder that is ignored is kept before the worktree goes, or is made ready for the next run', async () => {
    const place = await demo();
    const { repo, path } = place;
    write(path, '.gitignore', '/.claude/\n');
    const inner = addLinked(path, '.claude/worktrees/agent-x', '-b', 'sub-x');
    write(inner, 'open.txt', 'open\n');
    expect((await ends(place)).nested).toEqual([]);
    await prepare(repo, 'run-2', 'run-1');
    expect(existsSync(inner)).toBe(false);
    const refs = run(repo.path, 'for-each-ref', '--format=%(refname)', 'refs/stator/attempts').split('\n');
    const kept = refs.find((ref) => ref.includes('run-1-nested-agent-x')) ?? 'none';
    expect(filesAt(repo, kept)).toEqual(['a.txt', 'open.txt']);
    expect(readdirSync(join(repo.path, '.git', 'worktrees'))).toEqual(['demo-w1-t1']);
  });

  test('stays with the agent that goes on', async () => {
    const place = await demo();
    const { repo, path } = place;
    const inner = addLinked(path, 'sub', '-b', 'sub-x');
    const wanted = { path, branch, start: 'plan/demo', run: 'run-2', previousRun: 'run-1', reset: false };
    await prepareWorktree(repo, { ...wanted, goesOn: true });
    expect(run(inner, 'symbolic-ref', 'HEAD')).toBe('refs/heads/sub-x');
  });

  test("on a plan's branch holds nobody back", async () => {
    const { repo, path } = await demo();
    run(path, ...quiet, 'worktree', 'add', '-q', 'sub', 'plan/demo');
    const inner = join(path, 'sub');
    const head = run(inner, 'rev-parse', 'HEAD');
    const plans = join(repo.path, '.worktrees', 'demo');
    const wanted = { path: plans, branch: 'plan/demo', start: 'plan/demo', run: 'run-2', previousRun: null };
    await prepareWorktree(repo, { ...wanted, reset: false });
    expect(run(plans, 'symbolic-ref', 'HEAD')).toBe('refs/heads/plan/demo');
    expect(run(inner, 'rev-parse', '--symbolic-full-name', 'HEAD')).toBe('HEAD');
    expect(run(inner, 'rev-parse', 'HEAD')).toBe(head);
  });
});

describe('a clone or a new repository', () => {
  test('has all its branches, its stash and its open files kept; what it was cloned from is not taken along', async () => {
    const place = await demo();
    const { repo, path } = place;
    const tool = makeRepository(join(home.path, 'tool'), { isHostile: false });
    commitIn(tool, 'tool.txt');
    run(path, 'clone', '-q', tool, 'vendor/tool');
    run(path, 'clone', '-q', tool, 'vendor/looked-at');
    const clone = join(path, 'vendor', 'tool');
    run(clone, 'switch', '-qc', 'other');
    const other = commitIn(clone, 'other.txt');
    run(clone, 'switch', '-q', 'main');
    write(clone, 'a.txt', 'stashed\n');
    run(clone, ...quiet, ...who, 'stash', '-q');
    const stash = run(clone, 'rev-parse', 'refs/stash');
    const head = commitIn(clone, 'own.txt');
    write(clone, 'open.txt', 'open\n');
    const end = await ends(place);
    expect(end.changed).toBe(false);
    const kept = refOf(end, 'vendor/tool');
    expect(run(repo.path, 'rev-parse', `${kept}~`)).toBe(head);
    expect(filesAt(repo, kept)).toEqual(['a.txt', 'open.txt', 'own.txt', 'tool.txt']);
    const refs = run(repo.path, 'for-each-ref', '--format=%(objectname)', `${kept}-*`).split('\n');
    expect(refs.sort()).toEqual([other, stash].sort());
    expect(end.nested).toContainEqual({ path: 'vendor/looked-at', branch: 'main', ref: null, why: null });
    expect(run(repo.path, 'fsck', '--no-dangling')).toBe('');
    expect(await removeWorktree(repo, { path, branch, mergedInto: 'plan/demo' })).toMatchObject({ kind: 'removed' });
  });

  test('without a commit has its files kept', async () => {
    const place = await demo();
    run(place.path, 'init', '-q', 'app');
    write(place.path, 'app/main.txt', 'main\n');
    const end = await ends(place);
    expect(filesAt(place.repo, refOf(end, 'app'))).toEqual(['main.txt']);
  });

  test('whose objects are broken stays, and its worktree with it', async () => {
    const place = await demo();
    const { repo, path } = place;
    run(path, 'init', '-q', 'app');
    commitIn(join(path, 'app'), 'main.txt');
    const objects = join(path, 'app', '.git', 'objects');
    for (const name of readdirSync(objects)) if (/^..$/.test(name)) rmSync(join(objects, name), { recursive: true });
    write(path, 'work.txt', 'work\n');
    const end = await ends(place);
    expect(filesAt(repo, end.head)).toEqual(['a.txt', 'work.txt']);
    expect(end.nested).toMatchObject([{ path: 'app', ref: null, why: expect.stringContaining('it has no commit') }]);
    expect(await merged(place)).toMatchObject({ kind: 'kept', why: expect.stringContaining('app') });
    await prepare(repo, 'run-2', 'run-1');
    expect(existsSync(join(path, 'app', 'main.txt'))).toBe(true);
  });
});

describe('a git folder that an agent names', () => {
  test.each([
    { what: 'a repository of the user', link: false },
    { what: 'the same by a link', link: true },
  ])('$what is not read, and nothing of its configuration runs', async ({ link }) => {
    const place = await demo();
    const { repo, path } = place;
    const users = makeRepository(join(home.path, 'users'), { isHostile: false });
    const secret = commitIn(users, 'secret.txt');
    const ran = join(home.path, 'ran');
    run(users, 'config', 'core.fsmonitor', `touch ${ran}`);
    run(users, 'config', 'filter.x.clean', `touch ${ran}; cat`);
    mkdirSync(join(path, 'sub'));
    if (link) symlinkSync(join(users, '.git'), join(path, 'sub', '.git'));
    else writeFileSync(join(path, 'sub', '.git'), `gitdir: ${join(users, '.git')}\n`);
    write(path, 'sub/.gitattributes', '* filter=x\n');
    write(path, 'sub/mine.txt', 'mine\n');
    const end = await ends(place);
    const before = run(users, 'rev-parse', 'HEAD');
    expect(filesAt(repo, end.head)).toEqual(['a.txt']);
    expect(filesAt(repo, refOf(end, 'sub'))).toEqual(['.gitattributes', 'mine.txt']);
    expect(() => run(repo.path, 'cat-file', '-e', secret)).toThrow();
    expect([existsSync(ran), before]).toEqual([false, secret]);
  });

  test('that leads nowhere any more hides no files from being kept', async () => {
    const place = await demo();
    const { repo, path } = place;
    write(path, 'sub/.git', `gitdir: ${join(path, '..', 'gone')}\n`);
    write(path, 'sub/deep/mine.txt', 'mine\n');
    const { nested } = await keepAttempt(repo, { ...place, branch, run: 'run-1', message: 'task' });
    expect(filesAt(repo, refOf({ nested }, 'sub'))).toEqual(['deep/mine.txt']);
    await prepare(repo, 'run-2', 'run-1');
    expect(existsSync(join(path, 'sub'))).toBe(false);
  });
});

describe('folders that only claim to be a repository', () => {
  function claim(path: string, folder: string): void {
    write(path, `${folder}/deep/er/a.txt`, 'a\n');
    write(path, `${folder}/b.txt`, 'b\n');
    write(path, `${folder}/.git`, '');
  }

  test('are left out with all that is in them, and those beside them are not', async () => {
    const place = await demo();
    const { repo, path } = place;
    for (const folder of ['lib', 'lib-two', 'src/one/lib', 'src/one/library/two']) claim(path, folder);
    write(path, 'lib.txt', 'x\n');
    write(path, 'src/one/lib.txt', 'x\n');
    write(path, 'src/one/library/c.txt', 'x\n');
    write(path, 'src/two/lib/c.txt', 'x\n');
    const { head } = await ends(place);
    expect(filesAt(repo, head)).toEqual([
      'a.txt',
      'lib.txt',
      'src/one/lib.txt',
      'src/one/library/c.txt',
      'src/two/lib/c.txt',
    ]);
  });

  test('keep nothing waiting if there are thousands of them: they are refused', async () => {
    const place = await demo();
    for (let number = 0; number < 1_500; number += 1) write(place.path, `lib/${number}/.git`, '');
    for (let number = 0; number < 1_500; number += 1) write(place.path, `lib/${number}/a.txt`, '');
    const thrown = await ends(place).catch((error: unknown) => error);
    expect(thrown).toMatchObject({
      code: 'unsafe_path',
      message: expect.stringContaining('more than 1000 git repositories'),
    });
  });
});
