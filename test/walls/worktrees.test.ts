/** A replaced worktree: nothing outside of it is committed or deleted, and no program that it names is run. */
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commitLeftovers, keepAttempt } from '../../runtime/work/git/attempt.ts';
import { ensureBranch } from '../../runtime/work/git/branch.ts';
import { mergeBranch } from '../../runtime/work/git/merge.ts';
import type { Repository } from '../../runtime/work/git/repository.ts';
import { prepareWorktree, removeWorktree } from '../../runtime/work/git/worktree.ts';
import { begin, planText, startEngine, untilPlan } from '../support/engine.ts';
import { openRepository, read, run, temporaryHome, write } from '../support/git.ts';

const home = temporaryHome();
const branch = 'plan/demo-w1-t1';
const unhooked = ['-c', 'core.hooksPath=/dev/null', '-c', 'commit.gpgSign=false'];

const wanted = (repo: Repository, run = 'run-1') => ({
  path: join(repo.path, '.worktrees', 'demo'),
  branch,
  start: 'main',
  run,
  previousRun: null,
  reset: true,
});

/** A worktree in which a run has begun, and a user's folder with a file. */
async function started() {
  const repo = await openRepository(join(home.path, 'demo'));
  const { path, base } = await prepareWorktree(repo, wanted(repo));
  const outside = join(home.path, 'letters');
  write(outside, 'love.txt', 'private\n');
  return { repo, path, base, outside, ended: { path, branch, run: 'run-1', base, message: 'work' } };
}

/** The worktree itself is replaced, or the folder of all worktrees. */
const ways = {
  'the worktree itself': (path: string, outside: string) => {
    rmSync(path, { recursive: true });
    symlinkSync(outside, path);
  },
  'the folder around it': (path: string, outside: string) => {
    const around = join(path, '..');
    renameSync(around, `${around}-old`);
    mkdirSync(join(outside, '..', 'around'));
    renameSync(outside, join(outside, '..', 'around', 'demo'));
    symlinkSync(join(outside, '..', 'around'), around);
  },
};

function holdsLetters(repo: Repository): string {
  return run(repo.path, 'log', '--all', '--format=%H', '--', 'love.txt');
}

describe('a link in place of a worktree', () => {
  for (const [what, exchange] of Object.entries(ways)) {
    test(`does not get the files that it leads to into a commit or a ref, by ${what}`, async () => {
      const { repo, path, outside, base, ended } = await started();
      exchange(path, outside);
      expect(await keepAttempt(repo, ended)).toMatchObject({ head: base, changed: false });
      expect(await commitLeftovers(repo, ended)).toMatchObject({ head: base, changed: false });
      expect(holdsLetters(repo)).toBe('');
      expect(read(path, 'love.txt')).toBe('private\n');
    });

    test(`does not get them deleted by the next run, by ${what}`, async () => {
      const { repo, path, outside } = await started();
      exchange(path, outside);
      await expect(prepareWorktree(repo, wanted(repo, 'run-2'))).rejects.toMatchObject({ code: 'worktree_taken' });
      expect(read(path, 'love.txt')).toBe('private\n');
      expect(holdsLetters(repo)).toBe('');
    });

    test(`does not get them deleted with the worktree, by ${what}`, async () => {
      const { repo, path, outside } = await started();
      exchange(path, outside);
      expect(await removeWorktree(repo, { path, branch, mergedInto: 'main' })).toMatchObject({ kind: 'kept' });
      expect(read(path, 'love.txt')).toBe('private\n');
    });
  }

  test('to an empty folder is not taken for a worktree to be made', async () => {
    const { repo, path, outside } = await started();
    rmSync(path, { recursive: true });
    rmSync(join(outside, 'love.txt'));
    symlinkSync(outside, path);
    await expect(prepareWorktree(repo, wanted(repo, 'run-2'))).rejects.toMatchObject({ code: 'worktree_taken' });
    expect(readdirSync(outside)).toEqual([]);
  });

  test('is not written through when the branch beneath it gets a merge', async () => {
    const { repo, path, outside } = await started();
    await ensureBranch(repo, { branch: 'plan/demo-w1-t2', start: 'main' });
    const other = await prepareWorktree(repo, {
      ...wanted(repo, 'run-2'),
      path: join(path, '..', 'other'),
      branch: 'plan/demo-w1-t2',
    });
    write(other.path, 'a.txt', 'merged\n');
    const ended = { path: other.path, branch: 'plan/demo-w1-t2', run: 'run-2', base: other.base, message: 'work' };
    await commitLeftovers(repo, ended);
    for (const file of readdirSync(path)) if (file !== '.git') write(outside, file, read(path, file));
    ways['the worktree itself'](path, outside);
    expect(await mergeBranch(repo, { from: 'plan/demo-w1-t2', into: branch, message: 'm' })).toMatchObject({
      kind: 'merged',
    });
    expect(read(outside, 'a.txt')).toBe('one\ntwo\nthree\n');
  });
});

/** A repository whose filter leaves a mark for each file that git reads. */
function makeTrap(folder: string, mark: string): void {
  run(home.path, 'init', '-q', folder);
  write(folder, '.gitattributes', '* filter=trap\n');
  write(folder, 'a.txt', 'other\n');
  run(folder, ...unhooked, '-c', 'user.name=A', '-c', 'user.email=a@b.c', 'add', '-A');
  run(folder, 'config', 'filter.trap.clean', `sh -c 'echo clean >> "${mark}"; cat'`);
  run(folder, 'config', 'core.fsmonitor', `echo monitor >> "${mark}"; false`);
}

describe("a worktree's own .git", () => {
  test('that names another repository is not the one that the next run works in', async () => {
    const { repo, path } = await started();
    makeTrap(join(home.path, 'trap'), join(home.path, 'mark'));
    write(path, '.git', `gitdir: ${join(home.path, 'trap', '.git')}\n`);
    await prepareWorktree(repo, wanted(repo, 'run-2'));
    expect(read(path, '.git')).toBe(`gitdir: ${join(repo.commonDir, 'worktrees', 'demo')}\n`);
    expect(existsSync(join(home.path, 'mark'))).toBe(false);
  });

  test('that is a link is made anew, and what it led to stays', async () => {
    const { repo, path, ended } = await started();
    write(home.path, 'victim', 'mine\n');
    rmSync(join(path, '.git'));
    symlinkSync(join(home.path, 'victim'), join(path, '.git'));
    write(path, 'b.txt', 'b\n');
    expect(await commitLeftovers(repo, ended)).toMatchObject({ changed: true });
    expect(lstatSync(join(path, '.git')).isFile()).toBe(true);
    expect(read(home.path, 'victim')).toBe('mine\n');
    expect(run(path, 'rev-parse', '--abbrev-ref', 'HEAD')).toBe(branch);
  });

  test('that became a repository does not hide the work, nor the branch from the next run', async () => {
    const { repo, path, ended } = await started();
    rmSync(join(path, '.git'));
    makeTrap(path, join(home.path, 'mark'));
    rmSync(join(home.path, 'mark'), { force: true });
    const { head } = await commitLeftovers(repo, ended);
    expect(run(repo.path, 'show', `${head}:a.txt`)).toBe('other');
    await prepareWorktree(repo, wanted(repo, 'run-2'));
    expect(run(path, 'rev-parse', '--abbrev-ref', 'HEAD')).toBe(branch);
    expect(existsSync(join(home.path, 'mark'))).toBe(false);
  });

  test('does not make the engine run a program, when a reviewer has exchanged it', async () => {
    const engine = await startEngine({
      agents: { default: { preset: 'sh', attempts: 1 }, reviewer: { preset: 'command', program: '.worktrees/judge' } },
    });
    const mark = join(engine.root, 'mark');
    const trap = join(engine.root, 'trap');
    makeTrap(trap, mark);
    const judge = join(engine.repo, '.worktrees', 'judge');
    write(
      join(engine.repo, '.worktrees'),
      'judge',
      `#!/bin/sh\nprintf 'gitdir: ${trap}/.git\\n' > .git.new && mv .git.new .git && cp '${trap}/.gitattributes' . && echo more >> a.txt\n`,
    );
    chmodSync(judge, 0o755);
    await begin(engine, 'trapped', planText(['echo work > work.txt']));
    await untilPlan(engine, 'trapped', ({ status, blocked }) => status === 'done' || blocked !== null);
    expect(existsSync(mark)).toBe(false);
  });
});
