/** What was tried with the real programs, from the results that their suite keeps. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { streamPrograms } from '../runtime/base/config/preset-programs.ts';
import { markdownTable } from './markdown.ts';

/** By the title of the behaviour, then by program and version. */
const results = z.record(z.string(), z.record(z.string(), z.enum(['passed', 'failed', 'none'])));

/** A row a behaviour, a column a program and version. */
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
