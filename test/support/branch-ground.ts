/** A repository with an empty folder of worktrees, and the request for its task's worktree. */
import { join } from 'node:path';
import type { Repository } from '../../runtime/work/git/repository.ts';
import type { prepareWorktree } from '../../runtime/work/git/worktree.ts';
import { openRepository, temporaryHome, write } from './git.ts';

export function branchGround() {
  const home = temporaryHome();
  const branch = 'plan/demo-w1-t1';
  const place = (repo: Repository, name = 'demo-w1-t1') => join(repo.path, '.worktrees', name);
  return {
    home,
    branch,
    place,
    async demo(): Promise<Repository> {
      const repo = await openRepository(join(home.path, 'demo'));
      write(repo.path, '.git/info/exclude', '/.worktrees/\n');
      return repo;
    },
    wanted: (repo: Repository, more: Partial<Parameters<typeof prepareWorktree>[1]> = {}) => ({
      ...{ path: place(repo), branch, start: 'main', run: 'run-1', previousRun: null, reset: true, ...more },
    }),
  };
}
