/** A graph that is loaded at once is the one that `import()` finds, and what cannot be loaded so is left to it. In a process of Node's own: that is whose loader it is. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

const preload = join(import.meta.dirname, '../../dist/runtime/platform/preload.js');

/** What is printed by a module beside these, which begins with `preload` at hand. */
function said(files: Readonly<Record<string, string>>, main: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'stator-preload-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const begin = `import { preload } from ${JSON.stringify(preload)};\nconst from = import.meta.url;\n`;
  for (const [name, text] of Object.entries({
    ...files,
    'package.json': '{"type": "module"}',
    'main.js': begin + main,
  }))
    writeFileSync(join(folder, name), text);
  return execFileSync(process.execPath, [join(folder, 'main.js')], { encoding: 'utf8' }).trim();
}

it('a module and what it imports are evaluated once, and import() finds them', () => {
  const files = {
    'a.js': "import { b } from './b.js'; console.log('a'); export const a = b + 1;",
    'b.js': "console.log('b'); export const b = 1;",
  };
  const main = "preload(from, './a.js'); console.log('loaded'); console.log((await import('./a.js')).a);";
  expect(said(files, main)).toBe('b\na\nloaded\n2');
});

it('a graph that waits at its top level is left to import()', () => {
  const files = { 'waits.js': 'export const it = await Promise.resolve(7);' };
  expect(said(files, "preload(from, './waits.js'); console.log((await import('./waits.js')).it);")).toBe('7');
});

it('an error in a module is told by import()', () => {
  const files = { 'broken.js': "throw new Error('not today');" };
  const main =
    "preload(from, './broken.js'); await import('./broken.js').catch(({ message }) => console.log(message));";
  expect(said(files, main)).toBe('not today');
});

it('a name that no module has is a mistake of ours, and said', () => {
  const main = "try { preload(from, './missing.js'); } catch ({ code }) { console.log(code); }";
  expect(said({}, main)).toBe('MODULE_NOT_FOUND');
});

it('says nothing of itself: no warning stands among what a verb says', () => {
  const main = "process.on('warning', ({ message }) => console.log(message)); preload(from, './a.js');";
  expect(said({ 'a.js': 'export {};' }, main)).toBe('');
});
