/**
 * Files that the presets' programs load automatically from their working folder, and that can make them start something: settings with hooks and servers,
 * plugins, agents, commands, skills. Texts that are only read (CLAUDE.md, AGENTS.md, GEMINI.md) are not included. Sources: the programs' docs, and tests with
 * the versions in docs/agents.md.
 */
import { lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileDigest, type Preset } from '../../../base/config/config.ts';
import { isText } from '../../../base/platform/entry-names.ts';
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
 * target's content. Unreadable files, and those beyond 2,000 paths, get a text that is no digest.
 */
export function settingsIn(folder: string, presets: Iterable<Preset>): Record<string, string> {
  const open = [...new Set([...presets].flatMap((preset) => knownProgram(preset)?.settings ?? []))].sort();
  const found: [path: string, digest: string][] = [];
  let count = 0;
  for (let path = open.shift(); path !== undefined; path = open.shift()) {
    count += 1;
    if (count > pathLimit) return Object.fromEntries([...found.sort(byPath), [path, notRead]]);
    if (madeByPrograms.has(path)) continue;
    const { digest, entries } = lookAt(join(folder, path));
    if (digest !== null) found.push([path, digest]);
    open.push(...entries.slice(0, pathLimit).map((entry) => `${path}/${entry}`));
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

/** A file has a digest, a folder has entries, a link has a digest and maybe entries; a missing path has neither. */
function lookAt(path: string): { readonly digest: string | null; readonly entries: readonly string[] } {
  try {
    const entry = lstatSync(path, { throwIfNoEntry: false });
    if (entry === undefined) return { digest: null, entries: [] };
    const link = entry.isSymbolicLink() ? `link to ${readlinkSync(path)}` : null;
    const target = statSync(path, { throwIfNoEntry: false });
    if (target?.isDirectory() === true) {
      const names = readdirSync(path, 'buffer');
      const entries = names.filter(isText).map(String).sort();
      // A file whose name is not UTF-8 cannot be read by that name, and may still be loaded.
      if (entries.length < names.length) return { digest: notRead, entries };
      return { digest: link === null ? null : textDigest(link), entries };
    }
    if (target?.isFile() === true)
      return { digest: link === null ? fileDigest(path) : textDigest(`${link} ${fileDigest(path)}`), entries: [] };
  } catch {
    // Unreadable, or a circular link.
  }
  return { digest: notRead, entries: [] };
}
