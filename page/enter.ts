/** The way in: for an address that was in a command line, whose word is spent by the first who comes with it, and for the token of a person. */

/** What lets a page in here: an address that `stator inspect` prints, or a token. */
export async function doorOf(): Promise<'address' | 'token'> {
  const answer = await fetch('/session/door');
  return answer.ok ? ((await answer.json()) as { takes: 'address' | 'token' }).takes : 'address';
}

/** A token of this page for it; null: it was used already, is too old, or does not exist. */
export async function enter(once: string): Promise<string | null> {
  const answer = await fetch('/session/enter', { method: 'POST', headers: { authorization: `Bearer ${once}` } });
  return answer.ok ? ((await answer.json()) as { token: string }).token : null;
}
