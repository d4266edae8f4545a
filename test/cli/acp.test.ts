/** stator as an agent of the Agent Client Protocol, handed plans by an editor that is the client of its SDK. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { promptOf } from '../../cli/acp/prompt.ts';
import { acpAgent } from '../support/acp.ts';
import { editor, text } from '../support/acp-editor.ts';
import { terminal } from '../support/cli.ts';
import { planText } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

const shell = '[agents.default]\npreset = "sh"\nattempts = 1\n';

it('a plan is a prompt; its tasks are the plan of the agent, its agents are tools, its facts are words, and an editor that goes away pauses it', async () => {
  const on = await editor(() => shell, { separate: true });
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

  const begun = join(on.root, 'begun');
  on.send({ prompt: text(planText([`echo >> ${begun}; sleep 60`]).replace('# ', '# Second ')) });
  await until(() => existsSync(begun));
  on.close();
  await until(() => on.seen().some(({ exit }) => exit === 0));
  const listed = JSON.parse((await on.stator(['plan', 'list', '--json'])).stdout) as {
    status: string;
    paused: boolean;
  }[];
  expect(listed.filter(({ status }) => status !== 'done').map(({ paused }) => paused)).toEqual([true]);
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

it('a repository that nobody trusted is not worked in, and the answer says how to trust it; what is sent after that is a plan of its own', async () => {
  const made = await editor(() => shell);
  writeFileSync(join(made.repo, '.mcp.json'), '{}');
  mkdirSync(join(made.repo, '.stator'), { recursive: true });
  writeFileSync(join(made.repo, '.stator', 'config.toml'), '[worktree]\nsetup = "touch owned"\n');
  made.send({ prompt: text(planText(['true'])) });
  await until(() => made.stops().length === 1);
  expect(made.stops()).toEqual(['refusal']);
  expect(made.said()).toContain('trust');
  expect((await made.stator(['repo', 'trust', 'demo'])).code).toBe(0);
  made.send({ prompt: text(planText(['echo b > b.txt']).replace('# ', '# Second ')) });
  await until(() => made.stops().length === 2);
  expect(made.stops()).toEqual(['refusal', 'end_turn']);
  expect(made.said()).toMatch(/second-[a-z-]*-[0-9a-f]{6} is done/);
});

it('a link to a file of another machine is refused with what it is', () => {
  for (const uri of ['file://server/share/plan.md', 'file:///tmp/a%2Fb.md'])
    expect(() => promptOf([{ type: 'resource_link', name: 'plan.md', uri }])).toThrow(
      `${uri} is no file of this machine`,
    );
});

it.each([
  ['demo', 'cwd must be the whole path of a folder'],
  [undefined, 'cwd must be the whole path of a folder'],
  ['/etc/hosts', 'there is no folder /etc/hosts'],
])('begins no conversation in %j', async (cwd, message) => {
  const asked = { jsonrpc: '2.0', id: 1, method: 'session/new', params: { cwd, mcpServers: [] } };
  const { stdout } = await terminal().stator(['acp'], { input: `${JSON.stringify(asked)}\n` });
  expect(JSON.parse(stdout)).toMatchObject({
    id: 1,
    error: { code: -32_602, message: expect.stringContaining(message) },
  });
});
