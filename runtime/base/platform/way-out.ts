/** A plan's file that a repository holds lies in that repository: its text is read into prompts, and written back, and an outsider may have made the link. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';

/**
 * Throws `bad_file` where the absolute `path` begins in a working tree and its links lead out of that. `file`: as a person named it. What lies in no working
 * tree is a person's own.
 */
export function refuseWayOut(path: string, file: string): void {
  const root = workingTreeOf(dirname(path));
  if (root === null) return;
  const real = realOf(path);
  const way = relative(realpathSync(root), real);
  if (way !== '..' && !way.startsWith('../')) return;
  throw new EngineError(
    'bad_file',
    `${file} leads out of the repository, to ${real}: agents would get the text of that file`,
    `see the link: ls -ld ${shellWord(path)} ${shellWord(dirname(path))}; put the document itself there`,
  );
}

/** The nearest folder above, by the given path, that holds a `.git`. */
function workingTreeOf(folder: string): string | null {
  if (existsSync(join(folder, '.git'))) return folder;
  return dirname(folder) === folder ? null : workingTreeOf(dirname(folder));
}

/** Where the path leads, or would lead if it existed. */
function realOf(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(realOf(parent), path.slice(parent.length));
}
