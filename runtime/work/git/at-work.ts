/**
 * Whether a git is at work that may have made a file: only where none is can the file be what a killed one left. A git that survives the engine
 * which started it counts, and so does the user's own.
 */
import { readlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { hasProc, type ProcessRow, type ProcessTable, readProcessTable } from '../../base/platform/process-table.ts';
import { entriesIn, textOf } from './git-folder.ts';
import { openMark } from './open-git.ts';
import { isWithin } from './worktree-folder.ts';

/** The time of a file and the start of a process come from two clocks of the kernel, each of its own grain. */
const slackMs = 1_000;

/** A git in this repository that began before the file was written; null: there is none. Where nobody can tell in which folder it works, every git counts. */
export function gitAtWork(commonDir: string, writtenAtMs: number): ProcessRow | null {
  return gitIn(() => foldersOf(commonDir), writtenAtMs);
}

/** A git that works in that folder, whenever it began; null: there is none. */
export function gitWorkingIn(folder: string): ProcessRow | null {
  return gitIn(() => [folder], Number.POSITIVE_INFINITY);
}

/** `foldersIn` answers null where nobody can tell the folders. */
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

/** What an engine keeps open (open-git.ts) has a file of its own for the time of an answer only. */
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

/** The checkout with what git keeps in it, and the folders of all linked worktrees; null where the checkout is somewhere else. */
function foldersOf(commonDir: string): string[] | null {
  if (basename(commonDir) !== '.git') return null;
  const entries = join(commonDir, 'worktrees');
  const linked = entriesIn(entries).flatMap((name) => {
    const place = textOf(join(entries, name, 'gitdir'))?.trim() ?? '';
    return place === '' ? [] : [dirname(resolve(join(entries, name), place))];
  });
  return [dirname(commonDir), ...linked];
}
