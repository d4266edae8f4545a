/**
 * Finds a running git that may have made a file. Only if there is none can the file be left over from a killed git. A git that outlives its engine counts,
 * and so does the user's own.
 */
import { readlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { hasProc, type ProcessRow, type ProcessTable, readProcessTable } from '../../base/platform/process-table.ts';
import { entriesIn, textOf } from './git-folder.ts';
import { openMark } from './open-git.ts';
import { isWithin } from './worktree-folder.ts';

/** A file's time and a process's start come from two kernel clocks with different resolution. */
const slackMs = 1_000;

/** A git in this repository that began before the file was written; null: there is none. If the working folders cannot be read, every git counts. */
export function gitAtWork(commonDir: string, writtenAtMs: number): ProcessRow | null {
  return gitIn(() => foldersOf(commonDir), writtenAtMs);
}

/** A git that works in that folder, whenever it began; null: there is none. */
export function gitWorkingIn(folder: string): ProcessRow | null {
  return gitIn(() => [folder], Number.POSITIVE_INFINITY);
}

/** `foldersIn`: null if the folders cannot be read. */
function gitIn(foldersIn: () => string[] | null, writtenAtMs: number): ProcessRow | null {
  const table = readProcessTable();
  const gits = table.rows.filter(({ name, hasEnded }) => !hasEnded && (name === 'git' || name.startsWith('git-')));
  const older = gits.filter(
    ({ identity }) => table.startedAtMs(identity.start) <= writtenAtMs + slackMs && !staysOpen(table, identity.pid),
  );
  if (older.length === 0) return null;
  const folders = foldersIn();
  return older.find(({ identity }) => folders === null || mayWorkIn(folders, identity.pid)) ?? null;
}

/** An open git of an engine (open-git.ts) makes files only while it answers. */
function staysOpen({ argumentsOf }: ProcessTable, pid: number): boolean {
  return argumentsOf(pid)[2] === openMark;
}

function mayWorkIn(folders: readonly string[], pid: number): boolean {
  if (!hasProc) return true;
  try {
    const cwd = readlinkSync(`/proc/${pid}/cwd`);
    return folders.some((folder) => isWithin(folder, cwd));
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException; // readlink throws system errors only
    return code !== 'ENOENT' && code !== 'ESRCH';
  }
}

/** The checkout with its git folder, and the folders of all linked worktrees; null if the checkout is elsewhere. */
function foldersOf(commonDir: string): string[] | null {
  if (basename(commonDir) !== '.git') return null;
  const entries = join(commonDir, 'worktrees');
  const linked = entriesIn(entries).flatMap((name) => {
    const place = textOf(join(entries, name, 'gitdir'))?.trim() ?? '';
    return place === '' ? [] : [dirname(resolve(join(entries, name), place))];
  });
  return [dirname(commonDir), ...linked];
}
