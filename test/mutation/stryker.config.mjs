/** Mutation testing of the pure core: `npm run mutation -- <area>`, of `areas.mjs`. */
// biome-ignore lint/style/noDefaultExport: Stryker takes its configuration so
export default {
  plugins: ['@stryker-mutator/vitest-runner', './test/mutation/in-process.mjs', './test/mutation/prose.mjs'],
  testRunner: process.env.STATOR_MUTATION_RUNNER ?? 'vitest',
  // Tests are chosen by coverage: imports say little, because each test imports nearly all files.
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  // As vitest resolves packages: XState refuses more in its build for development.
  testRunnerNodeArgs: ['--conditions=development'],
  coverageAnalysis: 'perTest',
  ignorers: ['prose'],
  // From the root: 'reports' alone would leave out each folder of that name.
  ignorePatterns: ['/dist', '/docs', '/page', '/examples', '/reports', '/.worktrees', '/coverage'],
  tempDirName: '.stryker-tmp',
  reporters: ['clear-text', 'json', 'progress-append-only'],
  jsonReporter: { fileName: process.env.STATOR_MUTATION_REPORT ?? 'reports/mutation/all.json' },
  clearTextReporter: { allowColor: false, reportTests: false, reportScoreTable: true, allowEmojis: false },
  // No compiler check: TypeScript 7 has no API for Stryker's checker.
  checkers: [],
  // Stryker would read the file through an API that TypeScript 7 lacks, so this names a file that does not exist.
  tsconfigFile: 'none.json',
  timeoutMS: 20_000,
  concurrency: 1,
  allowEmpty: true,
  thresholds: { high: 95, low: 85, break: null },
};
