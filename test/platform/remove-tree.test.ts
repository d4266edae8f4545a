/**
 * Removing folders that a program made without permissions for their owner. It runs as a user who is not root, because permissions do not apply to
 * root.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';

const nobody = { uid: 65_534, gid: 65_534 };
const user = process.getuid?.() === 0 ? nobody : {};
const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

/** Returns the thrown error, as the program in between prints it. */
function removedBy(lines: readonly string[]): { readonly said: string; readonly root: string } {
  const root = mkdtempSync(join(tmpdir(), 'remove-tree-'));
  roots.push(root);
  chmodSync(root, 0o777);
  const outside = join(root, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), 'kept');
  chmodSync(outside, 0o755);
  const module = join(import.meta.dirname, '../../dist/runtime/base/platform/remove-tree.js');
  const program = [
    `import * as fs from 'node:fs'; import { removeTree } from ${JSON.stringify(module)};`,
    `const ground = ${JSON.stringify(root)}; process.chdir(ground); fs.mkdirSync('tree/a/b', { recursive: true });`,
    ...lines,
    "await removeTree('tree').catch((thrown) => process.stdout.write(String(thrown)));",
  ].join('\n');
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    ...user,
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin' },
  });
  return { said: stdout + stderr, root };
}

it.each([
  { what: 'the folder itself', closes: "fs.chmodSync('tree', 0)" },
  { what: 'one below it', closes: "fs.chmodSync('tree/a', 0)" },
  { what: 'one that can be read and not entered', closes: "fs.chmodSync('tree/a', 0o400)" },
  { what: 'one that cannot be written', closes: "fs.chmodSync('tree/a', 0o500)" },
])('what was closed is taken away: $what', ({ closes }) => {
  const { said, root } = removedBy([closes]);
  expect(said).toBe('');
  expect(existsSync(join(root, 'tree'))).toBe(false);
});

it.each([
  { what: 'that can be entered', closes: '' },
  { what: 'that is closed', closes: 'fs.chmodSync(name, 0)' },
])('so is a folder $what whose name is no UTF-8', ({ closes }) => {
  const { said, root } = removedBy([
    "const name = Buffer.concat([Buffer.from('tree/a/'), Buffer.from([0xff])]);",
    "fs.mkdirSync(name); fs.writeFileSync(Buffer.concat([name, Buffer.from('/f')]), '');",
    closes,
  ]);
  expect(said).toBe('');
  expect(existsSync(join(root, 'tree'))).toBe(false);
});

it('what a link in it leads to is left alone', () => {
  const { said, root } = removedBy(["fs.symlinkSync('../../outside', 'tree/a/out')", "fs.chmodSync('tree/a', 0)"]);
  expect(said).toBe('');
  expect(existsSync(join(root, 'outside', 'file'))).toBe(true);
});

it('nothing is said of what is not there', () => {
  expect(removedBy(["fs.rmSync('tree', { recursive: true })"]).said).toBe('');
});

it('are taken away where no path reaches their ground', () => {
  const { said, root } = removedBy([
    "const name = 'a'.repeat(200); process.chdir('tree');",
    'for (let depth = 0; depth < 300; depth += 1) { fs.mkdirSync(name); process.chdir(name); }',
    "fs.writeFileSync('x', ''); fs.chmodSync('.', 0); process.chdir(ground);",
  ]);
  expect(said).toBe('');
  expect(existsSync(join(root, 'tree'))).toBe(false);
});

it.each([
  { what: 'a long chain of folders that nobody may write', lines: ['deep(25, 0o500);'] },
  {
    what: 'a long chain beside closed folders',
    lines: ["close('A'); close('a0');", 'deep(40, 0o700);', "close('z');"],
  },
])('so is $what', ({ lines }) => {
  const { said, root } = removedBy([
    "process.chdir('tree'); const close = (name) => { fs.mkdirSync(name); fs.writeFileSync(name + '/x', ''); fs.chmodSync(name, 0); };",
    "const deep = (count, mode) => { const name = 'a'.repeat(200); const made = []; const here = process.cwd();",
    '  for (let depth = 0; depth < count; depth += 1) { fs.mkdirSync(name); process.chdir(name); made.push(0); }',
    "  for (const _ of made) { fs.chmodSync('.', mode); process.chdir('..'); } process.chdir(here); };",
    ...lines,
    'process.chdir(ground);',
  ]);
  expect(said).toBe('');
  expect(existsSync(join(root, 'tree'))).toBe(false);
});
