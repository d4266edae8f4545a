/** What this browser keeps for a person: what they have not sent yet, and how they like to look. It stays over reloads and restarts of the engine, in `sessionStorage` for this tab alone. */

/** null: nothing is kept, or it cannot be read. */
export function kept(name: string, storage = localStorage): unknown {
  try {
    return JSON.parse(storage.getItem(`stator.${name}`) ?? 'null');
  } catch {
    return null; // a browser that keeps nothing, or another version's form
  }
}

/** null: nothing is kept any more. */
export function keep(name: string, value: unknown, storage = localStorage): void {
  try {
    if (value === null) storage.removeItem(`stator.${name}`);
    else storage.setItem(`stator.${name}`, JSON.stringify(value));
  } catch {
    // The browser keeps nothing, or is full: the page goes on with what it holds.
  }
}
