/** Reads all refs of a repository from its files: a git process would open an object for each. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ownGit } from './git.ts';
import { isPlainFolder, textOf } from './git-folder.ts';

interface Place {
  readonly path: string;
  readonly commonDir: string;
}

export interface Ref {
  readonly name: string;
  /** An object's id, or the target of a symbolic ref. */
  readonly target: string;
}

/** Refs of the user's checkout alone: agents must not use its stash. */
const checkoutsOwn = /^refs\/(?:stash$|bisect\/|worktree\/|rewritten\/)/;
/** The number of files that are read before other work gets a turn. */
const readsAtOnce = 256;
/** Enough for millions of refs. */
const packedLimitBytes = 512 * 1024 * 1024;

/** All refs, sorted by their names' bytes, as in packed-refs. If the repository stores them in tables, git lists them. */
export async function allRefs(repo: Place, { isReftable }: { isReftable: boolean }): Promise<Ref[]> {
  const found = isReftable ? await refsByGit(repo) : await refsOfFiles(repo.commonDir);
  const refs = [...found].filter(([name]) => !checkoutsOwn.test(name)).map(([name, target]) => ({ name, target }));
  return refs.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

/** The refs below these folders, such as `refs/heads`, by their names; no other loose ref is read. */
export async function refsBelow(repo: Place, folders: readonly string[]): Promise<Map<string, string>> {
  const isReftable = isPlainFolder(join(repo.commonDir, 'reftable'));
  const found = isReftable ? await refsByGit(repo) : await refsOfFiles(repo.commonDir, folders);
  const isBelow = (name: string) => folders.some((folder) => name === folder || name.startsWith(`${folder}/`));
  return new Map([...found].filter(([name]) => isBelow(name)));
}

async function refsByGit({ path }: Pick<Place, 'path'>): Promise<Map<string, string>> {
  const listing = await ownGit(path, ['for-each-ref', '--format=%(objectname) %(refname) %(symref)']);
  return new Map(
    listing.split('\n').flatMap((line) => {
      const [id = '', name = '', symbolic = ''] = line.split(' ');
      return name === '' ? [] : [[name, symbolic === '' ? id : symbolic] as const];
    }),
  );
}

/** Loose refs are read first: a ref that is packed meanwhile is then found in packed-refs. */
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
  // A link to a folder is not followed.
  const files = isPlainFolder(join(commonDir, way))
    ? await readdir(join(commonDir, way), { recursive: true, withFileTypes: true })
    : [];
  for (const [index, file] of files.entries()) {
    if (index % readsAtOnce === 0) await nextTurn();
    if (!file.isFile() || file.name.endsWith('.lock')) continue;
    const place = join(file.parentPath, file.name);
    const text = textOf(place) ?? ''; // deleted or packed meanwhile
    const [, symbolic, id] = /^(?:ref: (refs\/\S+)|([0-9a-f]{40}|[0-9a-f]{64}))\n?$/.exec(text) ?? [];
    const target = symbolic ?? id;
    if (target !== undefined) refs.set(place.slice(commonDir.length + 1), target);
  }
  return refs;
}
