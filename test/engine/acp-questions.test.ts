/** What an agent of the Agent Client Protocol asks, as a question to a person; and what becomes of it, and of its one prompt, while engines are killed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { InstanceEntry } from '../../runtime/api/client/client.ts';
import { acpAgent, acpCalls, stateOf } from '../support/acp.ts';
import { seedOf } from '../support/crash.ts';
import { daemonGround } from '../support/daemon.ts';
import { begin, ground, planText, startEngine, type TestEngine, untilStatus } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { randomOf } from '../support/random.ts';

const oneTask = planText([{ title: 'the work', sh: null }]);

async function asking(acts: string): Promise<TestEngine> {
  const on = ground();
  const engine = await startEngine({ on, agents: { default: acpAgent(on.root, acts, { permissions: 'ask' }) } });
  await begin(engine, 'asks', oneTask);
  return engine;
}

async function question({ client }: Pick<TestEngine, 'client'>): Promise<InstanceEntry['permissions'][number]> {
  let found: InstanceEntry['permissions'][number] | undefined;
  await until(async () => {
    const [entry] = await client.instances({ plan: 'asks' });
    found = entry?.state === 'waiting' ? entry.permissions[0] : undefined;
    return found !== undefined;
  });
  if (found === undefined) throw new Error('nothing is asked');
  return found;
}

const prompts = (root: string) => acpCalls(root, 'session/prompt').map(({ params }) => params.prompt?.[0]?.text ?? '');

it('a person is asked what the agent asks, with its input and its own answers, and allows it once', async () => {
  const engine = await asking('ask');
  expect(await question(engine)).toMatchObject({
    tool: 'execute: touch made.txt',
    detail: 'touch made.txt\nits own answers: yes (allow_once), ever (allow_always), no (reject_once)',
  });
  await engine.client.answerPermission('demo', 'asks-w1-t1', { answer: 'allow' });
  await untilStatus(engine, 'asks', 'done');
  const shown = await engine.client.capture({ project: 'demo', title: 'asks-w1-t1' });
  expect(shown).toContain('? touch made.txt\n');
  expect(shown).toContain('allowed: execute: touch made.txt\n');
  expect(shown).toContain('answered: yes');
  expect(prompts(engine.root)).toHaveLength(1);
});

it('a denial is an answer of the agent’s own, and its words are the next prompt of the same conversation', async () => {
  const engine = await asking('ask:denied,edit');
  await question(engine);
  await engine.client.answerPermission('demo', 'asks-w1-t1', { answer: 'deny', message: 'write made.txt instead' });
  await untilStatus(engine, 'asks', 'done');
  expect(prompts(engine.root).slice(1)).toEqual(['"execute: touch denied.txt" was denied: write made.txt instead']);
  expect(acpCalls(engine.root, 'session/new')).toHaveLength(1);
  const files = git(engine.repo, 'ls-tree', '--name-only', 'plan/asks').split('\n');
  expect([files.includes('made.txt'), files.includes('denied.txt')]).toEqual([true, false]);
});

it('a question, and a turn, outlive engines that are killed: no prompt is sent twice', async () => {
  const made = daemonGround();
  const { preset, program, mode } = acpAgent(made.root, 'ask,slow:more');
  made.configure(
    `blueprint_skip_threshold = 0\n[agents.default]\npreset = "${preset}"\nprogram = "${program}"\nmode = "${mode}"\nattempts = 2\npermissions = "ask"\n`,
  );
  const start = async () => expect((await made.stator(['daemon', 'start'])).code).toBe(0);
  const kill = async () => {
    process.kill(made.owner()?.pid ?? 0, 'SIGKILL');
    await until(() => made.owner() === null);
  };
  const killed = async () => {
    await kill();
    await start();
  };
  await start();
  writeFileSync(join(made.repo, 'asks.md'), oneTask);
  expect((await made.stator(['plan', 'register', 'asks.md', '--start', '--trust'])).code).toBe(0);
  const asked = await question({ client: made.client() });
  const random = randomOf(seedOf('acp-questions'));
  for (let at = 0; at < 1 + random() * 2; at += 1) await killed();
  expect(await question({ client: made.client() })).toEqual(asked);
  expect((await made.stator(['agent', 'deny', '--question', asked.id, '--message', 'not so'])).code).toBe(0);
  await until(() => prompts(made.root).length === 2);
  await kill();
  writeFileSync(join(stateOf(made.root), 'go'), '');
  await until(() => existsSync(join(made.repo, '.worktrees', 'plan-asks-w1-t1', 'made.txt')));
  await start();
  await until(async () => (await made.client().plan('demo', 'asks')).status === 'done');
  expect(prompts(made.root)).toHaveLength(2);
  expect(new Set(acpCalls(made.root).map(({ pid }) => pid)).size).toBe(1);
  const [entry] = await made.client().instances({ plan: 'asks' });
  expect(entry).toMatchObject({ attempt: 1, state: 'succeeded' });
  expect(readFileSync(entry?.log ?? '', 'utf8').match(/"sent":"session\/prompt"/g)).toHaveLength(2);
});
