/** No commit of stator runs a hook: a person who has one is notified, with the check that does the same. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { commitHook } from '../../cli/commit-hook.ts';
import { planOf, working } from '../support/cli.ts';
import { git } from '../support/ground.ts';

function put(repo: string, file: string, text = 'exit 1\n', mode = 0o755): void {
  mkdirSync(dirname(join(repo, file)), { recursive: true });
  writeFileSync(join(repo, file), text);
  chmodSync(join(repo, file), mode);
}

it('finds the hooks of pre-commit, lefthook and husky, those of git, and none that git would not run', () => {
  const { repo, env } = working();
  const command = () => commitHook({ env }, repo)?.command ?? null;
  expect(command()).toBeNull();
  put(repo, '.git/hooks/pre-commit', 'exit 1\n', 0o644);
  expect(command()).toBeNull();
  put(repo, '.git/hooks/pre-commit');
  expect(command()).toBe('sh "$(git rev-parse --git-path hooks/pre-commit)"');
  git(repo, 'config', 'core.hooksPath', 'own hooks');
  expect(command()).toBeNull();
  put(repo, 'own hooks/pre-commit');
  expect(command()).toBe("sh 'own hooks/pre-commit'");
  put(repo, '.husky/pre-commit', 'npm test\n', 0o644);
  expect(command()).toBe('sh .husky/pre-commit');
  put(repo, 'lefthook.yml', 'pre-commit:\n', 0o644);
  expect(command()).toBe('lefthook run pre-commit --all-files');
  put(repo, '.pre-commit-config.yaml', 'repos: []\n', 0o644);
  expect(command()).toBe('pre-commit run --all-files');
});

it('init and the first run of a plan say it, and the check that they name runs in the worktree', async () => {
  const { stator, write, repo } = working();
  put(repo, '.git/hooks/pre-commit', 'test -e w1t1.txt && touch "$STATOR_HOME/hook-ran"\n');
  const outputOf = (ended: { stdout: string; stderr: string }) => `${ended.stdout}${ended.stderr}`;
  const check = '**Check:** sh "$(git rev-parse --git-path hooks/pre-commit)"';
  const init = await stator(['init', '--yes']);
  expect(outputOf(init)).toContain('commits of plans run no hooks, so not .git/hooks/pre-commit either');
  expect(outputOf(init)).toContain(check);
  write('p.md', planOf(['true']));
  expect(outputOf(await stator(['run', 'p.md', '--trust']))).toContain(check);
  expect(outputOf(await stator(['run', 'p.md']))).not.toContain('run no hooks');
  write('q.md', planOf(['true']).replace('piece 1.1\n', `piece 1.1\n\n${check}\n`));
  const checked = await stator(['run', 'q.md', '--trust']);
  expect(outputOf(checked)).not.toContain('run no hooks');
  expect([checked.code, outputOf(checked)]).toEqual([0, expect.stringContaining('q is done')]);
});
