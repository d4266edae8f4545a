/** daemon.toml as somebody saves it: read, checked, and put in force at once. */
import { messageOf } from '../../machines/vocabulary/errors.ts';
import type { Log } from '../base/platform/log.ts';
import { type SavedFile, watchSavedFile } from '../base/platform/saved-file.ts';

export interface SettingsWatchParts {
  /** The daemon.toml in force. */
  file(): string;
  /** Puts it in force, or tells what keeps it from that. */
  readAgain(): Promise<readonly string[]>;
  /** The home is still ours. */
  isOwner(): boolean;
  readonly log: Log;
}

export interface SettingsWatch {
  start(): void;
  /** May be called twice. */
  stop(): Promise<void>;
}

/** A watcher loses events without notice, and a file that is new has none. */
const everyMs = 15_000;
const quietMs = 250;

export function createSettingsWatch({ file, readAgain, isOwner, log }: SettingsWatchParts): SettingsWatch {
  let saved: SavedFile | null = null;

  async function apply(isThere: boolean): Promise<void> {
    // Many editors take a file away before they write it: what is in force stays until a file, a reload or a start says something else.
    if (!isThere) return log.warn(`${file()} is gone; what it said stays in force until the next start or reload`);
    if (!isOwner()) return;
    try {
      await readAgain();
    } catch (thrown) {
      log.warn(`${file()} was changed, and cannot be put in force now: ${messageOf(thrown)}`);
    }
  }

  return {
    start() {
      saved ??= watchSavedFile({ file: file(), everyMs, quietMs, onSave: apply });
    },
    stop: async () => saved?.stop(),
  };
}
