/**
 * The page of `stator inspect`: the limits for a web page of another origin, for a program without the token, and for a program that takes the port
 * of a dead daemon.
 */
import { execFile } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { routes } from '../../runtime/api/control/routes.ts';
import { inspectorFile } from '../../runtime/api/inspector/place.ts';
import { socketPath } from '../../runtime/base/config/config.ts';
import { type Daemon, startDaemon } from '../../runtime/engine/daemon.ts';
import { afterwards, ground } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { type Answer, type Asked, ask } from '../support/http-ask.ts';
import { noWallsHere } from '../support/walls.ts';

const json = { 'content-type': 'application/json' };

interface Served {
  readonly daemon: Daemon;
  readonly home: string;
  readonly port: number;
  readonly token: string;
  ask(key: string, given?: Asked): Promise<Answer>;
  open(body?: object): Promise<Answer>;
}

function tokenIn({ text }: Answer): { port: number; token: string } {
  const url = new URL((JSON.parse(text) as { url: string }).url);
  expect(url.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  return { port: Number(url.port), token: new URLSearchParams(url.hash.slice(1)).get('token') ?? '' };
}

async function served(made = ground()): Promise<Served> {
  const daemon = await startDaemon({
    home: made.home,
    env: made.env,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  afterwards(() => daemon.stop());
  const home = { socketPath: socketPath(made.home, made.env, '') };
  const open = (body: object = {}) => ask(home, 'POST /v1/inspect', { headers: json, body: JSON.stringify(body) });
  const { port, token } = tokenIn(await open());
  return { daemon, home: made.home, port, token, open, ask: (key, given) => ask({ port }, key, given) };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

it('no route answers without the token, with a wrong one, or with one in another place', async () => {
  const { ask, token } = await served();
  expect(Buffer.from(token, 'base64url')).toHaveLength(24);
  const wrong: Record<string, string>[] = [
    {},
    bearer('nobody'),
    bearer(`${token}x`),
    bearer(token.slice(0, -1)),
    { authorization: token },
    { authorization: `Basic ${token}` },
    { cookie: `token=${token}` },
    { 'x-token': token },
  ];
  for (const headers of wrong) {
    for (const path of ['/v1/ping', '/v1/events', '/openapi.json', `/v1/ping?token=${token}`, '/session/key'])
      expect((await ask(`GET ${path}`, { headers })).status, `${path} ${JSON.stringify(headers)}`).toBe(401);
    expect((await ask('POST /v1/stop', { headers })).status).toBe(401);
  }
  // MCP is served by the control API, and not beside the page.
  const isHere = (key: string) => !key.endsWith(' /mcp');
  for (const { key } of routes)
    expect((await ask(key.replaceAll(/:\w+/g, 'demo'))).status, key).toBe(isHere(key) ? 401 : 404);
  expect((await ask('GET /v1/ping', { headers: bearer(token) })).status).toBe(200);
});

it('a name that was pointed here, and a page of another origin, are refused with the token as well', async () => {
  const { ask, port, token } = await served();
  const status = async (headers: Record<string, string>, key = 'GET /v1/status') =>
    (await ask(key, { headers: { ...bearer(token), ...headers } })).status;
  const own = `127.0.0.1:${port}`;
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    `localhost:${port}`,
    '127.0.0.1',
    '127.0.0.1:1',
    `127.0.0.1.evil.example:${port}`,
  ])
    for (const key of ['GET /v1/status', 'GET /', 'GET /session/hello?nonce=aaaaaaaaaaaaaaaaaaaa', 'GET /page/main.js'])
      expect(await status({ host }, key), `${host} ${key}`).toBe(403);
  for (const origin of ['https://evil.example', 'null', `http://localhost:${port}`, `https://${own}x`, 'file://'])
    for (const key of ['GET /v1/status', 'POST /session/enter', 'GET /session/hello?nonce=aaaaaaaaaaaaaaaaaaaa'])
      expect(await status({ origin }, key), `${origin} ${key}`).toBe(403);
  for (const site of ['cross-site', 'same-site', 'none']) expect(await status({ 'sec-fetch-site': site })).toBe(403);
  expect(await status({ origin: `http://${own}`, 'sec-fetch-site': 'same-origin' })).toBe(200);
  // A link in a mail can lead to the page, which contains nothing secret.
  expect(await status({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 'GET /')).toBe(200);
  expect(await status({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toBe(403);
  // The requests that a form can send without a preflight.
  const form = { ...bearer(token), 'content-type': 'text/plain' };
  expect((await ask('POST /v1/queue/pause', { headers: form, body: '{}' })).status).toBe(415);
});

it('the page may load, frame and run nothing but its own files, and no path leads out of them', async () => {
  const { ask } = await served();
  for (const path of ['/', '/page/main.js', '/page/style.css', '/v1/status', '/nothing']) {
    const { headers } = await ask(`GET ${path}`);
    const policy = String(headers['content-security-policy']);
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
    ])
      expect(policy.split('; '), path).toContain(part);
    expect(policy, path).not.toMatch(/unsafe|\*|https?:/);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    expect(headers, path).not.toHaveProperty('access-control-allow-origin');
  }
  for (const path of [
    '/package.json',
    '/page/../package.json',
    '/page/%2e%2e/package.json',
    '/page/..%2fpackage.json',
    '/page//etc/passwd',
    '/runtime/base/platform/token.js',
    '/page/main.ts',
    '/charts/../package.json',
  ])
    expect((await ask(`GET ${path}`)).status, path).toBe(404);
  const page = (await ask('GET /')).text;
  expect(page).not.toMatch(/https?:\/\/|<script>|style=|\son\w+=/);
});

it('only this machine reaches it', async () => {
  const { port, token } = await served();
  const others = Object.values(networkInterfaces())
    .flat()
    .filter((each) => each !== undefined && each.family === 'IPv4' && !each.internal);
  for (const other of others)
    await expect(
      ask({ port, host: other?.address ?? '' }, 'GET /v1/ping', { headers: bearer(token) }),
    ).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(ask({ port, host: '127.0.0.2' }, 'GET /v1/ping')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

it('the token of a run gets no address, and an invalid request opens none', async () => {
  const made = ground();
  const { open } = await served(made);
  const home = { socketPath: socketPath(made.home, made.env, '') };
  const asked = await ask(home, 'POST /v1/inspect', { headers: { ...json, ...bearer('that of a run') }, body: '{}' });
  expect(asked).toMatchObject({ status: 401 });
  expect(JSON.parse(asked.text)).toMatchObject({ code: 'unauthorized' });
  expect((await open({ prot: 1 })).status).toBe(400);
  expect((await open({ port: 0 })).status).toBe(400);
});

it('an address for a command line is spent by the first who comes', async () => {
  const { open, ask, token } = await served();
  const { url } = JSON.parse((await open({ once: true })).text) as { url: string };
  expect(url).not.toContain(token);
  const ticket = new URLSearchParams(new URL(url).hash.slice(1)).get('once') ?? '';
  expect((await ask('GET /v1/ping', { headers: bearer(ticket) })).status).toBe(401);
  const first = await ask('POST /session/enter', { headers: bearer(ticket) });
  expect(JSON.parse(first.text)).toEqual({ token });
  expect((await ask('POST /session/enter', { headers: bearer(ticket) })).status).toBe(401);
  expect((await ask('POST /session/enter', { headers: bearer('made up') })).status).toBe(401);
});

/** Encrypts as a page does, which has the key in its memory. */
function sealed(key: string, text: string): string {
  const seal = createHmac('sha256', Buffer.from(key, 'base64url')).update(text).digest();
  return seal.subarray(0, 24).toString('base64url');
}

interface Hello {
  readonly life: string;
  readonly proof: string;
}

it('the token of a dead daemon is no longer valid, and a page that has the key makes that of the next one', async () => {
  const made = ground();
  const before = await served(made);
  const { key } = JSON.parse((await before.ask('GET /session/key', { headers: bearer(before.token) })).text) as {
    key: string;
  };
  await before.daemon.stop();
  await expect(before.ask('GET /')).rejects.toMatchObject({ code: 'ECONNREFUSED' });

  const daemon = await startDaemon({ home: made.home, env: made.env });
  afterwards(() => daemon.stop());
  const { port } = before;
  // The page is served again at the same address.
  await until(async () => (await ask({ port }, 'GET /').catch(() => null))?.status === 200);
  expect((await ask({ port }, 'GET /v1/ping', { headers: bearer(before.token) })).status).toBe(401);
  expect((await ask({ port }, 'GET /v1/ping', { headers: bearer(key) })).status).toBe(401);
  const nonce = randomBytes(24).toString('base64url');
  const { life, proof } = JSON.parse((await ask({ port }, `GET /session/hello?nonce=${nonce}`)).text) as Hello;
  expect(proof).toBe(sealed(key, `proof 127.0.0.1:${port} ${life} ${nonce}`));
  const token = sealed(key, `token 127.0.0.1:${port} ${life}`);
  expect((await ask({ port }, 'GET /v1/ping', { headers: bearer(token) })).status).toBe(200);
});

it('who took the port of a dead daemon can prove nothing, not even with what the next daemon says', async () => {
  const made = ground();
  const before = await served(made);
  const { key } = JSON.parse((await before.ask('GET /session/key', { headers: bearer(before.token) })).text) as {
    key: string;
  };
  await before.daemon.stop();
  const thief = createServer((_, answer) => answer.end('mine now'));
  await new Promise<void>((resolve) => thief.listen(before.port, '127.0.0.1', resolve));
  afterwards(() => void thief.close());

  const after = await served(made);
  expect(after.port).not.toBe((thief.address() as AddressInfo).port);
  expect((await ask({ port: after.port }, 'GET /v1/ping', { headers: bearer(before.token) })).status).toBe(401);
  const nonce = randomBytes(24).toString('base64url');
  const relayed = JSON.parse((await after.ask(`GET /session/hello?nonce=${nonce}`)).text) as Hello;
  // A page at the old address requires a proof that names that address.
  expect(relayed.proof).not.toBe(sealed(key, `proof 127.0.0.1:${before.port} ${relayed.life} ${nonce}`));
});

it('what is kept of it in the home is this user’s alone, and holds no token', async () => {
  const { home, token } = await served();
  const file = inspectorFile(home);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).not.toContain(token);
});

it('what somebody else has put there, or is over a day old, is no key', async () => {
  const text = (key: string, usedAt: number) => `${JSON.stringify({ key, port: 1, used_at: usedAt })}\n`;
  const key = randomBytes(24).toString('base64url');
  for (const [kept, mode] of [
    [text(key, Date.now()), 0o644],
    [text(key, Date.now() - 25 * 60 * 60 * 1_000), 0o600],
    ['{"key": 1}', 0o600],
    ['', 0o600],
  ] as const) {
    const made = ground();
    mkdirSync(made.home, { mode: 0o700, recursive: true });
    writeFileSync(join(made.home, 'inspector.json'), kept, { mode });
    const { ask, token } = await served(made);
    const made_ = JSON.parse((await ask('GET /session/key', { headers: bearer(token) })).text) as { key: string };
    expect(made_.key, kept).not.toBe(key);
  }
});

it('a daemon that nobody asks for the page listens nowhere and stores nothing for it', async () => {
  const made = ground();
  const daemon = await startDaemon({ home: made.home, env: made.env });
  afterwards(() => daemon.stop());
  expect(existsSync(inspectorFile(made.home))).toBe(false);
});

/** The status of the answer to an upgrade; 101: accepted. */
function knock(
  port: number,
  path: string,
  { headers = {}, protocols = [] }: { headers?: Record<string, string>; protocols?: string[] } = {},
): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { headers });
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('error', () => resolve(0));
    socket.on('unexpected-response', (asked, answer) => {
      asked.destroy();
      resolve(answer.statusCode ?? 0);
    });
  });
}

async function statelyServed() {
  const all = await served();
  const { url, websocket } = JSON.parse((await all.open({ stately: true })).text) as { url: string; websocket: string };
  return { ...all, url, watch: new URL(websocket).searchParams.get('watch') ?? '' };
}

it('nobody watches by Stately’s protocol without its token, and that token is good for nothing else', async () => {
  const { port, token, watch, ask } = await statelyServed();
  const wrong = ['', '?watch=', '?watch=nobody', `?watch=${watch}x`, `?watch=${watch.slice(1)}`, `?watch=${token}`];
  for (const query of wrong) expect(await knock(port, `/stately${query}`), query).toBe(401);
  for (const headers of [bearer(watch), bearer(token), { cookie: `watch=${watch}` }] as Record<string, string>[])
    expect(await knock(port, '/stately', { headers })).toBe(401);
  for (const protocols of [['stator-watch'], ['stator-watch', `stator-watch.${token}`]])
    expect(await knock(port, '/stately', { protocols })).toBe(401);
  for (const path of ['/', '/v1/events', '/stately/', '/session/enter', '/v1/ping'])
    expect(await knock(port, `${path}?watch=${watch}`), path).toBe(404);
  expect(await knock(port, `/stately?watch=${watch}`)).toBe(101);
  for (const path of ['/v1/ping', '/v1/status', '/session/key', `/v1/ping?watch=${watch}`])
    expect((await ask(`GET ${path}`, { headers: bearer(watch) })).status, path).toBe(401);
  expect((await ask('POST /v1/stop', { headers: bearer(watch) })).status).toBe(401);
});

it('a page of another origin, or under a name that was pointed here, does not watch with the token either', async () => {
  const { port, watch } = await statelyServed();
  const own = `http://127.0.0.1:${port}`;
  const protocols = ['stator-watch', `stator-watch.${watch}`];
  for (const origin of ['https://evil.example', 'https://stately.ai', 'null', `http://localhost:${port}`, `${own}0`])
    for (const given of [protocols, []])
      expect(await knock(port, `/stately?watch=${watch}`, { headers: { origin }, protocols: given }), origin).toBe(403);
  for (const host of ['evil.example', `evil.example:${port}`, `localhost:${port}`, '127.0.0.1'])
    expect(await knock(port, `/stately?watch=${watch}`, { headers: { host } }), host).toBe(403);
  // A page sends its token in a subprotocol: a token in the address is not accepted.
  expect(await knock(port, `/stately?watch=${watch}`, { headers: { origin: own } })).toBe(401);
  expect(await knock(port, '/stately', { headers: { origin: own }, protocols })).toBe(101);
});

it('an address of the bridge page for a command line is spent at once, and lets nobody do more than watch', async () => {
  const { port, open, ask, watch, token } = await statelyServed();
  const { url, ...rest } = JSON.parse((await open({ stately: true, once: true })).text) as { url: string };
  expect(rest).toEqual({});
  expect(url).not.toContain(watch);
  const ticket = new URLSearchParams(new URL(url).hash.slice(1)).get('once') ?? '';
  expect(await knock(port, `/stately?watch=${ticket}`)).toBe(401);
  const entered = JSON.parse((await ask('POST /session/enter', { headers: bearer(ticket) })).text) as { token: string };
  expect(entered).toEqual({ token: watch });
  expect(entered.token).not.toBe(token);
  expect((await ask('POST /session/enter', { headers: bearer(ticket) })).status).toBe(401);
});

it('only the bridge page may frame stately.ai, and it may frame no other site', async () => {
  const { ask } = await statelyServed();
  const policyAt = async (path: string) => String((await ask(`GET ${path}`)).headers['content-security-policy']);
  const bridge = (await policyAt('/stately')).split('; ');
  for (const part of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"])
    expect(bridge).toContain(part);
  expect(bridge.filter((part) => part.includes('stately.ai'))).toEqual(['frame-src https://stately.ai']);
  for (const path of ['/', '/page/stately.html', '/page/stately.js', '/page/main.js'])
    expect(await policyAt(path), path).not.toContain('stately.ai');
});

it('who watches says nothing: what is sent is not read, and much of it ends the socket', async () => {
  const { port, watch, daemon, open } = await statelyServed();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/stately?watch=${watch}`);
  const code = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise((resolve) => socket.on('open', resolve));
  socket.send(JSON.stringify({ type: '@xstate.event', event: { type: 'cancel' }, sessionId: 'supervisor' }));
  socket.send('x'.repeat(2_000));
  expect(await code).toBe(1_009);
  // It returns to the same port, or moves to another one if the port is taken.
  const watching = async (at: number, by: string) => {
    const other = new WebSocket(`ws://127.0.0.1:${at}/stately?watch=${by}`);
    const gone = new Promise((resolve) => other.on('close', resolve));
    await new Promise((resolve) => other.on('open', resolve));
    return { gone };
  };
  const before = await watching(port, watch);
  const free = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => free.once('listening', resolve));
  const next = (free.address() as AddressInfo).port;
  await new Promise((resolve) => free.close(resolve));
  const { websocket } = JSON.parse((await open({ stately: true, port: next })).text) as { websocket: string };
  await before.gone;
  const after = await watching(next, new URL(websocket).searchParams.get('watch') ?? '');
  await daemon.stop();
  await after.gone;
});

it.skipIf(noWallsHere !== null)('served at port 80 it is let in: a browser does not name that port', async () => {
  const made = ground();
  const script = join(made.root, 'page.mjs');
  const main = join(import.meta.dirname, '../../dist/bin/stator.js');
  writeFileSync(
    script,
    `import { execFileSync } from 'node:child_process';
const stator = (...args) => execFileSync(process.execPath, [${JSON.stringify(main)}, ...args], { encoding: 'utf8', env: process.env });
stator('daemon', 'start');
try {
  const { url } = JSON.parse(stator('inspect', '--port', '80', '--json'));
  const token = new URLSearchParams(new URL(url).hash.slice(1)).get('token');
  const page = await fetch(new URL('/', url));
  const api = await fetch(new URL('/v1/ping', url), { headers: { authorization: 'Bearer ' + token } });
  console.log(JSON.stringify({ url: url.replace(token, '<token>'), page: page.status, api: api.status }));
} finally {
  stator('daemon', 'stop');
}
`,
  );
  // A network namespace in which that port is free.
  const walls = [
    '--dev-bind',
    '/',
    '/',
    '--unshare-net',
    '--unshare-user',
    '--uid',
    '0',
    '--cap-add',
    'CAP_NET_BIND_SERVICE',
  ];
  const env = { ...made.env, STATOR_HOME: made.home };
  const { stdout } = await promisify(execFile)('bwrap', [...walls, process.execPath, script], { env });
  expect(JSON.parse(stdout)).toEqual({ url: 'http://127.0.0.1/#token=<token>', page: 200, api: 200 });
});
