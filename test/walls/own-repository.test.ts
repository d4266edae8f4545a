/** Inside walls an agent has a separate git folder: only its commits reach the repository. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { collectPrivate } from '../../runtime/work/git/private-collect.ts';
import { makePrivateRepository, privateMounts, privatePlaceIn } from '../../runtime/work/git/private-repository.ts';
import type { Repository } from '../../runtime/work/git/repository.ts';
import { prepareWorktree } from '../../runtime/work/git/worktree.ts';
import { openRepository, read, run, temporaryHome } from '../support/git.ts';

const home = temporaryHome();
const branch = 'plan/demo-w1-t1';
const bubblewrap = 'bwrap';
const namespaces = ['--unshare-user', '--unshare-pid', '--die-with-parent'];
const system = ['--ro-bind', '/usr', '/usr', '--ro-bind', '/etc', '/etc', '--proc', '/proc', '--dev', '/dev'];
const links = ['bin', 'lib', 'lib64', 'sbin'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]);
const probe = spawnSync(bubblewrap, [...namespaces, ...system, ...links, 'true'], { encoding: 'utf8' });
const why = probe.status === 0 ? '' : ` (bubblewrap does not work here: ${probe.stderr ?? 'it is not installed'})`;

async function started() {
  const repo = await openRepository(join(home.path, 'demo'));
  const wanted = { path: join(repo.path, '.worktrees', 'demo'), branch, start: 'main', run: 'run-1' };
  const { path, base } = await prepareWorktree(repo, { ...wanted, previousRun: null, reset: true });
  const worktree = { path, adminDir: join(repo.commonDir, 'worktrees', 'demo') };
  mkdirSync(join(home.path, 'run-1'));
  const place = privatePlaceIn(join(home.path, 'run-1'));
  await makePrivateRepository(repo, { place, worktree, branch });
  const mounts = (await privateMounts(repo, { place, worktree })).flatMap(({ access, from, to }) => [
    access === 'read' ? '--ro-bind' : '--bind',
    from,
    to ?? from,
  ]);
  const places = [...system, ...links, '--tmpfs', '/tmp', '--bind', path, path, ...mounts, '--chdir', path];
  /** Returns the output of the script, whatever its exit code. */
  const inside = (script: string) =>
    spawnSync(bubblewrap, [...namespaces, ...places, '--', '/bin/sh', '-c', script], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', GIT_CONFIG_NOSYSTEM: '1', HOME: '/nowhere' },
    });
  const collect = () => collectPrivate(repo, { place, ...worktree, branch, message: 'merge' });
  return { repo, path, base, inside, collect };
}

/** Everything in the shared git folder with which a program or another branch could be changed. */
function sharedState(repo: Repository): unknown {
  return {
    refs: run(repo.path, 'for-each-ref'),
    config: read(repo.commonDir, 'config'),
    hooks: readdirSync(join(repo.commonDir, 'hooks')).map((name) => [name, read(repo.commonDir, `hooks/${name}`)]),
    exclude: existsSync(join(repo.commonDir, 'info/exclude')) ? read(repo.commonDir, 'info/exclude') : null,
    head: read(repo.commonDir, 'HEAD'),
    names: readdirSync(repo.commonDir).sort(),
  };
}

describe.skipIf(why !== '')(`inside walls${why}`, () => {
  test('an agent commits as usual, in its own name of the branch, and its commits arrive', async () => {
    const { repo, path, inside, collect } = await started();
    const said = inside(
      'echo b > b.txt && git add -A && git -c core.hooksPath=/dev/null commit -qm b && git status --short --branch && git log --format=%an -1',
    );
    expect([said.stdout, said.stderr]).toEqual([`## ${branch}\nAda Lovelace\n`, '']);
    expect(await collect()).toMatchObject({ kind: 'taken' });
    expect(run(repo.path, 'show', `${branch}:b.txt`)).toBe('b');
    expect(run(path, 'status', '--porcelain')).toBe('');
  });

  test.each([
    ['write the configuration', 'git config --file "$G/config" core.fsmonitor x'],
    ['write a hook', 'mkdir -p "$G/hooks"; printf "#!/bin/sh\\n" > "$G/hooks/post-checkout"'],
    ['move a branch', 'git update-ref refs/heads/main HEAD; echo "$(git rev-parse HEAD)" > "$G/refs/heads/main"'],
    ['write info/exclude', 'echo x >> "$G/info/exclude"'],
    ['write an object of its own choice', 'echo x > "$G/objects/pack/x.pack"; rm -rf "$G"/objects/*'],
    ['exchange its .git', 'mv .git old; rm -f .git; echo "gitdir: /tmp/x" > .git; ln -sf /tmp .git'],
    ['make a worktree of its own there', 'git worktree add -q /tmp/other'],
    ['collect the garbage away', 'git reflog expire --expire=now --all; git gc -q --prune=now --aggressive'],
  ])('it cannot %s in the shared repository', async (_, script) => {
    const { repo, base, path, inside, collect } = await started();
    const before = sharedState(repo);
    const link = read(path, '.git');
    inside(`G='${repo.commonDir}'; git -c core.hooksPath=/dev/null commit -q --allow-empty -m own; ${script}`);
    expect(sharedState(repo)).toEqual(before);
    expect(read(path, '.git')).toBe(link);
    await collect();
    expect(run(repo.path, 'rev-parse', 'main')).toBe(base);
    expect(run(repo.path, 'fsck', '--no-dangling')).toBe('');
  });

  test('it sees neither the settings, the refs nor the other worktrees of the shared repository', async () => {
    const { repo, inside } = await started();
    const other = { path: join(repo.path, '.worktrees', 'other'), branch: 'plan/demo-w1-t2', start: 'main' };
    await prepareWorktree(repo, { ...other, run: 'run-2', previousRun: null, reset: true });
    const seen = inside(`cd '${repo.path}' && find . -maxdepth 3 -not -path './.git/objects/*' | sort`).stdout;
    for (const name of ['a.txt', '.git/config', '.git/HEAD', '.git/hooks', '.git/refs', 'other'])
      expect(seen.split('\n').filter((line) => line.endsWith(`/${name}`))).toEqual(
        name === 'a.txt' ? ['./.worktrees/demo/a.txt'] : [],
      );
    expect(seen).toContain('./.git/worktrees/demo');
  });
});
