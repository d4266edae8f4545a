/**
 * Checks whether a program's login file is the login that it got, renewed. An agent can write anything there, even a foreign login, and the next program
 * would then use that account, at its cost and visible to its owner. No network request is made: only the file's content is known.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Preset } from '../../../base/config/config.ts';

type Json = Readonly<Record<string, unknown>>;

/** A token without an account name is renewed only shortly before it expires. */
const dueMs = 15 * 60_000;

/** `before` and `after`: the texts of the file. */
export function isRenewal(
  preset: Preset,
  texts: { readonly before: string; readonly after: string },
  nowMs: number,
): boolean {
  const [before, after] = [tableIn(texts.before), tableIn(texts.after)];
  if (before === null || after === null) return false;
  switch (preset) {
    case 'claude':
      return isRenewedClaude(before, after, nowMs);
    case 'codex':
      return isRenewedCodex(before, after);
    case 'gemini':
      return isRenewedGemini(before, after);
    case 'opencode':
      return isRenewedOpencode(before, after, nowMs);
    default:
      return false; // no other program is known to renew its login
  }
}

/** `{claudeAiOauth: {accessToken, refreshToken, expiresAt, …}}`: its tokens do not name an account. */
function isRenewedClaude(before: Json, after: Json, nowMs: number): boolean {
  const [old, fresh] = [tableOf(before.claudeAiOauth), tableOf(after.claudeAiOauth)];
  if (old === null || fresh === null || !isSameBut(before, after, ['claudeAiOauth'])) return false;
  return (
    isSameBut(old, fresh, ['accessToken', 'refreshToken', 'refreshTokenExpiresAt', 'expiresAt']) &&
    isDue(old.expiresAt, fresh.expiresAt, nowMs)
  );
}

/** `{tokens: {id_token, access_token, refresh_token, account_id}, last_refresh}`: the first two are signed, and name the account. */
function isRenewedCodex(before: Json, after: Json): boolean {
  const [old, fresh] = [tableOf(before.tokens), tableOf(after.tokens)];
  if (old === null || fresh === null || !isSameBut(before, after, ['tokens', 'last_refresh'])) return false;
  return (
    isSameBut(old, fresh, ['id_token', 'access_token', 'refresh_token']) &&
    ['id_token', 'access_token'].every((name) => isSameAccount(old[name], fresh[name]))
  );
}

/** `{access_token, refresh_token, id_token, expiry_date, …}`: Google issues no new refresh token, so it identifies the account. */
function isRenewedGemini(before: Json, after: Json): boolean {
  return (
    isSameBut(before, after, ['access_token', 'id_token', 'expiry_date']) &&
    typeof after.refresh_token === 'string' &&
    isSameAccount(before.id_token, after.id_token)
  );
}

/** One table for each service: `{type: "api", key}`, or `{type: "oauth", access, refresh, expires, …}`. */
function isRenewedOpencode(before: Json, after: Json, nowMs: number): boolean {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].every((name) => {
    if (isSame(before[name], after[name])) return true;
    const [old, fresh] = [tableOf(before[name]), tableOf(after[name])];
    if (old === null || fresh === null || old.type !== 'oauth') return false;
    return isSameBut(old, fresh, ['access', 'refresh', 'expires']) && isDue(old.expires, fresh.expires, nowMs);
  });
}

function isDue(before: unknown, after: unknown, nowMs: number): boolean {
  return typeof before === 'number' && typeof after === 'number' && before <= nowMs + dueMs && after > before;
}

/** Compares two signed tokens; if the first is missing, the second must be missing too. */
function isSameAccount(before: unknown, after: unknown): boolean {
  if (before === undefined || before === null) return after === undefined || after === null;
  const [old, fresh] = [claimsOf(before), claimsOf(after)];
  return old !== null && fresh !== null && ['iss', 'sub', 'email'].every((name) => old[name] === fresh[name]);
}

/** The claims of a JSON Web Token; its signature is not checked. */
function claimsOf(token: unknown): Json | null {
  const part = typeof token === 'string' ? token.split('.')[1] : undefined;
  return part === undefined ? null : tableIn(Buffer.from(part, 'base64url').toString('utf8'));
}

function isSameBut(before: Json, after: Json, names: readonly string[]): boolean {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].every((key) => names.includes(key) || isSame(before[key], after[key]));
}

function isSame(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(one, other);
}

function tableIn(text: string): Json | null {
  try {
    return tableOf(JSON.parse(text));
  } catch {
    return null; // incomplete, or no token
  }
}

function tableOf(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}
