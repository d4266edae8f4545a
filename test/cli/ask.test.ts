/** The questions of verbs, on a real terminal: what each key says, and that nothing waits for ever. */
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { planOf, type Terminal, terminal, working } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';
import { openPty, type Pty } from '../support/pty.ts';

const dist = join(import.meta.dirname, '../../dist');
const main = join(dist, 'bin/stator.js');
const open = (made: Terminal, ...args: string[]): Pty =>
  openPty(process.execPath, [main, ...args], { cwd: made.repo, env: made.env, columns: 200 });

/** One question after the other, each answered by the key that it is about; the answers as lines. */
async function answers(ask: string, keys: readonly string[]): Promise<string[]> {
  const script = `
    import { confirm, choose } from ${JSON.stringify(pathToFileURL(join(dist, 'cli/sure.js')).href)};
    const { stdin, stdout, stderr } = process;
    for (let at = 0; at < ${keys.length}; at += 1)
      console.log('answer', at, await (${ask})({ stdin, out: { stdout, stderr } }, 'question ' + at + '?').catch(({ code }) => code));
    process.exit();`;
  const { cwd, env } = { cwd: tmpdir(), env: process.env };
  const pty = openPty(process.execPath, ['--input-type=module', '-e', script], { cwd, env, columns: 200 });
  for (const [at, key] of keys.entries()) {
    await pty.until(new RegExp(`question ${at}\\?(.|\n)*(Yes / . No|three)`));
    pty.type(key);
    await pty.until(`answer ${at} `);
  }
  expect(await pty.ended).toBe(0);
  return [...pty.text().matchAll(/^answer \d+ (.*)$/gm)].map(([, answer = '']) => answer);
}

describe('a question', () => {
  it('is answered with yes by y alone, and with no by n, Enter, Ctrl-D and Escape; Ctrl-C interrupts', async () => {
    expect(await answers('confirm', ['y', 'n', '\r', '\x04', '\x1b', '\x03'])).toEqual([
      'true',
      ...Array(4).fill('false'),
      'interrupted',
    ]);
  });

  it('of several words takes the one that is chosen with the arrows, and the first one where none is', async () => {
    const ask = "(call, question) => choose(call, question, ['one', 'two', 'three'])";
    expect(await answers(ask, ['\x1b[B\r', '\r', '\x04', '\x03'])).toEqual(['two', 'one', 'one', 'interrupted']);
  });
});

it('plan delete keeps the plan at n, ends with 130 at Ctrl-C, and deletes at y', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  await made.stator(['plan', 'register', 'p.md', '--trust']);
  const lasts: (string | undefined)[] = [];
  for (const [key, code, left] of [
    ['n', 1, 1],
    ['\x03', 130, 1],
    ['y', 0, 0],
  ] as const) {
    const pty = open(made, 'plan', 'delete', 'p');
    await pty.until(/delete demo\/p\?(.|\n)*Yes \/ . No/);
    pty.type(key);
    expect(await pty.ended).toBe(code);
    expect(JSON.parse((await made.stator(['plan', 'list', '--json'])).stdout)).toHaveLength(left);
    lasts.push(pty.text().split('\n').at(-1));
  }
  expectProse(`${lasts[2]}\n${lasts[0]}`, 'demo/p');
});

describe('plan delete of a plan that has left something', () => {
  const left = () => `${git(made.repo, 'worktree', 'list').split('\n').length - 1} ${git(made.repo, 'branch')}`;
  let made: Terminal;

  async function begun(): Promise<Pty> {
    made = working();
    made.write('p.md', planOf(['echo 1 >one', 'echo 2 >two; exit 1']));
    await made.stator(['run', 'p.md', '--trust']);
    await made.stator(['plan', 'cancel', 'p']);
    made.write('.worktrees/plan-p/later', 'written by hand\n');
    const pty = open(made, 'plan', 'delete', 'p');
    await pty.until(/delete demo\/p\?(.|\n)*Yes \/ . No/);
    pty.type('y');
    await pty.until(/what shall become of them\?(.|\n)*keep them(.|\n)*branches/);
    return pty;
  }

  it('keeps it at Enter, and says so', async () => {
    const pty = await begun();
    const before = left();
    pty.type('\r');
    expect(await pty.ended).toBe(0);
    expectProse(pty.text().slice(pty.text().search(/^deleted /m)), '/.worktrees/plan-p: ', 'branch plan/p');
    expect(left()).toBe(before);
  });

  it('deletes the worktrees alone where that is said: the branches stay', async () => {
    const pty = await begun();
    pty.type('\x1b[B\r');
    await pty.until(/uncommitted work(.|\n)*all the same\?(.|\n)*Yes \/ . No/);
    pty.type('y');
    await pty.ended;
    expect(left()).toMatch(/^0 (.|\n)* plan\/p$/m);
  });

  it('asks of what would be lost by itself: n deletes nothing, and a flag answers for y', async () => {
    const pty = await begun();
    const before = left();
    pty.type('\x1b[B\x1b[B\r');
    await pty.until(/uncommitted work(.|\n)*all the same\?(.|\n)*Yes \/ . No/);
    pty.type('n');
    expect(await pty.ended).toBe(1);
    expect(left()).toBe(before);
    const again = open(made, 'plan', 'delete', 'p', '--branches', '--even-if-uncommitted');
    await again.until(/delete demo\/p\?(.|\n)*Yes \/ . No/);
    again.type('y');
    expect(await again.ended).toBe(0);
    expect(left()).toBe('0 * main');
  });
});

describe('run', () => {
  it('of a repo that nobody trusts is refused at Enter, ends with 130 at Ctrl-C, and goes on at y', async () => {
    const made = working();
    made.write('p.md', planOf(['true']));
    const asked = async (key: string) => {
      const pty = open(made, 'run', 'p.md');
      await pty.until(/let it act\?(.|\n)*Yes \/ . No/);
      pty.type(key);
      return { code: await pty.ended, text: pty.text() };
    };
    const { code, text } = await asked('\r');
    expect(code).toBe(1);
    expectRefusal(text, 'demo');
    expect((await asked('\x03')).code).toBe(130);
    expect(await asked('y')).toMatchObject({ code: 0, text: expect.stringContaining('stator plan merge p') });
  });

  it('is not asked where its output goes into a pipe: it is shown what starts, and refused', async () => {
    const made = working();
    made.write('p.md', planOf(['true']));
    const pty = openPty('/bin/sh', ['-c', `"$0" "$1" run p.md | cat`, process.execPath, main], {
      cwd: made.repo,
      env: made.env,
    });
    await pty.until('--trust=');
    expect(pty.written()).not.toContain('\x1b[?25l');
  });
});

describe('init', () => {
  /** `tools`: what is typed at the second question. */
  async function asked(
    keys: string,
    { size = '', tools = '\r' } = {},
  ): Promise<{ code: number; config: string | null; text: string }> {
    const made = terminal();
    for (const name of ['claude', 'codex']) {
      made.write(`bin/${name}`, '#!/bin/sh\n');
      chmodSync(join(made.repo, 'bin', name), 0o755);
    }
    const env = { ...made.env, PATH: `${made.repo}/bin:${made.env.PATH}` };
    const pty = openPty('/bin/sh', ['-c', `${size} exec "$0" "$1" init`, process.execPath, main], {
      cwd: made.repo,
      env,
    });
    await pty.until(/which agent shall work here\?(.|\n)*codex/);
    pty.type(keys);
    if (keys !== '\x03') {
      await pty.until('give claude, codex the tools of stator (MCP)?');
      pty.type(tools);
    }
    const code = await pty.ended;
    const file = join(made.repo, '.stator/config.toml');
    return { code, config: existsSync(file) ? readFileSync(file, 'utf8') : null, text: pty.text() };
  }

  it('takes the first agent at Enter, and writes nothing at Ctrl-C', async () => {
    expect((await asked('\r')).config).toContain('preset = "claude"');
    expect(await asked('\x03')).toMatchObject({ code: 130, config: null });
    expect(await asked('\r', { tools: '\x03' })).toMatchObject({ code: 130, config: null });
  });

  it('takes the agent that is chosen, and gives the tools at y, also on a terminal that does not know its size', async () => {
    const { config, text } = await asked('\x1b[B\r', { size: 'stty cols 0 rows 0;', tools: 'y' });
    expect(config).toContain('preset = "codex"');
    expect(text).toContain('claude has the tools of stator');
  });
});
