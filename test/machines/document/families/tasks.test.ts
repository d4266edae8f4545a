/** Plans whose tasks are headings, without waves. */
import { describe, expect, test } from 'vitest';
import { markDone, readPlan } from '../../../../machines/document/read-plan.ts';
import { bodiesOf, lines, outline, problemsOf, read, remarksOf } from '../../../support/family-documents.ts';

const counter = lines(
  '# Stock counter plan',
  '',
  '> For agents: work through it task by task.',
  '',
  '**Goal:** people see how many are left',
  '',
  '---',
  '',
  '### Task 1: Make the package',
  '',
  '**Files:**',
  '- Create: `pkg/package.json`',
  '',
  '- [x] **Step 1:** create it',
  '```bash',
  'mkdir pkg # not a heading',
  '```',
  '### Task 2: Count',
  '',
  '**Check:** npm test',
  '- [ ] **Step 1:** a failing test',
  '- [ ] **Step 2:** make it pass',
  '',
  '### Task 3: Page',
  'Show it.',
  '',
  '## Remarks',
  'Nobody touches the till.',
);

describe('tasks without waves', () => {
  test('run one after the other, in the order that they are written in', () => {
    const reading = read(counter);
    expect(reading.family).toBe('tasks');
    expect(outline(reading)).toEqual(['1: x 1 Make the package | 2 Count < 1 | 3 Page < 2']);
    expect(reading.document.goal).toBe('people see how many are left');
    expect(reading.document.waves[0]?.tasks.map(({ files, check }) => [files, check])).toEqual([
      [['pkg/package.json'], null],
      [[], 'npm test'],
      [[], null],
    ]);
    expect(reading.document.notes.map(({ title }) => title)).toEqual(['', 'Remarks']);
    expect(reading.size).toBe('3 tasks');
    expect(reading.counts.done).toBe(1);
  });

  test.each(['T-', 'TASK-'])('have ids such as %s001 in fields in lists, and a status beside other fields', (id) => {
    const text = lines(
      ...['# P', `### ${id}001: a`, '**Story:** 1 | **Status:** [x] completed', '- [ ] x', `### ${id}002: b`, 'b'],
      ...['| a | **Status:** done |', `### ${id}003: c`, `- **Depends on:** ${id}001`, '- **Files:** `a.ts`'],
    );
    expect(outline(read(text))).toEqual(['1: x 1 a | 2 b < 1 | 3 c < 1']);
  });

  test('take an order of their own before that of the document', () => {
    const text = lines(
      '# P',
      '### Task 1: a',
      'a',
      '### Task 2: b',
      '**Depends on:** None',
      '### Task 3: c',
      '**After:** 1, 2',
      '### Task 4: d',
      'd',
    );
    expect(outline(read(text))).toEqual(['1: 1 a | 2 b | 3 c < 1 2 | 4 d < 3']);
    // A task that names none comes after all before it, not only after the last one.
    const open = read(text.replace('**After:** 1, 2', '**Depends on:** all of the above'));
    expect(outline(open)).toEqual(['1: 1 a | 2 b | 3 c < 1 2 | 4 d < 3']);
    expect(remarksOf(open)).toEqual([expect.stringMatching(/^7: .*the order is as it would be without it$/)]);
  });

  test('are grouped by the parts of the document, and keep their numbers', () => {
    const text = lines(
      '# P',
      '## Phase 1: Ground',
      'why',
      '### Task 1: a',
      'x',
      '### Task 2: b',
      '## Phase 2',
      '### Task 3: c',
      'Depends on Task 1.',
      '## Risks',
      'none',
    );
    const reading = read(text);
    expect(outline(reading)).toEqual(['1 Phase 1: Ground: 1 a | 2 b < 1', '2 Phase 2: 3 c']);
    expect(reading.size).toBe('2 parts, 3 tasks');
    expect(reading.document.notes.map(({ title, wave }) => [title, wave])).toEqual([
      ['', 1],
      ['Risks', null],
    ]);
  });

  test.each([
    ['## Task 1: a', '## Task 2: b'],
    ['#### Task 1 — a', '#### Task 2 — b'],
    ['### ✅ Task 1: a', '### ⬜ Task 2: b'],
    ['### [x] Task 1: a', '### [ ] Task 2: b'],
    ['### **Task 1: a**', '### **Task 2: b**'],
    ['### Task 1: one ✅', '### Task 2: b'],
    ['### Task 1: ✅ a', '### Task 2: ⬜ b'],
    ['### Task 1 ✅: a', '### Task 2 ⬜: b'],
    ['### Task 1 [x] — a', '### Task 2 [ ] — b'],
    ['### Task 1: [x] a', '### Task 2: [ ] b'],
    ['### Step 1: a', '### Step 2: b'],
    ['### T001: a', '### T002: b'],
    ['### T-001: a', '### T-002: b'],
    ['### TASK-001: a', '### TASK-002: b'],
    ['### Task 1： a', '### Task 2： b'],
    ['### 🧱 Task 1: a', '### 🧱 Task 2: b'],
    ['### 🧱 T1: a', '### 🧱 T2: b'],
    ['##### task #1: a', '##### task #2: b'],
    ['### __Task 1: a__', '### __Task 2: b__'],
    ['### **Task 1**.) a', '### **Task 2**.) b'],
  ])('are found with headings like %s', (first, second) => {
    const reading = read(lines('# P', '', first, '', 'x', '', second, '', 'y'));
    expect(
      reading.document.waves[0]?.tasks.map(({ number, title, isDone, after }) => [number, title, isDone, after]),
    ).toEqual([
      [1, first.includes('one') ? 'one' : 'a', /x\]|✅/.test(first), []],
      [2, 'b', false, [1]],
    ]);
  });

  test.each([
    ['### Step 1: a'],
    ['###### Task 1: a', '###### Task 2: b'],
    ['# Task 1: a'],
    ['### t1: a', '### t2: b'],
    ['### T#1: a', '### T#2: b'],
    ['> ### Task 1: a'],
    ['- ### Task 1: a'],
  ])('are not found with headings like %s alone', (...headings) => {
    expect(read(lines('# P', '', ...headings, 'x')).family).toBe('stator');
  });

  test('are those of the highest level, and text below deeper headings, or without a mark, is theirs', () => {
    expect(outline(read(lines('# Task 1: a', 'x', '# Task 2: b')))).toEqual(['1: 1 a | 2 b < 1']);
    const rows = ['### Task 1: a', '#### Task 1: deep', 'go', '#### Task 2: deeper', '### Task 2: b', 'y'];
    const reading = read(lines('- [ ] before', '', ...rows, 'Task 3: Till', '------------', '', '## Notes', 'z'));
    expect(outline(reading)).toEqual(['1: 1 a | 2 b < 1']);
    expect(bodiesOf(reading)).toEqual([
      '\\#### Task 1: deep\ngo\n\\#### Task 2: deeper',
      'y\nTask 3: Till\n------------',
    ]);
    expect(reading.document.notes.map(({ title }) => title)).toEqual(['', 'Notes']);
  });

  test('have the whole heading in their text where the title leaves something out', () => {
    const bodies = (...headings: string[]) => bodiesOf(read(lines(...headings.flatMap((heading) => [heading, 'x']))));
    expect(bodies('### Task 1: a', '### ✅ Task 2 — b', '### Task 3 c')).toEqual(['x', 'x', 'x']);
    expect(bodies('### Step 1: a', '### Step 2: b')).toEqual(['Step 1: a\n\nx', 'Step 2: b\n\nx']);
    const { waves } = read(lines('### Task 1:a: b', '### Task 2 the rest: more', '### Task 3: other')).document;
    expect(waves[0]?.tasks.map(({ title }) => title)).toEqual(['a: b', 'the rest: more', 'other']);
  });

  test('may have the same number twice, and the first of them is meant by it', () => {
    const text = lines('### Task 1: a', '### Task 1: b', '### Task 2: c', '**After:** 1');
    const reading = readPlan({ text, path: 'plan.md', beside: [] });
    expect(outline(reading)).toEqual(['1: 1 a | 2 b < 1 | 3 c < 1']);
    expect(reading.refs.map(({ ref }) => ref)).toEqual(['1', '1 (2)', '2']);
  });

  test.each([
    ['### [ ] Task 1: a ✅', false],
    ['### ~~Task 1: a~~', true],
    ['### ~~Task 1~~: a', false],
    ['### Task 1: ~~a~~', false],
    ['### Task 1: a\n**Status:** done.', true],
    ['### Task 1: a\n**Status:** not done', false],
    ['### Task 1: a\n**Status:** done in May', false],
    ['### Task 1: a\n- [x] b\n- [ ] c', false],
    ['### Task 1: a\n- [x] b\n  - [ ] c', false],
    ['- [ ] before\n\n### Task 1: a\n- [x] b', true],
  ])('are done or not: %j is %j', (text, isDone) => {
    expect(read(lines(text, '### Task 2: b', '- [ ] c')).document.waves[0]?.tasks.map((task) => task.isDone)).toEqual([
      isDone,
      false,
    ]);
  });

  test.each([
    ['## Task 1: a ✅ (2026-01-02)', [1]],
    ['## Task 1: a (Done ✅)', [1]],
    ['## Task 1: a [done]', [1]],
    ['## Task 1: a - completed', [1]],
    ['## Task 1: a\n**Status:** ✅ DONE, in May', [2]],
    ['## Task 1: a (skipped)\n- **Status:** ❌ Cancelled', [1, 2]],
    ['## Task 1: a\n**Status:** done', []],
    ['## Task 1: a 🚧', []],
    ['## Task 1: how it is done', []],
  ])('may say without a mark that they are done, which is remarked: %j in lines %j', (text, at) => {
    expect(read(lines(text, '## Task 2: b')).remarks.map(({ line }) => line)).toEqual(at);
  });

  test('with the same number are remarked if another task comes after that number', () => {
    const text = lines(
      '### Task 1: a',
      '### Task 1: b',
      '### Task 2: c',
      '**After:** 1',
      '### Task 3: d',
      '**After:** 2',
    );
    expect(remarksOf(readPlan({ text, path: 'p.md', beside: [] }))).toEqual([
      expect.stringMatching(/^4: `1` is the number of several tasks/),
    ]);
  });

  test('that come after an unknown one are no plan, and stay as they are written', () => {
    const text = lines('## Task 1: a', '**Depends on:** Task 9', '## Task 2: b');
    const { ok, content } = read(text);
    expect([ok, content]).toEqual([false, text]);
    expect(read(content).problems).toEqual(read(text).problems);
  });

  test('with numbers of parts are counted anew, and keep those in their titles', () => {
    const text = lines('## Phase 1', '### Task 1.1: a', 'x', '### Task 1.2: b', '**Depends on:** Task 1.1');
    expect(outline(read(text))).toEqual(['1 Phase 1: 1 Task 1.1: a | 2 Task 1.2: b < 1']);
  });

  test('with a circle, or an order that names nothing, are no plan, and each line is named', () => {
    const circle = lines(
      '### Task 1: a',
      '**After:** 2',
      '### Task 2: b',
      '**After:** 1',
      '### Task 3: c',
      '**After:** 9',
      '### Task 4: d',
      '**After:** later',
    );
    const reading = read(circle);
    expect(reading.problems.map(({ line }) => line).sort()).toEqual([4, 6, 8]);
    expect(reading.describes).toBeNull();
    expect(remarksOf(read(lines('### Task 1: a', '**Dependencies:** a database', '### Task 2: b')))).toHaveLength(1);
  });

  test('keep text that stator would take for a field or a heading of its own', () => {
    const reading = read(lines('### Task 1: a', '**Fils:** text', '# Deep', '## Deeper', '### Task 2: b'));
    expect(problemsOf(reading)).toEqual([]);
    expect(remarksOf(reading)).toHaveLength(1);
  });

  test('are marked in the document when they are done, and nothing else changes', () => {
    const source = { text: counter.replaceAll('\n', '\r\n'), path: 'plan.md', beside: [] };
    const marked = markDone(source, new Set(['2']));
    expect(marked).toBe(source.text.replaceAll('- [ ]', '- [x]'));
    expect(outline(read(marked))).toEqual(['1: x 1 Make the package | x 2 Count < 1 | 3 Page < 2']);
    expect(markDone(source, new Set(['3', '9']))).toBe(source.text);
  });

  test('have the box of their heading checked, and no brackets in it', () => {
    const text = lines('###  [ ] Task 1: a', '### Task 2: add [ ] to it', '- [X] b', '- [ ] c', '### Task 3: d');
    const marked = text.replace('[ ] Task', '[x] Task').replace('[ ] c', '[x] c');
    const source = { text, path: 'plan.md', beside: [] };
    expect(markDone(source, new Set(['1', '2', '3']))).toBe(marked);
    expect(read(text).refs.map(({ hasMark }) => hasMark)).toEqual([true, true, false]);
  });

  test('say which check boxes outside of them may be work', () => {
    const text = '# a\n## Task 1: b\n## Task 2: c\n## Testing\n- [ ] d\n- [x] e\n## Acceptance criteria\n- [ ] f\n';
    expect(remarksOf(read(text))).toEqual([
      '4: one check box below `Testing` is no task; a heading such as `## Task 2: title` makes a task of one',
    ]);
  });

  test('say in many ways what they come after, and that they are done', () => {
    const text = lines(
      '## [x] Task 1: a',
      '- **Depends On**: None',
      '## [/] Task 2: b',
      '- **Priority**: high',
      '- **Depends On**: Task 1',
      '## Task 3b.1: c',
      '- `depends_on`：-',
      '## Task 4: d',
      'depends_on: 2, 3b.1',
      '**Status**: ✅ COMPLETE',
      '## Task 5: e',
      '**Status**: [x] done',
      '**Dependencies**: (none)',
    );
    expect(outline(read(text))).toEqual(['1: x 1 a | 2 b < 1 | 3 Task 3b.1: c | x 4 d < 2 3 | x 5 e']);
  });
});

test('a title that is underlined in the text of a task is text, in the own form too', () => {
  const text =
    '# Cart\n\n### Task 1: Cart\n\nWords.\n\nTask 2: Till\n------------\n\nMore.\n\n### Task 3: Door\n\nOpen it.\n';
  const { ok, problems, content } = readPlan({ text, path: 'cart.md', beside: [] });
  expect([ok, problems]).toEqual([true, []]);
  for (const word of ['Words.', 'Task 2: Till', '-----', 'More.', 'Open it.']) expect(content).toContain(word);
});
