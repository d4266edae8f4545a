/** A program that takes messages while it works: what a person types reaches the turn that runs, or the next run, and is lost nowhere. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { planOf, type Terminal, working } from '../support/cli.ts';
import { git, until } from '../support/ground.ts';
import { openPty, type Pty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const fake = join(import.meta.dirname, '../support/fixtures/agents/typed-claude.mjs');
const attach = (made: Terminal, title: string): Pty =>
  openPty(process.execPath, [main, 'agent', 'attach', title], { cwd: made.repo, env: made.env });

interface Fake {
  readonly part?: 'deaf' | 'mute' | 'lingers';
  readonly sandbox?: string;
}

/** Its agents are that claude; what it was sent is in the record. */
function withClaude(made: Terminal, { part, sandbox = 'off' }: Fake = {}) {
  const shared = join(made.root, 'shared');
  mkdirSync(shared);
  const files = { record: join(shared, 'record'), end: join(shared, 'end'), leave: join(shared, 'leave') };
  const told = { RECORD: files.record, WORKS_UNTIL: files.end, LEAVES_AT: files.leave, PART: part ?? '' };
  const settings = Object.entries(told).map(([name, value]) => `${name}=${shellWord(value)}`);
  const program = join(made.root, 'claude');
  writeFileSync(
    program,
    `#!/bin/sh\n${settings.join(' ')} exec ${shellWord(process.execPath)} ${shellWord(fake)} "$@"\n`,
  );
  chmodSync(program, 0o755);
  git(made.repo, 'rm', '-q', '.stator/config.toml');
  git(made.repo, 'commit', '-qm', 'the agents of the home');
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  const envFile = join(made.root, 'agent.env');
  // As root it would refuse to start.
  writeFileSync(envFile, 'IS_SANDBOX=1\n', { mode: 0o600 });
  writeFileSync(
    join(made.home, 'daemon.toml'),
    `auto_create_pr = false\nblueprint_skip_threshold = 0\n[agents.default]\npreset = "claude"\nprogram = ${JSON.stringify(program)}\nattempts = 1\nsandbox = "${sandbox}"\nwritable = [${JSON.stringify(shared)}]\nreadable = [${JSON.stringify(join(import.meta.dirname, '../support/fixtures'))}]\nenv_file = ${JSON.stringify(envFile)}\n[agents.reviewer]\nenabled = false\n`,
  );
  made.write('p.md', planOf(['true']));
  return files;
}

interface Noted {
  readonly args?: readonly string[];
  readonly over?: boolean;
  readonly line?: { readonly message: { readonly content: readonly { readonly text: string }[] } };
}
function noted(record: string): Noted[] {
  if (!existsSync(record)) return [];
  const lines = readFileSync(record, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Noted); // written by the fake
}
/** What its runs were sent after their prompts, in order. */
const typedIn = (record: string) =>
  noted(record)
    .filter((each, index, all) => each.line !== undefined && all[index - 1]?.args === undefined)
    .map(({ line }) => line?.message.content[0]?.text);
const runsIn = (record: string) => noted(record).filter(({ args }) => args !== undefined);
const promptsIn = (record: string) =>
  noted(record)
    .filter((_, index, all) => all[index - 1]?.args !== undefined)
    .map(({ line }) => line?.message.content[0]?.text ?? '');

/** By the word of an engine that runs: without one the store says what was. */
async function untilWorking(made: Terminal): Promise<void> {
  await until(async () => {
    if ((await made.stator(['agent', 'list'])).stderr !== '') return false;
    const { stdout } = await made.stator(['agent', 'list', '--json']);
    const agents = JSON.parse(stdout || '[]') as { takes_input: boolean; takes_keys: boolean }[];
    return agents.some((one) => one.takes_input && !one.takes_keys);
  });
}
const signalsOf = async (made: Terminal, type: string) =>
  (JSON.parse((await made.stator(['signal', 'list', '--json'])).stdout) as { type: string; payload: object }[])
    .filter((signal) => signal.type === type)
    .map(({ payload }) => payload);

it.each(['off', 'bwrap'])(
  'lines reach the turn that runs in their order, also those that are typed after the engine was killed, with sandbox = "%s"',
  async (sandbox) => {
    const made = working();
    const { record, end } = withClaude(made, { sandbox });
    const first = made.start(['run', 'p.md', '--trust']);
    await untilWorking(made);
    const before = attach(made, 'p-w1-t1');
    await before.until('at work');
    await before.until('it reads what you type while it works; Ctrl-D leaves');
    before.type('keep the old format\r');
    before.type('\r');
    before.type("and O'Neill's <ctrl-c> $HOME ünder\r");
    await before.until("I read: and O'Neill's <ctrl-c> $HOME ünder");
    await before.until('> keep the old format');
    first.child.kill('SIGKILL');
    await first.ended;
    const second = made.watch(['run', 'p.md', '--trust']);
    await untilWorking(made);
    const pty = attach(made, 'p-w1-t1');
    await pty.until('at work');
    pty.type('after the restart\r');
    await pty.until('I read: after the restart');
    writeFileSync(end, '');
    expect(await pty.ended).toBe(0);
    expect((await second.ended).code).toBe(0);
    const typed = ['keep the old format', "and O'Neill's <ctrl-c> $HOME ünder", 'after the restart'];
    expect(typedIn(record)).toEqual(typed);
    expect(git(made.repo, 'show', 'plan/p:typed.txt').trim()).toBe(typed.join('\n'));
    expect(runsIn(record)).toHaveLength(1);
    expect(await signalsOf(made, 'agent_send')).toEqual([]);
    const [agent] = JSON.parse((await made.stator(['agent', 'list', '--json'])).stdout) as object[];
    expect(agent).toMatchObject({ takes_input: false, takes_keys: false, usage: { input_tokens: 10, cost_usd: 0.01 } });
  },
);

it('a line that comes when the turn is over is the next message of the same conversation', async () => {
  const made = working();
  const { record, end, leave } = withClaude(made, { part: 'lingers' });
  const run = made.watch(['run', 'p.md', '--trust']);
  await untilWorking(made);
  writeFileSync(end, '');
  await until(() => noted(record).some(({ over }) => over === true));
  const pty = attach(made, 'p-w1-t1');
  pty.type('one more thing\r');
  await pty.until('typed; the log repeats it');
  writeFileSync(leave, '');
  expect((await run.ended).code).toBe(0);
  expect(typedIn(record)).toEqual([]);
  const [before, next] = runsIn(record);
  expect(next?.args).toContain('--resume');
  expect(before?.args).not.toContain('--resume');
  expect(promptsIn(record)[1]).toContain('one more thing');
  expect(await signalsOf(made, 'agent_send')).toEqual([]);
});

it('a program that reads no messages ends as it did, and gets them in its next run', async () => {
  const made = working();
  const { record, end } = withClaude(made, { part: 'deaf' });
  const run = made.watch(['run', 'p.md', '--trust']);
  await untilWorking(made);
  const pty = attach(made, 'p-w1-t1');
  await pty.until('at work');
  pty.type('do you hear me\r');
  await pty.until('typed; the log repeats it');
  writeFileSync(end, '');
  expect((await run.ended).code).toBe(0);
  expect(promptsIn(record)[1]).toContain('do you hear me');
  expect(runsIn(record)).toHaveLength(2);
});

it('input that cannot be typed is refused with the reason: control characters, a line that is too long, a key', async () => {
  const made = working();
  const { record, end } = withClaude(made);
  const run = made.watch(['run', 'p.md', '--trust']);
  await untilWorking(made);
  const emit = async (payload: object) => {
    const { code, stderr } = await made.stator([
      ...['signal', 'emit', 'agent_type', 'p', '--payload'],
      JSON.stringify({ title: 'p-w1-t1', ...payload }),
    ]);
    return [code, stderr];
  };
  expect(await emit({ text: 'a\u001b[2Jb' })).toEqual([64, expect.stringContaining('control character')]);
  expect(await emit({ text: 'x'.repeat(4_001) })).toEqual([64, expect.stringContaining('4000')]);
  expect(await emit({ key: 'ctrl-c' })).toEqual([1, expect.stringContaining('it has no terminal for keys')]);
  expect(await emit({ text: '  ' })).toEqual([1, expect.stringContaining('takes lines of text')]);
  expect(await emit({ text: 'half a \ud800' })).toEqual([64, expect.stringContaining('lone surrogate')]);
  expect((await emit({ text: 'first\nsecond' }))[0]).toBe(0);
  await until(() => typedIn(record).length === 1);
  writeFileSync(end, '');
  expect((await run.ended).code).toBe(0);
  expect(typedIn(record)).toEqual(['first\nsecond']);
});
