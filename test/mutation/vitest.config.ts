/** For mutation testing: the tests of one area, which load the sources instead of the build output. */
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { hangMs } from '../support/hang.ts';

/** Set by `run.mjs`. */
const files = (process.env.STATOR_MUTATION_TESTS ?? 'test/machines/**/*.test.ts').split(',');

/** The first failing test kills a mutant. */
class InThisOrder extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => files.findIndex((file) => moduleId.endsWith(`/${file}`));
    return specifications.toSorted((a, b) => place(a) - place(b));
  }
}

// biome-ignore lint/style/noDefaultExport: vitest takes its configuration so
export default defineConfig({
  test: {
    include: files,
    setupFiles: ['test/mutation/setup.ts'],
    env: { STATOR_SANDBOX: 'off' },
    testTimeout: hangMs,
    hookTimeout: hangMs,
    sequence: { sequencer: InThisOrder },
    // Stryker itself reports the results.
    ...(process.env.STRYKER_MUTATOR_WORKER === undefined ? {} : { reporters: [{}] }),
    pool: 'threads',
    maxWorkers: 1,
    // One worker loads the sources once for all files.
    isolate: false,
  },
});
