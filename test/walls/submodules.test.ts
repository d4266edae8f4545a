/** A submodule that leads elsewhere: the engine commits, resets and deletes nothing there, and imports no objects from there. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commitLeftovers, keepAttempt } from '../../runtime/work/git/attempt.ts';
import { ensureBranch } from '../../runtime/work/git/branch.ts';
import { prepareWorktree, removeWorktree } from '../../runtime/work/git/worktree.ts';
import { begin, planText, untilStatus } from '../support/engine.ts';
import { makeRepository, openRepository, read, run, temporaryHome, write } from '../support/git.ts';
import { noWallsHere, startWalled } from '../support/walls.ts';

const home = temporaryHome();
const quiet = ['-c', 'core.hooksPath=/dev/null', '-c', 'commit.gpgSign=false', '-c', 'protocol.file.allow=always'];
const branch = 'plan/demo-w1-t1';

/** A run has begun in a worktree with the submodule `lib`; beside it is a repository of the user, with uncommitted work. */
async function started() {
  const lib = makeRepository(join(home.path, 'lib'), { isHostile: false });
  const repo = await openRepository(join(home.path, 'demo'));
  run(repo.path, ...quiet, 'submodule', '--quiet', 'add', lib, 'lib');
  run(repo.path, ...quiet, 'commit', '-qam', 'with lib');
  await ensureBranch(repo, { branch: 'plan/demo', start: 'main' });
  const path = join(repo.path, '.worktrees', 'demo');
  const wanted = { path, branch, start: 'plan/demo', previousRun: null, reset: true };
  const { base } = await prepareWorktree(repo, { ...wanted, run: 'run-1' });
  run(path, ...quiet, 'submodule', '--quiet', 'update', '--init');
  const letters = makeRepository(join(home.path, 'letters'), { isHostile: false });
  write(letters, 'a.txt', 'not committed\n');
  write(letters, 'love.txt', 'private\n');
  const gitDir = join(repo.commonDir, 'worktrees', 'demo', 'modules', 'lib');
  const ended = { path, branch, run: 'run-1', base, message: 'work' };
  return { repo, path, lib: join(path, 'lib'), gitDir, letters, ended, wanted };
}

type Started = Awaited<ReturnType<typeof started>>;

const state = (repository: string) => ({
  head: run(repository, 'rev-parse', 'HEAD', '--abbrev-ref', 'HEAD'),
  refs: run(repository, 'for-each-ref'),
  status: run(repository, 'status', '--porcelain'),
  texts: ['a.txt', 'love.txt'].map((file) => read(repository, file)),
});

/** Everything that an engine does with a worktree; a refusal does no harm. */
async function wholeLife({ repo, path, ended, wanted }: Started): Promise<void> {
  for (const act of [
    () => keepAttempt(repo, ended),
    () => commitLeftovers(repo, ended),
    () => prepareWorktree(repo, { ...wanted, run: 'run-2', previousRun: ended.run }),
    () => removeWorktree(repo, { path, branch, mergedInto: 'main' }),
  ])
    await act().catch((thrown: unknown) => expect(thrown).toHaveProperty('code'));
}

const exchanges: Record<string, (at: Started) => void> = {
  'a link in place of its folder': ({ lib, letters }) => {
    rmSync(lib, { recursive: true });
    symlinkSync(letters, lib);
  },
  'a path that goes over a link': ({ path, letters }) => {
    symlinkSync(dirname(letters), join(path, 'over'));
    write(path, '.gitmodules', '[submodule "lib"]\n\tpath = over/letters\n\turl = ./x\n');
  },
  'the name of another repository in its .git': ({ lib, letters }) =>
    writeFileSync(join(lib, '.git'), `gitdir: ${join(letters, '.git')}\n`),
  'the .git of a worktree of another repository': ({ lib, letters }) => {
    rmSync(join(lib, '.git'));
    mkdirSync(join(lib, '.git'));
    for (const file of ['HEAD', 'index', 'config']) cpSync(join(letters, '.git', file), join(lib, '.git', file));
    writeFileSync(join(lib, '.git', 'commondir'), `${join(letters, '.git')}\n`);
    write(lib, 'new.txt', 'new');
  },
  'links among its git files': ({ lib, gitDir, letters }) => {
    for (const name of ['refs', 'objects', 'logs']) {
      rmSync(join(gitDir, name), { recursive: true, force: true });
      symlinkSync(join(letters, '.git', name), join(gitDir, name));
    }
    for (const file of ['HEAD', 'index']) cpSync(join(letters, '.git', file), join(gitDir, file));
    write(lib, 'new.txt', 'new');
  },
};

describe('a submodule that leads to another repository of the user', () => {
  for (const [what, exchange] of Object.entries(exchanges)) {
    test(`changes nothing of that by ${what}`, async () => {
      const at = await started();
      exchange(at);
      const before = state(at.letters);
      await wholeLife(at);
      expect(state(at.letters)).toEqual(before);
    });
  }

  test('does not get its commits into the repository by objects that it borrows', async () => {
    const at = await started();
    const { repo, gitDir, letters } = at;
    run(letters, 'add', '-A');
    run(letters, 'commit', '-qm', 'private');
    const secret = run(letters, 'rev-parse', 'HEAD');
    writeFileSync(join(gitDir, 'objects/info/alternates'), `${join(letters, '.git', 'objects')}\n`);
    writeFileSync(join(gitDir, 'HEAD'), `${secret}\n`);
    await wholeLife(at);
    const store = join(repo.commonDir, 'modules', 'lib');
    const has = (id: string) => spawnSync('git', ['--git-dir', store, 'cat-file', '-e', id], { cwd: home.path }).status;
    expect([has(run(store, '--git-dir', store, 'rev-parse', 'main')), has(secret)]).toEqual([0, 1]);
  });

  test('is not written among the files of another submodule by its name', async () => {
    const at = await started();
    const { repo, path } = at;
    const inner = makeRepository(join(path, 'inner'), { isHostile: false });
    const before = readdirSync(join(repo.commonDir, 'modules', 'lib', 'refs')).sort();
    write(path, '.gitmodules', `[submodule "lib/refs"]\n\tpath = inner\n\turl = ${inner}\n`);
    await wholeLife(at);
    expect(readdirSync(join(repo.commonDir, 'modules', 'lib', 'refs')).sort()).toEqual(before);
  });
});

test.skipIf(noWallsHere !== null)(
  `a submodule that an agent checks out and commits in inside of walls is kept${noWallsHere ?? ''}`,
  async () => {
    const lib = makeRepository(join(home.path, 'lib'), { isHostile: false });
    const made = await startWalled(`readable = ["${lib}"]\n`);
    run(made.repo, ...quiet, 'submodule', '--quiet', 'add', lib, 'lib');
    run(made.repo, ...quiet, 'commit', '-qam', 'with lib');
    const does = [
      'git -c protocol.file.allow=always submodule --quiet update --init',
      'cd lib; echo x > made.txt; git add -A; git commit -qm "in lib"; echo y > left.txt',
    ];
    await begin(
      made,
      'deep',
      planText([does.join('\n')], ['git -C lib log --format=%s 2>/dev/null | head -1 > seen.txt']),
    );
    await untilStatus(made, 'deep', 'done');
    const store = join(made.repo, '.git', 'modules', 'lib');
    const link = run(made.repo, 'rev-parse', 'plan/deep:lib');
    expect(run(made.repo, '--git-dir', store, 'log', '--format=%s', '-1', `${link}~`)).toBe('in lib');
    expect(run(made.repo, '--git-dir', store, 'show', `${link}:left.txt`)).toBe('y');
  },
);
