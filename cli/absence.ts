/** How it is told that an engine went away, from everything else that it may answer. */
import { EngineError } from '../machines/vocabulary/errors.ts';

/** Whoever answered before does not now: it stopped, or was killed. */
export function isAbsence(thrown: unknown): boolean {
  return thrown instanceof EngineError && (thrown.code === 'unavailable' || thrown.code === 'no_daemon');
}
