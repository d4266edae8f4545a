/** The plan grammar: the reading of a document, the problems of a broken one, and that no document breaks the reader. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { markdownLines } from '../../../machines/document/markdown-lines.ts';
import { decodePlan, type PlanProblem, parsePlan, shellBlocks } from '../../../machines/document/plan-document.ts';
import { planDocumentLimitBytes } from '../../../machines/vocabulary/plan-file.ts';
import { runsOf } from '../../support/drawn.ts';
import { expectProse } from '../../support/prose.ts';

function lines(...text: string[]): string {
  return `${text.join('\n')}\n`;
}

/** `line: message` of every problem. */
function problemsOf(content: string): string[] {
  return parsePlan(content).problems.map(({ line, message }) => `${line}: ${message}`);
}

/** Expects problems in these lines, in this order; the snapshot has their texts. */
function expectProblems(content: string, lines: number[]): void {
  expect(parsePlan(content).problems.map(({ line }) => line)).toEqual(lines);
  expectProse(problemsOf(content).join('\n'));
}

/** Wave numbers with the numbers and titles of their tasks. */
function outline(content: string): string[] {
  return parsePlan(content).document.waves.map(
    (wave) => `${wave.number}: ${wave.tasks.map((task) => `${task.number} ${task.title}`).join(', ')}`,
  );
}

function firstTask(...body: string[]) {
  const parsed = parsePlan(lines('## Wave 1', '### Task 1: one', ...body));
  return { task: parsed.document.waves[0]?.tasks[0], problems: parsed.problems };
}

function problemOf(bytes: Uint8Array): PlanProblem | null {
  const decoded = decodePlan(bytes);
  return 'problem' in decoded ? decoded.problem : null;
}

describe('a plan that is well written', () => {
  test('gives its header, its waves and their tasks with lines and exact bodies', () => {
    const content = lines(
      '# Faster search',
      '',
      '**Goal:** Answers in 50 ms',
      '**Architecture:** An index beside the table',
      '**Tech Stack:** SQLite, FTS5',
      '**Topic:** search',
      '**After:** plan-a, `docs/plans/Plan-B.md`',
      '',
      '## Wave 1: Ground',
      'Why this wave.',
      '### Task 1: Index',
      '',
      'Build it.',
      '**Check:** npm test',
      '**Files:** src/index.ts, `src/a,b.ts:12-30`',
      '### Task 2 — Query',
      '**After:** 1',
      '',
      '## Notes',
      'not a task',
      '## Wave 2',
      '### Task 1 - Docs',
    );
    expect(parsePlan(content)).toEqual({
      ok: true,
      problems: [],
      remarks: [],
      document: {
        title: 'Faster search',
        goal: 'Answers in 50 ms',
        architecture: 'An index beside the table',
        techStack: 'SQLite, FTS5',
        topic: 'search',
        issues: [],
        after: ['plan-a', 'plan-b'],
        host: null,
        budget: null,
        land: null,
        repo: null,
        waves: [
          {
            number: 1,
            line: 9,
            title: 'Ground',
            tasks: [
              {
                number: 1,
                title: 'Index',
                line: 11,
                isDone: false,
                body: '\nBuild it.\n**Check:** npm test\n**Files:** src/index.ts, `src/a,b.ts:12-30`\n',
                check: 'npm test',
                files: ['src/index.ts', 'src/a,b.ts'],
                after: [],
                agent: null,
                repo: null,
              },
              {
                number: 2,
                title: 'Query',
                line: 16,
                isDone: false,
                body: '**After:** 1\n\n',
                check: null,
                files: [],
                after: [1],
                agent: null,
                repo: null,
              },
            ],
          },
          {
            number: 2,
            line: 21,
            title: '',
            tasks: [
              {
                number: 1,
                title: 'Docs',
                line: 22,
                isDone: false,
                body: '',
                check: null,
                files: [],
                after: [],
                agent: null,
                repo: null,
              },
            ],
          },
        ],
        notes: [
          { line: 3, title: '', wave: null, text: `\n${content.split('\n').slice(2, 8).join('\n')}\n` },
          { line: 10, title: '', wave: 1, text: 'Why this wave.\n' },
          { line: 19, title: 'Notes', wave: null, text: '## Notes\nnot a task\n' },
        ],
      },
    });
  });

  test('keeps the text outside of tasks: before the first wave, under a wave, between and behind the tasks', () => {
    const content = lines(
      'Before the title.',
      '# Title',
      'An overview.',
      '**Goal:** g',
      '**Size:** large',
      '## Constraints',
      '### Of time',
      'None.',
      '## Wave 1',
      '**Goal:** of the wave',
      '**After:** wave 0',
      '#### Deeper',
      '### Task 1: a',
      'body',
      '## Between',
      '```sh',
      '# no heading',
      '```',
      '### Task 2: b',
      '## Rollout',
      'slowly',
      '# Appendix',
      'end',
    );
    const { ok, document } = parsePlan(content);
    expect(ok).toBe(true);
    expect(document).toMatchObject({ title: 'Title', goal: 'g', after: [] });
    expect(document.waves[0]?.tasks.map(({ body }) => body)).toEqual(['body\n', '']);
    expect(document.notes).toEqual([
      { line: 1, title: '', wave: null, text: 'Before the title.\n' },
      { line: 3, title: '', wave: null, text: 'An overview.\n**Goal:** g\n**Size:** large\n' },
      { line: 6, title: 'Constraints', wave: null, text: '## Constraints\n### Of time\nNone.\n' },
      { line: 10, title: '', wave: 1, text: '**Goal:** of the wave\n**After:** wave 0\n#### Deeper\n' },
      { line: 15, title: 'Between', wave: null, text: '## Between\n```sh\n# no heading\n```\n' },
      { line: 20, title: 'Rollout', wave: null, text: '## Rollout\nslowly\n' },
      { line: 22, title: 'Appendix', wave: null, text: '# Appendix\nend\n' },
    ]);
  });

  test('may have the value of a header line on the next line, and over the lines of a paragraph', () => {
    const content = lines(
      '**Goal:**',
      '',
      'People log in',
      'without a password.',
      '',
      'An overview.',
      '**Architecture:** a table',
      'and an index',
      '- and a list',
      '**Tech Stack:**',
      '- SQLite',
      '**Topic:**',
      'accounts',
      'more text',
      '**After:**',
      'plan-a, plan-b',
      '## Wave 1',
      '### Task 1: a',
    );
    const { ok, document } = parsePlan(content);
    expect(ok).toBe(true);
    expect(document).toMatchObject({
      goal: 'People log in without a password.',
      architecture: 'a table and an index',
      techStack: null,
      topic: 'accounts',
      after: ['plan-a', 'plan-b'],
    });
    expect(document.notes).toEqual([{ line: 1, title: '', wave: null, text: content.slice(0, content.indexOf('##')) }]);
  });

  test.each([
    ['**After:**\n- [Plan A](docs/plan-a.md)\n- `docs/plan-b.md`', ['plan-a', 'plan-b']],
    ['**After:**\n\n1. plan-a\n2. plan-b\n\ntext', ['plan-a', 'plan-b']],
    ['**After:** plan-a,\n  plan-b\ntext', ['plan-a', 'plan-b']],
    ['**After:** plan-a\n- a list', ['plan-a']],
    ['**After:**\n\n- a list of other things', []],
    ['**After:**\n- none', []],
  ])('reads the names of %j, which a list or several lines have', (head, after) => {
    const { ok, document } = parsePlan(lines(...head.split('\n'), '## Wave 1', '### Task 1: a'));
    expect(ok).toBe(true);
    expect(document.after).toEqual(after);
  });

  test('names a plan of several words, which may be two that are meant', () => {
    const { document, remarks } = parsePlan(lines('**After:** plan-a; plan-b and c', '## Wave 1', '### Task 1: a'));
    expect(document.after).toEqual(['plan-a', 'plan-b-and-c']);
    expect(remarks).toEqual([
      { line: 1, message: '`plan-b and c` is the plan plan-b-and-c; several names have commas between them' },
    ]);
  });

  test('may have other values of several items in lists', () => {
    const head = [
      '**Budget:**',
      '- 5 USD',
      '- 10 minutes',
      '**Issue:**',
      '- https://a.example/1',
      '- https://a.example/2',
    ];
    const { ok, document } = parsePlan(lines(...head, '**Land:**', '- api', '- web', '## Wave 1', '### Task 1: a'));
    expect(ok).toBe(true);
    expect(document.budget).not.toBeNull();
    expect(document.issues).toEqual(['https://a.example/1', 'https://a.example/2']);
    expect(document.land?.folders).toEqual(['api', 'web']);
  });

  test('may use both depths of wave and task headings in one document', () => {
    const content = lines(
      '## Wave 1',
      '### Task 1: a',
      '#### Task 2: b',
      '### Wave 2',
      '#### Task 1: c',
      '### Task 2: d',
    );
    expect(parsePlan(content).problems).toEqual([]);
    expect(outline(content)).toEqual(['1: 1 a, 2 b', '2: 1 c, 2 d']);
  });

  test.each([
    ['### Task 1: a', 'a'],
    ['### Task 1 — a', 'a'],
    ['### Task 1 – a', 'a'],
    ['### Task 1 - a', 'a'],
    ['### Task 1 --- a', 'a'],
    ['### Task 1:a', 'a'],
    ['###\tTask 1:\ta', 'a'],
    ['### Task 1: a ###', 'a'],
    ['### Task 1: port to C#', 'port to C#'],
    ['### Task 1: --flag is read', '--flag is read'],
    ['### Task 01: a', 'a'],
  ])('reads the title of %j', (heading, title) => {
    const parsed = parsePlan(lines('## Wave 1', heading));
    expect(parsed.problems).toEqual([]);
    expect(parsed.document.waves[0]?.tasks[0]).toMatchObject({ number: 1, title });
  });

  test.each([
    ['### [x] Task 1: Till', true],
    ['### [X] Task 1: Till', true],
    ['### ✅ Task 1: Till', true],
    ['### ☑️ Task 1: Till', true],
    ['### ✅ **Task 1: Till**', true],
    ['### **[x] Task 1: Till**', true],
    ['### **Task 1: Till** ✅', true],
    ['### Task 1: Till ✅', true],
    ['### Task 1: Till ✔️ ##', true],
    ['### Task 1: Till — ✅ Done', true],
    ['### Task 1: Till ✅ (completed)', true],
    ['### Task 1: Till [x]', true],
    ['### Task 1: Till (DONE)', true],
    ['### Task 1: Till - DONE', true],
    ['### Task 1: [x] Till', true],
    ['### Task 1: ✅ Till', true],
    ['### Task 1 ✅: Till', true],
    ['### Task 1 [x] — Till', true],
    ['### :white_check_mark: Task 1: Till', true],
    ['### Task 1: Till', false],
    ['### [ ] Task 1: Till', false],
    ['### ⬜ Task 1: Till', false],
    ['### 🔲 Task 1: Till', false],
    ['### Task 1: [ ] Till', false],
    ['### Task 1: Till [ ]', false],
    ['### 🚧 Task 1: Till', false],
    ['### [ ] Task 1: Till ✅', false],
    ['### **Task 1: Till**', false],
    ['### **Task 1:** Till', false],
    ['### **Task 1**: Till', false],
    ['### __Task 1__ — Till', false],
  ])('reads %j as a task whose done mark is %j', (heading, isDone) => {
    const { problems, document } = parsePlan(lines('## Wave 1', heading));
    expect(problems).toEqual([]);
    expect(document.waves[0]?.tasks).toMatchObject([{ number: 1, title: 'Till', isDone }]);
  });

  test.each([
    'Replace ❌ with ✅',
    'Show a ✅',
    'Read items[x]',
    '[a] or [b]',
    'All is done',
    'x ✅ y',
    'Say it is Done',
  ])('leaves the title %j as it is, and open', (title) => {
    const { document } = parsePlan(lines('## Wave 1', `### Task 1: ${title}`));
    expect(document.waves[0]?.tasks).toMatchObject([{ title, isDone: false }]);
  });

  test.each(['## Wave 1', '##\tWave 1', '## Wave 1 ##', '##  Wave 1  ', '## Wave 1:', '### Wave 1'])(
    'takes %j for an untitled wave',
    (heading) => {
      const { ok, document } = parsePlan(lines(heading, '#### Task 1: a'));
      expect(ok).toBe(true);
      expect(document.waves[0]).toMatchObject({ number: 1, title: '' });
    },
  );

  test('may come with CRLF, a byte order mark, and no newline at its end', () => {
    const { ok, document } = parsePlan('\uFEFF## Wave 1\r\n### Task 1: a\r\nText\r\n**Check:** true\r\n### Task 2: b');
    expect(ok).toBe(true);
    expect(document.waves[0]?.tasks.map(({ title, line, body, check }) => ({ title, line, body, check }))).toEqual([
      { title: 'a', line: 2, body: 'Text\r\n**Check:** true\r\n', check: 'true' },
      { title: 'b', line: 5, body: '', check: null },
    ]);
  });

  test('keeps a task body up to the next task, the next wave, or a heading of the wave’s level or above', () => {
    const content = lines(
      '### Wave 1',
      '#### Task 1: a',
      'a1',
      '##### Deeper',
      'a2',
      '### Same level',
      'lost',
      '#### Task 2: b',
      'b1',
      '#### Steps',
      'b2',
      '# Above',
      '#### Task 3: c',
    );
    expect(parsePlan(content).document.waves[0]?.tasks.map((task) => task.body)).toEqual([
      'a1\n##### Deeper\na2\n',
      'b1\n#### Steps\nb2\n',
      '',
    ]);
  });

  test('has its fields at line start before its first section, outside of code, and below it they are text', () => {
    const head = [
      ' **Goal:** indented',
      '- **Goal:** in a list',
      '```',
      '**Goal:** in code',
      '```',
      '**Goal:**',
      '# T',
    ];
    const content = lines(
      ...[...head, '**Topic:** the topic', '**Topic:** another', '## Context', '**Host:** rack-b', '**Goal:** of it'],
      ...['## Wave 1', '**Goal:** of the wave', '**Budget:** 5 USD', '### Task 1: a', '**Goal:** of the task'],
      ...[
        '**Topic:** of the task',
        '- **Budget:** three days',
        '## Rollout',
        '**Goal:** a goal',
        '**After:** old-rack',
      ],
    );
    const { document, problems, remarks } = parsePlan(content);
    expect(problems).toEqual([]);
    const none = { goal: null, host: null, budget: null, after: [], issues: [] };
    expect(document).toMatchObject({ ...none, topic: 'the topic', title: 'T' });
    expect(remarks.map(({ line }) => line)).toEqual([1, 2, 9, 11, 12, 14, 15, 18, 19, 21, 22]);
    expectProse(remarks.map(({ line, message }) => `${line}: ${message}`).join('\n'));
    const kept = [
      ...document.notes.map(({ text }) => text),
      ...document.waves.flatMap(({ tasks }) => tasks).map((task) => task.body),
    ];
    for (const row of content.split('\n').filter((text) => text.includes('**'))) expect(kept.join('\n')).toContain(row);
  });

  test.each([
    ['## Context', true],
    ['### Context', false],
    ['# Another', false],
    ['Context\n-------', true],
    ['Two lines\nof context\n---', true],
    ['Context\n=======', false],
    ['- a list\n---', false],
    ['> a quotation\n---', false],
    ['| a | b |\n---', false],
    ['**Goal:** g\n---', false],
    ['    code\n---', false],
    ['text\n\n---', false],
    ['---', false],
    ['```\ntext\n```\n---', false],
    ['<div>\ntext\n---\n</div>', false],
    ['### Task 9: early', true],
  ])('has its fields above %j and nothing below: %j', (section, isOver) => {
    for (const start of ['', '---\ntitle: x\n---\n', '# Title\n']) {
      const content = `${start}${section}\n\n**Host:** rack-b\n\n## Wave 1\n### Task 1: a\n`;
      expect(parsePlan(content).document.host).toBe(isOver ? null : 'rack-b');
    }
  });

  test.each([
    ['---\n# a comment\n## settings\n\nstatus: draft\n---\n# T', 'T', 'rack-b'],
    ['---\r\nkey:\r\n  - a\r\n# a comment\r\n...\r\n# T', 'T', 'rack-b'],
    ['---\n# a comment\n_id: 1\nog:title: x\n"a:b": c\n---\n# T', 'T', 'rack-b'],
    ['\n---\nkey: x\n---\n# T', 'T', 'rack-b'],
    ['---\n# T\n---', 'T', 'rack-b'],
    ['---\n# T\nfor: x\n## Wave 1\n### Task 1: a\n---', 'T', null],
    ['---\n# T\nfor: x', 'T', 'rack-b'],
  ])('that begins with %j has the title %j, since comments in front matter are no headings', (start, title, host) => {
    const { document } = parsePlan(`${start}\n\n**Host:** rack-b\n\n## Wave 2\n### Task 1: a\n`);
    expect([document.title, document.host]).toEqual([title, host]);
  });

  test.each([
    '<div>\n**Host:** rack-b\n</div>',
    '<table><tr><td>\n**Host:** rack-b',
    '> **Host:** rack-b',
    '| **Host:** | rack-b |',
    '`**Host:** rack-b`',
    '    **Host:** rack-b',
    '<pre>\n\n**Host:** rack-b\n</pre>',
    '<!--\n**Host:** rack-b\n-->',
    'The **Host:** rack-b',
  ])('has no field in %j', (text) => {
    const { document, problems } = parsePlan(`# T\n\n${text}\n\n## Wave 1\n### Task 1: a\n`);
    expect([document.host, problems]).toEqual([null, []]);
  });

  test('may be written with the colons, commas, digits and spaces of Chinese and Japanese keyboards', () => {
    const content = lines(
      ...[
        '# 商店',
        '',
        '**Goal**：做一个购物车',
        '**Topic：** 商店',
        '**After**：plan-a，plan-b、plan-c',
        '**Budget**：５ USD',
        '',
      ],
      ...['## Wave 1：基础', '###　Task 1：购物车', '**Files**：`cart.js`，`till.js`', '**Check**：`false`'],
      ...['### Task ２：收银台', '**After**：１', '### Task　3－门', '__Check__：x'],
    );
    const { document, problems } = parsePlan(content);
    expect(document).toMatchObject({ goal: '做一个购物车', topic: '商店', after: ['plan-a', 'plan-b', 'plan-c'] });
    expect(document.budget).toEqual({ usd: 5 });
    expect(document.waves).toMatchObject([{ title: '基础', tasks: [{ title: '购物车' }, {}, { title: '门' }] }]);
    const [first, second] = document.waves[0]?.tasks ?? [];
    expect(first).toMatchObject({ files: ['cart.js', 'till.js'], check: 'false' });
    expect(second).toMatchObject({ number: 2, title: '收银台', after: [1] });
    expect(problems.map(({ line }) => line)).toEqual([15]);
  });

  test('treats headings, fields and fences in a comment as text, which stays where it is', () => {
    const comment = ['<!--', '## Wave 2', '### Task 1: later', '**Check:** false', '```sh', 'exit 1', '-->'];
    const content = lines('# P', ...comment, '## Wave 1', '### Task 1: a', ...comment, '**Check:** true');
    const { problems, document } = parsePlan(content);
    expect(problems).toEqual([]);
    expect(outline(content)).toEqual(['1: 1 a']);
    const body = document.waves[0]?.tasks[0]?.body ?? '';
    expect(document.waves[0]?.tasks[0]?.check).toBe('true');
    expect(body).toBe(lines(...comment, '**Check:** true'));
    expect(shellBlocks(body)).toEqual([]);
    expect(document.notes.map(({ text }) => text)).toEqual([lines(...comment)]);
  });

  test('reads on where a comment is over, and hides nothing behind one that never ends', () => {
    const task = '### Task 1: a';
    expect(outline(lines('<!-- one line -->', '## Wave 1', task))).toEqual(['1: 1 a']);
    expect(outline(lines('<!--', 'over --> here', '## Wave 1', task))).toEqual(['1: 1 a']);
    expect(outline(lines('<!-- for ever', '## Wave 1', task, '<!-- again', '## Wave 2', task))).toHaveLength(2);
    expect(outline(lines('```', '<!--', '```', '## Wave 1', task, '-->'))).toEqual(['1: 1 a']);
    expect(outline(lines('    <!-- code', '## Wave 1', task, '-->'))).toEqual(['1: 1 a']);
    expect(outline(lines('<pre>', '', '## Wave 1', '</pre>', '## Wave 1', task))).toEqual(['1: 1 a']);
    expect(outline(lines('<pre>one line</pre>', '## Wave 1', task, '<style>', '## Wave 2'))).toHaveLength(2);
  });

  test('has a remark with the line of each check outside of a task', () => {
    const check = '**Check:** npm test';
    const fenced = ['```', check, '```', '<!--', check, '-->'];
    const content = lines('# P', '', '', check, ...fenced, '## Wave 1', check, '### Task 1: a', check, '## End', check);
    const { problems, remarks } = parsePlan(content);
    expect(problems).toEqual([]);
    expect(remarks.map(({ line }) => line)).toEqual([4, 12, 16]);
  });

  test('treats headings and fields in fenced code as text', () => {
    const content = lines(
      '## Wave 1',
      '### Task 1: a',
      '````markdown',
      '## Wave 7',
      '### Task 1: x',
      '**Check:** false',
      '```',
      '````',
      '~~~',
      '```',
      '# Title',
      '~~~~',
      '**Check:** true',
    );
    const parsed = parsePlan(content);
    expect(parsed.problems).toEqual([]);
    expect(parsed.document.title).toBe(null);
    expect(parsed.document.waves[0]?.tasks).toMatchObject([{ number: 1, check: 'true' }]);
  });

  test('says with none that it waits for nothing', () => {
    const content = lines(
      '**After:** none',
      '**Topic:** -',
      '## Wave 1',
      '### Task 1: a',
      '**After:** None',
      '**Files:** –',
    );
    const { ok, document } = parsePlan(content);
    expect(ok).toBe(true);
    expect(document).toMatchObject({ after: [], topic: null });
    expect(document.waves[0]?.tasks[0]).toMatchObject({ after: [], files: [] });
  });
});

describe('the fields of a task', () => {
  test('take the first backticked path of each item of a list beneath Files, and those listed with it, without their line ranges', () => {
    const { task, problems } = firstTask(
      '**Files:**',
      '',
      '- Create: `src/new.ts`',
      '- Modify: `./src/old.ts:12-30` like `src/other.ts`',
      '  continued with `not/a/file.ts`',
      '  - nested `also/not.ts`',
      '* `src/one.ts:7` and `src/two.ts:8-9` as in `src/six.ts`',
      '- run `npm test` on [`src/three.ts`](a.md) + `src/four.ts`, `src/five.ts`',
      '3. src/plain.ts:1-2 and why',
      '- [ ] Test: src/label.ts',
      '- `src/new.ts`',
      '',
      '- [ ] Step 1: run `npm test`',
    );
    expect(problems).toEqual([]);
    expect(task?.files).toEqual([
      ...['src/new.ts', 'src/old.ts', 'src/one.ts', 'src/two.ts', 'src/three.ts', 'src/four.ts', 'src/five.ts'],
      ...['src/plain.ts', 'src/label.ts'],
    ]);
  });

  test.each([
    ['No source changes expected', []],
    ['none, see the notes', []],
    ['N/A', []],
    ['TBD', []],
    ['the parser and its tests', []],
    ['`a.ts`, `lib/b.ts` and `c/`', ['a.ts', 'lib/b.ts', 'c/']],
    ['`a.ts` calls `run()`, `npm test`, `--flag` and `https://x.example/a`', ['a.ts']],
    ['`Makefile`', ['Makefile']],
    ['`src/[id]/page.tsx#L3-L9`, `docs/My File.md`', ['src/[id]/page.tsx', 'docs/My File.md']],
    ['a.ts b.ts lib/', ['a.ts', 'b.ts', 'lib/']],
    ['src/a.ts and src/b.ts', ['src/a.ts', 'src/b.ts']],
    ['src/a.ts (no/such thing), ./b.ts.', ['src/a.ts', 'b.ts']],
    ['[src/a.ts](../src/a.ts), [`b.ts`](b.ts)', ['src/a.ts', 'b.ts']],
    ['Makefile', ['Makefile']],
    ['a, b', ['a', 'b']],
    ['no/such.ts', ['no/such.ts']],
    ['.env, ../x', ['.env', '../x']],
  ])('take from Files: %j the paths %j', (value, files) => {
    const inList = firstTask('**Files:**', `- ${value}`);
    const { task, problems } = firstTask(`**Files:** ${value}`);
    expect([task?.files, problems]).toEqual([files, []]);
    expect(inList.task?.files).toEqual(files);
  });

  test('say of prose in Files that it claims nothing', () => {
    const { remarks } = parsePlan(
      lines(
        '## Wave 1',
        '### Task 1: a',
        '**Files:** the Makefile, a.ts',
        '### Task 2: b',
        '**Files:** the parser',
        '### Task 3: c',
        '**Files:** No changes',
      ),
    );
    expect(remarks.map(({ line, message }) => `${line}: ${message}`)).toMatchInlineSnapshot(`
      [
        "5: \`the parser\` names no file; a path is written in backticks, contains a / or a ., or is the only word",
      ]
    `);
  });

  test.each([
    ['**Verify:** it works', 3],
    ['**Verification:** `npm test`', 3],
    ['- **Test:** npm test', 3],
    ['**Check** npm test', 3],
    ['Check： npm test', 3],
    ['**Note:** verify it', null],
    ['Check that it works', null],
    ['The **Test:** of it', null],
  ])('say of %j that nothing runs it, where the task has no check', (row, line) => {
    const remarksOf = (...body: string[]) => parsePlan(lines('## Wave 1', '### Task 1: a', ...body)).remarks;
    expect(remarksOf(row).map((remark) => remark.line)).toEqual(line === null ? [] : [line]);
    for (const { message } of remarksOf(row)) expect(message).toContain('**Check:** npm test');
    expect(remarksOf(row, '**Check:** make')).toEqual([]);
    expect(firstTask(row).problems).toEqual([]);
  });

  test('end a list of files at text, a heading, a fence or another field', () => {
    for (const stop of ['Text', '#### Steps', '```sh\ntrue\n```', '**After:** none']) {
      const { task } = firstTask('**Files:**', '- `a.ts`', stop, '- `b.ts`');
      expect(task?.files).toEqual(['a.ts']);
    }
  });

  test('may be list items themselves', () => {
    const { task, problems } = firstTask('- **Files:**', '  - `a.ts`', '- **Check:** `npm test`', '- other `b.ts`');
    expect(problems).toEqual([]);
    expect(task).toMatchObject({ files: ['a.ts'], check: 'npm test' });
  });

  test('may have their colon behind the bold text', () => {
    const { task } = firstTask('**Check**: npm test', '**Files**: a.ts, b.ts (new)');
    expect(task).toMatchObject({ check: 'npm test', files: ['a.ts', 'b.ts'] });
  });

  test('give the command of a check without the backticks around it, which a shell would run', () => {
    expect(firstTask('**Check:** `npm test`').task?.check).toBe('npm test');
    expect(firstTask('**Check:** `` echo `date` ``').task?.check).toBe('echo `date`');
    expect(firstTask('**Check:** test "$(date)" && true').task?.check).toBe('test "$(date)" && true');
  });

  test('say what is wrong with a check', () => {
    const { problems } = firstTask('**Check:**', '**Check:** `npm test` passes', '**Check:** a', '**Check:** b');
    expect(problems).toMatchInlineSnapshot(`
      [
        {
          "line": 3,
          "message": "the check has no command; write it on the same line, as in **Check:** npm test",
        },
        {
          "line": 4,
          "message": "the check \`\`npm test\` passes\` is partly in backticks; put the whole command into one pair, or into none",
        },
        {
          "line": 6,
          "message": "the task has a second check; join the commands with && in one **Check:**",
        },
      ]
    `);
    expect(firstTask(`**Check:** ${'x'.repeat(8001)}`).problems).toHaveLength(1);
  });

  test.each([
    ['npm test && echo PASS || echo "FAIL"', '|| echo'],
    ['npm test || true', '|| true'],
    ['npm run compile 2>&1 | tail -5', '| tail -5'],
    ['npm test || exit 1', null],
    ['test "$(npm ls | wc -l)" -gt 3', null],
    ['npm ls | tee log && test -s log', null],
    ['grep -q "a | cat" x', null],
  ])('say of the check %s that it cannot fail, where that is so', (command, last) => {
    const { remarks } = parsePlan(lines('## Wave 1', '### Task 1: a', `**Check:** ${command}`));
    expect(remarks.map(({ line, message }) => [line, message.includes('cannot fail')])).toEqual(
      last === null ? [] : [[3, true]],
    );
    if (last !== null) expect(remarks[0]?.message).toContain(last);
  });

  test('take task numbers in several spellings and report the invalid ones', () => {
    const content = lines(
      '## Wave 1',
      '### Task 1: a',
      '### Task 2: b',
      '### Task 3: c',
      '**After:** Task 1 and #2, 1',
      '### Task 4: d',
      '**After:** the schema, 2.2, 1.3, 1',
      '## Wave 2',
      '### Task 2.1: e',
      '### Task 2.2: f',
      '**After:** Task 2.1, 1.4 and 1',
    );
    const parsed = parsePlan(content);
    const waits = parsed.document.waves.map(({ tasks }) => tasks.map((task) => task.after));
    expect(waits).toEqual([
      [[], [], [1, 2], [3, 1]],
      [[], [1]],
    ]);
    expect(outline(content)).toEqual(['1: 1 a, 2 b, 3 c, 4 d', '2: 1 e, 2 f']);
    expectProblems(content, [7, 7]);
  });
});

describe('a plan that is broken', () => {
  test.each(['', ' \n\t\n', '\uFEFF', '\uFEFF\r\n'])('is empty: %j', (content) => {
    expect(parsePlan(content).problems).toEqual([{ line: 1, message: 'empty plan content' }]);
  });

  test('has no waves', () => {
    expect(parsePlan(lines('# Title', '### Task 1: a', '## Waves')).problems).toEqual([
      { line: 1, message: 'no wave headers found in plan; add ## Wave N sections before implementing' },
    ]);
  });

  test('has all its waves inside one fence', () => {
    expectProblems(lines('# Title', '', '```markdown', '## Wave 1', '### Task 1: a', '```'), [3]);
  });

  test('has all its waves inside one comment', () => {
    expectProblems(lines('# Title', '', '<!--', '## Wave 1', '### Task 1: a', '-->'), [4]);
  });

  test('has all its waves behind a fence that is never closed', () => {
    expectProblems(lines('# Title', '~~~~', 'text', '~~~', '## Wave 1', '### Task 1: a'), [2]);
  });

  test('loses later waves to a fence that is never closed, or only by the next one', () => {
    const start = ['## Wave 1', '### Task 1: a', '```sh', 'make'];
    expectProblems(lines(...start, '## Wave 2', '### Task 1: b'), [3]);
    expectProblems(lines(...start, '## Wave 2', '### Task 1: b', '```sh', 'make', '```'), [3]);
  });

  test('has a fence that is never closed, which makes text of all that follows', () => {
    expectProblems(lines('## Wave 1', '### Task 1: a', '~~~~sh', 'make', '~~~', 'Then more.'), [3]);
    expect(problemsOf(lines('```', 'code', '```', '## Wave 1', '### Task 1: a', '```sh', 'make', '```'))).toEqual([]);
  });

  test.each([
    ['**Chekc:** npm test', 'Check'],
    ['**check**: x', null],
    ['**Cheks**: x', 'Check'],
    ['**Checks:** x', 'Check'],
    ['- **Fiels:** a.ts', 'Files'],
    ['**Filess:**', 'Files'],
    ['**Aftr:** 1', 'After'],
    ['**Check :** x', 'Check'],
    ['**File:** a.ts', null],
    ['**Note:** x', null],
    ['**Fixes:** #12', null],
    ['**Step 1:** x', null],
    ['**Goal:** x', null],
    ['**constructor:** x', null],
    ['__Check:__ npm test', 'Check'],
    ['__Note:__ x', null],
    ['**Depends on:** 1', 'After'],
    ['- **Dependencies:** 1', 'After'],
    ['text **Chekc:** x', null],
    ['Chekc: x', null],
  ])('has the label of %j in a task, where %j was meant', (line, meant) => {
    const problems = problemsOf(lines('## Wave 1', '### Task 1: a', 'text', line));
    expect(problems).toHaveLength(meant === null ? 0 : 1);
    if (meant !== null) expect(problems[0]).toMatch(new RegExp(`^4: .*did you mean \\*\\*${meant}:\\*\\*\\?`));
  });

  test.each([
    ['**Gaol:** x', 'Goal'],
    ['**Topics:** x', 'Topic'],
    ['**Aftre:** x', 'After'],
    ['**Architectur:** x', 'Architecture'],
    ['**Tech-Stak:** x', 'Tech Stack'],
    ['**Goals:** x', null],
    ['**Size:** x', null],
    ['__Budget:__ 5 USD', 'Budget'],
    ['**Budegt:** 5 USD', 'Budget'],
    ['**Depends on:** plan-a', 'After'],
    ['**Check:** x', null],
  ])('has the header label of %j, where %j was meant', (line, meant) => {
    const problems = problemsOf(lines('# T', line, '## Wave 1', '### Task 1: a'));
    expect(problems).toHaveLength(meant === null ? 0 : 1);
    if (meant !== null) expect(problems[0]).toMatch(new RegExp(`^2: .*did you mean \\*\\*${meant}:\\*\\*\\?`));
  });

  test.each([
    ['5 USD', { usd: 5 }],
    ['$2.50', { usd: 2.5 }],
    ['1,500 USD, 2M tokens and 90 minutes', { usd: 1500, tokens: 2_000_000, agent_minutes: 90 }],
    ['200k tokens', { tokens: 200_000 }],
  ])('is a budget of %j', (value, budget) => {
    expect(parsePlan(lines(`**Budget:** ${value}`, '## Wave 1', '### Task 1: a'))).toMatchObject({
      ok: true,
      document: { budget },
    });
  });

  test.each(['5', 'five dollars', '5 EUR', '-1 USD', '0 USD', '5 USD, 6 USD'])('is no budget: %j', (value) => {
    const document = lines(`**Budget:** ${value}`, '## Wave 1', '### Task 1: a');
    expect(problemsOf(document)).toEqual([expect.stringMatching(/^1: .*is no budget/)]);
  });

  test.each([
    ['gpu', 'gpu'],
    ['`build-1.lan`', 'build-1.lan'],
    ['none', null],
  ])('is for a host in %j', (value, host) => {
    const document = lines(`**Host:** ${value}`, '## Wave 1', '### Task 1: a');
    expect(parsePlan(document)).toMatchObject({ ok: true, document: { host } });
  });

  test.each(['gpu, cpu', 'a host', '-x', '../x', 'x'.repeat(64)])('is for no host: %j', (value) => {
    const document = lines(`**Host:** ${value}`, '## Wave 1', '### Task 1: a');
    expect(problemsOf(document)).toEqual([expect.stringMatching(/^1: .*is no host; write .*\*\*Host:\*\* gpu$/)]);
  });

  test('takes a cost and a post for text, and hosts for a host', () => {
    expect(problemsOf(lines('**Cost:** much', '**Post:** it', '## Wave 1', '### Task 1: a'))).toEqual([]);
    expect(problemsOf(lines('**Hosts:** gpu', '## Wave 1', '### Task 1: a'))).toEqual([
      expect.stringContaining('did you mean **Host:**?'),
    ]);
  });

  test('tells everything at once, in the order of its lines', () => {
    const content = lines(
      '### Task 9: too early',
      '## Wave 2',
      '### Task 1: a',
      '**After:** 3',
      '### Task 1: again',
      '### Task 2',
      '### Task 3:',
      '**After:** 4, 1',
      '### Task 4: d',
      '**After:** 3, 7, 4',
      '## Wave 2',
      '## Wave 4',
      '### Task 0: zero',
      '### Task 10000: many',
      '## Wave 123456789012345678901234567890',
      '### Task 1: a',
    );
    expectProblems(content, [1, 2, 5, 6, 7, 8, 10, 10, 10, 11, 11, 12, 13, 14, 15]);
  });

  test.each([
    '### Task 3',
    '### Task 3:',
    '### Task 3 — ##',
    '### Task 3 the rest',
    '### Task 3. the rest',
    '### Task 2.2: the rest',
    '### 4. Task 3: the rest',
    '### ~~Task 3~~: the rest',
    '### [Task 3](#three): the rest',
    '### (Task 3) the rest',
    '### [-] Task 3: the rest',
    '### <a id="t"></a>Task 3: the rest',
    '### Task-3: the rest',
    '### TASK 3: the rest',
    '### task 3: the rest',
    '###Task 3: the rest',
    ' ### Task #3: the rest',
    '## Task 3: the rest',
  ])('has %j where a task was meant', (heading) => {
    const { problems } = parsePlan(lines('## Wave 1', '### Task 1: a', heading));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({
      line: 3,
      message: expect.stringMatching(/write `### Task \d+: (the rest|title)`$/),
    });
  });

  test.each([
    '##Wave 2',
    '## wave 2',
    '## Wave2',
    ' ## Wave 2',
    '## Wave 2.1',
    '## 2. Wave 2',
    '## [Wave 2](#x)',
    'Wave 2\n------',
  ])('has %j where a wave was meant', (heading) => {
    const { problems } = parsePlan(lines('## Wave 1', '### Task 1: a', heading, '### Task 2: b'));
    expect(problems).toMatchObject([{ line: 3 }]);
  });

  test.each([
    ['### Step 5: Stock', '### Task 5: Stock'],
    ['### T006: Alarm', '### Task 6: Alarm'],
    ['### 7. Door', '### Task 7: Door'],
    ['### 7) Door', '### Task 7: Door'],
    ['### #7 — Door', '### Task 7: Door'],
    ['### 1.2 – Door', '### Task 1: Door'],
    ['### **Step 5**: Stock', '### Task 5: Stock'],
    ['### Schritt 5: Lager', '### Task 5: Lager'],
    ['### 任务 5：库存', '### Task 5: 库存'],
    ['### 第5步：库存', '### Task 5: 库存'],
    ['### Backend Task 4: Labels', '### Task 4: Labels'],
    ['### Task: Labels', '### Task N: Labels'],
    ['### Task A: Labels', '### Task N: Labels'],
    ['### Task 1a: Labels', '### Task N: Labels'],
    ['### Task (2): Labels', '### Task N: Labels'],
    ['### ✅ Labels', '### Task N: Labels'],
    ['### [ ] Labels', '### Task N: Labels'],
    ['**Task 2: Till**', '### Task 2: Till'],
    ['**Task 2:** Till', '### Task 2: Till'],
  ])('gets a remark that %j is text where %j may have been meant', (row, meant) => {
    const { ok, remarks } = parsePlan(lines('## Wave 1', '### Task 1: Cart', 'text', row, 'text'));
    expect([ok, remarks.map(({ line }) => line)]).toEqual([true, [4]]);
    expect(remarks[0]?.message).toContain(`write \`${meant}\``);
    const above = parsePlan(lines('## Wave 1', row, '', '### Task 1: Cart'));
    expect([above.ok, above.remarks.map(({ line }) => line)]).toEqual([true, [2]]);
  });

  test('gets a problem for each heading that may have been a task if a wave has none', () => {
    expectProblems(lines('## Wave 1', '### 1. Cart', 'text', '### T002: Till'), [1, 2, 4]);
  });

  test.each([
    '#### Step 5: Stock',
    '### Background',
    '### Notes on Task 4',
    '### Node 20',
    '### How it works: a tour',
    '### What is done ✅ and what is not',
    '**Task 2** is late',
    '**Task 2 is late**',
    '**Note:** x',
    'Task 2: x\n\n---',
    'text\nTask 2: x\n---',
  ])('takes %j in a task as its text, without a remark', (row) => {
    expect(parsePlan(lines('## Wave 1', '### Task 1: Cart', 'text', '', row))).toMatchObject({
      problems: [],
      remarks: [],
    });
  });

  test('has a task whose heading is underlined, which is text of the task before', () => {
    const rows = ['## Wave 1', '### Task 1: Cart', 'text', '', 'Task 2: Till', '------------', 'text'];
    expect(problemsOf(lines(...rows))).toEqual([expect.stringMatching(/^5: .*write `### Task 2: Till`$/)]);
  });

  test('has marks that contradict each other, and titles whose text says that they are done', () => {
    const rows = ['## Wave 1', '### [ ] Task 1: Cart ✅', '### Task 2: Till (done)', '### Task 3: ~~Door~~'];
    const { document, remarks } = parsePlan(lines(...rows));
    expect(document.waves[0]?.tasks.map(({ isDone }) => isDone)).toEqual([false, false, false]);
    expect(remarks.map(({ line }) => line)).toEqual([2, 3, 4]);
    expectProse(remarks.map(({ message }) => message).join('\n'));
  });

  test('may mark a whole wave as done, but for the tasks that are marked as open', () => {
    const { document, problems } = parsePlan(
      lines(
        '## ✅ Wave 1: Ground',
        '### Task 1: a',
        '### [ ] Task 2: b',
        '## Wave 2',
        '### Task 1: c',
        '## Wave 3 [x]',
        '### Task 1: d',
      ),
    );
    expect(problems).toEqual([]);
    expect(document.waves.map(({ title }) => title)).toEqual(['Ground', '', '']);
    expect(document.waves.map(({ tasks }) => tasks.map(({ isDone }) => isDone))).toEqual([
      [true, false],
      [false],
      [true],
    ]);
  });

  test('may have a picture before its number, which goes into the title', () => {
    expect(outline(lines('## 🌊 Wave 1', '### 🚀 Task 1: Cart', '### ❌ Task 2: Till'))).toEqual([
      '1: 1 🚀 Cart, 2 ❌ Till',
    ]);
  });

  test('gets problems for headings at a wrong depth only if something is missing', () => {
    expect(problemsOf(lines('# Wave 1', '#### Wave 1 recap', 'text', '## Wave 1', '### Task 1: a'))).toEqual([]);
    expectProblems(lines('# Wave 1', '### Task 1: a', '# Wave 2: more'), [1, 1, 3]);
    expectProblems(lines('## Wave 1', '##### Task 1: a'), [1, 2]);
  });

  test('has waves that do not count up', () => {
    const waves = (...numbers: number[]) =>
      lines(...numbers.flatMap((number) => [`## Wave ${number}`, '### Task 1: a']));
    expect(problemsOf(waves(1, 2, 3))).toEqual([]);
    expectProblems(waves(0), [1]);
    expectProblems(waves(1, 3, 4), [3]);
    expect(problemsOf(waves(2, 1))).toHaveLength(2);
  });

  test('names the circle in which its tasks wait', () => {
    const content = lines(
      '## Wave 1',
      '### Task 1: a',
      '**After:** 2',
      '### Task 2: b',
      '**After:** 3',
      '### Task 3: c',
      '**After:** 1, 4',
      '### Task 4: d',
    );
    expectProblems(content, [7]);
  });

  test('has two circles, a long one among them', () => {
    const chain = Array.from({ length: 5000 }, (_, at) => [
      `### Task ${at + 1}: a`,
      `**After:** ${((at + 1) % 5000) + 1}`,
    ]);
    const content = lines('## Wave 1', '### Task 1: a', '**After:** 1', '## Wave 2', ...chain.flat());
    expectProblems(content, [3, 10004]);
  });

  test('names no plan in After, and has a topic and a title that are too long', () => {
    const content = lines(
      '**After:** a, ???',
      `**Topic:** ${'t'.repeat(201)}`,
      '## Wave 1',
      `### Task 1: ${'x'.repeat(501)}`,
    );
    expectProblems(content, [1, 2, 4]);
  });

  test('with thousands of problems shows the first thousand and counts the rest', () => {
    const { problems } = parsePlan(lines('## Wave 1', ...Array.from({ length: 3000 }, () => '### Task 1')));
    expect(problems).toHaveLength(1001);
    expect(problems.at(-1)).toEqual({
      line: 1002,
      message: '2000 more problems from here on; correct those above first',
    });
  });
});

describe('the file of a plan', () => {
  test('is read as UTF-8, without its byte order mark', () => {
    expect(decodePlan(new TextEncoder().encode('\uFEFF# Größe 🙂\n'))).toEqual({ content: '# Größe 🙂\n' });
  });

  test('may have up to 1 MiB', () => {
    expect(decodePlan(new Uint8Array(planDocumentLimitBytes).fill(65))).toMatchObject({ content: expect.any(String) });
    expect(problemOf(new Uint8Array(planDocumentLimitBytes + 1).fill(65))).toMatchInlineSnapshot(`
      {
        "line": 1,
        "message": "the plan has 1048577 bytes, over the limit of 1048576 (1 MiB); split it into plans that name each other in **After:**",
      }
    `);
    expect(parsePlan('é'.repeat(planDocumentLimitBytes / 2 + 1)).problems).toHaveLength(1);
  });

  test('that is not UTF-8 is refused with the line of its first bad byte', () => {
    const bytes = Buffer.concat([Buffer.from('# Gr\n\r\nü\rx\n'), Buffer.from('Gr\xf6\xdfe\n', 'latin1')]);
    expect(problemOf(bytes)).toMatchInlineSnapshot(`
      {
        "line": 5,
        "message": "the plan is not UTF-8 (byte 0xf6); save it as UTF-8",
      }
    `);
    expect(problemOf(Buffer.from([10, 0xe2, 0x82]))).toMatchObject({ line: 2 });
    expect(problemOf(Buffer.from([10, 0xe2, 0x82, 10, 10]))).toMatchObject({ line: 2 });
    expect(problemOf(Buffer.from('\uFEFF# Title', 'utf16le'))).toMatchInlineSnapshot(`
      {
        "line": 1,
        "message": "the plan is not UTF-8 but UTF-16; save it as UTF-8",
      }
    `);
  });

  test('that holds NUL bytes is binary', () => {
    expect(problemOf(Buffer.from('a\nb\0c'))).toMatchInlineSnapshot(`
      {
        "line": 2,
        "message": "the plan holds NUL bytes, so it is a binary file; give a markdown file in UTF-8",
      }
    `);
    expect(parsePlan('a\nb\0c').problems).toEqual([problemOf(Buffer.from('a\nb\0c'))]);
  });

  test('cannot hold half of a character, and neither can a plan from elsewhere', () => {
    expect(parsePlan('# Title\n\ud83d').problems).toMatchObject([{ line: 2 }]);
  });

  test('is refused at the same line that a search for the first bad line finds', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (parts) => {
        const clean = parts.map((part) => Buffer.from(part.filter((byte) => byte !== 0 && byte !== 10 && byte !== 13)));
        fc.pre(clean[0] === undefined || (clean[0][0] !== 0xff && clean[0][0] !== 0xfe));
        const bad = clean.findIndex((part) => !Buffer.from(part.toString('utf8')).equals(part));
        const problem = problemOf(Buffer.concat(clean.flatMap((part) => [part, Buffer.from('\n')])));
        expect(problem?.line ?? 0).toBe(bad + 1);
      }),
    );
  });
});

describe('the sh blocks of a task', () => {
  test('come in order, of every fence whose language is exactly sh', () => {
    const body = lines(
      '```sh',
      'echo 1',
      '```',
      '```bash',
      'no',
      '```',
      '  ~~~~ sh title="two"',
      '    echo 2',
      ' echo `date`',
      '```sh',
      '~~~',
      '  ~~~~~  ',
      '```shell',
      '```',
      '    ```sh',
      '``` sh',
      '',
      '```',
      '```sh `x`',
      '```sh',
      'echo 3',
      '``` not closed by this',
      '    ```',
    );
    expect(shellBlocks(body)).toEqual([
      'echo 1',
      '  echo 2\necho `date`\n```sh\n~~~',
      'echo 3\n``` not closed by this\n    ```',
    ]);
  });

  test('have no carriage returns, which a shell would take for part of a word', () => {
    expect(shellBlocks('```sh\r\ntrue\r\nfalse\r\n```\r\n')).toEqual(['true\nfalse']);
  });
});

describe('any document', () => {
  const fragment = fc.constantFrom(
    ...[
      '# ',
      '## ',
      '### ',
      '#### ',
      '##',
      'Wave ',
      'Task ',
      'wave',
      '1',
      '2',
      '3',
      '0',
      '99999',
      ': ',
      ' — ',
      '-',
      'x',
      '#',
    ],
    ...[
      '\n',
      '\n',
      '\n',
      '\r\n',
      '\r',
      '\t',
      ' ',
      '    ',
      '```',
      '```sh',
      '~~~~',
      '`',
      '`a.ts:1-2`',
      '<!--',
      '-->',
      ',',
      '\u2028',
      '\ud800',
      '\0',
    ],
    ...[
      '**Check:** ',
      '**Files:** ',
      '**Files:**\n',
      '- ',
      '**After:** ',
      '**Goal:** ',
      '**Topic:** ',
      '\n## Wave 1\n',
      '\n### Task 1: a\n',
    ],
  );
  const soup = fc.array(fragment, { maxLength: 120 }).map((parts) => parts.join(''));

  test('gives a plan or problems, each with a line of the document', () => {
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary' }), fc.string()), (content) => {
        const { ok, document, problems } = parsePlan(content);
        const lastLine = content.replace(/(\r\n|\n|\r)$/, '').split(/\r\n|\n|\r/).length;
        expect(ok).toBe(problems.length === 0);
        for (const { line, message } of problems) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lastLine);
          expect(message).not.toMatch(/\n|undefined|NaN/);
        }
        expect(problems.map(({ line }) => line)).toEqual(problems.map(({ line }) => line).toSorted((a, b) => a - b));
        expect(JSON.parse(JSON.stringify(document))).toEqual(document);
        if (ok) expect(document.waves.map(({ number }) => number)).toEqual(document.waves.map((_, at) => at + 1));
      }),
      { numRuns: runsOf(2000) },
    );
  });

  test('that was written by the grammar gives back its waves and tasks', () => {
    const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.*`]{0,8}$/);
    const title = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));
    const filler = fc.constantFrom(
      'Some text.',
      '',
      '```sh\n## Wave 9\n**Check:** no\n```',
      '~~~\n### Task 9: no\n```\n~~~',
      '##### Deep',
      '- a list',
    );
    const task = fc.record({
      title,
      level: fc.constantFrom(3, 4),
      separator: fc.constantFrom(': ', ' — ', ' – ', ' - ', ':\t'),
      closing: fc.constantFrom('', ' #', ' ###'),
      before: fc.array(filler, { maxLength: 3 }),
      check: fc.option(fc.constantFrom('npm test', 'make && ./run "a b"')),
      files: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}\/[a-z]{1,6}\.ts$/), { maxLength: 3 }),
      isList: fc.boolean(),
      waits: fc.boolean(),
    });
    const plan = fc.record({
      waves: fc.array(
        fc.record({ level: fc.constantFrom(2, 3), title, tasks: fc.array(task, { minLength: 1, maxLength: 4 }) }),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
      lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
    });
    fc.assert(
      fc.property(plan, ({ waves, lineEnd }) => {
        const rows: string[] = ['# Title', '**Goal:** goal'];
        const expected = waves.map((wave, at) => {
          rows.push(`${'#'.repeat(wave.level)} Wave ${at + 1}: ${wave.title}`);
          const line = rows.length;
          const tasks = wave.tasks.map((given, index) => {
            const after = given.waits && index > 0 ? [index] : [];
            rows.push(`${'#'.repeat(given.level)} Task ${index + 1}${given.separator}${given.title}${given.closing}`);
            const start = rows.length;
            rows.push(...given.before.flatMap((text) => text.split('\n')));
            if (given.files.length > 0 && given.isList)
              rows.push('**Files:**', ...given.files.map((path) => `- Modify: \`${path}:1-9\``), '');
            if (given.files.length > 0 && !given.isList) rows.push(`**Files:** ${given.files.join(', ')}`);
            if (given.check !== null) rows.push(`**Check:** ${given.check}`);
            if (after.length > 0) rows.push(`**After:** ${after.join(', ')}`);
            const body = rows.slice(start).map((row) => row + lineEnd);
            const { title: name, check, files } = given;
            return { number: index + 1, title: name, line: start, body: body.join(''), check, files, after };
          });
          return { number: at + 1, line, title: wave.title, tasks };
        });
        const parsed = parsePlan(rows.map((row) => row + lineEnd).join(''));
        expect(parsed.problems).toEqual([]);
        expect(parsed.document).toMatchObject({ title: 'Title', goal: 'goal', waves: expected });
      }),
    );
  });

  test('that is a plan loses no line: each is in a task, a note or a title', () => {
    const row = fc.constantFrom(
      ...['# Plan', '# Another', '## Notes', '### Steps', '#### Deep', '##### Deeper', '', '---', '- item', '> quoted'],
      ...['prose', 'more prose', '**Goal:** aim', '**Goal:**', '**Tech Stack:** tools', '**Architecture:**'],
      ...['**Topic:** topic', '**After:** other', '**Note:** x', '**Files:**', '- `a.ts`', '| a | b |', '<!-- x -->'],
      ...['```sh\n## Wave 9\necho hidden\n```', '~~~\n# no title\n~~~', 'Setext\n==='],
      ...['<!--\n## Wave 8\n**Goal:** hidden\n-->', '<!-- open'],
    );
    const part = fc.oneof({ weight: 4, arbitrary: row }, { weight: 1, arbitrary: fc.constantFrom('task', 'wave') });
    const made = fc.tuple(fc.array(row, { maxLength: 8 }), fc.array(part, { maxLength: 30 }), fc.constantFrom(2, 3));
    fc.assert(
      fc.property(made, fc.constantFrom('\n', '\r\n'), ([before, parts, level], lineEnd) => {
        let [waves, tasks] = [1, 1];
        const wave = () => {
          tasks = 1;
          return `${'#'.repeat(level)} Wave ${waves++}: wave\n${'#'.repeat(level + 1)} Task ${tasks++}: first`;
        };
        const task = () => `${'#'.repeat(level + 1)} Task ${tasks++}: next`;
        const body = parts.map((text) => (text === 'wave' ? wave() : text === 'task' ? task() : text));
        const rows = [...before, wave(), ...body].flatMap((text) => text.split('\n'));
        // Each line has its number as a mark, so that no line can be mistaken for another.
        const marked = rows.map((text, at) =>
          /[a-z]$/.test(text) && !/^\*\*(After|Topic)/.test(text) ? `${text} §${at}§` : text,
        );
        const { document, problems } = parsePlan(marked.join(lineEnd));
        fc.pre(problems.length === 0);
        const bodies = document.waves.flatMap(({ title, tasks }) => [
          title,
          ...tasks.flatMap((one) => [one.title, one.body]),
        ]);
        const kept = [...bodies, ...document.notes.map(({ text }) => text), document.title ?? ''].join('\n');
        for (const text of marked) {
          const own = /§\d+§$/.exec(text)?.[0];
          if (own !== undefined) expect(kept.split(own)).toHaveLength(2);
          else if (text.trim() !== '') expect(kept).toContain(text.trim());
        }
      }),
      { numRuns: runsOf(1000) },
    );
  });

  test('is cut into lines that touch every character once', () => {
    fc.assert(
      fc.property(fc.oneof(soup, fc.string()), (content) => {
        const cut = [...markdownLines(content)];
        expect(cut.map(({ start, end }) => content.slice(start, end)).join('')).toBe(content);
        expect(cut.map(({ number }) => number)).toEqual(cut.map((_, at) => at + 1));
      }),
    );
  });
});

describe('a heading with a misspelled keyword', () => {
  test.each([
    ['### Taks 1: a', '### Task 1: a'],
    ['### Tsak 1: a', '### Task 1: a'],
    ['#### Tasks 1: a', '### Task 1: a'],
    ['## Wve 2', '## Wave 2'],
    ['## Waev 2: later', '## Wave 2: later'],
  ])('%s is no note', (written, meant) => {
    const problems = problemsOf(lines('# P', '## Wave 1', '### Task 7: b', 'do', written, 'do'));
    expect(problems).toContainEqual(expect.stringMatching(/^5: .* is not read as a (task|wave); write /));
    expect(problems.join('\n')).toContain(`write \`${meant}\``);
  });

  test.each(['### Save 3: copies', '## Phase 2', '### Case 1: a', '### Test 4', '## Page 2', '#### Step 1: a'])(
    '%s is one',
    (written) => {
      expect(problemsOf(lines('# P', '## Wave 1', '### Task 1: b', 'do', written, 'do'))).toEqual([]);
    },
  );
});

describe('the repo of a plan', () => {
  const reposOf = (head: string, ...bodies: string[]) => {
    const parsed = parsePlan(
      lines(head, '', '## Wave 1', ...bodies.map((body, at) => `### Task ${at + 1}: t\n${body}`)),
    );
    return { ...parsed, repos: parsed.document.waves.flatMap(({ tasks }) => tasks.map(({ repo }) => repo)) };
  };

  test.each(['api', '`api`', '\napi'])('in its head, as %j, is that of each task that names none', (value) => {
    const found = reposOf(`**Repo:** ${value}`, '**Files:** a.ts', '**Repo:** web', '**Repo:** none');
    expect(found).toMatchObject({ ok: true, remarks: [], repos: ['api', 'web', null] });
    expect(found.document.repo?.name).toBe('api');
    expect(found.document.waves[0]?.tasks[0]?.files).toEqual(['api/a.ts']);
  });

  test.each(['https://forge.example/acme/shop', 'acme/shop', 'the shop'])(
    'that is called %s is text, and says so',
    (value) => {
      const found = reposOf(`**Repo:** ${value}`, 'Text');
      expect(found).toMatchObject({ ok: true, repos: [null], document: { repo: null } });
      expect(found.remarks).toMatchObject([
        { line: 1, message: expect.stringMatching(/is no name of a repo, and is text/) },
      ]);
    },
  );

  test.each(['**Repo:** none', '**Repos:** api, web', '**Repository:** api', '__Note:__ api'])(
    'is not said by %s',
    (head) => {
      expect(reposOf(head, 'Text')).toMatchObject({ ok: true, remarks: [], repos: [null] });
    },
  );

  test('below the first section is text, and says so', () => {
    const found = reposOf('## Context\n**Repo:** api', 'Text');
    expect(found).toMatchObject({ ok: true, repos: [null] });
    expect(found.remarks).toMatchObject([{ line: 2, message: expect.stringMatching(/is below the first section/) }]);
  });
});

describe('the order in which a plan lands in several repos', () => {
  const landing = (value: string) => parsePlan(`**Land:** ${value}\n\n## Wave 1\n\n### Task 1: t\n`);
  test.each([
    ['web, api', ['web', 'api']],
    ['`web`，api، ops', ['web', 'api', 'ops']],
  ])('%j', (value, folders) => {
    expect(landing(value)).toMatchObject({ ok: true, document: { land: { folders, line: 1 } } });
  });

  test.each([
    ['api, web, api', /^`api` is there twice; write each repo of the plan once/],
    ['api then web', /^`api then web` is no name of a repo; write each repo/],
  ])('%j is a problem with its line', (value, message) => {
    expect(landing(value).problems).toEqual([{ line: 1, message: expect.stringMatching(message) }]);
  });

  test.each(['', ',', '` `', 'none'])('%j names none, so the order is that of the configuration', (value) => {
    expect(landing(value)).toMatchObject({ ok: true, document: { land: null } });
  });

  test('a second one is text, and says so', () => {
    const { document, remarks } = landing('web\n**Land:** api');
    expect(document.land?.folders).toEqual(['web']);
    expect(remarks).toMatchObject([{ line: 2, message: expect.stringMatching(/^this \*\*Land:\*\* is text/) }]);
  });

  test.each(['Plan', 'Lang', 'Lane', 'Brand'])('a label %s is text', (name) => {
    expect(parsePlan(`**${name}:** x\n\n## Wave 1\n\n### Task 1: t\n`)).toMatchObject({
      ok: true,
      document: { land: null },
    });
  });
});
