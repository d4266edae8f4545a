/**
 * Plays the tests of an area for StrykerJS in one process: each test file is bundled once, and evaluated anew for each mutant. That takes a fraction of the
 * time of Stryker's runner for vitest, which starts a worker for each mutant. For tests without processes and without module mocks.
 */
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import vm from 'node:vm';
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import {
  DryRunStatus,
  determineHitLimitReached,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner';
import { startTests } from '@vitest/runner';
import { getFullName } from '@vitest/runner/utils';
import { rolldown } from 'rolldown';

const requireHere = createRequire(import.meta.url);
/** Longer than any test of these files takes. */
const testTimeout = 120_000;
const snapshotOptions = { updateSnapshot: 'none', expand: false };
const config = {
  root: process.cwd(),
  setupFiles: [],
  sequence: { shuffle: false, concurrent: false, seed: 1, hooks: 'stack', setupFiles: 'list' },
  ...{ testTimeout, hookTimeout: testTimeout, retry: 0, maxConcurrency: 1, passWithNoTests: true, tags: [] },
  ...{ snapshotOptions, expect: {}, experimental: { importDurations: { limit: 0 } }, chaiConfig: {} },
};

// What the parts of vitest ask of the worker that they run in.
globalThis.__vitest_worker__ = {
  config,
  ctx: { pool: 'threads' },
  environment: { name: 'node' },
  onCleanup: () => {},
};
const vitest = await import('vitest');
const { NodeSnapshotEnvironment } = await import('@vitest/snapshot/environment');
snapshotOptions.snapshotEnvironment = new NodeSnapshotEnvironment();
// As in setup.ts.
requireHere('fast-check').configureGlobal({ seed: 1, endOnFailure: true });

/** Stryker's instrumented code counts and switches mutants by this object. */
globalThis.__stryker__ ??= {};
const mutants = globalThis.__stryker__;

/**
 * Ends endless loops: instrumented code asks for the active mutant wherever it could be another one, and no test asks so often. Stryker's own limit counts how
 * often the mutant itself is passed, which is once for what is built when its module is loaded, as charts are.
 */
const maxReads = 100_000_000;
const reads = { active: mutants.activeMutant, count: 0, areEndless: false };
Object.defineProperty(mutants, 'activeMutant', {
  get: () => {
    reads.count += 1;
    reads.areEndless ||= reads.count > maxReads;
    if (reads.count > maxReads) throw new Error('this test loops');
    return reads.active;
  },
  set: (id) => {
    reads.active = id;
  },
});

/** What was thrown outside of a test, as by an actor's subscriber: vitest fails the run for it. */
const thrown = [];
process.on('uncaughtException', (error) => thrown.push(error));
process.on('unhandledRejection', (error) => thrown.push(error));

class InProcessRunner {
  #files = (process.env.STATOR_MUTATION_TESTS ?? '').split(',').map((file) => resolve(file));
  /** By test file. */
  #scripts = new Map();

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init() {
    for (const file of this.#files) this.#scripts.set(file, new vm.Script(await bundleOf(file), { filename: file }));
  }

  async dryRun() {
    const tests = await this.#play(this.#files, { wanted: null, bails: false });
    return { status: DryRunStatus.Complete, tests, mutantCoverage: mutants.mutantCoverage };
  }

  async mutantRun({ activeMutant, testFilter, hitLimit, disableBail }) {
    Object.assign(mutants, { activeMutant: activeMutant.id, hitCount: 0, hitLimit });
    Object.assign(reads, { count: 0, areEndless: false });
    const wanted = testFilter === undefined ? null : new Set(testFilter);
    const files = this.#files.filter((file) => testFilter?.some((id) => id.startsWith(`${file}#`)) !== false);
    const tests = await this.#play(files, { wanted, bails: disableBail !== true });
    const loop = reads.areEndless ? { status: DryRunStatus.Timeout, reason: 'an endless loop' } : undefined;
    const limit = determineHitLimitReached(mutants.hitCount, hitLimit);
    return toMutantRunResult(limit ?? loop ?? { status: DryRunStatus.Complete, tests });
  }

  async #play(files, { wanted, bails }) {
    const results = [];
    for (const file of files) {
      const runner = new FileRunner({ wanted, bails, evaluate: () => evaluate(file, this.#scripts.get(file)) });
      const [played] = await startTests([{ filepath: file }], runner);
      await new Promise((resolve) => setTimeout(resolve));
      results.push(...resultsOf(file, played));
      if (bails && results.some(({ status }) => status === TestStatus.Failed)) break;
    }
    return results;
  }
}

class FileRunner extends vitest.TestRunner {
  #given;
  #hasFailed = false;

  constructor(given) {
    super(config);
    this.#given = given;
    this.trace = undefined;
  }

  importFile() {
    this.#given.evaluate();
  }

  async onBeforeRunTask(test) {
    const { wanted, bails } = this.#given;
    const id = idOf(test.file.filepath, test);
    if ((bails && this.#hasFailed) || wanted?.has(id) === false) test.mode = 'skip';
    mutants.currentTestId = id;
    reads.count = 0;
    await super.onBeforeRunTask(test);
  }

  onAfterRunTask(test) {
    mutants.currentTestId = undefined;
    if (test.result?.state === 'fail') this.#hasFailed = true;
  }

  async onAfterRunSuite(suite) {
    // Without the check for snapshots that no test used, because most tests are left out.
    if ('filepath' in suite) this.snapshotClient.clear();
  }
}

/** A failure outside of the tests is that of the whole file. */
function resultsOf(file, played) {
  const tests = testsOf(played).filter(({ mode, result }) => mode === 'run' && result !== undefined);
  const results = tests.map((test) => resultOf(idOf(file, test), file, getFullName(test), test.result));
  const errors = [...(played.result?.errors ?? []), ...thrown.splice(0)];
  if (errors.length === 0 || results.some(({ status }) => status === TestStatus.Failed)) return results;
  return [...results, resultOf(`${file}#`, file, file, { state: 'fail', errors })];
}

function testsOf(task) {
  return task.type === 'test' ? [task] : task.tasks.flatMap(testsOf);
}

function idOf(file, test) {
  return `${file}#${getFullName(test)}`;
}

function resultOf(id, fileName, name, { state, duration = 0, errors }) {
  const own = { id, name, fileName, timeSpentMs: duration };
  if (state === 'pass') return { ...own, status: TestStatus.Success };
  return { ...own, status: TestStatus.Failed, failureMessage: errors?.[0]?.message ?? 'it failed' };
}

/** As CommonJS, so that it may be evaluated again and again; packages stay outside, and are loaded once. */
async function bundleOf(file) {
  const bundle = await rolldown({ input: file, platform: 'node', external: /^[^./]/, logLevel: 'silent' });
  const { output } = await bundle.generate({ format: 'cjs', codeSplitting: false });
  await bundle.close();
  return `(function (require, module, exports, __filename, __dirname) {${output[0].code}\n})`;
}

function evaluate(file, script) {
  const require = createRequire(file);
  const module = { exports: {} };
  const load = (name) => (name === 'vitest' ? vitest : require(name));
  script.runInThisContext()(load, module, module.exports, file, dirname(file));
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'in-process', InProcessRunner)];
