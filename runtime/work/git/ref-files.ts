/** All refs of a repository, read from its files: a process of git would open an object for each. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ownGit } from './git.ts';
import { isPlainFolder, textOf } from './git-folder.ts';
import type { Repository } from './repository.ts';

export interface Ref {
  readonly name: string;
  /** The id of an object, or the name of the ref that it stands for. */
  readonly target: string;
}

/** Of the user's checkout alone: its stash is no agent's to take from. */
const checkoutsOwn = /^refs\/(?:stash$|bisect\/|worktree\/|rewritten\/)/;
/** Files read before others have their turn. */
const readsAtOnce = 256;
/** Enough for millions of refs. */
const packedLimitBytes = 512 * 1024 * 1024;

/** Sorted by their names' bytes, as packed-refs has them. Where the repository keeps them in tables, git is asked. */
export async function allRefs(
  repo: Pick<Repository, 'path' | 'commonDir'>,
  { isReftable }: { isReftable: boolean },
): Promise<Ref[]> {
  const found = isReftable ? await refsByGit(repo) : await refsOfFiles(repo.commonDir);
  const refs = [...found].filter(([name]) => !checkoutsOwn.test(name)).map(([name, target]) => ({ name, target }));
  return refs.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

/** The refs below these folders, such as `refs/heads`, by their names: all of them, and no look at any other that lies in a file of its own. */
export async function refsBelow(
  repo: Pick<Repository, 'path' | 'commonDir'>,
  folders: readonly string[],
): Promise<Map<string, string>> {
  const isReftable = isPlainFolder(join(repo.commonDir, 'reftable'));
  const found = isReftable ? await refsByGit(repo) : await refsOfFiles(repo.commonDir, folders);
  const isBelow = (name: string) => folders.some((folder) => name === folder || name.startsWith(`${folder}/`));
  return new Map([...found].filter(([name]) => isBelow(name)));
}

async function refsByGit({ path }: Pick<Repository, 'path'>): Promise<Map<string, string>> {
  const listing = await ownGit(path, ['for-each-ref', '--format=%(objectname) %(refname) %(symref)']);
  return new Map(
    listing.split('\n').flatMap((line) => {
      const [id = '', name = '', symbolic = ''] = line.split(' ');
      return name === '' ? [] : [[name, symbolic === '' ? id : symbolic] as const];
    }),
  );
}

/** The loose ones first: one that is packed in between is then found in the file. */
async function refsOfFiles(commonDir: string, folders: readonly string[] = ['refs']): Promise<Map<string, string>> {
  const loose = new Map<string, string>();
  for (const folder of folders)
    for (const [name, target] of await looseRefs(commonDir, folder)) loose.set(name, target);
  const refs = new Map<string, string>();
  const packed = textOf(join(commonDir, 'packed-refs'), packedLimitBytes) ?? '';
  for (const line of packed.split('\n')) {
    const [, id, name] = /^([0-9a-f]{40}|[0-9a-f]{64}) (refs\/\S+)$/.exec(line) ?? [];
    if (id !== undefined && name !== undefined) refs.set(name, id);
  }
  for (const [name, target] of loose) refs.set(name, target);
  return refs;
}

async function looseRefs(commonDir: string, way: string): Promise<Map<string, string>> {
  const refs = new Map<string, string>();
  // A folder that is a link is listed as one, and not entered.
  const files = isPlainFolder(join(commonDir, way))
    ? await readdir(join(commonDir, way), { recursive: true, withFileTypes: true })
    : [];
  for (const [index, file] of files.entries()) {
    if (index % readsAtOnce === 0) await nextTurn();
    if (!file.isFile() || file.name.endsWith('.lock')) continue;
    const place = join(file.parentPath, file.name);
    const text = textOf(place) ?? ''; // gone meanwhile, or packed
    const [, symbolic, id] = /^(?:ref: (refs\/\S+)|([0-9a-f]{40}|[0-9a-f]{64}))\n?$/.exec(text) ?? [];
    const target = symbolic ?? id;
    if (target !== undefined) refs.set(place.slice(commonDir.length + 1), target);
  }
  return refs;
}
