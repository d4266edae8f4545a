import { defineConfig } from 'vitest/config';

/** Hours' worth of kills in some twenty minutes: `vitest run --config test/soak/vitest.config.ts`, from the package's folder. */
// biome-ignore lint/style/noDefaultExport: vitest takes its configuration so
export default defineConfig({
  test: {
    include: ['test/soak/*.soak.ts'],
    globalSetup: process.env.STATOR_TEST_NO_BUILD ? [] : ['test/build.ts'],
    testTimeout: 3_600_000,
    maxWorkers: 2,
    pool: 'forks',
  },
});
