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

  test('shows no task that stands in code or in a comment', () => {
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
