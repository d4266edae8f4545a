/**
 * Finds pipes in the place of files that git reads. Git opens such a file and waits for ever for a writer. So when a git takes too long, this looks for a
 * named pipe among git's own files, and in the working tree under the names that git reads there.
 */
import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { inBytes, inside, nameInBytes } from '../../base/platform/entry-names.ts';

/** Files that git and Git LFS read anywhere in a working tree. */
const readNames: ReadonlySet<string> = new Set([
  '.gitattributes',
  '.gitignore',
  '.gitmodules',
  '.mailmap',
  '.lfsconfig',
]);
/** The most entries of a working tree that are searched; in a larger one people must search. */
const maxEntries = 2_000_000;

export interface PipePlaces {
  /** git's own folders, in which there should be no pipe. */
  readonly gitDirs: readonly string[];
  readonly tree: string;
}

/** The first pipe that git would wait for; null: there is none, or `abort` fired. */
export async function pipeInTheWay({ gitDirs, tree }: PipePlaces, abort: AbortSignal): Promise<string | null> {
  for (const gitDir of gitDirs) {
    const found = await findPipe(gitDir, { isRead: () => true, abort });
    if (found !== null) return found;
  }
  return findPipe(tree, { isRead: (name) => readNames.has(name), abort });
}

async function findPipe(
  root: string,
  { isRead, abort }: { readonly isRead: (name: string) => boolean; readonly abort: AbortSignal },
): Promise<string | null> {
  const folders: Buffer[] = [Buffer.from(root)];
  for (let count = 0; count < maxEntries && !abort.aborted; ) {
    const folder = folders.pop();
    if (folder === undefined) return null;
    for await (const entry of entriesOf(folder)) {
      count += 1;
      if (abort.aborted) return null;
      const path = inside(folder, nameInBytes(entry));
      const name = nameInBytes(entry).toString();
      if (entry.isFIFO() && isRead(name)) return path.toString();
      // Links are not followed, and a git folder in a working tree is searched as a git folder.
      if (entry.isDirectory() && name !== '.git') folders.push(path);
    }
  }
  return null;
}

/** A missing or forbidden folder has no entries: git itself reports it. */
async function* entriesOf(folder: Buffer): AsyncGenerator<Dirent> {
  const open = await opendir(folder, inBytes).catch(() => null);
  if (open !== null) yield* open;
}
