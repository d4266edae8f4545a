/** All that lies in a folder which somebody else's program has written: however deep, and whatever happens to it meanwhile. */
import { closeSync, constants, openSync, type Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { hasProc } from './process-table.ts';

/** No system takes a path of more than 4,096 bytes, and folders may be made far below that, from folder to folder. */
const longPathBytes = 3_000;
/** Descriptors that one walk may hold: deeper than 190,000 bytes of path nobody builds, and the engine needs others. */
const depthLimit = 64;

interface Entry {
  readonly path: string;
  readonly found: Stats;
}

/**
 * The folder itself, then each file and folder in it, links not followed. A path is good for a system call until the next one is asked for; on Linux that of what is
 * very deep begins at a descriptor. What cannot be read, what goes meanwhile, and what is deeper than 64 such descriptors is left out.
 */
export async function* walkTree(root: string, depth = 0): AsyncGenerator<Entry> {
  const waiting = [root];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const found = await lstat(path).catch(() => null);
    if (found === null) continue;
    yield { path, found };
    if (!found.isDirectory()) continue;
    if (hasProc && path.length > longPathBytes) {
      if (depth < depthLimit) yield* walkFrom(path, depth + 1);
    } else for (const name of await namesIn(path)) waiting.push(`${path}/${name}`);
  }
}

/** Walks by a descriptor of the folder, which is closed at the end. */
async function* walkFrom(folder: string, depth: number): AsyncGenerator<Entry> {
  const descriptor = openQuietly(folder);
  if (descriptor === null) return;
  try {
    const path = `/proc/self/fd/${descriptor}`;
    for (const name of await namesIn(`${path}/.`)) yield* walkTree(`${path}/${name}`, depth);
  } finally {
    closeSync(descriptor);
  }
}

/** null: it went, or is closed to us. */
function openQuietly(folder: string): number | null {
  try {
    return openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch {
    return null;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  const opened = await opendir(folder).catch(() => null);
  if (opened !== null) for await (const { name } of opened) names.push(name);
  return names;
}
