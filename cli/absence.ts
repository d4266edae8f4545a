/** Distinguishes an engine that went away, or waits for its store, from every other failure. */
import { EngineError } from '../machines/vocabulary/errors.ts';

/** The engine that answered before does not answer now: it stopped, or was killed. */
export function isAbsence(thrown: unknown): boolean {
  return thrown instanceof EngineError && (thrown.code === 'unavailable' || thrown.code === 'no_daemon');
}

/** The engine answers, and waits for its store, such as a database that is started again. It goes on by itself. */
export function waitsForStore(thrown: unknown): thrown is EngineError {
  return thrown instanceof EngineError && thrown.code === 'store_locked';
}

/** All streams of the engine are open. One may be free soon, and everything can be read without. */
export function hasNoStream(thrown: unknown): boolean {
  return thrown instanceof EngineError && thrown.code === 'limit_reached';
}
