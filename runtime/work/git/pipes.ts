/**
 * Pipes in the place of files that git reads. Git opens such a file and waits for a writer who never comes, so a git that takes longer than it should is
 * looked at: a named pipe among its own files, or in a working tree under a name that git reads there, is what it waits for.
 */
import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { inBytes, inside, nameInBytes } from '../../base/platform/entry-names.ts';

/** Read by git, and by Git LFS, wherever they lie in a working tree. */
const readNames: ReadonlySet<string> = new Set([
  '.gitattributes',
  '.gitignore',
  '.gitmodules',
  '.mailmap',
  '.lfsconfig',
]);
/** A look at a working tree with more than this goes no further: it is for people to look there. */
const maxEntries = 2_000_000;

export interface PipePlaces {
  /** Folders of git's own, in which no pipe has any business. */
  readonly gitDirs: readonly string[];
  readonly tree: string;
}

/** The first pipe that git would wait for; null: there is none, or `abort` has come. */
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
      // Links are not followed, and git's own files in a working tree are looked at as such.
      if (entry.isDirectory() && name !== '.git') folders.push(path);
    }
  }
  return null;
}

/** None of a folder that is gone, or closed to us: git says so itself. */
async function* entriesOf(folder: Buffer): AsyncGenerator<Dirent> {
  const open = await opendir(folder, inBytes).catch(() => null);
  if (open !== null) yield* open;
}
