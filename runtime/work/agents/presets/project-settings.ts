/**
 * Files that the presets' programs load automatically from their working folder, and that can make them start something: settings with hooks and servers,
 * plugins, agents, commands, skills. Texts that are only read (CLAUDE.md, AGENTS.md, GEMINI.md) are not included. Sources: the programs' docs, and tests with
 * the versions in docs/agents.md.
 */
import { lstatSync, opendirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { digestedLimitBytes, type Preset } from '../../../base/config/config.ts';
import { inBytes, isText, nameInBytes } from '../../../base/platform/entry-names.ts';
import { textDigest } from '../../../base/platform/text-digest.ts';
import { isWithin } from '../../git/worktree-folder.ts';
import { knownProgram } from './programs.ts';

/** Files that the programs make while they work, in each checkout. */
const madeByPrograms: ReadonlySet<string> = new Set(['.claude/worktrees', '.opencode/node_modules']);
/** A user's own file, which git does not track, and which changes with each answer to claude. It counts if it is copied into worktrees. */
const ownOfUser = '.claude/settings.local.json';
/** The most paths: far more than anyone writes by hand. */
const pathLimit = 2_000;
/** Replaces a missing digest. It is never trusted. */
const notRead = 'not read';

/**
 * The files that programs of these presets would load from that folder: each path with the SHA-256 of its content. A link counts with its target and the
 * target's content. Unreadable files, and those beyond 2,000 paths or 256 MiB, get a text that is no digest.
 */
export function settingsIn(folder: string, presets: Iterable<Preset>): Record<string, string> {
  const open = [...new Set([...presets].flatMap((preset) => knownProgram(preset)?.settings ?? []))].sort();
  const found: [path: string, digest: string][] = [];
  let count = 0;
  let bytes = 0;
  for (let path = open.shift(); path !== undefined; path = open.shift()) {
    count += 1;
    if (count > pathLimit) return Object.fromEntries([...found.sort(byPath), [path, notRead]]);
    if (madeByPrograms.has(path)) continue;
    const { digest, entries, sizeBytes } = lookAt(join(folder, path), digestedLimitBytes - bytes);
    bytes += sizeBytes;
    if (digest !== null) found.push([path, digest]);
    open.push(...entries.map((entry) => `${path}/${entry}`));
  }
  return Object.fromEntries(found.sort(byPath));
}

function byPath([one]: readonly [string, string], [other]: readonly [string, string]): number {
  return one < other ? -1 : 1;
}

/** The same for a repository's main folder, for the question to a person. `copy`: the paths that are copied into each worktree. */
export function settingsOf(
  repo: string,
  { presets, copy }: { readonly presets: Iterable<Preset>; readonly copy: readonly string[] },
): Record<string, string> {
  const { [ownOfUser]: own, ...found } = settingsIn(repo, presets);
  const isCopied = copy.some((named) => isWithin(resolve(repo, named), join(repo, ownOfUser)));
  return own !== undefined && isCopied ? { ...found, [ownOfUser]: own } : found;
}

/** The settings that differ from their trusted state. */
export function untrustedSettings(
  found: Readonly<Record<string, string>>,
  trusted: Readonly<Record<string, string>>,
): string[] {
  return Object.entries(found).flatMap(([path, digest]) =>
    digest !== notRead && trusted[path] === digest ? [] : [path],
  );
}

interface Look {
  readonly digest: string | null;
  readonly entries: readonly string[];
  /** The bytes that were read. */
  readonly sizeBytes: number;
}

/**
 * A file has a digest, a folder has entries, a link has a digest and maybe entries; a missing path has neither.
 * Not more than `maxBytes` are read.
 */
function lookAt(path: string, maxBytes: number): Look {
  const unread = { digest: notRead, entries: [], sizeBytes: 0 };
  try {
    const entry = lstatSync(path, { throwIfNoEntry: false });
    if (entry === undefined) return { ...unread, digest: null };
    const link = entry.isSymbolicLink() ? `link to ${readlinkSync(path)}` : null;
    const target = statSync(path, { throwIfNoEntry: false });
    if (target?.isDirectory() === true) {
      const names = namesIn(path);
      const entries = names.filter(isText).map(String).sort();
      if (names.length > pathLimit) return unread;
      // A file whose name is not UTF-8 cannot be read by that name, and may still be loaded.
      if (entries.length < names.length) return { ...unread, entries };
      return { digest: link === null ? null : textDigest(link), entries, sizeBytes: 0 };
    }
    if (target?.isFile() !== true) return unread;
    const { size: sizeBytes } = target;
    if (sizeBytes > maxBytes) return unread;
    // By its content, whatever its size: an agent can give a file of a worktree any age, and git gives it another one.
    const digest = textDigest(readFileSync(path));
    return { digest: link === null ? digest : textDigest(`${link} ${digest}`), entries: [], sizeBytes };
  } catch {
    return unread; // unreadable, or a circular link
  }
}

/** The names in a folder; one more than the most paths if it has more than these. */
function namesIn(path: string): Buffer[] {
  const names: Buffer[] = [];
  const folder = opendirSync(path, inBytes);
  try {
    for (let entry = folder.readSync(); entry !== null && names.length <= pathLimit; entry = folder.readSync())
      names.push(nameInBytes(entry));
  } finally {
    folder.closeSync();
  }
  return names;
}
