/** The families whose tasks are check boxes with numbers or names: Kiro, OpenSpec, Conductor. */
import { describe, expect, test } from 'vitest';
import { markDone } from '../../../../machines/document/read-plan.ts';
import { lines, outline, read, remarksOf } from '../../../support/family-documents.ts';

describe('a Kiro plan', () => {
  const path = '.kiro/specs/stock/tasks.md';
  const text = lines(
    '# Implementation Plan: Stock',
    '',
    '## Overview',
    'One counter.',
    '',
    '## Tasks',
    '',
    '- [x] 1. Set up the package',
    '  - Make `pkg/`',
    '  - _Requirements: 1.1, 1.2_',
    '',
    '- [ ] 2. Build the counter',
    '  - It holds numbers.',
    '  - [x] 2.1 Count',
    '    - three items give 3',
    '    - _Requirements: 2.1_',
    '  - [ ]* 2.2 Write property tests for the counter',
    '    - **Property 1: it never goes below 0**',
    '  - [ ] 2.3 Show it',
    '',
    '- [ ] 3. Checkpoint - all tests pass',
    '- [ ] 4. Release',
    '  - [ ] 4.1 Tag it',
    '',
    '## Notes',
    '',
    '- `*` marks optional tasks',
  );

  test('runs in sequence; an item with two or more of its own is a wave', () => {
    const reading = read(text, path, ['requirements.md', 'design.md']);
    expect(reading.family).toBe('kiro');
    expect(reading.name).toBe('stock');
    expect(outline(reading)).toEqual([
      '1 Tasks: x 1 1. Set up the package',
      '2 2. Build the counter: x 1 2.1 Count | 2 2.2 Write property tests for the counter < 1 | 3 2.3 Show it < 2',
      '3: 1 3. Checkpoint - all tests pass | 2 4. Release < 1',
    ]);
    expect(reading.size).toBe('3 groups, 6 tasks');
    expect(reading.document.waves[2]?.tasks[1]?.body).toContain('- [ ] 4.1 Tag it');
    expect(reading.document.notes.find(({ wave }) => wave === 2)?.text).toContain('It holds numbers.');
    expect(reading.remarks.map(({ line }) => line)).toEqual([17]);
    expect(reading.document.notes.at(-1)?.title).toBe('Notes');
  });

  test('has a group checked where the last of its tasks is done', () => {
    const source = { text, path, beside: [] };
    expect(markDone(source, new Set(['2.2']))).toBe(text.replace('[ ]* 2.2', '[x]* 2.2'));
    expect(markDone(source, new Set(['2.2', '2.3', '4']))).toBe(
      text
        .replace('[ ]* 2.2', '[x]* 2.2')
        .replace('[ ] 2.', '[x] 2.')
        .replace('[ ] 2.3', '[x] 2.3')
        .replace('[ ] 4.', '[x] 4.')
        .replace('[ ] 4.1', '[x] 4.1'),
    );
  });

  test('says that its graph of dependencies is text', () => {
    const graph = lines(
      '- [ ] 1. a',
      '- [ ] 2. b',
      '',
      '## Task Dependency Graph',
      '',
      '```json',
      '{"waves": [{"id": 0, "tasks": ["1", "2"]}]}',
      '```',
    );
    const reading = read(graph, path);
    expect(outline(reading)).toEqual(['1: 1 1. a | 2 2. b < 1']);
    expect(reading.remarks.map(({ line }) => line)).toEqual([4]);
  });

  test('is recognised by its numbers in any folder, and only there', () => {
    expect(read(lines('- [ ] 1. a', '- [ ] 2. b', '- [ ] 3. c (depends on task 1)')).family).toBe('kiro');
    expect(read(lines('- [ ] 1 apple', '- [ ] milk', '- [ ] bread')).family).not.toBe('kiro');
  });
});

test.each([
  ['kiro', 'a.md', ['- [ ] 1. a', '- [ ] 2. b'], '1 Tasks: 1 1. a | 2 2. b < 1', [9]],
  ['kiro', '.kiro/specs/x/tasks.md', ['- [ ] 1. a', '- [ ] b'], '1 Tasks: 1 1. a | 2 b < 1', []],
  ['conductor', 'a.md', ['- [ ] Task: a', '- [ ] Task: b'], '1 Tasks: 1 a | 2 b < 1', []],
  ['openspec', 'openspec/changes/x/tasks.md', ['- [ ] 1.1 a', '- [ ] b'], '1 Tasks: 1 1.1 a | 2 b < 1', []],
])(
  'criteria of a plan of the family %s are no tasks, and neither are tests without a number in any folder: %s',
  (family, path, tasks, waves, remarked) => {
    const text = lines(
      '## Tasks',
      ...tasks,
      '## Acceptance criteria',
      '- [ ] found',
      '',
      '',
      '',
      '## Testing',
      '- [ ] x',
    );
    const reading = read(text, path);
    expect([reading.family, outline(reading)[0]]).toEqual([family, waves]);
    expect(outline(reading).slice(1)).toEqual(remarked.length > 0 ? [] : ['2 Testing: 1 x']);
    expect(reading.remarks.map(({ line }) => line)).toEqual(remarked);
  },
);

test('a Kiro plan may have the tasks of a group behind it, and say which of them run together', () => {
  const text = lines(
    '# Implementation Plan',
    '',
    '- [x] 1. Store',
    '- [x] 1.1 (P) Count',
    '  - three give 3',
    '- [x] 1.2 (P) Test',
    '',
    '- [ ] 2. Page',
    '  - for all of the group',
    '- [ ] 2.1 Draw',
    '',
    'Between them.',
    '',
    '- [ ] 2.2 (P) Show',
    '- [ ] 2.3 (P) Print',
    '- [ ]* 2.4 Look',
    '- [ ] 3. Ship',
    '## Later',
    '- [ ] 3.1 Tell',
  );
  const reading = read(text, '.kiro/specs/stock/tasks.md');
  expect(outline(reading)).toEqual([
    '1 1. Store: x 1 1.1 Count | x 2 1.2 Test',
    '2 2. Page: 1 2.1 Draw | 2 2.2 Show < 1 | 3 2.3 Print < 1 | 4 2.4 Look < 2 3',
    '3: 1 3. Ship',
    '4 Later: 1 3.1 Tell',
  ]);
  const [introduction = ''] = reading.content.split('2. Page')[1]?.split('### ') ?? [];
  for (const told of ['for all of the group', 'Between them.']) expect(introduction).toContain(told);
  const marked = markDone(
    { text, path: '.kiro/specs/stock/tasks.md', beside: [] },
    new Set(['2.1', '2.2', '2.3', '2.4']),
  );
  expect(marked).toContain('- [x] 2. Page');
  expect(marked).toContain('- [ ] 3. Ship');
});

test.each([
  [['- [ ] 1. a', '- [ ] 2. b'], true],
  [['- [ ] 10. a', '- [ ] 1.10 b'], true],
  [['- [ ] (1) a', '- [ ] 2* b'], true],
  [['- [ ] 1', '- [ ] 2a b'], true],
  [['1. [ ] a', '2. [ ] b', '3. [ ] (after task 1)'], true],
  [['- [ ] 0. a', '- [ ] 1. b'], true],
  [['- [ ] 2. a', '- [ ] 3. b'], false],
  [['- [ ] 10. a', '- [ ] 21. b'], false],
  [['- [ ] a 1. b', '- [ ] c 2. d'], false],
  [['- [ ] 1st a', '- [ ] 2nd b'], false],
  [['- [ ] 1. a', '- [ ] b'], false],
  [['- [ ] 1. a'], false],
])('%j is a Kiro plan in any folder: %j', (items, isKiros) => {
  expect(read(lines('# P', '', ...items)).family).toBe(isKiros ? 'kiro' : 'stator');
  expect(read(lines('# P', '', ...items), 'x/specs/a/tasks.md').family).toBe(isKiros ? 'kiro' : 'stator');
});

test('a group of Kiro has its own text and mark, and the items without numbers where two have one', () => {
  const long = `1. ${'word '.repeat(21)}`.trim();
  const text = lines(
    ...[`- [ ] ${long}`, '  - why', '  - [ ]* 1.1 a', '    - how', '  - [ ]* b', '  - [ ] 1.2 c (after 1.1)'],
    ...['- [ ] 2. Page', '  of it', '  - [ ] 2.1 d', '  - [ ] 2.2 e', '- [ ] 3. Alone', '  - [ ] 3.1 f', '  - [ ] g'],
    ...[
      '- [ ] 10. Ship',
      '- [ ] 10.1(P) h (after task 3)',
      '- [ ] 10.10 (P) i',
      '- [ ] 4. Tell (P)',
      '# Later',
      '- [ ] 4.1 j',
    ],
    ...['- [ ] 5. Ask', '', '## The Task Dependency Graph', 'none'],
  );
  const reading = read(text, '.kiro/specs/a/tasks.md');
  expect(outline(reading)).toEqual([
    `1 ${long.slice(0, 97)}…: 1 1.1 a | 2 b < 1 | 3 1.2 c (after 1.1) < 2`,
    '2 2. Page of it: 1 2.1 d | 2 2.2 e < 1',
    '3: 1 3. Alone',
    '4 10. Ship: 1 10.1 h (after task 3) | 2 10.10 i',
    '5: 1 4. Tell (P)',
    '6 Later: 1 4.1 j | 2 5. Ask < 1',
  ]);
  expect(reading.document.notes.map((note) => [note.wave, note.text.trim()])).toEqual([
    [1, `${long}\n\n- why`],
    [2, '2. Page\nof it'],
    [6, '### The Task Dependency Graph\nnone'],
  ]);
  expect(remarksOf(reading)).toEqual([expect.stringMatching(/^3: 2 tasks are optional/)]);
  const one = remarksOf(read(lines('- [ ]* 1. a', '- [ ] 2. b')));
  expect(one).toEqual([expect.stringMatching(/^1: one task is optional/)]);
  expect(read(lines('- [ ] 1. A', '  - [ ] 1.1 a', '  - [ ] b', '- [ ] 2. c')).counts.tasks).toBe(2);
});

describe('an OpenSpec plan', () => {
  test.each([
    ['openspec/changes/a/task.md', true],
    ['x/openspec/changes/a/TASKS.md', true],
    ['openspec/changes/a/my-tasks.md', false],
    ['openspec/changes/a/tasks.md.txt', false],
    ['openspec/a/tasks.md', false],
    ['changes/a/openspec/tasks.md', false],
    ['changes/tasks.md', false],
  ])('may have any boxes in %s: %j', (path, isOpenSpec) => {
    expect(read(lines('- [ ] a', '- [ ] b'), path).family).toBe(isOpenSpec ? 'openspec' : 'lists');
  });

  test.each([
    [['## 1. A', '- [ ] 1.1 a', '- [ ] (10.12) b'], 'openspec'],
    [['## 1. A', '- [ ] 1.1 a', '- [ ] b 1.2'], 'lists'],
    [['## 1. A', '- [ ] 1.1 a', '- [ ] 1. b'], 'kiro'],
    [['## A', '- [ ] 1.1 a', '- [ ] 1.2 b'], 'kiro'],
    [['- [ ] 1.1 a', '- [ ] 1.2 b'], 'kiro'],
  ])('is recognised by the numbers of its sections and boxes: %j is of %s', (rows, family) => {
    expect(read(lines('# P', ...rows)).family).toBe(family);
  });

  test('has ids with dots, which need no word before them', () => {
    const rows = [
      '- [ ] 1.1 a',
      '- [ ] 10.12.1b b',
      '- [ ] 1.3 c (after 1.1, 10.12.1b)',
      '- [ ] 1.4 d (after 10.12.1b-1.3)',
    ];
    const { document, refs } = read(lines('## 1. A', ...rows, '- [ ] 1.5 e (after 2 days, 1.1)'));
    expect(refs.map(({ ref }) => ref)).toEqual(['1.1', '10.12.1B', '1.3', '1.4', '1.5']);
    expect(document.waves[0]?.tasks.map(({ after }) => after)).toEqual([[], [1], [2, 1], [3, 2], [4]]);
  });

  const text = lines(
    '# Change: stock',
    '',
    '## 1. Service',
    '- [x] 1.1 Count',
    '- [ ] 1.2 Store',
    '  with care',
    '',
    'Then look at it.',
    '',
    '## 2. Page',
    '- [ ] 2.1 Draw (after 1.2)',
    '- [ ] 2.2 Show',
    '',
    '## Notes',
    'none',
  );

  test('has a wave for each section', () => {
    const reading = read(text, 'openspec/changes/add-stock/tasks.md', ['proposal.md', 'specs']);
    expect(reading.family).toBe('openspec');
    expect(reading.name).toBe('add-stock');
    expect(outline(reading)).toEqual([
      '1 1. Service: x 1 1.1 Count | 2 1.2 Store with care < 1',
      '2 2. Page: 1 2.1 Draw (after 1.2) | 2 2.2 Show < 1',
    ]);
    expect(reading.size).toBe('2 sections, 4 tasks');
    expect(read(text).family).toBe('openspec');
  });

  test('may have boxes without numbers where it lies with the changes', () => {
    const reading = read(lines('## Work', '- [ ] Count', '- [ ] Store'), 'openspec/changes/x/tasks.md');
    expect(outline(reading)).toEqual(['1 Work: 1 Count | 2 Store < 1']);
    expect(
      markDone(
        { text: lines('- [ ] Count', '- [ ] Store'), path: 'openspec/changes/x/tasks.md', beside: [] },
        new Set(['#2']),
      ),
    ).toBe(lines('- [ ] Count', '- [x] Store'));
  });
});

describe('a Conductor plan', () => {
  test.each([
    [['- [ ] a', '- [ ] b'], 'conductor/tracks/x/plan.md', true],
    [['- [ ] a', '- [ ] b'], 'y/conductor/tracks/x/PLAN.md', true],
    [['- [ ] a', '- [ ] b'], 'conductor/tracks/x/my-plan.md', false],
    [['- [ ] a', '- [ ] b'], 'conductor/tracks/x/plan.md.txt', false],
    [['- [ ] a', '- [ ] b'], 'conductor/x/plan.md', false],
    [['- [ ] a', '- [ ] b'], 'tracks/plan.md', false],
    [['- [ ] a', '- [ ] b'], 'tracks/conductor/plan.md', false],
    [['words'], 'conductor/tracks/x/plan.md', null],
    [['- [ ] Task: a', '- [ ] **Task** : b', '- [ ] c'], 'a.md', true],
    [['- [ ] Task: a', '- [ ] b'], 'a.md', false],
    [['- [ ] a Task: b', '- [ ] my Task: c'], 'a.md', false],
  ])('is recognised by its place or its words: %j in %s: %j', (rows, path, isConductors) => {
    const family = isConductors === null ? 'stator' : isConductors ? 'conductor' : 'lists';
    expect(read(lines(...rows), path).family).toBe(family);
  });

  const text = lines(
    '# Plan: Stock',
    '',
    '## Phase 1: Count [checkpoint: abc1234]',
    '',
    '- [x] Task: Write the counter (abc1234)',
    '    - [x] a failing test',
    '    - [x] make it pass',
    '- [ ] Task: Show it',
    '    - [ ] page',
    '',
    '## Phase 2: Ship',
    '- [ ] Task: Conductor - verify it (by hand)',
  );

  test('has tasks with their steps', () => {
    const reading = read(text, 'conductor/tracks/stock_20260101/plan.md', ['spec.md']);
    expect(reading.family).toBe('conductor');
    expect(outline(reading)).toEqual([
      '1 Phase 1: Count [checkpoint: abc1234]: x 1 Write the counter (abc1234) | 2 Show it < 1',
      '2 Phase 2: Ship: 1 Conductor - verify it (by hand)',
    ]);
    expect(reading.name).toBe('stock_20260101');
    expect(read(text).family).toBe('conductor');
    const asked = lines('## Phase 1', '- [x] Task: User Manual Verification', '- [ ] Task: User Manual Verification');
    expect(remarksOf(read(asked))).toEqual([
      '3: this step waits for a person in Conductor; an agent gets it as a task',
    ]);
    expect(markDone({ text, path: 'plan.md', beside: [] }, new Set(['#2']))).toBe(
      text.replace('[ ] Task: Show', '[x] Task: Show').replace('[ ] page', '[x] page'),
    );
  });
});
