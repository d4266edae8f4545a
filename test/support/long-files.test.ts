import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { longFiles } from '../soak/long-files.ts';

it('names files that are there, each once', () => {
  expect(longFiles.filter((file) => !existsSync(join(import.meta.dirname, '../..', file)))).toEqual([]);
  expect(new Set(longFiles).size).toBe(longFiles.length);
});
