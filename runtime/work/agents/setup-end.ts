/** Where in the log of a run its agent's own output begins, if a command set the worktree up before it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RunFolder } from './run-folder.ts';

export const setupEndLine = '--- stator: the worktree is set up, the agent starts ---';

/** There as soon as the command has ended. */
export function setupDoneFile({ path }: Pick<RunFolder, 'path'>): string {
  return join(path, 'setup-done');
}

/**
 * Tells for each line whether it is the one after which the agent's own output begins. That is the first of its kind only, and none where no command ran: what
 * writes another one cannot have what stood before it forgotten.
 */
export function createSetupEnd(folder: Pick<RunFolder, 'path'>): (line: string) => boolean {
  let isAwaited = existsSync(setupDoneFile(folder));
  return (line) => {
    const isEnd = isAwaited && line.endsWith(setupEndLine);
    if (isEnd) isAwaited = false;
    return isEnd;
  };
}
