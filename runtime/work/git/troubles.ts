/** What killed gits left in a repository that stands in the way of later ones, read from files alone: git itself may be unable to say it. */
import { gitFolderAt } from './git-folder.ts';
import { leftOverLocks } from './lock-file.ts';
import { brokenEntryWords } from './worktree-entry.ts';

/** One sentence each, with what to do; none where all is well. `path` is the main working tree. */
export function gitFaults(path: string): string[] {
  const commonDir = gitFolderAt(path);
  return [...brokenEntryWords(commonDir), ...leftOverLocks(commonDir)];
}
