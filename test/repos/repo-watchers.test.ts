/** What is watched in a repository: its signals always; its branches if they are few enough to be read at each change. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createLog } from '../../runtime/base/platform/log.ts';
import { createRepoWatchers, type RepoChange, type RepoWatcher } from '../../runtime/work/repos/repo-watchers.ts';
import { until } from '../support/run.ts';

/** A watched folder that looks like a repository, with that many loose branches. */
function watchRepo(branches: number): { main: string; watcher: RepoWatcher; changes: RepoChange[] } {
  const main = realpathSync(mkdtempSync(join(tmpdir(), 'stator-watched-')));
  onTestFinished(() => rmSync(main, { recursive: true, force: true }));
  const plans = join(main, '.git', 'refs', 'heads', 'plan');
  mkdirSync(plans, { recursive: true });
  mkdirSync(join(main, '.stator', 'signals'), { recursive: true });
  for (let index = 0; index < branches; index += 1) writeFileSync(join(plans, `a-plan-of-some-name-${index}`), '');
  const watchers = createRepoWatchers({ log: createLog(() => {}, 'error'), trustedFiles: () => [] });
  const changes: RepoChange[] = [];
  watchers.subscribe((change) => void changes.push(change));
  const watcher = watchers.create('demo');
  onTestFinished(() => watcher.close());
  watcher.keep({ main, worktrees: null });
  return { main, watcher, changes };
}

it('tells of signals and branches', async () => {
  const { main, watcher, changes } = watchRepo(3);
  await until(() => watcher.isLive());
  expect(watcher.watchesRefs()).toBe(true);
  writeFileSync(join(main, '.git', 'refs', 'heads', 'plan', 'other'), '');
  await until(() => changes.some(({ topic }) => topic === 'refs'));
});

it('tells of signals beside a thousand branches, and says that it does not tell of those', async () => {
  const { main, watcher, changes } = watchRepo(1_000);
  await until(() => watcher.isLive());
  expect(watcher.watchesRefs()).toBe(false);
  writeFileSync(join(main, '.git', 'refs', 'heads', 'plan', 'other'), '');
  mkdirSync(join(main, '.kasmos'));
  await until(() => changes.some(({ topic }) => topic === 'signals'));
  expect(changes.filter(({ topic }) => topic === 'refs')).toEqual([]);
});
