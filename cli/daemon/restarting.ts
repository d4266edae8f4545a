/** Announces that a daemon will restart, so that a `run` that it served waits for it and does not take the home. */
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A daemon has started or failed within this time. An older announcement is left from a command that was killed. */
const announcedMs = 60_000;

const markOf = (home: string) => join(home, 'daemon.restarts');

/** Throws the system's error. Call it again when the old daemon has ended, since that may have taken long. */
export function announceRestart(home: string): void {
  writeFileSync(markOf(home), '', { mode: 0o600 });
}

export function restartIsOver(home: string): void {
  rmSync(markOf(home), { force: true });
}

export function isRestarting(home: string): boolean {
  const mark = statSync(markOf(home), { throwIfNoEntry: false });
  return mark !== undefined && Date.now() - mark.mtimeMs < announcedMs;
}
