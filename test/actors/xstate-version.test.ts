/** The private members of XState that stator uses are in one file, which was written for one version. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../../actors');

it('actors/xstate-internals.ts was written for the XState that is installed: at another one, read its reasons and play test/actors and test/engine first', () => {
  const installed = createRequire(import.meta.url)('xstate/package.json') as { version: string };
  const text = readFileSync(join(folder, 'xstate-internals.ts'), 'utf8');
  expect(text).toContain(`Written for xstate ${installed.version};`);
});

it('no other file of actors names a private member of XState', () => {
  const named = readdirSync(folder).filter((file) =>
    /\b_(?:bookId|nodes|parent|register|relay|sendInspectionEvent|stop|syncSnapshot|unregister)\b/.test(
      readFileSync(join(folder, file), 'utf8'),
    ),
  );
  expect(named).toEqual(['xstate-internals.ts']);
});
