/** What an agent finds around it: its environment, its env file, and the stator on its PATH. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { envFileLimitBytes, envValueLimitBytes, parseEnv, readEnvFile } from '../../runtime/work/agents/env-file.ts';
import { type RunContext, runEnvironment } from '../../runtime/work/agents/environment.ts';
import { ensureLauncher } from '../../runtime/work/agents/launcher.ts';
import { gitLocalVariables } from '../../runtime/work/git/local-variables.ts';
import { createFolder, failureOf, lines } from '../support/agent.ts';
import { hangMs } from '../support/hang.ts';
import { expectError, expectProse } from '../support/prose.ts';

const builtReader = join(import.meta.dirname, '../../dist/runtime/work/agents/env-file.js');

function context(more: Partial<RunContext> = {}): RunContext {
  return {
    base: { PATH: '/usr/bin:/bin', HOME: '/home/me' },
    run: { title: 'search-w1-t2', role: 'coder', attempt: 2, wave: 1, task: 2 },
    project: 'shop',
    plan: 'search',
    runId: 'plan:shop/search/wave-1.1/task-2/agent#3',
    home: '/home/me/.config/stator',
    socketPath: '/run/stator.sock',
    token: 'secret',
    folder: { prompt: '/runs/r/prompt', temp: '/runs/r/tmp' },
    worktree: '/home/me/shop/.worktrees/search-w1-t2',
    ports: { base: 20_040, slug: 'shop_search_w1_t2_0a1b2c3d' },
    binDir: '/home/me/.config/stator/bin',
    envFile: {},
    preset: 'command',
    names: [],
    hasWalls: false,
    ...more,
  };
}

describe('the environment of a run', () => {
  test('tells the agent who it is, and how to reach the engine', () => {
    expect(runEnvironment(context())).toMatchInlineSnapshot(`
      {
        "GIT_CEILING_DIRECTORIES": "/home/me/shop/.worktrees",
        "HOME": "/home/me",
        "PATH": "/home/me/.config/stator/bin:/usr/bin:/bin",
        "STATOR": "1",
        "STATOR_ATTEMPT": "2",
        "STATOR_HOME": "/home/me/.config/stator",
        "STATOR_PLAN": "search",
        "STATOR_PORT_BASE": "20040",
        "STATOR_PROJECT": "shop",
        "STATOR_PROMPT_FILE": "/runs/r/prompt",
        "STATOR_ROLE": "coder",
        "STATOR_RUN": "plan:shop/search/wave-1.1/task-2/agent#3",
        "STATOR_SLUG": "shop_search_w1_t2_0a1b2c3d",
        "STATOR_SOCKET": "/run/stator.sock",
        "STATOR_TASK": "2",
        "STATOR_TEMP_DIR": "/runs/r/tmp",
        "STATOR_TITLE": "search-w1-t2",
        "STATOR_TOKEN": "secret",
        "STATOR_WAVE": "1",
        "TMPDIR": "/runs/r/tmp",
      }
    `);
  });

  test('has an empty wave and task where the run has none, so that a strict script may ask', () => {
    const run = { title: 'search-coder', role: 'coder', attempt: 1, wave: null, task: null } as const;
    const env = runEnvironment(context({ run }));
    const asked = spawnSync('/bin/sh', ['-uc', 'echo "[$STATOR_WAVE$STATOR_TASK]"'], { env, encoding: 'utf8' });
    expect(asked.stdout).toBe('[]\n');
  });

  test("has what is listed of the user's own, and nothing of another run or of a git hook, also where that is named", () => {
    const base = {
      LANG: 'de_DE.UTF-8',
      LC_ALL: 'C',
      https_proxy: 'http://proxy.example',
      GIT_AUTHOR_NAME: 'Me',
      SSH_AUTH_SOCK: '/run/agent',
      GITHUB_TOKEN: 'secret',
      LD_PRELOAD: '/x.so',
      NODE_OPTIONS: '--require /x.js',
      ANTHROPIC_API_KEY: 'secret',
      DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/bus',
      npm_config_registry: 'https://mirror.example',
      GIT_DIR: '/elsewhere/.git',
      GIT_INDEX_FILE: '/elsewhere/.git/index',
      STATOR: '1',
      STATOR_TASK: '9',
      STATOR_WHATEVER: 'x',
      gone: undefined,
    };
    const run = { title: 't', role: 'reviewer', attempt: 1, wave: null, task: null } as const;
    const own = (names: readonly string[]) => {
      const env = runEnvironment(context({ base, run, names }));
      return Object.keys(env).filter((name) => Object.hasOwn(base, name) && !name.startsWith('STATOR'));
    };
    expect(own([])).toEqual(['LANG', 'LC_ALL', 'https_proxy', 'GIT_AUTHOR_NAME']);
    const named = own(['SSH_AUTH_SOCK', 'NODE_OPTIONS', 'GIT_DIR', 'STATOR_WHATEVER', 'absent']);
    expect(named).toEqual(['LANG', 'LC_ALL', 'https_proxy', 'GIT_AUTHOR_NAME', 'SSH_AUTH_SOCK', 'NODE_OPTIONS']);
  });

  test('has each variable that docs/agents.md names', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/agents.md'), 'utf8');
    const [, list = ''] =
      /gets these variables of the engine's own environment.*?\n\n(.*?)\n- the variables that its program/s.exec(
        page,
      ) ?? [];
    const names = [...list.matchAll(/`([A-Za-z_… ]+)`/g)].flatMap(([, some = '']) => some.split(' '));
    expect(names.length).toBeGreaterThan(20);
    for (const name of names.map((each) => each.replace('XDG_…', 'XDG_CACHE').replace(/_…$/, '_NAME'))) {
      const env = runEnvironment(context({ base: { [name]: 'x' } }));
      expect(env, name).toHaveProperty(name);
    }
  });

  test.each([
    ['claude', ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN']],
    ['codex', ['OPENAI_API_KEY', 'CODEX_HOME']],
    ['gemini', ['GEMINI_API_KEY']],
    ['opencode', ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY']],
    ['sh', []],
    ['command', []],
  ] as const)('gives %s only the keys that its program documents', (preset, expected) => {
    const names = ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN', 'OPENAI_API_KEY', 'CODEX_HOME', 'GEMINI_API_KEY'];
    const base = Object.fromEntries([...names, 'CLAUDECODE', 'AWS_SECRET_ACCESS_KEY'].map((name) => [name, 'x']));
    const env = runEnvironment(context({ base, preset }));
    expect(Object.keys(env).filter((name) => Object.hasOwn(base, name))).toEqual(expected);
  });

  test("knows git's settings outside of walls, and inside only who commits", () => {
    const base = { GIT_CONFIG_GLOBAL: '/home/me/.gitconfig', EMAIL: 'me@example.com' };
    expect(runEnvironment(context({ base }))).toMatchObject(base);
    const inside = runEnvironment(context({ base, hasWalls: true }));
    expect(inside).toMatchObject({ EMAIL: 'me@example.com', STATOR_SANDBOX: 'bwrap' });
    expect(inside).not.toHaveProperty('GIT_CONFIG_GLOBAL');
  });

  test('knows every variable that this git calls local to a repository', () => {
    const listed = execFileSync('git', ['rev-parse', '--local-env-vars'], { encoding: 'utf8' }).trim().split('\n');
    expect(listed.filter((name) => !gitLocalVariables.has(name))).toEqual([]);
  });

  test.each([
    ['/usr/bin', '/home/me/.config/stator/bin:/usr/bin'],
    ['/usr/bin:/home/me/.config/stator/bin:/bin', '/home/me/.config/stator/bin:/usr/bin:/bin'],
    [undefined, '/home/me/.config/stator/bin:/usr/local/bin:/usr/bin:/bin'],
    ['', '/home/me/.config/stator/bin:/usr/local/bin:/usr/bin:/bin'],
  ])('puts the own stator first on PATH %j, once', (path, expected) => {
    expect(runEnvironment(context({ base: { PATH: path } })).PATH).toBe(expected);
  });

  test('takes the env file before the user, and the engine before both', () => {
    const envFile = { LANG: 'C', PATH: '/opt/bin', TMPDIR: '/elsewhere', API_KEY: 'k' };
    const env = runEnvironment(context({ base: { LANG: 'de' }, envFile }));
    expect(env).toMatchObject({
      LANG: 'C',
      API_KEY: 'k',
      PATH: '/home/me/.config/stator/bin:/opt/bin',
      TMPDIR: '/runs/r/tmp',
    });
  });

  test('refuses a variable that no program could be given', () => {
    const long = failureOf(() => runEnvironment(context({ names: ['BIG'], base: { BIG: 'x'.repeat(128 * 1024) } })));
    expect(long).toMatchInlineSnapshot(`
      {
        "code": "agent_unusable",
        "hint": "unset BIG where stator is started, or take it out of the env file; a program can read long values from a file",
        "message": "the environment variable BIG has 131077 bytes; at most 131072 can be passed",
      }
    `);
    expect(failureOf(() => runEnvironment(context({ project: 'a\0b' }))).message).toBe(
      'the environment variable STATOR_PROJECT holds a NUL',
    );
    const longest = { BIG: 'x'.repeat(128 * 1024 - 'BIG='.length - 1) };
    const env = runEnvironment(context({ names: ['BIG'], base: { PATH: process.env.PATH, ...longest } }));
    expect(spawnSync('true', { env }).status).toBe(0);
  });
});

describe('an env file', () => {
  test('is read as shells and dotenv programs write it', () => {
    const text = lines(
      '# keys',
      '',
      'PLAIN=value',
      '  export EXPORTED=yes',
      'SPACED = a b # a comment',
      'HASH=a#b',
      'EMPTY=',
      'ONLY_COMMENT= # nothing',
      'SINGLE=\'a "b" \\n #c\' # a comment',
      'DOUBLE="a \'b\'\\n\\"c\\" \\\\ \\$HOME"',
      'EQUALS=a=b==',
      'PEM="-----BEGIN',
      'abc',
      '-----END"',
      'TWICE=1',
      'TWICE=2',
    );
    expect(parseEnv(text)).toEqual({
      variables: {
        PLAIN: 'value',
        EXPORTED: 'yes',
        SPACED: 'a b',
        HASH: 'a#b',
        EMPTY: '',
        ONLY_COMMENT: '',
        SINGLE: 'a "b" \\n #c',
        DOUBLE: 'a \'b\'\n"c" \\ $HOME',
        EQUALS: 'a=b==',
        PEM: '-----BEGIN\nabc\n-----END',
        TWICE: '2',
      },
      problems: [],
      doubts: [],
    });
    expect(parseEnv(`\uFEFF${text.replaceAll('\n', '\r\n')}`)).toEqual(parseEnv(text));
  });

  test('says of a $ that nothing is expanded', () => {
    const { variables, doubts } = parseEnv(lines('A=$HOME/x', 'B="$(c)"', "D='$HOME'", 'E="\\$HOME"', 'F=5$'));
    expect(variables).toMatchObject({ A: '$HOME/x', B: '$(c)', D: '$HOME', E: '$HOME', F: '5$' });
    expect(doubts.map(({ line }) => line)).toEqual([1, 2]);
  });

  test('names every problem with its line, and no value', () => {
    const folder = createFolder();
    const text = lines(
      'GOOD=1',
      'no assignment hunter2',
      '1ST=hunter2',
      'QUOTED="hunter2" hunter2',
      'STATOR_TOKEN=hunter2',
      `LONG=${'x'.repeat(envValueLimitBytes + 1)}`,
      'NUL=hunter2\0',
      "OPEN='hunter2",
      'AFTER=1',
    );
    writeFileSync(join(folder, '.env'), text, { mode: 0o600 });
    const failure = failureOf(() => readEnvFile('.env', folder));
    expect({
      ...failure,
      message: failure.message.replaceAll(folder, ''),
      hint: failure.hint.replaceAll(folder, ''),
    }).toMatchInlineSnapshot(`
      {
        "code": "agent_unusable",
        "hint": "correct /.env: lines NAME=VALUE, in quotes where the value has blanks or #",
        "message": "the env file /.env: line 2: expected NAME=VALUE, the name of letters, digits and _; line 3: expected NAME=VALUE, the name of letters, digits and _; line 4: QUOTED: there is more after the closing quote; line 5: STATOR_TOKEN is set by stator itself; take the line out; line 6: LONG has 65537 bytes; at most 65536 fit, put it into a file and name the file; line 7: NUL holds a NUL, which no environment can carry; line 8: OPEN: the quote ' is never closed",
      }
    `);
    expect(`${failure.message}${failure.hint}`).not.toContain('hunter2');
  });

  test('gives a warning where others may read it', () => {
    const folder = createFolder();
    const path = join(folder, '.env');
    writeFileSync(path, 'A=1\n');
    chmodSync(path, 0o600);
    expect(readEnvFile('.env', folder)).toEqual({ path, variables: { A: '1' }, warnings: [] });
    chmodSync(path, 0o640);
    expectProse(readEnvFile('.env', folder).warnings.join('\n'), `chmod go-rwx ${path}`);
    chmodSync(path, 0o644);
    expectProse(readEnvFile(path, '/elsewhere').warnings.join('\n'), `chmod go-rwx ${path}`);
  });

  test.each(['PATH', 'Npm_config_x', 'CLAUDE_CONFIG_DIR', 'KUBECONFIG', 'CARGO_HOME'])(
    'of the repository may not set %s, also where a link outside leads to it',
    (name) => {
      const [repo, outside] = [createFolder(), createFolder()];
      writeFileSync(join(repo, '.env'), `${name}=x\n`, { mode: 0o600 });
      symlinkSync(join(repo, '.env'), join(outside, 'own.env'));
      for (const file of ['.env', join(outside, 'own.env')])
        expect(failureOf(() => readEnvFile(file, repo))).toMatchObject({
          code: 'bad_config',
          message: expect.stringContaining(name),
        });
      expect(readEnvFile(join(repo, '.env'), outside).variables).toEqual({ [name]: 'x' });
    },
  );

  test('that is missing, no file, too large or not UTF-8 stops the run', () => {
    const folder = createFolder();
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'large'), Buffer.alloc(envFileLimitBytes + 1, 'a'));
    writeFileSync(join(folder, 'latin'), Buffer.from([0x41, 0x3d, 0xe9, 0x0a]));
    const said = ['missing', 'folder', 'large', 'latin'].map((name) => failureOf(() => readEnvFile(name, folder)));
    expect(new Set(said.map(({ code }) => code))).toEqual(new Set(['agent_unusable']));
    expect(said.map(({ message, hint }) => `${message}; ${hint}`.replaceAll(folder, ''))).toMatchInlineSnapshot(`
      [
        "the env file /missing does not exist; make it, closed to others (0600), or take env_file out of the agents in the config",
        "the env file /folder is no regular file; name a file of NAME=VALUE lines",
        "the env file /large has 262145 bytes; at most 262144 are read; is it the right file?",
        "the env file /latin is not UTF-8 text; save it as UTF-8",
      ]
    `);
  });

  test.runIf(process.getuid?.() === 0)('of another user outside of the repository is not read', () => {
    const path = join(createFolder(), 'own.env');
    writeFileSync(path, 'A=1\n', { mode: 0o600 });
    chownSync(path, 65_534, 65_534);
    expect(failureOf(() => readEnvFile(path, '/elsewhere')).message).toBe(
      `the env file ${path} belongs to another user`,
    );
  });

  test('that is a named pipe keeps nobody waiting', () => {
    const path = join(createFolder(), 'pipe.env');
    execFileSync('mkfifo', ['-m', '600', path]);
    const reader = `import { readEnvFile } from ${JSON.stringify(builtReader)}; readEnvFile(process.argv[1], '/elsewhere');`;
    const args = ['--input-type=module', '-e', reader, path];
    const read = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: hangMs });
    expect(read.stderr).toContain(`${path} is no regular file`);
  });

  test('in single quotes means what a shell makes of it', () => {
    const value = fc.string({ unit: fc.constantFrom('a', ' ', '"', '\\', '$', '`', '#', '\n', '=', 'ü') });
    fc.assert(
      fc.property(value, (text) => {
        const source = `export A='${text}'\n`;
        const shell = spawnSync('/bin/sh', ['-c', `${source}printf %s "$A"`], { encoding: 'utf8', env: {} });
        expect(parseEnv(source).variables).toEqual({ A: shell.stdout });
      }),
      { numRuns: 50 },
    );
  });

  test('never breaks its reader, and a hostile one is read quickly', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseEnv(text);
      }),
    );
    // What is not linear does not end before the test's limit.
    expect(parseEnv(`${'A="\n'.repeat(1)}${'B=\'\n"x\n'.repeat(40_000)}`).problems.length).toBeLessThanOrEqual(100);
    parseEnv(`A=${' '.repeat(200_000)}`);
    parseEnv(`A="${'\\'.repeat(200_000)}`);
  });
});

describe('the stator on the PATH of agents', () => {
  test('is this installation under this Node, and private', () => {
    const home = createFolder();
    const folder = ensureLauncher(home);
    expect(folder).toBe(join(home, 'bin'));
    const file = join(folder, 'stator');
    expect(statSync(file).mode & 0o777).toBe(0o700);
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(`exec ${process.execPath} `);
    expect(text).toMatch(/\/dist\/bin\/stator\.js "\$@"\n$/);
    expect(spawnSync('/bin/sh', ['-n', file]).status).toBe(0);
  });

  test('is written again only where it differs', () => {
    const home = createFolder();
    const file = join(ensureLauncher(home), 'stator');
    const first = statSync(file);
    ensureLauncher(home);
    expect(statSync(file).ino).toBe(first.ino);
    expect(statSync(file).mtimeMs).toBe(first.mtimeMs);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, '#!/bin/sh\necho older\n');
    chmodSync(file, 0o644);
    ensureLauncher(home);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(statSync(file).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(home, 'bin'))).toEqual(['stator']);
  });

  test('says what is in its way', () => {
    const home = createFolder();
    writeFileSync(join(home, 'bin'), 'a file');
    const failure = failureOf(() => ensureLauncher(home));
    expectError(failure, 'home_unusable', join(home, 'bin'));
  });
});
