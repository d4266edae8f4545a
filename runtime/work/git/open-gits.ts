/**
 * The gits that an engine keeps open for a repository, one of each kind, so that a question is a line instead of a process: what names point to, what
 * differs between two trees, a commit to be made, refs to be moved. They read refs and objects anew for each question, are opened anew when a file has
 * changed that they read once, and hold a lock for one transaction only. What they cannot answer beyond doubt is asked of a git of its own, which says why.
 */
import { randomUUID } from 'node:crypto';
import { accessSync, constants, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gitEnvironment } from './environment.ts';
import { isObjectId } from './object-memo.ts';
import { type Answer, lines, type OpenGit, oneLine, openGit } from './open-git.ts';

/** Of `git update-ref`: its commands come from standard input, and no symbolic ref is followed. */
export const moveArgs = ['update-ref', '--no-deref', '-m', 'stator', '--stdin'] as const;

const kinds = {
  names: ['cat-file', '--batch-check'],
  differences: ['diff-tree', '--stdin', '-r', '--raw', '-z', '--no-renames', '--no-ext-diff', '--no-textconv'],
  commits: ['hash-object', '-w', '-t', 'commit', '--no-filters', '--stdin-paths'],
  refs: moveArgs,
} satisfies Record<string, readonly string[]>;

type Kind = keyof typeof kinds;

/** A file of two trees that is not the same in both, as `diff-tree --raw` tells of it: `A`, `D`, `M` or `T`. */
export interface Difference {
  readonly status: string;
  /** Of the later one. */
  readonly mode: string;
  readonly before: string;
  readonly id: string;
  readonly path: string;
}

/** Of `diff-tree -z --raw`: `:100644 000000 <id> <id> D` and the path. */
export function differencesIn(fields: readonly string[]): Difference[] {
  const found: Difference[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, mode = '', before = '', id = '', status = ''] = (fields[at] ?? '').split(' ');
    const path = fields[at + 1] ?? '';
    if (path !== '') found.push({ status: status.slice(0, 1), mode, before, id, path });
  }
  return found;
}

/** Of `cat-file --batch-check`: `<id> blob 12`, a line each. */
export function sizesIn(answer: string): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const line of answer.split('\n')) {
    const [, id, bytes] = /^([0-9a-f]{40,64}) blob (\d+)$/.exec(line) ?? [];
    if (id !== undefined) sizes.set(id, Number(bytes));
  }
  return sizes;
}

/** Those of one engine, each opened when it is first asked. undefined: it cannot be said this way, so ask git itself. */
export interface OpenGits {
  /**
   * The object that a name of the repository at `path` points to: a ref by its full name, HEAD or an id, with `^{commit}` or `^{tree}`; or an id of a tree
   * or commit that is there, with `:` and the path of a file or folder in it. null: there is none.
   */
  lookUp(path: string, name: string): Promise<string | null | undefined>;
  /** The same of several, in their order and at one question. */
  lookUpAll(path: string, names: readonly string[]): Promise<(string | null | undefined)[]>;
  /** What differs between two trees, by their ids; one that was moved is two. */
  differences(path: string, from: string, to: string): Promise<Difference[] | undefined>;
  /** The sizes in bytes of those of these ids that are blobs. */
  sizes(path: string, ids: readonly string[]): Promise<Map<string, number> | undefined>;
  /** Writes a commit, given as git keeps it; answers its id. */
  writeCommit(path: string, text: string): Promise<string | undefined>;
  /** One transaction of commands of `git update-ref --stdin`. `refused`: nothing has moved. `unknown`: it was killed in the middle. */
  moveRefs(path: string, commands: string): Promise<'moved' | 'refused' | 'unknown'>;
  /** They end when they have answered what they were asked; whoever asks later is told to ask git. May be called twice. */
  close(): void;
}

/** A repository, and who may be asked there; where there is nobody, git is. */
export interface OpenPlace {
  readonly path: string;
  readonly gits?: OpenGits;
}

export function createOpenGits(): OpenGits {
  const open = new Map<string, OpenGit>();
  let isClosed = false;

  function ask(kind: Kind, path: string, input: string, end: (text: string) => number): Promise<Answer> {
    return askIn(kind, placeAt(path), input, end);
  }

  function askIn(
    kind: Kind,
    { gitDir, signature }: GitPlace,
    input: string,
    end: (text: string) => number,
  ): Promise<Answer> {
    if (isClosed || signature === null) return Promise.resolve(null);
    return gitOf(kind, { gitDir, signature }).ask(input, end);
  }

  function gitOf(kind: Kind, { gitDir, signature }: { gitDir: string; signature: string }): OpenGit {
    const key = `${kind} ${gitDir}`;
    const known = open.get(key);
    if (known?.isOpen() === true && known.signature === signature) return known;
    known?.end();
    const opened = openGit({ args: kinds[kind], env: gitEnvironment({ GIT_DIR: gitDir }), signature }, () => {
      if (open.get(key) === opened) open.delete(key);
    });
    open.set(key, opened);
    return opened;
  }

  async function lookUpAll(path: string, names: readonly string[]): Promise<(string | null | undefined)[]> {
    const place = placeAt(path);
    const asked = names.filter((name) => pointerOf(name) !== undefined);
    if (asked.length === 0) return names.map(() => undefined);
    const answer = await askIn('names', place, asked.map((name) => `${name}\n`).join(''), lines(asked.length));
    const said = new Map(answer?.split('\n').map((line, at) => [asked[at], line]));
    return names.map((name) => {
      const line = said.get(name);
      const [, id] = /^([0-9a-f]{40,64}) (?:commit|tree|blob) \d+$/.exec(line ?? '') ?? [];
      if (id !== undefined) return id;
      const pointer = pointerOf(name);
      const isMissing = pointer !== undefined && line === `${name} missing` && isNowhere(place.gitDir, pointer);
      return isMissing && signatureOf(place.gitDir) === place.signature ? null : undefined;
    });
  }

  return {
    async lookUp(path, name) {
      return (await lookUpAll(path, [name]))[0];
    },
    lookUpAll,
    async differences(path, from, to) {
      if (![from, to].every(isObjectId)) return undefined;
      // A line that names no object is said back, once what stands before it is answered.
      const mark = `end ${randomUUID()}\n`;
      const begin = `${from} ${to}\n`;
      const answer = await ask('differences', path, `${begin}${mark}`, (text) => endOf(text, mark));
      if (answer?.startsWith(begin) !== true) return undefined;
      return differencesIn(answer.slice(begin.length, -mark.length).split('\0'));
    },
    async sizes(path, ids) {
      if (!ids.every(isObjectId)) return undefined;
      const answer = await ask('names', path, ids.map((id) => `${id}\n`).join(''), lines(ids.length));
      return answer == null ? undefined : sizesIn(answer);
    },
    async writeCommit(path, text) {
      const { gitDir, signature } = placeAt(path);
      if (signature === null) return undefined;
      // In the folder and with the name of what git itself is about to write: where we are killed, its `gc` takes the file away.
      const file = join(gitDir, 'objects', `tmp_obj_${randomUUID()}`);
      try {
        writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
        const answer = await ask('commits', path, `${file}\n`, oneLine);
        return /^([0-9a-f]{40}|[0-9a-f]{64})\n$/.exec(answer ?? '')?.[1];
      } catch {
        return undefined; // the disk or the folder, of which git says more
      } finally {
        rmSync(file, { force: true });
      }
    },
    async moveRefs(path, commands) {
      const done = 'commit: ok\n';
      const answer = await ask('refs', path, `start\n${commands}prepare\ncommit\n`, (text) => endOf(text, done));
      return answer === null ? 'refused' : answer === undefined ? 'unknown' : 'moved';
    },
    close() {
      isClosed = true;
      for (const each of open.values()) each.end();
    },
  };
}

/** The ref, file or object in a name that may be looked up; undefined: git itself is to say what the name means. */
function pointerOf(name: string): string | undefined {
  const [, pointer] =
    /^((?:refs|worktrees)\/\S+|HEAD|[0-9a-f]{40}|[0-9a-f]{64})\^\{(?:commit|tree)\}$/.exec(name) ??
    /^([0-9a-f]{40}|[0-9a-f]{64}):[\w.-]+(?:\/[\w.-]+)*$/.exec(name) ??
    [];
  return pointer;
}

function endOf(text: string, mark: string): number {
  const at = text.indexOf(mark);
  return at < 0 ? -1 : at + mark.length;
}

interface GitPlace {
  readonly gitDir: string;
  /** As it is now. */
  readonly signature: string | null;
}

function placeAt(path: string): GitPlace {
  const gitDir = join(path, '.git');
  return { gitDir, signature: signatureOf(gitDir) };
}

/** null: no folder of git's own, such as in a linked worktree, or in a checkout whose `.git` is a file. */
function signatureOf(gitDir: string): string | null {
  try {
    const folder = statSync(gitDir);
    const config = statSync(join(gitDir, 'config'));
    // Git reads only once where else its objects lie.
    const elsewhere = statSync(join(gitDir, 'objects', 'info', 'alternates'), { throwIfNoEntry: false });
    return folder.isDirectory() ? [folder.dev, folder.ino, fileState(config), fileState(elsewhere)].join(' ') : null;
  } catch {
    return null; // git says what is missing there, or closed
  }
}

function fileState(file: Stats | undefined): string {
  return file === undefined ? '-' : `${file.ino}:${file.size}:${file.mtimeMs}`;
}

/** Whether git can read the repository, and no file of that name lies in it: one that is broken is for git to judge. */
function isNowhere(gitDir: string, pointer: string): boolean {
  try {
    accessSync(join(gitDir, 'HEAD'), constants.R_OK);
    for (const folder of ['objects', 'refs']) accessSync(join(gitDir, folder), constants.R_OK | constants.X_OK);
    return statSync(join(gitDir, pointer), { throwIfNoEntry: false })?.isDirectory() ?? true;
  } catch {
    return false; // out of reach, which is not the same as missing
  }
}
