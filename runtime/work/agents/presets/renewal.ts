/**
 * Checks whether a program's login file is the login that it got, renewed. An agent can write anything there, even a foreign login, and the next program
 * would then use that account, at its cost and visible to its owner. No network request is made: only the file's content is known.
 */
import { isDeepStrictEqual } from 'node:util';

export type Json = Readonly<Record<string, unknown>>;

/** A token without an account name is renewed only shortly before it expires. */
const dueMs = 15 * 60_000;

/** `before` and `after`: the texts of the file. */
export function isRenewal(
  program: { isRenewed?(before: Json, after: Json, nowMs: number): boolean },
  texts: { readonly before: string; readonly after: string },
  nowMs: number,
): boolean {
  const [before, after] = [tableIn(texts.before), tableIn(texts.after)];
  if (before === null || after === null) return false;
  return program.isRenewed?.(before, after, nowMs) ?? false;
}

export function isDue(before: unknown, after: unknown, nowMs: number): boolean {
  return typeof before === 'number' && typeof after === 'number' && before <= nowMs + dueMs && after > before;
}

/** Compares two signed tokens; if the first is missing, the second must be missing too. */
export function isSameAccount(before: unknown, after: unknown): boolean {
  if (before === undefined || before === null) return after === undefined || after === null;
  const [old, fresh] = [claimsOf(before), claimsOf(after)];
  return old !== null && fresh !== null && ['iss', 'sub', 'email'].every((name) => old[name] === fresh[name]);
}

/** The claims of a JSON Web Token; its signature is not checked. */
function claimsOf(token: unknown): Json | null {
  const part = typeof token === 'string' ? token.split('.')[1] : undefined;
  return part === undefined ? null : tableIn(Buffer.from(part, 'base64url').toString('utf8'));
}

export function isSameBut(before: Json, after: Json, names: readonly string[]): boolean {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].every((key) => names.includes(key) || isSame(before[key], after[key]));
}

export function isSame(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(one, other);
}

function tableIn(text: string): Json | null {
  try {
    return tableOf(JSON.parse(text));
  } catch {
    return null; // incomplete, or no token
  }
}

export function tableOf(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}
