/** How a page gets its token: from an address with a one-time key, which the first request uses up, or from the token that a person types. */

/** How this page can be authorized: by an address that `stator inspect` prints, or by a token. */
export async function doorOf(): Promise<'address' | 'token'> {
  const answer = await fetch('/session/door');
  return answer.ok ? ((await answer.json()) as { takes: 'address' | 'token' }).takes : 'address';
}

/** Exchanges the one-time key for a token of this page; null: the key was already used, is too old, or does not exist. */
export async function enter(once: string): Promise<string | null> {
  const answer = await fetch('/session/enter', { method: 'POST', headers: { authorization: `Bearer ${once}` } });
  return answer.ok ? ((await answer.json()) as { token: string }).token : null;
}
