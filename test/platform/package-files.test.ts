import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inPackage, isOwnModuleAway, ownFolder } from '../../runtime/base/platform/package-files.ts';
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

it('knows a module of its own that is away, and a package that such a module imports, from those of other programs', () => {
  const away = (what: string, by: string, code = 'ERR_MODULE_NOT_FOUND') =>
    isOwnModuleAway(Object.assign(new Error(`Cannot find ${what} imported from ${by}`), { code }));
  const own = inPackage('dist/bin/main-x.js');
  for (const what of [`module '${own}'`, `module '${inPackage('node_modules/ink/index.js')}'`, "package 'ink'"])
    expect(away(what, own), what).toBe(true);
  expect(away("module '/home/ada/machines.js'", own)).toBe(false);
  expect(away("package 'ink'", '/home/ada/machines.js')).toBe(false);
  expect(away("package 'ink'", own, 'ENOENT')).toBe(false);
});
