/** Who stands in a folder: processes whose current folder it is, or one below it. */
import { readlinkSync } from 'node:fs';
import { hasProc, readProcessTable } from './process-table.ts';

export interface FolderUser {
  readonly pid: number;
  readonly name: string;
}

/**
 * One look at all processes; the answer says of a folder, by its real path, who stands in it now. null: nobody, or nobody that this user may look at,
 * or a system that does not tell.
 */
export function readFolderUsers(): (folder: string) => FolderUser | null {
  if (!hasProc) return () => null;
  const users = readProcessTable().rows.flatMap(({ identity: { pid }, name, hasEnded }) => {
    const folder = hasEnded || pid === process.pid ? null : currentFolder(pid);
    return folder === null ? [] : [{ pid, name, folder }];
  });
  return (folder) => {
    const user = users.find((each) => each.folder === folder || each.folder.startsWith(`${folder}/`));
    return user === undefined ? null : { pid: user.pid, name: user.name };
  };
}

/** A process may end, or belong to another user, between two looks. */
function currentFolder(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}
