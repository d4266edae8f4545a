/** The program as it is shipped. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('has no line that would fill a terminal where Node prints it beside an error that nobody caught', () => {
  const folder = fileURLToPath(new URL('../../dist/bin', import.meta.url));
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'));
  const lines = files.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
  expect(files.length).toBeGreaterThan(20);
  // A text that is longer is one piece.
  expect(lines.filter((line) => line.length > 1_000).length).toBeLessThan(20);
  expect(lines.length).toBeGreaterThan(5_000);
});
