/**
 * Loads modules that most commands do not need at their first use, synchronously: `import()` would take another turn of the event loop. For node's own modules
 * `process.getBuiltinModule` does the same.
 */

/** The module of a package, `require`d. Throws as `require`. */
export function fromPackage(name: string): unknown {
  return process.getBuiltinModule('node:module').createRequire(import.meta.url)(name);
}
