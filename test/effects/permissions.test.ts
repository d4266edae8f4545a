/** An agent whose program asks before it does something: a person answers through the engine, whatever happens to the engine meanwhile. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { InstanceEntry } from '../../runtime/api/client/client.ts';
import { ask } from '../support/api.ts';
import { daemonGround } from '../support/daemon.ts';
import {
  begin,
  ground,
  planText,
  script,
  startDaemonHere,
  startEngine,
  type TestEngine,
  untilStatus,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

const fake = join(import.meta.dirname, '../support/fixtures/agents/asking-claude.mjs');

/** A claude that asks for these commands one after the other, those of a list at once. */
async function asking(commands: readonly (string | string[])[], keys = ''): Promise<TestEngine> {
  const on = ground();
  const asks = JSON.stringify(commands.map((each) => (Array.isArray(each) ? each : [each])));
  const claude = script(join(on.root, 'claude'), `ASKS='${asks}' exec '${process.execPath}' '${fake}' "$@"`);
  const daemon = `blueprint_skip_threshold = 0\n[agents.default]\npermissions = "ask"\n${keys}`;
  const agents = {
    default: { preset: 'claude', program: claude, attempts: 1 },
    reviewer: { enabled: false },
    planner: { enabled: false },
  } as const;
  const engine = await startEngine({ on, daemon, agents });
  await begin(engine, 'asks', planText(['true']));
  return engine;
}

async function question({ client }: Pick<TestEngine, 'client'>, count = 1): Promise<InstanceEntry> {
  let found: InstanceEntry | undefined;
  await until(async () => {
    [found] = await client.instances({ plan: 'asks' });
    return found?.state === 'waiting' && found.permissions.length === count;
  });
  if (found === undefined) throw new Error('no agent');
  return found;
}

function answer({ client }: Pick<TestEngine, 'client'>, word: 'allow' | 'deny', permission?: string, message?: string) {
  return client.answerPermission('demo', 'asks-w1-t1', {
    answer: word,
    ...(permission === undefined ? {} : { permission }),
    message,
  });
}

function said({ log }: InstanceEntry): string {
  return log === null || !existsSync(log) ? '' : readFileSync(log, 'utf8');
}

it('waits with its question, notifies people once, does what a person allowed, and goes on without what was denied, with the word for that; several at once are answered by their ids, and by the choices of kasmos too: 0 allows once, 2 forbids, and always is no answer', async () => {
  const together = ['echo one > one.txt', 'echo two > two.txt'];
  const engine = await asking(['echo made > made.txt', 'touch denied.txt', together, 'echo 0 > 0.txt', 'touch 2.txt']);
  const { client } = engine;
  const asked = await question(engine);
  expect(asked).toMatchObject({ ready: true, permissions: [{ tool: 'Bash', detail: 'echo made > made.txt' }] });
  const { id = '', asked_at: from = '', until: due = '' } = asked.permissions[0] ?? {};
  expect(Date.parse(due) - Date.parse(from)).toBe(3_600_000);
  const { waiting_for: waits } = await client.plan('demo', 'asks');
  expect(waits?.kind).toBe('agent');
  expect(waits?.detail).toContain(`--question ${id}`);
  const told = (await client.notifications()).filter(({ type }) => type === 'agent_asks');
  expect(told).toHaveLength(1);
  expect(told[0]?.message).toContain(id);
  expectProse((told[0]?.message ?? '').replace(id, '<question>'), 'asks-w1-t1', 'Bash', 'echo made > made.txt');
  expect((await answer(engine, 'allow', id)).signal.status).toBe('done');
  const next = (wanted: string) => until(async () => (await question(engine)).permissions[0]?.detail === wanted);
  await next('touch denied.txt');
  await answer(engine, 'deny', undefined, 'use the other one');
  const { permissions } = await question(engine, 2);
  expect((await answer(engine, 'allow')).signal.status).toBe('failed');
  const idOf = (name: string) => permissions.find(({ detail }) => detail.includes(name))?.id;
  await answer(engine, 'allow', idOf('two'));
  await next('echo one > one.txt');
  await answer(engine, 'deny', idOf('one'));
  await next('echo 0 > 0.txt');
  const choose = (choice: number) =>
    ask(engine.engine, 'POST /v1/repos/:project/instances/:title/permission', {
      params: { project: 'demo', title: 'asks-w1-t1' },
      body: { choice },
    });
  expect(await choose(1)).toMatchObject({
    status: 400,
    json: { error: expect.stringContaining('permissions = "skip"') },
  });
  expect((await choose(0)).status).toBe(204);
  await next('touch 2.txt');
  expect((await choose(2)).status).toBe(204);
  await untilStatus(engine, 'asks', 'done');
  expect((await choose(0)).status).toBe(409);
  const { files } = await client.planDiff('demo', 'asks');
  expect(files.map(({ path }) => path)).toEqual(['0.txt', 'made.txt', 'two.txt']);
  const [entry] = await client.instances({ plan: 'asks' });
  if (entry === undefined) throw new Error('no agent');
  expect(said(entry)).toContain('denied: use the other one');
});

it('is denied, with the reason, what nobody answered within permission_timeout', async () => {
  const engine = await asking(['touch denied.txt'], 'permission_timeout = "1s"\n');
  await until(async () => {
    const [entry] = await engine.client.instances({ plan: 'asks' });
    return entry !== undefined && said(entry).includes('denied: nobody answered within 1s');
  });
});

it('keeps asking when its engine ends, and receives the answer from the next one', async () => {
  const first = await asking(['echo made > made.txt']);
  const { permissions } = await question(first);
  await first.engine.stop();
  const engine = await startEngine({
    on: first,
    adds: false,
    agents: {
      default: { preset: 'claude', program: join(first.root, 'claude'), attempts: 1 },
      reviewer: { enabled: false },
      planner: { enabled: false },
    },
  });
  const again = await question(engine);
  expect(again.permissions).toEqual(permissions);
  await answer(engine, 'allow', permissions[0]?.id);
  await untilStatus(engine, 'asks', 'done');
  expect((await engine.client.notifications()).filter(({ type }) => type === 'agent_asks')).toHaveLength(1);
  expect(existsSync(join(first.repo, 'made.txt'))).toBe(false);
});

// Two daemons that are killed, and a deadline that has to pass: it takes some ten seconds.
it('is not lost where the daemon is killed in the middle, is shown as text, and is denied where nobody answers, engine or not', async () => {
  const made = daemonGround();
  const commands = ['echo one > one.txt # \u001b]0;owned\u0007\u202e', 'echo two > two.txt'];
  const asks = JSON.stringify(commands.map((each) => [each])).replaceAll("'", '');
  const claude = script(join(made.root, 'claude'), `ASKS='${asks}' exec '${process.execPath}' '${fake}' "$@"`);
  const configure = (limit: string) =>
    made.configure(
      `blueprint_skip_threshold = 0\n[agents.default]\npreset = "claude"\nprogram = "${claude}"\nattempts = 1\npermissions = "ask"\npermission_timeout = "${limit}"\n[agents.planner]\nenabled = false\n[agents.reviewer]\nenabled = false\n`,
    );
  const start = async () => expect((await made.stator(['daemon', 'start'])).code).toBe(0);
  const kill = async () => {
    const { pid } = made.owner() ?? { pid: 0 };
    process.kill(pid, 'SIGKILL');
    await until(() => made.owner() === null);
  };
  configure('1h');
  await start();
  writeFileSync(join(made.repo, 'asks.md'), planText(['true']));
  expect((await made.stator(['plan', 'register', 'asks.md', '--start', '--trust'])).code).toBe(0);
  const asked = await question({ client: made.client() });
  const id = asked.permissions[0]?.id ?? '';
  await kill();
  const alone = await made.stator(['agent', 'allow', 'asks-w1-t1', '--question', id]);
  expect([alone.code, alone.stderr]).toEqual([69, expect.stringContaining('no engine runs')]);
  // Longer than a loaded machine takes from the answer to the next look.
  configure('5s');
  await start();
  expect((await question({ client: made.client() })).permissions).toEqual(asked.permissions);
  const { stdout } = await made.stator(['status']);
  expect(stdout).toContain('echo one > one.txt');
  expect(stdout).not.toMatch(/\x1b|\x07|\u202e/);
  const allowing = made.stator(['agent', 'allow', '--question', id]);
  let second: InstanceEntry['permissions'][number] | undefined;
  await until(async () => {
    [second] = (await made.client().instances({ plan: 'asks' }))[0]?.permissions ?? [];
    return second !== undefined && second.id !== id;
  });
  expect((await allowing).code).toBe(0);
  await kill();
  await until(() => Date.now() > Date.parse(second?.until ?? ''));
  await startDaemonHere(made);
  await until(async () => (await made.client().plan('demo', 'asks')).status === 'done');
  const [entry] = await made.client().instances({ plan: 'asks' });
  expect(entry === undefined ? '' : said(entry)).toContain('denied: nobody answered within 5s');
  const { diff } = await made.client().planDiff('demo', 'asks');
  expect(diff).toContain('one.txt');
  expect(diff).not.toContain('two.txt');
  const told = (await made.client().notifications()).filter(({ type }) => type === 'agent_asks');
  expect(told).toHaveLength(2);
});

it('shows what would have become of its plan with other rules for questions', async () => {
  const engine = await asking(['echo made > made.txt']);
  const { client } = engine;
  const asked = await question(engine);
  const open = await client.whatIf('demo', 'asks', {});
  expect(open).toMatchObject({
    parts: { was: [] },
    was: { status: 'implementing' },
    would_be: { status: 'done', runs: 1 },
  });
  // Denied after an hour, it goes on as long as such runs take.
  expect(open.would_be.duration_ms).toBeGreaterThan(3_600_000);
  const waitedMs = 1_500;
  await until(() => Date.now() > Date.parse(asked.permissions[0]?.asked_at ?? '') + waitedMs);
  await answer(engine, 'allow');
  await untilStatus(engine, 'asks', 'done');
  const journal = await client.history('demo', 'asks');
  for (const { seq } of journal) {
    const same = await client.whatIf('demo', 'asks', { from: seq });
    expect([seq, same.would_be.status, same.would_be.runs, same.not_taken]).toEqual([seq, 'done', 1, []]);
  }
  const waiting = journal.find(({ event }) => event === 'run_waiting');
  const skipped = await client.whatIf('demo', 'asks', { policy: { 'coder.permissions': 'skip' } });
  expect(skipped.parts).toMatchObject({
    seq: waiting?.seq,
    was: expect.arrayContaining([expect.objectContaining({ event: 'run_waiting' })]),
  });
  expect(skipped.would_be).toMatchObject({ status: 'done', runs: 1 });
  expect(skipped.was.duration_ms - skipped.would_be.duration_ms).toBeGreaterThan(waitedMs - 100);
  const sooner = await client.whatIf('demo', 'asks', { policy: { 'coder.permission_timeout': '1s' } });
  expect(sooner).toMatchObject({ would_be: { status: 'done', runs: 1 }, not_taken: [{ type: 'agent_allow' }] });
  expect(sooner.was.duration_ms - sooner.would_be.duration_ms).toBeGreaterThan(waitedMs - 1_100);
  await expect(client.whatIf('demo', 'asks', { policy: { 'coder.permissions': 'ask' } })).rejects.toMatchObject({
    code: 'bad_request',
    hint: expect.stringContaining('skip'),
  });
});
