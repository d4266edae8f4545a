/** People with their own tokens: the permissions of each role, the names in the journal, and the end of a revoked token. */
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request as overTls } from 'node:https';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { needOf } from '../../runtime/api/control/app.ts';
import { routes } from '../../runtime/api/control/routes.ts';
import { readHomeToken, rotateHomeToken } from '../../runtime/base/platform/home-token.ts';
import { addPerson, personOfToken, personRoles, readPeople, removePerson } from '../../runtime/base/platform/people.ts';
import { terminal } from '../support/cli.ts';
import { afterwards, ground, planText } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { ask } from '../support/http-ask.ts';
import { startProxy, startTunnel } from '../support/proxy.ts';
import { bearer, json, served, stream } from '../support/team.ts';

it('a role may what its routes say, and everything else is 403 with the role that it needs', async () => {
  const { tokenFor, say } = await served();
  // A stream does not end, so other tests cover it.
  const asked = routes.filter(({ key }) => !['GET /v1/events', 'GET /mcp'].includes(key));
  for (const [index, role] of personRoles.entries()) {
    const token = tokenFor(`the-${role}er`, role);
    for (const { key, definition } of asked) {
      const need = needOf(definition);
      const isAllowed = need !== 'owner' && personRoles.indexOf(need) <= index;
      const body = /^(?:GET|DELETE)/.test(key) ? undefined : {};
      const answer = await say(key.replaceAll(/:\w+/g, 'nothing'), token, body);
      const what = `${role}: ${key}`;
      if (isAllowed) expect([answer.status, answer.text], what).not.toEqual([403, expect.stringContaining('the role')]);
      else {
        expect(answer, what).toMatchObject({ status: 403, code: 'forbidden' });
        expect(answer.text, what).toContain(need === 'owner' ? 'only the owner' : `this needs the role ${need}`);
        expect(answer.text, what).toContain('stator token add'.slice(0, need === 'owner' ? 0 : undefined));
      }
    }
  }
  const ofOwner = routes.filter(({ definition }) => needOf(definition) === 'owner').map(({ key }) => key);
  // A new route is only for the owner until somebody decides otherwise.
  expect(ofOwner).toMatchInlineSnapshot(`
    [
      "POST /v1/stop",
      "POST /v1/inspect",
      "POST /v1/repos",
      "POST /v1/repos/compose",
      "DELETE /v1/repos/:project",
      "POST /v1/repos/:project/move",
      "POST /v1/repos/:project/trust",
      "POST /v1/trust/look",
      "DELETE /v1/trust/:project",
      "POST /v1/reload",
      "POST /v1/hosts/:host/drain",
      "DELETE /v1/hosts/:host",
      "DELETE /v1/repos/:project/plans/:plan",
      "GET /v1/repos/:project/plans/:plan/leftovers",
      "GET /v1/verify",
      "POST /v1/repos/:project/plans/:plan/permissions",
      "DELETE /v1/repos/:project/plans/:plan/permissions/:id",
      "POST /v1/issues/import",
      "POST /v1/issues/destroy",
      "POST /v1/issues/prune",
      "POST /v1/intakes/:name/allow",
      "DELETE /v1/intakes/:name/deliveries",
      "POST /v1/repos/:project/plans/:plan/notes",
      "GET /v1/hooks/deliveries/:id",
      "POST /v1/hooks/deliveries/:id/redeliver",
      "POST /v1/repos/:project/hooks/:hook/enable",
      "POST /v1/repos/:project/hooks/:hook/disable",
      "POST /v1/repos/:project/hooks/:hook/test",
      "POST /v1/gc",
      "POST /v1/repair",
      "DELETE /v1/machines/:name/trees/:id",
    ]
  `);
});

it('every act is in the journal with the name of the person who did it, and explain says who paused', async () => {
  const { client, repo, tokenFor, say, logged } = await served();
  await client.addRepo(repo, { trust: true });
  const [anna, bob, look] = [tokenFor('anna', 'answer'), tokenFor('bob', 'steer'), tokenFor('carl', 'look')];
  const plan = { plan: 'login', content: planText(['sleep 600']) };
  expect((await say('POST /v1/repos/demo/plans', anna, plan)).status).toBe(403);
  expect((await say('POST /v1/repos/demo/plans', bob, plan)).status).toBe(201);
  const signal = (token: string, type: string, payload: object = {}) =>
    say('POST /v1/repos/demo/signals', token, { plan: 'login', type, payload });
  const steering = [
    'implement_start',
    'implement-start',
    'cancel',
    'pause',
    'agent_send',
    'agent_type',
    'set_status',
    'choose',
  ];
  for (const type of [...steering, 'nothing'])
    for (const token of [anna, look]) {
      const answer = await signal(token, type);
      expect([answer.status, answer.text], type).toEqual([403, expect.stringContaining('needs the role steer')]);
    }
  // Choosing a draft decides what is done, so it needs the role `steer`. Here there is no draft.
  expect(await signal(bob, 'choose', { draft: 1 })).toMatchObject({ status: 409 });
  expect((await signal(bob, 'implement_start')).status).toBe(200);
  expect((await signal(bob, 'pause')).status).toBe(200);
  expect((await client.explain('demo', 'login')).waiting_for?.detail).toMatch(/^bob paused it; /);
  expect((await signal(look, 'resolve')).status).toBe(403);
  // The plan refuses it, because there is no question; the refusal also names her.
  expect((await signal(anna, 'resolve', { body: 'go on' })).status).toBe(409);
  expect((await client.explain('demo', 'login')).refused_last).toMatchObject({
    event: 'resolve',
    origin: 'person:anna',
  });
  expect((await signal(bob, 'resume')).status).toBe(200);
  await client.send({ project: 'demo', plan: 'login', type: 'cancel' });
  const history = await client.history('demo', 'login');
  const by = (event: string) => history.find((line) => line.event === event && line.actor === '')?.origin;
  expect([by('implement_start'), by('pause'), by('resume'), by('cancel')]).toEqual([
    'person:bob',
    'person:bob',
    'person:bob',
    'person',
  ]);
  // Actions without a line in a plan's journal have one in the daemon's log.
  expect((await say('POST /v1/queue/pause', bob, {})).status).toBe(200);
  expect((await say('POST /v1/repos/demo/pause', bob, {})).status).toBe(200);
  expect(logged).toContain('bob: POST /v1/queue/pause');
  expect((await client.signals({ project: 'demo' })).find(({ type }) => type === 'repo_paused')?.origin).toBe(
    'person:bob',
  );
  // The key of a request is that of its sender.
  const key = { 'idempotency-key': 'one-key-for-both-of-them' };
  const noted = async (token: string) => (await say('POST /v1/repos/demo/notes', token, { text: 'slow' }, key)).status;
  expect([await noted(bob), await noted(tokenFor('dora', 'steer')), await noted(bob)]).toEqual([200, 400, 200]);
});

it('a token that is taken back is refused at once and ends its open streams, and no others', async () => {
  const { home, tokenFor, say, port } = await served();
  const [anna, bob] = [tokenFor('anna', 'steer'), tokenFor('bob', 'look')];
  const ofHome = readHomeToken(home) ?? '';
  const enter = await say('POST /session/enter', anna);
  const { token: page } = JSON.parse(enter.text) as { token: string };
  const streams = { anna: await stream(port, anna), page: await stream(port, page), bob: await stream(port, bob) };
  const own = await stream(port, ofHome);
  expect([...Object.values(streams), own].map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  let isBobs = true;
  void streams.bob.ended.then(() => {
    isBobs = false;
  });
  expect(removePerson(home, 'anna')).toBe(true);
  for (const token of [anna, page])
    for (const key of ['GET /v1/status', 'GET /session/key', 'POST /session/enter'])
      expect((await say(key, token)).status, key).toBe(401);
  await Promise.all([streams.anna.ended, streams.page.ended]);
  // A later person of the same name is another person.
  const next = tokenFor('anna', 'look');
  expect((await say('GET /v1/status', next)).status).toBe(200);
  for (const token of [anna, page]) expect((await say('GET /v1/status', token)).status).toBe(401);
  expect(isBobs).toBe(true);
  rotateHomeToken(home);
  await own.ended;
  expect((await say('GET /v1/status', bob)).status).toBe(200);
});

it('somebody who may only look lets no agent start by looking on', async () => {
  const { tokenFor, say, port } = await served();
  const path = '/v1/events?project=demo&plan=x&watch=1';
  expect((await say(`GET ${path}`, tokenFor('anna', 'answer'))).status).toBe(403);
  expect((await stream(port, tokenFor('bob', 'steer'), path)).status).toBe(200);
});

it('MCP has the role of the caller, and no other person can use the session', async () => {
  const { client, repo, tokenFor, say } = await served();
  await client.addRepo(repo, { trust: true });
  const [anna, bob] = [tokenFor('anna', 'look'), tokenFor('bob', 'steer')];
  const accept = { accept: 'application/json, text/event-stream' };
  const begin = (token: string) =>
    say(
      'POST /mcp',
      token,
      {
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
      },
      accept,
    );
  const call = (token: string, session: string) =>
    say(
      'POST /mcp',
      token,
      {
        jsonrpc: '2.0',
        id: 2,
        method: 'tools/call',
        params: { name: 'task_create', arguments: { project: 'demo', name: 'by-mcp', content: planText(['true']) } },
      },
      { ...accept, 'mcp-session-id': session },
    );
  const [ofAnna, ofBob] = [await begin(anna), await begin(bob)].map(({ headers }) => String(headers['mcp-session-id']));
  expect((await call(anna, ofBob ?? '')).status).toBe(404);
  expect((await call(anna, ofAnna ?? '')).text).toContain('this needs the role steer');
  expect(await client.plans()).toEqual([]);
  expect((await call(bob, ofBob ?? '')).text).toContain('by-mcp');
  expect((await client.plans()).map(({ plan }) => plan)).toEqual(['by-mcp']);
});

it('an agent makes no token, and with its own, a guessed pass or a row it is no person with a name', async () => {
  const { client, repo, home, env, daemon, port, say } = await served();
  await client.addRepo(repo, { trust: true });
  const inside = { ...terminal(), home };
  for (const words of [
    ['token', 'add', 'eve', '--role', 'steer'],
    ['token', 'remove', 'anna'],
    ['token', 'list'],
  ]) {
    const refused = await inside.stator(words, { env: { ...env, STATOR_TOKEN: 'x'.repeat(43) } });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('only a person')]);
  }
  expect(readPeople(home)).toEqual([]);
  const token = addPerson(home, { name: 'anna', role: 'steer' }, Date.now());
  const socket = { socketPath: daemon.socketPath };
  // The socket knows only owners and runs: it accepts no token of TCP.
  for (const authorization of [`Bearer ${token}`, 'Bearer person.anna', `Bearer person.${token.split('.')[1]}`]) {
    const asked = { headers: { authorization, ...json }, body: '{}' };
    expect(await ask(socket, 'POST /v1/queue/pause', asked), authorization).toMatchObject({ status: 401 });
    if (authorization.startsWith('Bearer person.'))
      expect(await ask({ port }, 'POST /v1/queue/pause', asked), authorization).toMatchObject({ status: 401 });
  }
  await client.registerPlan({ project: 'demo', plan: 'login', content: planText(['true']) });
  const store = new Database(join(home, 'taskstore.db'));
  store
    .prepare("INSERT INTO signals(project, plan, type, payload, origin) VALUES ('demo', 'login', 'cancel', '', ?)")
    .run('person:anna');
  store.close();
  await until(async () => (await client.plan('demo', 'login')).status === 'cancelled');
  const history = await client.history('demo', 'login');
  expect(history.find(({ event }) => event === 'cancel')?.origin).toBe('person');
  expect(
    (await say('POST /v1/repos/demo/signals', token, { plan: 'login', type: 'reopen', origin: 'person:bob' })).code,
  ).toBe('bad_request');
});

it('only the hash of a token is kept, in files that are this user’s alone', async () => {
  const { home } = ground();
  const token = addPerson(home, { name: 'anna', role: 'answer' }, 0);
  expect(token).toMatch(/^anna\.[\w-]{43}$/);
  const folder = join(home, 'people');
  expect([statSync(folder).mode & 0o777, statSync(join(folder, 'anna')).mode & 0o777]).toEqual([0o700, 0o600]);
  const text = readFileSync(join(folder, 'anna'), 'utf8');
  expect(text).not.toContain(token.split('.')[1]);
  expect(personOfToken(home, token)).toMatchObject({ name: 'anna', role: 'answer' });
  const { hash } = JSON.parse(text) as { hash: string };
  for (const wrong of [
    `anna.${hash}`,
    `bob.${token.split('.')[1]}`,
    token.slice(0, -1),
    `${token}x`,
    'anna.',
    'anna',
    '',
  ])
    expect(personOfToken(home, wrong), wrong).toBeNull();
  for (const name of ['../anna', '.', 'a/b', 'Anna', '', 'x'.repeat(65), 'a.b'])
    expect(() => addPerson(home, { name, role: 'look' }, 0), name).toThrow(
      expect.objectContaining({ code: 'bad_request' }),
    );
  expect(() => addPerson(home, { name: 'anna', role: 'steer' }, 0)).toThrow(
    expect.objectContaining({ code: 'conflict' }),
  );
  expect(readdirSync(folder)).toEqual(['anna']);
  // If other users could write it, any of them would count as a person.
  writeFileSync(join(folder, 'open'), text, { mode: 0o644 });
  symlinkSync(join(folder, 'anna'), join(folder, 'link'));
  for (const name of ['open', 'link'])
    expect(() => personOfToken(home, `${name}.${token.split('.')[1]}`), name).toThrow(
      expect.objectContaining({ code: 'home_unusable' }),
    );
});

it('a tunnel from another port leads to the page where the configuration names it, and nowhere else', async () => {
  const tunnel = await startTunnel();
  const other = await startTunnel();
  const { port, tokenFor } = await served(`hosts = ["127.0.0.1:${tunnel.port}"]\n`);
  for (const each of [tunnel, other]) each.leadTo(port);
  const token = tokenFor('anna', 'look');
  const here = `127.0.0.1:${tunnel.port}`;
  const at = (key: string, headers: Record<string, string> = {}) => ask({ port: tunnel.port }, key, { headers });
  expect(await at('GET /')).toMatchObject({ status: 200 });
  expect(await at('GET /v1/status')).toMatchObject({ status: 401 });
  const entered = await at('POST /session/enter', { ...bearer(token), origin: `http://${here}` });
  const page = (JSON.parse(entered.text) as { token: string }).token;
  expect(await at('GET /v1/status', bearer(page))).toMatchObject({ status: 200 });
  expect((await stream(tunnel.port, page)).status).toBe(200);
  // A page's token is valid for one address, and the daemon proves its identity only there and at its own.
  expect(await ask({ port }, 'GET /v1/status', { headers: bearer(page) })).toMatchObject({ status: 401 });
  for (const key of ['GET /', 'GET /v1/status', 'GET /session/hello?nonce=aaaaaaaaaaaaaaaaaaaa', 'POST /session/enter'])
    expect(await ask({ port: other.port }, key, { headers: bearer(token) }), key).toMatchObject({ status: 403 });
  for (const origin of [`http://127.0.0.1:${port}`, `http://127.0.0.1:${other.port}`, 'null', `http://${here}x`])
    expect(await at('GET /v1/status', { ...bearer(page), origin }), origin).toMatchObject({ status: 403 });
});

it('a proxy leads to the page by the name that the configuration has, over https, and its streams come at once', async () => {
  const [https, http] = [await startProxy('https'), await startProxy('http')];
  const { port, tokenFor, client, repo } = await served('hosts = ["stator.example.org"]\n');
  for (const each of [https, http]) each.leadTo(port);
  const token = tokenFor('anna', 'steer');
  const host = { host: 'stator.example.org' };
  // The requests that the proxy sends, over its own connections.
  const asked = (key: string, headers: Record<string, string> = {}) =>
    ask({ port }, key, { headers: { ...host, 'x-forwarded-proto': 'https', ...headers } });
  expect((await asked('GET /')).status).toBe(200);
  expect((await asked('GET /v1/status', bearer(token))).status).toBe(200);
  for (const [headers, status] of [
    [{ origin: 'https://stator.example.org', 'sec-fetch-site': 'same-origin' }, 200],
    [{ origin: 'http://stator.example.org' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ host: 'evil.example' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    // Others can read http; and a proxy that does not state the scheme is an old one.
    [{ 'x-forwarded-proto': 'http' }, 403],
    [{ 'x-forwarded-proto': 'http, https' }, 403],
    [{ 'x-forwarded-proto': 'HTTPS' }, 200],
  ] as const)
    expect((await asked('GET /v1/status', { ...bearer(token), ...headers })).status, JSON.stringify(headers)).toBe(
      status,
    );
  // Without a configured proxy, its header is ignored.
  const own = { ...bearer(token), host: `127.0.0.1:${port}`, 'x-forwarded-proto': 'https' };
  expect(
    (await ask({ port }, 'GET /v1/status', { headers: { ...own, origin: `http://127.0.0.1:${port}` } })).status,
  ).toBe(200);
  expect((await ask({ port: http.port }, 'GET /v1/status', { headers: { ...host, ...bearer(token) } })).text).toContain(
    'ask https://stator.example.org',
  );
  await client.addRepo(repo, { trust: true });
  const events = await eventsOver(https.port, { ...host, ...bearer(token) });
  await client.registerPlan({ project: 'demo', plan: 'login', content: planText(['true']) });
  await until(() => events.text().includes('"plan":"login"'));
  expect(events.headers).toMatchObject({ 'x-accel-buffering': 'no' });
});

/** The events of a stream until now, over TLS. */
function eventsOver(port: number, headers: Record<string, string>) {
  return new Promise<{ headers: IncomingHttpHeaders; text(): string }>((resolve, reject) => {
    const where = { host: '127.0.0.1', port, path: '/v1/events', headers, rejectUnauthorized: false };
    const asked = overTls(where, (answer) => {
      let text = '';
      answer.on('data', (part: Buffer) => {
        text += part.toString();
      });
      resolve({ headers: answer.headers, text: () => text });
    });
    asked.once('error', reject);
    asked.end();
    afterwards(() => void asked.destroy());
  });
}
