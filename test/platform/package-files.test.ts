import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inPackage, ownFolder } from '../../runtime/base/platform/package-files.ts';
import { afterwards } from '../support/engine.ts';

it('finds what the package brings, from what is compiled and from the bundle', () => {
  const root = join(import.meta.dirname, '../..');
  expect(inPackage()).toBe(root);
  expect(JSON.parse(readFileSync(inPackage('package.json'), 'utf8'))).toMatchObject({ name: 'stator' });
  expect(existsSync(inPackage('dist', 'bin', 'stator.js'))).toBe(true);
});

it('is the package around the code; of code in another program’s bundle the installed one, and never that program’s own folder', () => {
  const app = mkdtempSync(join(tmpdir(), 'stator-bundle-'));
  afterwards(() => rmSync(app, { recursive: true, force: true }));
  const installed = join(app, 'node_modules/stator');
  mkdirSync(join(installed, 'dist/bin'), { recursive: true });
  mkdirSync(join(app, 'out'));
  writeFileSync(join(app, 'package.json'), '{ "name": "shop" }');
  expect(() => ownFolder(join(app, 'out'))).toThrow(/leave it out of the bundle \(esbuild: --external:stator\)/);
  writeFileSync(join(installed, 'package.json'), '{ "name": "stator" }');
  expect(ownFolder(join(app, 'out'))).toBe(installed);
  expect(ownFolder(join(installed, 'dist/bin'))).toBe(installed);
});
