/** The position in a run's log at which the agent's own output begins, if a setup command ran before it. */
import { join } from 'node:path';
import type { RunFolder } from './run-folder.ts';

export const setupEndLine = '--- stator: the worktree is set up, the agent starts ---';

/** Exists as soon as the command has ended. */
export function setupDoneFile({ path }: Pick<RunFolder, 'path'>): string {
  return join(path, 'setup-done');
}
