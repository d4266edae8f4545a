/** Replacing a file so that readers see the old text or the new one, never a part of it. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isError } from '../../../machines/vocabulary/errors.ts';

export interface ReplaceOptions {
  /** Its permissions; default: those that the umask leaves. */
  readonly mode?: number;
  /** Whether a power failure, too, leaves the old text or the new one; default: it may leave an empty file. */
  readonly isSynced?: boolean;
  /** For a file with one writer only: where it is written first. It may stay there after a failure or a kill, and is written over the next time. Default: a new name, taken away after a failure. */
  readonly draft?: string;
}

/** Writes `text` beside `path` and renames it over. Throws the system's error, its `path` always set. */
export function replaceFile(path: string, text: string | Uint8Array, options: ReplaceOptions = {}): void {
  const isNew = options.draft === undefined;
  const draft = options.draft ?? newDraft(path);
  try {
    writeDraft(draft, text, { ...options, isNew });
    renameSync(draft, path);
  } catch (thrown) {
    if (isNew) rmSync(draft, { force: true });
    // When a disk is full, the system does not say which file it was about.
    if (isError(thrown) && !('path' in thrown)) Object.assign(thrown, { path: draft });
    throw thrown;
  }
}

/** As `replaceFile` with `isSynced`; only the sync is awaited, since a disk that is busy may take long for it. */
export async function replaceFileSynced(path: string, text: string, mode: number): Promise<void> {
  const draft = newDraft(path);
  try {
    writeDraft(draft, text, { mode, isNew: true });
    await syncFile(draft);
    renameSync(draft, path);
  } catch (thrown) {
    rmSync(draft, { force: true });
    throw thrown;
  }
}

/** What a file or folder holds survives a power failure when this has resolved. */
export async function syncFile(path: string): Promise<void> {
  const descriptor = openSync(path, 'r');
  try {
    await promisify(fsync)(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function newDraft(path: string): string {
  return `${path}.${process.pid}-${randomBytes(6).toString('hex')}`;
}

/** Takes away what a kill of `replaceFile` left beside `path`. For a file that no other process writes now. */
export function removeDrafts(path: string): void {
  const folder = dirname(path);
  for (const name of readdirSync(folder))
    if (name.startsWith(basename(path)) && /^\.\d+-[0-9a-f]{12}$/.test(name.slice(basename(path).length)))
      rmSync(join(folder, name), { force: true });
}

function writeDraft(draft: string, text: string | Uint8Array, how: ReplaceOptions & { isNew: boolean }): void {
  const descriptor = openSync(draft, how.isNew ? 'wx' : 'w', how.mode);
  try {
    if (how.mode !== undefined && how.isNew) fchmodSync(descriptor, how.mode); // the umask may have taken some of it
    writeFileSync(descriptor, text);
    if (how.isSynced === true) fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
