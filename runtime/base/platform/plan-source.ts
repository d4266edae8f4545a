/** A document for its readers: its text, its path in its repository, and the names beside it. */
import { type Dirent, existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { PlanSource } from '../../../machines/document/read-plan.ts';

/** In a folder with more files the rest is not listed. */
const besideLimit = 200;

/** `path` is absolute. Links are not followed. `entries`: the names in its folder, if they were read already. */
export function planSourceOf(path: string, text: string, entries?: readonly Dirent[]): PlanSource {
  const folder = dirname(path);
  const root = repositoryRoot(folder);
  const place = root === null ? path : relative(root, path);
  return { text, path: place.split(sep).join('/'), beside: namesBeside(entries ?? entriesOf(folder), basename(path)) };
}

function repositoryRoot(folder: string): string | null {
  if (existsSync(join(folder, '.git'))) return folder;
  return dirname(folder) === folder ? null : repositoryRoot(dirname(folder));
}

/** Plain names only: they are in what agents read. */
function namesBeside(entries: readonly Dirent[], own: string): string[] {
  const names = entries.flatMap((entry) => (entry.isFile() || entry.isDirectory() ? [entry.name] : []));
  return names
    .filter((name) => name !== own && /^[\w.@ -]{1,100}$/.test(name))
    .sort()
    .slice(0, besideLimit);
}

/** Empty for a folder that cannot be read. */
export function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // a user who may not read the folder sees nothing there
  }
}
