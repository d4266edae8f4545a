/** Everything that a page requests by name is served: its scripts and their imports, its styles and pictures. */
import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { assetAt } from '../../runtime/api/inspector/page-app.ts';

const inPage = /\b(?:src|href)="([^"#?:]+)"/g;
const inScript = /\b(?:from|import) ?\(?['"]([./][^'"]+)['"]/g;

/** The files that a browser requests, each with the file that requests it first. */
function askedFrom(pages: readonly string[]): Map<string, string> {
  const asked = new Map(pages.map((page) => [page, 'a browser']));
  for (const path of asked.keys()) {
    const found = assetAt(path);
    if (found === null) continue;
    const wanted = found.type.startsWith('text/html')
      ? inPage
      : found.type.startsWith('text/javascript')
        ? inScript
        : null;
    if (wanted === null) continue;
    for (const [, name = ''] of new TextDecoder().decode(found.bytes).matchAll(wanted)) {
      const address = posix.resolve(posix.dirname(path), name);
      if (!asked.has(address)) asked.set(address, path);
    }
  }
  return asked;
}

test.each(['/', '/stately'])('%s finds each file that it needs', (page) => {
  const asked = askedFrom([page]);
  expect([...asked].filter(([path]) => assetAt(path) === null)).toEqual([]);
  expect(asked.size).toBeGreaterThan(3);
});

test('a path that leads out of the folders is no file of the page', () => {
  for (const path of ['/page/../package.json', '/package.json', '/page/%2e%2e/package.json', '/machines/plan.js'])
    expect(assetAt(path)).toBe(null);
});
