/**
 * Runs before each file of tests. A worker takes many files one after the other, so node loads the product once for all of them. Modules of tests are
 * evaluated anew for each file, because what they register with vitest (`afterEach` in `engine.ts`, say) counts for one file only.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, vi } from 'vitest';

const watchesLimitMs = 30_000;

vi.resetModules();

/** The file that leaves a watch of the system open is the one that fails, and not one that counts its own later on. */
afterAll(async () => {
  const watches = () => process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length;
  for (const end = performance.now() + watchesLimitMs; watches() > 0 && performance.now() < end; ) await delay(20);
  if (watches() > 0) throw new Error(`${watches()} watches on files or folders were left open`);
});
