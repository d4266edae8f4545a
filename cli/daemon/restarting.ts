/** Announces that a daemon which leaves its home comes back at once, so that a `run` that it served does not take the home meanwhile. */
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A daemon starts, or fails to, within this. An older announcement is of a command that was killed. */
const announcedMs = 60_000;

const markOf = (home: string) => join(home, 'daemon.restarts');

/** Throws the system's error. Call it again when the old one has gone: it may have taken its time. */
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
