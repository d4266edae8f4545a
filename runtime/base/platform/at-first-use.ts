/**
 * What most verbs need nothing of is loaded with its first use, in that very turn: `import()` would take another. Of node's own modules
 * `process.getBuiltinModule` does the same.
 */

/** The module of a package, `require`d. Throws as `require`. */
export function fromPackage(name: string): unknown {
  return process.getBuiltinModule('node:module').createRequire(import.meta.url)(name);
}
