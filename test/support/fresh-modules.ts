/**
 * Runs before each file of tests. A worker takes many files one after the other, so node loads the product once for all of them. Modules of tests are
 * evaluated anew for each file, because what they register with vitest (`afterEach` in `engine.ts`, say) counts for one file only.
 */
import { vi } from 'vitest';

vi.resetModules();
