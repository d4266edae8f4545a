/** An error of a chart's own code, with its place in the author's file: the rest of the stack is XState and the engine, and means nothing to the author. */
import type { AnyStateNode } from 'xstate';
import { isError, messageOf } from '../machines/vocabulary/errors.ts';

/** A frame of V8: `at name (file:line:column)`, or without the name. */
const frame = /^\s*at (?:.*\()?((?:file:\/\/)?(?:\/|[A-Za-z]:[\\/])[^()]*:\d+:\d+)\)?$/;
const ofXState = /[\\/]node_modules[\\/]xstate[\\/]/;
const ofLibraries = /[\\/]node_modules[\\/]/;
/** This very code, from its sources or in a bundle. */
const own = import.meta.dirname;
const placed = /\(at [^()]+:\d+:\d+\)$/;

/** The first frame in a file of the chart's author, as `file:line:column`; null: none was on the stack when the error was made. */
function placeOf(thrown: unknown): string | null {
  const { stack } = Object(thrown) as { readonly stack?: unknown }; // anything can be thrown
  for (const line of typeof stack === 'string' ? stack.split('\n') : []) {
    const place = frame.exec(line)?.[1]?.replace('file://', '');
    if (place === undefined) continue; // of Node itself, or no frame
    if (isOwn(place) || ofXState.test(place)) return null;
    if (!ofLibraries.test(place)) return place;
  }
  return null;
}

function isOwn(place: string): boolean {
  return place.startsWith(`${own}/`) || place.startsWith(`${own}\\`);
}

/** An error with the message of the thrown value, followed by its place. Anything can be thrown: a value that is no error has a text too, and no place. */
export function withPlace(thrown: unknown): Error {
  const words = messageOf(thrown);
  const place = placed.test(words) ? null : placeOf(thrown);
  if (place === null && isError(thrown)) return thrown;
  return new Error(place === null ? words : `${words} (at ${place})`, { cause: thrown });
}

/** XState replaces the error of a guard by a new one and drops its stack: without this its place would be lost. */
export function placeGuards({ transitions, always = [], states }: AnyStateNode): void {
  for (const transition of [...transitions.values(), always].flat()) {
    Object.assign(transition, { guard: withPlaces(transition.guard) });
  }
  for (const state of Object.values(states)) placeGuards(state);
}

type Guard = ((...given: unknown[]) => unknown) & { readonly check?: (...given: unknown[]) => unknown };

/** The guard with the place of what it throws. */
export function withPlaces(guard: unknown): unknown {
  if (typeof guard !== 'function') return guard; // there is none, or it is named: its function has its place
  const called = guard as Guard; // XState calls one of the two
  const { check } = called;
  return Object.assign(
    (...given: unknown[]) => placing(() => decided(called(...given))),
    called,
    check === undefined ? {} : { check: (...given: unknown[]) => placing(() => decided(check(...given))) },
  );
}

/** XState would take any promise for true. */
function decided(answer: unknown): unknown {
  if (!(answer instanceof Promise)) return answer;
  answer.catch(() => {}); // nothing waits for it
  throw new Error('a guard returned a promise, and must answer at once: let a promise of the chart ask first');
}

/** Runs the work, and throws its errors with their places. */
function placing<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw withPlace(thrown);
  }
}
