/** Whether a value can be stored as JSON, like everything in the store: a date, a map or a function would be another value after reading it. */
import { isError, messageOf } from '../machines/vocabulary/errors.ts';

/** Deeper than any intended value; a value that contains itself has no end. */
const depthLimit = 100;

/** The part of the value that JSON cannot carry, with its place; null: all of it can be stored. Properties that are undefined are left out, as JSON does. `isKept`: an object that is stored in another form. */
export function jsonProblem(value: unknown, place = '', isKept = isKeptError, depth = 0): string | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null;
  const at = place === '' ? 'it' : place;
  const firstOf = (items: readonly (readonly [place: string, item: unknown])[]) =>
    items.reduce<string | null>((found, [inner, item]) => found ?? jsonProblem(item, inner, isKept, depth + 1), null);
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${at} is ${value}`;
  if (typeof value !== 'object') return value === undefined ? `${at} is undefined` : `${at} is a ${typeof value}`;
  if (depth > depthLimit) return `${at} is too deep, or a circle`;
  if (Array.isArray(value))
    // Not `map`, which passes over holes.
    return firstOf(Array.from(value, (item, index) => [`${place}[${index}]`, item] as const));
  if (isKept(value)) return null;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Only an `Object.prototype`, of whichever realm, inherits from nothing.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return `${at} is a ${value.constructor.name}`;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return firstOf(entries.map(([key, item]) => [place === '' ? key : `${place}.${key}`, item]));
}

/** A copy of it as JSON carries it. Throws a plain Error that names the value that cannot be stored. */
export function asJson(what: string, value: unknown): unknown {
  const problem = jsonProblem(value);
  if (problem !== null) throw new Error(`${what} cannot be kept as JSON: ${problem}`);
  return JSON.parse(JSON.stringify(value));
}

/*
 * Errors in a chart. As in XState a chart gets them as errors, whether a promise was rejected or an actor threw, and may keep them in its context. A row holds
 * them as JSON: the name, the message, and those of their own fields that are texts, numbers or truth values, such as `code`. What lies deeper in an error is
 * left out, since it may be a request with its secrets; so is the stack.
 */

/** In characters. If an error has more data, only its name and the beginning of its message are stored. */
const errorLimit = 8_192;

interface StoredError {
  readonly stator$$type: 'error';
  readonly name: string;
  readonly message: string;
}

/** The error itself, which JSON can carry from then on; anything else as it is. */
export function keptError(thrown: unknown): unknown {
  if (!isError(thrown) || isKeptError(thrown) || !Object.isExtensible(thrown)) return thrown;
  return Object.defineProperty(thrown, 'toJSON', { value: () => storedError(thrown), enumerable: false });
}

function isKeptError(value: object): boolean {
  return Object.hasOwn(value, 'toJSON') && isError(value);
}

/** A thrown value as JSON; of a value that JSON cannot carry and that is no error, its text. */
export function errorAsJson(thrown: unknown): unknown {
  if (isError(thrown)) return storedError(thrown);
  try {
    if (thrown !== undefined && JSON.stringify(thrown).length <= errorLimit) return JSON.parse(JSON.stringify(thrown));
  } catch {
    // A circle, or a bigint.
  }
  return storedError(new Error(messageOf(thrown)));
}

function storedError(error: Error): StoredError {
  const fields = Object.entries(error).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  const own: StoredError = { stator$$type: 'error', name: error.name, message: error.message };
  const all = { ...Object.fromEntries(fields), ...own };
  return JSON.stringify(all).length <= errorLimit ? all : { ...own, message: own.message.slice(0, errorLimit) };
}

/** A copy in which each error that was stored is an error again; the very same value if there is none. */
export function withErrors<Value>(value: Value): Value {
  return replaced(value, (part) => (isStoredError(part) ? errorOf(part) : undefined)) as Value; // of the same form
}

/** A failed effect with its error as plain JSON: one that a chart keeps would become an error at the next restart. */
export function unmarkedError<Failed extends { readonly error?: unknown }>(failed: Failed): Failed {
  const { error } = failed;
  if (typeof error !== 'object' || error === null || !isStoredError(error)) return failed;
  const { stator$$type: _type, ...plain } = error;
  return { ...failed, error: plain };
}

function isStoredError(value: object): value is StoredError {
  return 'stator$$type' in value && value.stator$$type === 'error';
}

function errorOf({ stator$$type: _type, name, message, ...fields }: StoredError): unknown {
  const error = Object.assign(new Error(message), fields);
  // In an error of a class, the name comes from the class and is not a field of the error.
  Object.defineProperty(error, 'name', { value: name, enumerable: false, configurable: true, writable: true });
  error.stack = `${name}: ${message}`;
  return keptError(error);
}

/** A copy with some objects replaced; the very same value where none is. */
export function replaced(value: unknown, by: (value: object) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const other = by(value);
  if (other !== undefined) return other;
  let copy: Record<string, unknown> | null = null;
  for (const [key, inner] of Object.entries(value)) {
    const own = replaced(inner, by);
    if (own === inner) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>; // by its keys
    copy[key] = own;
  }
  return copy ?? value;
}
