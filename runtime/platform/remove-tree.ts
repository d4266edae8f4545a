/** Takes folders away that a program of others has written, also those that it closed to the user whose they are. */
import { chmod, lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Removes a file or folder with all that is in it; nothing where it is missing. Only where nobody works in it any more. Throws the system's errors. */
export async function removeTree(path: string): Promise<void> {
  const remove = () => rm(path, { recursive: true, force: true });
  await remove().catch(async (thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'EACCES' && thrown.code !== 'EPERM') throw thrown;
    await openFolders(path, () => true);
    await remove();
  });
}

/** Lets the user read, write and enter a folder and those below it whose names are `wanted`. Links are not followed; what is no folder is left as it is. */
export async function openFolders(path: string, wanted: (name: string) => boolean): Promise<void> {
  const found = await lstat(path).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return null;
    throw thrown;
  });
  if (found?.isDirectory() !== true) return;
  if ((found.mode & 0o700) !== 0o700) await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory() && wanted(entry.name)) await openFolders(join(path, entry.name), wanted);
}
