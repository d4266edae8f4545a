/** `terminal = true`: the program of an agent runs in a terminal, and what a person types reaches the turn that runs. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, type Terminal, working } from '../support/cli.ts';
import { git, until } from '../support/ground.ts';
import { openPty, type Pty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const attach = (made: Terminal, title: string): Pty =>
  openPty(process.execPath, [main, 'agent', 'attach', title], { cwd: made.repo, env: made.env });

/** Asks as programs do that want a terminal: with isatty, by name, a line, and a key. */
const program = `#!/bin/bash
[ -t 0 ] && [ -t 1 ] && [ -t 2 ] || { echo no terminal; exit 9; }
exec 3<>/dev/tty || exit 8
trap 'echo interrupted' INT
echo "at work in $(stty size)"
read -r -p 'Name? ' name
echo "hello $name"
read -r -p 'Again? ' again
while :; do read -r -t 30 line && break; done
printf '%s|%s|%s' "$name" "$again" "$line" >typed.txt
exit "$STATOR_CODE"
`;

function withTerminal(made: Terminal, { sandbox, code }: { sandbox: string; code: number }): void {
  const file = join(made.repo, 'ask.sh');
  writeFileSync(file, program.replace('$STATOR_CODE', String(code)));
  chmodSync(file, 0o755);
  made.write(
    '.stator/config.toml',
    `[agents.default]\npreset = "command"\nprogram = "./ask.sh"\nterminal = true\nattempts = 1\nsandbox = "${sandbox}"\n[agents.reviewer]\nenabled = false\n`,
  );
  git(made.repo, 'add', '.');
  git(made.repo, 'commit', '-qm', 'a program that asks');
}

it('the terminal outlives the engine, and takes a line through the next one; its exit code counts', async () => {
  const made = working();
  withTerminal(made, { sandbox: 'off', code: 3 });
  made.write('p.md', planOf(['true']));
  const first = made.start(['run', 'p.md', '--trust']);
  await untilWorking(made);
  expect((await made.stator(['agent', 'list', '--json'])).code).toBe(0);
  first.child.kill('SIGKILL');
  await first.ended;
  const second = made.watch(['run', 'p.md', '--trust']);
  await untilWorking(made);
  const pty = attach(made, 'p-coder');
  await pty.until('Name?');
  pty.type('Ada\r');
  await pty.until('hello Ada');
  pty.type('yes\r');
  pty.type('end\r');
  expect(await pty.ended).toBe(1);
  expect((await second.ended).code).toBe(1);
  const [agent] = JSON.parse((await made.stator(['agent', 'list', '--json'])).stdout) as {
    exit_code: number;
    takes_input: boolean;
  }[];
  expect(agent).toMatchObject({ exit_code: 3, takes_input: false });
  const late = await made.stator([
    'signal',
    'emit',
    'agent_type',
    'p',
    '--payload',
    '{"title":"p-coder","text":"late"}',
  ]);
  expect(late.code).toBe(1);
});

it('without `script` the start is refused, doctor says so, and a program that reads its prompt gets no terminal', async () => {
  const made = working();
  withTerminal(made, { sandbox: 'off', code: 0 });
  const bin = join(made.root, 'other-script');
  mkdirSync(bin);
  writeFileSync(join(bin, 'script'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const env = { PATH: `${bin}:${made.env.PATH}` };
  const said = `${join(bin, 'script')} is not the \`script\` of util-linux`;
  expect((await made.stator(['doctor', '--json'], { env })).stdout).toContain(said);
  expect((await made.stator(['doctor', '--json'])).stdout).not.toContain('util-linux');
  made.write('p.md', planOf(['true']));
  const run = await made.start(['run', 'p.md', '--trust'], { env }).ended;
  expect([run.code, `${run.stdout}${run.stderr}`]).toEqual([1, expect.stringContaining(said)]);
  made.write('.stator/config.toml', '[agents.coder]\npreset = "claude"\nterminal = true\n');
  const refused = await made.stator(['doctor', '--json']);
  expect(refused.stdout).toContain('terminal = true for the coder, whose preset is \\"claude\\"');
});

/** By the word of an engine that runs: without one the store says what was. */
async function untilWorking(made: Terminal): Promise<void> {
  await until(async () => {
    if ((await made.stator(['agent', 'list'])).stderr !== '') return false;
    const { stdout } = await made.stator(['agent', 'list', '--json']);
    return (JSON.parse(stdout || '[]') as { takes_input: boolean }[]).some((one) => one.takes_input);
  });
}

it.each(['off', 'bwrap'])(
  'a line, Enter and a key reach the program while it works, with sandbox = "%s"',
  async (sandbox) => {
    const made = working();
    withTerminal(made, { sandbox, code: 0 });
    made.write('p.md', planOf(['true']));
    const run = made.watch(['run', 'p.md', '--trust']);
    await untilWorking(made);
    const pty = attach(made, 'p-coder');
    await pty.until('at work in 30 100');
    await pty.until('Name?');
    pty.type("Ada O'Neill $HOME\r");
    await pty.until("hello Ada O'Neill $HOME");
    await pty.until('Again?');
    pty.type('\r');
    pty.type('<ctrl-c>\r');
    await pty.until('interrupted');
    pty.type('  ünder two blanks\r');
    expect(await pty.ended).toBe(0);
    expect((await run.ended).code).toBe(0);
    expect(git(made.repo, 'show', 'plan/p:typed.txt')).toBe("Ada O'Neill $HOME||ünder two blanks");
    const signals = JSON.parse((await made.stator(['signal', 'list', '--json'])).stdout) as {
      type: string;
      payload: object;
      origin: string;
    }[];
    expect(
      signals.filter(({ type }) => type === 'agent_type').map(({ payload, origin }) => ({ payload, origin })),
    ).toContainEqual({
      payload: { title: 'p-coder', key: 'ctrl-c' },
      origin: 'person',
    });
  },
);
