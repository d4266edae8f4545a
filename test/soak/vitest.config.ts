import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { resultsReporter } from '../real/results-reporter.ts';
import { builtServer, builtSources } from '../support/build.ts';
import { hangMs } from '../support/hang.ts';
import { seedNumberOf } from '../support/seed.ts';
import { drawnS, drawnSoaks } from './drawn-soaks.ts';
import { realAgents, soaks, wholeInSoak } from './left-out.ts';
import { isShort } from './length.ts';

const seed = process.env.STATOR_SOAK_SEED;
const seeds: Record<string, string> = seed === undefined ? {} : { STATOR_CRASH_SEED: String(seedNumberOf(seed)) };

/** The chosen files, or all of them; for the short form without files that have none. */
function filesToPlay(): readonly string[] {
  if (seed !== undefined) return drawnSoaks(seed).map(([file]) => file);
  const files = Object.entries(soaks).filter(([, { shortS }]) => !isShort || shortS > 0);
  const whole = Object.entries(wholeInSoak).filter(([, seconds]) => !isShort || seconds <= drawnS);
  return [...[...files, ...whole].map(([file]) => file), realAgents];
}

/**
 * The long tests: `npm run soak`. `STATOR_SOAK=short` is shorter, and with `STATOR_SOAK_SEED=<commit>` it plays a part of them, as `.ci/run` does.
 */
// biome-ignore lint/style/noDefaultExport: vitest takes its configuration so
export default defineConfig({
  plugins: [builtSources],
  test: {
    include: [...filesToPlay()],
    env: { STATOR_TEST_WHOLE: '1', STATOR_SANDBOX: 'off', ...seeds },
    globalSetup: ['test/support/build.ts'],
    setupFiles: ['test/support/seeded-properties.ts'],
    server: builtServer,
    reporters: ['default', resultsReporter()],
    testTimeout: 3_600_000,
    hookTimeout: 2 * hangMs,
    expect: { poll: { timeout: hangMs } },
    maxWorkers: isShort ? Math.ceil(1.5 * availableParallelism()) : 2,
    pool: 'forks',
    retry: 0,
  },
});
