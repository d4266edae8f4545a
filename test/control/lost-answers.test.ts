/** The same request again: it is carried out once, whichever engine is asked for it, and what cannot be known is said. */
import { request } from 'node:http';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import { askNext, lookCommand } from '../../runtime/api/client/lost-answer.ts';
import { socketPath } from '../../runtime/base/config/config.ts';
import { afterwards, ground, planText, script, startEngine, type TestEngine } from '../support/engine.ts';
import { site, start } from '../support/forge-site.ts';
import { git } from '../support/ground.ts';
import { defineRelease } from '../support/own-machine.ts';

interface Answer {
  readonly status: number;
  readonly text: string;
}

const key = '5c0f2a52-8a0e-4f9d-9d62-0a6d6f2f6b01';

/** An engine, and how a program of its own asks it over the socket. */
async function asked(machines: Parameters<typeof startEngine>[0] = {}) {
  return askedOf(await startEngine(machines));
}

function askedOf(engine: TestEngine) {
  const socket = socketPath(engine.home, engine.env, '');
  const ask = (method: string, path: string, body: unknown, withKey = key) =>
    new Promise<Answer>((resolve, reject) => {
      const text = JSON.stringify(body);
      const length = { 'content-length': Buffer.byteLength(text) };
      const headers = { 'content-type': 'application/json', 'idempotency-key': withKey, ...length };
      const sent = request({ socketPath: socket, method, path, headers }, async (answer) => {
        let answered = '';
        for await (const part of answer) answered += part;
        resolve({ status: answer.statusCode ?? 0, text: answered });
      });
      sent.on('error', reject);
      sent.end(text);
    });
  const db = new BetterSqlite3(join(engine.home, 'taskstore.db'), { timeout: 5_000 });
  afterwards(() => void db.close());
  /** As an engine leaves it that is killed before its answer. */
  const cutOff = () => db.prepare('UPDATE requests SET status = NULL, answer = NULL').run().changes;
  return { engine, ask, db, cutOff };
}

const plans = '/v1/repos/demo/plans';
const register = (name: string) => ({ plan: name, content: planText(['true']) });
const signalsOf = (engine: TestEngine, type: string) =>
  engine.client.signals({}).then((all) => all.filter((one) => one.type === type));

it('is answered as it was the first time, also while it is under way, and done once', async () => {
  const { engine, ask } = await asked();
  const answers = await Promise.all([1, 2, 3].map(() => ask('POST', plans, register('p'))));
  answers.push(await ask('POST', plans, register('p')));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  expect(await signalsOf(engine, 'plan_opened')).toHaveLength(1);
  expect((await ask('POST', plans, register('q'))).text).toContain('key is that of another request');
  expect((await ask('POST', plans, register('q'), 'short')).status).toBe(400);
});

it('is refused as it was the first time', async () => {
  const { ask } = await asked();
  const first = await ask('DELETE', '/v1/repos/none', {});
  expect([first.status, await ask('DELETE', '/v1/repos/none', {})]).toEqual([404, first]);
  expect((await ask('DELETE', '/v1/repos/none?stop=1', {})).status).toBe(400);
});

it('of one signal is that signal, and another request another one', async () => {
  const { engine, ask } = await asked();
  await ask('POST', plans, register('p'));
  const pause = { plan: 'p', type: 'pause' };
  const own = (text: string) => (JSON.parse(text) as { signal: { id: number; result: unknown } }).signal;
  const [first, second, other] = [
    await ask('POST', '/v1/repos/demo/signals', pause, `${key}-a`),
    await ask('POST', '/v1/repos/demo/signals', pause, `${key}-a`),
    await ask('POST', '/v1/repos/demo/signals', pause, `${key}-b`),
  ].map(({ text }) => own(text));
  expect(second).toEqual(first);
  expect(other?.id).not.toBe(first?.id);
  expect(await signalsOf(engine, 'pause')).toHaveLength(2);
});

it('of a tree that is started is answered as the one that started it', async () => {
  const { ask } = await asked({ machines: [defineRelease()] });
  const body = { id: '1.2', input: { version: '1.2.0' } };
  const results = [];
  for (const withKey of [`${key}-a`, `${key}-a`, `${key}-b`]) {
    const { text } = await ask('POST', '/v1/machines/release/trees', body, withKey);
    results.push((JSON.parse(text) as { signal: { result: unknown } }).signal.result);
  }
  expect(results).toEqual(['done', 'done', 'already']);
});

it('goes on where an engine was cut off, and does not begin an existing plan again', async () => {
  const { engine, ask, cutOff } = await asked();
  const first = await ask('POST', plans, register('p'));
  expect(cutOff()).toBe(1);
  expect(await ask('POST', plans, register('p'))).toEqual(first);
  expect(await signalsOf(engine, 'plan_opened')).toHaveLength(1);
});

it('goes on where an engine was cut off with a plan that was registered again: its base is the one that its branch was made from', async () => {
  const { engine, ask, cutOff, db } = await asked();
  await ask('POST', plans, register('p'));
  await engine.client.deletePlan('demo', 'p', {});
  const again = await ask('POST', plans, register('p'), `${key}-2`);
  const { base } = JSON.parse(again.text) as { base: unknown };
  db.exec('UPDATE plans SET base_branch = NULL, base_commit = NULL');
  cutOff();
  const repeated = await ask('POST', plans, register('p'), `${key}-2`);
  expect([repeated.status, (JSON.parse(repeated.text) as { base: unknown }).base]).toEqual([201, base]);
});

it('deletes what an engine that was cut off has deleted: a plan, and a session', async () => {
  const { ask, cutOff } = await asked();
  await ask('POST', plans, register('p'));
  const path = `${plans}/p`;
  const deleted = await ask('DELETE', path, {}, `${key}-2`);
  cutOff();
  const again = await ask('DELETE', path, {}, `${key}-2`);
  expect([deleted.status, again.status]).toEqual([200, 200]);
  expect(JSON.parse(again.text)).toMatchObject({
    status: 'deleted',
    plan: 'p',
    notes: [expect.stringContaining('cut off')],
  });
  expect((await ask('DELETE', path, {}, `${key}-3`)).status).toBe(404);
  const where = await site('gitea');
  where.forge.state.issues.set(12, { title: 'a', body: 'b', author: 'eve', state: 'open', comments: [] });
  const program = script(join(where.on.root, 'agent'), 'date > work.txt');
  const agents = {
    default: { preset: 'sh', attempts: 1 },
    session: { preset: 'command', program, sandbox: 'off' },
  } as const;
  const other = askedOf(await start(where, { agents }));
  const reference = `${new URL(where.forge.url).host}/ada/demo#12`;
  await other.engine.client.startIssue({ reference, message: 'fill it' });
  const destroy = (withKey: string) => other.ask('POST', '/v1/issues/destroy', { reference, force: true }, withKey);
  expect((await destroy(key)).status).toBe(200);
  other.cutOff();
  const repeated = await destroy(key);
  expect([repeated.status, JSON.parse(repeated.text)]).toMatchObject([200, { status: 'destroyed', project: 'demo' }]);
  expect((await destroy(`${key}-2`)).status).toBe(404);
});

it('begins a session with its words where an engine was cut off before their plan was registered', async () => {
  const on = ground();
  const agents = { default: { preset: 'sh' }, session: { preset: 'command', program: 'true' } } as const;
  git(on.repo, 'remote', 'add', 'origin', 'https://git.example.test/acme/shop.git');
  const { engine, ask, cutOff } = askedOf(await startEngine({ on, agents }));
  await engine.client.pauseQueue();
  const reference = 'git.example.test/acme/shop#3';
  const message = 'write the manual';
  const enqueue = () => ask('POST', '/v1/issues/enqueue', { reference, message });
  expect((await enqueue()).status).toBe(200);
  // The message is stored, and there is no plan yet.
  await engine.client.destroyIssue({ reference, force: true });
  cutOff();
  expect((await enqueue()).status).toBe(200);
  const { messages, plan } = await engine.client.issueContext({ reference });
  expect(messages.map(({ content }) => content)).toEqual([message]);
  const { content } = await engine.client.plan('demo', plan);
  expect([content.includes(`\n${message}\n`), content.includes('Go on with')]).toEqual([true, false]);
});

it('of another plan under that name is not taken for it: then nobody knows, and it is said', async () => {
  const { engine, ask, cutOff, db } = await asked();
  await ask('POST', plans, register('p'));
  cutOff();
  db.prepare('UPDATE requests SET begun_at = begun_at + 60000').run();
  const again = await ask('POST', plans, register('p'));
  expect([again.status, again.text]).toEqual([503, expect.stringMatching(/not known.*already exists.*stator status/s)]);
  expect(await signalsOf(engine, 'plan_opened')).toHaveLength(1);
});

it('that cannot be looked at afterwards is not begun again', async () => {
  const { ask, cutOff } = await asked();
  const body = { reference: 'git.example.test/acme/shop#3', text: 'a fix is on its way' };
  await ask('POST', '/v1/issues/comment', body);
  expect(cutOff()).toBe(1);
  expect((await ask('POST', '/v1/issues/comment', body)).text).toContain('not begun again');
});

it('where nobody answers any more, the client says what is not known, and how to look', async () => {
  let tries = 0;
  const next = async () => {
    tries += 1;
    return null;
  };
  const look = lookCommand('POST /v1/repos/:project/plans/:plan/push', { params: { project: 'demo', plan: 'p' } });
  const asked = askNext(next, async () => 1, { look, signal: undefined, cause: new Error('cut'), limitMs: 1_500 });
  await expect(asked).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('not known'),
    hint: expect.stringContaining('stator plan show p --project demo'),
  });
  expect(tries).toBeGreaterThan(2);
});
