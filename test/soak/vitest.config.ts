import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { resultsReporter } from '../real/results-reporter.ts';
import { builtServer, builtSources } from '../support/build.ts';
import { hangMs } from '../support/hang.ts';
import { isShort } from './length.ts';
import { longFiles } from './long-files.ts';

/** Files of `npm test` that draw there (`test/support/drawn.ts`), and are taken whole here. */
const drawnInTests = [
  'test/actors/properties.test.ts',
  'test/agents/run-claim.test.ts',
  'test/control/fuzz.test.ts',
  'test/signal-files/crash.test.ts',
  'test/engine/programs.test.ts',
  'test/git/attempt.test.ts',
  'test/git/leftovers.test.ts',
  'test/git/merge-killed.test.ts',
  'test/machines/document/plan-document.test.ts',
];

/** These take more than the short form has: there they are drawn as in `npm test`, which has just run them. */
const longDrawn = ['test/signal-files/fuzz.test.ts', 'test/simulation/seeds.test.ts', 'test/walls/http-fuzz.test.ts'];

const whole = ['test/**/*.soak.ts', 'test/real/**/*.test.ts', ...drawnInTests, ...(isShort ? [] : longDrawn)];

/** What takes long: `npm run soak`, and with `STATOR_SOAK=short` in some minutes. */
// biome-ignore lint/style/noDefaultExport: vitest takes its configuration so
export default defineConfig({
  plugins: [builtSources],
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'soak',
          include: whole,
          // The short form kills right after one point alone: where an agent was spawned.
          exclude: isShort ? ['test/soak/late-points.soak.ts'] : [],
          env: { STATOR_TEST_WHOLE: '1', STATOR_SANDBOX: 'off' },
          testTimeout: 3_600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: longFiles.filter((file) => !whole.includes(file)),
          env: { STATOR_SANDBOX: 'off' },
          testTimeout: 2 * hangMs,
        },
      },
    ],
    globalSetup: ['test/support/build.ts'],
    server: builtServer,
    reporters: ['default', resultsReporter()],
    hookTimeout: 2 * hangMs,
    maxWorkers: isShort ? Math.ceil(1.5 * availableParallelism()) : 2,
    pool: 'forks',
    // Not to fail by chance; .ci/run names each test that needed it.
    retry: process.env.CI ? 1 : 0,
  },
});
