/** Worktrees are removed only if their work is merged or saved. */
import { existsSync, mkdirSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { removeTree } from '../../runtime/base/platform/remove-tree.ts';
import { commitLeftovers, keepAttempt } from '../../runtime/work/git/attempt.ts';
import { ensureBranch } from '../../runtime/work/git/branch.ts';
import { mergeBranch } from '../../runtime/work/git/merge.ts';
import { attemptRef } from '../../runtime/work/git/refs.ts';
import type { Repository } from '../../runtime/work/git/repository.ts';
import { prepareWorktree, removeWorktree, uncommittedFiles } from '../../runtime/work/git/worktree.ts';
import { branchGround } from '../support/branch-ground.ts';
import { read, run, write } from '../support/git.ts';
import { expectProse } from '../support/prose.ts';

const { branch, demo, place, wanted } = branchGround();

/** Expects that a worktree stays, for the reason in its snapshot. */
async function expectKept(
  repo: Repository,
  removal: Parameters<typeof removeWorktree>[1],
  ...places: string[]
): Promise<void> {
  const kept = await removeWorktree(repo, removal);
  if (kept.kind !== 'kept') expect.fail('it was removed');
  expectProse(kept.why, ...places);
}

describe('removing a worktree', () => {
  test('takes it and its merged branch away, and again is content', async () => {
    const repo = await demo();
    const { path, base } = await prepareWorktree(repo, wanted(repo));
    await ensureBranch(repo, { branch: 'plan/demo', start: 'main' });
    write(path, 'b.txt', 'b\n');
    await commitLeftovers(repo, { path, branch, run: 'run-1', base, message: 'task' });
    await mergeBranch(repo, { from: branch, into: 'plan/demo', message: 'merge' });
    const removal = { path, branch, mergedInto: 'plan/demo' };
    expect(await removeWorktree(repo, removal)).toEqual({ kind: 'removed', branchDeleted: true });
    expect(await removeWorktree(repo, removal)).toEqual({ kind: 'removed', branchDeleted: true });
    expect(existsSync(path)).toBe(false);
    expect(run(repo.path, 'worktree', 'list').split('\n')).toHaveLength(1);
    expect(run(repo.path, 'for-each-ref', '--format=%(refname)', 'refs/heads/plan', 'refs/stator/owned')).toBe(
      'refs/heads/plan/demo\nrefs/stator/owned/plan/demo',
    );
  });

  test('shows no uncommitted files to others meanwhile', async () => {
    const repo = await demo();
    const { path } = await prepareWorktree(repo, wanted(repo));
    write(path, 'new.txt', 'new\n');
    expect(await uncommittedFiles(repo, path)).toBe(1);
    unlinkSync(join(path, 'new.txt'));
    let counted = Promise.resolve(-1);
    await repo.exclusively(async () => {
      counted = uncommittedFiles(repo, path);
      // As a removal deletes them, file by file.
      for (const name of run(path, 'ls-files').split('\n')) unlinkSync(join(path, name));
      await setTimeout(200);
      await removeTree(path);
    });
    expect(await counted).toBe(0);
  });

  test('is refused while uncommitted or unmerged work is not stored elsewhere, and possible once it is', async () => {
    const repo = await demo();
    const { path, base } = await prepareWorktree(repo, wanted(repo));
    const removal = { path, branch, mergedInto: 'main' };
    write(path, 'ü b.txt', 'b\n');
    await expectKept(repo, removal, path, 'ü b.txt');
    const { head } = await commitLeftovers(repo, { path, branch, run: 'run-1', base, message: 'task' });
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'update-ref', '-d', attemptRef('run-1'));
    await expectKept(repo, removal, head.slice(0, 12), branch, 'main');
    expect(read(path, 'ü b.txt')).toBe('b\n');
    write(path, 'c.txt', 'c\n');
    await keepAttempt(repo, { path, branch, run: 'run-1', base, message: 'kept' });
    expect(await removeWorktree(repo, removal)).toEqual({ kind: 'removed', branchDeleted: false });
    expect(run(repo.path, 'show', `${attemptRef('run-1')}:c.txt`)).toBe('c');
    expect(run(repo.path, 'rev-parse', '--verify', branch)).not.toBe('');
  });

  test('is refused for repositories inside it that cannot be kept, for folders and for worktrees of somebody else', async () => {
    const repo = await demo();
    const { path } = await prepareWorktree(repo, wanted(repo));
    run(path, 'init', '-q', 'vendor/own');
    // The commit in the nested repository is missing, so it cannot be saved.
    write(path, 'vendor/own/.git/HEAD', `${'5'.repeat(40)}\n`);
    await expectKept(repo, { path, branch, mergedInto: 'main' }, 'vendor/own');
    await expectKept(repo, { path, branch: 'plan/other', mergedInto: null }, path);
    write(repo.path, '.worktrees/plain/file', '');
    await expectKept(repo, { path: place(repo, 'plain'), branch, mergedInto: null }, place(repo, 'plain'));
    expect(existsSync(join(repo.path, '.worktrees/plain/file'))).toBe(true);
  });

  test('finishes what a killed removal began', async () => {
    const repo = await demo();
    const { path } = await prepareWorktree(repo, wanted(repo));
    renameSync(path, join(repo.path, '.worktrees', '.removing-demo-w1-t1'));
    expect(await removeWorktree(repo, { path, branch, mergedInto: 'main' })).toEqual({
      kind: 'removed',
      branchDeleted: true,
    });
    expect(existsSync(join(repo.path, '.worktrees', '.removing-demo-w1-t1'))).toBe(false);
    expect(run(repo.path, 'worktree', 'list').split('\n')).toHaveLength(1);
  });

  test('deletes its files when the lock of the repository is free again, and another removal finishes what was cut off there', async () => {
    const repo = await demo();
    const { path } = await prepareWorktree(repo, wanted(repo));
    for (let file = 0; file < 3_000; file += 1) write(path, `node_modules/${file % 50}/${file}`, '');
    const asides = () => readdirSync(join(repo.path, '.worktrees')).filter((name) => name.startsWith('.removing-'));
    let isUnlocked = false;
    const watched: Repository = {
      ...repo,
      exclusively: async (work) => {
        const answer = await repo.exclusively(work);
        if (!existsSync(path) && asides().length > 0) isUnlocked = true;
        return answer;
      },
    };
    write(repo.path, '.git/info/exclude', '/.worktrees/\nnode_modules\n');
    expect(await removeWorktree(watched, { path, branch, mergedInto: 'main' })).toMatchObject({ kind: 'removed' });
    expect([isUnlocked, asides()]).toEqual([true, []]);
    mkdirSync(join(repo.path, '.worktrees', '.removing-demo-w1-t1.cut-off', 'x'), { recursive: true });
    await removeWorktree(repo, { path, branch, mergedInto: null });
    expect(asides()).toEqual([]);
  });

  test('without a target to merge into leaves the branch', async () => {
    const repo = await demo();
    const { path, base } = await prepareWorktree(repo, wanted(repo));
    await keepAttempt(repo, { path, branch, run: 'run-1', base, message: 'kept' });
    expect(await removeWorktree(repo, { path, branch, mergedInto: null })).toEqual({
      kind: 'removed',
      branchDeleted: false,
    });
    expect(run(repo.path, 'rev-parse', branch)).toBe(repo.head);
  });
});
