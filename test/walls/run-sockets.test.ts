/** An agent has a socket and a token of its own run, and with both it can only act on its own work. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { serveSocket } from '../../runtime/api/control/server.ts';
import { runSocketFolder, socketPath } from '../../runtime/base/config/socket-path.ts';
import { createEngine } from '../../runtime/engine/engine.ts';
import {
  afterwards,
  begin,
  forAll,
  gate,
  ground,
  leaveToken,
  openGate,
  planText,
  register,
  script,
  startEngine,
  type TestEngine,
  untilFile,
  untilStatus,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { ask as askOver } from '../support/http-ask.ts';
import { read } from '../support/killed-engine.ts';
import { expectFailure, expectProse } from '../support/prose.ts';

interface Agent {
  readonly socket: string;
  readonly token: string;
}

interface Answer {
  readonly status: number;
  readonly json: { readonly code?: string; readonly signal?: { readonly status: string; readonly refused: unknown } };
}

/** The socket and token that a run left with `leaveToken`. */
async function agentOf(file: string): Promise<Agent> {
  await untilFile(file);
  const [socket = '', token = ''] = readFileSync(file, 'utf8').split('\n');
  return { socket, token };
}

/** Sends a request as a program without stator's client would. */
async function ask(
  socketPath: string,
  key: string,
  { token, body, repeatKey }: { readonly token?: string; readonly body?: object; readonly repeatKey?: string } = {},
): Promise<Answer> {
  const headers = {
    ...(repeatKey === undefined ? {} : { 'idempotency-key': repeatKey }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const asked = { headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const { status, text, headers: answered } = await askOver({ socketPath }, key, asked);
  const isJson = answered['content-type']?.startsWith('application/json') === true;
  return { status, json: isJson ? JSON.parse(text) : {} };
}

/** Two running agents of one plan, and another plan. */
async function atWork() {
  const engine = await startEngine();
  const [one, two, go] = ['one', 'two', 'go'].map((name) => join(engine.root, name)) as [string, string, string];
  const task = (file: string) => `echo a > "$STATOR_TASK.txt"; ${leaveToken(file)}; ${gate(go)}`;
  await begin(engine, 'own', planText([task(one), task(two)]));
  await register(engine, 'other', planText(['true']));
  return { engine, first: await agentOf(one), second: await agentOf(two), go };
}

const signals = 'POST /v1/repos/demo/signals';
const question = { plan: 'own', type: 'needs_decision', payload: 'why?', wait_ms: 0 };

describe('beside another run and another plan', () => {
  const running = forAll(atWork);

  it('a run’s socket answers nobody without its token, and no other run', async () => {
    const { first, second } = running();
    expect(first.socket).not.toBe(second.socket);
    for (const token of [undefined, '', 'nobody', second.token]) {
      const given = token === undefined ? {} : { token };
      for (const key of ['GET /v1/ping', 'GET /v1/repos/demo/plans/own'])
        expect(await ask(first.socket, key, given), `${key} ${token}`).toMatchObject({
          status: 401,
          json: { code: 'unauthorized' },
        });
      expect(await ask(first.socket, signals, { ...given, body: question })).toMatchObject({ status: 401 });
    }
    expect(await ask(first.socket, 'GET /v1/ping', first)).toMatchObject({ status: 200 });
  });

  it('a run’s socket serves nothing but its own plan, and no route of people', async () => {
    const { first, engine } = running();
    const own = ['', '/explain', '/history', '/prompt'].map((end) => `GET /v1/repos/demo/plans/own${end}`);
    for (const key of own) expect(await ask(first.socket, key, first), key).toMatchObject({ status: 200 });
    // Those of the engine are about all repos.
    expect((await ask(first.socket, 'GET /v1/ping', first)).json).not.toHaveProperty('warnings');
    const refused = [
      'GET /v1/status',
      'GET /openapi.json',
      'GET /v1/repos',
      'GET /v1/repos/demo',
      'GET /v1/plans',
      'GET /v1/signals',
      'GET /v1/events',
      'GET /v1/instances',
      'GET /v1/repos/demo/plans/other',
      'GET /v1/repos/elsewhere/plans/own',
      'POST /v1/repos',
      'POST /v1/repos/demo/trust',
      'POST /v1/reload',
      'POST /v1/queue/pause',
      'POST /v1/stop',
      'DELETE /v1/repos/demo/plans/own',
      'POST /v1/repos/demo/instances/own-w1-t2/kill',
    ];
    for (const key of refused)
      expect(await ask(first.socket, key, first), key).toMatchObject({ status: 403, json: { code: 'forbidden' } });
    expect(await ask(first.socket, 'GET /nothing', first)).toMatchObject({ status: 404, json: { code: 'not_found' } });
    const other = { plan: 'other', type: 'needs_decision', payload: 'why?' };
    expect(await ask(first.socket, signals, { ...first, body: other })).toMatchObject({
      json: { code: 'not_allowed' },
    });
    expect((await engine.client.plan('demo', 'other')).blocked).toBeNull();
  });

  it('a coder approves nothing and finishes no task but its own, whatever it is called by', async () => {
    const { first, engine } = running();
    const say = async (type: string, payload: object = {}) =>
      (await ask(first.socket, signals, { ...first, body: { plan: 'own', type, payload } })).json.signal;
    for (const type of ['review_approved', 'verify_approved', 'planner_finished', 'implement_start', 'plan_start'])
      expect(await say(type), type).toMatchObject({ status: 'failed', refused: { guard: 'not from a coder' } });
    expect(await say('implement_task_finished', { wave_number: 1, task_number: 2 })).toMatchObject({
      status: 'failed',
      refused: { guard: expect.stringContaining('another task') },
    });
    expect((await engine.client.plan('demo', 'own')).tasks_done).toBe(0);
  });

  it('one connection that sends without end has 128 requests open, and more are refused', async () => {
    const { first } = running();
    const many = 400;
    const asked = `GET /v1/repos/demo/plans/own HTTP/1.1\r\nHost: stator\r\nAuthorization: Bearer ${first.token}\r\n\r\n`;
    const socket = connect(first.socket);
    afterwards(() => void socket.destroy());
    const statuses = new Promise<string[]>((resolve) => {
      let text = '';
      socket.on('data', (piece: Buffer) => {
        text += piece.toString('latin1');
        const found = text.match(/HTTP\/1\.1 \d{3}/g) ?? [];
        if (found.length === many) resolve(found.map((each) => each.slice(-3)));
      });
    });
    socket.write(asked.repeat(many));
    expect(new Set(await statuses)).toEqual(new Set(['200', '429']));
    expect(await ask(first.socket, 'GET /v1/repos/demo/plans/own', first)).toMatchObject({ status: 200 });
  });

  it('a run gets what it asks for one after the other, and a person does not wait for that', async () => {
    const { engine, first } = running();
    const order: string[] = [];
    const get = async (name: string, path: string) => {
      expect(await ask(first.socket, `GET ${path}`, first)).toMatchObject({ status: 200 });
      order.push(name);
    };
    await Promise.all([
      get('diff', '/v1/repos/demo/plans/own/diff'),
      get('prompt', '/v1/repos/demo/plans/own/prompt?task=w1-t1'),
      get('ping', '/v1/ping?warnings=0'),
      engine.client.plan('demo', 'own').then(() => order.push('person')),
    ]);
    expect(order.filter((name) => name !== 'person')).toEqual(['diff', 'prompt', 'ping']);
  });

  it('no token is in the store, where every program of this user could read it', async () => {
    const { engine, first, second } = running();
    const files = readdirSync(engine.home).filter((name) => name.startsWith('taskstore.db'));
    const text = Buffer.concat(files.map((name) => readFileSync(join(engine.home, name))));
    for (const { token } of [first, second]) {
      expect(token).toMatch(/^[\w-]{43}$/);
      expect(text.includes(token)).toBe(false);
    }
  });

  it('no other process reaches a run’s socket: its folder is closed, and a link in its place is not followed', async () => {
    const { engine, first } = running();
    const folder = dirname(first.socket);
    for (const path of [folder, dirname(folder)]) expect(statSync(path).mode & 0o777, path).toBe(0o700);
    expect(lstatSync(first.socket).mode & 0o777).toBe(0o600);
    expect(Buffer.byteLength(first.socket)).toBeLessThan(108);
    const [target, link] = [join(engine.root, 'theirs'), join(engine.root, 'link')];
    mkdirSync(target);
    symlinkSync(target, link);
    const served = serveSocket({ fetch: () => new Response() }, join(link, 's'), { ownsFolder: true });
    await expectFailure(served, 'home_unusable', link);
    expect(readdirSync(target)).toEqual([]);
  });

  it('a run that sends without end is refused before it fills the disk, and another run is heard', async () => {
    const { first, second, engine } = running();
    // A coder approves nothing, but what it says is kept.
    const body = { plan: 'own', type: 'review_approved', payload: { body: 'x'.repeat(60_000) }, wait_ms: 0 };
    const send = (agent: Agent) => ask(agent.socket, signals, { ...agent, body });
    const codes = new Set<string>();
    for (let sent = 0; sent < 1_000 && !codes.has('limit_reached'); sent += 8)
      for (const { json } of await Promise.all(Array.from({ length: 8 }, () => send(first))))
        codes.add(json.code ?? '');
    expect(await send(first)).toMatchObject({ status: 429, json: { code: 'limit_reached' } });
    expect([202, 409]).toContain((await send(second)).status);
    // Their answers are not stored: a new key for each would store any number, also of refusals.
    const changes = {
      'PUT content': { content: planText(['true'], ['true']) },
      'POST notes': { text: 'a note' },
      'POST permissions': { id: '0a0b0c0d', tool: 'sh', detail: 'ls', wait_ms: 0 },
    };
    for (const [change, body] of Object.entries(changes)) {
      const asked = { ...second, body, repeatKey: crypto.randomUUID() };
      const { status } = await ask(second.socket, change.replace(' ', ' /v1/repos/demo/plans/own/'), asked);
      expect([change, status]).toEqual([change, expect.toBeOneOf([200, 409])]);
    }
    expect(read(engine.home, 'SELECT key FROM requests')).toEqual([]);
    expect(await ask(first.socket, 'GET /v1/ping', first)).toMatchObject({ status: 200 });
  });
});

it('a run’s own commands say all that it needs, its plan named by its file as well, and print no token of the home', async () => {
  const engine = await startEngine();
  const [out, go] = [join(engine.root, 'out'), join(engine.root, 'go')];
  const lines = [
    'set +e',
    'echo a > a.txt',
    `{ stator plan show --json; stator token show; stator plan list; stator signal emit implement_finished docs/own.md; } > '${out}.part' 2>&1`,
    `mv '${out}.part' '${out}'`,
    gate(go),
  ];
  await begin(engine, 'own', planText([lines.join('\n')]));
  await untilFile(out);
  const said = readFileSync(out, 'utf8');
  expect(said).toContain('"plan":"own"');
  // The plan itself is JSON, and its times and commits differ.
  expectProse(said.slice(said.search(/^error: /m)), 'GET /v1/plans', 'implement_finished');
  openGate(go);
  await untilStatus(engine, 'own', 'done');
});

it('a reviewer finishes no implementation', async () => {
  const made = ground();
  const [token, go] = [join(made.root, 'token'), join(made.root, 'go')];
  script(join(made.root, 'review.sh'), `${leaveToken(token)}; ${gate(go)}`);
  const reviewer = { preset: 'command', program: join(made.root, 'review.sh'), enabled: true } as const;
  const engine = await startEngine({ on: made, agents: { default: { preset: 'sh', attempts: 1 }, reviewer } });
  await begin(engine, 'judged', planText(['echo a > a.txt']));
  const agent = await agentOf(token);
  for (const type of ['implement_finished', 'verify_approved']) {
    const { json } = await ask(agent.socket, signals, { ...agent, body: { plan: 'judged', type } });
    expect(json.signal).toMatchObject({ status: 'failed', refused: { guard: 'not from a reviewer' } });
  }
  openGate(go);
  await untilStatus(engine, 'judged', 'done');
});

it('a token speaks for nobody once its run has ended, and its socket is gone with the folder', async () => {
  const { engine, first, go } = await atWork();
  openGate(go);
  await untilStatus(engine, 'own', 'done');
  const home = socketPath(engine.home, engine.env, '');
  expect(await ask(home, signals, { ...first, body: question })).toMatchObject({
    status: 401,
    json: { code: 'unauthorized' },
  });
  expect(readdirSync(join(engine.home, 'sockets'))).toEqual([]);
  await expect(ask(first.socket, 'GET /v1/ping', first)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('has a place for the socket also where the home’s own path is too long for one', () => {
  const [short, long] = ['/home/ada/.config/stator', `/${'long/'.repeat(30)}home`];
  expect(runSocketFolder(short, 'p#a#1.secret')).toMatch(/^\/home\/ada\/\.config\/stator\/sockets\/[0-9a-f]{16}$/);
  const elsewhere = runSocketFolder(long, 'p#a#1.secret');
  expect(elsewhere).toMatch(/^\/tmp\/stator-\d+\/[0-9a-f]{8}-[0-9a-f]{16}$/);
  expect(runSocketFolder(`${long}2`, 'p#a#1.secret')).not.toBe(elsewhere);
});

it('a run that lives over a restart of the engine is heard at the same place, and its token goes on', async () => {
  const { engine, first, go } = await atWork();
  await engine.engine.stop();
  await expect(ask(first.socket, 'GET /v1/ping', first)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(lstatSync(dirname(first.socket)).isDirectory()).toBe(true);
  const inode = lstatSync(dirname(first.socket)).ino;
  const next = await createEngine({
    home: engine.home,
    env: engine.env,
    graceMs: 500,
    agents: { default: { preset: 'sh', attempts: 1 } },
  });
  afterwards(() => next.stop({ agents: 'stop' }));
  const answers = () => ask(first.socket, 'GET /v1/ping', first).then(({ status }) => status === 200);
  await until(() => answers().catch(() => false));
  expect(lstatSync(dirname(first.socket)).ino).toBe(inode);
  const { json } = await ask(first.socket, signals, {
    ...first,
    body: { plan: 'own', type: 'implement_task_finished', payload: { wave_number: 1, task_number: 1 } },
  });
  expect(json.signal).toMatchObject({ status: 'done' });
  openGate(go);
  await untilStatus({ ...engine, client: next.client } satisfies TestEngine, 'own', 'done');
});

it('at the socket of people an agent’s token opens no route of people either', async () => {
  const engine = await startEngine();
  const [left, go] = [join(engine.root, 'left'), join(engine.root, 'go')];
  await begin(engine, 'p', planText([`${leaveToken(left)}; ${gate(go)}; echo a > a.txt`]));
  const { token } = await agentOf(left);
  const people = socketPath(engine.home, engine.env, '');
  for (const key of ['POST /v1/queue/pause', 'DELETE /v1/repos/demo', 'POST /v1/reload']) {
    const refused = await ask(people, key, { token, ...(key.startsWith('POST') ? { body: {} } : {}) });
    expect([key, refused.json.code]).toEqual([key, 'not_allowed']);
  }
  expect((await engine.client.repos()).map(({ project, state }) => [project, state])).toEqual([['demo', 'active']]);
  openGate(go);
  await untilStatus(engine, 'p', 'done');
});
