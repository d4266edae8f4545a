/**
 * The key and the tokens of the page. The daemon stores a key for its page in the home, and derives from it a token for each run of the daemon.
 *
 * The token is sent over the network, and it is valid only while the daemon runs. A process may take the port of a dead daemon (an agent with the machine's
 * network can) and receive the token from a page that has not noticed. That token is useless, because the next daemon accepts another one. The key itself is
 * only in the page's memory, never in the browser's storage. The page derives the next token from it, after the next daemon has proven for this very address
 * that it has the key too.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { z } from 'zod';
import { replaceFile } from '../../base/platform/atomic-file.ts';
import { ensureHome } from '../../base/platform/home.ts';
import { readPrivate } from '../../base/platform/private-file.ts';
import { inspectorFile } from './place.ts';

/** 192 bits, for the key and for the values derived from it. */
const secretBytes = 24;
/** A page that was away for this long is not accepted any more. */
const idleMs = 24 * 60 * 60 * 1_000;
/** The file's time of the last visit may be this old. */
const notedMs = 10 * 60 * 1_000;

const stored = z.strictObject({
  key: z.string().regex(/^[\w-]{32}$/),
  port: z.int().min(1).max(65_535),
  used_at: z.int().min(0),
});

export interface InspectorKey {
  /** The key in base64url; a page holds it in memory. */
  readonly key: string;
  /** The last used port. */
  readonly port: number | null;
}

/** The key that pages of an earlier daemon still have; null: there is none, it is too old, or its file is damaged. */
export function readKey(home: string, nowMs: number): InspectorKey | null {
  const file = inspectorFile(home);
  try {
    const text = readPrivate(file, 'it is made anew');
    if (text === null) return null;
    const { key, port, used_at: usedAt } = stored.parse(JSON.parse(text));
    if (nowMs - usedAt <= idleMs) return { key, port };
  } catch {
    // The file holds no key: a new one is made, and earlier pages must be opened again.
  }
  rmSync(file, { force: true, recursive: true });
  return null;
}

export function newKey(): InspectorKey {
  return { key: randomBytes(secretBytes).toString('base64url'), port: null };
}

/** Writes the time of a page's visit, at most every ten minutes; with `isNew` at once. Throws the system's error. */
export function createNote(home: string): (key: string, port: number, nowMs: number, isNew?: boolean) => void {
  let notedAtMs = 0;
  return (key, port, nowMs, isNew = false) => {
    if (!isNew && nowMs - notedAtMs < notedMs) return;
    notedAtMs = nowMs;
    ensureHome(home);
    replaceFile(inspectorFile(home), `${JSON.stringify({ key, port, used_at: nowMs })}\n`, { mode: 0o600 });
  };
}

/** A random name: for this run of the daemon, and for tickets and nonces. */
export function newName(): string {
  return randomBytes(secretBytes).toString('base64url');
}

/** The token of this run of the daemon at this address (`127.0.0.1:41233`): 32 characters. A page derives the same token from the key. */
export function tokenOf({ key, address, life }: { key: string; address: string; life: string }): string {
  return sealed(key, `token ${address} ${life}`);
}

/** The same, but valid only for watching by Stately's protocol. */
export function watchTokenOf({ key, address, life }: { key: string; address: string; life: string }): string {
  return sealed(key, `watch ${address} ${life}`);
}

/** Proves that this side has the key. The proof covers an address, a run of the daemon and a nonce of the page, so it is useless elsewhere. */
export function proofOf({ key, address, life, nonce }: { key: string; address: string; life: string; nonce: string }) {
  return sealed(key, `proof ${address} ${life} ${nonce}`);
}

/** Derives a key for that purpose. The secret cannot be computed from it. */
export function derivedKey(secret: string, purpose: string): string {
  return sealed(secret, purpose);
}

function sealed(key: string, text: string): string {
  return createHmac('sha256', Buffer.from(key, 'base64url'))
    .update(text)
    .digest()
    .subarray(0, secretBytes)
    .toString('base64url');
}
