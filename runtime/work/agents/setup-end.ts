/** Where in the log of a run its agent's own output begins, if a command set the worktree up before it. */
import { join } from 'node:path';
import type { RunFolder } from './run-folder.ts';

export const setupEndLine = '--- stator: the worktree is set up, the agent starts ---';

/** There as soon as the command has ended. */
export function setupDoneFile({ path }: Pick<RunFolder, 'path'>): string {
  return join(path, 'setup-done');
}
