import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { realAgents } from './test/soak/left-out.ts';
import { builtServer, builtSources } from './test/support/build.ts';
import { hangMs } from './test/support/hang.ts';
import { seedOfHead } from './test/support/seed.ts';
import { SlowestFirst } from './test/support/slowest-first.ts';
import { tempFolder } from './test/support/temp-folder.ts';

const flags = join(import.meta.dirname, 'test/support/v8-flags.cjs');

/** Every test, but for the kinds that test/soak/left-out.ts lists. */
export default defineConfig({
  plugins: [builtSources],
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [realAgents],
    globalSetup: ['test/support/build.ts'],
    server: builtServer,
    // Walls cost time, and are not there everywhere: the tests whose subject they are turn them on.
    env: {
      STATOR_SANDBOX: 'off',
      TMPDIR: tempFolder(),
      STATOR_CRASH_SEED: seedOfHead(),
      // A company's certificates, which each node would read at its start for 50 ms: the tests speak to loopback only.
      NODE_EXTRA_CA_CERTS: '',
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require=${JSON.stringify(flags)}`,
    },
    // What a test waits for within says sooner what it waited for.
    testTimeout: 2 * hangMs,
    hookTimeout: 2 * hangMs,
    expect: { poll: { timeout: hangMs } },
    // They wait for processes, and for limits that pass in real time, more than half of their time.
    maxWorkers: 4 * availableParallelism(),
    sequence: { sequencer: SlowestFirst },
    pool: 'forks',
    // A worker takes many files, and loads the product once: that was a quarter of all the time.
    isolate: false,
    setupFiles: ['test/support/fresh-modules.ts', 'test/support/seeded-properties.ts'],
    retry: 0,
  },
});
