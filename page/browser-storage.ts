/**
 * Data that this browser stores for a person: unsent text and view settings. It survives reloads and restarts of the engine. Of a browser that blocks
 * storage, or whose storage is full, it lasts until the page is closed.
 */

export interface BrowserStorage {
  get(name: string): string | null;
  /** null: deletes it. */
  set(name: string, text: string | null): void;
  names(): string[];
}

/** For all pages at this address. */
export const ofBrowser = storageOf('localStorage');
/** For this tab alone. */
export const ofTab = storageOf('sessionStorage');

/** A browser that blocks storage throws as soon as its name is read. */
function storageOf(place: 'localStorage' | 'sessionStorage'): BrowserStorage {
  const memory = new Map<string, string>();
  function use<T>(work: (storage: Storage) => T, otherwise: T): T {
    try {
      return work(window[place]);
    } catch {
      return otherwise;
    }
  }
  return {
    get: (name) => memory.get(name) ?? use((storage) => storage.getItem(name), null),
    set(name, text) {
      memory.delete(name);
      use((storage) => storage.removeItem(name), undefined);
      if (text === null) return;
      const isStored = use((storage) => {
        storage.setItem(name, text);
        return true;
      }, false);
      if (!isStored) memory.set(name, text);
    },
    names: () => [...memory.keys(), ...use((storage) => Object.keys(storage), [])],
  };
}

/** null: nothing is stored, or the stored text is no JSON. */
export function stored(name: string, storage = ofBrowser): unknown {
  try {
    return JSON.parse(storage.get(`stator.${name}`) ?? 'null');
  } catch {
    return null; // another version's form
  }
}

/** null: deletes the stored value. */
export function store(name: string, value: unknown, storage = ofBrowser): void {
  storage.set(`stator.${name}`, value === null ? null : JSON.stringify(value));
}
