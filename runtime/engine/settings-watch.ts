/** Puts daemon.toml in force as soon as a person saves it: read, checked, and applied. */
import type { Troubles } from '../base/platform/poll-loop.ts';
import { type SavedFile, watchSavedFile } from '../base/platform/saved-file.ts';

export interface SettingsWatchParts {
  /** The daemon.toml in force. */
  file(): string;
  /** Puts it in force, or reports why it cannot. */
  notice(saved: { readonly isThere: boolean }): Promise<void>;
  /** The home is still ours. */
  isOwner(): boolean;
  readonly troubles: Troubles;
}

/** A watcher loses events without notice, and a file that is new has none. */
const everyMs = 15_000;
const quietMs = 250;

export function createSettingsWatch({ file, notice, isOwner, troubles }: SettingsWatchParts) {
  let saved: SavedFile | null = null;

  async function apply(isThere: boolean): Promise<void> {
    if (!isOwner()) return;
    const trouble = { what: `what was changed in ${file()} is not in force`, isRare: true } as const;
    try {
      await notice({ isThere });
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
