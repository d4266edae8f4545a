/** The programs behind the presets: what is run for a task, what a block may do, and that nothing else of a plan is ever run. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runEnvironment } from '../../runtime/work/agents/environment.ts';
import { commandLine } from '../../runtime/work/agents/preset-own.ts';
import type { CommandPlaces, RunBrief } from '../../runtime/work/agents/run-brief.ts';
import { writeRunFile } from '../../runtime/work/agents/run-folder.ts';
import { launch } from '../../runtime/work/agents/wrapper.ts';
import { briefOf, createFolder, failureOf, lines } from '../support/agent.ts';
import { expectError, expectProse } from '../support/prose.ts';
import { createRun, ended } from '../support/run.ts';

const wholePlan = { wave: null, task: null, title: 'search-coder' } as const;

function placesIn(folder: string, searchPath = process.env.PATH ?? '/usr/bin:/bin'): CommandPlaces {
  const [worktree, repo] = [join(folder, 'worktree'), join(folder, 'repo')];
  mkdirSync(worktree, { recursive: true });
  mkdirSync(repo, { recursive: true });
  return {
    prompt: join(folder, 'prompt'),
    script: join(folder, 'script.sh'),
    servers: join(folder, 'servers.json'),
    lastMessage: join(folder, 'last-message'),
    loadsProject: true,
    worktree,
    repo,
    env: { PATH: searchPath, IS_SANDBOX: '1' },
  };
}

/** Starts the run's command line for real, in its worktree. */
function perform(brief: RunBrief, places: CommandPlaces, prompt = '') {
  const { argv, stdin, script } = commandLine(brief, places);
  if (script !== null) writeFileSync(places.script, script, { mode: 0o600 });
  const [program, ...args] = argv;
  const input = stdin === 'prompt' ? prompt : '';
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: places.worktree,
    env: places.env,
    input,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

function task(number: number, ...blocks: string[]): string[] {
  return [
    `### Task ${number}: step ${number}`,
    'Some words.',
    ...blocks.flatMap((block) => ['```sh', block, '```', '']),
  ];
}

function plan(...blocks: string[]): string {
  return lines('## Wave 1', ...task(1, ...blocks));
}

function executable(path: string, text: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

describe('sh', () => {
  test('runs the blocks of the task in order, in one shell, and nothing of another task', () => {
    const content = lines(
      '## Wave 1',
      ...task(1, 'word=hello\ncd /', 'echo "$word from $PWD"'),
      ...task(2, 'echo two'),
    );
    expect(perform(briefOf(content), placesIn(createFolder()))).toEqual({
      code: 0,
      stdout: 'hello from /\n',
      stderr: '',
    });
  });

  test('is a script that people can read, and run by hand', () => {
    const places = placesIn(createFolder());
    const { argv, script } = commandLine(briefOf(plan('echo one', 'echo two')), places);
    expect(argv.at(-1)).toBe(places.script);
    expect(script).toMatchInlineSnapshot(`
      "# shop, plan search, wave 1, task 1: step 1
      set -e

      # block 1 of 2: wave 1, task 1: step 1
      stator_block=1
      echo one

      # block 2 of 2: wave 1, task 1: step 1
      stator_block=2
      echo two

      stator_status=$?
      "
    `);
    writeFileSync(places.script, script ?? '');
    expect(spawnSync('/bin/sh', [places.script], { encoding: 'utf8' }).stdout).toBe('one\ntwo\n');
  });

  test('stops at the first command that fails, with its exit code', () => {
    const brief = briefOf(plan('echo begun\n(exit 7)\necho never', 'echo never'));
    expect(perform(brief, placesIn(createFolder()))).toMatchObject({ code: 7, stdout: 'begun\n' });
  });

  test('fails where the last command of the last block does', () => {
    expect(perform(briefOf(plan('true', 'false && true')), placesIn(createFolder())).code).toBe(1);
  });

  test('ends well where a block says exit 0', () => {
    expect(perform(briefOf(plan('exit 0', 'exit 3')), placesIn(createFolder())).code).toBe(0);
  });

  test.each([
    ['a here-document', 'cat >/dev/null <<EOF\nhello'],
    ['a quote', 'echo "hello'],
    ['an if', 'if true; then'],
  ])('never succeeds where %s of a block stays open and swallows the next', (_, block) => {
    const { code, stdout, stderr } = perform(briefOf(plan(block, 'echo two')), placesIn(createFolder()));
    expect(code).not.toBe(0);
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
  });

  test('says which block stays open where the shell does not', () => {
    const brief = briefOf(plan('true', 'cat >/dev/null <<EOF\nhello'));
    const { stderr } = perform(brief, placesIn(createFolder()));
    // A shell may say something of it, too.
    expectProse(/^stator: .*$/m.exec(stderr)?.[0] ?? '', 'block 2 of 2');
  });

  test('gives a block an empty standard input', () => {
    expect(perform(briefOf(plan('cat; echo end')), placesIn(createFolder())).stdout).toBe('end\n');
  });

  test('runs all blocks of all tasks for the one coder of a small plan', () => {
    const content = lines('## Wave 1', ...task(1, 'a=1'), '## Wave 2', ...task(1, 'echo "a is $a"', 'echo end'));
    const brief = briefOf(content, { run: wholePlan });
    expect(perform(brief, placesIn(createFolder())).stdout).toBe('a is 1\nend\n');
    expect(commandLine(brief, placesIn(createFolder())).script).toContain('# block 3 of 3: wave 2, task 1: step 1');
  });

  test('runs under another shell, with its flags, where the profile names one', () => {
    const profile = { program: 'bash', flags: ['-u'] };
    const { code, stdout } = perform(briefOf(plan('echo "[$BASH]"'), { profile }), placesIn(createFolder()));
    expect({ code, isBash: stdout.includes('bash') }).toEqual({ code: 0, isBash: true });
    expect(perform(briefOf(plan('echo "$nothing"'), { profile }), placesIn(createFolder())).code).not.toBe(0);
  });

  test('refuses a task without a block, and names it', () => {
    const content = lines('## Wave 1', '### Task 1: Index', 'words', '```bash', 'echo no', '```');
    expect(failureOf(() => commandLine(briefOf(content), placesIn(createFolder())))).toMatchInlineSnapshot(`
      {
        "code": "agent_unusable",
        "hint": "put the commands into the task between \`\`\`sh and \`\`\`, or give the coder another agent: [agents.coder] preset = "command" with a program",
        "message": "wave 1 task 1 "Index": no fenced sh block, and preset "sh" runs nothing else",
      }
    `);
  });

  test('refuses a small plan where any task has no block', () => {
    const content = lines('## Wave 1', ...task(1, 'true'), ...task(2));
    const { message } = failureOf(() => commandLine(briefOf(content, { run: wholePlan }), placesIn(createFolder())));
    expect(message).toMatchInlineSnapshot(
      `"wave 1 task 2 "step 2": no fenced sh block, and preset "sh" runs nothing else"`,
    );
  });

  test('refuses a run of a task that the document no longer has', () => {
    const brief = briefOf(plan('true'), { run: { task: 4 } });
    expect(failureOf(() => commandLine(brief, placesIn(createFolder())))).toMatchInlineSnapshot(`
      {
        "code": "agent_unusable",
        "hint": "see what it holds: stator plan show search; if the task was taken out of the document, put it back",
        "message": "the document of plan "search" has no wave 1 task 4",
      }
    `);
  });

  test.each(['fixer', 'reviewer', 'planner'] as const)('has nothing to run for a %s', (role) => {
    const failure = failureOf(() => commandLine(briefOf(plan('true'), { run: { role } }), placesIn(createFolder())));
    expect(failure.code).toBe('agent_unusable');
    expect(failure.message).toBe(`preset "sh" runs the blocks of a task, and a ${role} has none`);
  });

  test('runs nothing of a title, a body, a name or another fence', () => {
    const evil = [
      '$(touch pwned)',
      '`touch pwned`',
      '"; touch pwned; "',
      "'; touch pwned; '",
      '\\',
      '\u2028touch pwned',
    ];
    const content = lines(
      `# ${evil.join(' ')}`,
      '**Goal:** $(touch pwned)',
      '## Wave 1: `touch pwned`',
      `### Task 1: ${evil.join(' ')} \v touch pwned`,
      ...evil,
      '```',
      'touch pwned',
      '```',
      '```bash',
      'touch pwned',
      '```',
      '```sh',
      'echo ran',
      '```',
      '**Check:** touch pwned',
    );
    const places = placesIn(createFolder());
    const project = 'a\ntouch pwned\n$(touch pwned)';
    expect(perform(briefOf(content, { project }), places)).toEqual({ code: 0, stdout: 'ran\n', stderr: '' });
    expect(perform(briefOf(content, { project, run: wholePlan }), places).stdout).toBe('ran\n');
    expect(readdirSync(places.worktree)).toEqual([]);
  });

  test('holds no line but comments, its own two words and the blocks, whatever the names are', () => {
    const nasty = fc.string({
      unit: fc.constantFrom('a', '\n', '\r', '\u2028', '\u0085', '$(x)', '`', "'", '\\', '\0', '#'),
    });
    fc.assert(
      fc.property(nasty, nasty, (project, title) => {
        const brief = briefOf(plan('block'), { project });
        const [own] = brief.document.waves[0]?.tasks ?? [];
        if (own) own.title = title;
        const script = commandLine(brief, placesOfNowhere).script ?? '';
        const others = script.split(/[\n\r\u2028\u0085]/).filter((line) => line !== '' && !line.startsWith('#'));
        expect(others).toEqual(['set -e', 'stator_block=1', 'block', 'stator_status=$?']);
      }),
    );
  });
});

test.each([
  ['sh', null],
  ['command', 'echo "$STATOR_ROLE of $STATOR_TITLE in $STATOR_TEMP_DIR"; cat; cat "$STATOR_PROMPT_FILE"'],
] as const)('%s: what is made for a run is what its wrapper starts', async (preset, program) => {
  const { folder, request, runId } = createRun('');
  const content = plan('echo "$STATOR_ROLE of $STATOR_TITLE in $STATOR_TEMP_DIR"', 'cat', 'cat "$STATOR_PROMPT_FILE"');
  const brief = briefOf(content, { profile: { preset, program } });
  const env = runEnvironment({
    ...{ base: process.env, run: brief.run, project: brief.project, plan: brief.plan, runId, folder, envFile: {} },
    ...{ home: request.cwd, socketPath: join(request.cwd, 'sock'), token: 't', binDir: join(request.cwd, 'bin') },
    ...{ preset, names: [], hasWalls: false, worktree: request.cwd, ports: { base: 20_000, slug: 'shop' } },
  });
  const places = {
    prompt: folder.prompt,
    script: folder.script,
    servers: folder.servers,
    lastMessage: join(folder.temp, 'last-message'),
    loadsProject: true,
    worktree: request.cwd,
    repo: request.cwd,
    env,
  };
  const { argv, stdin, script } = commandLine(brief, places);
  writeRunFile(folder.prompt, 'the prompt\n');
  if (script !== null) writeRunFile(folder.script, script);
  const launched = await launch({ ...request, argv, env, stdinFile: stdin === 'prompt' ? folder.prompt : null });
  if (launched.kind !== 'started') throw new Error(`not started: ${JSON.stringify(launched)}`);
  expect(await ended(folder, launched.wrapper)).toBe(0);
  const first = `coder of search-w1-t1 in ${folder.temp}\n`;
  const rest = preset === 'sh' ? 'the prompt\n' : 'the prompt\nthe prompt\n';
  expect(readFileSync(folder.log, 'utf8')).toBe(first + rest);
});

const placesOfNowhere: CommandPlaces = {
  prompt: '/n/p',
  script: '/n/s',
  servers: '/n/m',
  lastMessage: '/n/l',
  loadsProject: true,
  worktree: '/n/w',
  repo: '/n/r',
  env: {},
};

describe('command', () => {
  const profile = { preset: 'command', program: 'agent' } as const;

  function brief(program: string | null, flags: string[] = []): RunBrief {
    return briefOf(plan('true'), { profile: { preset: 'command', program, flags } });
  }

  test('starts the program with its flags as they are and the prompt on standard input', () => {
    const places = placesIn(createFolder());
    executable(join(places.repo, 'bin', 'agent'), '#!/bin/sh\nprintf "<%s>" "$@"; cat\n');
    const found = { ...places, env: { PATH: `${join(places.repo, 'bin')}:${places.env.PATH}` } };
    const evil = '$(touch pwned) `touch pwned`';
    expect(perform(brief('agent', ['--a b', evil]), found, `prompt ${evil}`)).toEqual({
      code: 0,
      stdout: `<--a b><${evil}>prompt ${evil}`,
      stderr: '',
    });
    expect(existsSync(join(places.worktree, 'pwned'))).toBe(false);
  });

  test('takes a program with blanks for a command line, with the flags behind it', () => {
    const places = placesIn(createFolder());
    expect(perform(brief('cat | tr a-z A-Z; printf "<%s>"', ['a b', '$HOME']), places, 'hello').stdout).toBe(
      'HELLO<a b><$HOME>',
    );
  });

  test.each(['{ cat; exit 4; }', 'cat; exit 4 # and end', '\n  cat\n  exit 4\n'])(
    'runs the command line %j if no flags are given',
    (program) => {
      expect(perform(brief(program), placesIn(createFolder()), 'hello')).toMatchObject({ code: 4, stdout: 'hello' });
    },
  );

  test('takes a program with blanks as the path of a file if that file exists', () => {
    const places = placesIn(createFolder());
    executable(join(places.repo, 'my tools', 'agent 1'), '#!/bin/sh\necho file\n');
    expect(perform(brief('./my tools/agent 1'), places).stdout).toBe('file\n');
  });

  test('leaves a file that is not executable to the launch, which says so', () => {
    const places = placesIn(createFolder());
    writeFileSync(join(places.repo, 'agent 1'), '#!/bin/sh\n');
    expect(commandLine(brief('./agent 1'), places).argv).toEqual([join(places.repo, 'agent 1')]);
  });

  test('looks for a path in the main folder, and never in the worktree', () => {
    const places = placesIn(createFolder());
    executable(join(places.worktree, 'scripts', 'agent.sh'), '#!/bin/sh\necho worktree\n');
    expect(commandLine(brief('scripts/agent.sh'), places).argv).toEqual([join(places.repo, 'scripts', 'agent.sh')]);
    executable(join(places.repo, 'scripts', 'agent.sh'), '#!/bin/sh\necho repo $1\n');
    expect(perform(brief('scripts/agent.sh'), places).stdout).toBe('repo\n');
    expect(perform(brief('scripts/agent.sh --strict'), places).stdout).toBe('repo --strict\n');
    expect(commandLine(brief('scripts/agent.sh --strict'), places).files).toEqual([
      join(places.repo, 'scripts', 'agent.sh'),
    ]);
  });

  /** A reviewer whose script rejects in the main folder, and accepts in the branch. */
  function judge(program: string, flags: readonly string[] = []) {
    const places = placesIn(createFolder());
    const own = join(places.repo, 'scripts', 'review.sh');
    executable(own, '#!/bin/sh\necho "not good $1"\nexit 1\n');
    executable(join(places.worktree, 'scripts', 'review.sh'), '#!/bin/sh\nexit 0\n');
    writeFileSync(join(places.worktree, 'own.sh'), 'exit 0\n');
    const run = { ...wholePlan, role: 'reviewer' } as const;
    return { own, places, brief: briefOf(plan('true'), { run, profile: { preset: 'command', program, flags } }) };
  }

  test.each([
    ['./scripts/review.sh', []],
    ['./scripts/review.sh --strict', []],
    ['sh scripts/review.sh', []],
    ['sh "scripts/review.sh"', []],
    ["sh -c '. ./scripts/review.sh'", []],
    ['sh', ['scripts/review.sh']],
    ['sh', ['-c', 'sh scripts/review.sh']],
    ['STRICT=1 exec sh scripts/review.sh --strict', []],
  ])('runs the script of a judge that %j and the flags %j name as the main folder has it', (program, flags) => {
    const { own, places, brief } = judge(program, flags);
    expect(perform(brief, places)).toMatchObject({ code: 1, stdout: expect.stringContaining('not good') });
    // Inside of walls a run sees these files.
    const { argv, files } = commandLine(brief, places);
    expect([argv[0], ...(files ?? [])]).toContain(own);
  });

  test.each([
    'npm run review',
    'pytest -q',
    'make',
    'cd scripts && ./review.sh',
    'sh "$PWD/scripts/review.sh"',
    'sh scripts/*.sh',
    'python3 -m review',
    'sh own.sh',
    'node scripts',
  ])('refuses a judge that runs what the branch says: %s', (program) => {
    const { places, brief } = judge(program);
    const failure = failureOf(() => commandLine(brief, places));
    expect(failure).toMatchObject({
      code: 'agent_unusable',
      message: expect.stringContaining('who wrote the branch would judge it'),
      hint: expect.stringContaining('trusted_files = '),
    });
  });

  test('keeps the name of a program that is nowhere, for the launch to tell', () => {
    const line = commandLine(brief('no-such-agent', ['-x']), placesIn(createFolder()));
    expect(line).toEqual({ argv: ['no-such-agent', '-x'], stdin: 'prompt', script: null, files: [] });
  });

  test.each([null, '', '  '])('refuses to start without a program (%j)', (program) => {
    const failure = failureOf(() => commandLine(brief(program), placesIn(createFolder())));
    expectError(failure, 'agent_unusable', '[agents.coder]\npreset = "command"\nprogram = ');
  });

  test.each(['planner', 'architect', 'reviewer', 'fixer', 'verifier', 'session'] as const)('plays a %s', (role) => {
    const played = briefOf(plan('true'), { run: { ...wholePlan, role }, profile });
    expect(commandLine(played, placesIn(createFolder())).stdin).toBe('prompt');
  });
});
