/** The questions of verbs, on a real terminal: what each key says, and that nothing waits for ever. */
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf, type Terminal, terminal, working } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';
import { openPty, type Pty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const open = (made: Terminal, ...args: string[]): Pty =>
  openPty(process.execPath, [main, ...args], { cwd: made.repo, env: made.env, columns: 200 });

describe('plan delete', () => {
  async function asked(keys: string): Promise<{ code: number; last: string | undefined; isThere: boolean }> {
    const made = working();
    made.write('p.md', planOf(['true']));
    await made.stator(['plan', 'register', 'p.md', '--trust']);
    const pty = open(made, 'plan', 'delete', 'p');
    await pty.until(/delete demo\/p\?(.|\n)*Yes \/ . No/);
    pty.type(keys);
    const code = await pty.ended;
    const { stdout } = await made.stator(['plan', 'list', '--json']);
    return { code, last: pty.text().split('\n').at(-1), isThere: JSON.parse(stdout).length === 1 };
  }

  it('deletes at y, and keeps the plan at n and Enter', async () => {
    const yes = await asked('y');
    expect(yes).toMatchObject({ code: 0, isThere: false });
    const no = await asked('n');
    expect(no).toMatchObject({ code: 1, isThere: true });
    expect(await asked('\r')).toEqual(no);
    expectProse(`${yes.last}\n${no.last}`, 'demo/p');
  });

  it('keeps it at Ctrl-D and Escape, and ends with 130 at Ctrl-C', async () => {
    const kept = await asked('\x04');
    expect(kept).toMatchObject({ code: 1, isThere: true });
    expectProse(`${kept.last}`);
    expect(await asked('\x1b')).toEqual(kept);
    expect(await asked('\x03')).toMatchObject({ code: 130, isThere: true });
  });
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
  async function asked(keys: string): Promise<{ code: number; text: string }> {
    const made = working();
    made.write('p.md', planOf(['true']));
    const pty = open(made, 'run', 'p.md');
    await pty.until(/let it act\?(.|\n)*Yes \/ . No/);
    pty.type(keys);
    return { code: await pty.ended, text: pty.text() };
  }

  it('of a repo that nobody trusts goes on at y, and is refused otherwise', async () => {
    expect(await asked('y')).toMatchObject({ code: 0, text: expect.stringContaining('stator plan merge p') });
    for (const key of ['\r', '\x04']) {
      const { code, text } = await asked(key);
      expect(code).toBe(1);
      expectRefusal(text, 'demo');
    }
    expect((await asked('\x03')).code).toBe(130);
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

  it('takes the agent that is chosen with the arrows, the first one where none is, and writes nothing at Ctrl-C', async () => {
    expect((await asked('\x1b[B\r')).config).toContain('preset = "codex"');
    expect((await asked('\r')).config).toContain('preset = "claude"');
    expect((await asked('\x04')).config).toContain('preset = "claude"');
    expect(await asked('\x03')).toMatchObject({ code: 130, config: null });
    expect(await asked('\r', { tools: '\x03' })).toMatchObject({ code: 130, config: null });
    expect((await asked('\r', { tools: 'y' })).text).toContain('claude has the tools of stator');
  });

  it('asks on a terminal that does not know its size too', async () => {
    expect((await asked('\x1b[B\r', { size: 'stty cols 0 rows 0;' })).config).toContain('preset = "codex"');
  });
});
