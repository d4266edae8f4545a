/** Large documents, of stator's own form and of every family: each is read, in linear time. */
import { expect, test } from 'vitest';
import { parsePlan } from '../../../machines/document/plan-document.ts';
import { readPlan } from '../../../machines/document/read-plan.ts';
import { planDocumentLimitBytes } from '../../../machines/vocabulary/plan-file.ts';

test('any document of 5,000 lines, or of 1 MiB made to be slow, is read', () => {
  const wave = '## Wave 1\n### Task 1: a\n';
  const task = [
    ...['a', '#', ' ', '`', '*', '1', '- ', '\t', '**Files:**', '~', '[ ] '],
    ...['# Wave 1\n', '### Task 1:\n', '```sh\n', '\n'],
  ];
  const hostile = [
    ...task.flatMap((unit) => [
      ['', unit],
      [wave, unit],
    ]),
    ...['`', ',', ' ', '`,', ':1', './', '**'].map((unit) => [`${wave}**Files:** `, unit]),
    ...[' ', '- ', '`', ' - `x`\n'].map((unit) => [`${wave}**Files:**\n- `, unit]),
    ...['1', '1,', ' and', '#', 'task ', '0'].map((unit) => [`${wave}**After:** `, unit]),
    ...['`', ' ', 'x `'].map((unit) => [`${wave}**Check:** `, unit]),
    ...[',', 'a,', '.', '.md', '-', '.lock'].map((unit) => ['**After:** ', unit]),
    ...['1', ' #', '# ', ': ', '-', '.1'].map((unit) => ['## Wave 1', unit]),
    ...['```', '`` ', '~'].map((unit) => [`${wave}\`\`\`sh\n## Wave 2\n`, unit]),
    ...['<!--\n', '<!--\n-->\n', '-->\n', '<!--'].map((unit) => [wave, unit]),
  ];
  for (const [start = '', unit = ''] of hostile) {
    const content = `${start}${unit.repeat(Math.floor((planDocumentLimitBytes - start.length) / unit.length))}`;
    expect(parsePlan(content).problems.length).toBeLessThanOrEqual(1001);
  }
  const many = (count: number, row: (at: number) => string) =>
    Array.from({ length: count }, (_, at) => row(at)).join('');
  const files = parsePlan(`${wave}**Files:** ${many(100_000, (at) => `${at}.ts, `)}`);
  expect(files.document.waves[0]?.tasks[0]?.files).toHaveLength(100_000);
  const chain = parsePlan(
    `## Wave 1\n${many(9999, (at) => `### Task ${at + 1}: a\n**After:** ${at === 9998 ? 'none' : at + 2}\n`)}`,
  );
  expect(chain.problems).toEqual([]);
  const lined = parsePlan(`${wave}${many(4998, (at) => `line ${at}\n`)}`);
  expect(lined.document.waves[0]?.tasks[0]?.body.split('\n')).toHaveLength(4999);
});

/** 1 MiB of such lines, or the most lines of a plan. */
function large(line: (at: number) => string): string {
  const rows: string[] = [];
  let size = 0;
  for (let at = 1; size < 1_000_000 && rows.length < 24_000; at += 1) {
    const row = line(at);
    rows.push(row);
    size += row.length + 1;
  }
  return `${rows.join('\n')}\n`;
}

const words = 'and so many words that the line is as long as it is in plans of that family';

test.each<[string, string, string?]>([
  [
    'spec-kit',
    large((at) =>
      at % 50 === 1 ? `## Phase ${at}` : `- [ ] T${at} [P] Do it in src/a${at}.ts (depends on T${at - 1}) ${words}`,
    ),
  ],
  ['steps', large((at) => (at % 6 === 1 ? `### Task ${at}: do it` : `- [ ] **Step:** depends on Task ${at} ${words}`))],
  [
    'groups',
    large((at) => (at % 4 === 1 ? `- [ ] ${at}. Do it` : `  - [ ] ${at}.${at % 4} Do it ${words}`)),
    '.kiro/specs/a/tasks.md',
  ],
  [
    'groups side by side',
    large((at) => (at % 4 === 1 ? `- [ ] ${at}. Do it` : `- [ ] ${at - (at % 4) + 1}.${at % 4} (P) Do it ${words}`)),
    '.kiro/specs/a/tasks.md',
  ],
  [
    'OpenSpec',
    large((at) => (at % 20 === 1 ? `## ${at}. S` : `- [ ] ${at}.${at % 20} Do it ${words}`)),
    'openspec/changes/a/tasks.md',
  ],
  [
    'Conductor',
    large((at) =>
      at % 20 === 1 ? `## Phase ${at}` : at % 4 === 2 ? `- [ ] Task: ${words}` : `    - [ ] step ${words}`,
    ),
    'conductor/tracks/a/plan.md',
  ],
  [
    'GSD',
    large((at) => ['</task>', '<task type="auto">', `<name>Do ${at}</name>`][at % 8] ?? `<action>${words}</action>`),
    '01-01-PLAN.md',
  ],
  ['GSD with open fences', large(() => '<task>\n<name>a</name>\n```\n</task>'), '01-01-PLAN.md'],
  [
    'Cursor',
    `---\ntodos:\n${'  - id: a\n    content: b\n'.repeat(1000)}---\n${large(() => `- ${words}`)}`,
    'a.plan.md',
  ],
  [
    'Backlog.md',
    `---\nid: task-1\ntitle: a\nstatus: To Do\n---\n${large((at) => `- [ ] #${at} ${words}`)}`,
    'backlog/tasks/task-1 - a.md',
  ],
  [
    'BMAD',
    `# Story 1\n## Tasks / Subtasks\n${large((at) => (at % 5 === 1 ? `- [ ] Task ${at} ${words}` : `  - [ ] ${words}`))}`,
  ],
  ['lists', large((at) => (at % 20 === 1 ? `## Phase ${at}` : `- [ ] ${words}`))],
  ['lists that are none', large((at) => (at % 9 === 1 ? `### ${at}.1 Testing` : `- [ ] ${words}`))],
  [
    'task-master',
    JSON.stringify({
      tasks: Array.from({ length: 3800 }, (_, at) => ({
        ...{ id: at + 1, title: `t ${at}`, details: `${words} ${words}`, status: 'pending' },
        dependencies: at === 0 ? [] : [at],
      })),
    }),
    'tasks.json',
  ],
  [
    'Ralph',
    JSON.stringify({
      userStories: Array.from({ length: 3500 }, (_, at) => ({
        ...{ id: `US-${at}`, title: `t ${at}`, description: words, acceptanceCriteria: [words] },
        ...{ priority: at, passes: false },
      })),
    }),
    'prd.json',
  ],
  ['boxes', `# Tasks\n${'- [ ] a\n'.repeat(24_000)}`, 'plan.md'],
  ['headings', '# a\n'.repeat(24_000)],
  ['phases', large((at) => `## Phase ${at}`)],
  ['a wide document', '- [ ] a\n'.repeat(130_000)],
  ['a deep one', large((at) => `${' '.repeat(at % 60)}- [ ] T${at} a`)],
  ['fences', large(() => '```')],
  ['comments', large((at) => `### Task ${at}: a <!--\n<!--`)],
  ['one line', `### Task 1: ${'depends on Task 1, '.repeat(50_000)}`],
  ['brackets', `- [ ] T001 ${'['.repeat(1_000_000)}`],
  ['backticks', `- [ ] T001 ${'`a '.repeat(300_000)}`],
  [
    'one number',
    `# Tasks\n- [ ] 1. a\n- [ ] 1.1 b\n  - _Requirements: ${'0'.repeat(1_000_000)}_\n`,
    'specs/1/tasks.md',
  ],
  [
    'one status',
    `# Tasks\n\n## Task 1: a\n\n**Status:** ${'.'.repeat(500_000)}\n**Depends on:** Task 1 ${'~'.repeat(500_000)} Task 2\n`,
  ],
  [
    'one dependency',
    `## Phase 1: a\n\n- [ ] T001 a\n- [x] T002 b\n\n**Dependencies**: T001 ${': '.repeat(500_000)}T002\n`,
  ],
  ['one title', `# Tasks\n\n## Task 1: a${' :'.repeat(250_000)}b\n\n## Task 2: a${'*'.repeat(500_000)}b\n`],
  ['deep JSON', '['.repeat(500_000)],
  [
    'wide JSON',
    `{"tasks": [${'{"id": 1, "title": "a", "status": "x"},'.repeat(25_000)}{"id": 2, "title": "b", "status": "x"}]}`,
  ],
  ['fields', large((at) => `${at === 1 ? '### Task 1: a\n' : ''}**After:** ${at}`)],
  ['almost fields', large((at) => `${at === 1 ? '### Task 1: a\n' : ''}**Fils:** ${at}`)],
])('1 MiB of %s is read in linear time', (_, text, at = 'tasks.md') => {
  const timed = (part: string) => {
    const start = process.cpuUsage();
    readPlan({ text: part, path: at, beside: [] });
    const { user } = process.cpuUsage(start);
    return user / 1000;
  };
  timed(text.slice(0, 1000));
  // A quiet machine takes 100 to 700 ms. Only a reader with quadratic time exceeds this bound twice, on any machine.
  const bound = 4000;
  expect(timed(text) < bound || timed(text) < bound).toBe(true);
});
