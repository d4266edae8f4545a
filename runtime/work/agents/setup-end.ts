/**
 * The position in a run's log at which the agent's own output begins, if a setup command ran before it. The command runs files of the branch, which could
 * print such a line themselves. So the line has a mark that nothing inside walls can know, and the run's folder has the same mark.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunFolder } from './run-folder.ts';

export function setupEndLine(mark: string): string {
  return `--- stator: the worktree is set up, the agent starts (${mark}) ---`;
}

/** Exists as soon as the command has ended, and holds the mark. */
export function setupDoneFile({ path }: Pick<RunFolder, 'path'>): string {
  return join(path, 'setup-done');
}

/** The line after which the agent's output begins; null: no setup command has ended. */
export function setupEndIn(folder: Pick<RunFolder, 'path'>): string | null {
  const file = setupDoneFile(folder);
  return existsSync(file) ? setupEndLine(readFileSync(file, 'utf8').trim()) : null;
}
