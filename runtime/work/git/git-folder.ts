/**
 * What lies in a repository's own folder. Anybody may have written it: an archive, a shared disk, an agent without walls. So each path is opened through
 * no link, whatever part of it that is, and only plain files are read: a link would lead to files of the user's, and a pipe never ends.
 * Every path here is absolute and begins with a folder's real path, as `Repository.commonDir` is.
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
import { realPathOrNull } from '../../base/platform/quiet-look.ts';
import { inFolder, type SafeFolder } from '../../base/platform/safe-path.ts';

/** A file that git itself reads whole, such as a ref or a list of patterns. */
const textLimitBytes = 1024 * 1024;

/**
 * The real path of the git folder that the checkout at `path` has: its `.git`, or where that leads as a file (`git init --separate-git-dir`, a
 * submodule). As the files say it, without git; where none is there, the path at which it would be.
 */
export function gitFolderAt(path: string): string {
  const dotGit = join(path, '.git');
  const [, elsewhere] = /^gitdir: (.+)\n?$/.exec(textOf(dotGit) ?? '') ?? [];
  const named = elsewhere === undefined ? dotGit : resolve(path, elsewhere);
  return realPathOrNull(named) ?? named;
}

/** A plain file's text; null: there is none, a link leads there, or it has more than `maxBytes`. */
export function textOf(file: string, maxBytes = textLimitBytes): string | null {
  return contentOf(file, maxBytes)?.toString('utf8') ?? null;
}

/** The names in a folder, sorted; none where there is no such folder, or a link leads there. */
export function entriesIn(folder: string): string[] {
  const names = readable(() => inFolder({ root: folder, way: '' }, (open) => open.list()));
  return (names ?? []).map((name) => name.toString('utf8')).sort();
}

/** The plain files of one folder, which is opened once for all of them. */
export interface PlainFiles {
  /** As `textOf`. */
  text(name: string): string | null;
  /** The first `bytes` bytes, as `textOf` otherwise. */
  head(name: string, bytes: number): string | null;
  /** In bytes. `other`: no plain file lies there. */
  size(name: string): number | 'none' | 'other';
  /** What changes when one of them is written, made, exchanged or taken away, and when (ms since the epoch) the last such change was. */
  state(names: readonly string[]): { readonly text: string; readonly changedMs: number };
}

/** What `look` answers of the files in a folder; null: there is no such folder, or a link leads there. */
export function filesIn<T>(folder: string, look: (files: PlainFiles) => T): T | null {
  return readable(() =>
    inFolder({ root: folder, way: '' }, (open) =>
      look({
        text: (name) => readable(() => open.read(name, { maxBytes: textLimitBytes }))?.toString('utf8') ?? null,
        head: (name, bytes) =>
          readable(() => open.read(name, { maxBytes: bytes, isHead: true }))?.toString('utf8') ?? null,
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

/** The text of `PlainFiles.state` for the one file that a path leads to now, though by links: good to see that nothing has changed, and not to read it. */
export function stateAt(file: string): string {
  return stateOf(readable(() => lstatSync(file, { bigint: true, throwIfNoEntry: false }) ?? null));
}

/** Whether a folder lies there, and no link on the way to it. */
export function isPlainFolder(folder: string): boolean {
  return readable(() => inFolder({ root: folder, way: '' }, () => true)) === true;
}

/** Whether a plain file lies there, and no link on the way to it. */
export function isPlainFile(file: string): boolean {
  return inParent(file, (folder, name) => folder.stat(name)?.isFile() === true) === true;
}

/**
 * Copies a plain file with its permissions and its time to a place where nothing lies; false: `textOf` would answer null. Throws what the disk fails of
 * in the new place.
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

/** Entries of a repository's own folder. Beyond this it is not known where all of it leads. */
const entryLimit = 1_000_000;
/** Folders that are no link themselves, or nothing is written to them. */
const writtenFolders: ReadonlySet<string> = new Set(['objects', 'refs', 'logs', 'worktrees', 'modules', 'packed-refs']);
/** What people and tools make links in, and stator follows none of: hooks, lists of patterns, large files. Also those of submodules. */
const unfollowed = /^(?:modules\/.+\/)?(?:hooks|info|lfs)$/;
/** The part of one worktree. Its agent may write there, and what lies there is looked at whenever it is used. */
const ofWorktree = /^worktrees\/[^/]+$/;

/**
 * Throws `unsafe_path` where a part of a repository's own folder is a link that leads out of it: what is written would lie elsewhere, and what is read would be
 * another repository's, or a file of which git repeats a line that it cannot read. All of the folder is looked at.
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

/** One that has gone meanwhile, or that nobody may look into, holds nothing that git reads. */
function namesIn(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function leadsWithin(commonDir: string, way: string): boolean {
  const real = readable(() => realpathSync(join(commonDir, way)));
  // A HEAD of older git leads to its branch, which may have no commit yet.
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

/** What cannot be read says nothing: a link, a pipe, a file that is too long, one that is not to be read. */
function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
