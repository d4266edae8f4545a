/** The folders in which other programs store plans, and the plan that was probably meant by the name of a missing file. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { nearest } from '../runtime/base/config/nearest.ts';

/** Paths from the root of a repository. */
export const planPlaces = [
  'specs',
  '.specify',
  '.kiro/specs',
  'openspec/changes',
  'conductor/tracks',
  '.planning',
  '.taskmaster/tasks',
  'scripts/ralph',
  '.cursor/plans',
  'backlog/tasks',
  'docs/plans',
  'docs/superpowers/plans',
  'plans',
] as const;

/** The path of an existing file with a similar name: with `.md`, in a folder of plans, or with a spelling mistake. null: none. */
export function pathMeant(cwd: string, path: string): string | null {
  const isThere = (candidate: string) => existsSync(resolve(cwd, candidate));
  const candidates = ['', ...planPlaces].flatMap((place) => [join(place, path), join(place, `${path}.md`)]);
  const found = candidates.find(isThere) ?? spelt(cwd, path);
  return found === null || !isThere(found) ? null : found;
}

/** The path with each name replaced by the nearest existing one. */
function spelt(cwd: string, path: string): string | null {
  const parent = dirname(path);
  const known = parent === path || existsSync(resolve(cwd, parent)) ? parent : spelt(cwd, parent);
  if (known === null || parent === path) return null;
  const name = path.slice(parent === '.' && !path.startsWith('./') ? 0 : parent.length + 1);
  if (existsSync(resolve(cwd, known, name))) return join(known, name);
  const meant = nearest(name, namesIn(resolve(cwd, known)));
  return meant === null ? null : join(known, meant);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no folder, or none that may be looked into: it has no names to propose
  }
}
