/**
 * README.md, typed from top to bottom into a terminal of 80x24: in a fresh clone of this working tree, with `stator` on PATH as `npm link` would put it there
 * and a scripted `claude`. Each command of each `sh` block is typed unchanged, and the output that the README shows is looked for. It takes as long as two
 * plans do.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { git } from '../support/ground.ts';
import { fakePrograms } from '../support/program.ts';
import { openPty, type Pty } from '../support/pty.ts';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** What is not typed, and why. */
const notTyped: Readonly<Record<string, string>> = {
  'git clone <the address of this repository> stator && cd stator': 'the clone stands there already',
  'npm ci': 'node_modules and dist of the working tree stand in the clone, which is what it makes, without a network',
  'npm test': 'these are the tests',
  'npm link': 'it writes into the folder of global packages; a link in a folder on PATH is what it comes to',
};

interface Shell {
  readonly pty: Pty;
  /** Types a line and waits for the next prompt. `keys`: what is typed when that text is shown. */
  run(
    line: string,
    keys?: readonly (readonly [wanted: string | RegExp, keys: string])[],
  ): Promise<{ code: number; text: string }>;
}

interface Stage {
  readonly home: string;
  /** The clone; the repo of the first plan; the one that the daemon is given. */
  readonly clone: string;
  readonly repo: string;
  readonly shop: string;
  readonly env: NodeJS.ProcessEnv;
}

let stage: Stage;

beforeAll(() => {
  const home = mkdtempSync(join(tmpdir(), 'readme-'));
  const bin = join(home, 'bin');
  const clone = freshClone(join(home, 'clone'));
  mkdirSync(bin);
  mkdirSync(join(home, 'run'));
  symlinkSync(join(clone, 'dist/bin/stator.js'), join(bin, 'stator'));
  const scenario = join(home, 'scenario.json');
  const fakes = fakePrograms(home, { FAKE_SCENARIO: scenario, FAKE_RECORD: join(home, 'calls.jsonl') });
  symlinkSync(join(fakes, 'claude'), join(bin, 'claude'));
  writeFileSync(scenario, JSON.stringify(parts));
  writeFileSync(
    join(home, '.gitconfig'),
    '[user]\nname = Ada\nemail = ada@example.com\n[init]\ndefaultBranch = main\n',
  );
  const env = {
    HOME: home,
    PATH: [bin, dirname(process.execPath), '/usr/bin', '/bin'].join(':'),
    STATOR_HOME: join(home, '.config/stator'),
    XDG_RUNTIME_DIR: join(home, 'run'),
    TMPDIR: home,
    LANG: 'C.UTF-8',
    STATOR_SANDBOX: 'off',
    // As root claude would not start without walls.
    IS_SANDBOX: '1',
    PS1: '<\\#:$?> ',
    npm_config_update_notifier: 'false',
  };
  const repo = repository(join(home, 'greeter'), {
    'package.json': '{ "type": "module", "scripts": { "test": "node test.js" } }\n',
    'test.js':
      "import { readdirSync } from 'node:fs';\nprocess.exit(readdirSync('src').some((name) => name.startsWith(process.argv[2])) ? 0 : 1);\n",
    'src/index.ts': '',
  });
  const shop = repository(join(home, 'src/shop'), {
    '.stator/config.toml': '[agents.default]\npreset = "claude"\n',
    'docs/login.md': '# Login\n\n## Wave 1\n\n### Task 1: The form\nA form for name and password.\n',
  });
  stage = { home, clone, repo, shop, env };
});

afterAll(() => {
  const { env, home, clone } = stage;
  // Where the test did not come as far as the daemon there is none.
  spawnSync('stator', ['daemon', 'stop', '--agents'], { env, cwd: clone, stdio: 'ignore' });
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
});

const approves = [[{ signal: ['review_approved'] }]];
/** What the agents do. */
const parts = {
  'greeting-w1-t1': [[{ write: { 'src/texts.ts': 'export const texts = {};\n' } }, { say: 'Five languages are in.' }]],
  'greeting-w1-t2': [[{ write: { 'src/page.ts': 'export const page = 1;\n' } }]],
  'greeting-w2-t1': [[{ write: { 'src/main.ts': 'export const main = 1;\n' } }]],
  'greeting-review-1': approves,
  'login-coder': [[{ write: { 'login.html': '<form></form>\n' } }]],
  'login-review-1': approves,
};

function freshClone(folder: string): string {
  git(root, 'clone', '-q', root, folder);
  const names = (...flags: string[]) =>
    git(root, 'ls-files', '-z', ...flags)
      .split('\0')
      .filter((name) => name !== '');
  for (const name of names('-d')) rmSync(join(folder, name));
  const gone = new Set(names('-d'));
  for (const name of names('-m', '-o', '--exclude-standard').filter((candidate) => !gone.has(candidate))) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    cpSync(join(root, name), join(folder, name));
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  chmodSync(join(folder, 'dist/bin/stator.js'), 0o755);
  return folder;
}

function repository(folder: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  git(folder, 'init', '-q', '-b', 'main');
  git(folder, 'config', 'user.name', 'Ada');
  git(folder, 'config', 'user.email', 'ada@example.com');
  git(folder, 'add', '-A');
  git(folder, 'commit', '-qm', 'begin');
  return folder;
}

function openShell(cwd: string): Shell {
  const pty = openPty('bash', ['--norc', '--noprofile', '-i'], { cwd, env: stage.env });
  let count = 1;
  return {
    pty,
    async run(line, keys = []) {
      const prompt = `<${count}:`;
      await pty.until(prompt);
      pty.type(`${line}\r`);
      for (const [wanted, typed] of keys) {
        await pty.until(wanted);
        pty.type(typed);
      }
      count += 1;
      const next = new RegExp(`<${count}:(\\d+)> ?$`, 'm');
      await pty.until(next);
      const text = pty.text();
      const begin = text.lastIndexOf(prompt);
      const end = text.search(next);
      return { code: Number(next.exec(text)?.[1]), text: text.slice(text.indexOf('\n', begin) + 1, end) };
    },
  };
}

interface Typed {
  readonly where: 'clone' | 'repo' | 'shop';
  readonly keys?: readonly (readonly [wanted: string | RegExp, keys: string])[];
  /** Default 0. */
  readonly code?: number;
  /** What the README promises of it. */
  readonly shows: readonly (string | RegExp)[];
  /** Before it is typed, and after it has ended. */
  before?(): void;
  after?(): Promise<void> | void;
}

const inRepo = (file: string) => existsSync(join(stage.repo, file));

/** Every line of the README's `sh` blocks that is typed, in its order. */
const lines: Readonly<Record<string, Typed>> = {
  'npm run demo': {
    where: 'clone',
    shows: [/5 ?\/ ?5 tasks|5\/5/, /wave 2/, 'the review asks for changes', 'the review approves'],
  },
  'stator init': {
    where: 'repo',
    keys: [['the tools of stator (MCP)?', '\r']],
    shows: ['agent: claude', 'written: '],
    after: () => expect(inRepo('.stator/config.toml')).toBe(true),
  },
  'stator run greeting.md --trust': {
    where: 'repo',
    before: () => writeFileSync(join(stage.repo, 'greeting.md'), planOfReadme()),
    shows: [
      'wave 2 task 1 done',
      'the review approves',
      'greeting is done',
      /took .*tokens in/,
      'stator plan merge greeting',
    ],
    // "Your checkout is yours."
    after: () => expect(inRepo('src/page.ts')).toBe(false),
  },
  'stator plan merge greeting': {
    where: 'repo',
    keys: [['do it?', 'y\r']],
    shows: [/main/],
    after: () => expect(['src/texts.ts', 'src/page.ts', 'src/main.ts'].every(inRepo)).toBe(true),
  },
  'stator daemon start': { where: 'clone', shows: [/daemon/] },
  'stator repo add ~/src/shop': {
    where: 'clone',
    keys: [['let it act?', 'y\r']],
    shows: ['added shop'],
  },
  'cd ~/src/shop': { where: 'shop', shows: [] },
  'stator plan register docs/login.md --start': { where: 'shop', shows: ['login'] },
  'stator status': { where: 'repo', shows: [/plan/] },
  'stator monitor': { where: 'repo', keys: [[/^at rest \(\d+\)$/m, 'q']], shows: [] },
  'stator plan show greeting': {
    where: 'repo',
    shows: [/✓ 1 The texts/, /✓ wave 2/, /took +\d runs, .*tokens in, .* out, \$/, /greeting-review-1/],
  },
  'stator plan explain greeting': { where: 'repo', shows: [/waits for +nothing/, 'would take'] },
  'stator agent logs greeting-w1-t1 -f': { where: 'repo', shows: ['Five languages are in.'] },
  'stator plan history greeting': { where: 'repo', shows: ['by a person', 'the review approves'] },
};

/** The markdown block after the words that name the file. */
function planOfReadme(): string {
  const found = /in `greeting\.md`:\n\n```markdown\n([\s\S]*?)```/.exec(readme)?.[1];
  if (found === undefined) throw new Error('the README has no plan in `greeting.md` any more');
  return found;
}

/** The lines of the `sh` blocks, without what is explained behind them. */
function commandsOfReadme(): string[] {
  const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  return blocks.flatMap((block) => block.split('\n').filter((line) => line.trim() !== ''));
}

function withoutComment(line: string): string {
  return line.replace(/\s+#.*$/, '').trim();
}

it('every line of the README is typed, or it is said why not', () => {
  const commands = commandsOfReadme()
    .map(withoutComment)
    .filter((line) => !(line in notTyped));
  expect(commands).toEqual(Object.keys(lines));
});

it('the README is true, from its first command to its last', async () => {
  const shells = new Map<string, Shell>();
  for (const line of commandsOfReadme()) {
    if (withoutComment(line) in notTyped) continue;
    const told = lines[withoutComment(line)];
    if (told === undefined) throw new Error(`nothing is said of: ${line}`);
    const shell = shells.get(told.where) ?? openShell(stage[told.where]);
    shells.set(told.where, shell);
    told.before?.();
    const { code, text } = await shell.run(line, told.keys);
    expect(code, `${line}\n${text}`).toBe(told.code ?? 0);
    for (const wanted of told.shows) expect(text, line).toMatch(wanted);
    await told.after?.();
  }
  // "For plans that go on by themselves": the daemon took the second one to its end while nobody watched.
  const shop = shells.get('shop');
  await expect.poll(async () => (await shop?.run('stator plan list'))?.text).toMatch(/login +done/);
});
