/** A draft of any family, written in stator's own form and read again. */
import { describe, expect, it } from 'vitest';
import type { DraftNote, DraftTask, DraftWave, PlanDraft } from '../../../machines/document/families/family.ts';
import type { SourceLine } from '../../../machines/document/families/markdown-outline.ts';
import { inOwnForm } from '../../../machines/document/own-form.ts';

function linesOf(text: string, first: number): SourceLine[] {
  return text === '' ? [] : text.split('\n').map((line, at) => ({ text: line, number: first + at }));
}

function task(
  title: string,
  { body = '', line = 10, ...given }: Partial<Omit<DraftTask, 'body'>> & { body?: string } = {},
): DraftTask {
  const empty = {
    isDone: false,
    files: [],
    check: null,
    links: [],
    number: null,
    marks: [],
    order: 'sequence',
  } as const;
  return { ...empty, ref: title, title, line, body: linesOf(body, line + 1), ...given };
}

function wave(tasks: DraftTask[], { title = '', introduction = '', line = 5 } = {}): DraftWave {
  return { kind: 'wave', title, line, introduction: linesOf(introduction, line + 1), tasks, marks: [] };
}

function note(text: string, line = 30): DraftNote {
  return { kind: 'note', lines: linesOf(text, line) };
}

function draft(parts: PlanDraft['parts'], given: Partial<PlanDraft> = {}): PlanDraft {
  const title = { text: 'Till', number: 1 };
  return { title, head: [], parts, after: [], problems: [], remarks: [], name: null, ...given };
}

function contentOf(given: PlanDraft): string {
  return inOwnForm(given).content;
}

/** The numbers of the tasks that each task of the first wave comes after. */
function orderOf(tasks: DraftTask[]): number[][] {
  const { parsed, problems } = inOwnForm(draft([wave(tasks)]));
  expect(problems).toEqual([]);
  return parsed.document.waves[0]?.tasks.map(({ after }) => after) ?? [];
}

describe('what is written', () => {
  it('is title, order, head, waves with their tasks, and notes, with blank lines between them', () => {
    const full = task('Door', {
      ...{ body: '\n\nOpen it.\n\n', files: ['a.ts', 'b c.ts'], check: { text: 'npm test', number: 12 }, order: 0 },
      links: [{ ref: 'Lock', line: 9, isField: true }],
    });
    const parts = [
      wave([task('Lock'), full], { title: 'Base', introduction: 'First.\n' }),
      note('# Risks\nNone.'),
      wave([task('Paint', { isDone: true })]),
    ];
    expect(contentOf(draft(parts, { head: linesOf('\nHead.', 2), after: ['one', 'two'] }))).toBe(
      [
        ...['# Till', '', '**After:** one, two', '', '', 'Head.', '', '## Wave 1: Base', '', 'First.', ''],
        ...['### Task 1: Lock', '', '### Task 2: Door', '', '**After:** 1', '**Files:** `a.ts`, `b c.ts`'],
        ...['**Check:** npm test', '', 'Open it.', '', '# Risks', 'None.', '', '## Wave 2', ''],
        ...['### [x] Task 1: Paint', ''],
      ].join('\n'),
    );
  });

  it('has no blank line at its start without a title, and none at its end', () => {
    expect(contentOf(draft([wave([task('Lock')])], { title: null }))).toBe('## Wave 1\n\n### Task 1: Lock\n');
    expect(contentOf(draft([wave([task('Lock')]), note('\n \n')]))).toBe('# Till\n\n## Wave 1\n\n### Task 1: Lock\n');
    expect(contentOf(draft([], { title: null }))).toBe('');
  });

  it('has each name on one line', () => {
    const given = draft([wave([task('Lock\r\n\n### Task 9: Key', { files: ['a\nb.ts'] })], { title: 'Base\n\nTop' })], {
      title: { text: 'Till\n# Other', number: 1 },
    });
    const text = contentOf(given);
    expect(text).toContain('# Till # Other\n');
    expect(text).toContain('## Wave 1: Base Top\n');
    expect(text).toContain('### Task 1: Lock ### Task 9: Key\n');
    expect(text).toContain('**Files:** `a b.ts`\n');
  });

  it('gives a title whose picture would say that its task is done an open box', () => {
    const parts = [wave([task('✅ Button'), task('Button ✅'), task('Button'), task('✅ Shown', { isDone: true })])];
    const { content, parsed } = inOwnForm(draft(parts));
    expect(content.match(/^###.*$/gm)).toEqual([
      ...['### [ ] Task 1: ✅ Button', '### [ ] Task 2: Button ✅', '### Task 3: Button', '### [x] Task 4: ✅ Shown'],
    ]);
    expect(parsed.document.waves[0]?.tasks.map(({ isDone }) => isDone)).toEqual([false, false, false, true]);
  });

  it('is refused at the first line where it is over 1 MiB', () => {
    const problem = { line: 3, message: 'found before' };
    const body = 'x'.repeat(1024 * 1024);
    const large = inOwnForm(draft([wave([task('Lock', { body })])], { problems: [problem] }));
    expect(large.problems).toEqual([problem, { line: 1, message: expect.stringContaining('own form') }]);
    expect(large.tasks).toEqual([]);
    expect(large.parsed.document.waves).toEqual([]);
    expect(large.content).toContain(body);
  });

  it('keeps the problems and remarks of the draft', () => {
    const [problem, remark] = [
      { line: 3, message: 'a problem' },
      { line: 4, message: 'a remark' },
    ];
    const read = inOwnForm(draft([wave([task('Lock')])], { problems: [problem], remarks: [remark] }));
    expect(read.problems).toEqual([problem]);
    expect(read.remarks).toEqual([remark]);
  });
});

describe('the numbers of tasks', () => {
  it.each([
    ['those of the document', [2, 5], [2, 5]],
    ['counted if one has none', [2, null], [1, 2]],
    ['counted if two are the same', [3, 3], [1, 2]],
    ['counted if one is 0', [0, 4], [1, 2]],
    ['counted if one is negative', [-1, 4], [1, 2]],
    ['counted if one is no whole number', [1.5, 4], [1, 2]],
    ['up to 9999', [9999, 1], [9999, 1]],
    ['counted if one is larger', [10_000, 1], [1, 2]],
  ])('are %s', (_name, numbers, expected) => {
    const { tasks } = inOwnForm(draft([wave(numbers.map((number, at) => task(`T${at}`, { number })))]));
    expect(tasks.map(({ number }) => number)).toEqual(expected);
  });
});

describe('the order of tasks', () => {
  it('is their sequence, with neighbours of one group at once', () => {
    const groups = ['sequence', 'sequence', 1, 1, 2, 'sequence', 'stated', 'sequence'] as const;
    expect(orderOf(groups.map((order, at) => task(`T${at}`, { order })))).toEqual([
      ...[[], [1], [2], [2], [3, 4], [5], [], [6, 7]],
    ]);
  });

  it('takes links to tasks of the same wave, and none to a task itself or to an earlier wave', () => {
    const link = (ref: string) => ({ ref, line: 9, isField: true });
    expect(
      orderOf([task('a', { order: 'stated' }), task('b', { order: 'stated', links: [link('b'), link('a')] })]),
    ).toEqual([[], [1]]);
    const parts = [wave([task('a')]), wave([task('b', { links: [link('a')] })])];
    const { problems, remarks, parsed } = inOwnForm(draft(parts));
    expect([problems, remarks]).toEqual([[], []]);
    expect(parsed.document.waves[1]?.tasks[0]?.after).toEqual([]);
  });

  it('has a problem where a link names a later part, or a field names an unknown task; a sentence gets a remark', () => {
    const link = (ref: string, line: number, isField = true) => ({ ref, line, isField });
    const links = [link('b', 7), link('x', 8), link('y', 9, false)];
    const { problems, remarks } = inOwnForm(draft([wave([task('a', { links })]), wave([task('b')])]));
    expect(problems).toEqual([
      { line: 7, message: expect.stringContaining('`b`') },
      { line: 8, message: expect.stringContaining('`x`') },
    ]);
    expect(remarks).toEqual([{ line: 9, message: expect.stringContaining('`y`') }]);
  });

  it('is refused at the first task where it has more than 50,000 numbers', () => {
    const groups = (first: number, second: number) => [
      ...Array.from({ length: first }, (_each, at) => task(`a${at}`, { order: 1, line: 3 })),
      ...Array.from({ length: second }, (_each, at) => task(`b${at}`, { order: 2, line: 4 })),
    ];
    expect(inOwnForm(draft([wave(groups(200, 250))])).problems).toEqual([]);
    expect(inOwnForm(draft([wave(groups(200, 251))])).problems).toEqual([
      { line: 3, message: expect.stringContaining('too many') },
    ]);
    const empty = inOwnForm(draft([wave([])])).problems.map(({ message }) => message);
    expect(empty.join('\n')).not.toContain('too many');
  });

  it('reports a circle at the line of the link', () => {
    const tasks = [
      task('a', { order: 'stated', line: 10, links: [{ ref: 'b', line: 11, isField: true }] }),
      task('b', { order: 'stated', line: 20, links: [{ ref: 'a', line: 21, isField: true }] }),
    ];
    const [problem] = inOwnForm(draft([wave(tasks)])).problems;
    expect([11, 21]).toContain(problem?.line);
  });
});

describe('fields of a task for what comes first', () => {
  it('become text with a backslash', () => {
    const text = contentOf(
      draft([wave([task('a', { body: '**Depends on:** nothing\n__Depends on:__ nothing\nblocked_by: no' })])]),
    );
    expect(text).toContain('\\**Depends on:** nothing\n\\__Depends on:__ nothing\nblocked_by: no\n');
  });

  it.each([
    ['**Depends on:** none', [], []],
    ['**Depends on:** the moon', [], [11]],
    ['**After:** the moon', [11], []],
    ['After all, paint.', [], []],
  ])('%j without a link', (body, problems, remarks) => {
    const read = inOwnForm(draft([wave([task('a', { body })])]));
    expect(read.problems.map(({ line }) => line)).toEqual(problems);
    expect(read.remarks.map(({ line }) => line)).toEqual(remarks);
  });

  it('get no remark at the line of a link', () => {
    const links = [{ ref: 'a', line: 12, isField: true }];
    const body = '**Depends on:** the moon\n**Depends on:** a and more';
    const read = inOwnForm(draft([wave([task('a'), task('b', { body, links })])]));
    expect(read.remarks.map(({ line }) => line)).toEqual([11]);
  });
});

describe('text of the document', () => {
  const bodyOf = (body: string) =>
    contentOf(draft([wave([task('a', { body })])]))
      .split('### Task 1: a\n\n')[1]
      ?.replace(/\n$/, '');

  it.each([
    ['plain', 'plain'],
    ['# Title', '### Title'],
    ['#### Deep', '#### Deep'],
    ['### Level', '### Level'],
    ['## Wave 2', '\\## Wave 2'],
    ['### Task 2: b', '\\### Task 2: b'],
    ['#### Task 2: b', '\\#### Task 2: b'],
    ['### Taks 2: b', '\\### Taks 2: b'],
    ['  # Wave 2', '  \\### Wave 2'],
    ['<!-- open', '\\<!-- open'],
    ['   <!-- open', '   \\<!-- open'],
    ['a <!-- open', 'a <!-- open'],
    ['    <!-- open', '    <!-- open'],
    ['<!-- a -->', '<!-- a -->'],
    ['<!-- a\nb -->', '<!-- a\nb -->'],
    ['```\n### Task 2: b', '```\n### Task 2: b\n```'],
    ['  ~~~~ sh\na', '  ~~~~ sh\na\n  ~~~~'],
    ['```\na\n```\n# b', '```\na\n```\n### b'],
    ['a\n\n\nb', 'a\n\n\nb'],
  ])('%j', (body, expected) => {
    expect(bodyOf(body)).toBe(expected);
  });

  it.each([
    ['# Risks\n# More', '# Risks\n## More'],
    ['### Risks\n# More\n#### Deep', '## Risks\n### More\n#### Deep'],
    ['## Risks', '## Risks'],
    ['\n\nNo heading\n# More', '## Notes\nNo heading\n### More'],
    ['## Wave 3: Later', '## \\Wave 3: Later'],
    ['### Task 3: Later', '## \\Task 3: Later'],
  ])('in a section of the plan: %j', (text, expected) => {
    const { content, problems } = inOwnForm(draft([wave([task('a')]), note(text)]));
    expect(content.split('### Task 1: a\n\n')[1]).toBe(`${expected}\n`);
    const named = expected.includes('\\') ? [`\`${expected.replace('\\', '')}\` is read as a section of text`] : [];
    expect(problems.map(({ message }) => message.split(',')[0])).toEqual(named);
  });

  it('before the first wave is below the title, and nothing there becomes one', () => {
    const head = linesOf('# Other', 2);
    expect(contentOf(draft([wave([task('a')])], { head }))).toContain('# Till\n\n# Other\n\n## Wave 1\n');
    expect(contentOf(draft([wave([task('a')])], { head, title: null }))).toBe(
      '## Other\n\n## Wave 1\n\n### Task 1: a\n',
    );
  });
});

describe('lines that look like fields of the own form', () => {
  const read = (body: string) => inOwnForm(draft([wave([task('a', { body })])]));

  it('and cannot be read are text with a remark at their line', () => {
    const { content, problems, remarks, parsed } = read(
      'One.\n**Budget:** as little as can be\n**Repo:** Shop A and B',
    );
    expect(problems).toEqual([]);
    expect(parsed.ok).toBe(true);
    expect(content).toContain('\\**Repo:**');
    expect(remarks.map(({ line }) => line)).toContain(13);
  });

  it('stay problems where they are a check', () => {
    const { problems, content } = read('One.\n**Check:**\n**Check:** b');
    expect(problems.map(({ line }) => line)).toEqual([12]);
    expect(content).not.toContain('\\**Check');
  });

  it('a line of dashes under a name of the grammar becomes text', () => {
    const { content, problems } = read('Wave 2\n------\n\nTask 3: b\n====\nc\n---');
    expect(problems).toEqual([]);
    expect(content).toContain('Wave 2\n\\------\n');
    expect(content).toContain('Task 3: b\n\\====\nc\n---\n');
  });
});
