/** How much of the disk a folder takes. */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

const blockBytes = 512;

/** Bytes of a file, or of a folder with all that is in it, links not followed; 0 for what is not there or cannot be read. */
export async function diskUsage(path: string): Promise<number> {
  let bytes = 0;
  const waiting = [path];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const found = await lstat(next).catch(() => null);
    if (found === null) continue;
    bytes += found.blocks * blockBytes;
    if (!found.isDirectory()) continue;
    const folder = await opendir(next).catch(() => null);
    if (folder !== null) for await (const { name } of folder) waiting.push(join(next, name));
  }
  return bytes;
}
