/** stator as an agent of the Agent Client Protocol, handed plans by an editor that is the client of its SDK. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { acpAgent } from '../support/acp.ts';
import { daemonGround } from '../support/daemon.ts';
import { afterwards, planText } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

const editorScript = join(import.meta.dirname, '../support/scripts/acp-editor.mjs');
const stator = join(import.meta.dirname, '../../dist/bin/stator.js');

interface Seen {
  readonly sessionUpdate?: string;
  readonly stopReason?: string;
  readonly entries?: readonly { readonly content: string; readonly status: string }[];
  readonly content?: { readonly text?: string };
  readonly asked?: { readonly title: string };
  readonly [key: string]: unknown;
}

/** An editor with `stator acp` in the repository, and the home of a daemon that does not run. */
async function editor(config: (root: string) => string) {
  const made = daemonGround();
  made.configure(`blueprint_skip_threshold = 0\n${config(made.root)}`);
  // A person trusted the repository before.
  expect((await made.stator(['repo', 'add', made.repo, '--trust'])).code).toBe(0);
  const child = spawn(process.execPath, [editorScript, made.repo, process.execPath, stator, 'acp'], {
    env: made.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  afterwards(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const seen = (): Seen[] =>
    output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Seen); // as the script writes them
  const stops = () => seen().flatMap(({ stopReason }) => stopReason ?? []);
  return {
    ...made,
    seen,
    stops,
    send: (what: object) => void child.stdin.write(`${JSON.stringify(what)}\n`),
    close: () => void child.stdin.end(),
    said: () =>
      seen()
        .filter(({ sessionUpdate }) => sessionUpdate === 'agent_message_chunk')
        .map(({ content }) => content?.text ?? '')
        .join(''),
  };
}

const text = (words: string) => [{ type: 'text', text: words }];
const shell = '[agents.default]\npreset = "sh"\nattempts = 1\n';

it('a plan is a prompt; its tasks are the plan of the agent, its agents are tools, and its facts are words', async () => {
  const on = await editor(() => shell);
  const content = planText(['echo a > a.txt'], ['echo b > b.txt']);
  on.send({ prompt: text(content) });
  await until(() => on.stops().length === 1);
  expect(on.stops()).toEqual(['end_turn']);
  expect(on.seen()[0]).toMatchObject({ about: { protocolVersion: 1, agentInfo: { name: 'stator' } } });
  const plans = on.seen().filter(({ sessionUpdate }) => sessionUpdate === 'plan');
  expect(plans.at(-1)?.entries).toEqual([
    { content: 'wave 1: task 1', priority: 'medium', status: 'completed' },
    { content: 'wave 2: task 1', priority: 'medium', status: 'completed' },
  ]);
  const tools = on.seen().filter(({ sessionUpdate }) => sessionUpdate?.startsWith('tool_call'));
  expect(tools.some(({ title }) => /^coder: a-plan-[0-9a-f]{6}-w1-t1$/.test(String(title)))).toBe(true);
  expect(tools.at(-1)?.status).toBe('completed');
  expect(on.said()).toMatch(/a-plan-[0-9a-f]{6} is done: 2 tasks done/);
  on.close();
  await until(() => on.seen().some(({ exit }) => exit === 0));
});

it('what an agent asks is a question of the editor, and a linked file is the plan', async () => {
  const on = await editor((root) => {
    const { preset, program, mode } = acpAgent(root, 'ask');
    return `[agents.default]\npreset = "${preset}"\nprogram = "${program}"\nmode = "${mode}"\nattempts = 1\npermissions = "ask"\n`;
  });
  const file = join(on.repo, 'asks.md');
  writeFileSync(file, planText([{ title: 'the work', sh: null }]));
  on.send({ prompt: [...text('do this'), { type: 'resource_link', name: 'asks.md', uri: pathToFileURL(file).href }] });
  await until(() => on.seen().some(({ asked }) => asked !== undefined));
  expect(on.seen().find(({ asked }) => asked !== undefined)).toMatchObject({
    asked: { title: 'asks-w1-t1: execute: touch made.txt' },
    options: ['allow: allow_once', 'deny: reject_once'],
  });
  on.send({ answer: 'allow' });
  await until(() => on.stops().length === 1);
  expect(git(on.repo, 'ls-tree', '--name-only', 'plan/asks').split('\n')).toContain('made.txt');
});

// Its agents are waited for at each of three ends.
it('a cancel pauses the plan, and the next prompt goes on with it; an editor that goes away pauses it, too', async () => {
  const on = await editor(() => shell);
  const [begun, gate] = [join(on.root, 'begun'), join(on.root, 'gate')];
  on.send({ prompt: text(planText([`echo >> ${begun}; until [ -e ${gate} ]; do sleep 0.1; done; echo a > a.txt`])) });
  await until(() => existsSync(begun));
  on.send({ cancel: true });
  await until(() => on.stops().length === 1);
  expect(on.stops()).toEqual(['cancelled']);
  writeFileSync(gate, '');
  on.send({ prompt: text('go on') });
  await until(() => on.stops().length === 2);
  expect(on.stops()).toEqual(['cancelled', 'end_turn']);
  expect(on.said()).toContain('is done: 1 task done');
  rmSync(gate);
  rmSync(begun);
  on.send({ prompt: text(planText([`echo >> ${begun}; until [ -e ${gate} ]; do sleep 0.1; done`])) });
  await until(() => existsSync(begun));
  on.close();
  await until(() => on.seen().some(({ exit }) => exit === 0));
  const plans = JSON.parse((await on.stator(['plan', 'list', '--json'])).stdout) as {
    status: string;
    paused: boolean;
  }[];
  expect(plans.filter(({ status }) => status !== 'done').map(({ paused }) => paused)).toEqual([true]);
});

it('a repository that nobody trusted is not worked in, and the answer says how to trust it', async () => {
  const made = await editor(() => shell);
  writeFileSync(join(made.repo, '.mcp.json'), '{}');
  mkdirSync(join(made.repo, '.stator'), { recursive: true });
  writeFileSync(join(made.repo, '.stator', 'config.toml'), '[worktree]\nsetup = "touch owned"\n');
  made.send({ prompt: text(planText(['true'])) });
  await until(() => made.stops().length === 1);
  expect(made.stops()).toEqual(['refusal']);
  expect(made.said()).toContain('trust');
});
