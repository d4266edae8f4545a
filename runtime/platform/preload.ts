/** A module's whole graph, loaded at once. */
import { createRequire } from 'node:module';

/** These say on standard error that they do it, as something new. */
const warns = /^v(22\.12|23)\./.test(process.version);

/**
 * Loads the module `path` (`./file.js`, as it was built) beside the module `from` (its `import.meta.url`) with all that it imports. The `import()` of it
 * that follows finds it there: of some hundred files, which `import()` by itself reads one by one, that takes two thirds of the time. What cannot be
 * loaded so, such as a graph that waits at its top level, is left to `import()`, and so is an error in a module. Throws where there is no such module.
 */
export function preload(from: string, path: `${string}.js`): void {
  if (warns) return;
  try {
    createRequire(from)(path);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException; // errors of Node have one
    if (code === 'MODULE_NOT_FOUND') throw thrown;
  }
}
