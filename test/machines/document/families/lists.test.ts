/** Lists of work in documents of any other kind, and BMAD's stories: unmistakable lists are read, others are described. */
import { describe, expect, test } from 'vitest';
import { markDone } from '../../../../machines/document/read-plan.ts';
import { lines, outline, read } from '../../../support/family-documents.ts';

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

  test('is one below a heading that says no more than that, wherever it stands', () => {
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

  test('has no wave of a section that stands beside its phases', () => {
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
    );
    expect(outline(read(text))).toEqual([
      '1 Tasks: 1 Task 1: Ask | 2 Task 2: Read | x 3 Task 3: Join < 1 2 | 4 Tell (after task 1) < 3 1',
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
          '2 check boxes below `Testing at large` are no tasks, as such a heading lists conditions of the work; rename it to have them done',
      },
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

  test('may be the whole of an issue', () => {
    expect(outline(read(lines('Please:', '', '- [ ] count', '- [ ] show')))).toEqual(['1: 1 count | 2 show < 1']);
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
    );
    expect(outline(read(marked))).toEqual(['1: x 1 Phase 1: Index | x 2 Phase 2: Ask < 1 | 3 Phase 3: Show ⏳ < 2']);
    const headed = lines('# Plan', '## Phase 1', '### [ ] Index', 'x', '### [x] Ask', 'y');
    expect(outline(read(headed))).toEqual(['1 Phase 1: 1 Index | x 2 Ask < 1']);
    expect(markDone({ text: headed, path: 'p.md', beside: [] }, new Set(['1']))).toBe(headed.replace('[ ]', '[x]'));
  });

  test.each([
    [
      'a design',
      lines('# Design', '## Goals', '- [ ] fast', '- [ ] small', '## Parts', '1. a', '2. b'),
      'docs/design.md',
      '2 check boxes',
    ],
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
  ])('is not looked for in %s, which is described', (_, text, path, described) => {
    const reading = read(text, path, ['tasks.md']);
    expect(reading.ok).toBe(false);
    expect(reading.family).toBe('stator');
    expect(reading.describes).toContain(described);
  });
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
