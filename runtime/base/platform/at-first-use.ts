/**
 * Loads what most commands do not need at its first use, in that very turn: `import()` would take another turn. For node's own modules
 * `process.getBuiltinModule` does the same.
 */

/** The module of a package, `require`d. Throws as `require`. */
export function fromPackage(name: string): unknown {
  return process.getBuiltinModule('node:module').createRequire(import.meta.url)(name);
}
