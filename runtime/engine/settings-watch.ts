/** Puts daemon.toml in force as soon as a person saves it: read, checked, and applied. */
import type { Log } from '../base/platform/log.ts';
import type { Troubles } from '../base/platform/poll-loop.ts';
import { type SavedFile, watchSavedFile } from '../base/platform/saved-file.ts';

export interface SettingsWatchParts {
  /** The daemon.toml in force. */
  file(): string;
  /** Puts it in force, or reports why it cannot. */
  readAgain(): Promise<readonly string[]>;
  /** The home is still ours. */
  isOwner(): boolean;
  readonly log: Log;
  readonly troubles: Troubles;
}

/** A watcher loses events without notice, and a file that is new has none. */
const everyMs = 15_000;
const quietMs = 250;

export function createSettingsWatch({ file, readAgain, isOwner, log, troubles }: SettingsWatchParts) {
  let saved: SavedFile | null = null;

  async function apply(isThere: boolean): Promise<void> {
    // Many editors delete a file before they write it: the settings in force stay until a file, a reload or a start changes them.
    if (!isThere) return log.warn(`${file()} is gone; what it said stays in force until the next start or reload`);
    if (!isOwner()) return;
    const trouble = { what: `what was changed in ${file()} is not in force`, isRare: true } as const;
    try {
      await readAgain();
      troubles.worked(trouble);
    } catch (thrown) {
      troubles.failed({ ...trouble, hint: 'put it in force: stator daemon reload' }, thrown);
    }
  }

  return {
    start() {
      saved ??= watchSavedFile({ file: file(), everyMs, quietMs, onSave: apply });
    },
    /** May be called twice. */
    stop: async () => saved?.stop(),
  };
}
