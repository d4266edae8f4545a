/** The way in for an address that stood in a command line: its word is spent by the first who comes with it. */

/** A token for it; null: it was used already, or is too old. */
export async function enter(once: string): Promise<string | null> {
  const answer = await fetch('/session/enter', { method: 'POST', headers: { authorization: `Bearer ${once}` } });
  return answer.ok ? ((await answer.json()) as { token: string }).token : null;
}
