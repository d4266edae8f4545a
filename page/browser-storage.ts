/**
 * Data that this browser stores for a person: unsent text and view settings. It survives reloads and restarts of the engine; in `sessionStorage` it
 * belongs to this tab alone.
 */

/** null: nothing is stored, or the stored text is no JSON. */
export function stored(name: string, storage = localStorage): unknown {
  try {
    return JSON.parse(storage.getItem(`stator.${name}`) ?? 'null');
  } catch {
    return null; // a browser that keeps nothing, or another version's form
  }
}

/** null: deletes the stored value. */
export function store(name: string, value: unknown, storage = localStorage): void {
  try {
    if (value === null) storage.removeItem(`stator.${name}`);
    else storage.setItem(`stator.${name}`, JSON.stringify(value));
  } catch {
    // Storage is blocked or full: the page goes on with what it has in memory.
  }
}
