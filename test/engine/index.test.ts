import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keepAttempt } from '../../runtime/work/git/attempt.ts';
import { inspectRepository } from '../../runtime/work/git/repository.ts';
import { prepareWorktree } from '../../runtime/work/git/worktree.ts';
import { ground } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

const secondOf = (file: string): number => Math.floor(statSync(file).mtimeMs / 1000);

describe('an agent that is quick', () => {
  it('loses no work that it wrote in the second of its checkout, at the size that the file had', async () => {
    const { repo } = ground();
    // A quick agent's change has the same time as the checkout; here the times are set, so the change must not be seen by ctime.
    git(repo, 'config', 'core.trustctime', 'false');
    const wanted = {
      path: join(repo, '.worktrees', 'quick'),
      branch: 'plan/quick',
      start: 'main',
      run: 'quick-1',
      previousRun: null,
    };
    const repository = await inspectRepository(repo);
    const { path, base } = await prepareWorktree(repository, { ...wanted, reset: true });
    const file = join(path, 'README.md');
    const index = git(path, 'rev-parse', '--path-format=absolute', '--git-path', 'index');
    // The index is as old as the file in it, to the second.
    await until(() => {
      utimesSync(file, new Date(), new Date());
      git(path, 'update-index', '--really-refresh');
      return secondOf(file) === secondOf(index);
    });
    const second = secondOf(index);
    writeFileSync(file, 'HELLO\n');
    utimesSync(file, second, second);
    await until(() => Math.floor(Date.now() / 1000) > second);
    const kept = await keepAttempt(repository, { path, branch: 'plan/quick', run: 'quick-1', base, message: 'quick' });
    expect(kept).toMatchObject({ changed: true, files: ['README.md'] });
  });
});
