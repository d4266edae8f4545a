/**
 * Proof that the tests would notice: breaks the product in small places, one at a time, in copies of this checkout, and runs the tests that are to notice it.
 * `npm test` runs the same tests on the product as it is, so a test that fails for another reason shows there.
 *   npm run mutants                          all of them; ends with "N of N caught", exit code 1 where one is not
 *   npm run mutants -- --only <name>         that one; may be said several times
 *   npm run mutants -- --seconds 120 --seed <text>     as many as fit, in an order that the text decides
 *   npm run mutants -- --list                what is broken, and which promise that breaks
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { transformSync } from 'rolldown/utils';
import { mutants } from './list.mjs';

const root = join(import.meta.dirname, '../..');
/** A test that does not end reports nothing that anybody would read. */
const hangMs = 180_000;
/** How long a test waits for an event that a broken product never produces. */
const waitMs = 20_000;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '' },
    list: { type: 'boolean', default: false },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
});

const unknown = (values.only ?? []).filter((name) => mutants.every((mutant) => mutant.name !== name));
if (unknown.length > 0) fail(`there is no mutant ${unknown.join(', ')}; npm run mutants -- --list names them`);
for (const option of ['seconds', 'jobs'])
  if (values[option] !== undefined && !/^[1-9]\d{0,4}$/.test(values[option]))
    fail(`--${option} ${values[option]}: a whole number from 1 on is accepted`);
const misplaced = mutants.flatMap(misplacements);
if (misplaced.length > 0) fail(misplaced.join('\n         '));

if (values.list) for (const { name, promise, file } of mutants) console.log(`${name}: ${file}: ${promise}`);
else await playAll();

function fail(message) {
  console.error(`mutants: ${message}`);
  process.exit(64);
}

/** Each text to break must occur exactly once in its file, and its tests must exist. */
function misplacements({ name, file, find, tests }) {
  const path = join(root, file);
  const count = existsSync(path) ? readFileSync(path, 'utf8').split(find).length - 1 : 0;
  const found =
    count === 1 ? [] : [`${name}: ${file} has ${JSON.stringify(find)} ${count} times, and exactly once is meant`];
  return [
    ...found,
    ...tests.filter((test) => !existsSync(join(root, test))).map((test) => `${name}: ${test} is not there`),
  ];
}

async function playAll() {
  const chosen = values.only === undefined ? mutants : mutants.filter(({ name }) => values.only.includes(name));
  const queue = values.seed === '' ? [...chosen] : shuffled(chosen, values.seed);
  const untilMs = values.seconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + 1_000 * Number(values.seconds);
  if (values.seed !== '')
    console.log(`again with: npm run mutants -- --seed ${values.seed} --seconds ${values.seconds ?? ''}`);
  if (!existsSync(join(root, 'dist/bin/stator.js'))) execFileSync('npm', ['run', '--silent', 'build'], { cwd: root });
  const folder = mkdtempSync(join(tmpdir(), 'stator-mutants-'));
  const played = [];
  const work = async (copy) => {
    makeCopy(copy);
    for (let mutant = next(); mutant !== undefined; mutant = next()) {
      const result = await play(copy, mutant);
      played.push(result);
      const how = result.isCaught ? `caught by "${result.by}"` : `NOT CAUGHT: ${result.why}`;
      console.log(`${mutant.name}: ${how} (${(result.tookMs / 1_000).toFixed(1)} s)`);
    }
  };
  // One that begins now takes some ten seconds.
  const next = () => (Date.now() < untilMs - 10_000 ? queue.shift() : undefined);
  try {
    const jobs = Math.min(Number(values.jobs), queue.length);
    await Promise.all(Array.from({ length: jobs }, (_, job) => work(join(folder, String(job)))));
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  const caught = played.filter(({ isCaught }) => isCaught).length;
  if (played.length < chosen.length) console.log(`${chosen.length - played.length} more are left to other runs`);
  console.log(`${caught} of ${played.length} caught`);
  process.exitCode = caught === played.length && played.length > 0 ? 0 : 1;
}

/** The same order for the same seed. */
function shuffled(list, seed) {
  const keyOf = ({ name }) => createHash('sha256').update(`${seed} ${name}`).digest('hex');
  return [...list].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

/** A copy of all files that git tracks or would add, with the build output. */
function makeCopy(copy) {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of listed
    .toString()
    .split('\0')
    .filter((name) => name !== '' && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
}

async function play(copy, mutant) {
  const beganMs = Date.now();
  const source = join(copy, mutant.file);
  const built = join(copy, 'dist', mutant.file.replace(/\.ts$/, '.js'));
  const [sourceBefore, builtBefore] = [readFileSync(source, 'utf8'), readFileSync(built, 'utf8')];
  try {
    // By a function: a `$` in the text is meant literally.
    const broken = sourceBefore.replace(mutant.find, () => mutant.replace);
    writeFileSync(source, broken);
    writeFileSync(built, compiled(mutant, broken));
    // The programs that tests start are the bundle; newer than every source, so that no test builds all anew.
    const bundled = spawnSync(join(root, 'node_modules/.bin/rolldown'), ['-c'], { cwd: copy, encoding: 'utf8' });
    if (bundled.status !== 0)
      return end({ isCaught: false, why: `it is no program: ${bundled.stderr.trim().split('\n')[0]}` });
    return end(await tested(copy, mutant));
  } finally {
    writeFileSync(source, sourceBefore);
    writeFileSync(built, builtBefore);
  }

  function end(result) {
    return { ...result, tookMs: Date.now() - beganMs };
  }
}

function compiled({ name, file }, text) {
  const { code, errors } = transformSync(file, text, { typescript: { rewriteImportExtensions: 'rewrite' } });
  if (errors.length > 0) fail(`${name} is no TypeScript: ${errors[0].message}`);
  return code;
}

async function tested(copy, { tests, title }) {
  const report = join(copy, 'report.json');
  rmSync(report, { force: true });
  const words = ['vitest', 'run', ...tests, '--bail', '1', '--reporter=json', `--outputFile.json=${report}`];
  if (title !== undefined) words.push('-t', title);
  const { CI: _ci, ...env } = process.env;
  const told = { ...env, STATOR_TEST_HANG_MS: String(waitMs) };
  const child = spawn('npx', words, { cwd: copy, env: told, stdio: 'ignore', detached: true });
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), hangMs);
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  if (!existsSync(report)) return { isCaught: false, why: `its tests did not end within ${hangMs / 1_000} s` };
  const { testResults, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'));
  const failed = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .find(({ status }) => status === 'failed');
  if (failed !== undefined) return { isCaught: true, by: failed.fullName };
  const unloaded = testResults.find(({ status }) => status === 'failed');
  if (unloaded !== undefined) return { isCaught: false, why: `its tests could not be loaded: ${unloaded.message}` };
  return { isCaught: false, why: `${numTotalTests} tests are green` };
}
