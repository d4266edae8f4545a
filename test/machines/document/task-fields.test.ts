/** The fields of a task as people write them: which paths, commands and numbers are read, and which remarks the rest gets. */
import { describe, expect, it } from 'vitest';
import { fileItems } from '../../../machines/document/files.ts';
import { isProofLabel, readLabel, slippedLabel } from '../../../machines/document/labels.ts';
import { parsePlan } from '../../../machines/document/plan-document.ts';

describe('the paths of **Files:**', () => {
  it.each([
    ['a.ts, b.ts', ['a.ts', 'b.ts']],
    ['a.ts，b.ts、c.ts، `d.ts`، e.ts', ['a.ts', 'b.ts', 'c.ts', 'd.ts', 'e.ts']],
    ['`a,b.ts`, c.ts', ['a,b.ts', 'c.ts']],
    ['[x] **Modify:** src/a.ts', ['src/a.ts']],
    ['[ ] src/a.ts', ['src/a.ts']],
    ['[X] a.ts', ['a.ts']],
    ['Create：src/a.ts', ['src/a.ts']],
    ['**Create：** src/a.ts', ['src/a.ts']],
    ['Modify: `a.ts` and `b.ts`', ['a.ts', 'b.ts']],
    ['`Makefile`', ['Makefile']],
    ['(`Makefile`)', ['Makefile']],
    ['`app/(group)`', ['app/(group)']],
    ['`app/(group)/page.tsx`', ['app/(group)/page.tsx']],
    ['`src/`', ['src/']],
    ['`v1.2a`', ['v1.2a']],
    ['`.env`', ['.env']],
    ['`src/my file.ts`', ['src/my file.ts']],
    ['[a.ts](https://x/a.ts)', ['a.ts']],
    ['[a.ts](a.ts) changed', ['a.ts']],
    ['[a.ts:12](../src/a.ts#L12), [`b.ts`](src/b.ts) and [`c.ts`](/src/c.ts)', ['src/a.ts', 'src/b.ts', 'src/c.ts']],
    ['[`src/a.ts`](../../src/a.ts) and [b.ts](src/other.ts)', ['src/a.ts']],
    ['("a.ts")', ['a.ts']],
    ['“a.ts”.', ['a.ts']],
    ['a.ts:12-30', ['a.ts']],
    ['a.ts#L12-L30', ['a.ts']],
    ['a.ts:12', ['a.ts']],
    ['a.ts:12–30', ['a.ts']],
    ['a.ts:x', ['a.ts:x']],
    ['./a.ts', ['a.ts']],
    ['./', ['./']],
    ['`./`', ['./']],
    ['src/a.ts and src/b.ts', ['src/a.ts', 'src/b.ts']],
    ['src/a.ts src/b.ts', ['src/a.ts', 'src/b.ts']],
    ['src/a.ts or config', ['src/a.ts']],
    ['config src/a.ts', ['src/a.ts']],
    ['src/a.ts docs/notes', ['src/a.ts', 'docs/notes']],
    ['a.ts b.ts', ['a.ts', 'b.ts']],
    ['a.ts with b.ts', ['a.ts']],
    ['`README`', ['README']],
    ['`README`, `LICENSE`', ['README', 'LICENSE']],
    ['`a`b.ts`', ['a']],
    ['a.ts `b', ['a.ts']],
    ['`a.ts', ['a.ts']],
    ['`a.ts` (new), `b.ts` (changed)', ['a.ts', 'b.ts']],
    ['app/(group)', ['app/(group)']],
    ['src/a.ts:12:3', ['src/a.ts']],
    ['`C:/x.ts`', ['C:/x.ts']],
    ['src/**/*.ts', ['src/**/*.ts']],
    ['`src/**`', ['src/**']],
    ['src/a.ts.', ['src/a.ts']],
    ['src/a.ts;', ['src/a.ts']],
    ['Files: a.ts', ['a.ts']],
    ['Añadir: a.ts', ['a.ts']],
    ['a.ts:', ['a.ts']],
    ['~/a.ts', ['~/a.ts']],
    ['@scope/pkg', ['@scope/pkg']],
    ['src/a.ts src/b.ts:12', ['src/a.ts', 'src/b.ts']],
    ['src/a.ts then src/b.ts#L3 and x.md', ['src/a.ts', 'src/b.ts']],
    ['`a/b c/d.e`', ['a/b c/d.e']],
    ['("a.ts").', ['a.ts']],
    ['app/(a)/b', ['app/(a)/b']],
    ["'a.ts';", ['a.ts']],
    ['a.ts)', ['a.ts']],
    ['foo/..', ['foo/']],
    ['“src/a.ts”,', ['src/a.ts']],
    ['~x/y', ['~x/y']],
    ['a.b c', ['a.b']],
  ])('%j names %j', (value, paths) => {
    const items = fileItems(value);
    expect(items.flatMap((item) => item.paths)).toEqual(paths);
    expect(items.map(({ remark }) => remark).filter((remark) => remark !== null)).toEqual([]);
  });

  it.each(['n/a', 'none', 'TBD', 'nothing', 'no files', 'none of them', '- none', '-', '', 'N/A'])(
    '%j names none, and needs no remark',
    (value) => {
      expect(fileItems(value).filter(({ paths, remark }) => paths.length > 0 || remark !== null)).toEqual([]);
    },
  );

  it.each([
    ['Makefile', ['Makefile']],
    ['a, b', ['a', 'b']],
    ['Create: README', ['README']],
    ['LICENSE, the parser, all', ['LICENSE']],
  ])('%j names %j: the only word of an item is a file', (value, paths) => {
    expect(fileItems(value).flatMap((item) => item.paths)).toEqual(paths);
  });

  it.each(['all', 'various', 'several'])('%j names no file, and a remark says so', (value) => {
    expect(fileItems(value)).toEqual([{ paths: [], remark: expect.stringMatching(/names no file/) }]);
  });

  it.each([
    '`a b.ts`',
    'see `Makefile`',
    '`npm test`',
    '`run()`',
    '`Foo.bar()`',
    '`https://x.example/a.ts`',
    '`-x/a`',
    '`a=b.ts`',
    '`a<b>.ts`',
    '`a|b.ts`',
    '`"a.ts"`',
    '`a;b.ts`',
    '`/`',
    '`v1.2.3`',
    '`1.2`',
    '`run src/a.ts`',
    '`src/my file`',
    '`src/my file.toolongext`',
    '`:12`',
    'e.g. a.ts',
    'i.e. a.ts',
    'and/or',
    'the whole thing',
    'the whole thing, and more',
    'x `README`',
    '`-`',
    '`none`',
    '` `',
    'VeryLongLabelOfMoreThan20Chars: a.ts',
    '**New** a.ts',
    '.',
    '..',
    '`foo.`',
    '[ab](c) d.ts',
    '(see a.ts).',
    ':12:3',
    'E.G. a.ts',
    '[a](b.ts) c',
  ])('%j is text, with a remark', (value) => {
    const remark = `\`${value.trim()}\` names no file; a path is written in backticks, contains a / or a ., or is the only word`;
    expect(fileItems(value)).toEqual([{ paths: [], remark }]);
  });
});

it.each([
  ['marks of a sentence', '.'.repeat(500_000)],
  ['brackets', ')'.repeat(500_000)],
  ['line numbers', ':1'.repeat(250_000)],
  ['a line number', `:${'1'.repeat(500_000)}x`],
])('a path that ends in very many %s is read like any other', (_, end) => {
  const startMs = performance.now();
  expect(fileItems(`src/a.ts${end}`)).toHaveLength(1);
  expect(performance.now() - startMs).toBeLessThan(5000);
});

describe('a label', () => {
  it.each([
    ['**Check:** npm test', ['check', 'npm test', null, '**Check:**', false]] as const,
    ['**Check**: npm test', ['check', 'npm test', null, '**Check:**', false]] as const,
    ['**Check** : npm test', ['check', 'npm test', null, '**Check:**', false]] as const,
    ['**Check：** x', ['check', 'x', null, '**Check:**', false]] as const,
    ['**Check**： x', ['check', 'x', null, '**Check:**', false]] as const,
    ['  **Files:** a', ['files', 'a', 2, '**Files:**', false]] as const,
    ['   **Files:** a', ['files', 'a', 3, '**Files:**', false]] as const,
    ['- **Files:** a', ['files', 'a', 0, '**Files:**', false]] as const,
    ['* **Files:** a', ['files', 'a', 0, '**Files:**', false]] as const,
    ['+ **Files:** a', ['files', 'a', 0, '**Files:**', false]] as const,
    ['  - **Files:** a', ['files', 'a', 2, '**Files:**', false]] as const,
    ['- \t**Files:** a', ['files', 'a', 0, '**Files:**', false]] as const,
    ['__Files:__ a', ['files', 'a', null, '__Files:__', true]] as const,
    ['__Files__: a', ['files', 'a', null, '__Files:__', true]] as const,
    ['**File:** a', ['files', 'a', null, '**File:**', false]] as const,
    ...[
      'Files to modify',
      'Files to create/modify',
      'Files to be changed or added',
      'Modified files',
      'New File',
      'Files affected',
    ].map((label) => [`**${label}:** a`, ['files', 'a', null, `**${label}:**`, false]] as const),
    ['**Files to read:** a', ['files to read', 'a', null, '**Files to read:**', false]] as const,
    ['**Key files:** a', ['key files', 'a', null, '**Key files:**', false]] as const,
    ['**Goals:** a', ['goal', 'a', null, '**Goals:**', false]] as const,
    ['**Files:**', ['files', '', null, '**Files:**', false]] as const,
    ['**Files:**   a  ', ['files', 'a', null, '**Files:**', false]] as const,
    ['**Tech Stack:** a', ['tech stack', 'a', null, '**Tech Stack:**', false]] as const,
    [
      '**nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn:** x',
      ['nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn', 'x', null, '**nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn:**', false],
    ] as const,
  ])('is read from %j', (text, [name, value, indent, written, isUnderscored]) => {
    expect(readLabel(text)).toEqual({ name, value, indent, written, isUnderscored });
  });

  it.each([
    '    **Files:** a',
    '-**Files:** a',
    'x **Files:** a',
    '**a*b:** c',
    '**:** c',
    '**nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn:** x',
    '**Files**          : a',
    '**Files**           : a',
    '**Files:a',
    '**Files** a',
    '**Files: a**',
    '1. **Files:** a',
  ])('is not read from %j', (text) => {
    expect(readLabel(text)).toBeNull();
  });

  const known = [
    'check',
    'files',
    'after',
    'agent',
    'repo',
    'goal',
    'branch',
    'budget',
    'host',
    'issue',
    'tech stack',
    'architecture',
  ];
  it.each([
    ['chek', 'check'],
    ['chekc', 'check'],
    ['hceck', 'check'],
    ['checks', 'check'],
    ['checkk', 'check'],
    ['xcheck', 'check'],
    ['cehck', 'check'],
    ['file', 'files'],
    ['fils', 'files'],
    ['flies', 'files'],
    ['atfer', 'after'],
    ['aftr', 'after'],
    ['agnet', 'agent'],
    ['agents', 'agent'],
    ['repos', 'repo'],
    ['rep', 'repo'],
    ['rpeo', 'repo'],
    ['depends on', 'after'],
    ['depends', 'after'],
    ['dependencies', 'after'],
    ['blocked by', 'after'],
    ['runs after', 'after'],
    ['cost limit', 'budget'],
    ['max cost', 'budget'],
    ['hots', 'host'],
    ['tech stak', 'tech stack'],
    ['teck stack', 'tech stack'],
    ['tech stac', 'tech stack'],
    ['tech  stack', 'tech stack'],
    ['archtecture', 'architecture'],
    ['architecure', 'architecture'],
    ['architectur', 'architecture'],
    ['arcitectuer', 'architecture'],
    ['architecturex', 'architecture'],
    ['brnch', 'branch'],
    [' chek ', 'check'],
    ['budgets', 'budget'],
    ['budgte', 'budget'],
    ['bugdet', 'budget'],
    ['issues', 'issue'],
    ['isue', 'issue'],
    ['gaol', 'goal'],
    ['goals', 'goal'],
    ['gol', 'goal'],
  ])('%j was meant to be %j', (written, meant) => {
    expect(slippedLabel(written ?? '', known)).toBe(meant);
  });

  it.each([
    'check',
    'chxxk',
    'filed',
    'files',
    'after',
    'alter',
    'cost',
    'host',
    'lost',
    'arch',
    'branch',
    'brnahc',
    'brand',
    'goal',
  ])('%j was not meant to be another', (written) => {
    expect(slippedLabel(written, known)).toBeNull();
  });

  it.each([
    'verify',
    'verification',
    'validate',
    'validation',
    'test',
    'tests',
    'test command',
    'test commands',
    'testing',
    'check command',
    'verify command',
    'verification command',
    'how to test',
    'how to verify',
    'verify with',
    'test with',
  ])('%j reads like a check', (name) => {
    const label = readLabel(`**${name}:** x`);
    expect(label !== null && isProofLabel(label)).toBe(true);
    expect(label !== null && isProofLabel({ ...label, name: ` ${name} ` })).toBe(true);
  });

  it.each(['check', 'notes', 'to test'])('%j does not read like a check', (name) => {
    const label = readLabel(`**${name}:** x`);
    expect(label !== null && isProofLabel(label)).toBe(false);
  });
});

describe('the fields of a task', () => {
  it.each([
    [
      '**Check:** npm test || true',
      { check: 'npm test || true' },
      ['1: this check cannot fail: it ends in `|| true`; leave that out'],
    ],
    ['**Check:** a || :', { check: 'a || :' }, ['1: this check cannot fail: it ends in `|| :`; leave that out']],
    [
      '**Check:** a || echo "no way"',
      { check: 'a || echo "no way"' },
      ['1: this check cannot fail: it ends in `|| echo "no way"`; leave that out'],
    ],
    [
      "**Check:** a || echo 'x' y",
      { check: "a || echo 'x' y" },
      ["1: this check cannot fail: it ends in `|| echo 'x' y`; leave that out"],
    ],
    [
      '**Check:** a | tail -5',
      { check: 'a | tail -5' },
      ['1: this check cannot fail: it ends in `| tail -5`; leave that out'],
    ],
    ['**Check:** a | head', { check: 'a | head' }, ['1: this check cannot fail: it ends in `| head`; leave that out']],
    ['**Check:** a | cat', { check: 'a | cat' }, ['1: this check cannot fail: it ends in `| cat`; leave that out']],
    [
      '**Check:** a | tee x.log',
      { check: 'a | tee x.log' },
      ['1: this check cannot fail: it ends in `| tee x.log`; leave that out'],
    ],
    ['**Check:** a || tail -5 x', { check: 'a || tail -5 x' }, []],
    ['**Check:** a | tail -5 | grep x', { check: 'a | tail -5 | grep x' }, []],
    ['**Check:** a || true && b', { check: 'a || true && b' }, []],
    ['**Check:** a || trueish', { check: 'a || trueish' }, []],
    ['**Check:** a || echo x; exit 1', { check: 'a || echo x; exit 1' }, []],
    ['**Check:** `npm test`', { check: 'npm test' }, []],
    ['**Check:** `` a `b` ``', { check: 'a `b`' }, []],
    [
      '**Check:** `a` and `b`',
      {},
      ['1: the check ``a` and `b`` is partly in backticks; put the whole command into one pair, or into none'],
    ],
    [
      '**Check:** `a',
      {},
      ['1: the check ``a` is partly in backticks; put the whole command into one pair, or into none'],
    ],
    [
      '**Check:** ` `',
      {},
      ['1: the check `` `` is partly in backticks; put the whole command into one pair, or into none'],
    ],
    ...['a \\', '`a &&`', 'a |'].map((check): [string, object, string[]] => [
      `**Check:** ${check}\n  b`,
      {},
      [`1: the check ends in ${'`'}${check.replaceAll(/[a `]/g, '')}${'`'}; write the whole command on one line`],
    ]),
    ['**Check:** none', {}, []],
    ['**Check:**', {}, ['1: the check has no command; write it on the same line, as in **Check:** npm test']],
    [
      '**Check:** a\n**Check:** b',
      { check: 'a' },
      ['2: the task has a second check; join the commands with && in one **Check:**'],
    ],
    ['**Check:** -', {}, []],
    [
      'Check: npm test',
      {},
      ['1: `Check: npm test` is not read, so nothing runs it; a check is written **Check:** npm test'],
    ],
    [
      'check：npm test',
      {},
      ['1: `check：npm test` is not read, so nothing runs it; a check is written **Check:** npm test'],
    ],
    [
      '- Check: npm test',
      {},
      ['1: `- Check: npm test` is not read, so nothing runs it; a check is written **Check:** npm test'],
    ],
    [
      '**Check** npm test',
      {},
      ['1: `**Check** npm test` is not read, so nothing runs it; a check is written **Check:** npm test'],
    ],
    [
      '   **check** npm test',
      {},
      ['1: `**check** npm test` is not read, so nothing runs it; a check is written **Check:** npm test'],
    ],
    ...[
      '*Check:* a',
      '_Check:_ a',
      '***Check:*** a',
      '*Check*: a',
      '**Check (must pass):** a',
      '> **Check:** a',
      '1. **Check:** a',
      '✅ **Check:** a',
    ].map((line): [string, object, string[]] => [
      line,
      {},
      [`1: ${'`'}${line}${'`'} is not read, so nothing runs it; a check is written **Check:** a`],
    ]),
    ['*Check* the page', {}, []],
    ['check:types runs', {}, []],
    ...['Files: src/a.ts, b.ts', '- file: `a`', '*Files:* a.ts', '_Files_: a.ts', 'Files:'].map(
      (line): [string, object, string[]] => [
        line,
        {},
        [
          `1: ${'`'}${line}${'`'} is text, and other tasks may write these files meanwhile; write it as in **Files:** src/a.ts`,
        ],
      ],
    ),
    ['Files: none', {}, []],
    ...['\n| File |\n|---|\n| `a.ts` |', '```\na.ts\n```', 'text\n- a.ts', '', '\n#### New\n- a.ts'].map(
      (below): [string, object, string[]] => [
        `**Files:**\n${below}`,
        { files: [] },
        [
          '1: `**Files:**` names no file, and other tasks may write these files meanwhile; write their paths in its line, or as a list below it',
        ],
      ],
    ),
    ['**Files:**\n\nnone', { files: [] }, []],
    ['**After:**\n\nTask 1', {}, ['3: `Task 1` is text, and nothing waits; write it as in **After:** 1']],
    ['**After:**\n  1, 2', {}, ['2: `1, 2` is text, and nothing waits; write it as in **After:** 1']],
    ['**After:**\n\nWrite it.', {}, []],
    ['**After:**\n\n10 minutes are enough', {}, []],
    ['**Files:**\n- nothing', { files: [] }, []],
    ['**Files:**\n- Modify: a.ts\n- Tests:\n\n- Write the test in test/a.test.ts', { files: ['a.ts'] }, []],
    ['**Files:**\n- LICENSE:\n  - c', { files: ['LICENSE'] }, []],
    [
      '**Files:**\n- Create:\n  - a.ts\n- **Modify:**\n  - b.ts\n- Makefile:\n  - c',
      { files: ['a.ts', 'b.ts', 'Makefile'] },
      [],
    ],
    ['File: a.ts\n**Files:** b.ts', { files: ['b.ts'] }, []],
    ['    Check: npm test', {}, []],
    ['Checks: npm test', {}, []],
    [
      '**Verify:** npm test',
      {},
      [
        '1: `**Verify:**` is text, and nothing runs it; what must exit with 0 before the task is done is written **Check:** npm test',
      ],
    ],
    [
      '**Verify:** `npm run e2e`',
      {},
      [
        '1: `**Verify:**` is text, and nothing runs it; what must exit with 0 before the task is done is written **Check:** npm run e2e',
      ],
    ],
    [
      '**How to test:** by hand',
      {},
      [
        '1: `**How to test:**` is text, and nothing runs it; what must exit with 0 before the task is done is written **Check:** npm test',
      ],
    ],
    ['**Agent:** strong', { agent: 'strong' }, []],
    ['**Agent:** `strong`', { agent: 'strong' }, []],
    ['**Agent:** none', {}, []],
    [
      '**Agent:**',
      {},
      ['1: `` is no name of an agent; write that of a table [agents.<name>], as in **Agent:** strong'],
    ],
    [
      '**Agent:** a b',
      {},
      ['1: `a b` is no name of an agent; write that of a table [agents.<name>], as in **Agent:** strong'],
    ],
    [
      '**Agent:** aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      { agent: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' },
      [],
    ],
    [
      '**Agent:** aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      {},
      [
        '1: `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is no name of an agent; write that of a table [agents.<name>], as in **Agent:** strong',
      ],
    ],
    ['**Agent:** a\n**Agent:** b', { agent: 'a' }, ['2: the task has a second agent; one does it']],
    ['**Repo:** api', { repo: 'api' }, []],
    ['**Repo:** `api`', { repo: 'api' }, []],
    ['**Repo:** -', {}, []],
    ['**Repo:**', {}, ['1: `` is no name of a repo; write one, as in **Repo:** api']],
    ['**Repo:** a/b', {}, ['1: `a/b` is no name of a repo; write one, as in **Repo:** api']],
    ['**Repo:** a\n**Repo:** b', { repo: 'a' }, ['2: the task has a second repo; write a task for each']],
    ['**Repo:** api\n**Files:** a.ts, api/b.ts', { files: ['api/a.ts', 'api/b.ts'], repo: 'api' }, []],
    ['**Files:**\n- a.ts\n- b.ts\n\n- c.ts', { files: ['a.ts', 'b.ts'] }, []],
    ['**Files:**\n\n- a.ts\n  - b.ts\n - c.ts\n   - d.ts', { files: ['a.ts', 'c.ts'] }, []],
    ['- **Files:**\n  - a.ts\n- b.ts', { files: ['a.ts'] }, []],
    ['**Files:**\n1. a.ts\n2) b.ts', { files: ['a.ts', 'b.ts'] }, []],
    ['**Files:**\n- a.ts\n  more\n- b.ts', { files: ['a.ts', 'b.ts'] }, []],
    ['**Files:**\n- a.ts\ntext\n- b.ts', { files: ['a.ts'] }, []],
    ['**Files:** a.ts\n- b.ts', { files: ['a.ts'] }, []],
    ['**Files:** a.ts, a.ts\n**Files:** a.ts, b.ts', { files: ['a.ts', 'b.ts'] }, []],
    ['**Files:**\n- a.ts\n```\n- b.ts\n```\n- c.ts', { files: ['a.ts'] }, []],
    ['**Files:** none', {}, []],
    ['**After:** 2', { after: [2] }, []],
    ['**After:** Task 2', { after: [2] }, []],
    ['**After:** tasks 2', { after: [2] }, []],
    ['**After:** #2', { after: [2] }, []],
    ['**After:** ＃２', { after: [2] }, []],
    ['**After:** 2.', { after: [2] }, []],
    ['**After:** 02', { after: [2] }, []],
    ['**After:** 2.2', { after: [2] }, []],
    ['**After:** 1.1', {}, []],
    [
      '**After:** 3.1',
      {},
      [
        '1: `3.1` is no task number up to 9999; write the numbers of tasks of the same wave, as in **After:** 1, 2 (earlier waves are done anyway)',
      ],
    ],
    ['**After:** 2 and 2', { after: [2] }, []],
    ['**After:** 2 & 2, 2，2、2، 2', { after: [2] }, []],
    ['**After:**\n- 2', { after: [2] }, []],
    ['**After:**\n\n- Task 2\n\n- 3', { after: [2] }, []],
    ['- **After:**\n  - 2\n- **Files:** a.ts', { after: [2], files: ['a.ts'] }, []],
    ['**After:**\n\n- write it', {}, []],
    [
      '**After:**\n- two',
      {},
      [
        '2: `two` is no task number up to 9999; write the numbers of tasks of the same wave, as in **After:** 1, 2 (earlier waves are done anyway)',
      ],
    ],
    ['**After:** none', {}, []],
    ['**After:** 2,', { after: [2] }, []],
    [
      '**After:** two',
      {},
      [
        '1: `two` is no task number up to 9999; write the numbers of tasks of the same wave, as in **After:** 1, 2 (earlier waves are done anyway)',
      ],
    ],
    [
      '**After:** 12345',
      {},
      [
        '1: `12345` is no task number up to 9999; write the numbers of tasks of the same wave, as in **After:** 1, 2 (earlier waves are done anyway)',
      ],
    ],
    [
      '**After:** Task two',
      {},
      [
        '1: `Task two` is no task number up to 9999; write the numbers of tasks of the same wave, as in **After:** 1, 2 (earlier waves are done anyway)',
      ],
    ],
    ['**After:** 2.02', { after: [2] }, []],
    [
      '- [x] Step 1\n  1. [X] Step 2',
      {},
      [
        '-1: all check boxes of the task are checked, and it counts as open; write `### [x] Task 1: …` where it is done',
      ],
    ],
    ['- [x] Step 1\n- [ ] Step 2', {}, []],
    [
      '**Status:** ✅ Done\n- [ ] Step 1',
      {},
      ['1: the status says that the task is done, and it counts as open; write `### [x] Task 1: …` where it is done'],
    ],
  ])('are read from %j', (lines, fields, said) => {
    const { document, problems, remarks } = parsePlan(
      `# P\n\n## Wave 1\n\n### Task 1: x\n\n## Wave 2\n\n### Task 1: a\n\n${lines}\n\n### Task 2: b\n`,
    );
    expect(document.waves[1]?.tasks[0]).toMatchObject({
      check: null,
      files: [],
      after: [],
      agent: null,
      repo: null,
      ...fields,
    });
    expect([...problems, ...remarks].map(({ line, message }) => `${line - 10}: ${message}`)).toEqual(said);
  });

  it.each([
    [8000, []],
    [8001, ['the check has more than 8000 characters; move it into a script of the repo']],
  ])('a check of %i characters', (length, said) => {
    const { problems } = parsePlan(`# P\n\n## Wave 1\n\n### Task 1: a\n\n**Check:** ${'x'.repeat(length)}\n`);
    expect(problems.map(({ message }) => message)).toEqual(said);
  });
});
