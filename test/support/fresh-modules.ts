/**
 * Runs before each test file. A worker runs many files one after the other, so node loads the product once for all of them. Test modules are
 * evaluated again for each file, because their registrations with vitest (such as `afterEach` in `engine.ts`) are valid for one file only.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, vi } from 'vitest';

const watchesLimitMs = 30_000;

vi.resetModules();

/** The file that leaves a watch open fails, and not a later one that counts its own watches. */
afterAll(async () => {
  const watches = () => process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length;
  for (const end = performance.now() + watchesLimitMs; watches() > 0 && performance.now() < end; ) await delay(20);
  if (watches() > 0) throw new Error(`${watches()} watches on files or folders were left open`);
});
