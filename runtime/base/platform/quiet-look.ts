/** The state of the file at a path. A path that cannot be read counts as missing. */
import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';

/** null: nothing lies there, or it cannot be reached. Links are followed. */
export function statOrNull(path: string): Stats | null {
  return orNull(() => statSync(path, { throwIfNoEntry: false }) ?? null);
}

/** The same of a link itself. */
export function lstatOrNull(path: string | Buffer): Stats | null {
  return orNull(() => lstatSync(path, { throwIfNoEntry: false }) ?? null);
}

/** The path without links; null: nothing lies there, or it cannot be reached. */
export function realPathOrNull(path: string): string | null {
  return orNull(() => realpathSync.native(path));
}

function orNull<Found>(look: () => Found | null): Found | null {
  try {
    return look();
  } catch {
    return null;
  }
}
