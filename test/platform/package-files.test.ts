import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inPackage } from '../../runtime/base/platform/package-files.ts';

it('finds what the package brings, from what is compiled and from the bundle', () => {
  const root = join(import.meta.dirname, '../..');
  expect(inPackage()).toBe(root);
  expect(JSON.parse(readFileSync(inPackage('package.json'), 'utf8'))).toMatchObject({ name: 'stator' });
  expect(existsSync(inPackage('dist', 'bin', 'stator.js'))).toBe(true);
});
