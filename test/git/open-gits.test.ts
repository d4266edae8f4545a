/** The git process that stays open to resolve names: it answers as a separate git would, and blocks nothing. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { gitAtWork } from '../../runtime/work/git/at-work.ts';
import { commitLeftovers } from '../../runtime/work/git/attempt.ts';
import { ensureBranch } from '../../runtime/work/git/branch.ts';
import { mergeBranch } from '../../runtime/work/git/merge.ts';
import { commitTree, treeOf } from '../../runtime/work/git/objects.ts';
import { createOpenGits } from '../../runtime/work/git/open-gits.ts';
import { makeRefs, moveRef, readRef } from '../../runtime/work/git/refs.ts';
import { inspectRepository } from '../../runtime/work/git/repository.ts';
import { prepareWorktree, removeWorktree } from '../../runtime/work/git/worktree.ts';
import { makeRepository, run, temporaryHome } from '../support/git.ts';
import { until } from '../support/ground.ts';

const isLinux = process.platform === 'linux';

describe('a git that stays open', () => {
  const home = temporaryHome();
  let gits = createOpenGits();
  const lookUp = (path: string, name: string) => gits.lookUp(path, name);

  beforeEach(() => {
    gits = createOpenGits();
  });

  afterEach(async () => {
    gits.close();
    await until(() => openIn(process.pid).length === 0);
  });

  it('sees what was made, moved, packed and deleted since it was opened', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    expect(await lookUp(path, 'refs/heads/new^{commit}')).toBeNull();
    const first = run(path, 'rev-parse', 'HEAD');
    run(path, 'branch', 'new');
    expect(await lookUp(path, 'refs/heads/new^{commit}')).toBe(first);
    const second = commitIn(path, 'second');
    run(path, 'branch', '-f', 'new', 'main');
    run(path, 'pack-refs', '--all');
    run(path, 'repack', '-q', '-a', '-d');
    expect(await lookUp(path, 'refs/heads/new^{commit}')).toBe(second);
    expect(await lookUp(path, `${second}^{tree}`)).toBe(run(path, 'rev-parse', 'HEAD^{tree}'));
    run(path, 'branch', '-D', 'new');
    expect(await lookUp(path, 'refs/heads/new^{commit}')).toBeNull();
    // Deleting a branch rewrites the configuration, so another git was opened. The first one ends when its input is closed.
    if (isLinux) await until(() => openIn(process.pid).length === 1);
  });

  it('finds objects that lie in another repository, named as its own since it was opened', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const other = makeRepository(join(home.path, 'other'), { isHostile: false });
    const far = commitIn(other, 'far');
    expect(await lookUp(path, `${far}^{commit}`)).toBeNull();
    writeFileSync(join(path, '.git', 'objects', 'info', 'alternates'), `${join(other, '.git', 'objects')}\n`);
    expect(await lookUp(path, `${far}^{commit}`)).toBe(far);
  });

  it('says what lies at a path of a commit or tree', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    mkdirSync(join(path, '.stator', 'signals'), { recursive: true });
    writeFileSync(join(path, '.stator', 'signals', 'one'), 'x');
    const before = run(path, 'rev-parse', 'HEAD');
    run(path, 'add', '--force', '.stator');
    const after = commitIn(path, 'with a signal');
    expect(await lookUp(path, `${before}:.stator/signals`)).toBeNull();
    const folder = run(path, 'rev-parse', `${after}:.stator/signals`);
    expect(await lookUp(path, `${after}:.stator/signals`)).toBe(folder);
    expect(await lookUp(path, `${after}^{tree}`)).toBe(run(path, 'rev-parse', `${after}^{tree}`));
    expect(await lookUp(path, `${folder}:one`)).toBe(run(path, 'rev-parse', `${folder}:one`));
    expect(await lookUp(path, `${after}:../one`)).toBeUndefined();
    expect(await lookUp(path, 'HEAD:.stator/signals')).toBeUndefined();
  });

  it('moves several refs at once or none, and the next answer of another git has their new commits', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const repo = { ...(await inspectRepository(path)), gits };
    const first = repo.head;
    const second = commitIn(path, 'second');
    expect(await makeRefs(repo, ['refs/heads/a', 'refs/heads/b'], first)).toBe(true);
    expect(await makeRefs(repo, ['refs/heads/c', 'refs/heads/a'], first)).toBe(false);
    expect(await readRef({ path }, 'refs/heads/c')).toBeNull();
    run(path, 'pack-refs', '--all');
    expect(await moveRef(repo, 'refs/heads/a', { from: first, to: second })).toBe(true);
    expect(await moveRef(repo, 'refs/heads/a', { from: first, to: second })).toBe(false);
    expect(await moveRef(repo, 'refs/heads/b', { from: first, to: null })).toBe(true);
    expect(run(path, 'for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads')).toBe(
      `refs/heads/a ${second}\nrefs/heads/main ${second}`,
    );
  });

  it.runIf(isLinux)(
    'that was killed in the middle of moving a ref leaves it to the repository to say what it did',
    async () => {
      const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
      const repo = { ...(await inspectRepository(path)), gits };
      const second = commitIn(path, 'second');
      expect(await makeRefs(repo, ['refs/heads/a'], repo.head)).toBe(true);
      const [pid = 0] = openIn(process.pid, 'update-ref');
      process.kill(pid, 'SIGSTOP');
      const moving = moveRef(repo, 'refs/heads/a', { from: repo.head, to: second });
      // git has made the change, and was killed before it answered.
      run(path, 'update-ref', 'refs/heads/a', second);
      process.kill(pid, 'SIGKILL');
      expect(await moving).toBe(true);
      expect(await moveRef(repo, 'refs/heads/a', { from: second, to: repo.head })).toBe(true);
    },
  );

  it('writes the commit that git would write', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const repo = { ...(await inspectRepository(path)), gits };
    const wanted = { tree: await treeOf(repo, repo.head), parents: [repo.head], message: 'two\n\nlines ü' };
    const made = await commitTree(repo, wanted);
    const [, at = ''] = /^author .* (\d+ [+-]\d{4})$/m.exec(run(path, 'cat-file', 'commit', made)) ?? [];
    const env = { GIT_AUTHOR_DATE: at, GIT_COMMITTER_DATE: at };
    expect(await commitTree({ path }, { ...wanted, env })).toBe(made);
    expect(readdirSync(join(path, '.git', 'objects')).filter((name) => name.startsWith('tmp'))).toEqual([]);
  });

  it('a task takes six processes of git, from its worktree to its merge and its end', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const repo = { ...(await inspectRepository(path)), gits };
    await ensureBranch(repo, { branch: 'plan/p', start: 'main' });
    const task = async (name: string) => {
      const branch = `plan/p-${name}`;
      const wanted = { path: join(path, '.worktrees', name), branch, run: name, previousRun: null, reset: true };
      const { path: worktree, base } = await prepareWorktree(repo, { ...wanted, start: 'plan/p' });
      writeFileSync(join(worktree, `${name}.txt`), name);
      await commitLeftovers(repo, { path: worktree, branch, run: name, base, message: name });
      expect(run(worktree, 'status', '--porcelain')).toBe('');
      expect(await mergeBranch(repo, { from: branch, into: 'plan/p', message: name })).toMatchObject({
        kind: 'merged',
      });
      const removal = await removeWorktree(repo, { path: worktree, branch, mergedInto: 'plan/p' });
      expect(removal).toEqual({ kind: 'removed', branchDeleted: true });
    };
    await task('first');
    const before = process.env.PATH;
    const counted = join(home.path, 'counted');
    try {
      process.env.PATH = `${notingGit(home.path, counted)}:${before}`;
      await task('second');
    } finally {
      process.env.PATH = before;
    }
    // One of them is the status command above.
    expect(textOf(counted).trim().split('\n')).toHaveLength(6);
    // Neither merge asked git for its tree: the work began at the head of the target branch.
    expect(textOf(counted)).not.toContain('merge-tree');
    expect(run(path, 'ls-tree', '--name-only', 'plan/p').split('\n')).toEqual(
      expect.arrayContaining(['first.txt', 'second.txt']),
    );
    expect(run(path, 'worktree', 'list', '--porcelain').match(/^worktree /gm)).toHaveLength(1);
  });

  it.runIf(isLinux)('is opened anew when it died, and when another repository lies there', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const first = run(path, 'rev-parse', 'HEAD');
    expect(await lookUp(path, 'HEAD^{commit}')).toBe(first);
    for (const pid of openIn(process.pid)) process.kill(pid, 'SIGKILL');
    await until(async () => (await lookUp(path, 'HEAD^{commit}')) === first);
    renameSync(path, join(home.path, 'aside'));
    makeRepository(path, { isHostile: false });
    const other = commitIn(path, 'another');
    expect(await lookUp(path, 'HEAD^{commit}')).toBe(other);
  });

  it('leaves to git what is broken, and takes nothing for missing that is out of reach', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    await lookUp(path, 'HEAD^{commit}');
    writeFileSync(join(path, '.git', 'refs', 'heads', 'broken'), '');
    expect(await lookUp(path, 'refs/heads/broken^{commit}')).toBeUndefined();
    expect(await lookUp(path, 'main^{commit}')).toBeUndefined();
    rmSync(join(path, '.git', 'objects'), { recursive: true });
    expect(await lookUp(path, 'refs/heads/nowhere^{commit}')).toBeUndefined();
    await expect(readRef({ path, gits }, 'refs/heads/nowhere')).rejects.toMatchObject({ code: 'git_failed' });
  });

  it('does not count as a git at work, and has no working directory in the repository', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    await lookUp(path, 'HEAD^{commit}');
    expect(gitAtWork(join(path, '.git'), Date.now() + 60_000)).toBeNull();
    if (isLinux) for (const pid of openIn(process.pid)) expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
  });

  it.runIf(isLinux)('starts no program that the repository names, as a separate git does', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    run(path, 'config', 'hook.trap.event', 'reference-transaction');
    run(path, 'config', 'hook.trap.command', 'false');
    await lookUp(path, 'HEAD^{commit}');
    const settings = openIn(process.pid).map((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8'));
    expect(settings.map((text) => /=hook\.trap\.enabled\0/.test(text))).toEqual([true]);
    writeFileSync(join(path, '.git', 'config'), '[include]\n\tpath = ~other/config\n');
    expect(await lookUp(path, 'HEAD^{commit}')).toBeUndefined();
  });

  it.runIf(isLinux)('is let go of with its engine, and another engine in this process keeps its own', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const head = run(path, 'rev-parse', 'HEAD');
    const other = createOpenGits();
    onTestFinished(other.close);
    expect(await lookUp(path, 'HEAD^{commit}')).toBe(head);
    expect(await other.lookUp(path, 'HEAD^{commit}')).toBe(head);
    other.close();
    await until(() => openIn(process.pid).length === 1);
    expect(await other.lookUp(path, 'HEAD^{commit}')).toBeUndefined();
    expect(await lookUp(path, 'HEAD^{commit}')).toBe(head);
  });

  it.runIf(isLinux)('ends with its engine, also when that is killed', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const module = join(import.meta.dirname, '..', '..', 'dist', 'runtime', 'work', 'git', 'open-gits.js');
    const text = `import(${JSON.stringify(module)}).then(async ({ createOpenGits }) => { await createOpenGits().lookUp(${JSON.stringify(path)}, 'HEAD^{commit}'); console.log('asked'); setInterval(() => {}, 1000); })`;
    const engine = spawn(process.execPath, ['-e', text], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void engine.kill('SIGKILL'));
    await once(engine.stdout, 'data');
    const [pid] = openIn(engine.pid ?? 0);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain('cat-file');
    engine.kill('SIGKILL');
    await until(() => !existsSync(`/proc/${pid}`));
  });

  it('keeps no process waiting that has its answer', () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const module = join(import.meta.dirname, '..', '..', 'dist', 'runtime', 'work', 'git', 'open-gits.js');
    const text = `import(${JSON.stringify(module)}).then(async ({ createOpenGits }) => console.log(await createOpenGits().lookUp(${JSON.stringify(path)}, 'HEAD^{commit}')))`;
    const said = execFileSync(process.execPath, ['-e', text], { encoding: 'utf8' });
    expect(said).toContain(run(path, 'rev-parse', 'HEAD'));
  });
});

/** A folder for PATH with a git that records each call. */
function notingGit(folder: string, file: string): string {
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'git'), `#!/bin/sh\necho "$*" >> '${file}'\nexec '${real}' "$@"\n`, { mode: 0o755 });
  return bin;
}

function commitIn(path: string, message: string): string {
  run(path, 'commit', '-q', '--allow-empty', '-m', message);
  return run(path, 'rev-parse', 'HEAD');
}

/** The open gits of a process. On systems other than Linux none is found. */
function openIn(parent: number, verb = 'cat-file'): number[] {
  if (!isLinux) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => textOf(`/proc/${name}/status`).includes(`PPid:\t${parent}\n`))
    .filter((name) => textOf(`/proc/${name}/cmdline`).includes(verb))
    .map(Number);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it ended in this moment
  }
}
