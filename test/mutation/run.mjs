/**
 * `npm run mutation -- <area>…` plays the mutants of these areas of `areas.mjs`, without an area, of all areas; the arguments after `--` go to
 * Stryker. Prints which mutants no test killed, and a table of the areas.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { areas } from './areas.mjs';

const given = process.argv.slice(2);
const end = given.indexOf('--');
const named = end < 0 ? given : given.slice(0, end);
const options = end < 0 ? [] : given.slice(end + 1);
const unknown = named.filter((name) => !Object.hasOwn(areas, name));
if (unknown.length > 0) {
  console.error(`no area ${unknown.join(', ')}; there are: ${Object.keys(areas).join(', ')}`);
  process.exit(2);
}

const table = [];
for (const name of named.length > 0 ? named : Object.keys(areas)) {
  const { mutate, tests, runner = 'vitest' } = areas[name];
  const begin = Date.now();
  const file = `reports/mutation/${name.replaceAll('/', '-')}.json`;
  mkdirSync('reports/mutation', { recursive: true });
  const { status } = spawnSync(
    'npx',
    ['stryker', 'run', 'test/mutation/stryker.config.mjs', '--mutate', mutate.join(), ...options],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        STATOR_MUTATION_TESTS: tests.join(),
        STATOR_MUTATION_REPORT: file,
        STATOR_MUTATION_RUNNER: runner,
      },
    },
  );
  if (status !== 0) process.exit(status ?? 1);
  // Stryker ignores a test file that cannot be loaded.
  const silent = tests.filter((test) => !hasPlayed(file, test));
  if (silent.length > 0) {
    console.error(`${name}: no test of ${silent.join(', ')} was played, so the score says nothing`);
    process.exit(1);
  }
  table.push({ area: name, ...countsOf(file), minutes: Math.round((Date.now() - begin) / 6_000) / 10 });
}
console.table(table);

function hasPlayed(file, test) {
  const { testFiles = {} } = JSON.parse(readFileSync(file, 'utf8'));
  return (testFiles[test]?.tests.length ?? 0) > 0;
}

/** Counts the mutants in Stryker's report; the score is the percentage of killed mutants. */
function countsOf(file) {
  const { files } = JSON.parse(readFileSync(file, 'utf8'));
  const all = Object.values(files).flatMap(({ mutants }) => mutants.map(({ status }) => status));
  const count = (wanted) => all.filter((status) => status === wanted).length;
  const [killed, timeout, survived, untested] = ['Killed', 'Timeout', 'Survived', 'NoCoverage'].map(count);
  const score = (100 * (killed + timeout)) / (killed + timeout + survived + untested);
  return { killed, timeout, survived, 'no coverage': untested, score: Math.round(10 * score) / 10 };
}
