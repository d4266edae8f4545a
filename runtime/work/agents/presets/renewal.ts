/**
 * Whether what a program left as its login is the login that it was given, renewed. An agent can write anything there, the login of somebody else too, and the
 * next program would work for that account, on its bill or under its eyes. Nothing is asked over the network: what the file says is all that is known.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Preset } from '../../../base/config/config.ts';

type Json = Readonly<Record<string, unknown>>;

/** A token that names no account is renewed shortly before it runs out, and at no other time. */
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
      return false; // none is known to renew its login
  }
}

/** `{claudeAiOauth: {accessToken, refreshToken, expiresAt, …}}`: its tokens name no account. */
function isRenewedClaude(before: Json, after: Json, nowMs: number): boolean {
  const [old, fresh] = [tableOf(before.claudeAiOauth), tableOf(after.claudeAiOauth)];
  if (old === null || fresh === null || !isSameBut(before, after, ['claudeAiOauth'])) return false;
  return (
    isSameBut(old, fresh, ['accessToken', 'refreshToken', 'refreshTokenExpiresAt', 'expiresAt']) &&
    isDue(old.expiresAt, fresh.expiresAt, nowMs)
  );
}

/** `{tokens: {id_token, access_token, refresh_token, account_id}, last_refresh}`: both first ones are signed, and name the account. */
function isRenewedCodex(before: Json, after: Json): boolean {
  const [old, fresh] = [tableOf(before.tokens), tableOf(after.tokens)];
  if (old === null || fresh === null || !isSameBut(before, after, ['tokens', 'last_refresh'])) return false;
  return (
    isSameBut(old, fresh, ['id_token', 'access_token', 'refresh_token']) &&
    ['id_token', 'access_token'].every((name) => isSameAccount(old[name], fresh[name]))
  );
}

/** `{access_token, refresh_token, id_token, expiry_date, …}`: Google gives no new refresh token, which is what the account is. */
function isRenewedGemini(before: Json, after: Json): boolean {
  return (
    isSameBut(before, after, ['access_token', 'id_token', 'expiry_date']) &&
    typeof after.refresh_token === 'string' &&
    isSameAccount(before.id_token, after.id_token)
  );
}

/** A table a service: `{type: "api", key}`, or `{type: "oauth", access, refresh, expires, …}`. */
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

/** Of two signed tokens; where there was none, there is none. */
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
    return null; // half written, or none
  }
}

function tableOf(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}
