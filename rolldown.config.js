/**
 * The program `stator`, the library and the scripts of the page as they are installed: what `tsc` made of the sources, in fewer and smaller files. Node takes
 * most of the time of a short verb, and of the start of `run`, to find, read and link modules one by one. Packages stay outside, where npm audits and
 * overrides them, except those of many small modules that every command or every engine loads.
 */
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';

const built = join(import.meta.dirname, 'dist');
const keepNames = { function: true, class: true };
/** The compiler writes many files at one change. */
const watch = { buildDelay: 300 };
/** Packages that are part of the page's scripts. */
const inPage = ['preact'];
/** Packages that are part of the bundle. Never xstate: a machine of the user's own and the engine that runs it use the same one. */
const bundled = new Set([
  'citty',
  'zod',
  'hono',
  '@hono/node-server',
  'smol-toml',
  'toml-eslint-parser',
  'eslint-visitor-keys',
  'ipaddr.js',
  'chokidar',
  'readdirp',
  '@octokit/request',
  '@octokit/endpoint',
  '@octokit/request-error',
  'content-type',
  'json-with-bigint',
  'universal-user-agent',
  '@xstate/store',
  'p-map',
  'fastest-levenshtein',
]);

const together = {
  // What a relay, of which each agent has one, shares with the engine: it loads nothing else.
  lines: [
    'runtime/work/agents/relay/message-line',
    'runtime/work/agents/relay/json-rpc',
    'runtime/work/agents/relay/acp-settings',
    'runtime/work/agents/line-reader',
    'machines/vocabulary/permission-text',
    'runtime/base/platform/pause',
  ],
  // The same of what stands between a program inside of walls and its hosts.
  network: ['runtime/base/platform/addresses', 'runtime/work/agents/egress/child'],
  // The same of the small process that starts programs.
  spawning: ['runtime/base/platform/capture', 'runtime/base/platform/detached'],
  // The program, and the verbs that people and agents call most beside a running engine. Not `main.js`, which waits at its top level.
  client: [
    ...['cli/program', 'cli/status', 'cli/plan/signals', 'cli/signal/emit'],
    ...['cli/operation-verb', 'cli/views/plan', 'cli/views/queue'],
    // What is said where a report cannot be loaded.
    'runtime/base/platform/environment-fault',
  ],
  // Shows its first line before an engine is loaded; beside a daemon it needs none.
  run: ['cli/run'],
  // Verbs that are given a plan read it by themselves, beside an engine too; `plan check` also reads the settings, which is where the library of schemas begins.
  documents: ['machines/document/read-plan', 'cli/plan/check', 'cli/plan/document'],
  settings: ['runtime/base/config/config'],
  // What a mistake is answered with: words that are near, and whether an engine of another version has the home.
  failure: ['cli/failure'],
  // A verb without an engine reads the store by itself, or is the engine for a moment.
  alone: ['runtime/engine/read-only', 'runtime/engine/one-shot', 'runtime/core/store/sqlite/owner'],
  // What `run` without a daemon and a daemon load besides, and what each run of an agent needs.
  engine: [
    'runtime/engine/engine',
    'runtime/engine/workers',
    'runtime/work/git/identity',
    'runtime/work/git/repository',
    'runtime/work/agents/prompts/template-files',
  ],
};

/** The package of `hono/body-limit` or of `@xstate/store`. */
function packageOf(specifier) {
  return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0];
}

/** What the licences of the packages in the bundle ask for. */
function licences() {
  const texts = [...bundled, ...inPage].sort().map((name) => {
    const folder = join(import.meta.dirname, 'node_modules', name);
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${folder} has no licence`);
    return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  return texts.join('\n---\n\n');
}

/** These files, and each that is imported from there on without an `import()` on the way. */
function reachedFrom(files, graph) {
  const reached = new Set(files);
  for (const id of reached) for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) reached.add(imported);
  return reached;
}

/** Each is a chunk with all that its files import and no chunk before it has. Asked of every module, once the graph is whole. */
let chunks = null;
function chunkOf(id, graph) {
  chunks ??= Object.entries(together).map(([name, files]) => [
    name,
    reachedFrom(
      files.map((file) => join(built, `${file}.js`)),
      graph,
    ),
  ]);
  return chunks.find(([, reached]) => reached.has(id))?.[0] ?? null;
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

/** Node prints the line of an error that nobody caught: no line of a bundle is longer than a terminal takes. */
const lineLength = 160;
/** Where a line may begin: a statement, and each part of a list. */
const listKeys = new Set([
  'body',
  'consequent',
  'expressions',
  'declarations',
  'properties',
  'elements',
  'arguments',
  'cases',
]);

function brokenLines(code) {
  const starts = [];
  const visit = (node) => {
    if (node === null || typeof node !== 'object') return;
    for (const [key, value] of Object.entries(node)) {
      if (Array.isArray(value)) {
        // What a template computes stands in its text, where a line end is a part of it; and in parentheses of `return` or `=>` one would begin too late.
        if (listKeys.has(key) && node.type !== 'TemplateLiteral')
          starts.push(
            ...value
              .slice(key === 'expressions' || key === 'declarations' ? 1 : 0)
              .flatMap((each) => (each === null ? [] : [each.start])),
          );
        for (const each of value) visit(each);
      } else visit(value);
    }
  };
  visit(parseAst(code));
  let [broken, from, line] = ['', 0, 0];
  for (const at of [...new Set(starts)].sort((a, b) => a - b)) {
    const sinceBreak = at - Math.max(line, code.lastIndexOf('\n', at - 1) + 1);
    if (sinceBreak < lineLength) continue;
    broken += `${code.slice(from, at)}\n`;
    from = at;
    line = at;
  }
  return broken + code.slice(from);
}

/** V8 reads a text of bytes faster, and keeps it in half of the memory; one character beyond makes two bytes of each. */
function inAscii(code) {
  if (/\braw`[^`]*[^\0-\x7f]/.test(code))
    throw new Error('a raw text has a character beyond ASCII, which no escape can stand for');
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
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

/** A browser asks for each script by itself: the page in ninety modules took three times as much processor time to load. */
const page = {
  input: { main: join(built, 'page/main.js'), stately: join(built, 'page/stately.js') },
  platform: 'browser',
  watch,
  output: {
    dir: join(built, 'browser'),
    cleanDir: true,
    comments: false,
    minify: { compress: { keepNames }, mangle: { keepNames } },
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
  },
};

const program = {
  input: {
    stator: join(built, 'cli/bin.js'),
    engine: join(built, 'runtime/engine/engine.js'),
    durable: join(built, 'runtime/engine/durable.js'),
    connect: join(built, 'runtime/engine/connect.js'),
    machines: join(built, 'machines/index.js'),
    relay: join(built, 'runtime/work/agents/relay/relay.js'),
    egress: join(built, 'runtime/work/agents/egress/egress.js'),
    loopback: join(built, 'runtime/work/agents/egress/loopback.js'),
    'secrets-worker': join(built, 'runtime/work/effects/secrets/worker.js'),
    'spawner-process': join(built, 'runtime/base/platform/spawner-process.js'),
  },
  platform: 'node',
  // As chunks without what they import ask for; no entry has more exports by it.
  preserveEntrySignatures: 'allow-extension',
  external: (id) => /^[^./]/.test(id) && !bundled.has(packageOf(id)),
  plugins: [
    {
      name: 'stator:program',
      generateBundle(_, bundle) {
        for (const chunk of Object.values(bundle))
          if (chunk.type === 'chunk') chunk.code = inAscii(brokenLines(chunk.code));
        this.emitFile({ type: 'asset', fileName: 'LICENSES', source: licences() });
        this.emitFile({ type: 'asset', fileName: 'build-id', source: `${digestOf(bundle)}\n` });
      },
      writeBundle() {
        chmodSync(join(built, 'bin/stator.js'), 0o755);
        indentTypesByTabs();
      },
    },
  ],
  watch,
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
      groups: [{ name: chunkOf, debugName: 'together', includeDependenciesRecursively: false }],
    },
  },
};

// The tests take `dist/bin/stator.js` as the last file of a build.
export default defineConfig([page, program]);
