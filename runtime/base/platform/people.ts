/**
 * People besides the owner of the home: each has a token with a role, and only the token's hash is stored. Each person has a file of their own, so that adding
 * and removing people at the same time causes no conflict.
 */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { ensureHome } from './home.ts';
import { readPrivate } from './private-file.ts';
import { systemCode } from './system-code.ts';
import { isSameSecret, newToken, tokenHash } from './token.ts';

/** Each role includes the rights of the one before it. */
export const personRoles = ['look', 'answer', 'steer'] as const;
export type PersonRole = (typeof personRoles)[number];

export interface Person {
  readonly name: string;
  readonly role: PersonRole;
  /** The SHA-256 of the token, in hex. */
  readonly hash: string;
  readonly createdAt: number;
}

const mostPeople = 100;
const nameForm = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const stored = z.strictObject({
  role: z.enum(personRoles),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  created_at: z.int().min(0),
});

/** Throws `bad_request`. */
function checkPersonName(name: string): string {
  if (nameForm.test(name)) return name;
  throw new EngineError(
    'bad_request',
    `"${name.slice(0, 100)}" cannot be the name of a token`,
    'take up to 64 of a-z 0-9 - _, beginning with a letter or a digit',
  );
}

/** null: there is no person of that name. Throws `home_unusable` if the file is not private to this user, or is damaged. */
export function readPerson(home: string, name: string): Person | null {
  if (!nameForm.test(name)) return null;
  const file = join(peopleFolder(home), name);
  const anew = `take it away: stator token remove ${name}`;
  const text = readPrivate(file, anew);
  if (text === null) return null;
  try {
    const { role, hash, created_at: createdAt } = stored.parse(JSON.parse(text));
    return { name, role, hash, createdAt };
  } catch (cause) {
    throw new EngineError('home_unusable', `${file} holds no person`, anew, { cause });
  }
}

/** Sorted by name. Throws as `readPerson`. */
export function readPeople(home: string): Person[] {
  return namesIn(home).flatMap((name) => readPerson(home, name) ?? []);
}

/** The person whose token that is; null: none. Throws as `readPerson`. */
export function personOfToken(home: string, token: string): Person | null {
  const [name = '', secret] = token.split('.');
  const person = secret === undefined ? null : readPerson(home, name);
  return person !== null && isSameSecret(tokenHash(token), person.hash) ? person : null;
}

/** The token, which cannot be read again: `<name>.<43 characters>`. Throws `bad_request`, `conflict`, `limit_reached`, `home_unusable`. */
export function addPerson(home: string, { name, role }: Pick<Person, 'name' | 'role'>, nowMs: number): string {
  checkPersonName(name);
  ensureHome(home);
  const folder = peopleFolder(home);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (namesIn(home).length >= mostPeople)
    throw new EngineError(
      'limit_reached',
      `there are ${mostPeople} tokens`,
      'take one away: stator token remove <name>',
    );
  const token = `${name}.${newToken()}`;
  const file = join(folder, name);
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx', 0o600);
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST')
      throw new EngineError('home_unusable', `${file} cannot be written`, 'see that the home has room', { cause });
    const hint = `for another role or a new token take it away first: stator token remove ${name}`;
    throw new EngineError('conflict', `${name} has a token already`, hint);
  }
  try {
    writeFileSync(descriptor, `${JSON.stringify({ role, hash: tokenHash(token), created_at: nowMs })}\n`);
  } catch (cause) {
    rmSync(file, { force: true });
    throw new EngineError('home_unusable', `${file} cannot be written`, 'see that the home has room', { cause });
  } finally {
    closeSync(descriptor);
  }
  return token;
}

/** false: there was no person of that name. Throws `bad_request`, the system's error. */
export function removePerson(home: string, name: string): boolean {
  const isThere = namesIn(home).includes(checkPersonName(name));
  rmSync(join(peopleFolder(home), name), { force: true, recursive: true });
  return isThere;
}

function peopleFolder(home: string): string {
  return join(home, 'people');
}

function namesIn(home: string): string[] {
  try {
    return readdirSync(peopleFolder(home))
      .filter((name) => nameForm.test(name))
      .sort();
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}
