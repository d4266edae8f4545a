/**
 * Who may watch. The daemon has a key for its page, which it keeps in the home over its deaths, and makes of it a token for each of its lives.
 *
 * A token is what goes through the wire, and it dies with the daemon. So who takes the port of a dead daemon (an agent with the network of this
 * machine can) and is sent one by a page that does not know yet, has nothing: the next daemon takes another. The key itself is in the memory of a
 * page alone, never in what a browser stores; with it the page makes the next token, once the next daemon has proven that it has the key too, for
 * this address and no other.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { z } from 'zod';
import { replaceFile } from '../../base/platform/atomic-file.ts';
import { ensureHome } from '../../base/platform/home.ts';
import { readPrivate } from '../../base/platform/private-file.ts';
import { inspectorFile } from './place.ts';

/** 192 bits, for the key and for what is made of it. */
const secretBytes = 24;
/** A page that was not there for so long is let in no more. */
const idleMs = 24 * 60 * 60 * 1_000;
/** How stale the file's word on when a page was last there may be. */
const notedMs = 10 * 60 * 1_000;

const stored = z.strictObject({
  key: z.string().regex(/^[\w-]{32}$/),
  port: z.int().min(1).max(65_535),
  used_at: z.int().min(0),
});

export interface InspectorKey {
  /** Base64url: what a page keeps in its memory. */
  readonly key: string;
  /** The port of the last time. */
  readonly port: number | null;
}

/** The key that pages of an earlier life still have; null: there is none, it is too old, or its file is not as it should be. */
export function readKey(home: string, nowMs: number): InspectorKey | null {
  const file = inspectorFile(home);
  try {
    const text = readPrivate(file, 'it is made anew');
    if (text === null) return null;
    const { key, port, used_at: usedAt } = stored.parse(JSON.parse(text));
    if (nowMs - usedAt <= idleMs) return { key, port };
  } catch {
    // Whatever lies there is no key: another one is made, and pages of before are told to be opened anew.
  }
  rmSync(file, { force: true, recursive: true });
  return null;
}

export function newKey(): InspectorKey {
  return { key: randomBytes(secretBytes).toString('base64url'), port: null };
}

/** Notes that a page was there, at most every ten minutes. `isNew`: at once. Throws the system's error. */
export function createNote(home: string): (key: string, port: number, nowMs: number, isNew?: boolean) => void {
  let notedAtMs = 0;
  return (key, port, nowMs, isNew = false) => {
    if (!isNew && nowMs - notedAtMs < notedMs) return;
    notedAtMs = nowMs;
    ensureHome(home);
    replaceFile(inspectorFile(home), `${JSON.stringify({ key, port, used_at: nowMs })}\n`, { mode: 0o600 });
  };
}

/** A name for this life of the daemon, and for whatever else is told once. */
export function newName(): string {
  return randomBytes(secretBytes).toString('base64url');
}

/** The token of that life at that address (`127.0.0.1:41233`): 32 characters. A page makes the same of the key. */
export function tokenOf({ key, address, life }: { key: string; address: string; life: string }): string {
  return sealed(key, `token ${address} ${life}`);
}

/** The same, good for watching by Stately's protocol and for nothing else. */
export function watchTokenOf({ key, address, life }: { key: string; address: string; life: string }): string {
  return sealed(key, `watch ${address} ${life}`);
}

/** That this side has the key: about an address, a life and a word that the page has chosen, so that it is of no use elsewhere. */
export function proofOf({ key, address, life, nonce }: { key: string; address: string; life: string; nonce: string }) {
  return sealed(key, `proof ${address} ${life} ${nonce}`);
}

/** A key for that purpose, of which the secret cannot be known. */
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
