/** The token of a home: a caller with it over TCP acts as the owner of the home. */
import { join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { replaceFile } from './atomic-file.ts';
import { ensureHome } from './home.ts';
import { readPrivate } from './private-file.ts';
import { newToken } from './token.ts';

const anew = 'make a new one: stator token rotate';

export function homeTokenFile(home: string): string {
  return join(home, 'token');
}

/** The present token; null: there is none yet. Throws `home_unusable` if the file is not private to this user, or contains no token. */
export function readHomeToken(home: string): string | null {
  const file = homeTokenFile(home);
  const text = readPrivate(file, anew);
  const token = text?.trim() ?? null;
  if (token === null || /^[\w-]{43,200}$/.test(token)) return token;
  throw new EngineError('home_unusable', `${file} holds no token`, anew);
}

/** The token, which is made if there is none. Throws `home_unusable`. */
export function ensureHomeToken(home: string): string {
  return readHomeToken(home) ?? rotateHomeToken(home);
}

/** Replaces the token; the old one is invalid from now on. Throws `home_unusable`. */
export function rotateHomeToken(home: string): string {
  ensureHome(home);
  const file = homeTokenFile(home);
  const token = newToken();
  try {
    replaceFile(file, `${token}\n`, { mode: 0o600, isSynced: true });
  } catch (cause) {
    const hint = 'see that it is no folder, and that the home has room';
    throw new EngineError('home_unusable', `${file} cannot be written`, hint, { cause });
  }
  return token;
}
