import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: process.env.STATOR_TEST_NO_BUILD ? [] : ['test/build.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most of them wait for processes, so that two cores have room for a third.
    maxWorkers: 3,
    pool: 'forks',
  },
});
