/**
 * Repairs a checkout that was moved or renamed as a whole. A linked worktree and its entry name each other by absolute paths, so both name the old place.
 * This does the work of `git worktree repair` for the worktrees that moved along, from the entries alone: an agent may have written the files in a worktree,
 * and another repository may be at the old place by now.
 */
import { dirname, join, relative } from 'node:path';
import { inFolder } from '../../base/platform/safe-path.ts';
import { isPlainFolder } from './git-folder.ts';
import type { Repository } from './repository.ts';
import { entryFolders, wholeEntry } from './worktree-entry.ts';
import { isWithin } from './worktree-folder.ts';
import { mendLink } from './worktree-list.ts';

/** Writes the new place into the entries of worktrees that were below `from`, if their folder exists, and into their `.git`. May be repeated. */
export async function followMove(
  repo: Pick<Repository, 'path' | 'commonDir' | 'exclusively'>,
  from: string,
): Promise<void> {
  await repo.exclusively(async () => {
    for (const adminDir of entryFolders(repo.commonDir)) {
      const link = wholeEntry(adminDir)?.gitdir?.trimEnd();
      if (link === undefined) continue;
      const before = dirname(link);
      const path = isWithin(from, before) ? join(repo.path, relative(from, before)) : before;
      // Outside of these, only parts that moved along may be written.
      if (!isPlainFolder(path) || (path === before && !isWithin(repo.path, path))) continue;
      if (path !== before)
        inFolder({ root: adminDir, way: '' }, (folder) =>
          folder.write('gitdir', `${join(path, '.git')}\n`, { mode: 0o666 & ~process.umask(), isSynced: true }),
        );
      await mendLink({ path, adminDir });
    }
  });
}
