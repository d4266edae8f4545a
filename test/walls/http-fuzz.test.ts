/**
 * Random requests to every documented route, in memory, over the socket, over TCP and over the socket of a run: the answer is always one that the
 * route documents, and never an internal error. 4,000 requests in `npm test`, 110,000 in the soak.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ignoreLateErrors } from '../../runtime/api/client/call.ts';
import { describeApi } from '../../runtime/api/control/openapi.ts';
import type { RouteKey } from '../../runtime/api/control/route.ts';
import { routes } from '../../runtime/api/control/routes.ts';
import { serveTcp } from '../../runtime/api/control/tcp.ts';
import { socketPath } from '../../runtime/base/config/socket-path.ts';
import { mustFit, routeOf, saysWhy } from '../support/api.ts';
import { runsOf } from '../support/drawn.ts';
import {
  afterwards,
  begin,
  gate,
  leaveToken,
  planText,
  register,
  startEngine,
  type TestEngine,
  untilFile,
} from '../support/engine.ts';
import { hangMs } from '../support/hang.ts';
import { expectAnswer } from '../support/prose.ts';

/** The part of a JSON schema from which requests are generated. */
interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } };
}

interface Call {
  /** null: its path may lead to another route, or to none. */
  readonly key: RouteKey | null;
  readonly method: string;
  readonly path: string;
  readonly body: string | null;
  readonly type: string | null;
  /** The authorization of a request without a known token. */
  readonly authorization: string | null;
}

/** These are slow if they are sent at once, so there are few. */
const huge = ['`'.repeat(400_000), '#'.repeat(900_000), '## Wave 1\n'.repeat(60_000), '- a\n'.repeat(200_000)];
const known = ['demo', 'here', 'there', 'here-w1-t1', '1', '0', '-5', 'pause', 'resume', 'cancel', 'plan_updated'];
const documents = ['', '# x\n\n## Wave 1\n### Task 1: one\n', '```\n## Wave 1\n', '\0', '\ud800', '\u009b31m\u202e'];
const odd = [
  '..',
  '.',
  '../../etc/passwd',
  '/etc/passwd',
  'a\nb',
  'a\0b',
  ' ',
  'ü',
  '💥',
  '__proto__',
  'constructor',
  'toString',
  '--help',
  '%',
  '%zz',
  '%2e%2e',
  "'; DROP TABLE plans; --",
  'plan:demo/here',
  'here.md',
  'refs/heads/x',
  '9'.repeat(30),
  'a'.repeat(300),
];
const text = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom(...known) },
  { weight: 20, arbitrary: fc.constantFrom(...documents) },
  { weight: 30, arbitrary: fc.constantFrom(...odd) },
  { weight: 20, arbitrary: fc.string({ maxLength: 60, unit: 'binary' }) },
  { weight: 1, arbitrary: fc.constantFrom(...huge) },
);
const anything = fc.oneof(text, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.object({ maxDepth: 3 }));

function drawnBy({ type, enum: words, const: word, anyOf, properties, items }: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 9, arbitrary: fitting() }, { weight: 1, arbitrary: anything });

  function fitting(): fc.Arbitrary<unknown> {
    if (words !== undefined) return fc.constantFrom(...words);
    if (word !== undefined) return fc.constant(word);
    if (anyOf !== undefined) return fc.oneof(...anyOf.map(drawnBy));
    if (type === 'string') return text;
    if (type === 'integer' || type === 'number') return fc.constantFrom(0, 1, 2, -1, 60_001, 1e21);
    if (type === 'boolean') return fc.boolean();
    if (type === 'array') return fc.array(items === undefined ? anything : drawnBy(items), { maxLength: 3 });
    if (properties === undefined) return anything;
    const fields = Object.entries(properties).map(([name, field]) => [name, drawnBy(field)] as const);
    return fc.record(Object.fromEntries(fields), { requiredKeys: [] });
  }
}

const { paths = {} } = describeApi(routes);
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  // The operations of the description.
  Object.entries(methods as unknown as Record<string, Operation>).map(([method, operation]) => ({
    path,
    method,
    operation,
  })),
);

/** `String` may fail for a generated object whose toString is not a function. */
function textOf(name: unknown): string {
  return typeof name === 'object' ? JSON.stringify(name) : String(name);
}

/** A name in a path as a client would encode it, or unchanged if it is no text. */
function encoded(name: unknown): string {
  const given = textOf(name).slice(0, 2_000);
  if (given.startsWith('%')) return given;
  return /\p{Surrogate}/u.test(given) ? '%ff' : encodeURIComponent(given) || 'demo';
}

/** Requests that remove the repo are sent last, because the rest would find nothing. */
function isLast({ method, path }: { method: string; path: string }): boolean {
  return method === 'delete' && path === '/v1/repos/{project}';
}

const call: fc.Arbitrary<Call> = fc
  // A stream of events does not end; other tests cover it.
  .constantFrom(...operations.filter(({ path }) => path !== '/v1/events'))
  .chain(({ path, method, operation: { parameters = [], requestBody } }) => {
    const schema = requestBody?.content['application/json'].schema ?? {};
    const names = parameters.filter((each) => each.in === 'path');
    const words = parameters.filter((each) => each.in === 'query');
    const name = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('demo', 'here', '1') }, drawnBy({ type: 'string' }));
    return fc
      .record({
        names: fc.array(isLast({ method, path }) ? fc.constantFrom(...odd) : name, {
          minLength: names.length,
          maxLength: names.length,
        }),
        query: fc.record(Object.fromEntries(words.map((each) => [each.name, drawnBy(each.schema)])), {
          requiredKeys: [],
        }),
        body: fc.oneof(
          { weight: 8, arbitrary: drawnBy(schema).map((value) => JSON.stringify(value) ?? null) },
          { weight: 1, arbitrary: fc.string({ maxLength: 60, unit: 'binary' }) },
          { weight: 1, arbitrary: fc.constantFrom('', '{', '[]', 'null', '{"a":'.repeat(90), '['.repeat(9_000)) },
        ),
        type: fc.oneof(
          { weight: 9, arbitrary: fc.constant('application/json') },
          fc.constantFrom('text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-16', null),
        ),
        authorization: fc.constantFrom(null, null, null, null, 'Bearer nobody', 'Basic eA==', ''),
      })
      .map(({ names: given, query, body, type, authorization }) => {
        const filled = names.reduce((so, each, index) => so.replace(`{${each.name}}`, encoded(given[index])), path);
        const asked = Object.entries(query).map(([key, value]) => `${key}=${encoded(value)}`);
        const hasBody = method !== 'get' && body !== null;
        const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1');
        const isOther = given.some((name) => /^(?:\.|%2e){1,2}$|^$/i.test(textOf(name)));
        return {
          // Each path and method of the description is a route.
          key: isOther ? null : (`${method.toUpperCase()} ${pattern}` as RouteKey),
          authorization,
          method: method.toUpperCase(),
          path: asked.length === 0 ? filled : `${filled}?${asked.join('&')}`,
          body: hasBody ? body : null,
          type: hasBody ? type : null,
        };
      });
  });

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

type Where = ({ readonly socketPath: string } | { readonly port: number } | Pick<TestEngine, 'engine'>) & {
  readonly token?: string;
};

async function send({ token, ...where }: Where, { method, path, body, type, authorization }: Call): Promise<Answer> {
  const given = token === undefined ? authorization : `Bearer ${token}`;
  const headers = {
    ...(type === null ? {} : { 'content-type': type }),
    ...(given === null ? {} : { authorization: given }),
  };
  if ('engine' in where) {
    const answer = await where.engine.fetch(new Request(`http://stator${path}`, { method, headers, body }));
    return { status: answer.status, type: answer.headers.get('content-type') ?? '', text: await answer.text() };
  }
  if (body !== null) Object.assign(headers, { 'content-length': String(Buffer.byteLength(body)) });
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(hangMs);
    const asked = request({ host: '127.0.0.1', ...where, method, path, headers, signal }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => {
        const type = answer.headers['content-type'] ?? '';
        resolve({ status: answer.statusCode ?? 0, type, text: Buffer.concat(parts).toString() });
      });
      answer.on('error', reject);
    });
    asked.on('error', reject).once('socket', ignoreLateErrors);
    asked.end(body ?? undefined);
  });
}

/** Requests for a token have further codes, from the check before the route; `fits` applies if there is no such check. */
function judge({ key, method, path, body }: Call, { status, type, text }: Answer, fits: boolean): void {
  const where = `${method} ${path.slice(0, 300)} ${body?.slice(0, 300) ?? ''}: ${status} ${text.slice(0, 300)}`;
  expect(status, where).toBeGreaterThanOrEqual(200);
  // A user who is not root cannot listen on a port below 1024.
  if (path === '/v1/inspect' && status === 503) expect(text, where).toContain('cannot listen');
  else expect(status, where).toBeLessThan(500);
  const json: unknown = type.startsWith('application/json') ? JSON.parse(text) : null;
  if (status >= 400) expect(saysWhy(path, json), where).toBe(true);
  if (fits && key !== null && status !== 404) mustFit(routeOf(key), { status, json, text });
}

/** The number of concurrent requests. */
const abreast = 20;

async function fuzz(where: Where, count: number, isAsked: (call: Call) => boolean = () => true): Promise<void> {
  const calls = fc.array(call.filter(isAsked), { minLength: abreast, maxLength: abreast });
  const fits = 'engine' in where || ('socketPath' in where && where.token === undefined);
  const property = fc.asyncProperty(calls, async (some) => {
    await Promise.all(some.map(async (each) => judge(each, await send(where, each), fits)));
  });
  await fc.assert(property, { numRuns: Math.ceil(count / abreast), endOnFailure: true });
}

/** No watcher runs, so nothing is started, whatever is requested. */
async function populated() {
  const engine = await startEngine({ onlyWatched: true });
  await register(engine, 'here', planText(['true'], ['true']));
  await register(engine, 'there', planText(['true']));
  return { engine, bugs: () => engine.log.filter((entry) => /request .* failed/.test(entry)) };
}

it('whatever is asked is answered, with what is wrong and what to do, and nothing is written elsewhere', async () => {
  const { engine, bugs } = await populated();
  // An accepted note is written into stator's folder of the repo.
  const around = () => [...readdirSync(engine.root), ...readdirSync(engine.repo)].filter((name) => name !== '.stator');
  const before = around();
  await fuzz({ engine: engine.engine }, runsOf(10_000, 600));
  expect(around().filter((each) => !before.includes(each))).toEqual([]);
  expect(bugs()).toEqual([]);
}, 3_600_000);

it('nothing that is sent over the socket of people brings a failure of ours', async () => {
  const { engine, bugs } = await populated();
  await fuzz({ socketPath: socketPath(engine.home, engine.env, '') }, runsOf(70_000, 600));
  expect(bugs()).toEqual([]);
  expect((await engine.client.repos()).map(({ project }) => project)).toEqual(['demo']);
  expect(readdirSync(engine.home)).toEqual(expect.arrayContaining(['owner.db', 'taskstore.db']));
}, 3_600_000);

it('nothing that is sent over TCP does, with the token or without', async () => {
  const { engine, bugs } = await populated();
  const token = 'a-token';
  const app = { fetch: async (asked: Request) => engine.engine.fetch(asked) };
  const server = await serveTcp(app, { bind: '127.0.0.1:0', hosts: [], token: () => token });
  afterwards(() => server.stop());
  const port = Number(new URL(server.url).port);
  await fuzz({ port, token }, runsOf(20_000, 200));
  await fuzz({ port }, runsOf(1_000, 60));
  expect(bugs()).toEqual([]);
}, 3_600_000);

it('nothing that an agent sends over its own socket does', async () => {
  const engine = await startEngine();
  const [file, go] = [join(engine.root, 'token'), join(engine.root, 'go')];
  await begin(engine, 'here', planText([`${leaveToken(file)}; ${gate(go)}`]));
  await untilFile(file);
  const [socketPath = '', token = ''] = readFileSync(file, 'utf8').split('\n');
  // Requests that end the run would remove its socket.
  await fuzz(
    { socketPath, token },
    runsOf(9_000, 240),
    ({ body }) => !/finished|decision|needs_|blocked/.test(body ?? ''),
  );
  const ping = { key: null, method: 'GET', path: '/v1/ping', body: null, type: null, authorization: null };
  expect(await send({ socketPath, token }, ping)).toMatchObject({ status: 200 });
  expect(engine.log.filter((entry) => /request .* failed/.test(entry))).toEqual([]);
}, 3_600_000);

it('input that is not HTTP, or is too long, gets an error of the same form', async () => {
  const engine = await startEngine({ adds: false });
  const said = (text: string) =>
    new Promise<string>((resolve, reject) => {
      let answer = '';
      const socket = connect(socketPath(engine.home, engine.env, ''), () => socket.write(text));
      socket.setEncoding('utf8').on('data', (part: string) => {
        answer += part;
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  const garbage = await said('hello\r\n\r\n');
  expect(garbage).toMatch(/^HTTP\/1\.1 400 /);
  expectAnswer(JSON.parse(garbage.slice(garbage.indexOf('{'))), 'bad_request');
  const nameless = await said('GET /v1/ping HTTP/1.1\r\nconnection: close\r\n\r\n');
  expect(nameless).toMatch(/^HTTP\/1\.1 400 .*\(missing host header\).*"code":"bad_request"/s);
  const misnamed = await said('GET /v1/ping HTTP/1.1\r\nhost: a@b\r\nconnection: close\r\n\r\n');
  expect(misnamed).toMatch(/^HTTP\/1\.1 400 .*\(invalid host header\)/s);
  const long = await said(`GET /v1/ping HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`);
  expect(long).toMatch(/^HTTP\/1\.1 413 /);
  expectAnswer(JSON.parse(long.slice(long.indexOf('{'))), 'too_large');
});
