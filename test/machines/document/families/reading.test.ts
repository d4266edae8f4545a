/** How a document is read: as what, under which name, and as one task. */
import { expect, test } from 'vitest';
import { asOneTask } from '../../../../machines/document/one-task.ts';
import { familyNames, markDone, readPlan } from '../../../../machines/document/read-plan.ts';
import { lines, outline, read } from '../../../support/family-documents.ts';

const boxes = lines('- [ ] T001 a', '- [ ] T002 b');
const own = lines('# P', '## Wave 1', '### Task 2: a', '## Wave 2', '### [x] Task 1: b');

test.each([
  ['specs/cart/tasks.md', 'cart'],
  ['specs/cart/TASK.markdown', 'cart'],
  ['cart/implementation_plan.md', 'cart'],
  ['cart/implementationplan.md', 'cart'],
  ['cart/plan.md', 'cart'],
  ['cart/02-PLAN.md', 'cart'],
  ['cart/x-plan.md', null],
  ['cart/plan.mdx', null],
  ['cart/my-tasks.md', null],
  ['cart/PLAN.md.bak', null],
  ['cart/03-02-PLAN.md', '03-02'],
  ['cart/3.12-page-02b-PLAN.md', '3.12-page-02b'],
  ['cart/x3-02-PLAN.md', null],
  ['cart/03-02-PLAN.md.bak', null],
  ['cart/prd.json', 'cart'],
  ['docs/prd.json', 'prd'],
  ['docs/shop.json', 'shop'],
  ['docs/shop.json5', null],
  ['tasks.md', null],
  ['.cart/tasks.md', null],
  ['cart./tasks.md', 'cart'],
])('the plan in %s is called %j', (path, name) => {
  expect(read(boxes, path).name).toBe(name);
});

test('folders that hold plans of a kind do not name one', () => {
  const kinds = 'tasks plans plan specs spec changes archive tracks phases quick todo todos prd docs doc scripts ralph';
  const others = 'conductor openspec backlog stories features feature src work planning agent agents Docs';
  for (const folder of `${kinds} ${others}`.split(' '))
    expect([folder, read(boxes, `a/${folder}/plan.md`).name]).toEqual([folder, null]);
});

test('the own form has its numbers as ids, and its lines', () => {
  const reading = read(own, 'requirements.md', ['tasks.md']);
  expect(reading).toMatchObject({
    family: 'stator',
    size: '2 waves, 2 tasks',
    counts: { waves: 2, tasks: 2, done: 1 },
  });
  expect([reading.describes, reading.planBeside, reading.name]).toEqual([null, null, null]);
  expect(reading.refs).toEqual([
    { wave: 1, task: 2, ref: '1.2', line: 3, hasMark: false },
    { wave: 2, task: 1, ref: '2.1', line: 5, hasMark: false },
  ]);
  expect(read(lines('## Wave 1', '### Task 1: a')).size).toBe('1 task');
  expect(read(own, '.kiro/specs/a/requirements.md', ['tasks.md']).planBeside).toBeNull();
});

test('a family that is forced wins over every sign', () => {
  expect(familyNames).toEqual([
    ...['stator', 'task-master', 'ralph', 'gsd', 'cursor', 'backlog', 'bmad', 'spec-kit', 'tasks', 'conductor'],
    ...['openspec', 'kiro', 'lists'],
  ]);
  expect(read(boxes).refs).toEqual([
    { wave: 1, task: 1, ref: 'T001', line: 1, hasMark: true },
    { wave: 1, task: 2, ref: 'T002', line: 2, hasMark: true },
  ]);
  for (const as of ['conductor', 'openspec', 'kiro', 'lists'] as const)
    expect(read(boxes, 'a.md', [], as).family).toBe(as);
  expect(read(boxes, 'a.md', [], 'stator')).toMatchObject({ family: 'stator', ok: false, describes: null });
  expect(read(own, 'a.md', [], 'lists')).toMatchObject({ family: 'lists', familyTitle: 'lists of work', ok: false });
  const mixed = lines('## Wave 1', '### Task 1: a', '- [ ] T001 b');
  expect([read(mixed).family, outline(read(mixed, 'a.md', [], 'spec-kit'))]).toEqual([
    'stator',
    ['1 Task 1: a: 1 T001 b'],
  ]);
  const marked = (as?: 'openspec') => markDone({ text: boxes, path: 'a.md', beside: [] }, new Set(['#2', 'T001']), as);
  expect([marked(), marked('openspec')]).toEqual([
    boxes.replace('[ ] T001', '[x] T001'),
    boxes.replace('[ ] T002', '[x] T002'),
  ]);
  expect(markDone({ text: 'words', path: 'a.md', beside: [] }, new Set(['1']))).toBe('words');
});

test.each(['', ' \n', 'a\0b', '- [ ] T001 a\n- [ ] T002 \ud800\n', `{"tasks": [\n{,]}`, '{"userStories": [,]}'])(
  'the text %j is no plan of any family',
  (text) => {
    for (const as of [undefined, 'stator', 'spec-kit', 'task-master', 'ralph'] as const) {
      const reading = readPlan({ text, path: 'a.md', beside: [] }, as);
      expect([reading.ok, reading.problems.length, reading.document.waves]).toEqual([false, 1, []]);
    }
  },
);

test('a byte order mark is no part of the text, and a mark of that kind inside of it is', () => {
  for (const text of [`\uFEFF${boxes}`, `${boxes}\uFEFF`]) {
    expect(read(text).counts.tasks).toBe(2);
    expect(markDone({ text, path: 'a.md', beside: [] }, new Set(['T002']))).toBe(text.replace('[ ] T002', '[x] T002'));
  }
});

test('problems and remarks come in the order of their lines', () => {
  const rows = [
    '- [ ] T001 a',
    '  **Depends on:** T004',
    '  **Fils:** x',
    '- [ ] T002 b (depends on T009)',
    '## B',
    '- [ ] T004 d',
  ];
  const reading = read(lines('## A', ...rows, '- [ ] T005 e', '  **Chekc:** x', '  **Depends on:** T009'));
  expect([reading.problems, reading.remarks].map((found) => found.map(({ line }) => line))).toEqual([
    [3, 10],
    [4, 5, 9],
  ]);
});

test('a document may be one task, unless it has tasks', () => {
  const asked = (content: string, title = 'Cart', words = '') => asOneTask(content, { title, words });
  expect(asked('# Cart\n\nIt sells.\n\n', 'Cart', ' Be quick.\n')).toMatchObject({
    ok: true,
    content: '# Cart\n\nIt sells.\n\n## Wave 1\n\n### Task 1: Cart\n\nDo all that this document says.\n\nBe quick.\n',
  });
  const { ok, content, document } = asked('It sells.', 'Cart ✅');
  expect([ok, content]).toEqual([
    true,
    'It sells.\n\n## Wave 1\n\n### Task 1: All of it\n\nDo all that this document says.\n',
  ]);
  expect(document.waves[0]?.tasks).toMatchObject([{ title: 'All of it', isDone: false }]);
  expect(asked('## Wave 1\n### Task 2: a\n### Task 3: b').ok).toBe(false);
  const more = asked('# Cart', 'Cart', '### Task 2: b');
  expect([more.ok, more.problems.map(({ line }) => line), more.document.waves]).toMatchObject([
    false,
    [3],
    [{ number: 1 }],
  ]);
  expect(more.content).toMatch(/\n\n### Task 2: b\n$/);
  expect(asked('\0').problems).toHaveLength(1);
  expect(asked('# Cart\n### Task 1: a').problems.map(({ line }) => line)).toEqual([2]);
});
