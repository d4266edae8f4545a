/**
 * Runs the tests that a change reaches, the nearest first: `npm run test:near`. A change is what git says is different from the last commit, or the files that
 * are named. A test reaches a file if it imports it, or names it as a fixture, over any number of files between. The core is reached by nearly every test, so
 * only the nearest are run, and the others are listed.
 *   npm run test:near [-- <file>…] [--most <number>]      default: the 40 nearest files of tests
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { most: { type: 'string', default: '40' } },
});
const most = Number(values.most);
if (!Number.isInteger(most) || most < 1) fail(`--most ${values.most}: a whole number from 1 on is accepted`);

const files = listed('ls-files', '--cached', '--others', '--exclude-standard');
const changed = positionals.length > 0 ? positionals.map(fileOf) : changedFiles();
if (changed.length === 0)
  fail('nothing has changed since the last commit: name a file, as in npm run test:near -- cli/gc.ts');

const tests = nearest(changed, importersOf(files)).filter((file) => /^test\/(?!real\/).*\.test\.ts$/.test(file));
// What is loaded together depends on every import of the product, its published types on every signature, and no file imports the subjects of these tests.
const ofBundle = changed.some((file) => /^(?:actors|cli|machines|runtime)\//.test(file))
  ? ['test/cli/loading.test.ts', 'test/docs/types.test.ts']
  : [];
const namesakes = tests.filter((test) => changed.some((file) => isNamedLike(test, file)));
const reached = [...new Set([...namesakes, ...ofBundle, ...tests])];
const chosen = reached.slice(0, most);
if (chosen.length === 0) fail(`no test reaches ${changed.join(', ')}`);
const rest = reached.length - chosen.length;
console.log(
  `${changed.length} changed; ${reached.length} files of tests reach that${rest === 0 ? '' : `: the ${chosen.length} nearest are run, npm test runs the other ${rest} as well`}`,
);
process.exitCode = spawnSync('npx', ['vitest', 'run', ...chosen], { cwd: root, stdio: 'inherit' }).status ?? 1;

function fail(message) {
  console.error(`test:near: ${message}`);
  process.exit(64);
}

/** Paths from the repository's root, as git lists them. */
function listed(...args) {
  const text = execFileSync('git', [...args.slice(0, 1), '-z', ...args.slice(1)], { cwd: root, encoding: 'utf8' });
  return text.split('\0').filter((name) => name !== '' && existsSync(join(root, name)));
}

function changedFiles() {
  return [
    ...new Set([...listed('diff', '--name-only', 'HEAD'), ...listed('ls-files', '--others', '--exclude-standard')]),
  ];
}

function fileOf(given) {
  const file = relative(root, join(process.env.INIT_CWD ?? process.cwd(), given));
  if (!existsSync(join(root, file))) fail(`${given}: there is no such file`);
  return file;
}

/** Whether a test is named after a file: `test/gc/rows.test.ts` and `test/cli/gc-dry.test.ts` are, for `cli/gc.ts`. */
function isNamedLike(test, file) {
  const [name = ''] = basename(file).split('.');
  return ['/', '.', '-'].some((end) => test.includes(`/${name}${end}`));
}

/** For each file, the files that name it in a relative path. */
function importersOf(all) {
  const importers = new Map(all.map((file) => [file, []]));
  for (const file of all.filter((name) => /\.(?:tsx?|mjs|js)$/.test(name))) {
    const paths = readFileSync(join(root, file), 'utf8').matchAll(/['"`](\.\.?\/[^'"`\n$]+)['"`]/g);
    for (const [, path] of paths) importers.get(join(dirname(file), path))?.push(file);
  }
  return importers;
}

/** All files that reach the changed ones, ordered by the number of files in between. */
function nearest(from, importers) {
  const found = new Set(from);
  for (const file of found) for (const importer of importers.get(file) ?? []) found.add(importer);
  return [...found];
}
