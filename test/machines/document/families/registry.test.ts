/** A family is added to the registry. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const root = join(import.meta.dirname, '../../../..');

test('a family is one file and one line of the registry', () => {
  const copy = mkdtempSync(join(tmpdir(), 'stator-families-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  cpSync(join(root, 'dist/machines'), join(copy, 'machines'), { recursive: true });
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const folder = join(copy, 'machines/document/families');
  writeFileSync(
    join(folder, 'crosses.js'),
    `import { layOut } from './sections.js';
const task = (line, text) => ({ ref: text, title: text, line, isDone: false, body: [], files: [], check: null, links: [], order: 'sequence', number: null, marks: [] });
const crossed = (sheet) => sheet.lines.filter(({ text }) => text.startsWith('+++ '));
export const crosses = {
  name: 'crosses', title: 'crosses', waves: ['row', 'rows'], companions: [],
  recognises: (sheet) => crossed(sheet).length > 0,
  read: (sheet) => layOut(sheet, crossed(sheet).map(({ number, text }) => ({ line: number, end: number + 1, tasks: [task(number, text.slice(4))], group: null }))),
};
`,
  );
  const registry = join(folder, 'registry.js');
  const text = readFileSync(registry, 'utf8').replace('families = [', 'families = [crosses, ');
  writeFileSync(registry, `import { crosses } from './crosses.js';\n${text}`);
  const script = `import { readPlan } from './machines/document/read-plan.js';
const { family, document, content } = readPlan({ text: '# Search\\n+++ index\\nwords\\n+++ ask\\n', path: 'a.md', beside: [] });
console.log(JSON.stringify({ family, titles: document.waves[0].tasks.map(({ title }) => title), isTold: content.includes('words') }));`;
  const told = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: copy,
    encoding: 'utf8',
  });
  expect(JSON.parse(told)).toEqual({ family: 'crosses', titles: ['index', 'ask'], isTold: true });
});
