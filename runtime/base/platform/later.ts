/** Modules that are loaded at their first use. */

const all = new Set<() => Promise<unknown>>();

/** A module that is loaded with its first use, and found from then on also where its file is gone. `load` is one `import()`, at the top level of a module. */
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
 * Loads all modules that this process may need, one after the other. For long-lived processes: while one runs, another version may be installed in the place
 * of this one, and then nothing of this one lies there any more. Throws where that is so already.
 */
export async function loadLater(): Promise<void> {
  // Loaded modules may register more of them.
  for (const load of all) await load();
}
