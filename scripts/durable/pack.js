/**
 * Packs `stator-durable`: the entry `stator/durable` of this package as one file, its types as another, its page and its examples. `npm run
 * pack:durable -- <folder>`: the folder for the archive; default: the current one. Prints its path. It packs the build output.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { typesOf } from './types.js';

const root = join(import.meta.dirname, '../..');
const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const version = own.version;
const entry = join(root, 'dist/runtime/engine/durable');
const examples = join(root, 'examples/durable');

/** The packages that its user has or installs. Everything else is in the file. */
const outside = { dependencies: ['better-sqlite3'], peers: ['xstate', 'zod'], optional: ['pg'] };
const isOutside = (id) => /^[^./]/.test(id) && !id.startsWith('node:');
/** Small packages without dependencies: they are in the file, and their licences beside it. */
const inside = ['fastest-levenshtein'];

const ofOwn = (names) =>
  Object.fromEntries(names.map((name) => [name, own.dependencies[name] ?? own.peerDependencies[name]]));
const manifest = {
  name: 'stator-durable',
  version,
  description: 'Any XState chart, durable: in a file of SQLite, or in PostgreSQL with several hosts.',
  license: own.license,
  type: 'module',
  exports: { '.': { types: './index.d.ts', default: './index.js' } },
  files: ['index.js', 'index.d.ts', 'README.md', 'LICENSE', 'LICENSES', 'examples'],
  engines: own.engines,
  os: own.os,
  dependencies: ofOwn(outside.dependencies),
  peerDependencies: ofOwn([...outside.peers, ...outside.optional]),
  peerDependenciesMeta: Object.fromEntries(outside.optional.map((name) => [name, { optional: true }])),
};

async function bundleInto(folder) {
  const left = new Set();
  const bundle = await rolldown({
    input: `${entry}.js`,
    platform: 'node',
    external: (id) => isOutside(id) && !inside.includes(id),
    // Unused parts of a module are left out.
    treeshake: { moduleSideEffects: false },
    plugins: [
      {
        name: 'stator:version',
        // It needs no other file, so a program can bundle it.
        load: (id) =>
          id.endsWith('/base/platform/version.js')
            ? `export const statorVersion = () => '${version}';\nexport const statorBuild = () => null;\n`
            : null,
        // Modules that are loaded at their first use must be in the file as well; a missing one is found below.
        transform(code) {
          const names = [];
          const loaded = code.replace(/\bfromPackage\('([^']+)'\)/g, (_, name) => `fromPackage${names.push(name)}`);
          if (names.length === 0) return null;
          return names.map((name, at) => `import * as fromPackage${at + 1} from '${name}';\n`).join('') + loaded;
        },
      },
    ],
    checks: { ineffectiveDynamicImport: false },
  });
  const { output } = await bundle.write({ file: join(folder, 'index.js'), codeSplitting: false, comments: false });
  await bundle.close();
  const made = new Set(output.map(({ fileName }) => fileName));
  for (const { imports = [], dynamicImports = [] } of output)
    for (const id of [...imports, ...dynamicImports]) if (isOutside(id) && !made.has(id)) left.add(id);
  const allowed = new Set(Object.values(outside).flat());
  const others = [...left].filter((id) => !allowed.has(id));
  if (others.length > 0)
    throw new Error(`stator/durable needs ${others.join(', ')}, which stator-durable does not have`);
}

function licences() {
  return inside
    .map((name) => `${name}\n\n${readFileSync(join(root, 'node_modules', name, 'LICENSE.md'), 'utf8')}`)
    .join('\n---\n\n');
}

const given = process.argv.slice(2);
if (given.length > 1 || given[0]?.startsWith('-')) {
  console.error(
    `found: ${given.join(' ')}\naccepted: npm run pack:durable -- [the folder for the package, by default this one]`,
  );
  process.exit(2);
}
const target = resolve(given[0] ?? '.');
const folder = mkdtempSync(join(tmpdir(), 'stator-durable-'));
try {
  await bundleInto(folder);
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(folder, 'index.d.ts'), typesOf(`${entry}.d.ts`));
  writeFileSync(join(folder, 'LICENSES'), licences());
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  mkdirSync(join(folder, 'examples'));
  for (const name of readdirSync(examples).filter((each) => each.endsWith('.mjs'))) {
    const program = readFileSync(join(examples, name), 'utf8').replace("'stator/durable'", "'stator-durable'");
    writeFileSync(join(folder, 'examples', name), program);
  }
  cpSync(join(examples, 'README.md'), join(folder, 'README.md'));
  mkdirSync(target, { recursive: true });
  const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', target], {
    cwd: folder,
    encoding: 'utf8',
  });
  console.log(join(target, packed.trim()));
} finally {
  rmSync(folder, { recursive: true });
}
