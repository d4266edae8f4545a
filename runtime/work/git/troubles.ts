/** What killed gits left in a repository that stands in the way of later ones, read from files alone: git itself may be unable to say it. */
import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { textOf } from './git-folder.ts';
import { leftOverLocks } from './lock-file.ts';
import { brokenEntryWords } from './worktree-entry.ts';

/** One sentence each, with what to do; none where all is well. `path` is the main working tree. */
export function gitFaults(path: string): string[] {
  const dotGit = resolve(path, '.git');
  const [, elsewhere] = /^gitdir: (.+)\n?$/.exec(textOf(dotGit) ?? '') ?? [];
  const named = elsewhere === undefined ? dotGit : resolve(path, elsewhere);
  const commonDir = existsSync(named) ? realpathSync(named) : named;
  return [...brokenEntryWords(commonDir), ...leftOverLocks(commonDir)];
}
