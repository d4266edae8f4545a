/** A coder leaves thousands of files with hostile names: all of them arrive unchanged, and none of them has an effect. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { begin, ground, planText, startEngine, untilPhase, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { noWallsHere } from '../support/walls.ts';

/** Parts of names: from flags, patterns, revisions, shells, formats, terminals, other systems, and bytes that are no text. */
const odd: readonly string[] = [
  ...['-rf', '--output=x', '--', '-', '@', '@{u}', 'HEAD', 'main', 'a..b', 'a:b', ':/x', ':(top)x', ':!x', ':^x', '!x'],
  ...[
    '*',
    '?',
    '[a-z]',
    '{a,b}',
    '\\',
    '\\..\\..\\x',
    '~',
    '~root',
    '$(touch ran)',
    '`touch ran`',
    ';touch ran',
    '|x',
    '&',
    '<x>',
  ],
  ...[
    '"',
    "'",
    '#',
    '%s%n',
    '%2e%2e%2f',
    ' ',
    ' x',
    'x ',
    'x.',
    '.x',
    '...',
    'a\tb',
    'a\nb',
    'a\r\nb',
    '\n',
    '\x01',
    '\x7f',
  ],
  ...[
    '\x1b[2J',
    '\x1b]0;x\x07',
    '\u202egnp.exe',
    '\u200b',
    '\ufeff',
    'é',
    'e\u0301',
    'ﬁ',
    '日本',
    '🙂',
    '\u2028',
    '\u0085',
    '\u009b31m',
  ],
  ...[
    'CON',
    'aux.txt',
    'NUL',
    'COM1',
    'a:$DATA',
    '.gitx',
    'git',
    '.gitignore~',
    '.lock',
    'index.lock',
    '.stator-x',
    'node_modules',
  ],
  ...['x'.repeat(255), 'é'.repeat(127), '<img src=x onerror=alert(1)>', '$HOME', '{{plan}}', '%PATH%'],
];
/** Bytes that are no text in any encoding. */
const bytes = [
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0x80]),
  Buffer.from([0x61, 0xc3]),
  Buffer.from([0xed, 0xa0, 0x80]),
];
const wanted = 2_000;
/** Only the last wave makes it, as each look at it is 1,500 lookups of the system. */
const deepest = `${'d/'.repeat(1_500)}deepest`;

/**
 * Each part as a file, and files in folders of that name, some of them very deep, until there are enough. As latin1, because such a string can hold
 * any byte.
 */
function hostilePaths(): string[] {
  const parts = [...odd.map((name) => Buffer.from(name)), ...bytes].map((name) => name.toString('latin1'));
  const names = parts.filter((name) => name !== '-');
  const found = new Set(names);
  for (const folder of names)
    for (const file of names) if (found.size < wanted - 3) found.add(`in ${folder}`.slice(0, 255).concat('/', file));
  // One for each of the two that make them: without walls, and inside.
  for (const folder of ['inside/', 'deeper/']) found.add(`${folder.repeat(430)}deep`);
  found.add(`${`${'l'.repeat(250)}/`.repeat(14)}long`);
  return [...found];
}

/** Reads a list of base64 paths, and makes a file in its working folder for each whose number has that remainder. */
const maker = `import { mkdirSync, readFileSync, writeFileSync, chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
const lines = readFileSync(fileURLToPath(new URL('paths', import.meta.url)), 'utf8').split('\\n');
const [divisor, remainder] = process.argv.slice(2).map(Number);
for (const line of lines.filter((_, number) => number % divisor === remainder)) {
  const path = Buffer.from(line, 'base64');
  const at = path.lastIndexOf(0x2f);
  if (at > 0) mkdirSync(path.subarray(0, at), { recursive: true });
  writeFileSync(path, 'touch ran\\n');
  chmodSync(path, 0o755);
}
`;

/** A repository whose coders can make those paths by \`node make/paths.mjs <divisor> <remainder>\`. */
function withMaker(paths: readonly string[]) {
  const on = ground();
  mkdirSync(join(on.repo, 'make'));
  writeFileSync(
    join(on.repo, 'make', 'paths'),
    paths.map((path) => Buffer.from(path, 'latin1').toString('base64')).join('\n'),
  );
  writeFileSync(join(on.repo, 'make', 'paths.mjs'), maker);
  git(on.repo, 'add', '.');
  git(on.repo, 'commit', '-qm', 'a maker of paths');
  return on;
}

function pathsOf(repo: string, branch: string): string[] {
  const listing = execFileSync('git', ['ls-tree', '-r', '-z', '--name-only', branch], {
    cwd: repo,
    maxBuffer: 64 << 20,
  });
  return listing
    .toString('latin1')
    .split('\0')
    .filter((path) => path !== '');
}

it('two thousand files whose names are more than names, of an agent inside of walls and one without, arrive as they are, are shown, go on to the next task, and do nothing', async () => {
  const paths = hostilePaths();
  expect(paths.length).toBe(wanted);
  const on = withMaker(paths);
  mkdirSync(join(on.repo, '.stator'));
  writeFileSync(join(on.repo, '.stator', 'config.toml'), 'confirm_new_files = ""\n');
  appendFileSync(join(on.repo, '.git/info/exclude'), '.stator\n');
  const agent = { preset: 'sh', attempts: 1 } as const;
  const walled = { ...agent, sandbox: noWallsHere === null ? 'bwrap' : 'off' } as const;
  const engine = await startEngine({ on, agents: { default: { ...agent, sandbox: 'off' }, walled } });
  const before = readdirSync(on.repo);
  const fields = '**Agent:** walled';
  await begin(
    engine,
    'odd',
    planText(
      ['node make/paths.mjs 2 0', { sh: 'node make/paths.mjs 2 1', fields }],
      [
        { sh: `test -e ./-rf && rm -rf -- "in -rf" && mkdir -p ${dirname(deepest)} && echo b > ${deepest}`, fields },
        'test -e ./-rf && rm -rf -- "in --" && echo c > c.txt',
      ],
    ),
  );
  await untilStatus(engine, 'odd', 'done');
  const kept = paths.filter((path) => !/^in (-rf|--)\//.test(path));
  expect(pathsOf(on.repo, 'plan/odd').sort()).toStrictEqual(
    [...kept, 'README.md', deepest, 'c.txt', 'make/paths', 'make/paths.mjs'].sort(),
  );
  const { files } = await engine.client.planDiff('demo', 'odd');
  expect(files.length).toBe(1_000); // no more are shown
  expect(git(on.repo, 'status', '--porcelain')).toBe('');
  expect(readdirSync(on.repo).filter((name) => !before.includes(name) && name !== '.worktrees')).toEqual([]);
  expect(existsSync(join(on.root, 'ran'))).toBe(false);
});

it('a folder that another system takes for .git comes into no commit, and is named', async () => {
  const names = ['.GIT', 'git~1', '.git ', '.git.', '.g\u200cit', '.git::$INDEX_ALLOCATION'];
  const paths = names.map((name) => Buffer.from(`${name}/config`).toString('latin1'));
  const engine = await startEngine({ on: withMaker(paths) });
  await begin(engine, 'look', planText(names.map((_, index) => `node make/paths.mjs ${names.length} ${index}`)));
  const shown = await untilPhase(engine, 'look', 'wave_waiting');
  const whys = shown.tasks_by_wave.flatMap(({ tasks }) => tasks.map(({ why }) => why));
  expect(whys).toEqual(names.map((name) => expect.stringContaining(`${name}/config`)));
  expect(pathsOf(engine.repo, 'plan/look').filter((path) => paths.includes(path))).toEqual([]);
});
