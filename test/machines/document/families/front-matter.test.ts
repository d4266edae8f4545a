/** The families whose plans begin with front matter: GSD, Cursor, Backlog.md. */
import { describe, expect, test } from 'vitest';
import { markDone } from '../../../../machines/document/read-plan.ts';
import { lines, outline, read, remarksOf } from '../../../support/family-documents.ts';

describe('a plan of GSD', () => {
  const path = '.planning/phases/03-page/03-02-PLAN.md';
  const text = lines(
    '---',
    'phase: 03-page',
    'plan: 02',
    'wave: 2',
    'depends_on: [03-01, "03-page-00", 04]',
    'files_modified:',
    '  - pkg/page.html',
    '---',
    '',
    '<objective>',
    'Show the number.',
    '</objective>',
    '',
    '<tasks>',
    '',
    '<task type="auto">',
    '  <name>Task 1: Draw it</name>',
    '  <files>pkg/page.html, .env.example (new)</files>',
    '  <action>',
    'Write this:',
    '```html',
    '<task>',
    '## Wave 1',
    '```',
    '  </action>',
    '  <verify>',
    '    <automated>npm test &amp;&amp; npm run lint</automated>',
    '  </verify>',
    '</task>',
    '',
    '<task type="auto">',
    '  <name>Task 2: Style it</name>',
    '  <verify>the page looks good</verify>',
    '</task>',
    '',
    '<task type="checkpoint:human-verify">',
    '  <what-built>The page</what-built>',
    '</task>',
    '',
    '</tasks>',
    '',
    '<output>a summary</output>',
  );

  test('runs its tasks in order, with the files and the check that they name, after the plans beside it', () => {
    const reading = read(text, path, ['03-01-PLAN.md', '03-00-PLAN.md', '03-00-SUMMARY.md']);
    expect(reading.family).toBe('gsd');
    expect(reading.name).toBe('03-02');
    expect(outline(reading)).toEqual(['1: 1 Draw it | 2 Style it < 1 | 3 Checkpoint: The page < 2']);
    expect(reading.document.waves[0]?.tasks.map(({ check, files }) => [check, files])).toEqual([
      ['npm test && npm run lint', ['pkg/page.html', '.env.example']],
      [null, []],
      [null, []],
    ]);
    expect(reading.document.after).toEqual(['03-01']);
    expect(reading.remarks.map(({ line }) => line)).toEqual([5, 36]);
  });

  test('is done where its summary lies beside it', () => {
    expect(read(text, path, ['03-02-SUMMARY.md']).counts.done).toBe(3);
  });

  test('ends a task at its end where a fence in it was never closed', () => {
    const open = lines(
      '<objective>Page</objective>',
      '',
      '# References',
      '',
      '<task type="auto">',
      '  <name>Task 1: Guide</name>',
      '```markdown',
      '# Guide',
      '\\`\\`\\`bash',
      'npm test',
      '</task>',
      '',
      '<task type="auto">',
      '  <name>Task 2: Page</name>',
      '```html',
      '<!-- a page -->',
      '</task>',
      '</tasks>',
    );
    const reading = read(open, '05-02-PLAN.md');
    expect(outline(reading)).toEqual(['1: 1 Guide | 2 Page < 1']);
    // Text below the objective is not its title.
    expect(reading.document.title).toBe(null);
    expect(reading.content).toContain('References');
  });

  test('shows no task that is in code or in a comment', () => {
    const shown = lines(
      '<task type="auto">',
      '<name>Task 1: Guide</name>',
      '```xml',
      '<task>',
      '<name>shown</name>',
      '</task>',
      '```',
      '</task>',
      '<!--',
      '<task>',
      '<name>old</name>',
      '</task>',
      '-->',
    );
    expect(outline(read(shown, '05-02-PLAN.md'))).toEqual(['1: 1 Guide']);
  });

  test('waits for the plans of its phase, however their files are called', () => {
    const long = lines(
      '---',
      'phase: "2-speed"',
      'plan: "06"',
      'depends_on: ["05", "04", "1-base-02"]',
      '---',
      '<task>',
      '<name>Measure</name>',
      '</task>',
    );
    const beside = ['2-speed-05-PLAN.md', '2-speed-04-PLAN.md', '2-speed-04-SUMMARY.md'];
    const reading = read(long, '.planning/phases/02-speed/2-speed-06-PLAN.md', beside);
    expect([reading.name, reading.document.after]).toEqual(['2-speed-06', ['2-speed-05']]);
    expect(remarksOf(reading)).toEqual([
      '4: it depends on `1-base-02`, whose plan does not lie beside it; nothing waits for that',
    ]);
  });

  test('runs its checks in the worktree of the task, and not in a folder of its writer', () => {
    const check = (automated: string) => {
      const task = lines('<task>', '<name>a</name>', `<verify><automated>${automated}</automated></verify>`, '</task>');
      return read(task).document.waves[0]?.tasks[0]?.check;
    };
    expect(check('cd /home/me/shop &amp;&amp; npm test')).toBe('npm test');
    expect(check('cd "/home/me/my shop" && cd pkg && npm test')).toBe('cd pkg && npm test');
    expect(check('cd pkg && npm test')).toBe('cd pkg && npm test');
  });

  test.each([
    ['cd ~/x&&npm test', 'npm test'],
    [`cd  '/home/my shop'  &&  npm test`, 'npm test'],
    ['make && cd /x && npm test', 'make && cd /x && npm test'],
    ['test 1 &lt; 2 &amp;&amp; echo &quot;a&quot; &gt; b', 'test 1 < 2 && echo "a" > b'],
    ['npm run manual', 'npm run manual'],
    ['  npm test  ', 'npm test'],
    ['MISSING: write it', null],
    ['none', null],
    ['a\nb', null],
    ['', null],
  ])('has in <automated>%s</automated> the check %j', (automated, check) => {
    const task = lines(
      '<task>',
      '<name>a</name>',
      '<verify>',
      `<automated>${automated}</automated>`,
      '</verify>',
      '</task>',
    );
    const reading = read(task);
    expect(reading.document.waves[0]?.tasks[0]?.check).toBe(check);
    expect(read(task.replaceAll('verify', 'done')).document.waves[0]?.tasks[0]?.check).toBeNull();
  });

  test.each([
    ['<name>Task 12: Draw</name>', '12 Draw'],
    ['<name>\nTask  12 — Draw\n</name>', '12 Draw'],
    ['<name>task 12.- Draw</name>', '12 Draw'],
    ['<name>My Task 12: Draw</name>', '1 My Task 12: Draw'],
    ['<name>Task 12 Draw</name>', '1 Task 12 Draw'],
    ['<name>Task x: Draw</name>', '1 Task x: Draw'],
    ['<name></name>', '1 Task 1'],
    ['<decision>Draw\nor not</decision>', '1 Checkpoint: Draw'],
    ['<action>Draw</action>', '1 Checkpoint: Draw'],
    ['<name>not closed <action>Draw</action>', '1 Checkpoint: Draw'],
    ['<objective>x</objective><name>', '1 Task 1'],
  ])('has in %j the task %j', (content, task) => {
    expect(outline(read(lines('<task>', ...content.split('\n'), '</task>'), '01-01-PLAN.md', [], 'gsd'))).toEqual([
      `1: ${task}`,
    ]);
  });

  test.each([
    ['a/b.ts, .env (new), Makefile', ['a/b.ts', '.env']],
    ['\n- `a.ts`\n*  b.ts  (a) (b)\n', ['a.ts', 'b.ts']],
    ['a - b.ts, a (x).ts', []],
    ['none', []],
  ])('has in <files>%s</files> the files %j', (files, paths) => {
    const task = lines('<task>', '<name>a</name>', ...`<files>${files}</files>`.split('\n'), '</task>');
    expect(read(task).document.waves[0]?.tasks[0]?.files).toEqual(paths);
  });

  const element = (name: string) => ['<task>', `<name>${name}</name>`, '</task>'];
  const fenced = ['<task type="auto">', '<name>a</name>', '```', '</task>'];
  test.each([
    [['<!-- old', ...element('a'), '-->', ...element('b'), '<!-- x -->'], '1: 1 b'],
    [['<!-- never closed', ...element('a'), ...element('b')], '1: 1 a | 2 b < 1'],
    [['--> before', '<!-- never closed', ...element('a')], '1: 1 a'],
    [['text <!--', ...element('a'), '-->'], '1: 1 a'],
    [['```', ...element('a'), '```', ...element('b')], '1: 1 b'],
    [[...fenced, ...element('b')], '1: 1 a | 2 b < 1'],
    [[...fenced, '</tasks>', ...element('b')], '1: 1 a | 2 b < 1'],
    [[...fenced, 'text <task>', '```', '</task>', ...element('b')], '1: 1 a | 2 b < 1'],
    [fenced, '1: 1 a'],
    [
      ['<task>', '<name>a</name>', '      ```xml', '      </task>', '      ```', '</task>', ...element('b')],
      '1: 1 a | 2 b < 1',
    ],
    [['<task>', '<name>a</name>', '    ```', '    <task>', '    </task>', '    ```', '</task>'], '1: 1 a'],
    [['  <task>', '<name>a</name>', 'x </task>  ', ...element('b')], '1: 1 a | 2 b < 1'],
    [['<task>', '<name>a</name>', 'a </task> b', '<task>', '</task>', ...element('b')], '1: 1 a | 2 b < 1'],
    [['x <task>', ...element('a')], '1: 1 a'],
    [['---', 'a: <task>', 'b: </task>', '---', ...element('a')], '1: 1 a'],
  ])('has the elements of %j as tasks', (rows, tasks) => {
    expect(outline(read(lines(...rows)))).toEqual([tasks]);
  });

  test('has its title above its first element, and each line of it in a task or around it', () => {
    const titleOf = (...rows: string[]) => read(lines(...rows, ...element('a'), 'end')).document.title;
    expect(titleOf('# A', '<objective>', '# B', '</objective>')).toBe('A');
    expect(titleOf('x <b>', '# A')).toBe('A');
    expect(titleOf('---', '<a>: 1', '---', '# A')).toBe('A');
    expect(titleOf('<tasks>', '# A')).toBe(null);
    const { document } = read(lines('# A', ...element('a'), 'between', ...element('b'), 'end'));
    expect(document.waves[0]?.tasks[0]?.body.trim()).toBe('<task>\n<name>a</name>\n</task>');
    expect(document.notes.map(({ text }) => text.trim())).toEqual(['between\nend']);
  });

  const depending = (phase: string, depends: string, file: string, beside: string[]) => {
    const matter = ['---', `phase: ${phase}`, 'plan: 09', `depends_on: ${depends}`, '---'];
    return read(lines(...matter, ...element('a')), file, beside);
  };
  test.each([
    ['3', '["02"]', '03-09-PLAN.md', ['03-02-PLAN.md'], ['03-02']],
    ['3', '"02b"', '03-09-PLAN.md', ['03-02b-PLAN.md'], ['03-02b']],
    ['3', '2', 'PLAN.md', ['3-2-PLAN.md'], ['3-2']],
    ['12.10-page', '["12.10-page-02"]', '12.10-page-09a-PLAN.md', ['12.10-page-02-PLAN.md'], ['12.10-page-02']],
    ['12.10-page', '["02"]', 'PLAN.md', ['12.10-02-PLAN.md'], ['12.10-02']],
    ['3', '["02-07-PLAN.md", "02-08-PLAN"]', '03-09-PLAN.md', ['02-07-PLAN.md', '02-08-x-PLAN.md'], ['02-07', '02-08']],
    ['3', '["02"]', 'x-03-09-PLAN.md.bak', ['3-02-PLAN.md'], ['3-02']],
    ['3', '["02"]', '03-09-PLAN.md', ['03-02-SUMMARY.md', '03-02-PLAN.md'], []],
    ['3', '["02"]', '03-09-PLAN.md', ['03-02-SUMMARY.md.bak', '03-02-PLAN.md'], ['03-02']],
    ['3', '', '03-09-PLAN.md', ['03-02-PLAN.md'], []],
    ['3', '[""]', '03-09-PLAN.md', ['03-02-PLAN.md'], []],
    ['3', '[null, {a: 1}]', '03-09-PLAN.md', [], []],
  ])('of phase %s that depends on %s comes in %s, beside %j, after %j', (phase, depends, file, beside, after) => {
    const reading = depending(phase, depends, file, beside);
    expect([reading.document.after, remarksOf(reading)]).toEqual([after, []]);
  });

  test.each([
    ['["02"]', ['03-02-PLAN.md.bak', '03-020-PLAN.md', '02-PLAN.md'], '4: it depends on `02`, '],
    ['["x02"]', ['03-02-PLAN.md'], '4: it depends on `x02`, '],
    ['["02 of 3"]', ['03-02-PLAN.md'], '4: it depends on `02 of 3`, '],
    ['["02 "]', ['03-02-PLAN.md'], '4: it depends on `02 `, '],
    ['["02-04"]', ['03-04-PLAN.md'], '4: it depends on `02-04`, '],
  ])('that depends on %s says beside %j that nothing waits for that', (depends, beside, remark) => {
    const reading = depending('3', depends, '03-09-PLAN.md', beside);
    expect([reading.document.after, remarksOf(reading)]).toEqual([[], [expect.stringContaining(remark)]]);
  });

  test('may have headings for its tasks, or no front matter', () => {
    const headings = lines(
      '---',
      'phase: 1',
      'plan: 01',
      'depends_on: []',
      '---',
      '## Tasks',
      '### Task 1: a',
      'x',
      '### Task 2: b',
    );
    expect(read(headings, '01-01-PLAN.md').family).toBe('gsd');
    expect(outline(read(headings, '01-01-PLAN.md'))).toEqual(['1: 1 a | 2 b < 1']);
    expect(read(lines('# A', '<task type="auto">', '<name>Do it</name>', '</task>')).family).toBe('gsd');
  });
});

describe('a plan of Cursor', () => {
  const text = lines(
    '---',
    'name: Shapes',
    'overview: "Draw: rectangles"',
    'todos:',
    '  - id: plane',
    '    content: Add the plane',
    '    status: completed',
    '  - id: tool',
    '    content: "Add the tool: a rectangle"',
    '    status: pending',
    'isProject: false',
    '---',
    '',
    '# Shapes',
    '',
    '### Task 1: no task',
    '## Wave 1',
    'Words.',
  );

  test('has its todos as tasks, and its text for all of them', () => {
    const reading = read(text, '.cursor/plans/shapes_1.plan.md');
    expect(reading.family).toBe('cursor');
    expect(outline(reading)).toEqual(['1: x 1 Add the plane | 2 Add the tool: a rectangle < 1']);
    expect(reading.document.title).toBe('Shapes');
    expect(reading.content).toContain('\\## Wave 1');
    expect(markDone({ text, path: 'a.plan.md', beside: [] }, new Set(['tool']))).toBe(
      text.replace('pending', 'completed'),
    );
  });

  test('may say things that are no YAML, as Cursor writes them', () => {
    const loose = text.replace('Add the plane', 'Phase 1: the plane (and: more)').replace('Shapes\n', 'Shapes: all\n');
    const reading = read(loose, 'a.plan.md');
    expect([reading.family, outline(reading)]).toEqual([
      'cursor',
      ['1: x 1 Phase 1: the plane (and: more) | 2 Add the tool: a rectangle < 1'],
    ]);
    const marked = markDone({ text: loose, path: 'a.plan.md', beside: [] }, new Set(['tool']));
    expect(marked).toBe(loose.replace('pending', 'completed'));
  });

  const todo = (...rows: string[]) => ['- id: a', '  content: A', ...rows.map((row) => `  ${row}`)];
  const plan = (...rows: string[]) => lines('---', ...rows, '---', 'Words.');

  test.each([
    ['todos:', ...todo('status: "in-progress"')],
    ['todos:  ', ...todo(`status:   'pending'  `)],
    ['name: x', 'todos:', '', ...todo('status: pending', '', 'dependencies: []').map((row) => `  ${row}`)],
    ['todos:', '- status: pending', '  content: A'],
    ['todos:', '-   status: pending', '    content: A'],
    ['todos:', ...todo('note: "- status: x"', 'status: pending'), 'status: other'],
    ['todos:', ...todo('sub:', '  - x', 'status: pending'), 'other:', '- content: x'],
  ])('has its status marked in the front matter %j', (...rows) => {
    const text = plan(...rows);
    const [ref = ''] = read(text).refs.map((each) => each.ref);
    const marked = text.replace(/(["']?)(?:in-progress|pending)\1/, 'completed');
    expect(markDone({ text, path: 'a.md', beside: [] }, new Set([ref]))).toBe(marked);
    expect(read(marked).counts.done).toBe(1);
  });

  test.each([
    ['todos: [{content: A, status: pending}]'],
    ['todos:', ...todo('status: in progress')],
    ['todos:', ...todo('old_status: pending')],
    ['todos:', ...todo('status: [pending]')],
    ['todos:', ...todo()],
  ])('has no place for a mark in %j', (...rows) => {
    const text = plan(...rows);
    const { refs } = read(text);
    expect(refs.map(({ hasMark }) => hasMark)).toEqual([false]);
    expect(markDone({ text, path: 'a.md', beside: [] }, new Set(refs.map(({ ref }) => ref)))).toBe(text);
  });

  test.each([
    [0, 'todos: []'],
    [0, 'todos: x'],
    [1, 'todos: [x]'],
    [1, 'todos: [null]'],
    [2, 'todos:', '- content: A', '- content: " "'],
    [2, 'todos:', '- content: A', '- content: 2'],
    [0, 'todos'],
  ])('is not recognized for its entry %i with the front matter %j', (entry, ...rows) => {
    const { family, describes } = read(plan(...rows.map(String)));
    expect(family).toBe('stator');
    expect(describes).toContain(entry === 0 ? 'it has ' : `but entry ${entry} has no text in \`content\``);
  });

  test('tells the whole text of a todo below its title, with its id', () => {
    const long = 'word '.repeat(21).trim();
    const rows = [
      '- id: 7',
      `  content: "${long}\\n**Check:** npm test"`,
      '- content: B',
      '- id: [1]',
      '  content: " C "',
    ];
    const statuses = ['complete', 'done', 'Cancelled', 'canceled', 'undone', 'done soon', ''];
    const { document, refs } = read(plan('todos:', ...rows));
    expect(refs.map(({ ref, line }) => [ref, line])).toEqual([
      ['7', 3],
      ['#2', 5],
      ['#3', 6],
    ]);
    expect(
      document.waves[0]?.tasks.map(({ title, check, body }) => [title, check, body.trim().split('\n').at(-1)]),
    ).toEqual([
      [`${long.slice(0, 99)}…`, 'npm test', 'Its id in the plan: `7`'],
      ['B', null, 'Its id in the plan: `#2`'],
      ['C', null, 'Its id in the plan: `#3`'],
    ]);
    expect(document.waves[0]?.tasks[0]?.body.trim()).toBe(`${long}\n**Check:** npm test\n\nIts id in the plan: \`7\``);
    const { waves } = read(plan('todos:', ...statuses.map((status) => `- {content: a, status: "${status}"}`))).document;
    expect(waves[0]?.tasks.map(({ isDone }) => isDone)).toEqual([true, true, true, true, false, false, false]);
  });

  test('keeps the order that it states', () => {
    const stated = lines(
      '---',
      'todos:',
      '- id: a',
      '  content: A',
      '  dependencies: [b]',
      '- id: b',
      '  content: B',
      '---',
    );
    expect(outline(read(stated))).toEqual(['1: 1 A < 2 | 2 B']);
    expect(outline(read(stated.replace('[b]', 'b')))).toEqual(['1: 1 A < 2 | 2 B']);
    const twice = read(stated.replace('id: a', 'id: b'));
    expect(twice.refs.map(({ ref }) => ref)).toEqual(['b', 'b (2)']);
  });
});

test('a task of Backlog.md is one task, whose criteria are no tasks', () => {
  const text = lines(
    '---',
    'id: TASK-12',
    'title: Count the stock',
    'status: To Do',
    'dependencies:',
    '  - TASK-11',
    '  - TASK-3',
    '---',
    '',
    '## Acceptance Criteria',
    '<!-- AC:BEGIN -->',
    '- [ ] #1 three give 3',
    '<!-- AC:END -->',
  );
  const reading = read(text, 'backlog/tasks/task-12 - Count.md', ['task-11 - Package.md']);
  expect(reading.family).toBe('backlog');
  expect(reading.name).toBe('task-12');
  expect(outline(reading)).toEqual(['1: 1 Count the stock']);
  expect(reading.document.after).toEqual(['task-11']);
  expect(reading.remarks).toHaveLength(1);
  expect(reading.document.waves[0]?.tasks[0]?.body).toContain('#1 three give 3');
  const marked = markDone({ text, path: 'backlog/tasks/a.md', beside: [] }, new Set(['TASK-12']));
  expect(marked).toBe(text.replace('To Do', 'Done'));
  expect(read(marked, 'backlog/tasks/a.md').counts.done).toBe(1);
});

test('a task of Backlog.md waits for what lies beside it, and is done by its status', () => {
  const task = (...rows: string[]) =>
    lines('---', 'id: TASK-2', 'title: A', ...rows, '---', '<!-- SECTION:PLAN:BEGIN -->');
  const beside = ['task-1 - a.md', 'TASK-3 - b.md', 'task-30 - c.md'];
  const reading = read(
    task(
      'old_status: x',
      'status:   In Progress ',
      'x_dependencies: 1',
      'dependencies: [task-1, TASK-3, "+task-1", task-4]',
    ),
    'a.md',
    beside,
  );
  expect([reading.family, reading.document.after]).toEqual(['backlog', ['task-1', 'task-3']]);
  expect(remarksOf(reading)).toEqual([
    '7: it depends on +task-1, task-4, which does not lie beside it; nothing waits for that',
  ]);
  expect(remarksOf(read(task('status: x', 'dependencies: [task-1]'), 'a.md', beside))).toEqual([]);
  for (const row of ['status:', 'status: ""', '"status": x']) {
    const text = task(row);
    const marked = row === 'status: ""' ? text.replace('""', 'Done') : text;
    expect(markDone({ text, path: 'a.md', beside: [] }, new Set(['TASK-2']))).toBe(marked);
  }
  const text = task('old_status: x', 'status:   In Progress ');
  expect(markDone({ text, path: 'a.md', beside: [] }, new Set(['TASK-2']))).toBe(text.replace('In Progress', 'Done'));
  for (const row of ['other: x', 'status: x\n---\n<!-- AC:END -->'])
    expect(read(lines('---', 'id: TASK-2', 'title: A', row, '---', 'x')).family).toBe('stator');
});
