/** Leftovers of a killed git (broken worktree entries, lock files) are repaired if they are stator's own, and otherwise reported. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { withNotes } from '../../runtime/work/git/notes.ts';
import { moveRef, readRef } from '../../runtime/work/git/refs.ts';
import type { Repository } from '../../runtime/work/git/repository.ts';
import { gitFaults } from '../../runtime/work/git/troubles.ts';
import { prepareWorktree, removeWorktree } from '../../runtime/work/git/worktree.ts';
import { listWorktrees, lockReason } from '../../runtime/work/git/worktree-list.ts';
import { runsOf } from '../support/drawn.ts';
import { commitOn, openRepository, run, temporaryHome, write } from '../support/git.ts';
import { expectProse } from '../support/prose.ts';

const home = temporaryHome();
const branch = 'plan/demo-w1-t1';
const long = new Date(Date.now() - 3_600_000);
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

const place = (repo: Repository) => join(repo.path, '.worktrees', 'plan-demo-w1-t1');
const entry = (repo: Repository) => join(repo.commonDir, 'worktrees', 'plan-demo-w1-t1');

async function prepared(repo: Repository, id: string): Promise<string> {
  const wanted = { path: place(repo), branch, start: 'main', run: id, previousRun: null, reset: true };
  return (await prepareWorktree(repo, wanted)).path;
}

/** The second command reads what `git gc` reads of each worktree, and ends with 128 where that does: 3 ms instead of 100. */
function isSound(repo: Repository): void {
  for (const args of [
    ['worktree', 'list'],
    ['rev-list', '--count', '--all', '--reflog', '--indexed-objects'],
  ])
    run(repo.path, ...args);
  expect(gitFaults(repo.path)).toEqual([]);
}

/** Also prunes the entries of worktrees that it takes for dead. */
function collect(repo: Repository): void {
  run(repo.path, '-c', 'core.hooksPath=/dev/null', 'gc', '-q');
  isSound(repo);
}

/** A lock file that was written an hour ago. */
function oldLock(file: string): string {
  writeFileSync(file, '');
  utimesSync(file, long, long);
  return file;
}

describe('an entry of a worktree of ours', () => {
  const ways = {
    missing: (file: string) => rmSync(file, { force: true }),
    empty: (file: string) => writeFileSync(file, ''),
    cut: (file: string) => truncateSync(file, 5),
  };
  it.each(['gitdir', 'commondir', 'HEAD', 'locked', 'index'])(
    'whose %s is missing, empty or cut is mended, and a run starts there',
    async (file) => {
      const repo = await openRepository(join(home.path, 'demo'));
      for (const [how, spoil] of Object.entries(ways)) {
        await prepared(repo, `${how}-first`);
        spoil(join(entry(repo), file));
        const path = await prepared(repo, `${how}-second`);
        expect(run(path, 'symbolic-ref', 'HEAD'), how).toBe(`refs/heads/${branch}`);
        collect(repo);
        expect(run(path, 'status', '--porcelain'), how).toBe('');
        const removed = await removeWorktree(repo, { path, branch, mergedInto: 'main' });
        expect(removed, how).toEqual({ kind: 'removed', branchDeleted: true });
      }
    },
  );

  it('in which a folder lies in place of HEAD or index is mended, and a run starts there', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    await prepared(repo, 'first');
    for (const file of ['HEAD', 'index']) {
      rmSync(join(entry(repo), file));
      mkdirSync(join(entry(repo), file, 'inner'), { recursive: true });
      const path = await prepared(repo, `of-${file}`);
      expect(run(path, 'symbolic-ref', 'HEAD'), file).toBe(`refs/heads/${branch}`);
      isSound(repo);
    }
    collect(repo);
    expect(run(place(repo), 'status', '--porcelain')).toBe('');
  });

  // The order in which git writes them. After a kill the last file may be empty.
  const order = ['locked', 'gitdir', 'HEAD', 'commondir'];
  it.each([...order.entries()])(
    'that was killed at file %i, %s, is mended by the look of an engine',
    async (count, last) => {
      const repo = await openRepository(join(home.path, 'demo'));
      for (const isEmpty of [true, false]) {
        await prepared(repo, `first-${isEmpty}`);
        for (const file of [...order.slice(count + 1), 'index', 'logs', 'ORIG_HEAD'])
          rmSync(join(entry(repo), file), { recursive: true, force: true });
        if (isEmpty) writeFileSync(join(entry(repo), last), '');
        rmSync(place(repo), { recursive: true });
        const said: string[] = [];
        await withNotes(
          (text) => said.push(text),
          () => listWorktrees(repo),
        );
        isSound(repo);
        if (isEmpty || count === 0) expect(said.join()).toContain(entry(repo));
        await prepared(repo, `second-${isEmpty}`);
        isSound(repo);
      }
      collect(repo);
      expect(run(place(repo), 'status', '--porcelain')).toBe('');
    },
  );

  it('keeps what an agent left in the worktree, even if the files of the entry were emptied', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    const path = await prepared(repo, 'first');
    write(path, 'work.txt', 'mine\n');
    for (const file of ['gitdir', 'commondir', 'HEAD', 'index']) writeFileSync(join(entry(repo), file), '');
    await prepared(repo, 'second');
    expect(run(repo.path, 'show', 'refs/stator/attempts/second-before:work.txt')).toBe('mine');
  });

  it('is found whole or mended, wherever a real git worktree add was killed', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    await prepared(repo, 'first');
    await removeWorktree(repo, { path: place(repo), branch, mergedInto: null });
    const rounds = runsOf(25);
    for (let round = 0; round < rounds; round++) {
      const reason = ['--lock', '--reason', lockReason(branch)];
      const args = ['-c', 'core.hooksPath=/dev/null', 'worktree', 'add', '-q', ...reason, place(repo), branch];
      const child = spawn('git', args, { cwd: repo.path, stdio: 'ignore' });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      // In early rounds git is killed before it has begun, in late ones after it has ended.
      for (let spin = 0; spin < round; spin++) await new Promise((resolve) => setImmediate(resolve));
      if (round % 3 !== 0)
        while (!existsSync(entry(repo)) && child.exitCode === null)
          await new Promise((resolve) => setImmediate(resolve));
      child.kill('SIGKILL');
      await ended;
      await prepared(repo, `round-${round}`);
      if (round === rounds - 1) collect(repo);
      else isSound(repo);
      await removeWorktree(repo, { path: place(repo), branch, mergedInto: null });
    }
  });
});

describe("an entry of somebody else's worktree", () => {
  it('that is broken is left as it is, and the failure names it with the command that mends it', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'worktree', 'add', '-q', '--detach', join(home.path, 'theirs'));
    const theirs = join(repo.commonDir, 'worktrees', 'theirs');
    writeFileSync(join(theirs, 'commondir'), '');
    const command = `printf '../..\\n' > ${join(theirs, 'commondir')}`;
    await expect(prepared(repo, 'first')).rejects.toMatchObject({
      code: 'git_failed',
      message: expect.stringContaining(command),
    });
    expect(readFileSync(join(theirs, 'commondir'), 'utf8')).toBe('');
    const [trouble = '', ...others] = gitFaults(repo.path);
    expectProse(trouble, theirs);
    expect(others).toEqual([]);
    run(repo.path, 'rev-parse', 'HEAD');
    writeFileSync(join(theirs, 'commondir'), '../..\n');
    await prepared(repo, 'first');
  });

  it('locked without a reason is whole', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'worktree', 'add', '-q', '--detach', join(home.path, 'theirs'));
    run(repo.path, 'worktree', 'lock', join(home.path, 'theirs'));
    expect(gitFaults(repo.path)).toEqual([]);
  });
});

describe('a lock that a killed git left', () => {
  it('on packed-refs, or on a ref, is removed when it is in the way, and that is said', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    const head = run(repo.path, 'rev-parse', 'main');
    await moveRef(repo, 'refs/stator/attempts/a', { from: null, to: head });
    run(repo.path, '-c', 'core.hooksPath=/dev/null', 'pack-refs', '--all');
    const packed = oldLock(join(repo.commonDir, 'packed-refs.lock'));
    mkdirSync(join(repo.commonDir, 'refs', 'stator', 'attempts'), { recursive: true });
    const own = oldLock(join(repo.commonDir, 'refs', 'stator', 'attempts', 'a.lock'));
    expect(gitFaults(repo.path)).toHaveLength(2);
    const said: string[] = [];
    const moved = await withNotes(
      (text) => said.push(text),
      () => moveRef(repo, 'refs/stator/attempts/a', { from: head, to: null }),
    );
    expect(moved).toBe(true);
    expect(await readRef(repo, 'refs/stator/attempts/a')).toBe(null);
    expect(said.sort()).toEqual([
      `removed ${packed}: a git that was killed left it`,
      `removed ${own}: a git that was killed left it`,
    ]);
    expect(gitFaults(repo.path)).toEqual([]);
  });

  it('stays while a git is at work there that began before it', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    const head = run(repo.path, 'rev-parse', 'main');
    // Waits for input that never arrives.
    const child = spawn('git', ['cat-file', '--batch'], { cwd: repo.path, stdio: ['pipe', 'pipe', 'ignore'] });
    children.push(child);
    const answered = new Promise((resolve) => child.stdout?.once('data', resolve));
    child.stdin?.write(`${head}\n`);
    await answered;
    const file = join(repo.commonDir, 'refs', 'heads', 'mine.lock');
    writeFileSync(file, '');
    const later = new Date(Date.now() + 3_600_000);
    utimesSync(file, later, later);
    await expect(moveRef(repo, 'refs/heads/mine', { from: null, to: head })).rejects.toMatchObject({
      code: 'git_failed',
      message: expect.stringContaining(`pid ${child.pid}`),
    });
    expect(existsSync(file)).toBe(true);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    expect(await moveRef(repo, 'refs/heads/mine', { from: null, to: head })).toBe(true);
  });

  it.each(['objects/maintenance.lock', 'objects/info/commit-graphs/commit-graph-chain.lock'])(
    'in %s is named with the command',
    async (name) => {
      const repo = await openRepository(join(home.path, 'demo'));
      mkdirSync(dirname(join(repo.commonDir, name)), { recursive: true });
      const lock = oldLock(join(repo.commonDir, name));
      const [told = '', ...others] = gitFaults(repo.path);
      expect(told).toContain(`rm ${lock}`);
      expect(others).toEqual([]);
    },
  );

  it("on the user's checkout is theirs: it is named with the command, and stays", async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    const lock = oldLock(join(repo.commonDir, 'index.lock'));
    const config = oldLock(join(repo.commonDir, 'config.lock'));
    const [ofLock = '', ofConfig = '', ...others] = gitFaults(repo.path);
    expectProse(ofLock, `rm ${lock}`);
    expectProse(ofConfig, `rm ${config}`);
    expect(others).toEqual([]);
    await prepared(repo, 'first');
    expect(existsSync(lock) && existsSync(config)).toBe(true);
    const { mergeIntoCheckout } = await import('../../runtime/work/git/checkout-merge.ts');
    commitOn(repo, branch, 'new.txt', 'new\n');
    const merged = await mergeIntoCheckout(repo, { from: branch, into: 'main', message: 'merge' });
    expect(merged).toMatchObject({ kind: 'git', said: expect.stringContaining(`rm ${lock}`) });
  });
});
