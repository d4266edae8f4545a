/** What this browser keeps for a person: what they have not sent yet, and how they like to look. It stays over reloads and restarts of the engine. */

/** null: nothing is kept, or it cannot be read. */
export function kept(name: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(`stator.${name}`) ?? 'null');
  } catch {
    return null; // a browser that keeps nothing, or another version's form
  }
}

/** null: nothing is kept any more. */
export function keep(name: string, value: unknown): void {
  try {
    if (value === null) localStorage.removeItem(`stator.${name}`);
    else localStorage.setItem(`stator.${name}`, JSON.stringify(value));
  } catch {
    // The browser keeps nothing, or is full: the page goes on with what it holds.
  }
}
