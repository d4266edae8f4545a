/** A merge into the user's checkout that is killed inside git: a second call finishes it, and a person's changes are not mistaken for the merge's. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { mergeIntoCheckout } from '../../runtime/work/git/checkout-merge.ts';
import type { Repository } from '../../runtime/work/git/repository.ts';
import { runsOf } from '../support/drawn.ts';
import { openRepository, read, run, temporaryHome, write } from '../support/git.ts';

const home = temporaryHome();
const quiet = ['-c', 'core.hooksPath=/dev/null', '-c', 'commit.gpgSign=false'];
const count = 6;

/** A plan that changes six files, adds six and deletes one. */
async function planned(): Promise<Repository> {
  const repo = await openRepository(join(home.path, 'demo'));
  const { path } = repo;
  for (let n = 1; n <= count; n++) write(path, `old/${n}.txt`, `before ${n}\n`);
  write(path, 'gone.txt', 'to be taken away\n');
  write(path, 'mine.txt', 'theirs\n');
  run(path, ...quiet, 'add', '-A');
  run(path, ...quiet, 'commit', '-qm', 'files');
  run(path, ...quiet, 'switch', '-qc', 'plan/demo');
  for (let n = 1; n <= count; n++) write(path, `old/${n}.txt`, `after ${n}, ${'and more '.repeat(n)}\n`);
  for (let n = 1; n <= count; n++) write(path, `new/${n}.txt`, `new ${n}\n`);
  run(path, 'rm', '-q', 'gone.txt');
  run(path, ...quiet, 'add', '-A');
  run(path, ...quiet, 'commit', '-qm', 'the plan');
  run(path, ...quiet, 'switch', '-q', 'main');
  // A person's uncommitted work, in other files.
  write(path, 'mine.txt', 'mine\n');
  write(path, 'notes.txt', 'mine too\n');
  return repo;
}

function merge(repo: Repository) {
  return mergeIntoCheckout(repo, { from: 'plan/demo', into: 'main', message: 'merge' });
}

/** git is killed before it writes the nth file of the merge, or its filter fails there. */
function killAt(repo: Repository, nth: number, how = 'kill -9 $PPID'): void {
  const filter = join(home.path, 'filter');
  const tally = join(home.path, 'tally');
  const kill = `echo >> '${tally}'; [ $(wc -l < '${tally}') -eq ${nth} ] && ${how}; exec cat`;
  writeFileSync(filter, `#!/bin/sh\n${kill}\n`);
  chmodSync(filter, 0o755);
  run(repo.path, 'config', '--global', 'filter.kill.smudge', filter);
  write(repo.path, '.git/info/attributes', 'old/* filter=kill\nnew/* filter=kill\n');
}

function spare(repo: Repository): void {
  rmSync(join(repo.path, '.git', 'info', 'attributes'), { force: true });
}

function expectMerged({ path }: Repository): void {
  for (let n = 1; n <= count; n++) {
    expect(read(path, `old/${n}.txt`)).toBe(`after ${n}, ${'and more '.repeat(n)}\n`);
    expect(read(path, `new/${n}.txt`)).toBe(`new ${n}\n`);
  }
  expect(read(path, 'mine.txt')).toBe('mine\n');
  expect(read(path, 'notes.txt')).toBe('mine too\n');
  expect(run(path, 'status', '--porcelain').split('\n')).toEqual([' M mine.txt', '?? notes.txt']);
  expect(run(path, 'rev-parse', 'main^2')).toBe(run(path, 'rev-parse', 'plan/demo'));
  expect(existsSync(join(path, '.git', 'stator-merge'))).toBe(false);
}

describe('a merge into the checkout that is killed', () => {
  test.each([1, 2, 7, 12])('at its file %i of twelve is finished by the same call', async (nth) => {
    const repo = await planned();
    killAt(repo, nth);
    await expect(merge(repo)).rejects.toMatchObject({ code: 'git_failed' });
    expect(existsSync(join(repo.path, '.git', 'index.lock'))).toBe(true);
    spare(repo);
    expect(await merge(repo)).toMatchObject({ kind: 'merged' });
    expectMerged(repo);
  });

  test('or whose git gives up at a file, is finished by the same call', async () => {
    const repo = await planned();
    killAt(repo, 7, 'exit 1');
    run(repo.path, 'config', '--global', 'filter.kill.clean', 'cat');
    run(repo.path, 'config', '--global', 'filter.kill.required', 'true');
    expect(await merge(repo)).toMatchObject({ kind: 'git' });
    spare(repo);
    expect(await merge(repo)).toMatchObject({ kind: 'merged' });
    expectMerged(repo);
  });

  test('again and again is finished all the same', async () => {
    const repo = await planned();
    for (const nth of [3, 2, 5, 9]) {
      rmSync(join(home.path, 'tally'), { force: true });
      killAt(repo, nth);
      await expect(merge(repo)).rejects.toMatchObject({ code: 'git_failed' });
    }
    spare(repo);
    expect(await merge(repo)).toMatchObject({ kind: 'merged' });
    expectMerged(repo);
  });

  test('in the middle of a file is finished by the same call', async () => {
    const repo = await planned();
    killAt(repo, 8);
    await expect(merge(repo)).rejects.toMatchObject({ code: 'git_failed' });
    spare(repo);
    write(repo.path, 'old/6.txt', `after 6, ${'and more '.repeat(6)}\n`);
    truncateSync(join(repo.path, 'old', '6.txt'), 11);
    expect(await merge(repo)).toMatchObject({ kind: 'merged' });
    expectMerged(repo);
  });

  test('when index and files were written and the branch was not moved', async () => {
    const repo = await planned();
    run(repo.path, 'read-tree', '-m', '-u', 'main', 'plan/demo');
    expect(await merge(repo)).toMatchObject({ kind: 'merged' });
    expectMerged(repo);
  });

  test('leaves what a person changed since as it is, and names that alone', async () => {
    const repo = await planned();
    killAt(repo, 7);
    await expect(merge(repo)).rejects.toMatchObject({ code: 'git_failed' });
    spare(repo);
    write(repo.path, 'old/5.txt', 'written by hand\n');
    write(repo.path, 'new/6.txt', 'made by hand\n');
    expect(await merge(repo)).toMatchObject({ kind: 'overlap', files: ['new/6.txt', 'old/5.txt'] });
    expect(read(repo.path, 'old/5.txt')).toBe('written by hand\n');
    expect(read(repo.path, 'new/6.txt')).toBe('made by hand\n');
    run(repo.path, ...quiet, 'restore', 'old/5.txt');
    rmSync(join(repo.path, 'new', '6.txt'));
    expect(await merge(repo)).toMatchObject({ kind: 'merged' });
    expectMerged(repo);
  });

  test('keeps what a person staged in a file that lies as the merge would have it', async () => {
    const repo = await planned();
    write(repo.path, 'old/1.txt', 'staged by hand\n');
    run(repo.path, ...quiet, 'add', 'old/1.txt');
    write(repo.path, 'old/1.txt', `after 1, and more \n`);
    expect(await merge(repo)).toMatchObject({ kind: 'overlap', files: ['old/1.txt'] });
    expect(run(repo.path, 'show', ':old/1.txt')).toBe('staged by hand');
  });

  test('and a person who took a file of it away is asked where no merge was killed', async () => {
    const repo = await planned();
    rmSync(join(repo.path, 'old', '2.txt'));
    expect(await merge(repo)).toMatchObject({ kind: 'overlap', files: ['old/2.txt'] });
    expect(existsSync(join(repo.path, 'old', '2.txt'))).toBe(false);
  });
});

describe('kills at any time', () => {
  const path = process.env.PATH ?? '';
  afterEach(() => {
    process.env.PATH = path;
  });

  test('end in a merge, with nothing of a person touched', async () => {
    const repo = await planned();
    const real = execFileSync('which', ['git'], { encoding: 'utf8' }).trim();
    const wrapper = join(home.path, 'bin', 'git');
    // Steps of a quarter of a millisecond, from before the first file until after the branch has moved.
    const kill = (n: number) =>
      `case "$*" in *ff-only*) '${real}' "$@" & victim=$!; sleep ${(n * 0.00025).toFixed(5)}; kill -9 $victim; wait $victim; exit 137;; esac; exec '${real}' "$@"`;
    for (let n = 0; n < runsOf(24); n++) {
      write(home.path, 'bin/git', `#!/bin/sh\n${kill(n)}\n`);
      chmodSync(wrapper, 0o755);
      process.env.PATH = `${join(home.path, 'bin')}:${path}`;
      const outcome = await merge(repo).catch((thrown: { code: string }) => thrown.code);
      if (outcome !== 'git_failed') expect(outcome, `kill ${n}`).toMatchObject({ kind: 'merged' });
      expect(readFileSync(join(repo.path, 'mine.txt'), 'utf8')).toBe('mine\n');
    }
    process.env.PATH = path;
    expect(await merge(repo)).toMatchObject({ kind: 'merged' });
    rmSync(join(repo.path, '.git', 'stator-merge'), { force: true });
    expectMerged(repo);
  });
});
