/** The results of the tests with real programs, as their suite stored them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { streamPrograms } from '../runtime/base/config/preset-programs.ts';
import { markdownTable } from './markdown.ts';

/** The results by behaviour, and then by program and version. */
const results = z.record(z.string(), z.record(z.string(), z.enum(['passed', 'failed', 'none'])));

/** One row for each behaviour, and one column for each program and version. */
export function realTable(root: string): string {
  const found = results.parse(JSON.parse(readFileSync(join(root, 'test/real/results.json'), 'utf8')));
  const columns = Object.entries(streamPrograms).flatMap(([program, { triedVersions }]) =>
    triedVersions.map((version) => `${program} ${version}`),
  );
  const cell = { passed: 'yes', failed: '**no**', none: 'has none' };
  const rows = Object.entries(found).map(([title, by]) => [
    title,
    ...columns.map((column) => (by[column] === undefined ? '' : cell[by[column]])),
  ]);
  return markdownTable(['it', ...columns], rows);
}
