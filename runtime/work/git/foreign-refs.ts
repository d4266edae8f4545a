/** Where HEAD and a branch stand in a git folder that a program of others has written: read from its files, bounded, through no link. Git is not run there. */
import { basename, dirname } from 'node:path';
import { inFolder } from '../../base/platform/safe-path.ts';

const refBytes = 4_096;
const packedBytes = 64 * 1024 * 1024;
/** As deep as git itself follows one ref to another. */
const maxDepth = 5;

export interface ForeignHead {
  /** The ref that it stands for; null: it is detached, or nothing that can be read. */
  readonly ref: string | null;
  /** null: there is no commit yet, or nothing that can be read. */
  readonly commit: string | null;
}

/** Both by what is written there: whether there is such a commit is for the objects to say. */
export function foreignHead(gitDir: string): ForeignHead {
  const { ref, commit } = parsed(read(gitDir, 'HEAD', refBytes));
  return ref === null ? { ref, commit } : { ref, commit: foreignRef(gitDir, ref) };
}

/** The commit of a ref by its full name; null: there is none, or nothing that can be read. */
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

/** The commit in a file beside HEAD, such as MERGE_HEAD, the first of several; null: there is none, or nothing that can be read. */
export function foreignFile(gitDir: string, name: string): string | null {
  const [first = null] = read(gitDir, name, refBytes)?.split('\n') ?? [];
  return parsed(first).commit;
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

/** A link, a pipe, or a file that is too long counts as none. */
function read(gitDir: string, file: string, maxBytes: number): string | null {
  try {
    const bytes = inFolder({ root: gitDir, way: dirname(file) }, (folder) => folder.read(basename(file), { maxBytes }));
    return bytes?.toString('utf8') ?? null;
  } catch {
    return null; // what cannot be read says nothing
  }
}
