/** Modules that are loaded at their first use. */

const all = new Set<() => Promise<unknown>>();

/** A module that is loaded at its first use, and stays available even if its file is deleted. `load` is one `import()`, at the top level of a module. */
export function later<Module>(load: () => Promise<Module>): () => Promise<Module> {
  let loaded: Promise<Module> | null = null;
  const loadOnce = () => {
    loaded ??= load().catch((thrown: unknown) => {
      loaded = null;
      throw thrown;
    });
    return loaded;
  };
  all.add(loadOnce);
  return loadOnce;
}

/**
 * Loads all modules that this process may need, one after the other. For long-lived processes: another version may be installed over this one while it runs,
 * and then the files of this version are gone. Throws if they are already gone.
 */
export async function loadLater(): Promise<void> {
  // Loaded modules may register more of them.
  for (const load of all) await load();
}
