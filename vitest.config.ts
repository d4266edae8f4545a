import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { longFiles } from './test/soak/long-files.ts';
import { builtServer, builtSources } from './test/support/build.ts';
import { hangMs } from './test/support/hang.ts';
import { SlowestFirst } from './test/support/slowest-first.ts';

export default defineConfig({
  plugins: [builtSources],
  test: {
    // `npm test` is the first alone; a file that is named is found in either.
    projects: [
      {
        extends: true,
        test: { name: 'tests', include: ['test/**/*.test.ts'], exclude: [...longFiles, 'test/real/**'] },
      },
      { extends: true, test: { name: 'long', include: [...longFiles] } },
    ],
    globalSetup: ['test/support/build.ts'],
    server: builtServer,
    // Walls cost time, and are not there everywhere: the tests whose subject they are turn them on.
    env: { STATOR_SANDBOX: 'off' },
    // What a test waits for within says sooner what it waited for.
    testTimeout: 2 * hangMs,
    hookTimeout: 2 * hangMs,
    // They wait for processes and polls more than half of their time.
    maxWorkers: 3 * availableParallelism(),
    sequence: { sequencer: SlowestFirst },
    pool: 'forks',
    // Not to fail by chance; .ci/run names each test that needed it.
    retry: process.env.CI ? 1 : 0,
  },
});
