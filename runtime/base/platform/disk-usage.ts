/** The size of a folder on the disk. */
import { walkTree } from './walk-tree.ts';

export const blockBytes = 512;
/** An empty file takes no block, but its name and its inode take room. */
const leastFileBytes = 4_096;

/** Bytes of a file, or of a folder with all that is in it, links not followed; 0 if it does not exist or cannot be read. */
export async function diskUsage(path: string): Promise<number> {
  let bytes = 0;
  for await (const { found } of walkTree(path)) bytes += found.blocks * blockBytes;
  return bytes;
}

export interface DiskUse {
  readonly bytes: number;
  /** Files and folders. */
  readonly files: number;
  /** Whether all of it could be looked at. */
  readonly isWhole: boolean;
}

/**
 * What folders and files of an agent take, whatever it did to hide it: a closed folder is opened, an empty file counts as 4 KiB, and a file with several names counts
 * once. Links are not followed.
 */
export async function strictDiskUse(paths: readonly string[]): Promise<DiskUse> {
  const seen = new Set<string>();
  let isWhole = true;
  let bytes = 0;
  let files = 0;
  const onUnseen = () => {
    isWhole = false;
  };
  for (const path of paths)
    for await (const { found } of walkTree(path, { opens: true, onUnseen })) {
      const { dev, ino, nlink } = found;
      const id = `${dev}:${ino}`;
      if (!found.isDirectory() && nlink > 1) {
        if (seen.has(id)) continue;
        seen.add(id);
      }
      bytes += Math.max(found.blocks * blockBytes, leastFileBytes);
      files += 1;
    }
  return { bytes, files, isWhole };
}
