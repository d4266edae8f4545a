/** Properties of every family: any text is read without an error, no line is lost, and a family can be forced. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { familyNames, markDone } from '../../../../machines/document/read-plan.ts';
import { runsOf } from '../../../support/drawn.ts';
import { read } from '../../../support/family-documents.ts';

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
