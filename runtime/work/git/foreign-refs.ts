/** Reads HEAD and refs of a git folder that a foreign program wrote: from its files, with limits, and through no link. Git does not run there. */
import { basename, dirname } from 'node:path';
import { throwIfHidden } from '../../base/platform/environment-fault.ts';
import { inFolder, type SafeFolder } from '../../base/platform/safe-path.ts';

const refBytes = 4_096;
const packedBytes = 64 * 1024 * 1024;
/** As deep as git itself follows one ref to another. */
const maxDepth = 5;

export interface ForeignHead {
  /** The ref that HEAD names; null: it is detached or unreadable. */
  readonly ref: string | null;
  /** null: there is no commit yet, or it is unreadable. */
  readonly commit: string | null;
}

/** HEAD's ref and commit as they are written there; the commit may be missing among the objects. */
export function foreignHead(gitDir: string): ForeignHead {
  const { ref, commit } = parsed(read(gitDir, 'HEAD', refBytes));
  return ref === null ? { ref, commit } : { ref, commit: foreignRef(gitDir, ref) };
}

/** The commit of a ref by its full name; null: there is none, or it is unreadable. */
export function foreignRef(gitDir: string, name: string): string | null {
  let ref = name;
  for (let depth = 0; depth < maxDepth; depth++) {
    if (!isRefName(ref)) return null;
    const found = parsed(read(gitDir, ref, refBytes));
    if (found.commit !== null) return found.commit;
    if (found.ref === null) return packedRef(gitDir, ref);
    ref = found.ref;
  }
  return null;
}

/** The commit in a file beside HEAD, such as MERGE_HEAD, the first of several; null: there is none, or it is unreadable. */
export function foreignFile(gitDir: string, name: string): string | null {
  const [first = null] = read(gitDir, name, refBytes)?.split('\n') ?? [];
  return parsed(first).commit;
}

/** The commits that refs of a git folder point to, each once. */
export interface ForeignHeads {
  /** The commits of its branches and its stash. */
  readonly own: readonly string[];
  /** The last fetched commits of its remotes. */
  readonly remote: ReadonlySet<string>;
}

/** The commits as they are written there. A symbolic ref counts as its target. Throws beyond `limit` branches. */
export function foreignHeads(gitDir: string, limit: number): ForeignHeads {
  const names = new Map<string, string>();
  for (const line of (read(gitDir, 'packed-refs', packedBytes) ?? '').split('\n')) {
    const [, commit = '', name = ''] =
      /^([0-9a-f]{40}|[0-9a-f]{64}) (refs\/(?:heads\/|remotes\/|stash$)\S*)$/.exec(line) ?? [];
    if (name !== '') names.set(name, commit);
  }
  for (const name of [...looseNames(gitDir, 'refs/heads'), ...looseNames(gitDir, 'refs/remotes'), 'refs/stash']) {
    const commit = foreignRef(gitDir, name);
    if (commit !== null) names.set(name, commit);
  }
  const remote = new Set([...names].flatMap(([name, commit]) => (name.startsWith('refs/remotes/') ? [commit] : [])));
  const own = new Set([...names].flatMap(([name, commit]) => (name.startsWith('refs/remotes/') ? [] : [commit])));
  const left = [...own].filter((commit) => !remote.has(commit));
  if (left.length > limit) throw new Error(`it has more than ${limit} branches of its own`);
  return { own: left, remote };
}

/** The most entries in ref folders; an agent's own repository has fewer loose refs. */
const looseLimit = 10_000;

function looseNames(gitDir: string, way: string): string[] {
  const found: string[] = [];
  let count = 0;
  const look = (folder: SafeFolder, at: string, depth: number): void => {
    for (const entry of folder.list({ most: looseLimit + 1 })) {
      const name = entry.toString('utf8');
      count += 1;
      if (count > looseLimit) return;
      if (folder.stat(entry)?.isDirectory() !== true) found.push(`${at}/${name}`);
      else if (depth < maxDepth) lookInto(folder, name, `${at}/${name}`, depth + 1);
    }
  };
  const lookInto = (folder: SafeFolder, name: string, at: string, depth: number): void => {
    const below = folder.folder(name);
    if (below === null) return;
    try {
      look(below, at, depth);
    } finally {
      below.close();
    }
  };
  try {
    inFolder({ root: gitDir, way }, (folder) => look(folder, way, 0));
  } catch (thrown) {
    throwIfHidden(thrown);
    return found; // an unreadable file counts as missing
  }
  return found;
}

function parsed(text: string | null): ForeignHead {
  const [, ref = null, commit = null] =
    /^(?:ref:[ \t]*(refs\/\S+)|([0-9a-f]{40}|[0-9a-f]{64}))\s*$/.exec(text ?? '') ?? [];
  return { ref, commit };
}

function packedRef(gitDir: string, ref: string): string | null {
  const text = read(gitDir, 'packed-refs', packedBytes) ?? '';
  const at = text.indexOf(` ${ref}\n`);
  const [id] = /(?:[0-9a-f]{64}|[0-9a-f]{40})$/.exec(text.slice(Math.max(0, at - 64), Math.max(0, at))) ?? [];
  return id ?? null;
}

function isRefName(ref: string): boolean {
  return (
    /^refs(?:\/(?!\.)[^\s/~^:?*[\\\0]+)+$/.test(ref) && ref.split('/').every((part) => !/\.\.|\.lock$|\.$/.test(part))
  );
}

/** A link, a pipe, or a file that is too long counts as missing. */
function read(gitDir: string, file: string, maxBytes: number): string | null {
  try {
    const bytes = inFolder({ root: gitDir, way: dirname(file) }, (folder) => folder.read(basename(file), { maxBytes }));
    return bytes?.toString('utf8') ?? null;
  } catch (thrown) {
    throwIfHidden(thrown);
    return null; // an unreadable file counts as missing
  }
}
