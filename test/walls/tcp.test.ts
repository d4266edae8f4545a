/** The control API on TCP: the limits for a web page, a program without the token and a slow client. */
import { chmodSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { routes } from '../../runtime/api/control/routes.ts';
import { serveSocket } from '../../runtime/api/control/server.ts';
import { serveTcp } from '../../runtime/api/control/tcp.ts';
import { loadDaemonConfig, socketPath } from '../../runtime/base/config/config.ts';
import {
  ensureHomeToken,
  homeTokenFile,
  readHomeToken,
  rotateHomeToken,
} from '../../runtime/base/platform/home-token.ts';
import { startDaemon } from '../../runtime/engine/daemon.ts';
import { terminal } from '../support/cli.ts';
import { afterwards, ground, startEngine, type TestEngine } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { type Asked, ask } from '../support/http-ask.ts';

/** An engine whose API is also served over TCP, as by the daemon. */
async function served(hosts: readonly string[] = []) {
  const engine = await startEngine();
  const token = ensureHomeToken(engine.home);
  const app = { fetch: async (asked: Request) => engine.engine.fetch(asked) };
  const server = await serveTcp(app, { bind: '127.0.0.1:0', hosts, token: () => readHomeToken(engine.home) });
  afterwards(() => server.stop());
  const port = Number(new URL(server.url).port);
  const bearer = { authorization: `Bearer ${token}` };
  return { engine, port, token, bearer, ask: (key: string, given?: Asked) => ask({ port }, key, given) };
}

const json = { 'content-type': 'application/json' };

it('no route answers without the token, also not ping and the description', async () => {
  const { ask, bearer, token } = await served();
  for (const { key } of routes) {
    const path = key.replaceAll(/:\w+/g, 'demo');
    // The name of an authorization scheme ignores upper and lower case.
    const lower = { authorization: `bearer ${token}` };
    expect(await ask('GET /v1/ping', { headers: lower })).toMatchObject({ status: 200 });
    for (const headers of [{}, { authorization: 'Bearer nobody' }, { authorization: `Basic ${token}` }])
      expect(await ask(path, { headers }), `${key} ${JSON.stringify(headers)}`).toMatchObject({
        status: 401,
        code: 'unauthorized',
      });
  }
  expect(await ask('GET /v1/ping', { headers: bearer })).toMatchObject({ status: 200 });
  expect(await ask('GET /openapi.json', { headers: bearer })).toMatchObject({ status: 200 });
  // The home's token is valid for a person, and for no agent.
  expect(await ask('POST /v1/repos/demo/pause', { headers: bearer })).toMatchObject({ status: 200 });
});

it('no answer may be stored on its way: neither a list, a stream nor a refusal', async () => {
  const { ask, bearer } = await served();
  const answers = await Promise.all([
    ask('GET /v1/plans', { headers: bearer }),
    ask('HEAD /v1/events', { headers: bearer }),
    ask('GET /v1/nothing', { headers: bearer }),
    ask('GET /v1/plans'),
    ask('GET /v1/plans', { headers: { host: 'pointed.example' } }),
  ]);
  expect(answers.map(({ status, headers }) => [status, headers['cache-control']])).toEqual(
    [200, 200, 404, 401, 403].map((status) => [status, 'no-store']),
  );
});

it('a name that was pointed here, and a page of another origin, are refused with the token as well', async () => {
  const { ask, bearer, port } = await served(['stator.lan']);
  const status = async (headers: Record<string, string>) =>
    (await ask('GET /v1/status', { headers: { ...bearer, ...headers } })).status;
  const own = `127.0.0.1:${port}`;
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1',
    '127.0.0.1:1',
    `127.0.0.1.evil.example:${port}`,
  ])
    expect(await status({ host }), host).toBe(403);
  for (const host of [
    own,
    `localhost:${port}`,
    `LOCALHOST:${port}`,
    `[::1]:${port}`,
    'stator.lan',
    `stator.lan:${port}`,
  ])
    expect(await status({ host }), host).toBe(200);
  for (const origin of [
    'https://evil.example',
    'null',
    `http://localhost:${port}`,
    'file://',
    `http://${own}.evil.example`,
  ])
    expect(await status({ origin }), origin).toBe(403);
  expect(await status({ origin: `http://${own}` })).toBe(200);
  for (const site of ['cross-site', 'same-site', 'none'])
    expect(await status({ 'sec-fetch-site': site }), site).toBe(403);
  expect(await status({ 'sec-fetch-site': 'same-origin' })).toBe(200);
});

it('what a form of a web page can send is not read, over the socket neither', async () => {
  const { ask: overTcp, bearer, engine } = await served();
  const socket = socketPath(engine.home, engine.env, '');
  const body = '{"path":"/tmp","trust":true}';
  for (const type of [
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'TEXT/PLAIN',
  ])
    for (const key of [
      'POST /v1/repos',
      'POST /v1/repos/demo/trust',
      'POST /v1/queue/pause',
      'DELETE /v1/repos/demo',
    ]) {
      const headers = { 'content-type': type, 'content-length': String(body.length) };
      const refused = { status: 415, code: 'unsupported_media_type' };
      expect(await overTcp(key, { headers: { ...bearer, ...headers }, body }), `${key} ${type}`).toMatchObject(refused);
      expect(await ask({ socketPath: socket }, key, { headers, body }), `${key} ${type}`).toMatchObject(refused);
    }
  // A page can send a request without a content type.
  expect(await overTcp('POST /v1/repos', { headers: bearer, body })).toMatchObject({ status: 415 });
  expect((await engine.client.queueStats()).paused).toBe(false);
  expect(await overTcp('POST /v1/repos', { headers: { ...bearer, ...json }, body })).toMatchObject({
    code: 'bad_repo',
  });
});

it('a token that was rotated is invalid from the next request on', async () => {
  const { ask, bearer, engine } = await served();
  expect(await ask('GET /v1/ping', { headers: bearer })).toMatchObject({ status: 200 });
  const next = rotateHomeToken(engine.home);
  expect(await ask('GET /v1/ping', { headers: bearer })).toMatchObject({ status: 401 });
  expect(await ask('GET /v1/ping', { headers: { authorization: `Bearer ${next}` } })).toMatchObject({ status: 200 });
});

it('a token that other users may read is reported to a client without its place, and lets nobody in', async () => {
  const { ask, bearer, engine } = await served();
  chmodSync(homeTokenFile(engine.home), 0o644);
  const answer = await ask('GET /v1/ping', { headers: bearer });
  expect(answer).toMatchObject({ status: 500, code: 'home_unusable' });
  expect(JSON.stringify(answer)).not.toContain(engine.home);
  chmodSync(homeTokenFile(engine.home), 0o600);
  expect(await ask('GET /v1/ping', { headers: bearer })).toMatchObject({ status: 200 });
});

it('the file of the token is this user’s alone; a link, or one that others may read, is not believed', () => {
  const { home, root } = ground();
  const token = ensureHomeToken(home);
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(statSync(homeTokenFile(home)).mode & 0o777).toBe(0o600);
  expect(ensureHomeToken(home)).toBe(token);
  writeFileSync(join(root, 'open'), `${token}\n`, { mode: 0o644 });
  for (const place of ['open', 'home/token']) {
    const third = ground();
    rotateHomeToken(third.home);
    const file = homeTokenFile(third.home);
    symlinkAt(join(root, place), file);
    expect(() => readHomeToken(third.home)).toThrow(expect.objectContaining({ code: 'home_unusable' }));
    // A new token replaces the link, and the link's target stays.
    const made = rotateHomeToken(third.home);
    expect(readHomeToken(third.home)).toBe(made);
    expect(readFileSync(join(root, place), 'utf8').trim()).toBe(token);
  }
});

function symlinkAt(target: string, path: string): void {
  symlinkSync(target, `${path}.link`);
  renameSync(`${path}.link`, path);
}

/** Sends half of a request, and then nothing. */
function halfSent(
  where: { port: number } | { path: string },
  head: string,
): Promise<{ socket: Socket; answer: Promise<string> }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', ...where } as never, () => {
      socket.write(head);
      resolve({ socket, answer });
    });
    const answer = new Promise<string>((done) => {
      let text = '';
      socket.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      socket.on('close', () => done(text));
    });
    socket.on('error', reject);
  });
}

it('sixty half-sent bodies are let go when their time is over, and others are served meanwhile', async () => {
  const engine = await startEngine();
  const path = join(engine.root, 'slow.sock');
  // Long enough for the question that is asked meanwhile, on a busy machine too.
  const limits = { headersMs: 3_000, requestMs: 3_000, connections: 64 };
  const server = await serveSocket(engine.engine, path, { ownsFolder: false, limits });
  afterwards(() => server.stop());
  const head =
    'POST /v1/repos HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"pa';
  const slow = await Promise.all(Array.from({ length: 60 }, () => halfSent({ path }, head)));
  expect(await ask({ socketPath: path }, 'GET /v1/ping')).toMatchObject({ status: 200 });
  const answers = await Promise.all(slow.map(({ answer }) => answer));
  for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"timed_out"/);
  expect(engine.log.filter((line) => line.includes('failed ('))).toEqual([]);
});

it('an idle connection stays open for longer than the 4 s for which a client may keep it unasked', async () => {
  const { port, bearer } = await served();
  const head = `host: 127.0.0.1:${port}\r\nauthorization: ${bearer.authorization}\r\n`;
  const { answer } = await halfSent({ port }, `GET /v1/ping HTTP/1.1\r\n${head}\r\n`);
  const beganMs = performance.now();
  expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(performance.now() - beganMs).toBeGreaterThan(4_500);
});

it('more connections than the limit are not taken', async () => {
  const engine = await startEngine({ adds: false });
  const path = join(engine.root, 'full.sock');
  const limits = { headersMs: 60_000, requestMs: 60_000, connections: 3 };
  const server = await serveSocket(engine.engine, path, { ownsFolder: false, limits });
  afterwards(() => server.stop());
  const held = await Promise.all([1, 2, 3].map(() => halfSent({ path }, 'GET /v1/pi')));
  const fourth = await halfSent({ path }, 'GET /v1/ping HTTP/1.1\r\nhost: x\r\n\r\n').catch(() => null);
  expect((await fourth?.answer) ?? '').toBe('');
  for (const { socket } of held) socket.destroy();
  await until(() =>
    ask({ socketPath: path }, 'GET /v1/ping').then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
});

it('who goes away in the middle of a request is no bug of ours, and is not logged as one', async () => {
  const { engine, port, bearer } = await served();
  const socket = socketPath(engine.home, engine.env, '');
  const heads = ['content-length: 1000\r\n\r\n{"pa', 'transfer-encoding: chunked\r\n\r\n4\r\n{"pa\r\n'];
  for (const where of [{ path: socket }, { port }]) {
    for (const head of heads) {
      const start = `POST /v1/repos HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: ${bearer.authorization}\r\n`;
      const own = 'port' in where ? start : start.replace(/authorization.*\r\n/, '');
      const { socket: half, answer } = await halfSent(where, `${own}content-type: application/json\r\n${head}`);
      await seen(engine, where, half);
      await answer;
    }
  }
  // Another request is answered after them, so a fault of theirs would be in the log now.
  expect(await ask({ socketPath: socket }, 'GET /v1/ping')).toMatchObject({ status: 200 });
  expect(await ask({ port }, 'GET /v1/ping', { headers: bearer })).toMatchObject({ status: 200 });
  expect(engine.log.filter((line) => line.includes('failed ('))).toEqual([]);
});

/** The engine has read the request when it has answered a later one. */
async function seen(
  { home, env }: TestEngine,
  where: { port: number } | { path: string },
  half: Socket,
): Promise<void> {
  await ask('port' in where ? where : { socketPath: socketPath(home, env, '') }, 'GET /v1/ping').catch(() => null);
  half.destroy();
}

it('an address that other machines reach is refused, unless the file says that it is wanted', () => {
  const { home } = ground();
  const load = (text: string) => {
    ensureHomeToken(home);
    writeFileSync(join(home, 'daemon.toml'), text);
    return loadDaemonConfig(home);
  };
  for (const bind of ['0.0.0.0:7433', '[::]:7433', '192.168.1.4:7433', 'stator.lan:7433', '127.0.0.1.evil.example:1'])
    expect(() => load(`[http]\nbind = "${bind}"\n`), bind).toThrow(
      expect.objectContaining({ code: 'bad_config', message: expect.stringContaining('allow_remote') }),
    );
  for (const bind of ['127.0.0.1:7433', 'localhost:7433', '[::1]:7433', '127.9.9.9:1'])
    expect(load(`[http]\nbind = "${bind}"\n`).http.bind, bind).toBe(bind);
  expect(load('[http]\nbind = "0.0.0.0:7433"\nallow_remote = true\n').http.bind).toBe('0.0.0.0:7433');
});

it('a daemon serves it where daemon.toml says so, with its own stop, and to nobody without the token', async () => {
  const made = ground();
  ensureHomeToken(made.home);
  writeFileSync(join(made.home, 'daemon.toml'), '[http]\nbind = "127.0.0.1:0"\n');
  const lines: string[] = [];
  const daemon = await startDaemon({ home: made.home, env: made.env, echo: (line) => void lines.push(line) });
  afterwards(() => daemon.stop());
  const url = /http:\/\/127\.0\.0\.1:(\d+)/.exec(lines.join('\n'));
  const port = Number(url?.[1]);
  expect(await ask({ port }, 'POST /v1/stop')).toMatchObject({ status: 401 });
  const headers = { authorization: `Bearer ${readHomeToken(made.home)}` };
  await until(async () => (await ask({ port }, 'GET /v1/ping', { headers })).status === 200);
  expect(await ask({ port }, 'POST /v1/stop', { headers })).toMatchObject({ status: 202 });
  await daemon.ended;
  await expect(ask({ port }, 'GET /v1/ping', { headers })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

it('stator token prints and rotates it, and tells it to no agent', async () => {
  const made = terminal();
  const shown = await made.stator(['token', 'show']);
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout.trim()).toBe(readHomeToken(made.home));
  const rotated = await made.stator(['token', 'rotate', '--json']);
  expect(JSON.parse(rotated.stdout)).toEqual({ token: readHomeToken(made.home), file: homeTokenFile(made.home) });
  expect(rotated.stdout).not.toContain(shown.stdout.trim());
  for (const verb of ['show', 'rotate']) {
    const refused = await made.stator(['token', verb, '--json'], { env: { STATOR_TOKEN: 'an agent’s' } });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 'not_allowed' });
  }
});
