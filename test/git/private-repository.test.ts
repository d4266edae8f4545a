/** The commits of an agent in a separate git folder arrive in the shared repository, and nothing else does. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commitLeftovers } from '../../runtime/work/git/attempt.ts';
import { changedFiles } from '../../runtime/work/git/diff.ts';
import { collectPrivate } from '../../runtime/work/git/private-collect.ts';
import { makePrivateRepository, objectFolders, privatePlaceIn } from '../../runtime/work/git/private-repository.ts';
import { inspectRepository, type Repository } from '../../runtime/work/git/repository.ts';
import { prepareWorktree } from '../../runtime/work/git/worktree.ts';
import { makeRepository, openRepository, run, temporaryHome, write } from '../support/git.ts';

const home = temporaryHome();
const branch = 'plan/demo-w1-t1';
const unhooked = ['-c', 'core.hooksPath=/dev/null'];

/** A run that has begun in a worktree, with a separate git folder. `git` runs what its agent types: inside walls `.git` points to that folder. */
async function started(repo?: Repository, kind: 'private' | 'shared' = 'private') {
  const known = repo ?? (await openRepository(join(home.path, 'demo')));
  const wanted = { path: join(known.path, '.worktrees', 'demo'), branch, start: 'main', run: 'run-1' };
  const { path, base } = await prepareWorktree(known, { ...wanted, previousRun: null, reset: true });
  const worktree = { path, adminDir: join(known.commonDir, 'worktrees', 'demo') };
  const folder = join(home.path, 'runs', `run-1-${kind}`);
  mkdirSync(folder, { recursive: true });
  const place = privatePlaceIn(folder);
  await makePrivateRepository(known, { place, worktree, branch });
  const date = '2026-01-01T00:00:00Z';
  const dates = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  const env = {
    ...process.env,
    ...dates,
    ...(kind === 'private' ? { GIT_DIR: place.gitDir, GIT_WORK_TREE: path } : {}),
  };
  const git = (...args: string[]) =>
    execFileSync('git', [...unhooked, '-c', 'commit.gpgSign=false', ...args], {
      cwd: path,
      env,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trimEnd();
  const commit = (file: string, text: string) => {
    write(path, file, text);
    git('add', '-A');
    git('commit', '-q', '-m', file);
    return git('rev-parse', 'HEAD');
  };
  const collect = (isAlive = false) =>
    collectPrivate(known, {
      place,
      path,
      adminDir: isAlive ? null : worktree.adminDir,
      branch,
      message: 'merge of both',
    });
  const ended = { path, branch, run: 'run-1', base, message: 'work' };
  return { repo: known, path, base, place, worktree, git, commit, collect, ended };
}

type Agent = Awaited<ReturnType<typeof started>>;

function at(repo: Repository, name: string): string {
  return run(repo.path, 'rev-parse', name);
}

describe("a run's own git folder", () => {
  test('shows its agent the repository as it is: branch, files, history, other branches, identity', async () => {
    const { repo, git, base } = await started();
    expect(git('status', '--porcelain', '--branch')).toBe(`## ${branch}`);
    expect(git('log', '--format=%H')).toBe(base);
    expect(git('rev-parse', 'main', 'refs/stator/owned/plan/demo-w1-t1')).toBe(`${base}\n${base}`);
    expect(git('var', 'GIT_COMMITTER_IDENT')).toContain('Ada Lovelace <ada@example.com>');
    expect(git('config', 'commit.gpgsign')).toBe('false');
    expect(readdirSync(join(repo.commonDir, 'hooks')).includes('pre-commit')).toBe(true);
    expect(git('fsck')).toBe('');
  });

  test('is not made a second time, and one that was half made is made anew', async () => {
    const { repo, place, worktree, commit, git } = await started();
    const head = commit('b.txt', 'b');
    await makePrivateRepository(repo, { place, worktree, branch });
    expect(git('rev-parse', 'HEAD')).toBe(head);
    rmSync(place.gitDir, { recursive: true });
    mkdirSync(`${place.gitDir}.new/objects`, { recursive: true });
    await makePrivateRepository(repo, { place, worktree, branch });
    expect(git('status', '--porcelain')).toBe('?? b.txt');
  });

  test('has no password, helper or stash of the user, and no name of a file outside', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    for (const [key, value] of [
      ['remote.origin.url', 'https://ada:secret@example.com/demo.git'],
      ['remote.next.url', 'https://secret@example.com/demo.git'],
      ['remote.third.url', 'ssh://git:secret@example.com/demo.git'],
      ['url.https://secret@example.com/.insteadOf', 'forge:'],
      ['http.https://example.com/.extraHeader', 'Authorization: secret'],
      ['credential.helper', '!echo password=secret'],
      ['core.sshCommand', 'ssh -i secret'],
      ['include.path', 'secret'],
      ['sendemail.smtpPass', 'secret'],
    ] as const)
      run(repo.path, 'config', key, value);
    write(repo.path, 'a.txt', 'stashed');
    run(repo.path, ...unhooked, 'stash', '-q');
    const { place, git } = await started(repo);
    expect(readFileSync(join(place.gitDir, 'config'), 'utf8')).not.toContain('secret');
    expect(git('config', 'remote.origin.url')).toBe('https://example.com/demo.git');
    expect(git('config', 'remote.third.url')).toBe('ssh://git@example.com/demo.git');
    expect(git('stash', 'list')).toBe('');
    expect(git('for-each-ref', 'refs/stash')).toBe('');
  });

  test('has ten thousand refs as packed ones, of files and packed ones alike, and the symbolic ones', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    const names = Array.from({ length: 10_000 }, (_, n) => `refs/tags/v${n}`).sort();
    const lines = names.map((name) => `${repo.head} ${name}\n`).join('');
    writeFileSync(join(repo.commonDir, 'packed-refs'), `# pack-refs with: peeled fully-peeled sorted \n${lines}`);
    run(repo.path, ...unhooked, 'update-ref', 'refs/tags/v7', repo.head);
    run(repo.path, ...unhooked, 'update-ref', 'refs/remotes/origin/main', repo.head);
    run(repo.path, ...unhooked, 'symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main');
    run(repo.path, ...unhooked, 'update-ref', '-d', 'refs/tags/v8');
    const { git } = await started(repo);
    const own = run(repo.path, 'for-each-ref', '--format=%(objectname) %(refname) %(symref)');
    expect(git('for-each-ref', '--format=%(objectname) %(refname) %(symref)')).toBe(own);
  });

  test('shows objects that the repository itself borrows, and not a folder that is no store of objects', async () => {
    const lender = makeRepository(join(home.path, 'lender'), { isHostile: false });
    run(home.path, 'clone', '-q', '--shared', lender, 'borrower');
    const borrower = join(home.path, 'borrower', '.git', 'objects');
    write(home.path, 'keys/id_rsa', 'private');
    const named = `${readFileSync(join(borrower, 'info/alternates'), 'utf8')}${join(home.path, 'keys')}\n`;
    writeFileSync(join(borrower, 'info/alternates'), named);
    expect(await objectFolders(borrower)).toEqual([borrower, join(lender, '.git', 'objects')]);
  });

  test('works in a repository of SHA-256, and in a sparse checkout', async () => {
    const path = join(home.path, 'sha256');
    run(home.path, 'init', '-q', '-b', 'main', '--object-format=sha256', path);
    run(path, 'config', 'user.name', 'Ada Lovelace');
    run(path, 'config', 'user.email', 'ada@example.com');
    write(path, 'in/a.txt', 'a');
    write(path, 'out/b.txt', 'b');
    run(path, 'add', '.');
    run(path, 'commit', '-q', '-m', 'first');
    run(path, 'sparse-checkout', 'set', 'in');
    const { repo, commit, collect, ended, path: worktree } = await started(await inspectRepository(path));
    const made = commit('in/c.txt', 'c');
    expect(made).toHaveLength(64);
    expect(await collect()).toEqual({ kind: 'taken', head: made });
    write(worktree, 'in/d.txt', 'd');
    const { head } = await commitLeftovers(repo, ended);
    expect(run(path, 'ls-tree', '-r', '--name-only', head).split('\n')).toEqual([
      'in/a.txt',
      'in/c.txt',
      'in/d.txt',
      'out/b.txt',
    ]);
  });
});

describe('what an agent committed in its own git folder', () => {
  test('arrives: commits, branch, index and HEAD, and what it left uncommitted is committed on top', async () => {
    const { repo, path, base, commit, collect, ended } = await started();
    const first = commit('b.txt', 'b');
    const head = commit('c.txt', 'c');
    write(path, 'left.txt', 'left');
    expect(at(repo, branch)).toBe(base);
    expect(await collect()).toEqual({ kind: 'taken', head });
    expect(at(repo, `${branch}^`)).toBe(first);
    expect(run(path, 'status', '--porcelain', '--branch')).toBe(`## ${branch}\n?? left.txt`);
    const end = await commitLeftovers(repo, ended);
    expect(await changedFiles(repo, base, end.head)).toEqual(['b.txt', 'c.txt', 'left.txt']);
    expect(at(repo, `${end.head}^`)).toBe(head);
    expect(await collect()).toMatchObject({ kind: 'taken' });
  });

  test('is nothing where it committed nothing, and costs no git', async () => {
    const { repo, path, base, collect, ended } = await started();
    write(path, 'left.txt', 'left');
    expect(await collect()).toEqual({ kind: 'none' });
    expect(await commitLeftovers(repo, ended)).toMatchObject({ base, changed: true });
  });

  test('arrives by packs as well, and by more objects than git keeps loose', async () => {
    const { repo, path, git, collect, ended } = await started();
    for (let n = 0; n < 150; n++) write(path, `many/${n}.txt`, `${n}`);
    git('add', '-A');
    git('commit', '-q', '-m', 'many');
    git('repack', '-a', '-d', '-l', '-q');
    git('pack-refs', '--all');
    const head = git('rev-parse', 'HEAD');
    expect(await collect()).toEqual({ kind: 'taken', head });
    expect(run(repo.path, 'fsck', '--no-dangling', branch)).toBe('');
    expect(await commitLeftovers(repo, ended)).toMatchObject({ head });
  });

  test('arrives if the agent switched to another branch, or detached HEAD and deleted the branch', async () => {
    const { repo, base, commit, git, collect, ended } = await started();
    git('switch', '-q', '-c', 'feature/own');
    const own = commit('b.txt', 'b');
    expect(await collect()).toEqual({ kind: 'taken', head: own });
    expect(at(repo, branch)).toBe(base);
    expect(() => at(repo, 'feature/own')).toThrow();
    git('checkout', '-q', '--detach');
    git('branch', '-q', '-D', branch, 'feature/own');
    const detached = commit('c.txt', 'c');
    expect(await collect()).toEqual({ kind: 'taken', head: detached });
    expect(await commitLeftovers(repo, ended)).toMatchObject({ head: detached });
    expect(at(repo, branch)).toBe(detached);
  });

  test('counts as files alone where the agent began a history anew and made no commit', async () => {
    const { repo, base, path, git, collect, ended } = await started();
    git('checkout', '-q', '--orphan', 'unborn');
    write(path, 'b.txt', 'b');
    expect(await collect()).toEqual({ kind: 'none' });
    const { head } = await commitLeftovers(repo, ended);
    expect(at(repo, `${head}^`)).toBe(base);
    expect(await changedFiles(repo, base, head)).toEqual(['b.txt']);
  });

  test('replaces what the branch had, where the agent wrote its history anew', async () => {
    const { repo, base, git, commit, collect, ended } = await started();
    commit('b.txt', 'b');
    git('checkout', '-q', '--orphan', 'again');
    git('commit', '-q', '-m', 'all of it, anew');
    git('branch', '-q', '-M', branch);
    const head = git('rev-parse', 'HEAD');
    expect(await collect()).toEqual({ kind: 'taken', head });
    expect(await commitLeftovers(repo, ended)).toMatchObject({ head, changed: true });
    expect(run(repo.path, 'rev-list', '--count', branch)).toBe('1');
    expect(run(repo.path, 'merge-base', '--is-ancestor', base, 'main')).toBe('');
  });

  test('goes back where the agent took its commits back, also after they had been taken over', async () => {
    const { repo, base, git, commit, collect } = await started();
    const head = commit('b.txt', 'b');
    expect(await collect(true)).toEqual({ kind: 'taken', head });
    expect(at(repo, branch)).toBe(head);
    git('reset', '-q', '--hard', base);
    await collect();
    expect(at(repo, branch)).toBe(base);
  });

  const moves: Record<string, (agent: Agent) => void> = {
    'committed, and left files': ({ commit, path }) => {
      commit('b.txt', 'b');
      write(path, 'left.txt', 'left');
      write(path, 'a.txt', 'changed\n');
    },
    'amended the commit that it began from': ({ git, path }) => {
      write(path, 'a.txt', 'amended\n');
      git('commit', '-q', '-a', '--amend', '-m', 'amended');
    },
    'only looked at another commit': ({ commit, git, base }) => {
      commit('b.txt', 'b');
      git('checkout', '-q', '--detach', base);
    },
    'went on in two places': ({ commit, git, base, path }) => {
      commit('b.txt', 'b');
      git('checkout', '-q', '--detach', base);
      write(path, 'c.txt', 'c');
    },
    'committed to a branch of its own': ({ commit, git }) => {
      git('switch', '-q', '-c', 'own');
      commit('b.txt', 'b');
    },
    'committed what git ignores': ({ commit, git, path }) => {
      write(path, '.gitignore', 'ignored.txt\n');
      write(path, 'ignored.txt', 'i');
      git('add', '-f', 'ignored.txt');
      commit('b.txt', 'b');
    },
    'took a file away, staged another and left a third': ({ git, path }) => {
      git('rm', '-q', 'a.txt');
      write(path, 'staged.txt', 's');
      git('add', 'staged.txt');
      write(path, 'left.txt', 'l');
    },
    'is in the middle of a merge in conflict': ({ commit, git }) => {
      git('switch', '-q', '-c', 'theirs');
      commit('a.txt', 'theirs\n');
      git('switch', '-q', branch);
      commit('a.txt', 'ours\n');
      expect(() => git('merge', '-q', 'theirs')).toThrow();
    },
    'is in the middle of a rebase': ({ commit, git, path }) => {
      git('switch', '-q', '-c', 'theirs');
      commit('a.txt', 'theirs\n');
      git('switch', '-q', branch);
      commit('a.txt', 'ours\n');
      expect(() => git('rebase', '-q', 'theirs')).toThrow();
      write(path, 'b.txt', 'b');
    },
    'went back to the commit before': ({ commit, git }) => {
      commit('b.txt', 'b');
      commit('c.txt', 'c');
      git('reset', '-q', '--hard', 'HEAD^');
    },
  };
  for (const [what, move] of Object.entries(moves)) {
    test(`ends as it does in the shared repository where the agent ${what}`, async () => {
      const ends = [];
      for (const isPrivate of [true, false]) {
        const repo = await openRepository(join(home.path, `demo-${isPrivate}`));
        const at = await started(repo, isPrivate ? 'private' : 'shared');
        move(at);
        if (isPrivate) await at.collect();
        const { changed, head, base } = await commitLeftovers(repo, at.ended);
        const tree = (name: string) =>
          run(repo.path, 'for-each-ref', '--format=%(tree)', `refs/stator/attempts/${name}`);
        ends.push({
          changed,
          isSame: head === base,
          files: run(repo.path, 'ls-tree', '-r', branch),
          commits: run(repo.path, 'log', '--format=%T %s', branch).split('\n').sort(),
          kept: [tree('run-1'), tree('run-1-aside')],
          // In this index the file is unresolved for git; the index stays with the agent.
          status: run(at.path, 'status', '--porcelain', '--branch').replace('\nUU ', '\n M '),
        });
      }
      expect(ends[0]).toEqual(ends[1]);
    });
  }

  test('comes with the large files that Git LFS keeps beside it, those alone that are what their names say', async () => {
    const { repo, place, commit, collect } = await started();
    const digest = (text: string) => createHash('sha256').update(text).digest('hex');
    const file = (folder: string, id: string) => join(folder, 'lfs/objects', id.slice(0, 2), id.slice(2, 4), id);
    const lay = (id: string, text: string) => write(dirname(file(place.gitDir, id)), id, text);
    const [large, lie, link] = [digest('large'), digest('a lie'), digest('a link')];
    lay(large, 'large');
    lay(lie, 'something else');
    mkdirSync(dirname(file(place.gitDir, link)), { recursive: true });
    write(home.path, 'secret', 'a link');
    symlinkSync(join(home.path, 'secret'), file(place.gitDir, link));
    commit('large.bin', `version https://git-lfs.github.com/spec/v1\noid sha256:${large}\nsize 5\n`);
    expect(await collect()).toMatchObject({ kind: 'taken' });
    expect(readFileSync(file(repo.commonDir, large), 'utf8')).toBe('large');
    expect([lie, link].map((id) => existsSync(file(repo.commonDir, id)))).toEqual([false, false]);
    expect(readdirSync(join(repo.commonDir, 'lfs'))).toEqual(['objects']);
  });

  test('is merged with what somebody else committed to the branch meanwhile', async () => {
    const { repo, base, commit, collect, ended } = await started();
    const tree = run(repo.path, 'rev-parse', `${base}^{tree}`);
    const blob = execFileSync('git', ['hash-object', '-w', '--stdin'], {
      cwd: repo.path,
      input: 'theirs',
      encoding: 'utf8',
    });
    const other = execFileSync('git', ['mktree'], {
      cwd: repo.path,
      input: `${run(repo.path, 'ls-tree', tree)}\n100644 blob ${blob.trim()}\ttheirs.txt\n`,
      encoding: 'utf8',
    }).trim();
    const theirs = run(repo.path, '-c', 'commit.gpgsign=false', 'commit-tree', other, '-p', base, '-m', 'theirs');
    const mine = commit('b.txt', 'b');
    run(repo.path, ...unhooked, 'update-ref', `refs/heads/${branch}`, theirs);
    expect(await collect()).toEqual({ kind: 'taken', head: mine });
    const end = await commitLeftovers(repo, ended);
    expect(await changedFiles(repo, base, end.head)).toEqual(['b.txt', 'theirs.txt']);
    expect(run(repo.path, 'log', '--format=%s', '-1', branch)).toBe('merge of both');
  });

  test.each(['before the index followed', 'before the branch moved', 'before HEAD was placed'])(
    'arrives the same when the engine was killed %s',
    async (when) => {
      const { repo, path, base, worktree, commit, git, collect, ended } = await started();
      commit('b.txt', 'b');
      git('checkout', '-q', '--detach');
      const head = commit('c.txt', 'c');
      await collect();
      if (when !== 'before HEAD was placed') run(repo.path, ...unhooked, 'update-ref', `refs/heads/${branch}`, base);
      writeFileSync(join(worktree.adminDir, 'HEAD'), `ref: refs/heads/${branch}\n`);
      if (when === 'before the index followed') run(path, 'read-tree', base);
      write(`${worktree.path}/../..`, 'unused', '');
      expect(await collect()).toEqual({ kind: 'taken', head });
      expect(await commitLeftovers(repo, ended)).toMatchObject({ head });
      expect(run(path, 'status', '--porcelain')).toBe('');
    },
  );
});

describe('in its own git folder an agent cannot', () => {
  test('have a program run by the engine, by settings, hooks, attributes or an editor', async () => {
    const { repo, path, place, git, commit, collect, ended } = await started();
    const mark = join(home.path, 'mark');
    commit('b.txt', 'b');
    for (const key of ['core.fsmonitor', 'core.sshCommand', 'core.pager', 'core.editor', 'core.alternateRefsCommand'])
      git('config', key, `touch ${mark}`);
    git('config', 'filter.x.clean', `touch ${mark}; cat`);
    git('config', 'uploadpack.packObjectsHook', `touch ${mark}`);
    git('config', 'extensions.partialClone', 'evil');
    git('config', 'remote.evil.url', `ext::touch ${mark}`);
    git('config', 'remote.evil.promisor', 'true');
    write(place.gitDir, 'info/attributes', '* filter=x\n');
    write(path, '.gitattributes', '* filter=x\n');
    for (const hook of ['post-index-change', 'reference-transaction', 'update', 'pre-receive'])
      writeFileSync(join(place.gitDir, 'hooks', hook), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
    expect(await collect()).toMatchObject({ kind: 'taken' });
    expect(await commitLeftovers(repo, ended)).toMatchObject({ changed: true });
    expect(existsSync(mark)).toBe(false);
  });

  test('move another ref of the repository, nor have one of its own arrive', async () => {
    const { repo, commit, git, collect } = await started();
    const before = run(repo.path, 'for-each-ref', '--format=%(refname) %(objectname)');
    const head = commit('b.txt', 'b');
    for (const ref of ['refs/heads/main', 'refs/tags/v1', 'refs/stator/owned/main', 'refs/heads/new'])
      git('update-ref', ref, head);
    git('update-ref', `refs/replace/${head}`, `${head}^`);
    await collect();
    const after = run(repo.path, 'for-each-ref', '--format=%(refname) %(objectname)');
    expect(after.split('\n').filter((line) => !before.includes(line))).toEqual([`refs/heads/${branch} ${head}`]);
  });

  test('have the objects of another repository taken over, by alternates or links', async () => {
    const secret = makeRepository(join(home.path, 'secret'), { isHostile: false });
    write(secret, 'key.txt', 'very private\n');
    run(secret, 'add', '-A');
    run(secret, 'commit', '-q', '-m', 'secret');
    const stolen = run(secret, 'rev-parse', 'HEAD');
    const blob = run(secret, 'rev-parse', 'HEAD:key.txt');
    const has = (repo: Repository) => spawnSync('git', ['cat-file', '-e', blob], { cwd: repo.path }).status === 0;
    const { repo, base, place, collect } = await started();
    write(place.gitDir, `refs/heads/${branch}`, `${stolen}\n`);
    writeFileSync(join(place.gitDir, 'objects/info/alternates'), `${join(secret, '.git/objects')}\n`);
    expect(await collect()).toMatchObject({ kind: 'refused' });
    const own = join(place.gitDir, 'objects');
    for (const name of readdirSync(join(secret, '.git/objects')))
      if (/^[0-9a-f]{2}$/.test(name)) {
        rmSync(join(own, name), { recursive: true, force: true });
        symlinkSync(join(secret, '.git/objects', name), join(own, name));
      }
    expect(await collect()).toMatchObject({ kind: 'refused' });
    rmSync(own, { recursive: true });
    symlinkSync(join(secret, '.git/objects'), own);
    expect(await collect()).toMatchObject({ kind: 'refused' });
    expect(has(repo)).toBe(false);
    expect(at(repo, branch)).toBe(base);
  });

  test('stop the engine, by pipes, links, loops or endless files in place of what it reads', async () => {
    const { repo, base, path, place, commit, collect, ended } = await started();
    commit('b.txt', 'b');
    const { gitDir } = place;
    for (const file of ['HEAD', `refs/heads/${branch}`, 'packed-refs', 'objects/pack/pack-aaaa.pack']) {
      rmSync(join(gitDir, file), { force: true });
      execFileSync('mkfifo', [join(gitDir, file)]);
    }
    expect(await collect()).toEqual({ kind: 'none' });
    rmSync(join(gitDir, 'HEAD'));
    symlinkSync('/dev/zero', join(gitDir, 'HEAD'));
    expect(await collect()).toEqual({ kind: 'none' });
    rmSync(join(gitDir, 'HEAD'));
    writeFileSync(join(gitDir, 'HEAD'), 'ref: refs/heads/loop\n');
    writeFileSync(join(gitDir, 'refs/heads/loop'), 'ref: refs/heads/loop\n');
    expect(await collect()).toEqual({ kind: 'none' });
    writeFileSync(join(gitDir, 'HEAD'), `ref: refs/../../../../../${path}/b.txt\n`);
    expect(await collect()).toEqual({ kind: 'none' });
    expect(await commitLeftovers(repo, ended)).toMatchObject({ base, changed: true });
  });

  test('put a tree into the repository that git itself would never make', async () => {
    const { repo, base, git, place, collect, path } = await started();
    const blob = git('hash-object', '-w', 'a.txt');
    const inner = Buffer.concat([Buffer.from('100644 config\0'), Buffer.from(blob, 'hex')]);
    const literally = (tree: Buffer) =>
      execFileSync('git', ['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], {
        cwd: path,
        env: { ...process.env, GIT_DIR: place.gitDir },
        input: tree,
        encoding: 'utf8',
      }).trim();
    for (const name of ['.git', '..', 'a/b']) {
      const tree = literally(Buffer.concat([Buffer.from(`40000 ${name}\0`), Buffer.from(literally(inner), 'hex')]));
      const commit = git('commit-tree', tree, '-p', 'HEAD', '-m', 'odd');
      write(place.gitDir, `refs/heads/${branch}`, `${commit}\n`);
      expect(await collect()).toMatchObject({ kind: 'refused' });
      expect(spawnSync('git', ['cat-file', '-e', commit], { cwd: repo.path }).status).not.toBe(0);
    }
    expect(at(repo, branch)).toBe(base);
  });

  test('pass off other content under the name of an object, or a commit whose files are not there', async () => {
    const { repo, base, git, place, commit, collect } = await started();
    const head = commit('b.txt', 'b');
    const blob = git('rev-parse', 'HEAD:b.txt');
    const objectOf = (id: string) => join(place.gitDir, 'objects', id.slice(0, 2), id.slice(2));
    const other = git('hash-object', '-w', 'a.txt');
    const kept = readFileSync(objectOf(blob));
    rmSync(objectOf(blob));
    expect(await collect()).toMatchObject({ kind: 'refused' });
    writeFileSync(objectOf(blob), existsSync(objectOf(other)) ? readFileSync(objectOf(other)) : 'no object');
    expect(await collect()).toMatchObject({ kind: 'refused' });
    expect(at(repo, branch)).toBe(base);
    rmSync(objectOf(blob), { force: true });
    writeFileSync(objectOf(blob), kept);
    expect(await collect()).toEqual({ kind: 'taken', head });
  });

  test('take the repository with it by exchanging its folder for a link', async () => {
    const { repo, base, place, collect } = await started();
    renameSync(place.gitDir, `${place.gitDir}-real`);
    symlinkSync(repo.commonDir, place.gitDir);
    expect(await collect()).toEqual({ kind: 'none' });
    expect(at(repo, branch)).toBe(base);
  });
});
