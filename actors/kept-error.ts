/**
 * Errors in a chart. As in XState a chart gets them as errors, whether a promise was rejected or an actor threw, and may keep them in its context. A row holds
 * them as JSON: the name, the message, and those of their own fields that are texts, numbers or truth values, such as `code`. What lies deeper in an error is left out, since
 * it may be a request with its secrets; so is the stack.
 */
import { messageOf } from '../machines/vocabulary/errors.ts';

/** Of an error that carries more than this, its name and the begin of its message are kept. */
const errorLimit = 8_192;

interface StoredError {
  readonly stator$$type: 'error';
  readonly name: string;
  readonly message: string;
}

/** The error itself, which JSON can carry from then on; anything else as it is. */
export function keptError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || isKeptError(thrown) || !Object.isExtensible(thrown)) return thrown;
  return Object.defineProperty(thrown, 'toJSON', { value: () => storedError(thrown), enumerable: false });
}

export function isKeptError(value: unknown): boolean {
  return value instanceof Error && Object.hasOwn(value, 'toJSON');
}

/** What was thrown, as JSON: of what JSON cannot carry, and is no error, the words. */
export function errorAsJson(thrown: unknown): unknown {
  if (thrown instanceof Error) return storedError(thrown);
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

/** A copy in which each error that was stored is an error again; the very same value where there is none. */
export function withErrors<Value>(value: Value): Value {
  return replaced(value, (part) => (isStoredError(part) ? errorOf(part) : undefined)) as Value; // of the same form
}

function isStoredError(value: object): value is StoredError {
  return 'stator$$type' in value && value.stator$$type === 'error';
}

function errorOf({ stator$$type: _type, name, message, ...fields }: StoredError): unknown {
  const error = Object.assign(new Error(message), fields);
  // As errors of a class have it, the name is no field of its own where the class says it.
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
