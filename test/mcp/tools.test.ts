import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, it } from 'vitest';
import type { McpCaller } from '../../runtime/api/mcp/caller.ts';
import { listResources } from '../../runtime/api/mcp/resources.ts';
import { tools } from '../../runtime/api/mcp/server.ts';
import { makeRepo } from '../support/daemon.ts';
import {
  asks,
  begin,
  gate,
  openGate,
  planText,
  register,
  say,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { type Asker, overHttp, overStdio } from '../support/mcp.ts';

const ways = {
  stdio: (engine: TestEngine) => overStdio({ env: engine.env, cwd: engine.repo }),
  HTTP: (engine: TestEngine): Promise<Asker> => overHttp(engine),
};

/** An engine with a done plan, one with a running agent, and one that is blocked by a question. */
async function worked(): Promise<TestEngine> {
  const engine = await startEngine();
  await begin(engine, 'done', planText(['echo done > done.txt']));
  await untilStatus(engine, 'done', 'done');
  await begin(engine, 'busy', planText([gate(join(engine.root, 'gate'))]));
  await until(async () => (await engine.client.instances({ plan: 'busy' })).some(({ state }) => state === 'running'));
  await register(engine, 'idea', '# An idea\n');
  return engine;
}

it.each(Object.entries(ways))(
  'over %s every tool refuses wrong input by its code and changes nothing, answers right input, and a subscriber is notified of changes',
  async (_, connect) => {
    const engine = await worked();
    const asker = await connect(engine);
    await refuseWrongInput(engine, asker);
    await readResources(asker);
    await answerRightInput(engine, asker);
  },
);

async function refuseWrongInput(engine: TestEngine, { mcp, refused }: Asker): Promise<void> {
  // A signal that is refused is a line of the journal as well.
  const moves = async () => (await engine.client.history('demo', 'done')).filter(({ refused }) => refused === null);
  const before = await moves();
  for (const { name, input } of tools) {
    expect(await refused(name, { nonsense: 1 }), name).toMatchObject({ code: 'bad_request' });
    for (const field of Object.keys(input.shape)) {
      const given = await refused(name, { [field]: { never: true } });
      expect(given.code, `${name} ${field}`).toMatch(/bad_request|bad_payload/);
      expect(given.hint, `${name} ${field}`).not.toBe('');
    }
  }
  const code = async (name: string, given: Record<string, unknown>) => (await refused(name, given)).code;
  for (const filename of ['nope', '..', 'cut-\ud83d'])
    expect(await code('task_show', { filename }), filename).toBe('plan_not_found');
  expect(await code('task_show', { filename: 'done', project: 'nope' })).toBe('plan_not_found');
  // A program does not read help pages: the hint names the fields.
  const { hint } = await refused('task_create', { filename: 'x', content: '# x' });
  expect(hint).toMatch(/^task_create takes: (?:project, )?name \(required\), /);
  expect(await code('task_create', { name: '///' })).toBe('bad_request');
  expect(await code('task_create', { name: 'done', content: '# again' })).toBe('conflict');
  expect(await code('task_transition', { filename: 'done', event: 'plan_start' })).toBe('refused');
  expect(await code('task_transition', { filename: 'done', event: 'nonsense' })).toBe('unknown_signal');
  expect(await code('task_transition', { filename: 'done', event: 'resolve', force: true })).toBe('bad_request');
  expect(await code('signal_create', { signal_type: 'nonsense', plan_file: 'done' })).toBe('unknown_signal');
  expect(await code('task_answer', { filename: 'done', answer: 'x' })).toBe('refused');
  expect(await code('task_merge', { filename: 'idea' })).toBe('refused');
  expect(await code('task_delete', { filename: 'busy' })).toBe('conflict');
  expect(await code('instance_logs', { title: 'nope' })).toBe('not_found');
  expect(await code('instance_send', { title: 'nope', prompt: 'x' })).toBe('not_found');
  expect(await code('instance_answer', { title: 'nope', answer: 'allow' })).toBe('not_found');
  expect(await code('live_status', { project: 'nope' })).toBe('repo_not_found');
  // An empty list would say that nothing is under way there.
  for (const list of [
    'task_list',
    'queue_list',
    'instance_list',
    'landing_list',
    'notification_list',
    'wait_for_event',
  ])
    expect([list, await code(list, { project: 'nope' })]).toEqual([list, 'repo_not_found']);
  expect(await code('repo_add', { path: join(engine.root, 'nope') })).toBe('bad_repo');
  expect(await code('wait_for_event', { until: 'final' })).toBe('bad_request');
  await expect(mcp.callTool({ name: 'task_lst' })).rejects.toThrow(/did you mean task_list/);
  expect(await moves()).toEqual(before);
}

/** Documents, journals and logs. */
async function readResources({ mcp, use }: Asker): Promise<void> {
  const { resources } = await mcp.listResources();
  expect(resources.map(({ uri }) => uri)).toEqual(
    expect.arrayContaining([
      'stator://demo/plans/idea',
      'stator://demo/plans/idea/journal',
      'stator://demo/agents/done-w1-t1/log',
    ]),
  );
  expect((await mcp.listResourceTemplates()).resourceTemplates).toHaveLength(3);
  const read = async (uri: string) => (await mcp.readResource({ uri })).contents[0];
  expect(await read('stator://demo/plans/idea')).toMatchObject({ text: '# An idea\n', mimeType: 'text/markdown' });
  expect(await read('stator://demo/plans/idea/journal')).toMatchObject({ text: expect.stringContaining('"seq"') });
  expect(await read('stator://demo/agents/done-w1-t1/log')).toHaveProperty('text');
  await expect(read('stator://demo/nonsense')).rejects.toThrow(/no resource/);
  await expect(read('stator://demo/plans/nope')).rejects.toThrow(/plan not found/);
  await expect(mcp.subscribeResource({ uri: 'stator://nonsense' })).rejects.toThrow(/no resource/);
  const told: string[] = [];
  mcp.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void told.push(params.uri));
  await mcp.subscribeResource({ uri: 'stator://demo/plans/idea' });
  await until(async () => {
    await use('task_update_content', { filename: 'idea', content: `# An idea\n\n${told.length}${Math.random()}\n` });
    return told.includes('stator://demo/plans/idea');
  });
  await mcp.unsubscribeResource({ uri: 'stator://demo/plans/idea' });
}

async function answerRightInput(engine: TestEngine, { mcp, use }: Asker): Promise<void> {
  const used = new Set<string>();
  const call = (name: string, given: Record<string, unknown> = {}) => {
    used.add(name);
    return use(name, given);
  };
  expect(await call('daemon_status')).toMatchObject({ running: true, repo_count: 1 });
  expect(await call('repo_list')).toMatchObject({ repos: [{ project: 'demo' }] });
  expect(await call('task_list', { project: 'demo' })).toMatchObject({ total: 3 });
  expect(await call('task_list', { status: 'done' })).toMatchObject({ tasks: [{ filename: 'done' }], total: 1 });
  expect(await call('task_show', { filename: 'done.md' })).toMatchObject({
    plan: 'done',
    content: expect.stringMatching(/^# A plan/),
  });
  expect(await call('task_explain', { filename: 'done' })).toMatchObject({ status: 'done' });
  expect(await call('task_history', { filename: 'done' })).toMatchObject({ next_after: expect.any(Number) });
  expect(await call('task_history', { filename: 'done', after: 9999 })).toEqual({ lines: [], next_after: 9999 });
  expect(await call('task_diff', { filename: 'done' })).toMatchObject({ files: [{ path: 'done.txt' }] });
  expect(await call('task_preview', { filename: 'busy', event: 'cancel' })).toMatchObject({ accepted: true });
  expect(await call('live_status', { project: 'demo', cap: 5 })).toMatchObject({ lifecycle: { implementing: 1 } });
  expect(await call('queue_list')).toMatchObject({ stats: { running: 1 } });
  await engine.client.readNotifications();
  const noted = async (given = {}) => (await call('notification_list', given)).notifications as unknown[];
  expect((await noted({ all: true })).length).toBeGreaterThan((await noted()).length);
  expect(await call('instance_list', { status: 'running' })).toMatchObject({ instances: [{ title: 'busy-w1-t1' }] });
  expect(await call('instance_logs', { title: 'done-w1-t1' })).toMatchObject({ logs: [{ attempt: 1 }] });
  expect(await call('capture_pane', { title: 'done-w1-t1', start: -5 })).toMatchObject({ title: 'done-w1-t1' });
  expect(await call('instance_send', { title: 'busy-w1-t1', prompt: 'hello' })).toMatchObject({
    message: 'sent to busy-w1-t1',
  });
  expect(await call('note_add', { text: 'the tests are slow' })).toMatchObject({ state: 'taken' });
  expect(await call('instance_pause', { title: 'busy-w1-t1' })).toMatchObject({ signal: { status: 'done' } });
  expect(await call('instance_resume', { title: 'busy-w1-t1' })).toMatchObject({ signal: { status: 'done' } });
  expect(await call('instance_restart', { title: 'busy-w1-t1' })).toMatchObject({ signal: { status: 'done' } });
  await until(async () => (await engine.client.instances({ plan: 'busy' })).some(({ attempt }) => attempt > 0));
  expect(await call('instance_kill', { title: 'busy-w1-t1' })).toMatchObject({ signal: { type: 'agent_kill' } });
  expect(
    await call('signal_create', { signal_type: 'needs-decision', plan_file: 'idea', payload: 'which colour?' }),
  ).toMatchObject({ signal: { type: 'needs_decision' } });
  expect(await call('task_answer', { filename: 'idea', answer: 'blue' })).toMatchObject({
    signal: { type: 'answer' },
  });
  expect(await call('task_create', { name: 'New Thing', content: '# Thing\\n\\nmore' })).toMatchObject({
    filename: 'new-thing',
    created: true,
    problems: [{ line: 1, message: expect.stringMatching(/^no wave headers/) }],
  });
  expect((await engine.client.plan('demo', 'new-thing')).content).toBe('# Thing\n\nmore');
  // A text that JSON cannot hold stays as it is.
  for (const [typed, kept] of [
    ['# Thing\\n\\nless', '# Thing\n\nless'],
    ['# Thing\\n\\d', '# Thing\\n\\d'],
  ]) {
    await call('task_update_content', { filename: 'new-thing', content: typed });
    expect((await engine.client.plan('demo', 'new-thing')).content).toBe(kept);
  }
  await call('task_create', { name: 'Why', description: 'because' });
  const why = await mcp.callTool({ name: 'task_show', arguments: { filename: 'why' } });
  expect(JSON.stringify(why.content)).toMatch(/"# Why\\n\\nbecause\\n\\n\{.*\\"status\\":\\"ready\\"/);
  const content = planText(['echo other > other.txt']);
  const broken = content.replace('### Task 1', '### Task');
  const updated = await call('task_update_content', { filename: 'new-thing', content: broken });
  expect(updated).toMatchObject({ updated: true, plan: { phase: null } });
  expect(updated.problems).not.toEqual([]);
  expect(await call('task_update_content', { filename: 'new-thing', content })).toMatchObject({
    updated: true,
    problems: [],
  });
  expect(
    await call('task_transition', { filename: 'new-thing', event: 'planner_finished', force: true }),
  ).toMatchObject({ forced: true, status: 'ready' });
  expect(await call('task_delete', { filename: 'new-thing' })).toMatchObject({ deleted: true });
  expect(await call('wait_for_event', { filename: 'done', until: 'final' })).toMatchObject({ reached: true });
  expect(await call('wait_for_event', { since: 0 })).toMatchObject({ reached: true, next_since: expect.any(Number) });
  // Nothing happens in this wait: the next one begins where it did, so that nothing between them is missed.
  const waited = await call('wait_for_event', { filename: 'done', timeout_seconds: 1 });
  expect(waited).toMatchObject({ reached: false, events: [], next_since: expect.any(Number) });
  expect(await call('task_merge', { filename: 'done' })).toMatchObject({ merged: { into: 'main' } });
  expect(git(engine.repo, 'show', 'main:done.txt')).toBe('done');
  git(engine.repo, 'branch', 'other', 'main~1');
  await say(engine, 'done', 'land', { into: 'other' });
  await until(async () => (await engine.client.landings()).length === 1);
  const line = { project: 'demo', branch: 'other' };
  expect(await call('landing_list', { project: 'demo' })).toMatchObject({ landings: [line] });
  expect(await call('repo_add', { path: engine.repo })).toMatchObject({ status: 'known' });
  // Its success needs a program that asks: test/effects/permissions.test.ts tests the same signal.
  used.add('instance_answer');
  await expect(mcp.listTools({ cursor: '2' })).rejects.toThrow('there is no such page');
  const { tools: listed } = await mcp.listTools();
  expect(listed.map(({ name }) => name).sort()).toEqual([...used].sort());
  openGate(join(engine.root, 'gate'));
}

it('prompts tell how a plan is written, with the idea or the document in them', async () => {
  const engine = await startEngine();
  await register(engine, 'idea', '# An idea\n');
  const { mcp } = await overHttp(engine);
  const { prompts } = await mcp.listPrompts();
  expect(prompts.map(({ name }) => name)).toEqual(['plan', 'improve_plan', 'see_through']);
  const text = async (name: string, given: Record<string, string>) => {
    const { messages } = await mcp.getPrompt({ name, arguments: given });
    return JSON.stringify(messages[0]?.content);
  };
  expect(await text('plan', { idea: 'a blue button' })).toMatch(/a blue button.*## Wave 1/s);
  expect(await text('improve_plan', { filename: 'idea' })).toContain('# An idea');
  expect(await text('see_through', { filename: 'idea' })).toContain('wait_for_event');
  await expect(mcp.getPrompt({ name: 'plan', arguments: {} })).rejects.toThrow(/idea is required/);
  await expect(mcp.getPrompt({ name: 'improve_plan', arguments: { filename: 'nope' } })).rejects.toThrow(/not found/);
});

it('a repo that starts programs is added only where its person says yes', async () => {
  const engine = await startEngine();
  const other = makeRepo(join(engine.root, 'other'));
  mkdirSync(join(other, '.stator'));
  writeFileSync(join(other, '.stator/config.toml'), '[agents.default]\npreset = "command"\nprogram = "make"\n');
  const mute = await overHttp(engine);
  expect(await mute.refused('repo_add', { path: other })).toMatchObject({
    code: 'untrusted',
    error: expect.stringContaining('make'),
  });
  const asker = await overHttp(engine, { capabilities: { elicitation: {} } });
  let says = false;
  const asked: string[] = [];
  asker.mcp.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params.message);
    return says ? { action: 'accept', content: { yes: true } } : { action: 'decline' };
  });
  expect(await asker.refused('repo_add', { path: other })).toMatchObject({ code: 'untrusted' });
  expect((await engine.client.repos()).map(({ project }) => project)).toEqual(['demo']);
  says = true;
  expect(await asker.use('repo_add', { path: other })).toMatchObject({ status: 'added', project: 'other' });
  expect(asked).toEqual([expect.stringContaining('make'), expect.stringContaining('make')]);
  expect(await asker.refused('task_show', { filename: 'x' })).toMatchObject({
    code: 'bad_request',
    hint: expect.stringContaining('demo, other'),
  });
});

it('without a project, plans and the queue are those of all repos', async () => {
  const engine = await startEngine();
  await engine.client.addRepo(makeRepo(join(engine.root, 'other')), { trust: true });
  await register(engine, 'here', planText(['true']));
  await engine.client.registerPlan({ project: 'other', plan: 'there', content: planText(['true']) });
  const { use } = await overHttp(engine);
  const list = (await use('task_list')).tasks as { filename: string; description: string }[];
  expect(list.map(({ filename }) => filename).sort()).toEqual(['here', 'there']);
  expect(list[0]?.description).toBe('A plan');
  expect(await use('task_list', { project: 'other' })).toMatchObject({ total: 1 });
  expect(await use('queue_list')).toMatchObject({ items: [] });
});

it('the work of a plan whose reviewer refuses it is taken as it is with task_answer', async () => {
  const agents = {
    default: { preset: 'sh', attempts: 1 },
    reviewer: { preset: 'command', program: 'false' },
    fixer: { preset: 'command', program: 'date +%N >> fixes.txt' },
  } as const;
  const engine = await startEngine({ agents, daemon: 'blueprint_skip_threshold = 0\nmax_review_fix_cycles = 1\n' });
  await begin(engine, 'anyway', planText(['echo it > it.txt']));
  await untilBlocked(engine, 'anyway');
  const { use, refused } = await overHttp(engine);
  expect(await refused('task_answer', { filename: 'anyway' })).toMatchObject({ code: 'bad_request' });
  expect(await use('task_answer', { filename: 'anyway', accept: true })).toMatchObject({ signal: { status: 'done' } });
  await untilStatus(engine, 'anyway', 'done');
});

it('of several questions the named one is answered; a wait, a merge and a permission say what was not done', async () => {
  const engine = await startEngine();
  const { client, repo, root } = engine;
  await begin(engine, 'asks', planText([asks('left?'), asks('up?'), gate(join(root, 'gate'))]));
  await begin(engine, 'over', planText(['echo a > a.txt']));
  const { use, refused } = await overHttp(engine);
  const wait = async (until: string) =>
    (await use('wait_for_event', { filename: 'asks', until, timeout_seconds: until === 'idle' ? 1 : 60 })).reached;
  expect([await wait('person'), await wait('idle')]).toEqual([true, false]);
  const open = async () => (await client.plan('demo', 'asks')).questions.map(({ number }) => number);
  await until(async () => (await open()).length === 2);
  const [first, second] = await open();
  const answer = { filename: 'asks', answer: 'right' };
  expect(await refused('task_answer', answer)).toMatchObject({ code: 'conflict' });
  await use('task_answer', { ...answer, question: second });
  expect(await open()).toEqual([first]);
  const allows = { title: 'asks-w1-t1', answer: 'allow', message: 'but only once' };
  expect(await refused('instance_answer', allows)).toMatchObject({ code: 'bad_request' });
  await untilStatus(engine, 'over', 'done');
  writeFileSync(join(repo, 'a.txt'), 'mine');
  expect(await refused('task_merge', { filename: 'over' })).toMatchObject({ code: 'refused' });
  openGate(join(root, 'gate'));
});

it('of many plans, agents, notifications and lines a list has a hundred at once, and of many agents the logs of the newest', async () => {
  const all = Array.from({ length: 250 }, (_, at) => at);
  const client = {
    plans: async () => all.map((at) => ({ project: 'demo', plan: `p${at}`, status: 'ready', updated_at: '' })),
    // The newest come first.
    instances: async () => all.map((at) => ({ project: 'demo', title: `a${at}`, log: '/log' })),
    close: async () => {},
  };
  const caller = { own: null, project: null, open: async () => client } as unknown as McpCaller;
  const list = tools.find(({ name }) => name === 'task_list');
  const page = (offset: number) => list?.run({ caller, input: { offset } } as never);
  expect(await page(0)).toMatchObject({ tasks: { length: 100, 99: { filename: 'p99' } }, total: 250 });
  expect(await page(200)).toMatchObject({ tasks: { length: 50, 0: { filename: 'p200' } }, total: 250 });
  const logs = (await listResources(caller)).filter(({ uri }) => uri.endsWith('/log'));
  expect([logs.length, logs[0]?.uri]).toEqual([200, 'stator://demo/agents/a0/log']);

  // Those that have not ended come first.
  const many = [...all.map((seq) => ({ seq, state: 'succeeded' })), { seq: 250, state: 'running' }];
  const ofEngine = { ask: async () => many, queue: async () => many, queueStats: async () => ({ total: 251 }) };
  const answering = { ...client, ...ofEngine, status: async () => ({ running: true, instances: many }) };
  const open = async () => answering;
  const asked = (name: string, input: Record<string, unknown>) =>
    tools
      .find((each) => each.name === name)
      ?.run({
        ...{ input, caller: { ...caller, open, attach: open } },
        with: (_: string, use: (client: unknown, named: string) => unknown) => use(answering, 'demo'),
      } as never);
  expect(await asked('instance_list', { offset: 0 })).toMatchObject({
    instances: { length: 100, 0: { seq: 250 }, 1: { seq: 0 } },
    total: 251,
  });
  expect(await asked('instance_list', { offset: 200 })).toMatchObject({ instances: { length: 51 } });
  expect(await asked('notification_list', { offset: 200 })).toMatchObject({
    notifications: { length: 51 },
    total: 251,
  });
  expect(await asked('queue_list', { offset: 200 })).toMatchObject({ items: { length: 51 }, stats: { total: 251 } });
  expect(await asked('task_history', { filename: 'p1' })).toMatchObject({ lines: { length: 100 }, next_after: 99 });
  expect(await asked('daemon_status', {})).toMatchObject({ instances: [{ seq: 250 }] });
});
