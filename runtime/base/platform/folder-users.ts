/** The users of a folder: processes that have it, or a folder below it, as their working directory. */
import { readFileSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import pMap from 'p-map';
import { hasProc } from './process-table.ts';

export interface FolderUser {
  readonly pid: number;
  readonly name: string;
}

/** The number of processes that are read at once, in other threads: this one has signals to handle meanwhile. */
const lookWidth = 4;

/**
 * Reads all processes once. The result names the process that was in a folder, by the folder's real path. null: none, none that this user may look at, or a
 * system that does not report it.
 */
export async function readFolderUsers(): Promise<(folder: string) => FolderUser | null> {
  if (!hasProc) return () => null;
  const pids = (await readdir('/proc'))
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number);
  const all = await pMap(pids, async (pid) => ({ pid, folder: await currentFolder(pid) }), { concurrency: lookWidth });
  return (folder) => {
    const user = all.find((each) => each.folder === folder || each.folder?.startsWith(`${folder}/`));
    return user === undefined ? null : { pid: user.pid, name: nameOf(user.pid) };
  };
}

/** A process may end, or belong to another user, between two looks; one that has ended is nowhere. */
async function currentFolder(pid: number): Promise<string | null> {
  try {
    return await readlink(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'gone by now';
  }
}
