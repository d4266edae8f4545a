/** Plans in a checkout whose `.git` is a file: the git folder lies apart from it, or within the repository that it is a submodule of. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { begin, planText, say, startEngine, type TestEngine, untilPlan, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';

async function runsToItsMerge(made: TestEngine, path: string, project: string): Promise<void> {
  await made.client.addRepo(path, { trust: true });
  await begin(made, 'small', planText(['echo a > a.txt', 'echo b > b.txt'], ['cat a.txt b.txt > c.txt']), project);
  await untilStatus(made, 'small', 'done', project);
  await say(made, 'small', 'merge', {}, project);
  await untilPlan(made, 'small', ({ merged }) => merged !== null, project);
  expect(git(path, 'show', 'HEAD:c.txt')).toBe('a\nb');
  expect(git(path, 'status', '--porcelain')).toBe('');
  expect(made.log.filter((line) => /ENOTDIR|a bug/.test(line))).toEqual([]);
}

it('a plan runs to its merge where the git folder lies apart from the checkout, once that folder names it', async () => {
  const made = await startEngine({ adds: false });
  git(made.repo, 'init', '-q', '--separate-git-dir', join(made.root, 'apart.git'));
  const refused = made.client.addRepo(made.repo, { trust: true });
  await expect(refused).rejects.toMatchObject({ code: 'unsafe_path', hint: expect.stringContaining('core.worktree') });
  git(made.repo, 'config', 'core.worktree', made.repo);
  await runsToItsMerge(made, made.repo, 'demo');
});

it('a plan runs to its merge in the checkout of a submodule', async () => {
  const made = await startEngine({ adds: false });
  const outer = join(made.root, 'outer');
  git(made.root, 'clone', '-q', made.repo, 'outer');
  git(outer, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', made.repo, 'lib');
  for (const [key, value] of [
    ['user.name', 'Ada'],
    ['user.email', 'ada@example.com'],
  ] as const)
    git(join(outer, 'lib'), 'config', key, value);
  await runsToItsMerge(made, join(outer, 'lib'), 'lib');
});
