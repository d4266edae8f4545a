/**
 * What lies in a repository's own folder. Anybody may have written it: an archive, a shared disk, an agent without walls. So each path is opened through
 * no link, whatever part of it that is, and only plain files are read: a link would lead to files of the user's, and a pipe never ends.
 * Every path here is absolute and begins with a folder's real path, as `Repository.commonDir` is.
 */
import { type BigIntStats, closeSync, constants, futimesSync, lstatSync, openSync, writeFileSync } from 'node:fs';
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

/**
 * Throws `unsafe_path` where a folder that git and stator write to is a link, and what is written would lie elsewhere; or the list of refs, of which git
 * repeats a line that it cannot read.
 */
export function refuseLinks(commonDir: string): void {
  for (const name of ['objects', 'refs', 'logs', 'worktrees', 'modules', 'packed-refs'])
    inFolder({ root: commonDir, way: '' }, (folder) => {
      if (folder.stat(name)?.isSymbolicLink() !== true) return;
      const place = join(commonDir, name);
      throw new EngineError(
        'unsafe_path',
        `${place} is a link, and stator works in no repository whose own folders and refs lead elsewhere`,
        `see where it leads: ls -ld ${shellWord(place)}; add the repository that lies there, or put what it leads to in its place`,
      );
    });
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
