/** Distinguishes an engine that went away from every other failure. */
import { EngineError } from '../machines/vocabulary/errors.ts';

/** The engine that answered before does not answer now: it stopped, or was killed. */
export function isAbsence(thrown: unknown): boolean {
  return thrown instanceof EngineError && (thrown.code === 'unavailable' || thrown.code === 'no_daemon');
}
