/** The refs of plans at the remote that several hosts share, with real repositories. */
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createSharedAccess, inspectRepository } from '../../runtime/work/git/repository.ts';
import { listShared, shareRefs } from '../../runtime/work/git/shared-refs.ts';
import { type Ground, git, makeGround } from '../support/ground.ts';

let ground: Ground | null = null;

afterEach(() => {
  ground?.remove();
  ground = null;
});

function shared() {
  ground = makeGround();
  const { repo, root } = ground;
  const bare = join(root, 'bare.git');
  git(root, 'init', '-q', '--bare', bare);
  git(repo, 'remote', 'add', 'origin', bare);
  for (const branch of ['plan/p', 'plan/p-w1-t1', 'plan/p-other', 'plan/pp']) {
    git(repo, 'branch', branch);
    git(repo, 'update-ref', `refs/stator/owned/${branch}`, branch);
  }
  git(repo, 'branch', 'plan/p-w1-t2');
  git(repo, 'update-ref', 'refs/stator/attempts/p#w1#t1#1', 'HEAD');
  git(repo, 'update-ref', 'refs/stator/attempts/pp#w1#t1#1', 'HEAD');
  return { repo, root, bare, look: () => inspectRepository(repo, createSharedAccess()) };
}

const commit = (repo: string, branch: string, message = 'more') => {
  const made = git(repo, 'commit-tree', '-p', branch, '-m', message, `${branch}^{tree}`);
  git(repo, 'update-ref', `refs/heads/${branch}`, made);
  return made;
};

test("a plan's own branches and attempts are brought to the remote and kept as they are here, and nothing else of the repository", async () => {
  const { repo, bare, look } = shared();
  const repository = await look();
  const of = { project: 'my repo', plan: 'p', branch: 'plan/p' };
  const locals = async () => (await listShared(repository, 'my repo')).map(({ local }) => local);
  await shareRefs(repository, of);
  expect(await locals()).toEqual(['refs/stator/attempts/p#w1#t1#1', 'refs/heads/plan/p', 'refs/heads/plan/p-w1-t1']);
  expect(git(bare, 'for-each-ref', '--format=%(refname)')).toMatch(/^(refs\/stator\/shared\/my%20repo\/p\/\S+\n?){3}$/);
  const before = git(repo, 'rev-parse', 'plan/p');
  const made = commit(repo, 'plan/p');
  git(repo, 'branch', '-D', 'plan/p-w1-t1');
  await shareRefs(repository, of);
  expect(await locals()).toEqual(['refs/stator/attempts/p#w1#t1#1', 'refs/heads/plan/p']);
  expect(git(bare, 'rev-parse', 'refs/stator/shared/my%20repo/p/heads/plan/p')).toBe(made);
  // A plan that starts over moves its branch back.
  git(repo, 'update-ref', 'refs/heads/plan/p', before);
  await shareRefs(repository, of);
  expect(git(bare, 'rev-parse', 'refs/stator/shared/my%20repo/p/heads/plan/p')).toBe(before);
});

test('what another host has pushed since is not overwritten, until it was fetched', async () => {
  const { repo, root, bare, look } = shared();
  const repository = await look();
  const of = { project: 'repo', plan: 'p', branch: 'plan/p' };
  await shareRefs(repository, of);
  const other = join(root, 'other');
  git(root, 'clone', '-q', repo, other);
  git(other, 'config', 'user.name', 'Ada');
  git(other, 'config', 'user.email', 'ada@example.com');
  git(other, 'branch', 'plan/p', 'origin/plan/p');
  const theirs = commit(other, 'plan/p', 'theirs');
  const name = 'refs/stator/shared/repo/p/heads/plan/p';
  git(other, 'push', '-q', bare, `${theirs}:${name}`, `${theirs}:refs/stator/shared/repo/p/attempts/p#x`);
  commit(repo, 'plan/p');
  await expect(shareRefs(repository, of)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining(`origin has ${theirs.slice(0, 12)} at ${name}, which is not known here`),
    hint: expect.stringContaining(`fetch origin ${name}`),
  });
  expect(git(bare, 'rev-parse', name)).toBe(theirs);
  expect(git(bare, 'for-each-ref', 'refs/stator/shared/repo/p/attempts').split('\n')).toHaveLength(2);
  git(repo, 'fetch', '-q', 'origin', name);
  await shareRefs(repository, of);
  expect(git(bare, 'rev-parse', name)).toBe(git(repo, 'rev-parse', 'plan/p'));
});
