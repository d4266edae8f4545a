/** `agent attach`: an agent is followed on a terminal, and what is typed reaches it, or the question that it asks. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { acquireOwner } from '../../runtime/core/store/sqlite/owner.ts';
import { askingClaude } from '../support/asking-claude.ts';
import { planOf, type Terminal, terminal, working } from '../support/cli.ts';
import { gate as waitFor } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectRefusal } from '../support/prose.ts';
import { openPty, type Pty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const attach = (made: Terminal, title: string): Pty =>
  openPty(process.execPath, [main, 'agent', 'attach', title], { cwd: made.repo, env: made.env });
interface Listed {
  readonly title: string;
  readonly state: string;
  readonly permissions: readonly { readonly id: string; readonly detail: string }[];
}
async function agentOf(made: Terminal, title: string): Promise<Listed | undefined> {
  const { stdout } = await made.stator(['agent', 'list', '--json']);
  return (JSON.parse(stdout || '[]') as Listed[]).find((one) => one.title === title);
}
const untilState = (made: Terminal, title: string, state: string) =>
  until(async () => (await agentOf(made, title))?.state === state);

it('what a program that reads nothing asks is answered by the line; any other line says what can be done', async () => {
  const made = working();
  const [ask, end] = [join(made.home, 'ask'), join(made.home, 'end')];
  const script = `test -e '${ask}.ed' || { echo at-work; ${waitFor(ask)}; touch '${ask}.ed'
stator signal emit needs_decision --payload 'left or right?'; exit 0; }
cp "$STATOR_PROMPT_FILE" told.txt`;
  // The second task keeps the engine while the first one waits.
  made.write('p.md', planOf([script, waitFor(end), 'true']));
  const run = made.watch(['run', 'p.md', '--trust']);
  await untilState(made, 'p-w1-t1', 'running');
  const pty = attach(made, 'p-w1-t1');
  await pty.until('at-work');
  pty.type('hello\r');
  await pty.until('p-w1-t1 asks nothing, and its program (sh) reads nothing while it works');
  await pty.until('stator agent send p-w1-t1 "<message>"');
  writeFileSync(ask, '');
  await pty.until('question 1, p-w1-t1 asks: left or right?');
  pty.type('#7\r');
  await pty.until('#1 <answer>');
  pty.type('left, as before\r');
  expect(await pty.ended).toBe(0);
  writeFileSync(end, '');
  expect((await run.ended).code).toBe(0);
  expect(git(made.repo, 'show', 'plan/p:told.txt')).toContain('\nleft, as before\n');
});

it('with two open permissions no line answers the wrong one', async () => {
  const made = working();
  git(made.repo, 'rm', '-q', '.stator/config.toml');
  git(made.repo, 'commit', '-qm', 'the agents of the home');
  askingClaude(made, [['echo one > one.txt', 'echo two > two.txt']]);
  made.write('p.md', planOf(['true']));
  const run = made.watch(['run', 'p.md', '--trust']);
  await until(async () => (await agentOf(made, 'p-w1-t1'))?.permissions.length === 2);
  const open = (await agentOf(made, 'p-w1-t1'))?.permissions ?? [];
  const idOf = (what: string) => open.find(({ detail }) => detail.includes(what))?.id ?? '';
  const pty = attach(made, 'p-w1-t1');
  await pty.until('echo one > one.txt');
  await pty.until('echo two > two.txt');
  pty.type('allow\r');
  await pty.until('nothing was answered');
  expect(await agentOf(made, 'p-w1-t1')).toMatchObject({ permissions: open });
  pty.type(`${idOf('two')} perhaps\r`);
  await pty.until(`does not answer ${idOf('two')}`);
  pty.type(`${idOf('two')} deny not that\r`);
  await until(async () => (await agentOf(made, 'p-w1-t1'))?.permissions.length === 1);
  pty.type(`${idOf('one')} allow\r`);
  expect(await pty.ended).toBe(0);
  expect(pty.text()).toContain('denied: not that');
  expect((await run.ended).code).toBe(0);
  expect(git(made.repo, 'ls-tree', '--name-only', 'plan/p')).toContain('one.txt');
  expect(git(made.repo, 'ls-tree', '--name-only', 'plan/p')).not.toContain('two.txt');
});

it('a program with a conversation gets the line in its next turn; Ctrl-D and Ctrl-C leave it at work; a failed one is exit 1', async () => {
  const made = working();
  git(made.repo, 'rm', '-q', '.stator/config.toml');
  git(made.repo, 'commit', '-qm', 'the agents of the home');
  const program = join(made.root, 'codex');
  const began = join(made.root, 'began');
  writeFileSync(program, `#!/bin/sh\ntouch '${began}'\nwhile :; do sleep 0.05; done\n`);
  chmodSync(program, 0o755);
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  writeFileSync(
    join(made.home, 'daemon.toml'),
    `blueprint_skip_threshold = 0\n[agents.default]\npreset = "codex"\nprogram = ${JSON.stringify(program)}\nattempts = 1\n[agents.reviewer]\nenabled = false\n`,
  );
  made.write('p.md', planOf(['true']));
  const run = made.watch(['run', 'p.md', '--trust']);
  await until(() => existsSync(began));
  await untilState(made, 'p-w1-t1', 'running');
  const pty = attach(made, 'p-w1-t1');
  await pty.until('it reads what you type in its next turn; Ctrl-D leaves');
  pty.type('keep the old format\r');
  await pty.until('sent; it is read in the next turn');
  const { stdout } = await made.stator(['signal', 'list', '--json']);
  expect(JSON.parse(stdout)).toContainEqual(
    expect.objectContaining({ type: 'agent_send', payload: { title: 'p-w1-t1', body: 'keep the old format' } }),
  );
  pty.type('\x04');
  expect(await pty.ended).toBe(0);
  const second = attach(made, 'p-w1-t1');
  // The answer shows that it reads what is typed, and so that Ctrl-C is its own.
  second.type('and tabs\r');
  await second.until('sent; it is read in the next turn');
  second.type('\x03');
  expect(await second.ended).toBe(130);
  await untilState(made, 'p-w1-t1', 'running');
  const last = attach(made, 'p-w1-t1');
  last.type('one more\r');
  await last.until('sent; it is read in the next turn');
  expect((await made.stator(['agent', 'kill', 'p-w1-t1'])).code).toBe(0);
  expect(await last.ended).toBe(1);
  expect((await run.ended).code).toBe(1);
});

it('refused inside a run, and where no engine runs', async () => {
  const { stator, home } = terminal();
  const inRun = { STATOR_RUN: 'x', STATOR_TOKEN: 'x', STATOR_PROJECT: 'demo' };
  const inside = await stator(['agent', 'attach', 'p-w1-t1', '--json'], { env: inRun });
  expect([inside.code, JSON.parse(inside.stderr).code]).toEqual([1, 'not_allowed']);
  const alone = await stator(['agent', 'attach', 'p-w1-t1']);
  expect(alone.code).toBe(69);
  expectRefusal(alone.stderr, 'p-w1-t1');
  expect(existsSync(join(home, 'taskstore.db'))).toBe(false);
});

it('waits for an engine that has the home and is still starting', async () => {
  const made = terminal();
  mkdirSync(made.home, { mode: 0o700 });
  const owner = await acquireOwner(made.home, { starts: 'watched', nowMs: () => Date.now() });
  const server = createServer((_request, response) => void response.writeHead(503).end());
  onTestFinished(() => {
    owner.release();
    server.close();
  });
  const attached = made.watch(['agent', 'attach', 'p-w1-t1']);
  // Longer than it takes until that verb has found no engine that answers.
  const early = await made.stator(['status']);
  expect(early.stdout + early.stderr).toContain(`(pid ${process.pid}) has this home and does not answer`);
  const socketPath = join(made.root, 's.sock');
  await new Promise<void>((resolve) => void server.listen(socketPath, resolve));
  owner.publish({ socketPath });
  const { stderr } = await attached.ended;
  expect(stderr).not.toContain('can get no message');
});
