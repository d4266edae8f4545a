/** Merges without a worktree: many at once, with conflicts, repeated, and while a person has the branch checked out. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EngineError } from '../../machines/vocabulary/errors.ts';
import { commitLeftovers } from '../../runtime/work/git/attempt.ts';
import { ensureBranch } from '../../runtime/work/git/branch.ts';
import { mergeIntoCheckout } from '../../runtime/work/git/checkout-merge.ts';
import { mergeBranch } from '../../runtime/work/git/merge.ts';
import type { Repository } from '../../runtime/work/git/repository.ts';
import { prepareWorktree } from '../../runtime/work/git/worktree.ts';
import { checkoutState, openRepository, read, run, temporaryHome, write } from '../support/git.ts';
import { expectFailure } from '../support/prose.ts';

const home = temporaryHome();
const unhooked = ['-c', 'core.hooksPath=/dev/null', '-c', 'commit.gpgSign=false'];

async function demo(): Promise<Repository> {
  const repo = await openRepository(join(home.path, 'demo'));
  write(repo.path, '.git/info/exclude', '/.worktrees/\n');
  await ensureBranch(repo, { branch: 'plan/demo', start: 'main' });
  return repo;
}

/** The branch of a done task, with these files. */
async function task(repo: Repository, number: number, files: Record<string, string>): Promise<string> {
  const branch = `plan/demo-w1-t${number}`;
  const wanted = {
    path: join(repo.path, '.worktrees', `t${number}`),
    branch,
    start: 'main',
    previousRun: null,
    reset: true,
  };
  const { path, base } = await prepareWorktree(repo, { ...wanted, run: `run-${number}` });
  for (const [file, text] of Object.entries(files)) write(path, file, text);
  await commitLeftovers(repo, { path, branch, run: `run-${number}`, base, message: `task ${number}` });
  return branch;
}

function planWorktree(repo: Repository): Promise<{ path: string }> {
  const wanted = { path: join(repo.path, '.worktrees', 'demo'), branch: 'plan/demo', start: 'main', previousRun: null };
  return prepareWorktree(repo, { ...wanted, run: 'coordinator', reset: false });
}

function merge(repo: Repository, from: string) {
  return mergeBranch(repo, { from, into: 'plan/demo', message: `merge ${from}` });
}

describe('merging a task into its plan', () => {
  test('eight at once are eight merge commits, and the plan worktree has all of it', async () => {
    const repo = await demo();
    const { path } = await planWorktree(repo);
    const before = checkoutState(repo.path);
    const branches: string[] = [];
    for (let number = 1; number <= 8; number++) {
      branches.push(await task(repo, number, { [`t${number}.txt`]: `${number}\n` }));
    }
    const merges = await Promise.all(branches.map((branch) => merge(repo, branch)));
    expect(new Set(merges.map(({ kind }) => kind))).toEqual(new Set(['merged']));
    expect(run(repo.path, 'rev-list', '--count', '--merges', '--first-parent', 'plan/demo')).toBe('8');
    for (let number = 1; number <= 8; number++) expect(read(path, `t${number}.txt`)).toBe(`${number}\n`);
    expect(run(path, 'status', '--porcelain')).toBe('');
    expect(run(path, 'log', '-1', '--format=%an %cn')).toBe('Ada Lovelace Ada Lovelace');
    expect(checkoutState(repo.path)).toEqual(before);
    expect(await Promise.all(branches.map((branch) => merge(repo, branch)))).toEqual(merges);
    expect(run(repo.path, 'rev-list', '--count', '--merges', 'plan/demo')).toBe('8');
  });

  test('a conflict names the files, also those with letters beyond ASCII, and changes nothing', async () => {
    const repo = await demo();
    const first = await task(repo, 1, { 'a.txt': 'one\nFIRST\nthree\n', 'grüße "1".txt': 'first\n' });
    const second = await task(repo, 2, {
      'a.txt': 'one\nSECOND\nthree\n',
      'grüße "1".txt': 'second\n',
      'c.txt': 'fine\n',
    });
    expect(await merge(repo, first)).toMatchObject({ kind: 'merged' });
    const head = run(repo.path, 'rev-parse', 'plan/demo');
    expect(await merge(repo, second)).toEqual({
      kind: 'conflict',
      files: ['a.txt', 'grüße "1".txt'],
      tree: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    expect(run(repo.path, 'rev-parse', 'plan/demo')).toBe(head);
  });

  test('a task without a commit of its own is nothing to merge', async () => {
    const repo = await demo();
    expect(await merge(repo, await task(repo, 1, {}))).toEqual({ kind: 'nothing' });
  });

  test('two tasks that did the very same are two merges', async () => {
    const repo = await demo();
    expect(await merge(repo, await task(repo, 1, { 'b.txt': 'same' }))).toMatchObject({ kind: 'merged' });
    expect(await merge(repo, await task(repo, 2, { 'b.txt': 'same' }))).toMatchObject({ kind: 'merged' });
  });

  test('killed after the branch moved, the next run brings the plan worktree along', async () => {
    const repo = await demo();
    const { path } = await planWorktree(repo);
    const before = run(repo.path, 'rev-parse', 'plan/demo');
    const branch = await task(repo, 1, { 'b.txt': 'b\n', 'a.txt': 'changed\n' });
    const first = await merge(repo, branch);
    run(path, 'read-tree', '-m', '-u', 'HEAD', before);
    expect(run(path, 'status', '--porcelain')).not.toBe('');
    expect(await merge(repo, branch)).toEqual(first);
    expect(run(path, 'status', '--porcelain')).toBe('');
    expect(read(path, 'a.txt')).toBe('changed\n');
  });

  test('a plan worktree with uncommitted work stays as it is, and is never taken for undoing the merge', async () => {
    const repo = await demo();
    const { path } = await planWorktree(repo);
    write(path, 'a.txt', 'by hand\n');
    const merged = await merge(repo, await task(repo, 1, { 'b.txt': 'b\n' }));
    expect(read(path, 'a.txt')).toBe('by hand\n');
    expect(existsSync(join(path, 'b.txt'))).toBe(false);
    expect(run(path, 'rev-parse', 'HEAD')).toBe(repo.head);
    const end = { path, branch: 'plan/demo', run: 'coordinator', base: repo.head, message: 'by hand' };
    const { head } = await commitLeftovers(repo, end);
    expect(run(repo.path, 'show', `${head}:a.txt`, `${head}:b.txt`)).toBe('by hand\nb');
    expect(run(repo.path, 'rev-parse', `${head}^1`)).toBe(merged.kind === 'merged' ? merged.head : '');
    expect(read(path, 'b.txt')).toBe('b\n');
  });

  test('a file of a person that git does not know is never written over', async () => {
    const repo = await demo();
    const { path } = await planWorktree(repo);
    write(path, 'b.txt', 'mine\n');
    expect(await merge(repo, await task(repo, 1, { 'b.txt': 'b\n' }))).toMatchObject({ kind: 'merged' });
    expect(read(path, 'b.txt')).toBe('mine\n');
  });

  test('a plan worktree whose folder is gone does not stop a merge', async () => {
    const repo = await demo();
    const { path } = await planWorktree(repo);
    rmSync(path, { recursive: true });
    expect(await merge(repo, await task(repo, 1, { 'b.txt': 'b\n' }))).toMatchObject({ kind: 'merged' });
    await planWorktree(repo);
    expect(read(path, 'b.txt')).toBe('b\n');
  });

  test('a plan branch that the user has checked out is not moved under their feet', async () => {
    const repo = await demo();
    run(repo.path, ...unhooked, 'checkout', '-q', 'plan/demo');
    const before = checkoutState(repo.path);
    const merging = merge(repo, await task(repo, 1, { 'b.txt': 'b\n' }));
    await expectFailure(merging, 'branch_checked_out', `git -C ${repo.path} switch --detach`);
    expect(checkoutState(repo.path)).toEqual(before);
  });
});

describe("merging a plan into the user's branch", () => {
  async function donePlan(): Promise<Repository> {
    const repo = await demo();
    await merge(repo, await task(repo, 1, { 'a.txt': 'one\ntwo\nTHREE\n', 'b.txt': 'b\n' }));
    return repo;
  }
  const wanted = { from: 'plan/demo', into: 'main', message: 'merge plan demo' };

  test('brings their checkout along, and again answers the same merge', async () => {
    const repo = await donePlan();
    write(repo.path, 'untracked.txt', 'mine');
    const first = await mergeIntoCheckout(repo, wanted);
    const tip = run(repo.path, 'rev-parse', 'plan/demo');
    expect(first).toEqual({ kind: 'merged', head: run(repo.path, 'rev-parse', 'main'), tip });
    expect(await mergeIntoCheckout(repo, wanted)).toEqual(first);
    expect(read(repo.path, 'b.txt')).toBe('b\n');
    expect(run(repo.path, 'status', '--porcelain')).toBe('?? untracked.txt');
  });

  test.each(['--squash', '--no-commit --no-ff', '-s ours'])(
    'moves their branch, whose own merges they make with %s',
    async (options) => {
      const repo = await donePlan();
      run(repo.path, 'config', 'branch.main.mergeOptions', options);
      const merged = await mergeIntoCheckout(repo, wanted);
      expect(merged).toMatchObject({ kind: 'merged', head: run(repo.path, 'rev-parse', 'main') });
      expect(run(repo.path, 'show', 'main:b.txt')).toBe('b');
      expect(run(repo.path, 'status', '--porcelain')).toBe('');
    },
  );

  test('is refused, with the files, while their checkout has changes of its own there', async () => {
    const repo = await donePlan();
    write(repo.path, 'a.txt', 'mine\n');
    write(repo.path, 'b.txt', 'mine too\n');
    write(repo.path, 'c.txt', 'no matter\n');
    const before = checkoutState(repo.path);
    const answer = await mergeIntoCheckout(repo, wanted);
    expect(answer).toEqual({ kind: 'overlap', checkout: repo.path, files: ['a.txt', 'b.txt'] });
    expect(checkoutState(repo.path)).toEqual(before);
  });

  test('is refused while they are amid a merge, a pick, a revert or a rebase', async () => {
    const repo = await donePlan();
    const gitDir = join(repo.path, '.git');
    const head = run(repo.path, 'rev-parse', 'main');
    const asked = async () => {
      const answer = await mergeIntoCheckout(repo, wanted);
      expect(run(repo.path, 'rev-parse', 'main')).toBe(head);
      return answer;
    };
    for (const [file, what] of [
      ['MERGE_HEAD', 'a merge'],
      ['CHERRY_PICK_HEAD', 'a cherry-pick'],
      ['REVERT_HEAD', 'a revert'],
      ['rebase-apply/applying', 'a rebase or am'],
    ] as const) {
      write(gitDir, file, `${head}\n`);
      expect(await asked()).toEqual({ kind: 'busy', checkout: repo.path, what });
      rmSync(join(gitDir, file.replace(/\/.*/, '')), { recursive: true });
    }
    // A rebase moves its branch only at its end, and works without a branch until then.
    run(repo.path, ...unhooked, 'checkout', '-q', '--detach');
    write(gitDir, 'rebase-merge/head-name', 'refs/heads/main\n');
    expect(await asked()).toEqual({ kind: 'busy', checkout: repo.path, what: 'a rebase of main' });
    write(gitDir, 'rebase-merge/head-name', 'refs/heads/other\n');
    expect(await mergeIntoCheckout(repo, wanted)).toMatchObject({ kind: 'merged' });
  });

  test('moves just the branch where another one is checked out, and names conflicts', async () => {
    const repo = await donePlan();
    run(repo.path, ...unhooked, 'checkout', '-q', '-b', 'other');
    const away = join(home.path, 'away');
    run(repo.path, ...unhooked, 'worktree', 'add', '-q', away, 'main');
    rmSync(away, { recursive: true });
    const prune = expect.stringContaining(`git -C ${repo.path} worktree prune`);
    expect(await mergeIntoCheckout(repo, wanted)).toEqual({ kind: 'git', checkout: away, said: prune });
    run(repo.path, 'worktree', 'prune');
    const before = checkoutState(repo.path);
    expect(await mergeIntoCheckout(repo, wanted)).toMatchObject({ kind: 'merged' });
    expect(checkoutState(repo.path)).toEqual(before);
    write(repo.path, 'a.txt', 'one\ntwo\nOTHER\n');
    run(repo.path, ...unhooked, 'commit', '-q', '-a', '-m', 'other');
    expect(await mergeIntoCheckout(repo, { ...wanted, into: 'other' })).toEqual({
      kind: 'conflict',
      files: ['a.txt'],
      tree: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
  });

  test('says of histories without a common commit how to join them, and that works as it is typed', async () => {
    const repo = await donePlan();
    run(repo.path, ...unhooked, 'checkout', '-q', '--orphan', 'anew');
    run(repo.path, ...unhooked, 'commit', '-q', '-m', 'anew');
    const refused = await mergeIntoCheckout(repo, { ...wanted, into: 'anew' }).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: 'conflict', message: expect.stringContaining('no commit in common') });
    const [, command = ''] = /then: git (.*)$/.exec((refused as EngineError).hint) ?? [];
    run(repo.path, ...unhooked, 'worktree', 'add', '-q', '--force', join(home.path, 'join'), wanted.from);
    run(join(home.path, 'join'), ...unhooked, ...command.split(' '), '-X', 'ours', '-m', 'joined');
    expect(await mergeIntoCheckout(repo, { ...wanted, into: 'anew' })).toMatchObject({ kind: 'merged' });
  });
});
