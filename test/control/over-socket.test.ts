import { once } from 'node:events';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { callSocket, ignoreLateErrors } from '../../runtime/api/client/call.ts';
import { createClient } from '../../runtime/api/client/client.ts';
import { socketPath } from '../../runtime/base/config/config.ts';
import type { FactEntry } from '../../runtime/engine/engine.ts';
import {
  agentClient,
  begin,
  gate,
  ground,
  leaveToken,
  openGate,
  planText,
  register,
  startEngine,
  type TestEngine,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectAnswer, expectFailure, expectProse } from '../support/prose.ts';

function socketOf({ home, env }: Pick<TestEngine, 'home' | 'env'>): string {
  return socketPath(home, env, '');
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** What a program that knows nothing of our client sends. */
function raw(
  socket: string,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: socket, method, path, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: answer.statusCode ?? 0, body: text === '' ? null : JSON.parse(text) });
      });
    });
    asked.on('error', reject).once('socket', ignoreLateErrors);
    asked.end(body);
  });
}

it('a reader of events that gives up before the first answer gets no error, and a name that is left out is named', async () => {
  const engine = await startEngine();
  const client = createClient(callSocket(socketOf(engine), undefined), { note: null, close: async () => {} });
  const read = async (signal: AbortSignal) => {
    const seen: FactEntry[] = [];
    for await (const fact of client.events({ signal })) seen.push(fact);
    return seen;
  };
  expect(await read(AbortSignal.abort())).toEqual([]);
  await engine.engine.stop();
  await expect(read(new AbortController().signal)).rejects.toMatchObject({ code: 'unavailable' });
  const unnamed = client.plan as (project: string) => Promise<unknown>; // as a program without types would
  await expect(unnamed('demo')).rejects.toMatchObject({ code: 'bad_request', message: 'plan is required' });
});

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const failure = {
  error: expect.stringMatching(/./),
  code: expect.stringMatching(/^[a-z_]+$/),
  hint: expect.stringMatching(/./),
};

describe('the control API over its socket', () => {
  it('takes the next request of a connection whose body it did not need, also when that body comes late', async () => {
    const engine = await startEngine();
    const asked = connect(socketOf(engine));
    let answered = '';
    asked.setEncoding('utf8').on('data', (text: string) => {
      answered += text;
    });
    const size = 400_000;
    asked.write(`POST /v1/nowhere HTTP/1.1\r\nhost: stator\r\ncontent-length: ${size}\r\n\r\n`);
    await until(() => answered.includes('no route'));
    // Longer than a server waits that gives a connection up after an early answer.
    await delay(1_000);
    asked.write(' '.repeat(size));
    asked.write('GET /v1/ping HTTP/1.1\r\nhost: stator\r\nconnection: close\r\n\r\n');
    await once(asked, 'close');
    expect(answered).toMatch(/^HTTP\/1\.1 404 [\s\S]*HTTP\/1\.1 200 OK/);
  });

  it('is for its owner only, and every route answers in its documented shape', async () => {
    const on = ground();
    // A folder that was left open is closed.
    mkdirSync(join(on.root, 'stator'));
    chmodSync(join(on.root, 'stator'), 0o755);
    const engine = await startEngine({ on });
    const { repo } = engine;
    const socket = socketOf(engine);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700);
    const get = async (path: string) => (await raw(socket, 'GET', path)).body;
    expect(await raw(socket, 'GET', '/v1/ping')).toEqual({
      status: 200,
      body: {
        version: expect.any(String),
        build: expect.any(String),
        state: 'running',
        lock: expect.stringMatching(/^\d+:\d+$/),
        warnings: [],
      },
    });
    expect((await raw(socket, 'POST', '/v1/repos', JSON.stringify({ path: repo, existing: 'ok' }))).status).toBe(200);
    const made = await raw(
      socket,
      'POST',
      '/v1/repos/demo/plans',
      JSON.stringify({ plan: 'shape', content: `**Goal:** g\n\n${planText(['echo a > a.txt'])}`, topic: 'ui' }),
    );
    expect(made.status).toBe(201);
    const sent = await raw(
      socket,
      'POST',
      '/v1/repos/demo/signals',
      JSON.stringify({ plan: 'shape', type: 'implement-start', dedupe_key: 'one' }),
    );
    expect(sent).toEqual({
      status: 200,
      body: {
        signal: { id: expect.any(Number), type: 'implement_start', status: 'done', result: 'done', refused: null },
        plan: { project: 'demo', plan: 'shape', status: 'implementing', phase: null, waits: null },
      },
    });
    const twice = await raw(
      socket,
      'POST',
      '/v1/repos/demo/signals',
      JSON.stringify({ plan: 'shape', type: 'implement_start', dedupe_key: 'one' }),
    );
    expect(twice.body).toMatchObject({ signal: (sent.body as { signal: object }).signal });
    await untilStatus(engine, 'shape', 'done');

    const entry = {
      project: 'demo',
      plan: 'shape',
      title: 'A plan',
      goal: 'g',
      status: 'done',
      phase: null,
      landing: 'not_merged',
      accepts: ['merge', 'land'],
      blocked: null,
      questions: [],
      wave: 1,
      waves: 1,
      tasks_done: 1,
      tasks: 1,
      branch: 'plan/shape',
      topic: 'ui',
      author: 'person',
      review_cycle: 0,
      paused: false,
      waiting_for: null,
      turn: 'nobody',
      need: null,
      created_at: time,
      updated_at: time,
      file: null,
      usage: { runs: 1, input_tokens: null, output_tokens: null, cost_usd: null },
      budget: [],
    };
    expect(await get('/v1/plans')).toEqual([entry]);
    expect(await get('/v1/repos/demo/plans')).toEqual([entry]);
    const { usage } = entry;
    const task = {
      number: 1,
      title: 'task 1',
      status: 'done',
      attempts: 1,
      reason: null,
      why: null,
      waits_for_files: null,
      branch: 'plan/shape-w1-t1',
      after: [],
      usage,
    };
    expect(await get('/v1/repos/demo/plans/shape')).toEqual({
      ...entry,
      base_remote: null,
      issues: [],
      auto_advance: true,
      title: 'A plan',
      goal: 'g',
      content: expect.stringContaining('## Wave 1'),
      file_digest: null,
      file_as: null,
      questions: [],
      base: { branch: 'main', commit: expect.stringMatching(/^[0-9a-f]{40}$/), on: [] },
      tasks_by_wave: [{ number: 1, status: 'done', tasks: [task] }],
      runs: 1,
      left_undone: [],
      set_aside: [],
      run_list: [expect.objectContaining({ title: 'shape-w1-t1', attempt: 1, state: 'succeeded', ended_at: time })],
      pull_request: null,
      isolation: 'task',
      merged: null,
      merging: false,
      merge_refused: null,
      creating_pr: false,
      estimate: null,
      pr_refused: null,
      pr_remarks: [],
      drafts: [],
      timestamps: { implementing_at: time, done_at: time },
    });
    const [line] = (await get('/v1/repos/demo/plans/shape/history')) as object[];
    expect(line).toEqual({
      seq: expect.any(Number),
      at: time,
      signal: expect.any(Number),
      origin: 'engine',
      actor: '',
      event: 'begun',
      from: '',
      to: 'lifecycle.ready.planned',
      from_tags: [],
      to_tags: ['status:ready', 'phase:planned'],
      effects: [],
      refused: null,
      attempt: null,
      reason: null,
      why: null,
      until: null,
      questions: [],
      resumed: false,
      stands_in: null,
    });
    expect(await get('/v1/repos/demo/plans/shape/explain')).toEqual({
      base_remote: null,
      plan: 'shape',
      status: 'done',
      waiting_for: null,
      base: { branch: 'main', commit: expect.stringMatching(/^[0-9a-f]{40}$/), on: [] },
      stack: [],
      accepts: expect.arrayContaining(['reimplement', 'start_over', 'request_review', 'cancel']),
      events: expect.arrayContaining([
        { type: 'cancel', does: 'cancels the plan', accepted: true, why_not: null },
        { type: 'reopen', does: 'reopens a cancelled plan', accepted: false, why_not: expect.any(String) },
      ]),
      repo_troubles: [],
      engine_troubles: [],
      refused_last: null,
    });
    const instance = {
      title: 'shape-w1-t1',
      project: 'demo',
      plan: 'shape',
      role: 'coder',
      state: 'succeeded',
      live: false,
      run: expect.stringMatching(/^plan:demo\/shape\/wave-1\.2\/task-1\.1\/agent#1@[0-9a-f]{8}$/),
      pid: null,
      attempt: 1,
      worktree: join(repo, '.worktrees', 'plan-shape-w1-t1'),
      branch: 'plan/shape-w1-t1',
      started_at: time,
      last_activity_at: time,
      exit_code: 0,
      exit_note: null,
      reason: null,
      waits_until: null,
      takes_input: false,
      takes_keys: false,
      permissions: [],
      log: expect.stringMatching(/\/runs\/shape#wave-1\.2#task-1\.1#agent#1#demo(?:\.[\w-]+)?\/log$/),
      last_line: null,
      preset: 'sh',
      usage,
      id: 'demo/shape-w1-t1',
      active: false,
      loading: false,
      ready: false,
      paused: false,
      program: 'sh',
      created_at: time,
      task_number: 1,
      wave_number: 1,
      work: null,
    };
    expect(await get('/v1/repos/demo/instances')).toEqual([instance]);
    expect(await get('/v1/instances?plan=shape')).toEqual([instance]);
    const queued = {
      id: expect.any(Number),
      project: 'demo',
      plan: 'shape',
      title: 'shape-w1-t1',
      state: 'completed',
      position: null,
      attempts: 1,
      error: null,
      role: 'coder',
      agent_state: 'succeeded',
      held_by: null,
      waiting_for: null,
      queued_at: time,
      started_at: time,
      finished_at: time,
    };
    expect(await get('/v1/queue')).toEqual([queued]);
    const repoEntry = { project: 'demo', path: repo, active_plans: 0, state: 'active', reason: null };
    expect(await get('/v1/repos')).toEqual([repoEntry]);
    expect(await get('/v1/status')).toMatchObject({
      running: true,
      uptime: expect.any(Number),
      repo_count: 1,
      repos: [repoEntry],
      instances: [instance],
    });
    const signal = {
      id: expect.any(Number),
      project: 'demo',
      plan: 'shape',
      type: 'implement_start',
      payload: {},
      origin: 'person',
      status: 'done',
      attempts: 1,
      result: 'done',
      dedupe_key: 'one',
      created_at: time,
      deliver_at: null,
      processed_at: time,
    };
    const { id } = (sent.body as { signal: { id: number } }).signal;
    expect(await get(`/v1/signals/${id}`)).toEqual(signal);
    expect(await get(`/v1/repos/demo/signals/${id}`)).toEqual(signal);
    expect(await get('/v1/repos/demo/signals?plan=shape&status=done')).toContainEqual(signal);
    const { client } = engine;
    expect(await client.machine({ name: 'task', format: 'mermaid' })).toContain('stateDiagram-v2');
    expect(JSON.parse(await client.machine({ name: 'plan', format: 'json' }))).toMatchObject({ key: 'plan' });
    expect(await client.capture({ project: 'demo', title: 'shape-w1-t1' })).toBe('');
    expect(await raw(socket, 'DELETE', '/v1/repos/demo/plans/shape')).toMatchObject({
      status: 200,
      body: { status: 'deleted', project: 'demo', plan: 'shape', notes: [] },
    });
  });

  it('answers what it cannot take with an error, a code and a hint', async () => {
    const engine = await startEngine();
    const { root } = engine;
    const socket = socketOf(engine);
    await begin(engine, 'here', planText([gate(join(root, 'go'))]));
    const post = (path: string, body: unknown, headers?: Record<string, string>) =>
      raw(socket, 'POST', path, typeof body === 'string' ? body : JSON.stringify(body), headers);
    const signal = (body: object) => post('/v1/repos/demo/signals', body);
    const cases: [Promise<Answer>, number, string][] = [
      [post('/v1/repos/demo/signals', `{"plan":"here","type":"${'x'.repeat(1_100_000)}"}`), 413, 'too_large'],
      [raw(socket, 'GET', '/v1/repos/nope/signals/1'), 404, 'repo_not_found'],
      // The first signal of all opened the engine, and is no repo's.
      [raw(socket, 'GET', '/v1/repos/demo/signals/1'), 404, 'not_found'],
      [post('/v1/repos/demo/plans', { plan: 'here-w1-t1', content: '' }), 400, 'bad_request'],
      [signal({ plan: 'here', type: 'pause', dedupe_key: 'plan:demo/here/agent#1:done' }), 400, 'bad_request'],
      [signal({ plan: 'here', type: 'pause', dedupe_key: 'repo:demo' }), 400, 'bad_request'],
      [signal({ plan: 'here', type: 'pause', dedupe_key: 'supervisor' }), 400, 'bad_request'],
      [post('/v1/repos', { path: '/tmp', extra: 1 }), 400, 'bad_request'],
      [signal({ plan: 'here', type: 'cancel', payload: 'x'.repeat(70_000) }), 413, 'too_large'],
      // Fields in the wrong place, or of a route that takes none: without them the request would mean something else.
      [post('/v1/queue/clear', { project: 'demo' }), 400, 'bad_request'],
      [post('/v1/repos/demo/trust', { digest: '0'.repeat(64) }), 400, 'bad_request'],
      [post('/v1/repos/demo/signals?wait_ms=0', { plan: 'here', type: 'pause' }), 400, 'bad_request'],
      [post('/v1/repos/demo/pause', 'plan=here'), 400, 'bad_request'],
      [raw(socket, 'DELETE', '/v1/repos/demo', '{"stop":true}'), 400, 'bad_request'],
      [raw(socket, 'GET', '/v1/status?project=demo'), 400, 'bad_request'],
      ...['Bearer nobody', 'bearer x', 'Bearer', 'Bearer ', 'Basic eDp5', 'x', ''].map(
        (authorization): [Promise<Answer>, number, string] => [
          post('/v1/repos/demo/signals', { plan: 'here', type: 'pause' }, { authorization }),
          401,
          'unauthorized',
        ],
      ),
    ];
    for (const [asked, status, code] of cases) {
      const answer = await asked;
      expect([answer.status, answer.body]).toEqual([status, { ...failure, code }]);
    }
    const unknown = await signal({ plan: 'here', type: 'implement_strat' });
    expectAnswer(unknown.body, 'unknown_signal', '"implement_strat"', 'implement_start?');
    // A refusal is an answer of its own.
    const refused = await signal({ plan: 'here', type: 'review_approved' });
    expect(refused).toMatchObject({
      status: 409,
      body: {
        signal: {
          status: 'failed',
          refused: {
            by: 'plan',
            state: 'underway.implementing.wave.running',
            guard: null,
            accepts: expect.arrayContaining(['cancel', 'pause']),
          },
        },
      },
    });
    const changed = await raw(
      socket,
      'PUT',
      '/v1/repos/demo/plans/here/content',
      JSON.stringify({ content: planText(['another']) }),
    );
    expect(changed).toMatchObject({ status: 409, body: { signal: { status: 'failed', type: 'plan_updated' } } });
    const explained = await engine.client.explain('demo', 'here');
    expect(explained.refused_last).toMatchObject({
      event: 'plan_updated',
      from: 'underway.implementing.wave.running',
    });
    openGate(join(root, 'go'));
  });

  it('may answer a large body before it has read it, and close: the process of the client goes on', async () => {
    const path = join(ground().root, 'early.sock');
    let connection: Socket | null = null;
    const server = createServer((asked, answer) => {
      connection = asked.on('error', () => {}).socket;
      answer.writeHead(413, { 'content-type': 'application/json' }).end('{}');
    });
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => void server.listen(path, resolve));
    for (const round of [1, 2, 3]) {
      const answer = await callSocket(path, undefined)('POST', '/v1/repos', { body: 'x'.repeat(3_000_000) });
      expect([round, answer.status, await answer.text()]).toEqual([round, 413, '{}']);
      (connection as Socket | null)?.destroy();
    }
    // Its error is reported before this one is answered.
    expect((await callSocket(path, undefined)('GET', '/v1/ping')).status).toBe(413);
  });

  it('lets an agent speak of its own plan only, and not with a person’s words', async () => {
    const engine = await startEngine();
    const { root, client } = engine;
    const [token, go] = [join(root, 'token'), join(root, 'go')];
    await begin(engine, 'own', planText([`${leaveToken(token)}; ${gate(go)}; echo a > a.txt`]));
    await register(engine, 'foreign', planText(['true']));
    const agent = await agentClient(token);
    for (const type of ['cancel', 'pause', 'resolve', 'mark_done', 'set_status', 'agent_kill'])
      await expect(agent.send({ project: 'demo', plan: 'own', type, payload: {} })).rejects.toMatchObject({
        code: 'not_allowed',
        message: expect.stringContaining('agent:own-w1-t1'),
      });
    const foreign = agent.send({ project: 'demo', plan: 'foreign', type: 'implement_start' });
    await expectFailure(foreign, 'not_allowed', 'agent:own-w1-t1', 'demo/own', 'demo/foreign');
    for (const asked of [
      () => agent.addRepo(engine.repo, { trust: true }),
      () => agent.deletePlan('demo', 'foreign'),
      () => agent.registerPlan({ project: 'demo', plan: 'new', content: '' }),
      () => agent.killInstance({ project: 'demo', title: 'own-w1-t1' }),
      () => agent.updateContent('demo', 'foreign', ''),
    ])
      await expect(asked()).rejects.toMatchObject({ code: 'forbidden' });
    const answer = await agent.send({
      project: 'demo',
      plan: 'own',
      type: 'implement_task_finished',
      payload: { wave_number: 1, task_number: 1 },
    });
    expect(answer.signal.status).toBe('done');
    const entry = await client.signal({ id: answer.signal.id });
    expect(entry.origin).toBe('agent:own-w1-t1');
    openGate(go);
    await untilStatus(engine, 'own', 'done');
    await expect(agent.send({ project: 'demo', plan: 'own', type: 'implement_finished' })).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  it('takes a token that is empty, or that no header can carry, for nobody’s', async () => {
    const engine = await startEngine();
    await register(engine, 'here', planText(['true']));
    for (const token of ['', ' ', 'a\nb', 'ü']) {
      const client = createClient(callSocket(socketOf(engine), token), { note: null, close: async () => {} });
      const sent = client.send({ project: 'demo', plan: 'here', type: 'pause' });
      await expectFailure(sent, 'unauthorized', 'unset STATOR_TOKEN');
    }
  });

  it('answers the key of one sender with no signal of another, so that an agent cannot take a person’s key first', async () => {
    const engine = await startEngine();
    const { root, client } = engine;
    const [token, go] = [join(root, 'token'), join(root, 'go')];
    await begin(engine, 'own', planText([`${leaveToken(token)}; ${gate(go)}; echo a > a.txt`]));
    await register(engine, 'other', planText(['true']));
    const agent = await agentClient(token);
    const finished = {
      ...{ project: 'demo', plan: 'own', type: 'implement_task_finished', dedupeKey: 'ci:812' },
      payload: { wave_number: 1, task_number: 1 },
    };
    const { signal } = await agent.send(finished);
    expect((await agent.send(finished)).signal).toEqual(signal);
    const cancel = client.send({ project: 'demo', plan: 'other', type: 'cancel', dedupeKey: 'ci:812' });
    await expectFailure(
      cancel,
      'conflict',
      '"ci:812"',
      `signal ${signal.id}`,
      'agent:own-w1-t1',
      'cancel was not sent',
    );
    expect(await client.plan('demo', 'other')).toMatchObject({ status: 'ready' });
    await client.send({ project: 'demo', plan: 'other', type: 'pause', dedupeKey: 'ci:813' });
    await expectFailure(agent.send({ ...finished, dedupeKey: 'ci:813' }), 'conflict', 'by person');
    openGate(go);
  });

  it('gives a check no say: its words are neither a person’s nor an agent’s', async () => {
    const engine = await startEngine();
    const [token, go] = [join(engine.root, 'token'), join(engine.root, 'go')];
    const fields = `**Check:** ${leaveToken(token)}; ${gate(go)}`;
    await begin(engine, 'judged', planText([{ sh: 'echo a > a.txt', fields }]));
    const check = await agentClient(token);
    expect(await check.plan('demo', 'judged')).toMatchObject({ status: 'implementing' });
    for (const type of ['cancel', 'implement_task_finished', 'needs_decision'])
      await expect(check.send({ project: 'demo', plan: 'judged', type })).rejects.toMatchObject({
        code: 'forbidden',
      });
    openGate(go);
    await untilStatus(engine, 'judged', 'done');
  });

  it('gives one branch to one plan, however many ask at once', async () => {
    const engine = await startEngine();
    const { client } = engine;
    const ask = (plan: string, branch?: string) =>
      client.registerPlan({ project: 'demo', plan, content: '', ...(branch === undefined ? {} : { branch }) });
    const codes = async (asked: Promise<unknown>[]) =>
      (await Promise.allSettled(asked))
        .map((end) => (end.status === 'fulfilled' ? 'taken' : (end.reason as { code: string }).code))
        .sort();
    expect(await codes([ask('a', 'x'), ask('b', 'x'), ask('c', 'x')])).toEqual(['conflict', 'conflict', 'taken']);
    expect(await codes([ask('same'), ask('same'), ask('same')])).toEqual(['conflict', 'conflict', 'taken']);
    // The branch of a task is its plan's as well.
    await expect(ask('d', 'x-w1-t1')).rejects.toMatchObject({ code: 'conflict' });
    await ask('e', 'y-w2-t3');
    await expect(ask('f', 'y')).rejects.toMatchObject({ code: 'conflict' });
    // A name that was used before is renewed, once.
    await client.deletePlan('demo', 'same');
    expect(await codes([ask('same'), ask('same')])).toEqual(['conflict', 'taken']);
    expect(await codes([client.deletePlan('demo', 'e'), client.deletePlan('demo', 'e')])).toEqual([
      'plan_not_found',
      'taken',
    ]);
  });

  it('judges the branch as it is now, with what somebody committed to it meanwhile', async () => {
    const engine = await startEngine();
    const { client, repo } = engine;
    await begin(engine, 'moved', planText(['echo a > a.txt']));
    await untilStatus(engine, 'moved', 'done');
    const tree = git(repo, 'rev-parse', 'plan/moved^{tree}');
    const head = git(repo, 'commit-tree', tree, '-p', 'plan/moved', '-m', 'by hand');
    git(repo, 'update-ref', 'refs/heads/plan/moved', head);
    await client.send({ project: 'demo', plan: 'moved', type: 'request_review' });
    const signals = (await client.signals({ project: 'demo', plan: 'moved' })).reverse();
    const last = signals.findIndex(({ type }) => type === 'request_review');
    expect(signals[last - 1]).toMatchObject({
      type: 'head_moved',
      payload: { head },
      origin: 'engine',
      status: 'done',
    });
    // Said once: nothing has moved since.
    await client.send({ project: 'demo', plan: 'moved', type: 'verify_failed', payload: 'no' });
    const told = (await client.signals({ project: 'demo', plan: 'moved' })).filter(
      ({ type, payload }) => type === 'head_moved' && JSON.stringify(payload) === JSON.stringify({ head }),
    );
    expect(told.length).toBe(1);
  });

  it('says that an agent waits for a permission, and does not call it a limit', async () => {
    const engine = await startEngine();
    const { root, client, home } = engine;
    const go = join(root, 'go');
    await begin(engine, 'asks', planText([gate(go)]));
    const kindOf = async () => (await client.plan('demo', 'asks')).waiting_for;
    await until(async () => (await client.instances({ plan: 'asks' }))[0]?.state === 'running');
    const store = new Database(join(home, 'taskstore.db'));
    const run = store.prepare(`SELECT run FROM runs WHERE plan = 'asks'`).pluck().get();
    store
      .prepare(
        `INSERT INTO signals(project, plan, type, payload, origin, tree, run, is_checked, seal)
         VALUES ('demo', 'asks', 'run_waiting', '{"permission":"9f3a1c2e","tool":"Bash","detail":"make deploy","limit_ms":600000}', 'engine', 'plan:demo/asks', ?, 1, (SELECT seal FROM inbox_seal))`,
      )
      .run(run);
    store.close();
    await until(async () => (await client.instances({ plan: 'asks' }))[0]?.state === 'waiting');
    const waits = await kindOf();
    expect(waits?.kind).toBe('agent');
    expectProse(waits?.detail ?? '', 'Bash', 'stator agent allow asks-w1-t1 --question 9f3a1c2e');
    openGate(go);
  });

  it('streams facts: what was missed first, then what is live, nothing twice', async () => {
    const engine = await startEngine();
    const { root } = engine;
    const over = createClient(callSocket(socketOf(engine), undefined), { note: null, close: async () => {} });
    const go = join(root, 'go');
    await begin(engine, 'facts', planText([`${gate(go)}; echo a > a.txt`]));
    await begin(engine, 'other', planText([gate(go)]));
    const seen: FactEntry[] = [];
    const stop = new AbortController();
    const reading = (async () => {
      for await (const fact of over.events({ since: 0, project: 'demo', plan: 'facts', signal: stop.signal }))
        seen.push(fact);
    })();
    await until(() => seen.some((fact) => fact.event === 'implement_start'));
    openGate(go);
    await untilStatus(engine, 'facts', 'done');
    await until(() => seen.some((fact) => fact.to === 'lifecycle.done'));
    stop.abort();
    await reading;
    const whole = await engine.client.history('demo', 'facts');
    expect(seen.map((fact) => fact.seq)).toEqual(whole.map((line) => line.seq));
    expect(seen.every((fact) => fact.plan === 'facts')).toBe(true);
    // From the middle, by the header that browsers send.
    const middle = whole[5]?.seq ?? 0;
    const again: number[] = [];
    const second = new AbortController();
    for await (const fact of over.events({ since: middle, project: 'demo', plan: 'facts', signal: second.signal })) {
      again.push(fact.seq);
      if (again.length === whole.length - 6) second.abort();
    }
    expect(again).toEqual(whole.slice(6).map((line) => line.seq));
  });

  it('takes an edit of the document where nothing begun changes, and rows that another program inserts', async () => {
    const engine = await startEngine();
    const { root, home, client } = engine;
    const go = join(root, 'go');
    const first = `${gate(go)}\necho a > a.txt`;
    await register(engine, 'edit', planText([first]));
    const store = new Database(join(home, 'taskstore.db'));
    store.exec(
      `INSERT INTO signals(project, plan, type, payload) VALUES ('demo', 'edit', 'implement-start', 'now'), ('demo', 'edit', 'implement', '{}'), ('demo', 'absent', 'cancel', '{}')`,
    );
    store.close();
    await until(async () => (await client.instances({ plan: 'edit' }))[0]?.state === 'running');
    const rows = (await client.signals({})).filter((row) => row.origin === 'person').reverse();
    expect(rows.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'implement-start done',
      'implement failed',
      'cancel failed',
    ]);
    expect(rows[1]?.result).toMatchObject({ code: 'unknown_signal', error: 'unknown signal type "implement"' });
    expect(rows[2]?.result).toMatchObject({ code: 'plan_not_found', error: 'plan not found: demo/absent' });
    const renamed = await client.updateContent('demo', 'edit', planText([{ sh: first, title: 'another' }]));
    expect(renamed.signal.refused?.guard).toBe(
      'what was begun is fixed: task 1 of wave 1 cannot change ("task 1" is now "another")',
    );
    const longer = await client.updateContent('demo', 'edit', planText([first, 'echo b > b.txt'], ['echo c > c.txt']));
    expect(longer.signal.status).toBe('done');
    openGate(go);
    const done = await untilStatus(engine, 'edit', 'done');
    expect(done).toMatchObject({ tasks: 3, tasks_done: 3, waves: 2 });
    expect(git(engine.repo, 'ls-tree', '--name-only', 'plan/edit').split('\n')).toEqual([
      'README.md',
      'a.txt',
      'b.txt',
      'c.txt',
    ]);
  });
});
