/** Mutation testing of the pure core: `npm run mutation -- <area>`, of `areas.mjs`. */
// biome-ignore lint/style/noDefaultExport: Stryker takes its configuration so
export default {
  plugins: ['@stryker-mutator/vitest-runner', './test/mutation/prose.mjs'],
  testRunner: 'vitest',
  // The tests are chosen by their coverage; what files import tells little where each test imports nearly all.
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  coverageAnalysis: 'perTest',
  ignorers: ['prose'],
  // From the root: 'reports' alone would leave out each folder of that name.
  ignorePatterns: ['/dist', '/docs', '/page', '/examples', '/reports', '/.worktrees', '/coverage'],
  tempDirName: '.stryker-tmp',
  reporters: ['clear-text', 'json', 'progress-append-only'],
  jsonReporter: { fileName: process.env.STATOR_MUTATION_REPORT ?? 'reports/mutation/all.json' },
  clearTextReporter: { allowColor: false, reportTests: false, reportScoreTable: true, allowEmojis: false },
  // There is no compiler that would refuse them: TypeScript 7 has no programming interface for Stryker's checker.
  checkers: [],
  // Stryker would read it by a programming interface that TypeScript 7 has not: under this name there is none.
  tsconfigFile: 'none.json',
  timeoutMS: 20_000,
  concurrency: 1,
  allowEmpty: true,
  thresholds: { high: 95, low: 85, break: null },
};
