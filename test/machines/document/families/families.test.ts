/** Properties of every family: any text is read without an error, no line is lost, and a family can be forced. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { familyNames, markDone, readPlan } from '../../../../machines/document/read-plan.ts';
import { runsOf } from '../../../support/drawn.ts';
import { lines, read } from '../../../support/family-documents.ts';

const root = join(import.meta.dirname, '../../../..');

const parts = [
  ...[
    '# ',
    '## ',
    '### ',
    '#### ',
    '- ',
    '* ',
    '1. ',
    '  ',
    '    ',
    '\t',
    '> ',
    '- [ ] ',
    '- [x] ',
    '- [ ]* ',
    '\n',
    '\n',
    '\n\n',
    '\r\n',
    '\r',
  ],
  ...[
    'Task 1: ',
    'Task 2: ',
    'Task: ',
    'Wave 1',
    'Phase 1: ',
    'T001 ',
    'T002 ',
    '[P] ',
    '[US1] ',
    '1.1 ',
    '2. ',
    'a',
    'b c',
    '✅ ',
    '~~x~~',
  ],
  ...[
    '**After:** 1',
    '**Check:** npm test',
    '**Check:** `a',
    '**Files:** `a.ts`',
    '**Fils:**',
    '**Budget:** 5 USD',
    '**Goal:** g',
    '**Depends on:** Task 1',
  ],
  ...[
    '(depends on T001)',
    '(after 1.1)',
    '```',
    '````',
    '~~~',
    '<!--',
    '-->',
    '---',
    '===',
    '---\na: b\n---\n',
    'Dependencies',
    'Notes',
    '\\',
  ],
  ...[
    '{"tasks": [',
    '{"userStories": [',
    '{"id": 1, "title": "a", "status": "pending"}',
    '{"id": "x", "title": "b", "passes": false, "priority": 1}',
    ',',
    ']}',
    '"',
  ],
];
const soup = fc.array(fc.constantFrom(...parts), { maxLength: 60 }).map((drawn) => drawn.join(''));
const anyText = fc.oneof({ weight: 4, arbitrary: soup }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) });
const family = fc.option(fc.constantFrom(...familyNames), { nil: undefined });
const path = fc.constantFrom(
  'plan.md',
  'specs/001-a/tasks.md',
  '.kiro/specs/a/tasks.md',
  'openspec/changes/a/tasks.md',
  'conductor/tracks/a/plan.md',
  'a/tasks.json',
);

test('any text is read, whole or with problems, as what it is and as what one says', () => {
  fc.assert(
    fc.property(anyText, path, family, (text, at, as) => {
      read(text, at, ['spec.md', 'design.md'], as);
      const marked = markDone({ text, path: at, beside: [] }, new Set(['1', 'T001', '1.1', '#1', 'x']), as);
      expect(read(marked, at, [], as).refs.map(({ ref }) => ref)).toEqual(
        read(text, at, [], as).refs.map(({ ref }) => ref),
      );
    }),
    { numRuns: runsOf(5000, 1000) },
  );
});

test('no name from outside of the text begins a line of its own', () => {
  const evil = 'a\n\n## Wave 7\n\n### Task 9: mine\n\n**Check:** rm';
  const task = { id: evil, title: evil, status: 'pending', dependencies: [], [evil]: evil };
  const tagged = read(JSON.stringify({ [evil]: { tasks: [task] }, [`${evil}2`]: 1 }), 'tasks.json');
  const story = { id: evil, title: evil, passes: false, priority: 1 };
  const stories = read(JSON.stringify({ project: evil, branchName: evil, userStories: [story] }), 'prd.json');
  const boxes = read('- [ ] T001 a\n', `specs/${evil}/tasks.md`, ['spec.md']);
  for (const { document, ok } of [tagged, stories, boxes]) {
    expect(ok).toBe(true);
    expect(document.waves.map(({ number, tasks }) => [number, tasks.map(({ check }) => check)])).toEqual([[1, [null]]]);
  }
});

test('a document of no family is described, and one that is forced says what it lacks', () => {
  const prose = lines('# Search', '', 'It should be faster.', '', '- [ ] think');
  const reading = read(prose);
  expect(reading.family).toBe('stator');
  expect(reading.describes).toContain('1 check box');
  const forced = readPlan({ text: '# Search\n', path: 'a.md', beside: [] }, 'spec-kit');
  expect(forced.problems).toEqual([{ line: 1, message: 'no task found: the document does not look like spec-kit' }]);
});

test('a title that is underlined in the text of a task is text, in the own form too', () => {
  const text =
    '# Cart\n\n### Task 1: Cart\n\nWords.\n\nTask 2: Till\n------------\n\nMore.\n\n### Task 3: Door\n\nOpen it.\n';
  const { ok, problems, content } = readPlan({ text, path: 'cart.md', beside: [] });
  expect([ok, problems]).toEqual([true, []]);
  for (const word of ['Words.', 'Task 2: Till', '-----', 'More.', 'Open it.']) expect(content).toContain(word);
});

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

/** 1 MiB of such lines, or the most lines of a plan. */
function large(line: (at: number) => string): string {
  const rows: string[] = [];
  let size = 0;
  for (let at = 1; size < 1_000_000 && rows.length < 24_000; at += 1) {
    const row = line(at);
    rows.push(row);
    size += row.length + 1;
  }
  return `${rows.join('\n')}\n`;
}

const words = 'and so many words that the line is as long as it is in plans of that family';

test.each<[string, string, string?]>([
  [
    'spec-kit',
    large((at) =>
      at % 50 === 1 ? `## Phase ${at}` : `- [ ] T${at} [P] Do it in src/a${at}.ts (depends on T${at - 1}) ${words}`,
    ),
  ],
  ['steps', large((at) => (at % 6 === 1 ? `### Task ${at}: do it` : `- [ ] **Step:** depends on Task ${at} ${words}`))],
  [
    'groups',
    large((at) => (at % 4 === 1 ? `- [ ] ${at}. Do it` : `  - [ ] ${at}.${at % 4} Do it ${words}`)),
    '.kiro/specs/a/tasks.md',
  ],
  [
    'groups side by side',
    large((at) => (at % 4 === 1 ? `- [ ] ${at}. Do it` : `- [ ] ${at - (at % 4) + 1}.${at % 4} (P) Do it ${words}`)),
    '.kiro/specs/a/tasks.md',
  ],
  [
    'OpenSpec',
    large((at) => (at % 20 === 1 ? `## ${at}. S` : `- [ ] ${at}.${at % 20} Do it ${words}`)),
    'openspec/changes/a/tasks.md',
  ],
  [
    'Conductor',
    large((at) =>
      at % 20 === 1 ? `## Phase ${at}` : at % 4 === 2 ? `- [ ] Task: ${words}` : `    - [ ] step ${words}`,
    ),
    'conductor/tracks/a/plan.md',
  ],
  [
    'GSD',
    large((at) => ['</task>', '<task type="auto">', `<name>Do ${at}</name>`][at % 8] ?? `<action>${words}</action>`),
    '01-01-PLAN.md',
  ],
  ['GSD with open fences', large(() => '<task>\n<name>a</name>\n```\n</task>'), '01-01-PLAN.md'],
  [
    'Cursor',
    `---\ntodos:\n${'  - id: a\n    content: b\n'.repeat(1000)}---\n${large(() => `- ${words}`)}`,
    'a.plan.md',
  ],
  [
    'Backlog.md',
    `---\nid: task-1\ntitle: a\nstatus: To Do\n---\n${large((at) => `- [ ] #${at} ${words}`)}`,
    'backlog/tasks/task-1 - a.md',
  ],
  [
    'BMAD',
    `# Story 1\n## Tasks / Subtasks\n${large((at) => (at % 5 === 1 ? `- [ ] Task ${at} ${words}` : `  - [ ] ${words}`))}`,
  ],
  ['lists', large((at) => (at % 20 === 1 ? `## Phase ${at}` : `- [ ] ${words}`))],
  ['lists that are none', large((at) => (at % 9 === 1 ? `### ${at}.1 Testing` : `- [ ] ${words}`))],
  [
    'task-master',
    JSON.stringify({
      tasks: Array.from({ length: 3800 }, (_, at) => ({
        ...{ id: at + 1, title: `t ${at}`, details: `${words} ${words}`, status: 'pending' },
        dependencies: at === 0 ? [] : [at],
      })),
    }),
    'tasks.json',
  ],
  [
    'Ralph',
    JSON.stringify({
      userStories: Array.from({ length: 3500 }, (_, at) => ({
        ...{ id: `US-${at}`, title: `t ${at}`, description: words, acceptanceCriteria: [words] },
        ...{ priority: at, passes: false },
      })),
    }),
    'prd.json',
  ],
  ['boxes', `# Tasks\n${'- [ ] a\n'.repeat(24_000)}`, 'plan.md'],
  ['headings', '# a\n'.repeat(24_000)],
  ['phases', large((at) => `## Phase ${at}`)],
  ['a wide document', '- [ ] a\n'.repeat(130_000)],
  ['a deep one', large((at) => `${' '.repeat(at % 60)}- [ ] T${at} a`)],
  ['fences', large(() => '```')],
  ['comments', large((at) => `### Task ${at}: a <!--\n<!--`)],
  ['one line', `### Task 1: ${'depends on Task 1, '.repeat(50_000)}`],
  ['brackets', `- [ ] T001 ${'['.repeat(1_000_000)}`],
  ['backticks', `- [ ] T001 ${'`a '.repeat(300_000)}`],
  ['deep JSON', '['.repeat(500_000)],
  [
    'wide JSON',
    `{"tasks": [${'{"id": 1, "title": "a", "status": "x"},'.repeat(25_000)}{"id": 2, "title": "b", "status": "x"}]}`,
  ],
  ['fields', large((at) => `${at === 1 ? '### Task 1: a\n' : ''}**After:** ${at}`)],
  ['almost fields', large((at) => `${at === 1 ? '### Task 1: a\n' : ''}**Fils:** ${at}`)],
])('1 MiB of %s is read in linear time', (_, text, at = 'tasks.md') => {
  const timed = (part: string) => {
    const start = process.cpuUsage();
    readPlan({ text: part, path: at, beside: [] });
    const { user } = process.cpuUsage(start);
    return user / 1000;
  };
  timed(text.slice(0, 1000));
  // A quiet machine takes 100 to 700 ms. Only a reader with quadratic time exceeds this bound twice, on any machine.
  const bound = 4000;
  expect(timed(text) < bound || timed(text) < bound).toBe(true);
});
