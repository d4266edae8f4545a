/** The table of what was tried with the real programs holds every behaviour of their suite, with each version of each program, and no other. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { behaviours, columns, nameOf, rows } from '../real/behaviours.ts';
import { readResults } from '../real/results-reporter.ts';

const folder = join(import.meta.dirname, '../real');

it('every behaviour of the real programs was tried with each version, and no other is listed', () => {
  const names = columns.map(nameOf);
  expect(Object.entries(readResults()).map(([title, by]) => [title, Object.keys(by)])).toEqual(
    rows.map(([title]) => [title, names]),
  );
});

it('a program is said to have none of it exactly where the suite leaves it out', () => {
  for (const [title, { none = [] }] of rows)
    for (const column of columns)
      expect(readResults()[title]?.[nameOf(column)] === 'none', `${nameOf(column)}: ${title}`).toBe(
        none.includes(column.program),
      );
});

/** Its agents are others, and have a table of their own in docs/agents.md. */
const byProtocol = 'acp.test.ts';

it('every file of the suite is one of the table', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.test.ts') && name !== byProtocol);
  expect(files.sort()).toEqual(
    Object.keys(behaviours)
      .map((name) => `${name}.test.ts`)
      .sort(),
  );
});
