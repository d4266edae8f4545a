/** Inspecting repositories before anything is done in them, and how git itself is run. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { withEnding } from '../../runtime/work/git/ending.ts';
import { gitVersion, ownGit } from '../../runtime/work/git/git.ts';
import { identity } from '../../runtime/work/git/identity.ts';
import { baseBranch, excludeOwnFolders, inspectRepository } from '../../runtime/work/git/repository.ts';
import { makeRepository, openRepository, read, run, temporaryHome, write } from '../support/git.ts';
import { expectFailure } from '../support/prose.ts';

const home = temporaryHome();

const strays = [
  'GIT_DIR',
  'GIT_INDEX_FILE',
  'GIT_WORK_TREE',
  'GIT_AUTHOR_NAME',
  'GIT_AUTHOR_EMAIL',
  'GIT_COMMITTER_NAME',
  'GIT_COMMITTER_EMAIL',
];
afterEach(() => {
  for (const name of strays) delete process.env[name];
});

describe('adding a repository', () => {
  test('finds its main working tree from the folder itself, from inside it, through a link, and from a linked worktree', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    mkdirSync(join(path, 'src'));
    symlinkSync(path, join(home.path, 'link'));
    run(path, 'worktree', 'add', '-q', join(home.path, 'linked'), '-b', 'other');
    for (const asked of [path, join(path, 'src'), join(home.path, 'link'), join(home.path, 'linked')]) {
      const found = await inspectRepository(asked);
      expect(found).toMatchObject({
        path,
        project: 'demo',
        commonDir: join(path, '.git'),
        currentBranch: 'main',
        defaultBase: 'main',
      });
      expect(found.head).toBe(run(path, 'rev-parse', 'HEAD'));
    }
  });

  test('a checkout whose .git is a file is found, from its submodule and from the worktrees of that too', async () => {
    const apart = makeRepository(join(home.path, 'apart'), { isHostile: false });
    run(apart, 'init', '-q', '--separate-git-dir', join(home.path, 'apart.git'));
    run(apart, 'config', 'core.worktree', apart);
    const found = await inspectRepository(apart);
    expect(found).toMatchObject({ path: apart, project: 'apart', commonDir: join(home.path, 'apart.git') });
    expect(await identity(found)).toEqual({ name: 'Ada Lovelace', email: 'ada@example.com' });
    const outer = makeRepository(join(home.path, 'outer'), { isHostile: false });
    run(outer, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', apart, 'lib');
    const inner = { path: join(outer, 'lib'), project: 'lib', commonDir: join(outer, '.git', 'modules', 'lib') };
    expect(await inspectRepository(inner.path)).toMatchObject(inner);
    run(inner.path, 'worktree', 'add', '-q', join(home.path, 'linked'), '-b', 'other');
    expect(await inspectRepository(join(home.path, 'linked'))).toMatchObject(inner);
  });

  test('a worktree of a git folder that names no checkout is refused, with that folder', async () => {
    const apart = makeRepository(join(home.path, 'apart'), { isHostile: false });
    run(apart, 'init', '-q', '--separate-git-dir', join(home.path, 'apart.git'));
    run(apart, 'worktree', 'add', '-q', join(home.path, 'linked'), '-b', 'other');
    const linked = inspectRepository(join(home.path, 'linked'));
    await expectFailure(linked, 'bad_repo', join(home.path, 'apart.git'), 'give the checkout itself');
  });

  test('a detached checkout has no current branch, and plans start from its commit', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    run(path, 'checkout', '-q', '--detach');
    const head = run(path, 'rev-parse', 'HEAD');
    expect(await inspectRepository(path)).toMatchObject({ currentBranch: null, defaultBase: head });
  });

  test.each([
    ['rebase', ['rebase', '-q', '--exec', 'false', 'HEAD~1']],
    ['bisect', ['bisect', 'start', 'HEAD', 'HEAD~2']],
  ])('plans start from the branch that is in a %s, and not from where that is now', async (_what, args) => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    for (const name of ['one', 'two']) run(path, 'commit', '-q', '--allow-empty', '-m', name);
    spawnSync('git', args, { cwd: path });
    expect(await inspectRepository(path)).toMatchObject({ currentBranch: null, defaultBase: 'main' });
  });

  test('a path without a usable repository is refused with the reason and what to do', async () => {
    const plain = join(home.path, 'plain');
    mkdirSync(plain);
    const empty = join(home.path, 'empty');
    mkdirSync(empty);
    run(empty, 'init', '-q');
    const bare = join(home.path, 'bare.git');
    run(home.path, 'init', '-q', '--bare', bare);
    writeFileSync(join(home.path, 'file'), '');
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    for (const asked of [
      'demo',
      join(home.path, 'gone'),
      join(home.path, 'file'),
      plain,
      empty,
      bare,
      join(path, '.git'),
    ])
      await expectFailure(inspectRepository(asked), 'bad_repo', asked);
  });

  test('a repository that git does not open because of its configuration is refused with what git says of it', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    appendFileSync(join(path, '.git', 'config'), '[bro ken\n');
    const said = `git cannot use ${path}: fatal: bad config line`;
    await expectFailure(inspectRepository(path), 'bad_repo', said, `git -C ${path} status`);
  });

  test('a worktree of a bare repository is refused, for it has no main working tree', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    run(home.path, 'clone', '-q', '--bare', path, 'bare.git');
    run(join(home.path, 'bare.git'), 'worktree', 'add', '-q', join(home.path, 'linked'), 'main');
    await expectFailure(inspectRepository(join(home.path, 'linked')), 'bad_repo', join(home.path, 'bare.git'));
  });

  test('the folder is looked at, whatever GIT_DIR and GIT_INDEX_FILE say', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const other = makeRepository(join(home.path, 'other'), { isHostile: false });
    process.env.GIT_DIR = join(other, '.git');
    process.env.GIT_WORK_TREE = other;
    process.env.GIT_INDEX_FILE = join(home.path, 'no-index');
    expect(await inspectRepository(path)).toMatchObject({ path, project: 'demo' });
  });
});

describe('the branch that plans start from', () => {
  test("is the remote's default branch, even when another one is checked out", async () => {
    const origin = makeRepository(join(home.path, 'origin'), { isHostile: false });
    run(home.path, 'clone', '-q', origin, 'clone');
    const path = join(home.path, 'clone');
    run(path, 'switch', '-q', '-c', 'feature');
    const repo = await inspectRepository(path);
    expect(repo.currentBranch).toBe('feature');
    expect(await baseBranch(repo, '')).toBe('main');
    run(path, 'branch', '-q', '-D', 'main');
    expect(await baseBranch(await inspectRepository(path), '')).toBe('origin/main');
  });

  test('is the configured one if it exists; a wrong name is answered with the nearest', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    run(path, 'branch', 'develop');
    run(path, 'tag', 'v1');
    const repo = await inspectRepository(path);
    expect(await baseBranch(repo, 'develop')).toBe('develop');
    expect(await baseBranch(repo, 'v1')).toBe('v1');
    await expectFailure(baseBranch(repo, 'devlop'), 'bad_config', 'base_branch "devlop"', 'develop, main');
    await expectFailure(baseBranch(repo, '--all'), 'bad_config', '"--all"');
  });
});

describe('who commits', () => {
  test('is the configured user, or the one of GIT_AUTHOR and GIT_COMMITTER', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    expect(await identity(repo)).toEqual({ name: 'Ada Lovelace', email: 'ada@example.com' });
    process.env.GIT_AUTHOR_NAME = 'Grace Hopper';
    process.env.GIT_AUTHOR_EMAIL = 'grace@example.com';
    expect(await identity(repo)).toEqual({ name: 'Grace Hopper', email: 'grace@example.com' });
  });

  test('is never guessed from the name of the machine: without a configuration it is refused, with how to set it', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    run(repo.path, 'config', '--unset', 'user.email');
    process.env.GIT_AUTHOR_EMAIL = 'ada@example.com';
    await expectFailure(identity(repo), 'bad_config', 'git config --global user.email');
    process.env.GIT_COMMITTER_EMAIL = 'ada@example.com';
    expect(await identity(repo)).toEqual({ name: 'Ada Lovelace', email: 'ada@example.com' });
  });
});

describe('keeping our folders out of git', () => {
  test('adds lines to info/exclude once, keeps the lines of the user, and leaves .gitignore alone', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    write(repo.path, '.git/info/exclude', '# mine\n*.swp');
    const patterns = ['/.worktrees/', '/.stator/signals/'];
    await Promise.all([excludeOwnFolders(repo, patterns), excludeOwnFolders(repo, patterns)]);
    expect(read(repo.path, '.git/info/exclude')).toBe('# mine\n*.swp\n/.worktrees/\n/.stator/signals/\n');
    write(repo.path, '.worktrees/x/file', '');
    expect(run(repo.path, 'status', '--porcelain')).toBe('');
  });

  test('makes info/exclude if it is missing', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    rmSync(join(repo.path, '.git', 'info'), { recursive: true });
    await excludeOwnFolders(repo, ['/.worktrees/']);
    expect(read(repo.path, '.git/info/exclude')).toBe('/.worktrees/\n');
  });
});

describe('git itself', () => {
  function fakeGit(version: string): Record<string, string> {
    const folder = join(home.path, 'bin');
    write(home.path, 'bin/git', `#!/bin/sh\necho "${version}"\n`);
    chmodSync(join(folder, 'git'), 0o755);
    return { PATH: `${folder}:/usr/bin:/bin` };
  }

  test('is accepted from 2.38 on', async () => {
    expect(await gitVersion()).toMatch(/^\d+\.\d+/);
    expect(await gitVersion({ env: fakeGit('git version 2.38.0 (Apple Git-154)') })).toBe('2.38.0');
    expect(await gitVersion({ env: fakeGit('git version 3.1.windows.1') })).toBe('3.1');
  });

  test('is refused if it is too old or missing', async () => {
    await expectFailure(gitVersion({ env: fakeGit('git version 2.30.2') }), 'git_missing', '2.30.2', '2.38');
    await expectFailure(gitVersion({ env: { PATH: join(home.path, 'nothing') } }), 'git_missing');
  });

  test('a command that fails is reported with its folder, its exit code and git’s message, and without passwords', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    await expect(ownGit(path, ['fetch', 'file://user:secret@/nowhere'])).rejects.toMatchObject({
      code: 'git_failed',
      // git chooses the text of its own message.
      message: expect.stringMatching(/git fetch file:\/\/\*\*\*@\/nowhere.*demo.*128/),
      hint: expect.stringContaining(`cd ${path} && git fetch`),
    });
    const gone = join(home.path, 'gone');
    await expectFailure(ownGit(gone, ['status']), 'git_failed', gone);
  });

  test('a command that hangs is ended at its time limit', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const hanging = ownGit(path, ['-c', 'alias.hang=!sleep 600', 'hang'], { timeoutMs: 300 });
    await expectFailure(hanging, 'git_failed', '0.3 s');
  });
});

test('an effect that starts more than ten gits at once warns nobody of a leak', async () => {
  const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
  const warned: string[] = [];
  const note = ({ message }: Error) => void warned.push(message);
  process.on('warning', note);
  await withEnding(new AbortController().signal, () =>
    Promise.all(Array.from({ length: 12 }, () => ownGit(path, ['version']))),
  );
  process.off('warning', note);
  expect(warned).toEqual([]);
});
