/**
 * Reads files of a repository's git folder. They may be hostile: from an archive, a shared disk, or an agent without walls. So no part of a path may be a
 * link, and only plain files are read: a link could lead to the user's files, and reading a pipe never ends. Every path here is absolute and begins with a
 * folder's real path, as `Repository.commonDir` is.
 */
import {
  type BigIntStats,
  closeSync,
  constants,
  type Dirent,
  futimesSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { throwIfHidden } from '../../base/platform/environment-fault.ts';
import { realPathOrNull } from '../../base/platform/quiet-look.ts';
import { inFolder, type SafeFolder } from '../../base/platform/safe-path.ts';

/** The size limit of files that git itself reads whole, such as a ref or a list of patterns. */
const textLimitBytes = 1024 * 1024;

/**
 * The real path of the git folder of the checkout at `path`: its `.git`, or the target of a `.git` file (`git init --separate-git-dir`, a submodule). Read
 * from the files, without git. If there is none, the path where it would be.
 */
export function gitFolderAt(path: string): string {
  const dotGit = join(path, '.git');
  const isFolder = readable(() => lstatSync(dotGit, { throwIfNoEntry: false })?.isDirectory()) === true;
  const [, elsewhere] = isFolder ? [] : (/^gitdir: (.+)\n?$/.exec(textOf(dotGit) ?? '') ?? []);
  const named = elsewhere === undefined ? dotGit : resolve(path, elsewhere);
  return realPathOrNull(named) ?? named;
}

/** A plain file's text; null: there is none, the path has a link, or the file has more than `maxBytes`. */
export function textOf(file: string, maxBytes = textLimitBytes): string | null {
  return contentOf(file, maxBytes)?.toString('utf8') ?? null;
}

/** The names in a folder, sorted; none if there is no such folder, or if the path has a link. `most`: no more than this many. */
export function entriesIn(folder: string, bound?: { readonly most: number }): string[] {
  // Many repositories lack the folder that is asked for at each look: to open each folder on the way to it takes ten times as long.
  const isThere = readable(() => lstatSync(folder, { throwIfNoEntry: false }));
  const names = isThere && readable(() => inFolder({ root: folder, way: '' }, (open) => open.list(bound)));
  return (names ?? []).map((name) => name.toString('utf8')).sort();
}

/** The plain files of one folder. The folder is opened once. */
export interface PlainFiles {
  /** As `textOf`. */
  text(name: string): string | null;
  /** The first `bytes` bytes, as `textOf` otherwise. */
  head(name: string, bytes: number): string | null;
  /** The size in bytes. `other`: it is not a plain file. */
  size(name: string): number | 'none' | 'other';
  /** A text that changes when one of the files is written, made, replaced or removed, and the time of the last change (ms since the epoch). */
  state(names: readonly string[]): { readonly text: string; readonly changedMs: number };
}

/** Calls `look` with the files of a folder; null: there is no such folder, or the path has a link. */
export function filesIn<T>(folder: string, look: (files: PlainFiles) => T): T | null {
  return readable(() =>
    inFolder({ root: folder, way: '' }, (open) =>
      look({
        text: (name) => readable(() => open.read(name, { maxBytes: textLimitBytes }))?.toString('utf8') ?? null,
        head: (name, bytes) =>
          readable(() => open.read(name, { maxBytes: bytes, part: 'start' }))?.toString('utf8') ?? null,
        size(name) {
          const found = open.stat(name);
          if (found === null) return 'none';
          return found.isFile() ? Number(found.size) : 'other';
        },
        state(names) {
          const found = names.map((name) => open.stat(name));
          return {
            text: found.map(stateOf).join(' '),
            changedMs: Math.max(0, ...found.map((file) => Number(file?.ctimeMs ?? 0n))),
          };
        },
      }),
    ),
  );
}

function stateOf(file: BigIntStats | null): string {
  return file === null ? '-' : `${file.ino}:${file.size}:${file.mtimeNs}:${file.ctimeNs}`;
}

/** The text of `PlainFiles.state` for a path's present target, also through links. It shows whether the file has changed; it is not for reading. */
export function stateAt(file: string): string {
  return stateOf(readable(() => lstatSync(file, { bigint: true, throwIfNoEntry: false }) ?? null));
}

/** Whether the path is a folder, without a link on the way. */
export function isPlainFolder(folder: string): boolean {
  return readable(() => inFolder({ root: folder, way: '' }, () => true)) === true;
}

/** Whether the path is a plain file, without a link on the way. */
export function isPlainFile(file: string): boolean {
  return inParent(file, (folder, name) => folder.stat(name)?.isFile() === true) === true;
}

/**
 * Copies a plain file with its permissions and its time to an unused path; false: `textOf` would return null. Throws the errors of writing.
 */
export function copyPlain(file: string, to: string, maxBytes: number): boolean {
  const found = inParent(file, (folder, name) => ({ stat: folder.stat(name), bytes: folder.read(name, { maxBytes }) }));
  if (found === null || found.stat === null || found.bytes === null) return false;
  const { mode, mtimeMs } = found.stat;
  const copy = openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, Number(mode) & 0o777);
  try {
    writeFileSync(copy, found.bytes);
    futimesSync(copy, Number(mtimeMs / 1000n), Number(mtimeMs / 1000n));
  } finally {
    closeSync(copy);
  }
  return true;
}

/** The most entries of a git folder that are checked. A larger folder counts as unknown. */
const entryLimit = 1_000_000;
/** Folders that must not be links when something is written to them. */
const writtenFolders: ReadonlySet<string> = new Set(['objects', 'refs', 'logs', 'worktrees', 'modules', 'packed-refs']);
/** Parts in which people and tools make links, and which stator does not follow: hooks, lists of patterns, large files. Also those of submodules. */
const unfollowed = /^(?:modules\/.+\/)?(?:hooks|info|lfs)$/;
/** The part of one worktree. Its agent may write there, so its files are checked at each use. */
const ofWorktree = /^worktrees\/[^/]+$/;

/**
 * Throws `unsafe_path` if a part of a git folder is a link that leads out of it. Through such a link, writing would change other files. Reading would reach
 * another repository, or a file whose lines git prints in its errors. The whole folder is checked.
 */
export function refuseLinks(commonDir: string): void {
  const ways = [''];
  let looked = 0;
  for (let way = ways.pop(); way !== undefined; way = ways.pop())
    for (const entry of namesIn(join(commonDir, way))) {
      looked += 1;
      if (looked > entryLimit) throw tooMany(commonDir);
      const below = way === '' ? entry.name : `${way}/${entry.name}`;
      if (unfollowed.test(below)) continue;
      if (entry.isDirectory() && !ofWorktree.test(below)) ways.push(below);
      if (entry.isSymbolicLink() && (writtenFolders.has(below) || !leadsWithin(commonDir, below)))
        throw leadsOut(join(commonDir, below));
    }
}

/** A folder that has gone, or that is unreadable, contains nothing that git reads. */
function namesIn(folder: string): Dirent[] {
  return readable(() => readdirSync(folder, { withFileTypes: true })) ?? [];
}

function leadsWithin(commonDir: string, way: string): boolean {
  const real = readable(() => realpathSync(join(commonDir, way)));
  // In older git, HEAD is a link to its branch, which may have no commit yet.
  if (real === null) return way === 'HEAD' && /^refs\/heads\/(?!.*\.\.)/.test(readlinkSync(join(commonDir, way)));
  return real.startsWith(`${commonDir}/`);
}

function leadsOut(place: string): EngineError {
  return new EngineError(
    'unsafe_path',
    `${place} is a link, and stator works in no repository whose own folders and refs lead elsewhere`,
    `see where it leads: ls -ld ${shellWord(place)}; add the repository that lies there, or put what it leads to in its place`,
  );
}

function tooMany(commonDir: string): EngineError {
  return new EngineError(
    'unsafe_path',
    `${commonDir} has more than ${entryLimit} files, so it was not seen where all of them lead`,
    `have git pack them: git -C ${shellWord(dirname(commonDir))} gc`,
  );
}

function contentOf(file: string, maxBytes: number): Buffer | null {
  return inParent(file, (folder, name) => folder.read(name, { maxBytes }));
}

function inParent<T>(file: string, use: (folder: SafeFolder, name: string) => T): T | null {
  return readable(() => inFolder({ root: dirname(file), way: '' }, (folder) => use(folder, basename(file))));
}

/** Unreadable files count as missing: a link, a pipe, a file that is too long or forbidden. Throws where the file may be there: no more open files, a failing disk. */
function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (thrown) {
    throwIfHidden(thrown);
    return null;
  }
}
