/** What the text of a task says: its title, its files, what comes before it, and the lines below it. */
import { describe, expect, test } from 'vitest';
import { markDone } from '../../../../machines/document/read-plan.ts';
import { lines, outline, problemsOf, read } from '../../../support/family-documents.ts';

function firstTask(...text: string[]) {
  return read(lines(...text)).document.waves[0]?.tasks[0];
}

const words = 'word '.repeat(19);

test.each([
  ['Make **it** ~~now~~', 'Make it now'],
  ['Keep `**` and ``x~~``', 'Keep `**` and ``x~~``'],
  ['Run ``x`` **now** `z`', 'Run ``x`` now `z`'],
  ['See [the page](a/b.md) of [x](y)', 'See the page of x'],
  ['[P] Make it', '[P] Make it'],
  ['Count: ##', 'Count'],
  ['— Count', 'Count'],
  ['???', 'Item #1'],
  [`${words}words`, `${words}words`],
  [`${words}words.`, `${words.trim()}…`],
  [`${'a'.repeat(40)} ${'b'.repeat(99)}`, `${'a'.repeat(40)} ${'b'.repeat(59)}…`],
  [`${'a'.repeat(50)} ${'b'.repeat(99)}`, `${'a'.repeat(50)} ${'b'.repeat(49)}…`],
  [`a, ${'x'.repeat(90)},; ${'y'.repeat(9)}`, `a, ${'x'.repeat(90)}…`],
  [`${'x'.repeat(99)}🙂🙂`, `${'x'.repeat(99)}…`],
])('%j has the title %j, and is below it where the title leaves something out', (text, title) => {
  const task = firstTask(`- [ ] ${text}`, '- [ ] b');
  expect([task?.title, task?.body.trim()]).toEqual([title, title === text || text === '' ? '' : text]);
});

test('the files of a task of spec-kit are the paths that it names', () => {
  const filesOf = (text: string) => firstTask(`- [ ] T001 Make ${text}`)?.files;
  const paths = ['a/b/c.ts', 'app/[id]/a.json', 'a./b.ts', '@x/y.c', 'a/b.ts'];
  const named = ['run.sh', 'use-Cart.ts', 'Logo.mp3', 'use-cart.test.ts', 'en.shop.page.ts', 'my.netrc', 'pkg/new/'];
  expect(filesOf(`("${paths[0]}"), ${paths.slice(1).join('; ')}.`)).toEqual(paths);
  expect(filesOf(`./a/b.ts, ${named.map((name) => `\`${name}\``).join(', ')}`)).toEqual(['a/b.ts', ...named]);
  for (const other of ['run.sh', 'pkg/new/', 'and/or', 'a//b.ts', '../b.ts', '-a/b.ts', 'x=y/b.ts', 'a/b.ts-old'])
    expect([other, filesOf(other)]).toEqual([other, []]);
  for (const code of ['Foo.bar', 'shop.cart.add', 'shop.com', 'npm', 'npm test'])
    expect([code, filesOf(`\`${code}\``)]).toEqual([code, []]);
  const many = Array.from({ length: 21 }, (_, at) => `src/${at}.ts`);
  expect(filesOf(many.join(' '))).toEqual(many.slice(0, 20));
});

describe('the last of six tasks comes after', () => {
  const earlier = ['### Task 10.12b: a', ...[2, 3, 4, 5].flatMap((number) => [`### Task ${number}: it`, 'x'])];
  const long = (size: number) => `It depends on task 2. ${'x'.repeat(size)}`.slice(0, size);

  test.each([
    ['nothing about it', [5]],
    ['**Depends on:** Tasks 2 and 4', [2, 4]],
    ['**Depends on :** 2', [2]],
    ['**Depends on:** 10.12b', [1]],
    ['**After:** 10.12b-3', [1, 2, 3]],
    ['**After:** 2 - 4', [2, 3, 4]],
    ['**After:** 2..4', [2, 3, 4]],
    ['**After:** 2 to 4', [2, 3, 4]],
    ['**After:** 4-2', [4, 2]],
    ['**After:** 2, 4', [2, 4]],
    ['**After:** 2 with 4', [2, 4]],
    ['**After:** 6, 2', [2]],
    ['**Depends on:** Tasks 2 + 4', [2, 4]],
    ['**Depends on:** Task 2 → 4', [2, 4]],
    ['**Depends on:** Tasks 2、4', [2, 4]],
    ['**Depends on:** [2, 4]', [2, 4]],
    ['**Depends on:** **Task 2:** base, **Task 4:** page', [2, 4]],
    ['**Depends on:** Task 2 · **Blocks:** Task 9', [2]],
    ['**Depends on:** Task 2; blocks Task 9', [2]],
    ['**Dependencies:**\n- Task 2\n- Task 4', [2, 4]],
    ['**Dependencies:**\n\n- Task 2 (merged)\n- Node 20', [2]],
    ['**Dependencies:**\n- none', []],
    ['- **Depends on:**\n  - Task 2\n- **Files:** a.ts', [2]],
    ['**Requires:**\n- a database', [5]],
    ['- **Depends on:**\n- Task 2', []],
    ['**Depends on:** Task 2 and the 3 others', [2]],
    ['**Depends on:** Task 2 (not 3)', [2]],
    ['**Depends on:** 2(a)3', [2, 3]],
    ['**Depends on:** Task 2 to Task 4', [2, 3, 4]],
    ['**Depends on:** Task `2` – task #4', [2, 3, 4]],
    ['**Depends on:** Task 2, to tasks 4', [2, 4]],
    ['It depends on task 2 through task 4.', [5, 2, 3, 4]],
    ['**Depends on:** none', []],
    ['**Depends on:** none (after task 2)', []],
    ['**Depends on:** No dependencies', []],
    ['**Depends on:** Can start immediately', []],
    ['**Depends on:** can  start  at  once', []],
    ['**Depends on:** n/a', []],
    ['**Depends on:** —', []],
    ['**Depends on:** Task 2, none other', [2]],
    [`**Depends on:** no ${'more '.repeat(30)}than task 2`, [2]],
    ['**Dependencies:** a database', [5]],
    ['depends_on: 2', [2]],
    ['  -  `blocked_by` : 2', [2]],
    ['depends_on: ', []],
    ['the depends_on: 2 of it', [5]],
    ['It depends on task 2.', [5, 2]],
    ['Both depend on task 2.', [5, 2]],
    ['Blocked by task 2', [5, 2]],
    ['It depends on task 9-4.', [5, 4]],
    ['It depends on task 2-9.', [5, 2]],
    ['Do it after task 2.', [5]],
    ['It requires task 2.', [5]],
    ['The dependency task 2 is old.', [5]],
    ['Do it (after task 2).', [5, 2]],
    ['Do it, after: task 2.', [5, 2]],
    ['Do it (after 2 days).', [5]],
    [long(2000), [5, 2]],
    [long(2001), [5]],
  ])('for %j: %j', (text, after) => {
    const { document, ok } = read(lines(...earlier, '### Task 6: f', '', text));
    expect([ok, document.waves[0]?.tasks.at(-1)?.after]).toEqual([true, after]);
  });

  test('no task where it names itself alone, which is a problem', () => {
    expect(problemsOf(read(lines(...earlier, '### Task 6: f', '**After:** 6')))).toEqual([
      expect.stringMatching(/^11: .* names no task of this document/),
    ]);
  });
});

test('ids of letters and digits need no word before them, and only a field of a list states the order', () => {
  const headings = lines(
    '### T001: a',
    '### T02b: b',
    'x (after T001, and then)',
    '### T10: c',
    '**After:** T001 T02b',
  );
  expect(outline(read(headings))).toEqual(['1: 1 a | 2 T02b: b < 1 | 3 c < 1 2']);
  const items = lines(
    ...['- [ ] T001 a', '- [ ] T002 b (after task T001)', '- [ ] T002 c', '  **Depends on:** none'],
    ...['- [ ] T004 d', '  **Depends on:** T001 and 2 more'],
  );
  const { document, refs } = read(items);
  expect(refs.map(({ ref }) => ref)).toEqual(['T001', 'T002', 'T002 (2)', 'T004']);
  expect(document.waves[0]?.tasks.map(({ after }) => after)).toEqual([[], [1], [2], [3, 1]]);
});

test.each([
  ['- [ ] Count', '  - three', '    - four', '- three\n  - four'],
  ['- [ ] Count', '', '\t- three', '  - three'],
  ['- [ ] Count', '', ' \tthree', '  three'],
  ['-   [ ] Count', '', '    three', 'three'],
  ['-    [ ] Count', '', '     three', 'three'],
  ['-      [ ] Count', '', '  three', 'three'],
  ['- [] Count', '', '      three', '    three'],
  ['- [ ] Count', '', '  \tthree', '\tthree'],
  ['- [ ] Count', '  ', '  three', 'three'],
])('lines below %j lose the indentation of the item', (item, second, third, body) => {
  const task = firstTask(item, second, third, '- [ ] b');
  expect(task?.body.trimEnd().replace(/^\n+/, '')).toBe(body);
});

test('a title goes on over the lines of its paragraph, which end at a list, a number or a blank line', () => {
  for (const end of ['12. sure', '- sure', '', '# sure', '> sure', '```', '   ']) {
    const task = firstTask('- [ ] Count', 'well-known', '  things', `  ${end}`, '  rest', '- [ ] b');
    expect(task?.title).toBe('Count well-known things');
    expect(task?.body.trim()).toMatch(/^Count\nwell-known\nthings\n/);
  }
});

test('an item has a box at its start alone, and is done where all of it is struck out', () => {
  const text = lines('- [ ] a', '  - [X] step', '  - [ ] other', '- see [x] b', '- [ ] ~~c~~', '- [ ] Make ~~d~~ e');
  expect(outline(read(text))).toEqual(['1: 1 a | x 2 c < 1 | 3 Make d e < 2']);
  expect(markDone({ text, path: 'a.md', beside: [] }, new Set(['#1']))).toBe(
    text.replace('[ ] a', '[x] a').replace('[ ] other', '[x] other'),
  );
});
