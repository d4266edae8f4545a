/** Engines of other homes on this machine: things in a repository that one store does not know may be theirs. */

import { realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { loadDaemonConfig, storePlace } from '../base/config/config.ts';
import { openFilesOf } from '../base/platform/open-files.ts';
import { hasProc, readProcessTable } from '../base/platform/process-table.ts';
import { registeredPaths } from '../core/store/sqlite/copies.ts';

/**
 * A running engine of this user that has that repository registered, or whose repositories cannot be found out; null: there is none, or the system does not
 * list the open files of a process.
 */
export function otherEngineOf(home: string, repo: string): string | null {
  for (const [other, pid] of otherHomes(home))
    if (mayHave(other, repo)) return `the engine of ${other} (pid ${pid}) may use it`;
  return null;
}

/** Their folders, with the owner of each. */
function otherHomes(home: string): Map<string, number> {
  const found = new Map<string, number>();
  if (!hasProc) return found;
  const own = realpathSync(home);
  for (const { identity, hasEnded } of readProcessTable().rows) {
    if (hasEnded || identity.pid === process.pid) continue;
    for (const path of openFilesOf(identity.pid) ?? [])
      if (basename(path) === 'owner.db' && dirname(path) !== own) found.set(dirname(path), identity.pid);
  }
  return found;
}

/** A store that cannot be read may have anything, and so may one in PostgreSQL, which is not asked. */
function mayHave(home: string, repo: string): boolean {
  try {
    const place = storePlace(home, loadDaemonConfig(home), process.env);
    return place.kind === 'postgres' || (registeredPaths(place.file)?.includes(repo) ?? true);
  } catch {
    return true; // its configuration cannot be read
  }
}
