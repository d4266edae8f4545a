/** How much of the disk a folder takes. */
import { walkTree } from './walk-tree.ts';

const blockBytes = 512;

/** Bytes of a file, or of a folder with all that is in it, links not followed; 0 for what is not there or cannot be read. */
export async function diskUsage(path: string): Promise<number> {
  let bytes = 0;
  for await (const { found } of walkTree(path)) bytes += found.blocks * blockBytes;
  return bytes;
}
