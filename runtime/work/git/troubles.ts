/** Leftovers of killed gits that block later ones, read from files alone: git itself may be unable to report them. */
import { gitFolderAt } from './git-folder.ts';
import { leftOverLocks } from './lock-file.ts';
import { brokenEntryWords } from './worktree-entry.ts';

/** One sentence for each leftover, with the remedy; none if all is well. `path` is the main working tree. */
export function gitFaults(path: string): string[] {
  const commonDir = gitFolderAt(path);
  return [...brokenEntryWords(commonDir), ...leftOverLocks(commonDir)];
}
