/**
 * A hostile `.git`: the targets of its links, settings and alternates are not visible inside of walls. The last test searches for files that walls
 * never show.
 */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createRunFolder, runFolderAt } from '../../runtime/work/agents/run-folder.ts';
import { tryOwnGit } from '../../runtime/work/git/git.ts';
import { makePrivateRepository, privateMounts, privatePlaceIn } from '../../runtime/work/git/private-repository.ts';
import { inspectRepository, type Repository } from '../../runtime/work/git/repository.ts';
import { prepareWorktree } from '../../runtime/work/git/worktree.ts';
import { createWalls, type Mount, type WallsProfile } from '../../runtime/work/sandbox/walls.ts';
import { terminal } from '../support/cli.ts';
import { begin, planText, untilStatus } from '../support/engine.ts';
import { openRepository, run, temporaryHome, write } from '../support/git.ts';
import { noWallsHere, startWalled } from '../support/walls.ts';

const user = temporaryHome();
const branch = 'plan/demo-w1-t1';
const secret = 'the secret of this test';

/** Stores a user's key, and the token in stator's home. */
function keep(file: string): string {
  write(user.path, file, `${secret}\n`);
  return join(user.path, file);
}

/** A repository in the user's home, whose `.git` a stranger has then changed; and what its agent finds. */
async function agentIn(made: (gitDir: string) => void = () => {}): Promise<{
  repo: Repository;
  adminDir: string;
  /** The output of a shell inside, with these profile keys, and with further mounts besides those of git. */
  inside(script: string, profile?: Partial<WallsProfile>, more?: readonly Mount[]): Promise<string>;
}> {
  const repo = await openRepository(join(user.path, 'src', 'demo'));
  const wanted = { path: join(repo.path, '.worktrees', 'demo'), branch, start: 'main', run: 'run-1' };
  const { path } = await prepareWorktree(repo, { ...wanted, previousRun: null, reset: true });
  const worktree = { path, adminDir: join(repo.commonDir, 'worktrees', 'demo') };
  made(repo.commonDir);
  const home = join(user.path, '.config', 'stator');
  const folder = runFolderAt(join(home, 'runs'), 'run-1');
  createRunFolder(folder);
  const place = privatePlaceIn(folder.path);
  await makePrivateRepository(repo, { place, worktree, branch });
  const env = { HOME: user.path, PATH: '/usr/bin:/bin', TMPDIR: folder.temp };
  async function inside(script: string, keys: Partial<WallsProfile> = {}, more: readonly Mount[] = []) {
    const profile = {
      role: 'coder',
      preset: 'sh',
      sandbox: 'bwrap',
      network: 'full',
      hosts: [],
      writable: [],
      readable: [],
    } as const;
    const built = await createWalls({ PATH: env.PATH }).around({
      profile: { ...profile, ...keys },
      ...{ env, home, folder, worktree: path, repo: repo.path, program: '/bin/sh', socketFolder: null, keeps: null },
      git: [...(await privateMounts(repo, { place, worktree })), ...more],
      identity: { name: 'Ada', email: 'ada@example.com' },
    });
    const [bwrap = '', ...args] = built?.words ?? [];
    const ran = spawnSync(bwrap, [...args, '/bin/sh', '-c', script], { env, encoding: 'utf8' });
    return `${ran.stdout}${ran.stderr}`;
  }
  return { repo, adminDir: worktree.adminDir, inside };
}

function link(to: string, place: string): void {
  mkdirSync(dirname(place), { recursive: true });
  rmSync(place, { recursive: true, force: true });
  symlinkSync(to, place);
}

/** Searches every file that the agent can read below the repository, its separate git folder included. */
const looksEverywhere = `grep -rsF '${secret}' "$HOME" && echo found; git config --list >/dev/null; true`;

const ways: readonly (readonly [string, (gitDir: string) => void])[] = [
  [
    'lfs/objects as a link to a folder of keys',
    (gitDir) => link(dirname(keep('.ssh/id')), join(gitDir, 'lfs/objects')),
  ],
  ['lfs as a link', (gitDir) => link(dirname(dirname(keep('x/objects/id'))), join(gitDir, 'lfs'))],
  [
    "lfs/objects as a link to stator's home",
    (gitDir) => link(dirname(keep('.config/stator/token')), join(gitDir, 'lfs/objects')),
  ],
  ['a hook as a link', (gitDir) => link(keep('.ssh/id'), join(gitDir, 'hooks/pre-commit'))],
  ['its hooks as a link', (gitDir) => link(dirname(keep('.ssh/id')), join(gitDir, 'hooks'))],
  ['info/attributes as a link', (gitDir) => link(keep('.ssh/id'), join(gitDir, 'info/attributes'))],
  ['info/exclude as a link', (gitDir) => link(keep('.ssh/id'), join(gitDir, 'info/exclude'))],
  ['shallow as a link', (gitDir) => link(keep('.ssh/id'), join(gitDir, 'shallow'))],
  [
    'the sparse checkout of a worktree as a link',
    (gitDir) => link(keep('.ssh/id'), join(gitDir, 'worktrees/demo/info/sparse-checkout')),
  ],
  [
    'a part of the index of a worktree as a link',
    (gitDir) => link(keep('.ssh/id'), join(gitDir, `worktrees/demo/sharedindex.${'a'.repeat(40)}`)),
  ],
  [
    'the submodules of a worktree as a link',
    (gitDir) => link(dirname(keep('.ssh/id')), join(gitDir, 'worktrees/demo/modules')),
  ],
  [
    'core.excludesFile',
    (gitDir) => appendFileSync(join(gitDir, 'config'), `[core]\n\texcludesFile = ${keep('.ssh/id')}\n`),
  ],
  [
    'alternates that name a folder with pack and something else in it',
    (gitDir) => {
      keep('private/pack/diary');
      write(gitDir, 'objects/info/alternates', `${join(user.path, 'private')}\n`);
    },
  ],
  [
    'alternates behind a link',
    (gitDir) => {
      keep('private/00/diary');
      mkdirSync(join(user.path, 'private/pack'));
      link(join(user.path, 'private'), join(gitDir, 'borrowed'));
      write(gitDir, 'objects/info/alternates', `${join(gitDir, 'borrowed')}\n`);
    },
  ],
  [
    'alternates of a folder of objects that it borrows from',
    (gitDir) => {
      keep('private/pack/diary');
      const lender = join(user.path, 'lender');
      mkdirSync(join(lender, 'pack'), { recursive: true });
      write(lender, 'info/alternates', `${join(user.path, 'private')}\n`);
      write(gitDir, 'objects/info/alternates', `${lender}\n`);
    },
  ],
  ['a folder of loose objects as a link', (gitDir) => link(dirname(keep('.ssh/id')), join(gitDir, 'objects/aa'))],
  ['a branch as a link', (gitDir) => link(keep('.ssh/id'), join(gitDir, 'refs/heads/other'))],
  ['the index of a worktree as a link', (gitDir) => link(keep('.ssh/id'), join(gitDir, 'worktrees/demo/index'))],
  [
    'a submodule of a worktree as a link',
    (gitDir) => link(dirname(keep('.ssh/id')), join(gitDir, 'worktrees/demo/modules/inner')),
  ],
  ...['core.attributesFile', 'core.hooksPath', 'mailmap.file', 'commit.template', 'lfs.storage'].map(
    (key): readonly [string, (gitDir: string) => void] => [
      key,
      (gitDir) => {
        const named = keep('.ssh/id');
        const isFolder = key === 'core.hooksPath' || key === 'lfs.storage';
        run(dirname(gitDir), 'config', key, isFolder ? dirname(named) : named);
      },
    ],
  ),
];

describe.skipIf(noWallsHere !== null)(
  `a repository of a stranger's${noWallsHere === null ? '' : ` (skipped: ${noWallsHere})`}`,
  () => {
    test.each(ways)('shows an agent nothing of its user by %s', async (_way, made) => {
      const { inside } = await agentIn(made);
      expect(await inside(looksEverywhere)).toBe('');
    });

    test('has its hooks, its excludes and the objects that it borrows there as before, where they are its own', async () => {
      const lender = await openRepository(join(user.path, 'src', 'lender'));
      const { repo, inside } = await agentIn((gitDir) => {
        write(gitDir, 'info/exclude', 'left-out\n');
        mkdirSync(join(gitDir, 'lfs/objects/aa'), { recursive: true });
        write(gitDir, 'objects/info/alternates', `${join(lender.commonDir, 'objects')}\n`);
      });
      const lent = run(lender.path, 'commit-tree', '-m', 'lent', 'HEAD^{tree}');
      const hooks = readdirSync(join(repo.commonDir, 'hooks')).filter((name) => !name.endsWith('.sample'));
      const script = [
        'touch left-out; git status --short',
        'ls "$(git rev-parse --git-dir)/hooks"',
        `git cat-file -t ${lent}`,
        'ls "$(git rev-parse --git-common-dir)/../../lfs/objects"',
      ].join('\n');
      expect(await inside(script)).toBe(`${hooks.join('\n')}\ncommit\naa\n`);
    });

    test.each(['objects', 'refs', 'worktrees', 'modules', 'logs'])(
      'is not worked in where its folder %s leads elsewhere, and nothing is written there',
      async (name) => {
        const { repo } = await agentIn();
        const elsewhere = join(user.path, 'elsewhere');
        cpSync(repo.commonDir, elsewhere, { recursive: true });
        mkdirSync(join(elsewhere, name), { recursive: true });
        link(join(elsewhere, name), join(repo.commonDir, name));
        await expect(inspectRepository(repo.path)).rejects.toMatchObject({ code: 'unsafe_path' });
      },
    );

    test('is not worked in where its list of refs leads elsewhere, and no line of that file is repeated', async () => {
      const { repo } = await agentIn();
      link(keep('.ssh/id'), join(repo.commonDir, 'packed-refs'));
      await expect(inspectRepository(repo.path)).rejects.toMatchObject({
        code: 'unsafe_path',
        message: expect.not.stringContaining(secret),
      });
    });

    test('is not read where a pipe lies in the place of one of its files', async () => {
      const pipes = ['hooks/pre-commit', 'info/attributes', 'info/exclude', 'shallow'];
      const { inside } = await agentIn((gitDir) => {
        for (const name of pipes) {
          rmSync(join(gitDir, name), { force: true });
          mkdirSync(dirname(join(gitDir, name)), { recursive: true });
          spawnSync('mkfifo', [join(gitDir, name)]);
        }
      });
      expect(await inside('ls "$(git rev-parse --git-dir)/hooks"')).not.toContain('pre-commit');
    });

    test('may ignore files by a setting of the user, and by none of its own', async () => {
      const { repo } = await agentIn();
      write(user.path, 'xdg/git/ignore', 'of-the-user\n');
      write(user.path, 'own-ignore', 'of-the-repository\n');
      run(repo.path, 'config', 'core.excludesFile', join(user.path, 'own-ignore'));
      writeFileSync(join(repo.path, 'of-the-user'), '');
      writeFileSync(join(repo.path, 'of-the-repository'), '');
      const { stdout } = await tryOwnGit(repo.path, ['status', '--porcelain']);
      expect(stdout.split('\n')).toContain('?? of-the-repository');
      expect(stdout).not.toContain('of-the-user');
    });
  },
);

describe('a checkout that leads to the repository of somebody else', () => {
  const folder = () => mkdtempSync(join(user.path, 'led-'));

  test.each([
    ['a link', (place: string, to: string) => symlinkSync(to, place)],
    ['a file', (place: string, to: string) => writeFileSync(place, `gitdir: ${to}\n`)],
  ])('by %s in the place of .git is refused, and named', async (_what, make) => {
    const on = folder();
    const other = await openRepository(join(on, 'private'));
    const evil = join(on, 'evil');
    mkdirSync(evil);
    make(join(evil, '.git'), other.commonDir);
    await expect(inspectRepository(evil)).rejects.toMatchObject({
      code: 'unsafe_path',
      message: expect.stringContaining(join(evil, '.git')),
    });
    await expect(inspectRepository(other.path)).resolves.toMatchObject({ path: other.path });
  });

  test.each([
    'config',
    'index',
    'shallow',
    'refs/heads',
    'refs/heads/other',
    'refs/tags',
    'logs/refs',
    'objects/pack',
    'objects/info',
    'objects/ab',
    'objects/pack/pack-1.pack',
    'worktrees/other',
    'modules/lib/objects',
  ])('by a link in the place of .git/%s is refused, and named', async (name) => {
    const on = folder();
    const other = await openRepository(join(on, 'private'));
    const { path, commonDir } = await openRepository(join(on, 'evil'));
    link(join(other.commonDir, name === 'config' ? name : 'refs'), join(commonDir, name));
    await expect(inspectRepository(path)).rejects.toMatchObject({
      code: 'unsafe_path',
      message: expect.stringContaining(join(commonDir, name)),
    });
  });

  test('is not assumed if a link leads to a part of its own repository, or nothing is read through the link', async () => {
    const { path, commonDir } = await openRepository(join(folder(), 'demo'));
    link('refs/heads/main', join(commonDir, 'HEAD'));
    for (const name of ['hooks', 'lfs', 'info/exclude']) link(join(path, 'a.txt'), join(commonDir, name));
    await expect(inspectRepository(path)).resolves.toMatchObject({ path });
  });

  test('is not assumed for the checkout of a submodule, which its repository names', async () => {
    const on = folder();
    const lib = await openRepository(join(on, 'lib'));
    const { path } = await openRepository(join(on, 'demo'));
    run(path, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', lib.path, 'lib');
    await expect(inspectRepository(join(path, 'lib'))).resolves.toMatchObject({ path: join(path, 'lib') });
  });

  test('by core.worktree is refused with a message that names the setting', async () => {
    const on = folder();
    const { path } = await openRepository(join(on, 'demo'));
    mkdirSync(join(on, 'elsewhere'));
    run(path, 'config', 'core.worktree', join(on, 'elsewhere'));
    await expect(inspectRepository(path)).rejects.toMatchObject({
      code: 'bad_repo',
      message: expect.stringContaining('core.worktree'),
    });
    run(path, 'config', 'core.worktree', on);
    await expect(inspectRepository(path)).rejects.toMatchObject({
      code: 'bad_repo',
      hint: `take it back: git config --file ${join(path, '.git', 'config')} --unset core.worktree`,
    });
  });
});

describe.skipIf(noWallsHere !== null)('what no agent gets, whatever leads there', () => {
  const places = ['.', '.ssh', '.gnupg', '.config', '.config/stator', '.aws'];

  test.each(places)('%s is not mounted by a setting', async (place) => {
    const { inside } = await agentIn(() => ['.ssh/id', '.gnupg/id', '.aws/credentials'].forEach(keep));
    const readable = [join(user.path, place)];
    await expect(inside('true', { readable })).rejects.toMatchObject({
      code: 'agent_unusable',
      message: expect.stringContaining(join(user.path, place)),
    });
  });

  test.each(places)('%s is not mounted by what the repository leads to', async (place) => {
    const { inside } = await agentIn(() => ['.ssh/id', '.gnupg/id', '.aws/credentials'].forEach(keep));
    symlinkSync(join(user.path, place), join(user.path, 'src', 'way'));
    const from = join(user.path, 'src', 'way');
    await expect(inside('true', {}, [{ access: 'read', from }])).rejects.toMatchObject({ code: 'agent_unusable' });
  });

  test('a file in a folder of keys is there where a person names it, and not where a link leads to it', async () => {
    const { inside } = await agentIn(() => keep('.ssh/known_hosts'));
    const file = join(user.path, '.ssh', 'known_hosts');
    expect(await inside(`cat ${file}`, { readable: [file] })).toBe(readFileSync(file, 'utf8'));
    symlinkSync(file, join(user.path, 'hosts'));
    await expect(inside('true', { readable: ['~/hosts'] })).rejects.toMatchObject({ code: 'agent_unusable' });
  });
});

describe('a repository whose settings take the protection of names away', () => {
  test.each([['.g\u200cit'], ['git~1'], ['.git ']])(
    'has no worktree with a folder that another system takes for .git: %j',
    async (name) => {
      const repo = await openRepository(join(mkdtempSync(join(user.path, 'names-')), 'demo'));
      for (const key of ['core.protectHFS', 'core.protectNTFS']) run(repo.path, 'config', key, 'false');
      const blob = run(repo.path, 'hash-object', '-w', 'a.txt');
      const inner = spawnSync('git', ['mktree'], {
        cwd: repo.path,
        input: `100644 blob ${blob}\tconfig\n`,
        encoding: 'utf8',
      });
      const tree = spawnSync('git', ['mktree'], {
        cwd: repo.path,
        input: `040000 tree ${inner.stdout.trim()}\t${name}\n`,
        encoding: 'utf8',
      });
      const commit = run(repo.path, 'commit-tree', '-m', 'a name', tree.stdout.trim());
      const path = join(repo.path, '.worktrees', 'demo');
      await expect(
        prepareWorktree(repo, { path, branch, start: commit, run: 'run-1', previousRun: null, reset: true }),
      ).rejects.toMatchObject({ code: 'git_failed' });
      expect(existsSync(join(path, name))).toBe(false);
    },
  );
});

describe.skipIf(noWallsHere !== null)('a hook of git that is a link', () => {
  test('is left out inside of walls, and both the log and doctor name it', async () => {
    const here = terminal();
    write(here.root, 'elsewhere', '#!/bin/sh\nexit 1\n');
    symlinkSync(join(here.root, 'elsewhere'), join(here.repo, '.git', 'hooks', 'pre-commit'));
    const { stdout } = await here.stator(['doctor', '--json']);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; detail: string }[] };
    expect(checks.find(({ name }) => name === 'walls')?.detail).toContain('left out inside: pre-commit');
    const engine = await startWalled('', { on: here });
    await begin(engine, 'commits', planText(['echo x > x; git add x; git commit -qm x']));
    await untilStatus(engine, 'commits', 'done');
    expect(engine.log.join('\n')).toContain('hooks/pre-commit is a link, and is left out inside of walls');
  });
});
