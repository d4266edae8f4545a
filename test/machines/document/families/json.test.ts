/** The families whose plans are JSON: task-master and Ralph. */
import { describe, expect, test } from 'vitest';
import { markDone } from '../../../../machines/document/read-plan.ts';
import { lines, outline, read } from '../../../support/family-documents.ts';

const tasks = `{
  "master": {
    "tasks": [
      {"id": 1, "title": "Package", "description": "Make pkg/", "status": "done", "priority": "high", "dependencies": [], "details": "with a linter\\n\\n## Wave 1\\n### Task 1: no", "subtasks": []},
      {"id": 2, "title": "Counter", "status": "pending", "dependencies": [1], "testStrategy": "three give 3", "owner": {"name": "Ada", "teams": ["a", "b"]},
       "subtasks": [{"id": 1, "title": "Test first", "status": "pending", "details": ""}]},
      {"id": 3, "title": "Page", "status": "in-progress", "dependencies": [1, "2.1"]},
      {"id": 4, "title": "Logo", "status": "pending", "dependencies": []}
    ],
    "metadata": {"created": "2026-01-01"}
  },
  "later": {"tasks": [{"id": 1, "title": "Dream", "status": "pending"}]}
}
`;

describe('tasks.json of task-master', () => {
  test('runs what each task depends on before it, and the others together', () => {
    const reading = read(tasks, '.taskmaster/tasks/tasks.json');
    expect(reading.family).toBe('task-master');
    expect(reading.name).toBe('tasks');
    expect(outline(reading)).toEqual(['1: x 1 Package | 2 Counter < 1 | 3 Page < 1 2 | 4 Logo']);
    const [first, second] = reading.document.waves[0]?.tasks ?? [];
    expect(first?.body).toContain('\\## Wave 1');
    for (const text of ['three give 3', 'Ada', '- b', 'Test first']) expect(second?.body).toContain(text);
    expect(reading.content).toContain('Dream');
    expect(reading.content).toContain('2026-01-01');
    expect(reading.remarks.map(({ line }) => line)).toEqual([12]);
  });

  test('with one list and no order runs in sequence', () => {
    const text = JSON.stringify({
      tasks: [
        { id: 1, title: 'a', status: 'pending' },
        { id: 'x', title: 'b', dependencies: [] },
      ],
    });
    expect(outline(read(text, 'tasks.json'))).toEqual(['1: 1 a | 2 b < 1']);
  });

  test('names the line of what is no JSON, of an unknown id and of a circle', () => {
    const broken = read('{"tasks": [\n {"id": 1,, "title": "a"}\n]}', 'tasks.json');
    expect(broken.ok).toBe(false);
    expect(broken.describes).toContain('line 2');
    const unknown = read(
      '{"tasks": [\n{"id": 1, "title": "a", "dependencies": [7]},\n{"id": 2, "title": "b", "dependencies": [3]},\n{"id": 3, "title": "c", "dependencies": [2]}]}',
    );
    expect(unknown.problems.map(({ line }) => line)).toEqual([2, 4]);
  });

  test('gets the status done, with that of the subtasks, and keeps the rest to the byte', () => {
    const marked = markDone({ text: tasks, path: 'tasks.json', beside: [] }, new Set(['2']));
    const [before, after] = tasks.split('"title": "Counter"');
    expect(marked).toBe(
      `${before}"title": "Counter"${after?.replace('"pending"', '"done"').replace('"pending"', '"done"')}`,
    );
    expect(outline(read(marked))).toEqual(['1: x 1 Package | x 2 Counter < 1 | 3 Page < 1 2 | 4 Logo']);
  });
});

describe('prd.json of Ralph', () => {
  const prd = lines(
    '{"project": "Stock", "branchName": "ralph/stock-counter", "description": "A counter", "userStories": [',
    ' {"id": "US-001", "title": "Page", "acceptanceCriteria": ["big"], "priority": 2, "passes": false, "notes": "later"},',
    ' {"id": "US-002", "title": "Count", "acceptanceCriteria": ["three give 3"], "priority": 1, "passes": true},',
    ' {"id": "US-003", "title": "Ship", "priority": 2, "passes": false}]}',
  );

  test('runs by priority, one story after the other', () => {
    const reading = read(prd, 'scripts/ralph/prd.json');
    expect(reading.family).toBe('ralph');
    expect(outline(reading)).toEqual(['1: x 1 Count | 2 Page < 1 | 3 Ship < 2']);
    expect(reading.name).toBe('stock-counter');
    // A branch that all stories of the repository use does not name this plan.
    expect(read(prd.replace('ralph/stock-counter', 'develop'), 'scripts/ralph/prd.json').name).toBe('prd');
    for (const text of ['A counter', 'three give 3', 'later']) expect(reading.content).toContain(text);
    expect(markDone({ text: prd, path: 'prd.json', beside: [] }, new Set(['US-003']))).toBe(
      prd.replace('"Ship", "priority": 2, "passes": false', '"Ship", "priority": 2, "passes": true'),
    );
  });
});
