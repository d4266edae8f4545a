import { defineConfig } from 'vitest/config';
import { isShort } from './length.ts';

/** What takes long: `npm run soak`, and with `STATOR_SOAK=short` in some minutes. */
// biome-ignore lint/style/noDefaultExport: vitest takes its configuration so
export default defineConfig({
  test: {
    include: ['test/soak/*.soak.ts'],
    // The short form kills right after a point in the tests alone.
    exclude: isShort ? ['test/soak/late-points.soak.ts'] : [],
    globalSetup: process.env.STATOR_TEST_NO_BUILD ? [] : ['test/support/build.ts'],
    testTimeout: 3_600_000,
    maxWorkers: isShort ? 3 : 2,
    pool: 'forks',
    // Not to fail by chance; .ci/run names each test that needed it.
    retry: process.env.CI ? 1 : 0,
  },
});
