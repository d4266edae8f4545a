/** Reads one line of a program's output, field by field: whatever it contains, nothing here throws. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** Longer lines contain a file or an output, never an event that a reader needs. */
export const LINE_LIMIT_BYTES = 1024 * 1024;

/** The object on this line; null: it is no JSON object. */
export function objectOf(line: string): JsonObject | null {
  if (!line.startsWith('{')) return null;
  try {
    return asObject(JSON.parse(line));
  } catch {
    return null; // an incomplete line, or a text that begins with a brace
  }
}

/** The object at a path of keys; undefined or null: none. */
export function objectAt(value: JsonObject, ...path: readonly string[]): JsonObject | null {
  return asObject(at(value, path));
}

/** A text if it is not empty. */
export function textAt(value: JsonObject, ...path: readonly string[]): string | null {
  const found = at(value, path);
  return typeof found === 'string' && found !== '' ? found : null;
}

/** A number if it is finite and not negative. */
export function numberAt(value: JsonObject, ...path: readonly string[]): number | null {
  const found = at(value, path);
  return typeof found === 'number' && Number.isFinite(found) && found >= 0 && found <= Number.MAX_SAFE_INTEGER
    ? found
    : null;
}

/** A time in seconds since the epoch, as whole milliseconds; null: there is none, or none that a date can hold. */
export function timeAt(value: JsonObject, ...path: readonly string[]): number | null {
  const seconds = numberAt(value, ...path);
  const ms = seconds === null ? Number.NaN : new Date(Math.ceil(seconds * 1000)).getTime();
  return Number.isNaN(ms) ? null : ms;
}

/** The objects of the list at the path; empty if there is no list. */
export function listAt(value: JsonObject, ...path: readonly string[]): JsonObject[] {
  const found = at(value, path);
  if (!Array.isArray(found)) return [];
  return found.map(asObject).filter((entry) => entry !== null);
}

/** The texts of the list at the path. */
export function textsAt(value: JsonObject, ...path: readonly string[]): string[] {
  const found = at(value, path);
  return Array.isArray(found) ? found.filter((entry) => typeof entry === 'string') : [];
}

function at(value: JsonObject, path: readonly string[]): unknown {
  let found: unknown = value;
  for (const key of path) {
    const object = asObject(found);
    if (object === null || !Object.hasOwn(object, key)) return undefined;
    found = object[key];
  }
  return found;
}

function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null; // only read by key
}

/** The numbers of a list; empty if there is no list. */
export function numbersAt(object: JsonObject, key: string): number[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter((item): item is number => typeof item === 'number') : [];
}

/** Whether a line of a log comes from the relay itself; the relay never lets its program write such a line. */
export function isRelayLine(event: JsonObject): boolean {
  return Object.hasOwn(event, 'stator');
}
