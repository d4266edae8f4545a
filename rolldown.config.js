/**
 * The program `stator` as it is installed: what `tsc` made of the sources, in fewer files, since Node takes most of the time of a short verb to find, read
 * and link modules one by one. Packages stay outside: npm installs, audits and overrides them.
 */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'rolldown';

const built = join(import.meta.dirname, 'dist');
/** What every verb loads that asks a running engine; whatever these import comes along. Not `main.js`, which waits at its top level. */
const everyVerb = ['cli/program.js', 'cli/command.js', 'cli/place.js', 'cli/session.js', 'cli/plan/view.js'];

/** These files, and each that is imported from there on without an `import()` on the way. */
function reachedFrom(files, graph) {
  const reached = new Set(files.map((file) => join(built, file)));
  for (const id of reached) for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) reached.add(imported);
  return reached;
}

/** Asked of every module, once the graph is whole. */
let client = null;
function chunkOf(id, graph) {
  client ??= reachedFrom(everyVerb, graph);
  return client.has(id) ? 'client' : null;
}

export default defineConfig({
  input: { stator: join(built, 'cli/main.js') },
  platform: 'node',
  external: /^[^./]/,
  plugins: [{ name: 'stator:executable', writeBundle: () => chmodSync(join(built, 'bin/stator.js'), 0o755) }],
  // The compiler writes many files at one change.
  watch: { buildDelay: 300 },
  // Some modules are imported in both ways, which is meant: the other way loads nothing more.
  checks: { ineffectiveDynamicImport: false },
  output: {
    dir: join(built, 'bin'),
    cleanDir: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    codeSplitting: {
      groups: [{ name: chunkOf, debugName: 'client' }],
    },
  },
});
