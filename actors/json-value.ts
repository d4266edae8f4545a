/** Whether a value can be stored as JSON, like everything in the store: a date, a map or a function would be another value after reading it. */
import { isKeptError } from './kept-error.ts';

/** Deeper than any intended value; a value that contains itself has no end. */
const depthLimit = 100;

/** The part of the value that JSON cannot carry, with its place; null: all of it can be stored. Properties that are undefined are left out, as JSON does. */
export function jsonProblem(value: unknown, place = '', depth = 0): string | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null;
  const at = place === '' ? 'it' : place;
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${at} is ${value}`;
  if (typeof value !== 'object') return `${at} is a ${typeof value}`;
  if (depth > depthLimit) return `${at} is too deep, or a circle`;
  if (Array.isArray(value))
    return firstOf(
      value.map((item, index) => [`${place}[${index}]`, item]),
      depth,
    );
  if (isKeptError(value)) return null;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return `${at} is a ${value.constructor.name}`;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return firstOf(
    entries.map(([key, item]) => [place === '' ? key : `${place}.${key}`, item]),
    depth,
  );
}

function firstOf(items: readonly (readonly [string, unknown])[], depth: number): string | null {
  for (const [place, item] of items) {
    const problem = jsonProblem(item, place, depth + 1);
    if (problem !== null) return problem;
  }
  return null;
}

/** A copy of it as JSON carries it. Throws a plain Error that names what cannot be kept. */
export function asJson(what: string, value: unknown): unknown {
  const problem = jsonProblem(value);
  if (problem !== null) throw new Error(`${what} cannot be kept as JSON: ${problem}`);
  return JSON.parse(JSON.stringify(value));
}
