/** `tasks.md` of spec-kit. */
import { expect, test } from 'vitest';
import { markDone } from '../../../../machines/document/read-plan.ts';
import { lines, outline, problemsOf, read, remarksOf } from '../../../support/family-documents.ts';

const path = 'specs/004-stock/tasks.md';
const stock = lines(
  '# Tasks: Stock counter',
  '',
  '**Input**: the documents in `/specs/004-stock/`',
  '',
  '## Format: `[ID] [P?] [Story] Description`',
  '',
  '- **[P]**: can run beside the others',
  '',
  '## Phase 1: Setup',
  '',
  '- [x] T001 Make the folder pkg/ with package.json',
  '- [ ] T002 [P] Set up the linter in pkg/lint.json',
  '- [ ] T003 [P] Set up the tests in `pkg/test.json`',
  '',
  '**Checkpoint**: the folder is there',
  '',
  '---',
  '',
  '## Phase 2: Story 1 (Priority: P1) 🎯 MVP',
  '',
  '**Goal**: people see how many are left',
  '',
  '### Tests for Story 1',
  '',
  '- [ ] T004 [P] [US1] Test of the counter in pkg/count.test.js',
  '- [ ] T005 [P] [US1] Test of the page in pkg/page.test.js',
  '',
  '### Code for Story 1',
  '',
  '- [ ] T006 [P] [US1] Counter in pkg/count.js (depends on T004)',
  '  - it counts',
  '  ```js',
  '  count(3)',
  '  ```',
  '- [ ] T007a [US1] Page in pkg/page.html (depends on T001, T004-T006)',
  '',
  '## Dependencies',
  '',
  '- Phase 2 needs phase 1',
  '- [ ] none of these boxes is a task',
);

test('phases are waves, neighbours with [P] run together, and a heading between them ends that', () => {
  const reading = read(stock, path, ['plan.md', 'spec.md', 'tasks.md']);
  expect(reading.family).toBe('spec-kit');
  expect(outline(reading)).toEqual([
    '1 Phase 1: Setup: x 1 T001 Make the folder pkg/ with package.json | 2 T002 Set up the linter in pkg/lint.json < 1 | 3 T003 Set up the tests in `pkg/test.json` < 1',
    '2 Phase 2: Story 1 (Priority: P1) 🎯 MVP: 1 T004 Test of the counter in pkg/count.test.js | 2 T005 Test of the page in pkg/page.test.js | 3 T006 Counter in pkg/count.js (depends on T004) < 1 2 | 4 T007a Page in pkg/page.html (depends on T001, T004-T006) < 3 1 2',
  ]);
  expect(reading.size).toBe('2 phases, 7 tasks');
  expect(reading.name).toBe('004-stock');
  expect(reading.document.waves[1]?.tasks[2]?.files).toEqual(['pkg/count.js']);
  expect(reading.document.waves[1]?.tasks[2]?.body).toContain('```js\ncount(3)\n```');
  expect(reading.document.notes.map(({ title, wave }) => [title, wave])).toEqual([
    ['', null],
    ['Format: `[ID] [P?] [Story] Description`', null],
    ['', 1],
    ['', 2],
    ['Dependencies', null],
  ]);
  expect(reading.document.notes[2]?.text).toContain('**Checkpoint**');
  expect(reading.document.notes[3]?.text).toContain('### Tests for Story 1');
  expect(reading.document.notes.map(({ text }) => text).join()).toContain(
    '`specs/004-stock/spec.md`, `specs/004-stock/plan.md`',
  );
});

test('its boxes are checked where its tasks are done, whatever ends its lines', () => {
  const text = `\uFEFF${stock.replaceAll('\n', '\r\n')}`;
  const marked = markDone({ text, path, beside: [] }, new Set(['T004', 'T007A', 'T999']));
  expect(marked).toBe(text.replace('[ ] T004', '[x] T004').replace('[ ] T007a', '[x] T007a'));
});

test.each([
  '* [ ] T1: Make it',
  '1. [ ] **T001** [P] Make it',
  '- [ ] [T001] Make it',
  '- [ ] ~~T001 Make it~~',
  '+ [X] T001 - Make it',
])('an item like %s is a task', (item) => {
  const reading = read(lines('# Tasks', item), path);
  expect(reading.family).toBe('spec-kit');
  expect(reading.counts).toEqual({ waves: 1, tasks: 1, done: /X|~~/.test(item) ? 1 : 0 });
});

test('ids have parts, and marks of stories are no part of the title', () => {
  const rows = [
    '- [ ] T1-10 [US 12, US3] a',
    '- [ ] T1.12a [US1 ,US 2] b (after T1-10)',
    '- [ ] T2 [story] [US10] c (after T1.12a)',
  ];
  const reading = read(lines('# Tasks', ...rows, '- see T9', '- [ ] a T10 d'), path);
  expect(outline(reading)).toEqual(['1: 1 T1-10 a | 2 T1.12a b (after T1-10) < 1 | 3 T2 c (after T1.12a) < 2']);
  expect(reading.refs.map(({ ref }) => ref)).toEqual(['T1-10', 'T1.12A', 'T2']);
});

test('a dependency on an unknown task is a remark, and one on a task of a later phase is a problem', () => {
  const reading = read(
    lines(
      '## Phase 1',
      '- [ ] T001 a (depends on T009)',
      '- [ ] T002 b (depends on T003)',
      '## Phase 2',
      '- [ ] T003 c',
    ),
    path,
  );
  expect(reading.problems.map(({ line }) => line)).toEqual([3]);
  expect(remarksOf(reading).map((remark) => remark.slice(0, 2))).toEqual(['2:']);
});

test('boxes without a number are no tasks, and are remarked where they may be meant as some', () => {
  const text = lines(
    ...[
      '# Tasks',
      '## Phase 1',
      '- [ ] T001 a',
      '  - [ ] step',
      '## Phase N: Polish',
      '- [ ] TXXX Docs',
      '- [ ] Run it',
    ],
    ...['- [x] done', '## Validation Checklist', '- [ ] all have tests'],
  );
  const reading = read(text, path);
  expect(reading.counts.tasks).toBe(1);
  expect(remarksOf(reading)).toEqual([
    '5: 2 check boxes below `Phase N: Polish` are no tasks; a number before the text, such as `T042`, makes a task of it',
  ]);
});

test('a circle is named by the ids of the document', () => {
  const rows = ['- [ ] T010 a', '- [ ] T011 b (depends on T012)', '- [ ] T012 c (depends on T011)'];
  expect(problemsOf(read(lines('# Tasks', ...rows), path))).toEqual([
    '4: tasks wait for each other in a circle: T011 → T012 → T011; remove one of these orders',
  ]);
});
