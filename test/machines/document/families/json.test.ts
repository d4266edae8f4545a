/** The families whose plans are JSON: task-master and Ralph. */
import { describe, expect, test } from 'vitest';
import { markDone } from '../../../../machines/document/read-plan.ts';
import { lines, outline, read, remarksOf } from '../../../support/family-documents.ts';

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

  test('may have its dependencies in a text, an id twice or with dots, and a status that leaves its task open', () => {
    const text = JSON.stringify({
      tasks: [
        { id: '1.1', title: 'a', status: 'pending', dependencies: 'none' },
        { id: '1.1', title: 'b', status: 'pending', dependencies: null },
        { id: 2, title: 'c', status: 'deferred', dependencies: '1.1, 3' },
        { id: 3, title: 'd', status: 'done', dependencies: 1.1 },
      ],
    });
    const reading = read(text, 'tasks.json');
    expect(outline(reading)).toEqual(['1: 1 a | 2 b | 3 c < 1 4 | x 4 d < 1']);
    expect(remarksOf(reading)).toEqual([
      expect.stringMatching(/^1: the status `deferred` counts as open/),
      expect.stringMatching(/^1: `1.1` is the number of several tasks/),
      expect.stringMatching(/^1: `1.1` is the number of several tasks/),
    ]);
    const marked = markDone({ text, path: 'tasks.json', beside: [] }, new Set(['1.1']));
    expect(marked).toBe(text.replace('pending', 'done'));
  });

  test('names the line of a JSON syntax error, of an unknown id and of a dependency cycle', () => {
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

test('JSON values are shown as text, and what reads like a field of a plan is text', () => {
  const title = 'word '.repeat(21).trim();
  const text = `{"project": "Shop", "empty": " ", "none": null, "list": [], "record": {}, "tasks": [
    {"id": "x  2", "title": "${title}", "status": "Pending", "details": "one\\r\\n\\n**Check:** rm",
     "my  key": "**Files:** x", "note": "**Checked:** y", "my check": "**check:** z",
     "owner": {"name": "Ada", "first  name": "a\\nb", "teams": ["x", ["y"]], "gone": ""}, "count": 3, "ok": false},
    {"id": "2x", "title": "Ask", "status": "pending", "dependencies": []}]}`;
  const { content } = read(text, 'a.json');
  expect(content).toMatchInlineSnapshot(`
    "# Tasks

    - project: Shop

    ## Wave 1

    ### Task 1: word word word word word word word word word word word word word word word word word word word word…

    Id: x 2

    - title: word word word word word word word word word word word word word word word word word word word word word
    - status: Pending

    #### details

    one

    \\**Check:** rm

    - my key: **Files:** x
    - note: **Checked:** y
    - my check: **check:** z
    - owner:
      - name: Ada
      - first name: a
        b
      - teams:
        - x
        -
          - y
    - count: 3
    - ok: false

    ### Task 2: Ask

    **After:** 1

    Id: 2x

    - status: pending
    "
  `);
});

test.each([
  [{ later: ['a'], master: ['b'] }, 'Tasks', null, '1: 1 b', '`master` are read; `later`: nobody works on it'],
  [{ soon: ['a'], later: ['b'], size: 3 }, 'Tasks: soon', 'soon', '1: 1 a', '`soon` are read; `later`, `size`: nobody'],
])('one list of %j is read, and a remark names the others', (lists, title, name, tasksOf, remark) => {
  const text = Object.entries(lists).map(([key, list]) => {
    const tasks = Array.isArray(list) ? list.map((each) => ({ id: 1, title: each, status: 'pending' })) : [];
    return `"${key}": ${Array.isArray(list) ? JSON.stringify({ by: 'Ada', tasks }) : list}`;
  });
  const reading = read(`{${text.join(',\n')}}`, 'a.json');
  expect([reading.document.title, outline(reading)]).toEqual([title, [tasksOf]]);
  expect([reading.name, remarksOf(reading)]).toEqual([name ?? 'a', [expect.stringContaining(remark)]]);
  expect(reading.content).toContain('- by: Ada\n');
  expect(reading.content).toContain('\n## Other tags of the file, which are not part of this plan\n\n### later\n\n- ');
  if ('size' in lists) expect(reading.content).toContain('\n\n### size\n\n3\n');
});

test('numbers of tasks, steps and done statuses of task-master are read in each form', () => {
  const task = (id: unknown, status = 'pending', ...dependencies: string[]) => ({
    id,
    title: 'a',
    status,
    dependencies,
  });
  const listed = (...tasks: object[]) => outline(read(JSON.stringify({ none: null, tasks }), 'a.json'));
  expect(listed(task(12), task(3, 'CANCELLED'))).toEqual(['1: 12 a | x 3 a < 12']);
  expect(listed(task(12), task('x1.2'), task('1.2x'), task(3, 'done', '12.10', 'x1.2', '1.2x'))).toEqual([
    '1: 1 a | 2 a | 3 a | x 4 a < 1 2 3',
  ]);
  const text = JSON.stringify({ tasks: [{ ...task(1), subtasks: [task(1, 'Done'), task(2, 'review')] }] });
  expect(markDone({ text, path: 'a.json', beside: [] }, new Set(['1']))).toBe(
    text.replace('pending', 'done').replace('review', 'done'),
  );
});

test.each([
  { tasks: [] },
  { tasks: [1] },
  { tasks: [{ id: 1, title: 2, status: 'x' }] },
  { tasks: [{ id: 1, title: 'a' }] },
  { userStories: [] },
  { userStories: [{ title: 'a' }, { title: 1 }] },
  { userStories: [{ title: 'a' }, null] },
  [],
  [{ title: 'a' }],
  [{ passes: true }, { passes: 1 }],
  { stories: [{ passes: 'no' }] },
  { stories: [null, { passes: true }] },
])('%j is no plan', (value) => {
  expect(read(JSON.stringify(value), 'a.json').describes).toMatch(/^it is JSON, and neither/);
});

test.each([
  ['{"tasks": [\r {"id": 1, // x\r}]}', '(invalid comment token); correct it here (line 2)'],
  ['{"tasks": [\r\n{id: 1}]}', '(invalid symbol); correct it here (line 2)'],
  ['['.repeat(20_000), 'the JSON nests too deeply; give a file that jq reads (line 1)'],
])('%.20j is described with the line of its mistake', (text, described) => {
  const { describes, problems } = read(text, 'a.json');
  expect(describes).toContain(described);
  expect(problems.map(({ line, message }) => `${message} (line ${line})`)).toEqual([describes]);
});

test('tasks of task-master with an entry that is no task are described by that entry', () => {
  const tasks = [
    { id: 1, title: 'a', status: 'x' },
    { id: null, title: 'b', status: 'x' },
  ];
  for (const value of [{ tasks }, { master: { tasks } }])
    expect(read(JSON.stringify(value), 'a.json').describes).toMatch(/^its list `tasks` .* entry 2 has no `id`/);
});

test('a plan that nests more deeply than the parser follows has no tasks, which is a problem', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  for (const key of ['tasks', 'userStories']) {
    const reading = read(`{"${key}": [{"id": 1, "title": "a", "status": "x", "deep": ${deep}}]}`, 'a.json');
    expect([reading.ok, reading.problems.map(({ line }) => line)]).toEqual([false, [1]]);
  }
});

describe('prd.json of Ralph', () => {
  test.each([
    [
      [
        { title: 'a', passes: false },
        { title: 'b', passes: true },
      ],
      '1: 1 a | x 2 b < 1',
    ],
    [{ name: 'Shop', userStories: [{ title: 'a' }, { title: 'b', passes: null }] }, '1: 1 a | 2 b < 1'],
    [
      {
        features: [
          { description: 'a', passes: false },
          { id: { x: 1 }, title: ['b'], passes: false },
        ],
      },
      '1: 1 a | 2 Story #2 < 1',
    ],
    [
      [
        { id: 'A', title: 'a', passes: false },
        { title: 'b', passes: false },
        { title: 'c', passes: false, dependsOn: ['A'] },
      ],
      '1: 1 a | 2 b < 1 | 3 c < 2 1',
    ],
    [
      [
        { id: 'A', title: 'a', passes: false },
        { title: 'b', passes: false },
        { title: 'c', passes: false, dependencies: ['A'] },
      ],
      '1: 1 a | 2 b < 1 | 3 c < 2 1',
    ],
    [
      {
        userStories: [
          { title: 'a', priority: 'low' },
          { title: 'b', priority: '2' },
          { title: 'c', priority: 1 },
        ],
      },
      '1: 1 c | 2 b < 1 | 3 a < 2',
    ],
  ])('may be %j', (value, stories) => {
    const reading = read(JSON.stringify(value), 'a.json');
    expect([reading.family, outline(reading)]).toEqual(['ralph', [stories]]);
    const written = Object.values(value)
      .flat()
      .filter((story) => typeof story === 'object');
    expect(reading.refs.filter(({ hasMark }) => hasMark)).toHaveLength(
      written.filter(({ passes }) => passes === false).length,
    );
    expect(remarksOf(reading)).toEqual(
      written.some(({ priority }) => priority === 'low') ? [expect.stringMatching(/^1: `low` is no priority/)] : [],
    );
  });

  test('has the name of its branch, which is no trunk, and the title of its project', () => {
    const named = (branchName: string, ...title: string[]) =>
      read(
        JSON.stringify({
          ...Object.fromEntries(title.map((key) => [key, 'Shop'])),
          branchName,
          userStories: [{ title: 'a' }],
        }),
        'a.json',
      );
    for (const trunk of ['main', 'master', 'trunk', 'develop', 'dev', 'x/feature', 'x/'])
      expect(named(trunk).name).toBe('a');
    expect(named('x/y/stock').name).toBe('stock');
    for (const key of ['project', 'name', 'title']) expect(named('x', key).document.title).toBe('Shop');
    expect(named('x').document.title).toBe('Stories');
    expect(
      read(JSON.stringify({ project: 'A', name: 'B', userStories: [{ title: 'a' }] }), 'a.json').content,
    ).toContain('- name: B\n');
  });

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
