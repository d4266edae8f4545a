/**
 * How this page is authorized. The token comes in the address, which is cleared at once. It is valid until the daemon ends, and this tab stores it
 * for reloads. The key makes the token of the next daemon; it is in the memory of this page alone, and no script can read it. The page uses the key
 * only after the other side has proven that it has the same key for this address: another program may own the port of a dead daemon.
 */
import { ofTab } from './browser-storage.ts';
import { enter } from './enter.ts';

const storageName = 'stator.token';

/** What the person at this page may do: answer questions, or do everything that the page offers. */
export type Need = 'answer' | 'steer';

export interface Session {
  /** The name of the token's person; null: the owner of the home. */
  person(): string | null;
  /** `owner`, or the role of that token. */
  role(): string;
  may(need: Need): boolean;
  /** Whether the sender's role permits a signal of that type. */
  maySend(type: string): boolean;
  /** For a token that a person typed; false: the token is not valid. */
  enter(typed: string): Promise<boolean>;
  token(): string | null;
  /** Signs out: this tab forgets its token and key. */
  leave(): void;
  /** Takes the token from the address or the tab; false: there is no valid one. */
  begin(): Promise<boolean>;
  /** Another program may have taken the port: what was requested is given up, and no token is sent until `renew` returns `ready`. */
  doubt(): void;
  /** Aborted by the next `doubt`: the connection of a request may be dead although nothing has closed it. */
  untilDoubt(): AbortSignal;
  /** After the daemon was away: whether it is there again, and a token for it; `stranger`: another program answers. */
  renew(): Promise<'ready' | 'away' | 'stranger' | 'locked'>;
}

const secretBytes = 24;
/** A daemon that does not greet for this long is away. */
const helloMs = 10_000;

interface Login {
  readonly person: string | null;
  readonly role: string;
  /** The signals that answer questions. */
  readonly answers: readonly string[];
}

export function createSession(): Session {
  let token: string | null = null;
  let key: CryptoKey | null = null;
  let isProven = false;
  let doubted = new AbortController();
  let login: Login = { person: null, role: 'look', answers: [] };

  function keep(given: string | null): void {
    token = given;
    ofTab.set(storageName, given);
  }

  async function takeAddress(): Promise<void> {
    const words = new URLSearchParams(location.hash.slice(1));
    const [given, once] = [words.get('token'), words.get('once')];
    if (given === null && once === null) return;
    history.replaceState(null, '', location.pathname);
    if (given !== null) keep(given);
    const entered = once === null ? null : await enter(once);
    if (entered !== null) keep(entered);
  }

  async function takeKey(): Promise<boolean> {
    if (token === null) return false;
    const answer = await fetch('/session/key', { headers: bearer(token) });
    if (!answer.ok) return false;
    const { key: text, ...own } = (await answer.json()) as Login & { key: string };
    login = own;
    key = await crypto.subtle.importKey('raw', bytesOf(text), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    return true;
  }

  async function sealed(by: CryptoKey, text: string): Promise<string> {
    const bytes = await crypto.subtle.sign('HMAC', by, new TextEncoder().encode(text));
    return textOf(new Uint8Array(bytes).slice(0, secretBytes));
  }

  const may = (need: Need) => ['steer', 'owner', ...(need === 'answer' ? ['answer'] : [])].includes(login.role);

  return {
    person: () => login.person,
    role: () => login.role,
    leave: () => keep(null),
    may,
    maySend: (type) => may(login.answers.includes(type) ? 'answer' : 'steer'),
    async enter(typed) {
      const entered = await enter(typed);
      keep(entered);
      isProven = entered !== null && (await takeKey());
      return isProven;
    },
    token: () => (isProven ? token : null),
    doubt() {
      isProven = false;
      doubted.abort();
      doubted = new AbortController();
    },
    untilDoubt: () => doubted.signal,
    async begin() {
      token = ofTab.get(storageName);
      try {
        await takeAddress();
        isProven = await takeKey();
        if (isProven) return true;
      } catch {
        // Nothing answers, and a new token needs the key.
      }
      keep(null);
      return false;
    },
    async renew() {
      if (key === null) return 'locked';
      const nonce = textOf(crypto.getRandomValues(new Uint8Array(secretBytes)));
      let said: { life?: unknown; proof?: unknown };
      try {
        const person = login.person === null ? '' : `&person=${login.person}`;
        const answer = await fetch(`/session/hello?nonce=${nonce}${person}`, { signal: AbortSignal.timeout(helloMs) });
        if (answer.status === 401) return 'locked';
        said = (await answer.json()) as typeof said;
      } catch {
        return 'away';
      }
      const { life, proof } = said;
      if (typeof life !== 'string' || proof !== (await sealed(key, `proof ${location.host} ${life} ${nonce}`)))
        return 'stranger';
      const next = await sealed(key, `token ${location.host} ${life}`);
      keep(login.person === null ? next : `${login.person}.${next}`);
      isProven = true;
      return 'ready';
    },
  };
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function textOf(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
