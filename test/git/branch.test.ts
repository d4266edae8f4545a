/** stator's own branches: they are made with a mark, archived and deleted; foreign branches stay. */
import { existsSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { archiveBranch, deleteBranch, ensureBranch, refuseBranch } from '../../runtime/work/git/branch.ts';
import { mergeBranch } from '../../runtime/work/git/merge.ts';
import { createOpenGits } from '../../runtime/work/git/open-gits.ts';
import { ownedRef } from '../../runtime/work/git/refs.ts';
import { prepareWorktree } from '../../runtime/work/git/worktree.ts';
import { branchGround } from '../support/branch-ground.ts';
import { commitOn, run, write } from '../support/git.ts';
import { expectFailure } from '../support/prose.ts';

const { branch, demo, wanted } = branchGround();

describe('a branch of ours', () => {
  test('is made once, marked as ours, and left where it is afterwards', async () => {
    const repo = await demo();
    expect(await ensureBranch(repo, { branch: 'plan/demo', start: 'main' })).toBe(repo.head);
    expect(run(repo.path, 'rev-parse', ownedRef('plan/demo'), 'plan/demo')).toBe(`${repo.head}\n${repo.head}`);
    const moved = commitOn(repo, 'plan/demo', 'b.txt', 'b');
    expect(await ensureBranch(repo, { branch: 'plan/demo', start: 'main' })).toBe(moved);
  });

  test('is made by eight at once without quarrel', async () => {
    const repo = await demo();
    const heads = await Promise.all(Array.from({ length: 8 }, () => ensureBranch(repo, { branch, start: 'main' })));
    expect(new Set(heads)).toEqual(new Set([repo.head]));
  });

  test('is made when only its mark was written before the engine died', async () => {
    const repo = await demo();
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'update-ref', ownedRef(branch), repo.head);
    expect(await ensureBranch(repo, { branch, start: 'main' })).toBe(repo.head);
  });

  test('is made although a killed git left its lock file', async () => {
    const repo = await demo();
    const lock = join(repo.commonDir, 'refs/heads/plan/demo.lock');
    write(repo.commonDir, 'refs/heads/plan/demo.lock', '');
    utimesSync(lock, new Date(0), new Date(0));
    expect(await ensureBranch(repo, { branch: 'plan/demo', start: 'main' })).toBe(repo.head);
    expect(existsSync(lock)).toBe(false);
  });

  test("is never one that the user made, nor one that git cannot have beside the user's", async () => {
    const repo = await demo();
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'tag', 'refs/heads/plan/near');
    await refuseBranch(repo, 'plan/near');
    expect(await ensureBranch(repo, { branch: 'plan/near', start: 'main' })).toBe(repo.head);
    await deleteBranch(repo, { branch: 'plan/near', mergedInto: 'main' });
    expect(await deleteBranch(repo, { branch: 'plan/near', mergedInto: 'main' })).toBe(true);
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'update-ref', ownedRef('plan/near'), repo.head);
    const gits = createOpenGits();
    await ensureBranch({ ...repo, gits }, { branch: 'plan/near', start: 'main' }).finally(gits.close);
    expect(run(repo.path, 'for-each-ref', '--format=%(refname)', 'refs/heads/plan')).toBe('refs/heads/plan/near');
    await deleteBranch(repo, { branch: 'plan/near', mergedInto: 'main' });
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'branch', 'plan/demo');
    await expectFailure(ensureBranch(repo, { branch: 'plan/demo', start: 'main' }), 'branch_taken', 'plan/demo');
    for (const name of ['plan/demo/more', 'plan', 'main/x']) {
      await expect(ensureBranch(repo, { branch: name, start: 'main' })).rejects.toMatchObject({ code: 'branch_taken' });
    }
    await expect(ensureBranch(repo, { branch: 'a..b', start: 'main' })).rejects.toMatchObject({ code: 'bad_request' });
    // A tag is in no branch's way, also where one above it is.
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'tag', 'refs/heads/main/y');
    await expectFailure(refuseBranch(repo, 'main/y'), 'branch_taken', 'main');
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'tag', 'refs/heads/no');
    await refuseBranch(repo, 'no/branch');
    expect(run(repo.path, 'for-each-ref', 'refs/stator')).toBe('');
  });

  test('starts over at another commit, its old end in the archive, however often that is asked', async () => {
    const repo = await demo();
    await prepareWorktree(repo, wanted(repo, { branch: 'plan/demo' }));
    await ensureBranch(repo, { branch: 'plan/demo', start: 'main' });
    const old = commitOn(repo, 'plan/demo', 'b.txt', 'b');
    const over = { branch: 'plan/demo', plan: 'demo', pass: 1, start: 'main' };
    expect(await archiveBranch(repo, over)).toBe(repo.head);
    expect(await archiveBranch(repo, over)).toBe(repo.head);
    expect(run(repo.path, 'rev-parse', 'refs/stator/archive/demo/1', 'plan/demo')).toBe(`${old}\n${repo.head}`);
    const again = await prepareWorktree(
      repo,
      wanted(repo, { branch: 'plan/demo', run: 'run-2', previousRun: 'run-1' }),
    );
    expect(again.base).toBe(repo.head);
  });

  test('starts over when the engine died between the archive and the branch', async () => {
    const repo = await demo();
    await ensureBranch(repo, { branch: 'plan/demo', start: 'main' });
    const old = commitOn(repo, 'plan/demo', 'b.txt', 'b');
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'update-ref', 'refs/stator/archive/demo/1', old);
    expect(await archiveBranch(repo, { branch: 'plan/demo', plan: 'demo', pass: 1, start: 'main' })).toBe(repo.head);
  });

  test('is deleted with its mark also where git keeps them in the one file of many', async () => {
    const repo = await demo();
    await ensureBranch(repo, { branch, start: 'main' });
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'pack-refs', '--all');
    expect(await deleteBranch(repo, { branch, mergedInto: 'main' })).toBe(true);
    expect(run(repo.path, 'for-each-ref', ownedRef(branch), `refs/heads/${branch}`)).toBe('');
  });

  test('is deleted only when all of it is merged and nobody has it checked out, and never when it is not ours', async () => {
    const repo = await demo();
    await ensureBranch(repo, { branch, start: 'main' });
    commitOn(repo, branch, 'b.txt', 'b');
    expect(await deleteBranch(repo, { branch, mergedInto: 'main' })).toBe(false);
    await ensureBranch(repo, { branch: 'plan/demo', start: 'main' });
    await mergeBranch(repo, { from: branch, into: 'plan/demo', message: 'merge' });
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'switch', '-q', branch);
    expect(await deleteBranch(repo, { branch, mergedInto: 'plan/demo' })).toBe(false);
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'switch', '-q', 'main');
    expect(await deleteBranch(repo, { branch, mergedInto: 'plan/demo' })).toBe(true);
    expect(await deleteBranch(repo, { branch, mergedInto: 'plan/demo' })).toBe(true);
    expect(run(repo.path, 'for-each-ref', ownedRef(branch), `refs/heads/${branch}`)).toBe('');
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'branch', 'mine');
    expect(await deleteBranch(repo, { branch: 'mine', mergedInto: 'plan/demo' })).toBe(false);
  });
});
