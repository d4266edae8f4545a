/** The work that an agent leaves becomes a commit, whatever the state of its worktree. */
import { chmodSync, existsSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commitLeftovers, keepAttempt } from '../../runtime/work/git/attempt.ts';
import { changedFiles, diffStat } from '../../runtime/work/git/diff.ts';
import { attemptRef, ownedRef } from '../../runtime/work/git/refs.ts';
import type { Repository } from '../../runtime/work/git/repository.ts';
import { prepareWorktree } from '../../runtime/work/git/worktree.ts';
import { runsOf } from '../support/drawn.ts';
import { openRepository, read, run, temporaryHome, write } from '../support/git.ts';
import { expectFailure } from '../support/prose.ts';

const home = temporaryHome();
const branch = 'plan/demo-w1-t1';
const unhooked = ['-c', 'core.hooksPath=/dev/null', '-c', 'commit.gpgSign=false'];

async function started(): Promise<{ repo: Repository; path: string; ended: Parameters<typeof commitLeftovers>[1] }> {
  return startedIn(await openRepository(join(home.path, 'demo')));
}

async function startedIn(repo: Repository): ReturnType<typeof started> {
  const wanted = {
    path: join(repo.path, '.worktrees', 'demo'),
    branch,
    start: 'main',
    run: 'run-1',
    previousRun: null,
  };
  const { path, base } = await prepareWorktree(repo, { ...wanted, reset: true });
  return { repo, path, ended: { path, branch, run: 'run-1', base, message: 'say hello (demo w1 t1)' } };
}

function commitInside(path: string, file: string, text: string): string {
  write(path, file, text);
  run(path, 'add', '-A');
  run(path, ...unhooked, 'commit', '-q', '-m', file);
  return run(path, 'rev-parse', 'HEAD');
}

describe('committing what an agent left', () => {
  test("makes one commit in the user's name, though hooks fail and signing is on, and again answers the same", async () => {
    const { repo, path, ended } = await started();
    write(path, 'a.txt', 'changed\n');
    write(path, 'ü/neu.txt', 'new\n');
    const first = await commitLeftovers(repo, ended);
    expect(first).toEqual({ head: run(repo.path, 'rev-parse', branch), base: ended.base, changed: true, nested: [] });
    expect(await commitLeftovers(repo, ended)).toEqual(first);
    expect(run(path, 'log', '--format=%an <%ae> %cn %s', `${ended.base}..HEAD`)).toBe(
      'Ada Lovelace <ada@example.com> Ada Lovelace say hello (demo w1 t1)',
    );
    expect(run(path, 'status', '--porcelain')).toBe('');
    expect(run(repo.path, 'rev-parse', attemptRef('run-1'))).toBe(first.head);
    expect(await changedFiles(repo, ended.base, first.head)).toEqual(['a.txt', 'ü/neu.txt']);
    expect(await diffStat(repo, ended.base, first.head)).toContain('2 files changed');
  });

  test('says that nothing changed when the agent did nothing, or undid what it did', async () => {
    const { repo, path, ended } = await started();
    expect(await commitLeftovers(repo, ended)).toMatchObject({ head: ended.base, changed: false });
    commitInside(path, 'b.txt', 'b');
    rmSync(join(path, 'b.txt'));
    expect(await commitLeftovers(repo, ended)).toMatchObject({ changed: false });
  });

  test('has what the agent wrote outside of the patterns of a sparse checkout, and deletes nothing there', async () => {
    const repo = await openRepository(join(home.path, 'sparse'));
    write(repo.path, 'in/1.txt', '1');
    write(repo.path, 'out/2.txt', '2');
    write(repo.path, 'out/3.txt', '3');
    run(repo.path, 'add', '-A');
    run(repo.path, ...unhooked, 'commit', '-q', '-m', 'folders');
    run(repo.path, 'sparse-checkout', 'set', 'in');
    const { path, ended } = await startedIn(repo);
    expect(existsSync(join(path, 'out'))).toBe(false);
    write(path, 'out/2.txt', 'changed');
    const { head } = await commitLeftovers(repo, ended);
    write(path, 'out/new.txt', 'new');
    const second = await commitLeftovers(repo, { ...ended, run: 'run-2', base: head });
    expect(await changedFiles(repo, ended.base, second.head)).toEqual(['out/2.txt', 'out/new.txt']);
  });

  test('counts the commits that the agent made itself', async () => {
    const { repo, path, ended } = await started();
    const head = commitInside(path, 'b.txt', 'b');
    expect(await commitLeftovers(repo, ended)).toEqual({ head, base: ended.base, changed: true, nested: [] });
  });

  test('counts a commit as it is, though the agent had git read another in its place', async () => {
    const { repo, path, ended } = await started();
    const head = commitInside(path, 'b.txt', 'b');
    run(path, ...unhooked, 'replace', head, ended.base);
    expect(await commitLeftovers(repo, ended)).toMatchObject({ head, changed: true });
  });

  test('follows an agent that committed to a branch of its own or to none', async () => {
    const { repo, path, ended } = await started();
    run(path, ...unhooked, 'switch', '-q', '-c', 'feature/own');
    const own = commitInside(path, 'b.txt', 'b');
    expect(await commitLeftovers(repo, ended)).toMatchObject({ head: own });
    run(path, ...unhooked, 'checkout', '-q', '--detach');
    const detached = commitInside(path, 'c.txt', 'c');
    expect(await commitLeftovers(repo, { ...ended, run: 'run-2' })).toMatchObject({ head: detached });
    expect(run(path, 'symbolic-ref', 'HEAD')).toBe(`refs/heads/${branch}`);
    expect(run(repo.path, 'rev-parse', branch, 'feature/own')).toBe(`${detached}\n${own}`);
  });

  test('is not lost with a branch that was deleted under its checkout', async () => {
    const { repo, path, ended } = await started();
    const own = commitInside(path, 'b.txt', 'b');
    write(path, 'c.txt', 'c');
    for (const ref of [`refs/heads/${branch}`, ownedRef(branch)]) run(repo.path, ...unhooked, 'update-ref', '-d', ref);
    const { head } = await commitLeftovers(repo, ended);
    expect(run(repo.path, 'rev-parse', branch, `${branch}^`)).toBe(`${head}\n${own}`);
    expect(await changedFiles(repo, ended.base, head)).toEqual(['b.txt', 'c.txt']);
    expect(run(path, 'status', '-sb')).toBe(`## ${branch}`);
    run(path, ...unhooked, 'update-ref', '-d', 'HEAD');
    expect(await commitLeftovers(repo, { ...ended, run: 'run-2' })).toMatchObject({ head });
  });

  test('is not misled by an agent that only looked at another commit', async () => {
    const { repo, path, ended } = await started();
    const head = commitInside(path, 'b.txt', 'b');
    run(path, ...unhooked, 'checkout', '-q', '--detach', ended.base);
    expect(await commitLeftovers(repo, ended)).toMatchObject({ head, changed: true });
    expect(read(path, 'b.txt')).toBe('b');
    expect(run(path, 'status', '--porcelain')).toBe('');
  });

  test('joins what went on in two places, and keeps the other end where that conflicts', async () => {
    const { repo, path, ended } = await started();
    commitInside(path, 'b.txt', 'b');
    run(path, ...unhooked, 'checkout', '-q', '--detach', ended.base);
    write(path, 'c.txt', 'c');
    const joined = await commitLeftovers(repo, ended);
    expect(await changedFiles(repo, ended.base, joined.head)).toEqual(['b.txt', 'c.txt']);
    expect(run(path, 'status', '--porcelain')).toBe('');
    run(path, ...unhooked, 'checkout', '-q', '--detach', ended.base);
    write(path, 'b.txt', 'another b');
    expect(await commitLeftovers(repo, { ...ended, run: 'run-2' })).toMatchObject({ head: joined.head });
    expect(run(repo.path, 'show', `${attemptRef('run-2-aside')}:b.txt`)).toBe('another b');
  });

  test('copes with a stale lock, a merge in conflict and a half staged index', async () => {
    const { repo, path, ended } = await started();
    run(path, ...unhooked, 'switch', '-q', '-c', 'theirs');
    commitInside(path, 'a.txt', 'theirs\n');
    run(path, ...unhooked, 'switch', '-q', branch);
    commitInside(path, 'a.txt', 'ours\n');
    expect(() => run(path, ...unhooked, 'merge', '-q', 'theirs')).toThrow();
    write(path, 'staged.txt', 'staged');
    run(path, 'add', 'staged.txt');
    write(repo.commonDir, 'worktrees/demo/index.lock', '');
    const { head } = await commitLeftovers(repo, ended);
    expect(await changedFiles(repo, ended.base, head)).toEqual(['a.txt', 'staged.txt']);
    expect(run(path, 'status')).not.toContain('merging');
  });

  test.each([
    [
      'before the branch moved',
      (repo: Repository, base: string) => run(repo.path, ...unhooked, 'update-ref', `refs/heads/${branch}`, base),
    ],
    [
      'before the index followed',
      (repo: Repository, base: string) => run(join(repo.path, '.worktrees/demo'), 'read-tree', base),
    ],
  ])('killed %s, the next run makes no second commit', async (_, undo) => {
    const { repo, path, ended } = await started();
    write(path, 'b.txt', 'b');
    const first = await commitLeftovers(repo, ended);
    undo(repo, ended.base);
    expect(await commitLeftovers(repo, ended)).toEqual(first);
    expect(run(path, 'status', '--porcelain')).toBe('');
    expect(run(repo.path, 'rev-parse', branch)).toBe(first.head);
  });

  test('answers from the record when the worktree is gone by now', async () => {
    const { repo, path, ended } = await started();
    write(path, 'b.txt', 'b');
    const first = await commitLeftovers(repo, ended);
    rmSync(path, { recursive: true });
    expect(await commitLeftovers(repo, ended)).toEqual(first);
  });

  test('works with an inherited GIT_DIR and GIT_INDEX_FILE', async () => {
    const { repo, path, ended } = await started();
    write(path, 'b.txt', 'b');
    process.env.GIT_DIR = join(home.path, 'nowhere');
    process.env.GIT_INDEX_FILE = join(home.path, 'no-index');
    try {
      expect(await commitLeftovers(repo, ended)).toMatchObject({ changed: true });
    } finally {
      delete process.env.GIT_DIR;
      delete process.env.GIT_INDEX_FILE;
    }
    expect(existsSync(join(home.path, 'no-index'))).toBe(false);
  });

  test('without an identity says how to set one', async () => {
    const { repo, path, ended } = await started();
    write(path, 'b.txt', 'b');
    run(repo.path, 'config', '--unset', 'user.name');
    await expectFailure(commitLeftovers(repo, ended), 'bad_config', 'user.name');
  });
});

describe('a worktree that was taken away', () => {
  /** Two files are tracked now, and one is not. */
  async function furnished() {
    const made = await started();
    const head = commitInside(made.path, 'b.txt', 'b');
    write(made.path, 'c.txt', 'c');
    return { ...made, head };
  }
  const empty = (path: string, except: string) => {
    for (const name of readdirSync(path)) if (name !== except) rmSync(join(path, name), { recursive: true });
  };

  test('has deleted nothing, where the walls held its folder and its .git', async () => {
    const { repo, path, ended, head } = await furnished();
    empty(path, '.git');
    expect(await keepAttempt(repo, ended)).toMatchObject({ head, files: ['b.txt'] });
    expect(await commitLeftovers(repo, ended)).toMatchObject({ head });
    expect(run(path, 'status', '--porcelain')).toBe('');
    expect(read(path, 'b.txt')).toBe('b');
  });

  test('has deleted nothing, where something was written into its folder afterwards: a ref keeps that', async () => {
    const { repo, path, ended, head } = await furnished();
    empty(path, '');
    write(path, 'late.txt', 'late');
    expect(await commitLeftovers(repo, ended)).toMatchObject({ head });
    expect(read(path, 'b.txt')).toBe('b');
    expect(run(repo.path, 'show', `${attemptRef('run-1-leftover')}:late.txt`)).toBe('late');
  });

  test('is not assumed if a file is left that git ignores', async () => {
    const { repo, path, ended } = await furnished();
    write(repo.commonDir, 'info/exclude', 'cache\n.worktrees/\n');
    empty(path, '.git');
    write(path, 'cache', 'warm');
    const all = await commitLeftovers(repo, ended);
    expect(run(repo.path, 'ls-tree', all.head)).toBe('');
  });

  test('is not assumed if the agent committed the deletion of all files', async () => {
    const { repo, path, ended } = await furnished();
    run(path, 'add', '-A');
    run(path, 'rm', '-q', '-r', '-f', '.');
    run(path, ...unhooked, 'commit', '-q', '-m', 'begin anew');
    const all = await commitLeftovers(repo, ended);
    expect(run(repo.path, 'ls-tree', all.head)).toBe('');
  });

  test('is not assumed if the only file of a project was deleted', async () => {
    const { repo, path, ended } = await started();
    rmSync(join(path, 'a.txt'));
    const all = await commitLeftovers(repo, ended);
    expect(run(repo.path, 'ls-tree', all.head)).toBe('');
  });
});

describe('keeping an attempt', () => {
  test('holds files and commits under its own ref, and leaves worktree, index and branch alone', async () => {
    const { repo, path, ended } = await started();
    commitInside(path, 'b.txt', 'b');
    write(path, 'c.txt', 'c');
    const before = run(path, 'status', '--porcelain=v2', '--branch');
    const kept = await keepAttempt(repo, ended);
    expect(kept).toEqual({
      head: run(repo.path, 'rev-parse', attemptRef('run-1')),
      changed: true,
      files: ['b.txt', 'c.txt'],
      nested: [],
    });
    expect(await keepAttempt(repo, ended)).toEqual(kept);
    expect(run(path, 'status', '--porcelain=v2', '--branch')).toBe(before);
  });

  test('goes on top of what was committed before a check failed', async () => {
    const { repo, path, ended } = await started();
    write(path, 'b.txt', 'b');
    const { head } = await commitLeftovers(repo, ended);
    write(path, 'report.txt', 'from the check');
    const kept = await keepAttempt(repo, ended);
    expect(kept.files).toEqual(['b.txt', 'report.txt']);
    expect(run(repo.path, 'rev-parse', `${kept.head}^`)).toBe(head);
  });

  test('of a run that worked on another host leaves a branch here that is ours, for the next run', async () => {
    const { repo, path, ended } = await started();
    const next = { path, branch, start: 'main', run: 'run-2', previousRun: 'run-1', reset: false };
    const forget = () => {
      run(repo.path, 'worktree', 'remove', '--force', '--force', path);
      for (const ref of [`refs/heads/${branch}`, ownedRef(branch)])
        run(repo.path, ...unhooked, 'update-ref', '-d', ref);
    };
    forget();
    expect(await commitLeftovers(repo, ended)).toMatchObject({ head: ended.base, changed: false });
    await prepareWorktree(repo, next);
    const kept = commitInside(path, 'a.txt', 'of run 1');
    forget();
    // The run's end was fetched from the shared remote.
    run(repo.path, ...unhooked, 'update-ref', attemptRef('run-1'), kept);
    expect(await commitLeftovers(repo, ended)).toMatchObject({ head: kept, changed: true });
    await prepareWorktree(repo, next);
    expect(run(path, 'rev-parse', 'HEAD')).toBe(kept);
  });

  test('keeps what git cannot convert as it is, and the next run begins anew', async () => {
    const { repo, path, ended } = await started();
    write(path, '.gitattributes', '*.txt working-tree-encoding=UTF-16\n*.sh filter=gone\n');
    for (const file of ['b.txt', 'c.sh', 'd e']) write(path, file, `${file}\n`);
    rmSync(join(path, 'a.txt'));
    symlinkSync('/etc/hostname', join(path, 'link'));
    chmodSync(join(path, 'c.sh'), 0o755);
    await expect(commitLeftovers(repo, ended)).rejects.toMatchObject({ code: 'git_failed' });
    const wanted = { path, branch, start: 'main', run: 'run-2', previousRun: 'run-1', reset: true };
    expect(await prepareWorktree(repo, wanted)).toMatchObject({ base: ended.base });
    expect(run(path, 'status', '--porcelain')).toBe('');
    const kept = attemptRef('run-1');
    expect(run(repo.path, 'ls-tree', '-r', '--format=%(objectmode) %(path)', kept).split('\n')).toEqual(
      expect.arrayContaining(['100644 .gitattributes', '100644 b.txt', '100755 c.sh', '100644 d e', '120000 link']),
    );
    expect(await changedFiles(repo, ended.base, kept)).toContain('a.txt');
    expect(run(repo.path, 'show', `${kept}:b.txt`)).toBe('b.txt');
  });

  test('of a run whose worktree was deleted answers with its branch', async () => {
    const { repo, path, ended } = await started();
    const head = commitInside(path, 'b.txt', 'b');
    rmSync(path, { recursive: true });
    expect(await keepAttempt(repo, ended)).toEqual({ head, changed: true, files: ['b.txt'], nested: [] });
  });
});

test('whatever an agent does to files, commits and branches, every file it had at its end is in what is kept', async () => {
  const { repo, path, ended } = await started();
  const name = fc.constantFrom('a.txt', 'b.txt', 'd/c.txt', 'ü ".txt');
  const act = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), name, text: fc.string({ maxLength: 5 }) }),
    fc.record({ kind: fc.constant('delete' as const), name }),
    fc.record({
      kind: fc.constantFrom(
        'stage' as const,
        'commit' as const,
        'detach' as const,
        'own-branch' as const,
        'kept' as const,
      ),
    }),
  );
  let count = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 6 }), async (acts) => {
      count += 1;
      const runName = `run-${count}`;
      const next = { path, branch, start: 'main', run: runName, previousRun: null, reset: true };
      const { base } = await prepareWorktree(repo, next);
      const end = { ...ended, base, run: runName };
      for (const [index, step] of acts.entries()) {
        if (step.kind === 'write') write(path, step.name, step.text);
        else if (step.kind === 'delete') rmSync(join(path, step.name), { force: true });
        else if (step.kind === 'stage') run(path, 'add', '-A');
        else if (step.kind === 'commit') run(path, ...unhooked, 'commit', '-q', '--allow-empty', '-m', 'x');
        else if (step.kind === 'detach') run(path, ...unhooked, 'checkout', '-q', '--detach');
        else if (step.kind === 'own-branch') run(path, ...unhooked, 'checkout', '-q', '-b', `own-${count}-${index}`);
        else await keepAttempt(repo, end);
      }
      const before = ['a.txt', 'b.txt', 'd/c.txt', 'ü ".txt'].map((file) =>
        existsSync(join(path, file)) ? read(path, file) : null,
      );
      const last = run(path, 'rev-parse', 'HEAD');
      const hasSeveral = run(path, 'ls-tree', '-r', '--name-only', last).includes('\n');
      const { head } = await commitLeftovers(repo, end);
      // If all of several files are gone at once, the worktree was removed: that is no deletion.
      if (hasSeveral && before.every((text) => text === null)) {
        expect(run(path, 'rev-parse', `${head}^{tree}`)).toBe(run(path, 'rev-parse', `${last}^{tree}`));
        expect(run(path, 'status', '--porcelain')).toBe('');
        return;
      }
      const after = ['a.txt', 'b.txt', 'd/c.txt', 'ü ".txt'].map((file) => {
        const isThere = run(repo.path, 'ls-tree', '-r', '-z', '--name-only', head).split('\0').includes(file);
        return isThere ? read(path, file) : null;
      });
      expect(after).toEqual(before);
      expect(run(path, 'status', '--porcelain')).toBe('');
      expect(run(repo.path, 'rev-parse', branch, attemptRef(runName))).toBe(`${head}\n${head}`);
    }),
    { numRuns: runsOf(25) },
  );
});

test('a long list of changes is cut at 4 KiB, with a word on how much was cut', async () => {
  const { repo, path, ended } = await started();
  for (let index = 0; index < 200; index++) write(path, `folder/some-file-number-${index}.txt`, 'x\n');
  const { head } = await commitLeftovers(repo, ended);
  const stat = await diffStat(repo, ended.base, head);
  expect(Buffer.byteLength(stat)).toBeLessThanOrEqual(4096);
  expect(stat).toMatch(/… and \d+ more files\n 200 files changed/);
});
