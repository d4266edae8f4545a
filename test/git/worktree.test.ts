/** stator's worktrees, their incomplete states, and everything in them that must not be lost. */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { commitLeftovers, keepAttempt } from '../../runtime/work/git/attempt.ts';
import { ensureBranch } from '../../runtime/work/git/branch.ts';
import { mergeBranch } from '../../runtime/work/git/merge.ts';
import { attemptRef } from '../../runtime/work/git/refs.ts';
import type { Repository } from '../../runtime/work/git/repository.ts';
import { prepareWorktree, removeWorktree } from '../../runtime/work/git/worktree.ts';
import { listWorktrees, worktreeAt, worktreesAt } from '../../runtime/work/git/worktree-list.ts';
import { branchGround } from '../support/branch-ground.ts';
import { checkoutState, commitOn, read, run, write } from '../support/git.ts';
import { expectFailure } from '../support/prose.ts';

const { home, branch, demo, place, wanted } = branchGround();

function attempts(repo: Repository): string[] {
  return run(repo.path, 'for-each-ref', '--format=%(refname:lstrip=3)', 'refs/stator/attempts')
    .split('\n')
    .filter(Boolean);
}

describe('preparing a worktree', () => {
  test('makes it on its branch at the start, and again changes nothing', async () => {
    const repo = await demo();
    const first = await prepareWorktree(repo, wanted(repo));
    expect(first).toEqual({ path: place(repo), base: repo.head });
    expect(await prepareWorktree(repo, wanted(repo))).toEqual(first);
    expect(run(first.path, 'symbolic-ref', 'HEAD')).toBe(`refs/heads/${branch}`);
    expect(read(first.path, 'a.txt')).toContain('two');
    expect(run(first.path, 'status', '--porcelain')).toBe('');
    expect(attempts(repo)).toEqual([]);
  });

  test('says first what failed where Git LFS does not get a file, not that it began', async () => {
    const repo = await demo();
    const smudge = 'echo "Downloading a.txt (9 B)" >&2; echo "Error downloading object: a.txt" >&2; exit 1';
    run(repo.path, 'config', '--global', 'filter.lfs.smudge', smudge);
    run(repo.path, 'config', '--global', 'filter.lfs.required', 'true');
    write(repo.commonDir, 'info/attributes', 'a.txt filter=lfs\n');
    const thrown: unknown = await prepareWorktree(repo, wanted(repo)).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: 'git_failed', message: expect.stringContaining('128: Error downloading') });
  });

  test('makes the folder of worktrees so that no other user comes to what agents leave there', async () => {
    const repo = await demo();
    const { path } = await prepareWorktree(repo, wanted(repo));
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  });

  test('closes a folder of worktrees that an earlier version made, and none that is the user’s own', async () => {
    const repo = await demo();
    for (const folder of [dirname(place(repo)), join(repo.path, '..', 'elsewhere')]) {
      mkdirSync(folder, { recursive: true });
      chmodSync(folder, 0o755);
    }
    await prepareWorktree(repo, wanted(repo));
    expect(statSync(dirname(place(repo))).mode & 0o777).toBe(0o700);
    await prepareWorktree(repo, wanted(repo, { path: join(repo.path, '..', 'elsewhere', 'w'), branch: 'plan/other' }));
    expect(statSync(join(repo.path, '..', 'elsewhere')).mode & 0o777).toBe(0o755);
  });

  test('lists each worktree as its files say now, be they exchanged or written in place', async () => {
    const repo = await demo();
    const { path } = await prepareWorktree(repo, wanted(repo));
    const head = join(repo.commonDir, 'worktrees', basename(path), 'HEAD');
    const listed = async () => {
      const known = (await listWorktrees(repo)).find((each) => each.path === path);
      expect(await worktreeAt(repo, path)).toEqual(known);
      for (const of of [branch, 'main', known?.branch ?? ''])
        expect(await worktreesAt(repo, of)).toEqual((await listWorktrees(repo)).filter((each) => each.branch === of));
      return known?.branch;
    };
    await delay(50);
    expect([await listed(), await listed()]).toEqual([branch, branch]);
    run(path, 'symbolic-ref', 'HEAD', 'refs/heads/plan/demo-w1-t2');
    expect(await listed()).toBe('plan/demo-w1-t2');
    await delay(50);
    expect(await listed()).toBe('plan/demo-w1-t2');
    writeFileSync(head, 'ref: refs/heads/plan/demo-w1-t3\n');
    expect(await listed()).toBe('plan/demo-w1-t3');
    writeFileSync(head, 'ref: refs/heads/plan/demo-w1-t4\n');
    expect(await listed()).toBe('plan/demo-w1-t4');
    writeFileSync(head, `${repo.head}\n`);
    expect(await listed()).toBe(null);
    await delay(50);
    expect(await worktreesAt(repo, branch)).toEqual([]);
    // git itself must judge a link: its target is not read.
    writeFileSync(join(home.path, 'other-head'), `ref: refs/heads/${branch}\n`);
    rmSync(head);
    symlinkSync(join(home.path, 'other-head'), head);
    expect(await worktreesAt(repo, 'plan/demo-w1-t5')).toEqual([]);
    rmSync(head);
    writeFileSync(head, `ref: refs/heads/${branch}\n`);
    expect(await listed()).toBe(branch);
    expect(await worktreeAt(repo, join(repo.path, '.worktrees', 'nobody'))).toBe(null);
    expect(await worktreeAt(repo, repo.path)).toMatchObject({ isMain: true, branch: 'main' });
  });

  test('takes the user’s checkout for no worktree of ours, whatever an entry claims', async () => {
    const repo = await demo();
    const entry = join(repo.commonDir, 'worktrees', basename(repo.path));
    mkdirSync(entry, { recursive: true });
    const texts = { gitdir: `${repo.path}/.git`, commondir: '../..', HEAD: `ref: refs/heads/${branch}` };
    for (const [name, text] of Object.entries({ ...texts, locked: `stator: ${branch}` }))
      writeFileSync(join(entry, name), `${text}\n`);
    await ensureBranch(repo, { branch, start: 'main' });
    expect(await worktreeAt(repo, repo.path)).toMatchObject({ isMain: true, branch: 'main' });
    const removal = await removeWorktree(repo, { path: repo.path, branch, mergedInto: 'main' });
    expect(removal.kind).toBe('kept');
    expect(read(repo.path, 'a.txt')).toContain('two');
  });

  test('makes eight of them at once', async () => {
    const repo = await demo();
    const all = Array.from({ length: 8 }, (_, index) =>
      prepareWorktree(repo, wanted(repo, { path: place(repo, `t${index}`), branch: `plan/demo-w1-t${index}` })),
    );
    expect((await Promise.all(all)).map(({ base }) => base)).toEqual(Array(8).fill(repo.head));
  });

  test("never touches the user's checkout, be it dirty or detached", async () => {
    const repo = await demo();
    write(repo.path, 'a.txt', 'mine\n');
    write(repo.path, 'staged.txt', 'staged\n');
    run(repo.path, 'add', 'staged.txt');
    write(repo.path, 'untracked.txt', 'untracked\n');
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'checkout', '-q', '--detach');
    const before = checkoutState(repo.path);
    const { path, base } = await prepareWorktree(repo, wanted(repo));
    write(path, 'b.txt', 'b\n');
    await commitLeftovers(repo, { path, branch, run: 'run-1', base, message: 'task' });
    await ensureBranch(repo, { branch: 'plan/demo', start: 'main' });
    await mergeBranch(repo, { from: branch, into: 'plan/demo', message: 'merge' });
    expect(await removeWorktree(repo, { path, branch, mergedInto: 'plan/demo' })).toMatchObject({ kind: 'removed' });
    expect(checkoutState(repo.path)).toEqual(before);
  });

  test('keeps what the run before left, and starts the next attempt from the head of the plan', async () => {
    const repo = await demo();
    const { path, base } = await prepareWorktree(repo, wanted(repo));
    write(path, 'a.txt', 'half done\n');
    write(path, 'new/file.txt', 'new\n');
    const plan = commitOn(repo, 'main', 'plan.txt', 'moved on');
    const next = await prepareWorktree(repo, wanted(repo, { run: 'run-2', previousRun: 'run-1' }));
    expect(next.base).toBe(plan);
    expect(run(path, 'status', '--porcelain')).toBe('');
    expect(run(path, 'rev-parse', 'HEAD', branch)).toBe(`${plan}\n${plan}`);
    expect(existsSync(join(path, 'new'))).toBe(false);
    expect(run(repo.path, 'diff', '--name-only', base, attemptRef('run-1'))).toBe('a.txt\nnew/file.txt');
    expect(await prepareWorktree(repo, wanted(repo, { run: 'run-2', previousRun: 'run-1' }))).toEqual(next);
    expect(attempts(repo)).toEqual(['run-1']);
  });

  test('does not overwrite what was kept at the end of that run', async () => {
    const repo = await demo();
    const { path, base } = await prepareWorktree(repo, wanted(repo));
    write(path, 'a.txt', 'kept\n');
    const kept = await keepAttempt(repo, { path, branch, run: 'run-1', base, message: 'kept' });
    await prepareWorktree(repo, wanted(repo, { run: 'run-2', previousRun: 'run-1' }));
    expect(attempts(repo)).toEqual(['run-1']);
    write(path, 'late.txt', 'by a process that nobody stopped\n');
    await prepareWorktree(repo, wanted(repo, { run: 'run-2', previousRun: 'run-1' }));
    expect(run(repo.path, 'rev-parse', attemptRef('run-1'))).toBe(kept.head);
    expect(run(repo.path, 'show', `${attemptRef('run-2-before')}:late.txt`)).toBe('by a process that nobody stopped');
  });

  test('goes on from the branch where nothing is to be reset', async () => {
    const repo = await demo();
    const { path, base } = await prepareWorktree(repo, wanted(repo));
    write(path, 'b.txt', 'b\n');
    const { head } = await commitLeftovers(repo, { path, branch, run: 'run-1', base, message: 'task' });
    const next = await prepareWorktree(repo, wanted(repo, { run: 'run-2', previousRun: 'run-1', reset: false }));
    expect(next.base).toBe(head);
    expect(read(path, 'b.txt')).toBe('b\n');
  });

  test('keeps commits that the agent made on a branch of its own, and leaves that branch alone', async () => {
    const repo = await demo();
    const { path } = await prepareWorktree(repo, wanted(repo));
    run(path, '-c', 'core.hooksPath=/dev/null', 'switch', '-q', '-c', 'agents-own');
    write(path, 'b.txt', 'b\n');
    run(path, 'add', '.');
    run(path, '-c', 'core.hooksPath=/dev/null', 'commit', '-q', '--no-gpg-sign', '-m', 'own');
    const own = run(path, 'rev-parse', 'HEAD');
    await prepareWorktree(repo, wanted(repo, { run: 'run-2', previousRun: 'run-1' }));
    expect(run(repo.path, 'rev-parse', 'agents-own', attemptRef('run-1'))).toBe(`${own}\n${own}`);
    expect(run(path, 'symbolic-ref', 'HEAD')).toBe(`refs/heads/${branch}`);
  });

  test('leaves caches that git ignores where they are', async () => {
    const repo = await demo();
    write(repo.path, '.git/info/exclude', '/.worktrees/\ncache/\n');
    const { path } = await prepareWorktree(repo, wanted(repo));
    write(path, 'cache/x', 'warm');
    await prepareWorktree(repo, wanted(repo, { run: 'run-2', previousRun: 'run-1' }));
    expect(read(path, 'cache/x')).toBe('warm');
  });

  test('refuses a folder, a worktree and a branch that somebody else uses', async () => {
    const repo = await demo();
    write(repo.path, '.worktrees/demo-w1-t1/file', 'mine');
    await expectFailure(prepareWorktree(repo, wanted(repo)), 'worktree_taken', `mv ${place(repo)}`);
    expect(read(place(repo), 'file')).toBe('mine');
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'worktree', 'add', '-q', '-b', 'mine', place(repo, 'mine'));
    const mine = prepareWorktree(repo, wanted(repo, { path: place(repo, 'mine') }));
    await expectFailure(mine, 'worktree_taken', place(repo, 'mine'));
    await ensureBranch(repo, { branch: 'plan/seen', start: 'main' });
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'checkout', '-q', 'plan/seen');
    const seen = prepareWorktree(repo, wanted(repo, { path: place(repo, 'seen'), branch: 'plan/seen' }));
    await expectFailure(seen, 'branch_checked_out', 'plan/seen', 'switch --detach');
  });
});

describe('preparing a worktree that a kill left half done', () => {
  const halfDone: [string, (repo: Repository) => void][] = [
    [
      'a stale lock on its index and its HEAD',
      (repo) => {
        write(repo.commonDir, 'worktrees/demo-w1-t1/index.lock', '');
        write(repo.commonDir, 'worktrees/demo-w1-t1/HEAD.lock', '');
      },
    ],
    ['its folder gone', (repo) => rmSync(place(repo), { recursive: true })],
    [
      'its folder empty',
      (repo) => {
        rmSync(place(repo), { recursive: true });
        mkdirSync(place(repo));
      },
    ],
    [
      'its folder moved aside to be deleted',
      (repo) => renameSync(place(repo), join(repo.path, '.worktrees', '.removing-demo-w1-t1')),
    ],
    [
      'its folder gone and its registration half deleted',
      (repo) => {
        rmSync(place(repo), { recursive: true });
        rmSync(join(repo.commonDir, 'worktrees/demo-w1-t1/locked'));
        rmSync(join(repo.commonDir, 'worktrees/demo-w1-t1/HEAD'));
      },
    ],
    [
      'its registration without a place yet',
      (repo) => {
        rmSync(place(repo), { recursive: true });
        rmSync(join(repo.commonDir, 'worktrees/demo-w1-t1/gitdir'));
      },
    ],
    [
      'its HEAD and its link not written yet, nothing checked out',
      (repo) => {
        rmSync(place(repo), { recursive: true });
        mkdirSync(place(repo));
        writeFileSync(join(place(repo), '.git'), `gitdir: ${join(repo.commonDir, 'worktrees/demo-w1-t1')}\n`);
        for (const name of ['HEAD', 'index', 'commondir', 'ORIG_HEAD']) {
          rmSync(join(repo.commonDir, 'worktrees/demo-w1-t1', name), { force: true });
        }
      },
    ],
    [
      'its checkout not ended',
      (repo) => {
        rmSync(join(place(repo), 'a.txt'));
        renameSync(
          join(repo.commonDir, 'worktrees/demo-w1-t1/index'),
          join(repo.commonDir, 'worktrees/demo-w1-t1/index.lock'),
        );
      },
    ],
    [
      'its HEAD detached in the middle of a reset',
      (repo) => run(place(repo), '-c', 'core.hooksPath=/dev/null', 'update-ref', '--no-deref', 'HEAD', repo.head),
    ],
  ];

  test.each(halfDone)('%s: it is made whole, and nothing is kept that is no work', async (_, leave) => {
    const repo = await demo();
    const first = await prepareWorktree(repo, wanted(repo));
    leave(repo);
    expect(await prepareWorktree(repo, wanted(repo))).toEqual(first);
    expect(run(place(repo), 'rev-parse', '--show-toplevel')).toBe(place(repo));
    expect(run(place(repo), 'symbolic-ref', 'HEAD')).toBe(`refs/heads/${branch}`);
    expect(run(place(repo), 'status', '--porcelain')).toBe('');
    expect(read(place(repo), 'a.txt')).toContain('two');
    expect(attempts(repo)).toEqual([]);
    expect(existsSync(join(repo.path, '.worktrees', '.removing-demo-w1-t1'))).toBe(false);
    expect(run(repo.path, 'worktree', 'list').split('\n')).toHaveLength(2);
  });

  test("an agent that deleted the worktree's link does not send our reset into the user's checkout", async () => {
    const repo = await demo();
    const { path } = await prepareWorktree(repo, wanted(repo));
    write(repo.path, 'a.txt', 'the work of the user\n');
    const before = checkoutState(repo.path);
    rmSync(join(path, '.git'));
    write(path, 'b.txt', 'of the agent\n');
    await prepareWorktree(repo, wanted(repo, { run: 'run-2', previousRun: 'run-1' }));
    expect(checkoutState(repo.path)).toEqual(before);
    expect(run(repo.path, 'show', `${attemptRef('run-1')}:b.txt`)).toBe('of the agent');
  });

  test('a rebase that stopped in the middle is kept and left behind', async () => {
    const repo = await demo();
    const { path } = await prepareWorktree(repo, wanted(repo));
    commitOn(repo, 'main', 'a.txt', 'theirs\n');
    write(path, 'a.txt', 'ours\n');
    run(path, 'add', '.');
    run(path, '-c', 'core.hooksPath=/dev/null', 'commit', '-q', '--no-gpg-sign', '-m', 'ours');
    const ours = run(path, 'rev-parse', 'HEAD');
    expect(() => run(path, '-c', 'core.hooksPath=/dev/null', 'rebase', '--no-gpg-sign', 'main')).toThrow();
    await prepareWorktree(repo, wanted(repo, { run: 'run-2', previousRun: 'run-1' }));
    expect(run(path, 'status')).not.toContain('rebase');
    expect(run(path, 'status', '--porcelain')).toBe('');
    const kept = run(repo.path, 'for-each-ref', '--format=%(refname)', '--contains', ours, 'refs/stator/attempts');
    expect(kept).not.toBe('');
  });
});
