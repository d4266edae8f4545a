/** What a chart's own code threw, with the place in its file: XState and the engine are on the stack behind it, and mean nothing to its author. */
import { messageOf } from '../machines/vocabulary/errors.ts';

/** A frame of V8: `at name (file:line:column)`, or without the name. */
const frame = /^\s*at (?:.*\()?((?:file:\/\/)?(?:\/|[A-Za-z]:[\\/])[^()]*:\d+:\d+)\)?$/;
const ofXState = /[\\/]node_modules[\\/]xstate[\\/]/;
const ofLibraries = /[\\/]node_modules[\\/]/;
/** This very code, from its sources or in a bundle. */
const own = import.meta.dirname;
const placed = /\(at [^()]+:\d+:\d+\)$/;

/** The first frame in a file of the chart's author, as `file:line:column`; null: none was on the stack when the error was made. */
function placeOf(thrown: unknown): string | null {
  const stack: unknown = typeof thrown === 'object' && thrown !== null && 'stack' in thrown ? thrown.stack : '';
  for (const line of typeof stack === 'string' ? stack.split('\n') : []) {
    const place = frame.exec(line)?.[1]?.replace(/^file:\/\//, '');
    if (place === undefined || place.startsWith('node:')) continue;
    if (place.startsWith(own) || ofXState.test(place)) return null;
    if (!ofLibraries.test(place)) return place;
  }
  return null;
}

/** An error with the words of what was thrown, and its place behind them. Anything can be thrown: what is no error has words too, and no place. */
export function withPlace(thrown: unknown): Error {
  const words = messageOf(thrown);
  const place = placed.test(words) ? null : placeOf(thrown);
  if (place === null && thrown instanceof Error) return thrown;
  return new Error(place === null ? words : `${words} (at ${place})`, { cause: thrown });
}
