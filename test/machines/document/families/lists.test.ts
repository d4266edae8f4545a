/** Lists of work in documents of any other kind, and BMAD's stories: unmistakable lists are read, others are described. */
import { describe, expect, test } from 'vitest';
import { markDone, readPlan } from '../../../../machines/document/read-plan.ts';
import { bodiesOf, lines, outline, read, remarksOf } from '../../../support/family-documents.ts';

describe('a list of work', () => {
  test('is one below a heading that speaks of work, and not below one that asks of it', () => {
    const text = lines(
      '# Implementation Plan',
      '',
      '## Phase 1: Count',
      '',
      '**Acceptance Criteria:**',
      '- [ ] three give 3',
      '',
      '**Tasks:**',
      '- [x] Write a test',
      '- [ ] Count',
      '',
      '## Phase 2: Verify',
      '- [ ] Try it',
      '',
      '## Success Criteria',
      '- [ ] fast',
    );
    const reading = read(text);
    expect(reading.family).toBe('lists');
    expect(outline(reading)).toEqual([
      '1 Phase 1: Count: x 1 Write a test | 2 Count < 1',
      '2 Phase 2: Verify: 1 Try it',
    ]);
    expect(reading.document.notes.map(({ text: note }) => note).join()).toContain('three give 3');
    expect(markDone({ text, path: 'PLAN.md', beside: [] }, new Set(['#2']))).toBe(
      text.replace('[ ] Count', '[x] Count'),
    );
  });

  test.each([
    ['Plan', 'Aufgaben', 'Abnahmekriterien', 'Testplan und Risiken'],
    ['Plan', 'Tareas', 'Criterios de aceptación', 'Riesgos'],
    ['Plano', 'Tarefas', 'Critérios de aceite', 'Notas'],
    ['Plan', 'Étape 1 : Base', 'Critères d’acceptation', 'Prérequis'],
    ['实施计划', '阶段 1：任务', '完成标准', '验证'],
    ['實作計畫', '任務', '驗收標準', '風險'],
    ['実装計画', 'タスク', '受け入れ基準', '確認'],
    ['구현 계획', '작업 목록', '수용 기준', '검증'],
    ['План работ', 'Задачи', 'Критерии приёмки', 'Тестирование'],
    ['خطة التنفيذ', 'المهام', 'معايير القبول', 'اختبار'],
  ])('has no conditions of the work in the plan %j either', (title, ...headings) => {
    const rows = headings.flatMap((heading) => [`## ${heading}`, '- [ ] a', '- [ ] b']);
    expect(outline(read(lines(`# ${title}`, ...rows)))).toEqual([`1 ${headings[0]}: 1 a | 2 b < 1`]);
  });

  test('is recognized below a heading that only names it, wherever that is in the document', () => {
    const text = lines(
      '# Shop plan',
      '## Phase 1: Store',
      'Count.',
      '## Phase 2: Page',
      'Draw.',
      '## Testing strategy',
      'By hand.',
      '### To-dos',
      '- [ ] Store',
      '- [ ] Page',
    );
    expect(outline(read(text))).toEqual(['1 To-dos: 1 Store | 2 Page < 1']);
  });

  test('has no wave for a section beside its phases', () => {
    const text = lines('# Shop', '## Principles', 'Be quick.', '## Phase 1: Store', 'a', '## Phase 2: Page', 'b');
    expect(outline(read(text))).toEqual(['1: 1 Phase 1: Store | 2 Phase 2: Page < 1']);
  });

  test('may number its tasks and say what each comes after', () => {
    const text = lines(
      '# Connector',
      '## Tasks',
      '- [ ] **Task 1**: Ask',
      '  - **Depends on**: none',
      '- [ ] **Task 2**: Read',
      '  - **Depends on**: none',
      '- [x] **Task 3**: Join',
      '  - **Depends on**: Task 1, Task 2',
      '- [ ] Tell (after task 1)',
      '- [ ] Wait (after 2 days)',
    );
    expect(outline(read(text))).toEqual([
      '1 Tasks: 1 Task 1: Ask | 2 Task 2: Read | x 3 Task 3: Join < 1 2 | 4 Tell (after task 1) < 3 1 | 5 Wait (after 2 days) < 4',
    ]);
  });

  test('has the sections 1.1, 1.2 of a phase, whatever they are called, and says what it leaves out', () => {
    const text = lines(
      ...[
        '# Search',
        '## Phase 1: checklist',
        '### 1.1 Testing in the field',
        '- [ ] a shop',
        '',
        '#### Testing at large',
      ],
      ...['- [ ] a mall', '- [x] a street', '- [ ] a city', '', '### 1.2 Success metrics', '- [ ] quick', ''],
      ...[
        '### 1.3 Speed',
        '- [ ] cache',
        '- [ ] index',
        '## Acceptance criteria',
        '- [ ] found',
        '## Testing',
        '- [ ] x',
      ],
    );
    const reading = read(text);
    expect(outline(reading)).toEqual(['1 1.1 Testing in the field: 1 a shop', '2 1.3 Speed: 1 cache | 2 index < 1']);
    expect(reading.remarks).toEqual([
      {
        line: 6,
        message:
          '2 check boxes below `Testing at large` are no tasks; a heading that names work, such as `## Tasks` or `## Phase 2`, makes tasks of what is below it',
      },
      { line: 19, message: expect.stringMatching(/^one check box below `Testing` is no task;/) },
    ]);
  });

  test('may be a check list of phases', () => {
    const text = lines(
      '# Guide',
      '## Manual Testing',
      '- [ ] try it',
      '## Migration Checklist',
      '### Phase 1: Setup',
      '- [ ] index',
      '### Phase 2: Page',
      '- [ ] show',
      '## 7. Testing',
      '- [ ] twice',
      '## Review checklist',
      '- [ ] looked at',
    );
    expect(outline(read(text))).toEqual(['1 Phase 1: Setup: 1 index', '2 Phase 2: Page: 1 show']);
  });

  test('has no task for a check box without text', () => {
    const rows = ['- [ ] a', '- [ ] ', '- [ ]', '  below', '- [ ] b'];
    expect(outline(read(lines('# Tasks', ...rows)))).toEqual(['1: 1 a | 2 below < 1 | 3 b < 2']);
  });

  test('has the tasks that are under way, and those of a board', () => {
    const board = ['## In Progress', '- [ ] a', '## To Do', '- [ ] b', '- [ ] c', '## Doing', '- [ ] d'];
    expect(outline(read(lines('# Backlog', ...board)))).toEqual([
      '1 In Progress: 1 a',
      '2 To Do: 1 b | 2 c < 1',
      '3 Doing: 1 d',
    ]);
    const remarked = remarksOf(read(lines(...board)));
    expect(remarked.map((remark) => remark.slice(0, 30))).toEqual([
      '1: one check box below `In Pro',
      '6: one check box below `Doing`',
    ]);
  });

  test('is named where it is in none of the tasks of stator’s own form', () => {
    const own = [
      '## Wave 1',
      '### Task 1: a',
      '- [ ] step',
      '## Phase 2',
      '- [ ] left',
      '## Success criteria',
      '- [ ] b',
    ];
    expect(remarksOf(read(lines(...own)))).toEqual([
      expect.stringMatching(/^4: one check box below `Phase 2` is no task; a/),
    ]);
  });

  test('has no task for a box that names a phase with boxes of its own', () => {
    const phases = ['# Plan', '## Overview', '- [x] **Phase 1: Base**', '- [ ] Phase 2.1: Page', '- [ ] Phase 3: Ship'];
    const base = ['### Phase 1: Base', '- [x] store', '### Phase 2.1: Page', '- [ ] Step 1: draw', '### Phase 3: Ship'];
    const reading = read(lines(...phases, ...base));
    expect(outline(reading)).toEqual(['1 Phase 1: Base: x 1 store', '2 Phase 2.1: Page: 1 Step 1: draw']);
    expect(remarksOf(reading)).toEqual([
      expect.stringMatching(/^3: .* are no tasks, .*; the section of `Phase 3: Ship` has none, so nobody works on it$/),
    ]);
    expect(outline(read(lines(...phases, '## Steps', '- [ ] Step 1: draw')))).toHaveLength(2);
  });

  test('may be the whole of an issue', () => {
    expect(outline(read(lines('Please:', '', '- [ ] count', '- [ ] show')))).toEqual(['1: 1 count | 2 show < 1']);
  });

  test.each(
    ['task', 'tasks', 'subtasks', 'sub-tasks', 'todo', 'to-dos', 'step', 'phase', 'milestone', 'stage', 'sprint']
      .concat('iteration', 'week 12', 'day 12')
      .map((word) => `My ${word}`)
      .concat('1 Shop', '12 Shop', '(1) Shop', '1. Shop', '1.10 Shop', '1.1 Testing', '12.10.3: Testing')
      .concat('(1.1) Testing', '1.1. Testing', '«Phase 1»: review', 'Phase1 review', 'To-dos', 'Todo:', '**Steps**'),
  )('is one below the heading %j', (heading) => {
    expect(outline(read(lines('# Search', `## ${heading}`, '- [ ] a', '- [ ] b')))).toHaveLength(1);
  });

  test.each([
    ...['Shop', 'Shop 1 now', 'Plan 1.1 Testing', '1. Testing', '1.1 Acceptance', 'Our phase 1 review'],
    ...['Plan: sign-off', 'Plan: signoff', 'Plan: note', 'Plan: notes', 'Plan check', 'Plan\n### Checklist'],
    ...['Testing plan\n### Parts', 'Plan\n### (1) Testing'],
  ])('is not recognized below the heading %j', (heading) => {
    expect(read(lines('# Search', `## ${heading}`, '- [ ] a', '- [ ] b')).family).toBe('stator');
  });

  test.each([
    ['**Tasks:**', true],
    ['**Tasks:**\n  \n', true],
    ['__Tasks__ : ', true],
    ['See **tasks:**', false],
    ['**Tasks:** of ours', false],
    ['**Notes on tasks:**', false],
    ['Tasks', false],
  ])('is one below the bold line %j: %j', (lead, isList) => {
    const text = lines(...lead.split('\n'), '- [ ] a', '- [ ] b', '', '# Later');
    expect(read(text).family).toBe(isList ? 'lists' : 'stator');
  });

  test('is described by the title of its document only where that speaks of work', () => {
    const boxes = ['## Shop', '- [ ] a', '- [ ] b'];
    expect(outline(read(lines('# Testing plan', ...boxes)))).toEqual(['1 Shop: 1 a | 2 b < 1']);
    expect(read(lines('# Testing', ...boxes)).family).toBe('stator');
  });

  test('remarks that boxes which may be work are not tasks, unless they are in a task', () => {
    const told = lines(
      ...['# Phase 1: Search', '## Testing', '- [ ] x', '## Tasks', '- [ ] a', '- [ ] b', '## Shop', '### Testing'],
      ...['- [ ] y', '## Phase 2', '### Review', '- [ ] z', '- [x] done', '## 1.2 Acceptance tests', '- [ ] w'],
    );
    expect(remarksOf(read(told))).toEqual([
      expect.stringMatching(/^2: one check box below `Testing` is no task;/),
      expect.stringMatching(/^8: one check box below `Testing` is no task;/),
      expect.stringMatching(/^11: one check box below `Review` is no task;/),
    ]);
    const other = lines(
      ...['- [ ] first', '# Cart', '## Phase 1', '- [ ] a', '- [ ] b', '## Cleanup', '- [ ] c', '- [ ] d'],
      ...['## Notes', '- [ ] e'],
    );
    expect(remarksOf(read(other))).toEqual([
      expect.stringMatching(/^1: one check box is no task;/),
      expect.stringMatching(/^6: 2 check boxes below `Cleanup` are no tasks;/),
    ]);
    const todo = lines(
      '# TODO',
      '- [ ] a',
      '## Ideas',
      '- [ ] b',
      '## Someday / maybe',
      '- [ ] c',
      '## Bugs',
      '- [ ] d',
    );
    const ideas = read(todo);
    expect([outline(ideas), ideas.remarks.map(({ line }) => line)]).toEqual([
      ['1: 1 a', '2 Bugs: 1 d'],
      [3, 5],
    ]);
    const inTasks = ['## Phase 1: a', 'x', '### Testing', '- [ ] y', '## Phase 2: b', '### Review', '- [ ] z'];
    const reading = read(lines('# Search', ...inTasks));
    expect([outline(reading), remarksOf(reading)]).toEqual([['1: 1 Phase 1: a | 2 Phase 2: b < 1'], []]);
  });

  test.each([
    ...['1. Steps', '12) Todo', '1.Tasks', 'Development  tasks', '**Steps:**', 'To-dos', 'Order of work', '(Steps)'],
  ])('may be numbered below the heading %j', (heading) => {
    const steps = Array.from({ length: 10 }, (_, at) => `${at + 1}. a`);
    const text = lines('# Search', '## Parts', `### ${heading}`, ...steps, '    **Depends on:** none');
    expect(outline(read(text))).toEqual([expect.stringMatching(/: 1 a \| 2 a < 1 .* \| 10 a$/)]);
  });

  test.each([
    ['below no heading of steps', ['## Steps of dancing', '1. a', '2. b']],
    ['below the title', ['# Steps', '1. a', '2. b']],
    ['below none', ['1. a', '2. b', '', '# Later']],
    ['with bullets', ['# Search', '## Steps', '- a', '- b']],
    ['alone', ['# Search', '## Steps', '1. a']],
    ['in a quotation', ['# Search', '## Steps', '> 1. a', '> 2. b', '> - [ ] c', '> - [ ] d']],
  ])('is none of numbered items %s', (_, rows) => {
    expect(read(lines(...rows)).family).toBe('stator');
  });

  test.each([
    ['## **Phase 1**', '## **Phase 2**'],
    ['## Phase1: a', '## Phase2: b'],
    ['## Phase 0', '## Phase 1'],
    ['## Steps', '1. alone', '## Phase 1', '## Phase 2'],
    Array.from({ length: 11 }, (_, at) => `## Phase ${at + 1}`),
  ])('may be the phases %s', (...headings) => {
    const reading = read(lines('# Search', ...headings.flatMap((heading) => [heading, 'x'])));
    expect(reading.counts.tasks).toBe(headings.filter((heading) => /Phase/.test(heading)).length);
    expect(reading.refs.every(({ hasMark }) => !hasMark)).toBe(true);
  });

  test.each([
    ['## Phase 2', '## Phase 3'],
    ['# Phase 1', '# Phase 2'],
    ['## Our phase 1', '## Our phase 2'],
    ['## Phase 1.1', '## Phase 1.2'],
  ])('is none of the phases %s', (...headings) => {
    expect(read(lines(...headings)).family).toBe('stator');
  });

  test('of phases or headings with a box has all below each of the highest level as its task', () => {
    const rows = ['# Search', '## Phase 1: Index ✅ COMPLETE!', 'x', '### Phase 1: deep', 'y', '## ⬜ Phase 2: Ask ✅'];
    const phases = read(lines(...rows, 'See `a/b.ts`.', '## Notes', 'z'));
    expect(outline(phases)).toEqual(['1: x 1 Phase 1: Index | 2 Phase 2: Ask < 1']);
    const index = 'Phase 1: Index ✅ COMPLETE!\n\nx\n### Phase 1: deep\ny';
    expect(bodiesOf(phases)).toEqual([index, 'See `a/b.ts`.']);
    expect(phases.document.notes.map(({ title }) => title)).toEqual(['Notes']);
    const text = lines(
      '# Plan',
      '## Work',
      '### [ ] Index',
      'x',
      '#### [ ] deep',
      '###  [x] Ask',
      'y',
      '## Later',
      'z',
    );
    const boxed = read(text);
    expect(outline(boxed)).toEqual(['1 Work: 1 Index | x 2 Ask < 1']);
    expect(bodiesOf(boxed)).toEqual(['x\n#### [ ] deep', 'y']);
    expect(boxed.refs.map(({ hasMark }) => hasMark)).toEqual([true, false]);
    expect(markDone({ text, path: 'p.md', beside: [] }, new Set(['1', '3']))).toBe(text.replace('[ ] I', '[x] I'));
    const alone = lines('# Plan', '## Tasks', '- [ ] a', '  ### Step', '- [ ] b', '## [ ] Notes', 'x');
    expect(outline(read(alone))).toEqual(['1 Tasks: 1 a | 2 b < 1']);
  });

  test('may be numbered steps, numbered phases, or headings with a box', () => {
    const steps = lines(
      '# Search',
      '## Implementation steps',
      '1. **Index** the table',
      '   with care',
      '2. Ask it',
      '## Risks',
      '1. none',
    );
    expect(outline(read(steps))).toEqual(['1 Implementation steps: 1 Index the table with care | 2 Ask it < 1']);
    const phases = lines(
      '# Search',
      '## Plan of ours',
      '### Phase 1: Index',
      '- a',
      '### Phase 2: Ask',
      'b',
      '## Acceptance Criteria',
      '- [ ] fast',
    );
    expect(outline(read(phases))).toEqual(['1 Plan of ours: 1 Phase 1: Index | 2 Phase 2: Ask < 1']);
    const marked = lines(
      '# Plan',
      '## Phase 1: Index ✅ COMPLETE!',
      'x',
      '## ✅ Phase 2: Ask',
      'y',
      '## Phase 3: Show ⏳',
      'z',
      '## Phase 4: ✅ Sell',
    );
    expect(outline(read(marked))).toEqual([
      '1: x 1 Phase 1: Index | x 2 Phase 2: Ask < 1 | 3 Phase 3: Show ⏳ < 2 | x 4 Phase 4: Sell < 3',
    ]);
  });

  test.each([
    [
      'a design',
      lines('# Design', '## Goals', '- [ ] fast', '- [ ] small', '## Parts', '1. a', '2. b'),
      'docs/design.md',
      'it has 3 headings, 4 list items, 2 check boxes, and nothing that says which of them are tasks',
    ],
    ['a list', '- a\n\n# A\n', 'a.md', 'it has 1 heading, 1 list item, no check boxes, and'],
    ['one phase', lines('# Search', '### Phase 1: Index', 'x'), 'a.md', 'nothing that says'],
    ['phases with a gap', lines('## Phase 1', 'x', '## Phase 3', 'y'), 'a.md', 'nothing that says'],
    [
      'requirements',
      lines('# Requirements', '1. WHEN a'),
      '.kiro/specs/a/requirements.md',
      'requirements.md of Kiro, whose plan (tasks.md) lies beside it: .kiro/specs/a/tasks.md',
    ],
    ['a proposal', '# Why\n', 'openspec/changes/a/proposal.md', 'of OpenSpec'],
    ['other JSON', '{"name": "x", "tasks": ["a"]}', 'package.json', 'neither of task-master'],
    ['a list of JSON', ' [ "a" ]', 'a.json', 'neither of task-master'],
    ['a link in markdown', '[![a](b)](c)\n\n# A\n', 'a.md', 'it has 1 heading, no list items, no check boxes'],
    ['more than 25,000 lines', `- [ ] a\n- [ ] b\n${'\n'.repeat(24_999)}`, 'a.md', 'more than 25000 lines'],
  ])('is not looked for in %s, which is described', (_, text, path, described) => {
    const reading = read(text, path, ['tasks.md']);
    expect(reading.ok).toBe(false);
    expect(reading.family).toBe('stator');
    expect(reading.describes).toContain(described);
  });
});

test.each([
  [['# Story 1', '## Tasks/Subtasks', '- [ ] a'], 'bmad'],
  [['# Story 1', '## Tasks  /  Subtasks', '- [ ] a', '- b'], 'bmad'],
  [['# P', '## Acceptance Criteria', '1. a', '## Tasks / Subtasks', '- [ ] a'], 'bmad'],
  [['# My story', '## Tasks / Subtasks', '- [ ] a', '- [ ] b'], 'lists'],
  [['# Story 1', '## My Tasks / Subtasks', '- [ ] a', '- [ ] b'], 'lists'],
])('a document with the parts %j is of %s', (rows, family) => {
  const reading = read(lines(...rows));
  expect([reading.family, reading.counts.tasks]).toEqual([family, family === 'bmad' ? 1 : 2]);
});

test('a story of BMAD has the boxes below its tasks as tasks', () => {
  const text = lines(
    '# Story 1.2: Count',
    '',
    'Status: ready-for-dev',
    '',
    '## Acceptance Criteria',
    '1. three give 3',
    '',
    '## Tasks / Subtasks',
    '',
    '- [x] **T1. Test** (AC: #1)',
    '  - [x] T1.1 a',
    '- [ ] Task 2: Count',
    '',
    '### Review Follow-ups (AI)',
    '- [ ] [AI-Review] rename it',
    '',
    '## Definition of Done',
    '- [ ] reviewed',
  );
  const reading = read(text, 'stories/1.2.md');
  expect(reading.family).toBe('bmad');
  expect(outline(reading)).toEqual([
    '1 Tasks / Subtasks: x 1 T1. Test (AC: #1) | 2 Task 2: Count < 1 | 3 [AI-Review] rename it < 2',
  ]);
});

test.each([
  ['Kiro', '.kiro/specs/a', 'tasks.md', ['requirements.md', 'design.md', 'bugfix.md']],
  ['OpenSpec', 'openspec/changes/a', 'tasks.md', ['proposal.md', 'design.md', 'spec.md']],
  ['Conductor', 'conductor/tracks/a', 'plan.md', ['spec.md', 'tracks.md', 'index.md']],
  ['spec-kit', 'specs/a', 'tasks.md', ['spec.md', 'plan.md', 'research.md', 'quickstart.md']],
])('a document beside a plan of %s is named, with the path of the plan', (title, folder, plan, files) => {
  for (const file of files) {
    const alone = read('# A\n', `${folder}/${file}`);
    expect(alone.describes).toBe(`it is ${file} of ${title}, whose plan (${plan}) is not written yet`);
    expect(alone.planBeside).toBeNull();
    expect(read('# A\n', `${folder}/${file}`, [plan]).planBeside).toBe(`${folder}/${plan}`);
  }
});

test.each([
  ['-[ ] c', '- [ ] c'],
  ['* [X]c', '* [x] c'],
  ['1. [ x ] **c**', '1. [x] **c**'],
  ['- [ ]\u00A0c', '- [ ] c` with ordinary spaces'],
  ['- [x](c.md) c', null],
  ['- [x]: c', null],
  ['```\n-[ ] c\n```', null],
])('%j is no check box, which is remarked with what to write: %j', (line, form) => {
  const reading = read(lines('## Tasks', '- [ ] a', '- [ ] b', '', line));
  expect(reading.counts.tasks).toBe(2);
  const remark = expect.stringMatching(/^5: .* is no check box; write /);
  expect(remarksOf(reading)).toEqual(form === null ? [] : [remark]);
  for (const written of remarksOf(reading)) expect(written).toContain(form);
  const draft = read(lines('## Tasks', line, '-[x] d'));
  expect([draft.ok, remarksOf(draft).length]).toEqual([false, 1]);
});

test('a document of no family is described, and one that is forced says what it lacks', () => {
  const prose = lines('# Search', '', 'It should be faster.', '', '- [ ] think');
  const reading = read(prose);
  expect(reading.family).toBe('stator');
  expect(reading.describes).toContain('1 check box');
  const forced = (text: string) => readPlan({ text, path: 'a.md', beside: [] }, 'spec-kit');
  const message = 'no task found: the document does not look like spec-kit';
  expect(forced('# Search\n').problems).toEqual([{ line: 1, message }]);
  expect(forced('\n'.repeat(25_000)).problems).toEqual([{ line: 1, message: 'empty plan content' }]);
  expect(forced(`- [ ] T001 a${'\n'.repeat(25_000)}`).ok).toBe(true);
  expect(forced(`- [ ] T001 a${'\n'.repeat(25_001)}`).problems).toMatchObject([{ line: 25_001 }]);
});
