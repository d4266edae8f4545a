/** The state of the file at a path. A path that cannot be read counts as missing. */
import {
  accessSync,
  constants,
  lstatSync,
  readlinkSync,
  realpathSync,
  type Stats,
  type StatsFs,
  statfsSync,
  statSync,
} from 'node:fs';

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

/** What a link says; null: it is no link, or cannot be read. */
export function linkOrNull(path: string): string | null {
  return orNull(() => readlinkSync(path));
}

/** The file system there; null: it cannot be reached. */
export function statfsOrNull(path: string): StatsFs | null {
  return orNull(() => statfsSync(path));
}

/** Whether a file there may be run, or a folder entered. */
export function isExecutable(path: string): boolean {
  return orNull(() => accessSync(path, constants.X_OK) === undefined) === true;
}

/** Whether a file is there, and may be run. */
export function isExecutableFile(path: string): boolean {
  return isExecutable(path) && statOrNull(path)?.isFile() === true;
}

function orNull<Found>(look: () => Found | null): Found | null {
  try {
    return look();
  } catch {
    return null;
  }
}
