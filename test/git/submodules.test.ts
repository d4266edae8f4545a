/** An agent's work in a submodule of its worktree is saved or refused, and never lost silently. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commitLeftovers, keepAttempt } from '../../runtime/work/git/attempt.ts';
import { ensureBranch } from '../../runtime/work/git/branch.ts';
import { filesWithStates } from '../../runtime/work/git/change-list.ts';
import { changedLines } from '../../runtime/work/git/changed-lines.ts';
import { changesBetween, textOfOne } from '../../runtime/work/git/diff.ts';
import { mergeBranch } from '../../runtime/work/git/merge.ts';
import type { Repository } from '../../runtime/work/git/repository.ts';
import { prepareWorktree, removeWorktree, uncommittedFiles } from '../../runtime/work/git/worktree.ts';
import { makeRepository, openRepository, read, run, temporaryHome, write } from '../support/git.ts';
import { expectFailure } from '../support/prose.ts';
import { outputOf } from '../support/small-shell.ts';

const home = temporaryHome();
const quiet = ['-c', 'core.hooksPath=/dev/null', '-c', 'commit.gpgSign=false', '-c', 'protocol.file.allow=always'];
const who = ['-c', 'user.name=Agent', '-c', 'user.email=agent@example.com'];
const branch = 'plan/demo-w1-t1';

/** A repository with the submodule `lib`; `isCloned`: the main checkout has a clone of it. */
async function demo(isCloned: boolean): Promise<Repository> {
  const lib = makeRepository(join(home.path, 'lib'), { isHostile: false });
  const repo = await openRepository(join(home.path, 'demo'));
  write(repo.path, '.git/info/exclude', '/.worktrees/\n');
  run(repo.path, ...quiet, 'submodule', '--quiet', 'add', lib, 'lib');
  run(repo.path, ...quiet, 'commit', '-qam', 'with lib');
  if (!isCloned) {
    run(repo.path, 'submodule', '--quiet', 'deinit', '-f', 'lib');
    rmSync(join(repo.path, '.git', 'modules'), { recursive: true });
  }
  await ensureBranch(repo, { branch: 'plan/demo', start: 'main' });
  return repo;
}

function prepare(repo: Repository, name = 'run-1', previousRun: string | null = null) {
  const path = join(repo.path, '.worktrees', 'demo-w1-t1');
  return prepareWorktree(repo, { path, branch, start: 'plan/demo', run: name, previousRun, reset: true });
}

function populate(path: string): void {
  run(path, ...quiet, 'submodule', '--quiet', 'update', '--init');
}

function commitIn(folder: string, file: string): string {
  write(folder, file, `${file}\n`);
  run(folder, 'add', '-A');
  run(folder, ...quiet, ...who, 'commit', '-qm', file);
  return run(folder, 'rev-parse', 'HEAD');
}

function end(path: string, base: string, name = 'run-1') {
  return { path, branch, run: name, base, message: 'task' };
}

describe('a submodule of a worktree', () => {
  test('runs no filter that an agent wrote into its configuration, when its worktree is counted or follows its branch', async () => {
    const repo = await demo(true);
    const { path } = await prepare(repo);
    populate(path);
    run(join(path, 'lib'), 'config', 'filter.trap.clean', `touch ${home.path}/mark; cat`);
    write(path, 'lib/.gitattributes', 'a.txt filter=trap\n');
    write(path, 'lib/a.txt', 'one\nTWO\nthree\n');
    expect(await uncommittedFiles(repo, path)).toBe(0);
    const made = run(repo.path, ...quiet, ...who, 'commit-tree', 'HEAD^{tree}', '-p', 'HEAD', '-m', 'made');
    run(repo.path, ...quiet, 'branch', 'other', made);
    await mergeBranch(repo, { from: 'other', into: branch, message: 'merge' });
    expect(existsSync(join(home.path, 'mark'))).toBe(false);
  });

  test('is in every difference, whatever the settings of the repository say of differences', async () => {
    const repo = await demo(true);
    for (const setting of ['submodule.lib.ignore=all', 'diff.submodule=log', 'diff.noprefix=true'])
      run(repo.path, 'config', ...setting.split('='));
    const { path, base } = await prepare(repo);
    populate(path);
    commitIn(join(path, 'lib'), 'committed.txt');
    const { head } = await commitLeftovers(repo, end(path, base));
    const change = { from: base, to: head };
    expect((await changesBetween(repo, base, head)).files).toEqual([{ path: 'lib', added: 1, removed: 1 }]);
    expect((await filesWithStates(repo, change, { after: 0, most: 9 })).total.files).toBe(1);
    expect(await changedLines(repo, base, head)).toBe(2);
    expect(await textOfOne(repo, { ...change, path: 'lib' })).toMatch(/^diff --git a\/lib b\/lib\n/);
  });

  test('is populated by the setup that docs/worktrees.md shows, even where its remote is gone', async () => {
    const repo = await demo(true);
    const { path } = await prepare(repo);
    rmSync(join(home.path, 'lib'), { recursive: true });
    const setup = /^setup = '''\n(lib=[^']+)'''/m.exec(read('docs', 'worktrees.md'))?.[1] ?? '';
    outputOf('sh', ['-ec', setup], path);
    expect(read(path, 'lib/a.txt')).toBe('one\ntwo\nthree\n');
  });

  test.each([true, false])(
    'has its commits kept when the worktree goes; a clone in the main checkout: %s',
    async (isCloned) => {
      const repo = await demo(isCloned);
      const { path, base } = await prepare(repo);
      populate(path);
      const made = commitIn(join(path, 'lib'), 'committed.txt');
      write(path, 'lib/left.txt', 'left over\n');
      const { changed, head } = await commitLeftovers(repo, end(path, base));
      expect(changed).toBe(true);
      await mergeBranch(repo, { from: branch, into: 'plan/demo', message: 'merge' });
      expect(await removeWorktree(repo, { path, branch, mergedInto: 'plan/demo' })).toMatchObject({ kind: 'removed' });
      const link = run(repo.path, 'rev-parse', `${head}:lib`);
      const store = join(repo.path, '.git', 'modules', 'lib');
      expect(run(store, '--git-dir', store, 'log', '--format=%H %an', '-1', `${link}~`)).toBe(`${made} Agent`);
      expect(run(store, '--git-dir', store, 'log', '--format=%an', '-1', link)).toBe('Ada Lovelace');
      // The merge that a person would make: the commit exists, with or without a clone of the submodule.
      run(repo.path, ...quiet, 'merge', '-q', '--ff-only', 'plan/demo');
      populate(repo.path);
      expect(read(repo.path, 'lib/left.txt')).toBe('left over\n');
      expect(read(repo.path, 'lib/committed.txt')).toBe('committed.txt\n');
    },
  );

  test('of a failed attempt is kept too, and the next attempt finds it as the branch has it', async () => {
    const repo = await demo(true);
    const { path, base } = await prepare(repo);
    populate(path);
    const before = run(join(path, 'lib'), 'rev-parse', 'HEAD');
    const made = commitIn(join(path, 'lib'), 'failed.txt');
    run(join(path, 'lib'), 'switch', '-qc', 'other');
    const other = commitIn(join(path, 'lib'), 'other.txt');
    run(join(path, 'lib'), 'checkout', '-q', made);
    await keepAttempt(repo, end(path, base));
    write(path, 'lib/a.txt', 'not committed\n');
    await prepare(repo, 'run-2', 'run-1');
    expect(run(join(path, 'lib'), 'rev-parse', 'HEAD')).toBe(before);
    expect(run(join(path, 'lib'), 'status', '--porcelain')).toBe('');
    const store = join(repo.path, '.git', 'modules', 'lib');
    const kept = run(store, '--git-dir', store, 'log', '--format=%H', '--glob=refs/stator').split('\n');
    expect(kept).toEqual(expect.arrayContaining([made, other]));
    const texts = run(store, '--git-dir', store, 'grep', '-h', 'not committed', ...kept, '--', 'a.txt');
    expect(texts).toBe('not committed');
    expect((await commitLeftovers(repo, end(path, base, 'run-2'))).changed).toBe(false);
  });

  test('that is not populated costs nothing, and one that points nowhere is refused', async () => {
    const repo = await demo(true);
    const { path, base } = await prepare(repo);
    write(path, 'b.txt', 'b\n');
    expect((await commitLeftovers(repo, end(path, base))).changed).toBe(true);
    run(path, 'update-index', '--cacheinfo', `160000,${'5'.repeat(40)},lib`);
    run(path, ...quiet, ...who, 'commit', '-qm', 'nowhere');
    await expectFailure(commitLeftovers(repo, end(path, base, 'run-2')), 'nested_repository', path, 'lib');
  });
});
