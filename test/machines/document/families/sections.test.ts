/** The parts of a document around its tasks: waves, notes, front matter, lines and paths. */
import { expect, test } from 'vitest';
import { markDone } from '../../../../machines/document/read-plan.ts';
import { lines, outline, read } from '../../../support/family-documents.ts';

const tasks = ['### Task 1: a', 'x', '### Task 2: b', 'y'];

test.each([
  ['## Work', '1: 1 a | 2 b < 1'],
  ['## Work of week 1', '1: 1 a | 2 b < 1'],
  ['## Phase 1:  Ground', '1 Phase 1: Ground: 1 a | 2 b < 1'],
  ['## (Phase1)', '1 (Phase1): 1 a | 2 b < 1'],
])('the heading %j above all tasks is a wave where it is counted', (heading, wave) => {
  expect(outline(read(lines('# Search', heading, ...tasks)))).toEqual([wave]);
});

test('headings that each have tasks are waves, and what is below them is theirs', () => {
  const text = lines('# Search', '## Ground', ...tasks.slice(0, 2), '## [x] Top (DONE)', 'intro', ...tasks.slice(2));
  const reading = read(text);
  expect(outline(reading)).toEqual(['1 Ground: 1 a', '2 Top: 2 b']);
  expect(reading.document.notes.map(({ wave, text: note }) => [wave, note.trim()])).toEqual([
    [2, '[x] Top (DONE)\n\nintro'],
  ]);
  const boxes = ['## A', '### Work 1', '- [ ] a', '## B', '### Work 2', '- [ ] b'];
  expect(outline(read(lines(...boxes)))).toEqual(['1 A: 1 a', '2 B: 1 b']);
});

test('a task below a heading or an item inside of its wave names that, because the introduction has them all', () => {
  const part = (name: string) => [
    `### ${name}`,
    `Use ${name}.`,
    '- [ ] write code',
    '- [ ] write tests',
    '',
    name === 'Front' ? '**Later:**' : '#### Later',
    '- [ ] ship',
  ];
  const { content } = read(
    lines(
      ...['# Shop', '## Phase 1', '- [ ] begin', ...part('**Back**'), ...part('Front')],
      ...['## Phase 2', '### Last', '- **Docs:**', '  - Guide', '    - [ ] end', '', '## Phase 3', '- [ ] over'],
    ),
  );
  const bodies = content.split(/^### Task \d+: /m).slice(1);
  const sections = bodies.map((body) => [body.split('\n')[0], /^Section: .*$/m.exec(body)?.[0] ?? null]);
  const of = (name: string) => [
    ['write code', `Section: ${name}`],
    ['write tests', `Section: ${name}`],
    ['ship', `Section: ${name} › Later`],
  ];
  expect(sections).toEqual([
    ['begin', null],
    ...of('Back'),
    ...of('Front'),
    ['end', 'Section: Last › Docs › Guide'],
    ['over', null],
  ]);
});

test('the title is the first heading of level 1 with a text, above the tasks', () => {
  const boxes = ['- [ ] a', '- [ ] b'];
  const titleOf = (...text: string[]) => read(lines(...text)).document.title;
  expect(titleOf('#', '# One', '# Two', '## Tasks', ...boxes)).toBe('One');
  expect(titleOf('## Intro', 'hi', '# Work', ...boxes)).toBe(null);
  expect(outline(read(lines('## Intro', 'hi', '# Work', ...boxes)))).toEqual(['1 Work: 1 a | 2 b < 1']);
  expect(titleOf('## Phase 1', ...tasks, '# Appendix', 'end')).toBe(null);
});

test('a section without tasks is a note with its deeper headings, up to the next one of its level', () => {
  const notes = ['## Risks', 'none', '### Deep', 'deep', '## Later', 'then', '# Appendix', 'end'];
  const waves = ['## Phase 1', ...tasks, '## Break', 'z', '## Phase 2', '### Task 3: c'];
  const reading = read(lines('# Search', 'Why.', '## First', ...waves, ...notes));
  expect(reading.document.notes.map(({ title, wave, text }) => [title, wave, text.trim()])).toEqual([
    ['', null, 'Why.'],
    ['First', null, '## First'],
    ['Break', null, '## Break\nz'],
    ['Risks', null, '## Risks\nnone\n### Deep\ndeep'],
    ['Later', null, '## Later\nthen'],
    ['Appendix', null, '# Appendix\nend'],
  ]);
  expect(outline(reading)).toHaveLength(2);
});

test('a heading whose tasks are all in groups is a note with its text', () => {
  const groups = ['- [ ] 1. A', '  - [ ] 1.1 a', '  - [ ] 1.2 b', '- [ ] 2. B', '  - [ ] 2.1 c', '  - [ ] 2.2 d'];
  const { document } = read(lines('# P', '## Build', 'All of it.', ...groups), '.kiro/specs/a/tasks.md');
  expect(document.waves.map(({ title }) => title)).toEqual(['1. A', '2. B']);
  expect(document.notes.map(({ title, text }) => [title, text])).toEqual([['Build', '## Build\nAll of it.\n\n']]);
});

test.each([
  [['---', 'title: Shop', '---'], '```yaml\ntitle: Shop\n```'],
  [['--- ', 'rule: a ---', '---x: 1', '---  '], '```yaml\nrule: a ---\n---x: 1\n```'],
  [['---', 'a: "````"', 'b: "`"', '...'], '`````yaml\na: "````"\nb: "`"\n`````'],
  [['---', 'no: yes: no', '---'], '```yaml\nno: yes: no\n```'],
  [['', '---', 'a: 1', '---'], '```yaml\na: 1\n```'],
])('front matter %j is a note', (matter, note) => {
  const { document } = read(lines(...matter, '', '# Search', '## Tasks', '- [ ] a', '- [ ] b'));
  expect(document.notes.map(({ text }) => text.trim())).toEqual([note]);
  expect(document.title).toBe('Search');
});

test('what looks like front matter is text where it is not closed, not first, or over 64 KiB', () => {
  const boxes = ['', '- [ ] a', '- [ ] b'];
  for (const text of [
    ['---', 'a: 1', '', '# P'],
    ['x', '---', 'a: 1', '---'],
    ['---', `a: ${'x'.repeat(65_536)}`, '---'],
  ]) {
    const { content, document } = read(lines(...text, ...boxes, '## Tasks', ...boxes));
    expect(content).not.toContain('yaml');
    expect(document.waves).toHaveLength(1);
  }
});

test.each([
  [['# P', '', '### Task 1: a', 'Note: x', '---', '### Task 2: b', '### Task 3: c']],
  [['Note: x', '- [ ] 1. a', '- [ ] 2. b', '---', '## More tasks', '- [ ] 3. c']],
])('tasks between two lines of dashes are tasks: %j', (text) => {
  expect(read(lines('---', ...text)).document.waves.flatMap(({ tasks }) => tasks)).toHaveLength(3);
});

test('lines end with CR, and the last one may have no end', () => {
  const text = lines('# P', '## Tasks', '- [ ] a', '- [ ] b').trimEnd().replaceAll('\n', '\r');
  expect(outline(read(text))).toEqual(['1 Tasks: 1 a | 2 b < 1']);
  expect(markDone({ text, path: 'a.md', beside: [] }, new Set(['#2']))).toBe(text.replace('[ ] b', '[x] b'));
});

test.each([
  ['./specs//004-stock/tasks.md', 'specs/004-stock/spec.md'],
  ['/a/`b`/tasks.md', 'a/?b?/spec.md'],
  ['tasks.md', 'spec.md'],
])('the files that belong to the plan %s are named, and no others', (path, file) => {
  const { document } = read('- [ ] T001 a\n', path, ['spec.md', 'tasks.md', 'other.md']);
  const text = `Read these files first, as far as your task needs them: \`${file}\``;
  expect(document.notes.map((note) => note.text.trim())).toEqual([text]);
  expect(read('- [ ] T001 a\n', 'specs/a/plan.md', ['plan.md']).document.notes).toEqual([]);
});
