/**
 * The program `stator` and the library as they are installed: what `tsc` made of the sources, in fewer and smaller files, since Node takes most of the time
 * of a short verb to find, read and link modules one by one. Packages stay outside, where npm audits and overrides them, but for the parser of every command line.
 */
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'rolldown';
import { minifySync } from 'rolldown/utils';

const built = join(import.meta.dirname, 'dist');
const keepNames = { function: true, class: true };
/**
 * The program, and the verbs that people and agents call most beside a running engine: with all that they import they are one file, whichever is called.
 * Not `main.js`, which waits at its top level.
 */
const often = ['program', 'status', 'plan/show', 'plan/signals', 'queue', 'signal/emit'];

/** These files, and each that is imported from there on without an `import()` on the way. */
function reachedFrom(files, graph) {
  const reached = new Set(files);
  for (const id of reached) for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) reached.add(imported);
  return reached;
}

/** Asked of every module, once the graph is whole. */
let client = null;
function chunkOf(id, graph) {
  client ??= reachedFrom(
    often.map((name) => join(built, 'cli', `${name}.js`)),
    graph,
  );
  return client.has(id) ? 'client' : null;
}

/** The same for the same code: what a verb and the engine that it speaks with tell each other beside the version, which a clone never changes. */
function digestOf(bundle) {
  const hash = createHash('sha256');
  for (const name of Object.keys(bundle).sort()) {
    const { code } = bundle[name];
    if (code !== undefined) hash.update(`${name}\0${code}\0`);
  }
  return hash.digest('hex').slice(0, 12);
}

/** Types of machines nest deeply: with four spaces a level, which the compiler writes, their files are half as large again. */
function indentTypesByTabs() {
  for (const path of readdirSync(built, { recursive: true })) {
    if (!path.endsWith('.d.ts')) continue;
    const file = join(built, path);
    const text = readFileSync(file, 'utf8');
    const shorter = text.replace(/^(?: {4})+/gm, (spaces) => '\t'.repeat(spaces.length / 4));
    if (shorter !== text) writeFileSync(file, shorter);
  }
}

/** A browser loads each of its files, without their comments and spaces. */
function minifyPage() {
  for (const name of readdirSync(join(built, 'page'))) {
    const file = join(built, 'page', name);
    const { code, errors } = minifySync(file, readFileSync(file, 'utf8'), {
      module: true,
      compress: { keepNames },
      mangle: { keepNames },
    });
    if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);
    writeFileSync(file, code);
  }
}

export default defineConfig({
  input: {
    stator: join(built, 'cli/main.js'),
    engine: join(built, 'runtime/engine/engine.js'),
    connect: join(built, 'runtime/engine/connect.js'),
    machines: join(built, 'machines/index.js'),
    'spawner-process': join(built, 'runtime/base/platform/spawner-process.js'),
  },
  platform: 'node',
  external: /^(?!citty)[^./]/,
  plugins: [
    {
      name: 'stator:program',
      generateBundle(_, bundle) {
        const source = readFileSync(join(import.meta.dirname, 'node_modules/citty/LICENSE'));
        this.emitFile({ type: 'asset', fileName: 'LICENSE-citty', source });
        this.emitFile({ type: 'asset', fileName: 'build-id', source: `${digestOf(bundle)}\n` });
      },
      writeBundle() {
        chmodSync(join(built, 'bin/stator.js'), 0o755);
        indentTypesByTabs();
        minifyPage();
      },
    },
  ],
  // The compiler writes many files at one change.
  watch: { buildDelay: 300 },
  // Some modules are imported in both ways, which is meant: the other way loads nothing more.
  checks: { ineffectiveDynamicImport: false },
  output: {
    dir: join(built, 'bin'),
    cleanDir: true,
    // They stand in the sources, and V8 reads them at each start.
    comments: false,
    // Functions and classes keep their names: a report of a bug tells them.
    minify: { compress: { keepNames }, mangle: { toplevel: true, keepNames }, codegen: { removeWhitespace: true } },
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    codeSplitting: {
      groups: [{ name: chunkOf, debugName: 'client' }],
    },
  },
});
