/** Sessions whose worktree and branch or issue are gone are removed once that was reported; sessions that may go on stay. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ground, startEngine } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

it('takes a session whose worktree and branch somebody deleted, and no other', async () => {
  const on = ground();
  git(on.repo, 'remote', 'add', 'origin', 'https://git.example.invalid/acme/shop.git');
  const { client } = await startEngine({ on });
  const references = [1, 2].map((number) => `git.example.invalid/acme/shop#${number}`);
  for (const reference of references) await client.startIssue({ reference, message: 'do it\n\n```sh\nexit 1\n```' });
  const plans = (await client.issues()).map(({ plan }) => plan).sort();
  for (const plan of plans)
    await until(
      async () =>
        (await client.plan('demo', plan)).phase !== null &&
        (await client.instances({})).filter((one) => one.plan === plan).every(({ state }) => state === 'failed'),
    );
  const [gone, stays] = plans;
  const before = await client.pruneIssues({ dry: true });
  expect(before.destroyed).toEqual([]);
  git(on.repo, 'worktree', 'remove', '-f', '-f', join(on.repo, '.worktrees', 'git.example.invalid-acme-shop-1'));
  git(on.repo, 'branch', '-D', 'fix/issue-1');
  const destroyed = [{ project: 'demo', plan: gone, why: 'its worktree and its branch are gone' }];
  const planned = await client.pruneIssues({ dry: true });
  expect(planned).toMatchObject({ destroyed, kept: [{ plan: stays }] });
  expect(await client.issues()).toHaveLength(2);
  expect((await client.pruneIssues({})).destroyed).toEqual(destroyed);
  expect((await client.issues()).map(({ plan }) => plan)).toEqual([stays]);
  expect(git(on.repo, 'for-each-ref', '--format=%(refname)', 'refs/stator/owned').split('\n')).toEqual([
    'refs/stator/owned/fix/issue-2',
  ]);
});
