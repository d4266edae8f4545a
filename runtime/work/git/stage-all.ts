/**
 * Stages all files of a worktree, without reading the repositories inside it. For each submodule `git add` starts a git in its folder, which obeys a
 * configuration that an agent wrote, including filters. So submodules are left out; git reads their commit without a process.
 */

import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError, messageOf, onOneLine } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { lstatOrNull } from '../../base/platform/quiet-look.ts';
import { sizeText } from '../../base/platform/size.ts';
import { noteMended } from './notes.ts';
import { isOwnFolder } from './worktree-list.ts';

/** Runs git in the worktree, and returns its output. */
export type RunThere = (args: readonly string[], options?: { readonly input: string }) => Promise<string>;

/** The size limit: git reads some hundred MiB in a second, and has ten minutes. */
const stagedLimitBytes = 32 * 1024 ** 3;

/** The most repositories in a worktree: no agent needs more, and git compares each file with each of them. */
const maxRepositories = 1_000;

const fromInput = ['--pathspec-from-file=-', '--pathspec-file-nul'];

/** The repositories in a worktree. */
export interface Inside {
  /** Repositories that are no submodules, or only claim to be one: these are not staged. */
  readonly nested: string[];
  /** Submodules that are checked out: their commits are staged. */
  readonly populated: string[];
  /** Whether its index has a commit of another repository; without one, the staged tree has none either. */
  readonly hasLinks: boolean;
}

/**
 * Stages changes, additions and deletions in `folder`, the root of a worktree, and the commits of its submodules. `isSparse`: a sparse checkout, in which git
 * leaves out changes outside of its patterns, or fails, unless it is asked for them. `orAsIs`: files that git cannot convert, because of the agent's
 * `.gitattributes` or a filter that fails, are staged as they are.
 */
export async function stageAll(
  folder: string,
  run: RunThere,
  {
    limitBytes = stagedLimitBytes,
    isSparse = false,
    orAsIs = false,
  }: { readonly limitBytes?: number; readonly isSparse?: boolean; readonly orAsIs?: boolean } = {},
): Promise<Inside> {
  const asked = ['-t', '--stage', '--modified', '--others', '--exclude-standard', '--abbrev=4', '-z'];
  const entries = (await run(['ls-files', ...asked])).split('\0');
  const others = entries.filter((entry) => entry.startsWith('? ')).map((entry) => entry.slice(2));
  const modified = entries
    .filter((entry) => entry.startsWith('C '))
    .map((entry) => entry.slice(entry.indexOf('\t') + 1));
  const repositories = others.filter((name) => name.endsWith('/')).map((name) => name.slice(0, -1));
  const claimed = claimedIn(folder, others, entries);
  const nested = [...repositories, ...claimed.folders];
  const links = entries
    .filter((entry) => /^\w 160000 /.test(entry))
    .map((entry) => entry.slice(entry.indexOf('\t') + 1));
  const populated: string[] = [];
  for (const link of new Set(links))
    if (isOwnFolder(join(folder, link)) && lstatOrNull(join(folder, link, '.git')) !== null) populated.push(link);
  const left = [...nested, ...populated];
  if (left.length > maxRepositories) throw tooMany(folder, left);
  await refuseHuge(folder, [...modified, ...others.filter((name) => !claimed.files.has(name))], limitBytes);
  const excluded = left.map((path) => `:(exclude,top,literal)${path}`);
  const all = ['add', '-A', ...(isSparse ? ['--sparse'] : [])];
  const adding = left.length === 0 ? run(all) : run([...all, ...fromInput], { input: ['.', ...excluded].join('\0') });
  await adding.catch(async (thrown: unknown) => {
    const names = [...modified, ...others].filter(
      (name) => !name.endsWith('/') && !claimed.files.has(name) && !populated.includes(name),
    );
    if (
      !orAsIs ||
      isSparse ||
      !unconverted.test(messageOf(thrown)) ||
      !(await stageAsIs(folder, run, [...new Set(names)]))
    )
      throw namedLikeGit(folder, thrown) ?? thrown;
    noteMended(
      `git could not convert what is in ${folder}, so its files are taken as they are: ${onOneLine(messageOf(thrown))}`,
    );
  });
  if (populated.length > 0) await run(['update-index', '-z', '--stdin'], { input: `${populated.join('\0')}\0` });
  return { nested, populated, hasLinks: links.length > 0 };
}

/** git's messages for a content that does not fit its attributes, and for a filter that failed. */
const unconverted = /^fatal: (?:BOM is |failed to encode |encoding '|.*: clean filter )/m;

/** Stages the content of files without any conversion; false: one of the names cannot be passed to git. */
async function stageAsIs(folder: string, run: RunThere, names: readonly string[]): Promise<boolean> {
  if (names.some((name) => /[\n\ufffd]|^"/.test(name))) return false;
  const [files, links, gone]: [{ name: string; mode: string }[], string[], string[]] = [[], [], []];
  for (const name of names) {
    const found = lstatOrNull(join(folder, name));
    if (found?.isFile() === true) files.push({ name, mode: found.mode & 0o100 ? '100755' : '100644' });
    else (found?.isSymbolicLink() === true ? links : gone).push(name);
  }
  const update = (flags: readonly string[], lines: readonly string[]) =>
    run(['update-index', '-z', ...flags], { input: lines.map((line) => `${line}\0`).join('') });
  await update(['--force-remove', '--stdin'], gone);
  // A link has no conversion.
  await update(['--add', '--replace', '--stdin'], links);
  const hashing = ['hash-object', '-w', '--no-filters', '--stdin-paths'];
  const ids = (await run(hashing, { input: files.map(({ name }) => `${name}\n`).join('') })).split('\n');
  await update(
    ['--index-info'],
    files.map(({ name, mode }, at) => `${mode} ${ids[at]}\t${name}`),
  );
  return true;
}

interface Claimed {
  readonly folders: readonly string[];
  /** The files in them. */
  readonly files: ReadonlySet<string>;
}

/**
 * Folders without tracked files whose `.git` leads nowhere now, such as a linked worktree that was made inside walls. git treats their files as the
 * worktree's own.
 */
function claimedIn(folder: string, others: readonly string[], entries: readonly string[]): Claimed {
  const found = new Map<string, string[]>();
  let before = '';
  let way: string | null = null;
  for (const name of others) {
    if (name.endsWith('/')) continue;
    if (way === null || !name.startsWith(`${way}/`)) {
      // The folders that it shares with the name before are known to claim nothing.
      way = firstFolder(name, sharedLength(before, name), (path) => lstatOrNull(join(folder, path, '.git')) !== null);
      before = name;
    }
    if (way === null) continue;
    const files = found.get(way) ?? [];
    if (files.length === 0) found.set(way, files);
    files.push(name);
  }
  const tracked = found.size === 0 ? new Set<string>() : trackedFolders(entries);
  const kept = [...found].filter(([path]) => !tracked.has(path));
  return { folders: kept.map(([path]) => path), files: new Set(kept.flatMap(([, files]) => files)) };
}

function sharedLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}

/** The first folder on the way to a file that fits, among those whose name ends at `from` or later; null: none does. */
function firstFolder(name: string, from: number, fits: (way: string) => boolean): string | null {
  for (let at = name.indexOf('/', from); at > 0; at = name.indexOf('/', at + 1))
    if (fits(name.slice(0, at))) return name.slice(0, at);
  return null;
}

/** All folders with tracked files. */
function trackedFolders(entries: readonly string[]): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const entry of entries) {
    if (entry.startsWith('? ')) continue;
    let way = dirname(entry.slice(entry.indexOf('\t') + 1));
    // Where a folder is known, those above it are.
    for (; way !== '.' && !folders.has(way); way = dirname(way)) folders.add(way);
  }
  return folders;
}

function tooMany(folder: string, [first = '']: readonly string[]): EngineError {
  return new EngineError(
    'unsafe_path',
    `${folder} holds more than ${maxRepositories} git repositories of its own, as ${join(folder, first)}, so no file of it is committed`,
    `delete those that are not needed: find ${shellWord(folder)} -mindepth 2 -name .git`,
  );
}

/** A sparse file of any size takes a moment to make, and git would read all of it. Throws `unsafe_path`. */
async function refuseHuge(folder: string, names: readonly string[], limitBytes: number): Promise<void> {
  let bytes = 0;
  for (const name of new Set(names)) {
    if (name.endsWith('/')) continue;
    const found = await lstat(join(folder, name)).catch(() => null);
    if (found?.isFile() === true) bytes += found.size;
    if (bytes <= limitBytes) continue;
    const path = join(folder, name);
    throw new EngineError(
      'unsafe_path',
      `what is uncommitted in ${folder} has more than ${sizeText(limitBytes, ' ')}, with ${path}: git would read all of it`,
      `look at it: ls -ls ${shellWord(path)}; delete it, or name it in .gitignore`,
    );
  }
}

/** Why git refuses to add: a name that macOS or Windows reads as `.git`. null: another reason. */
function namedLikeGit(folder: string, thrown: unknown): EngineError | null {
  if (!(thrown instanceof EngineError) || thrown.code !== 'git_failed') return null;
  const name = /^.*?error: invalid path '(.+?)'\nerror: unable to add/s.exec(thrown.message)?.[1];
  if (name === undefined) return null;
  return new EngineError(
    'unsafe_path',
    `${JSON.stringify(name)} in ${folder} can be in no commit`,
    `macOS or Windows takes that name for git's own folder: give it another one, or delete it: rm -r ${shellWord(join(folder, name))}`,
    { cause: thrown },
  );
}
