/**
 * The gits that an engine keeps open for a repository, one of each kind, so that a question needs a line instead of a process: resolving names, comparing two
 * trees, making a commit, moving refs. They read refs and objects again for each question, are reopened when a file that they read only once has changed, and
 * hold a lock only for one transaction. Questions that they cannot answer reliably go to a separate git, which reports the reason.
 */
import { randomUUID } from 'node:crypto';
import { accessSync, constants, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gitEnvironment } from './environment.ts';
import { overridesIn, wholeDiff } from './git.ts';
import { isObjectId } from './object-memo.ts';
import { type Answer, lines, type OpenGit, oneLine, openGit } from './open-git.ts';

/** Arguments of `git update-ref`: its commands come from standard input, and symbolic refs are not followed. */
export const moveArgs = ['update-ref', '--no-deref', '-m', 'stator', '--stdin'] as const;

const kinds = {
  names: ['cat-file', '--batch-check'],
  differences: ['diff-tree', '--stdin', '-r', '--raw', '-z', '--no-renames', ...wholeDiff],
  commits: ['hash-object', '-w', '-t', 'commit', '--no-filters', '--stdin-paths'],
  refs: moveArgs,
} satisfies Record<string, readonly string[]>;

type Kind = keyof typeof kinds;

/** A file that differs between two trees, as in `diff-tree --raw`: `A`, `D`, `M` or `T`. */
export interface Difference {
  readonly status: string;
  /** The mode in the later tree. */
  readonly mode: string;
  readonly before: string;
  readonly id: string;
  readonly path: string;
}

/** A line of `diff-tree -z --raw`: `:100644 000000 <id> <id> D` and the path. */
export function differencesIn(fields: readonly string[]): Difference[] {
  const found: Difference[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, mode = '', before = '', id = '', status = ''] = (fields[at] ?? '').split(' ');
    const path = fields[at + 1] ?? '';
    if (path !== '') found.push({ status: status.slice(0, 1), mode, before, id, path });
  }
  return found;
}

/** The output of `cat-file --batch-check`: `<id> blob 12`, one per line. */
export function sizesIn(answer: string): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const line of answer.split('\n')) {
    const [, id, bytes] = /^([0-9a-f]{40,64}) blob (\d+)$/.exec(line) ?? [];
    if (id !== undefined) sizes.set(id, Number(bytes));
  }
  return sizes;
}

/** The open gits of one engine, each opened at its first question. undefined: no reliable answer, so a separate git must be used. */
export interface OpenGits {
  /**
   * The object that a name of the repository at `path` points to: a ref by its full name, HEAD or an id, with `^{commit}` or `^{tree}`; or an existing tree's
   * or commit's id, with `:` and the path of a file or folder in it. null: there is none.
   */
  lookUp(path: string, name: string): Promise<string | null | undefined>;
  /** The same for several names, in order and with one question. */
  lookUpAll(path: string, names: readonly string[]): Promise<(string | null | undefined)[]>;
  /** The differences between two trees, by their ids; a moved file counts as two. */
  differences(path: string, from: string, to: string): Promise<Difference[] | undefined>;
  /** The sizes in bytes of the given ids that are blobs. */
  sizes(path: string, ids: readonly string[]): Promise<Map<string, number> | undefined>;
  /** Writes a commit, given in git's format; returns its id. */
  writeCommit(path: string, text: string): Promise<string | undefined>;
  /** One transaction of `git update-ref --stdin` commands. `refused`: nothing has moved. `unknown`: git was killed meanwhile. */
  moveRefs(path: string, commands: string): Promise<'moved' | 'refused' | 'unknown'>;
  /** Ends the gits after their open answers; later calls return undefined. May be called twice. */
  close(): void;
}

/** A repository, and its open gits; without them a separate git is used. */
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

  async function askIn(
    kind: Kind,
    { gitDir, signature }: GitPlace,
    input: string,
    end: (text: string) => number,
  ): Promise<Answer> {
    if (isClosed || signature === null) return null;
    const git = openOne(kind, gitDir, signature) ?? (await openAnother(kind, gitDir, signature));
    return git === null ? null : git.ask(input, end);
  }

  function openOne(kind: Kind, gitDir: string, signature: string): OpenGit | null {
    const known = open.get(`${kind} ${gitDir}`);
    return known?.isOpen() === true && known.signature === signature ? known : null;
  }

  /** null: no git may run there, and a separate git says why. */
  async function openAnother(kind: Kind, gitDir: string, signature: string): Promise<OpenGit | null> {
    const overrides = await overridesIn(gitDir).catch(() => null);
    if (overrides === null || isClosed) return null;
    // Another question may have opened it meanwhile.
    const known = openOne(kind, gitDir, signature);
    if (known !== null) return known;
    const key = `${kind} ${gitDir}`;
    open.get(key)?.end();
    const env = gitEnvironment({ GIT_DIR: gitDir }, { overrides });
    const opened = openGit({ args: kinds[kind], env, signature }, () => {
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
      // Git echoes a line that names no object, after it has answered the lines before.
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
      // In the folder and with the name of git's own temporary files: after a kill, git's `gc` deletes the file.
      const file = join(gitDir, 'objects', `tmp_obj_${randomUUID()}`);
      try {
        writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
        const answer = await ask('commits', path, `${file}\n`, oneLine);
        return /^([0-9a-f]{40}|[0-9a-f]{64})\n$/.exec(answer ?? '')?.[1];
      } catch {
        return undefined; // the disk or the folder failed, and git reports more
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

/** The ref, file or object in a name, if it may be looked up here; undefined: git itself must resolve the name. */
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
  /** The present signature of the folder; see `signatureOf`. */
  readonly signature: string | null;
}

function placeAt(path: string): GitPlace {
  const gitDir = join(path, '.git');
  return { gitDir, signature: signatureOf(gitDir) };
}

/** null: it is no full git folder, as in a linked worktree, or in a checkout whose `.git` is a file. */
function signatureOf(gitDir: string): string | null {
  try {
    const folder = statSync(gitDir);
    const config = statSync(join(gitDir, 'config'));
    // git reads the list of its further object folders only once.
    const elsewhere = statSync(join(gitDir, 'objects', 'info', 'alternates'), { throwIfNoEntry: false });
    return folder.isDirectory() ? [folder.dev, folder.ino, fileState(config), fileState(elsewhere)].join(' ') : null;
  } catch {
    return null; // git reports a missing or unreadable file
  }
}

function fileState(file: Stats | undefined): string {
  return file === undefined ? '-' : `${file.ino}:${file.size}:${file.mtimeMs}`;
}

/** Whether git can read the repository, and it has no file of that name: git itself must judge a broken one. */
function isNowhere(gitDir: string, pointer: string): boolean {
  try {
    accessSync(join(gitDir, 'HEAD'), constants.R_OK);
    for (const folder of ['objects', 'refs']) accessSync(join(gitDir, folder), constants.R_OK | constants.X_OK);
    return statSync(join(gitDir, pointer), { throwIfNoEntry: false })?.isDirectory() ?? true;
  } catch {
    return false; // unreachable, which differs from missing
  }
}
