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

describe('an OpenSpec plan', () => {
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
