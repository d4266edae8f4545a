/**
 * Whatever is sent to a route of the description, over the socket, over TCP and over the socket of a run: it is answered, and never with a failure of
 * ours. 2,000 requests in `npm test`, 100,000 in the soak.
 */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { describeApi } from '../../runtime/api/control/openapi.ts';
import { routes } from '../../runtime/api/control/routes.ts';
import { serveTcp } from '../../runtime/api/control/tcp.ts';
import { socketPath } from '../../runtime/base/config/socket-path.ts';
import { saysWhy } from '../support/api.ts';
import { runsOf } from '../support/drawn.ts';
import { afterwards, begin, gate, leaveToken, planText, register, startEngine, untilFile } from '../support/engine.ts';
import { hangMs } from '../support/hang.ts';

/** The part of a JSON schema that requests are drawn from. */
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
  readonly method: string;
  readonly path: string;
  readonly body: string | null;
  readonly type: string | null;
}

/** They take their time where they are sent at once, so few of them are. */
const huge = ['`'.repeat(400_000), '#'.repeat(900_000), '## Wave 1\n'.repeat(60_000), '- a\n'.repeat(200_000)];
const known = ['demo', 'here', 'there', 'here-w1-t1', '1', '0', '-5', 'pause', 'resume', 'cancel', 'plan_updated'];
const documents = ['', '# x\n\n## Wave 1\n### Task 1: one\n', '```\n## Wave 1\n', '\0', '\ud800', '\u009b31m\u202e'];
const odd = [
  '..',
  '.',
  '../../etc/passwd',
  '/etc/passwd',
  'a\nb',
  ' ',
  'ü',
  '💥',
  '__proto__',
  'constructor',
  '--help',
  '%zz',
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
  // As the description has them.
  Object.entries(methods as unknown as Record<string, Operation>).map(([method, operation]) => ({
    path,
    method,
    operation,
  })),
);

/** A name in a path as a client would write it, or as it is where that is no text. */
function encoded(name: unknown): string {
  // Of an object that was drawn, `String` may find a toString that is no function.
  const given = (typeof name === 'object' ? JSON.stringify(name) : String(name)).slice(0, 2_000);
  return given === '%zz' || /\p{Surrogate}/u.test(given) ? '%ff' : encodeURIComponent(given) || 'demo';
}

/** What takes the repo itself away is asked of others: the rest would meet nothing any more. */
function isLast({ method, path }: { method: string; path: string }): boolean {
  return method === 'delete' && path === '/v1/repos/{project}';
}

const call: fc.Arbitrary<Call> = fc
  // A stream of events has no end; it has tests of its own.
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
      })
      .map(({ names: given, query, body, type }) => {
        const filled = names.reduce((so, each, index) => so.replace(`{${each.name}}`, encoded(given[index])), path);
        const asked = Object.entries(query).map(([key, value]) => `${key}=${encoded(value)}`);
        const hasBody = method !== 'get' && body !== null;
        return {
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

type Where = ({ readonly socketPath: string } | { readonly port: number }) & { readonly token?: string };

function send({ token, ...where }: Where, { method, path, body, type }: Call): Promise<Answer> {
  const headers = {
    ...(type === null ? {} : { 'content-type': type }),
    ...(body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
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
    asked.on('error', reject);
    asked.end(body ?? undefined);
  });
}

function judge({ method, path, body }: Call, { status, type, text }: Answer): void {
  const where = `${method} ${path.slice(0, 300)} ${body?.slice(0, 300) ?? ''}: ${status} ${text.slice(0, 300)}`;
  expect(status, where).toBeGreaterThanOrEqual(200);
  // A user who is not root may listen on no port below 1024.
  if (path === '/v1/inspect' && status === 503) expect(text, where).toContain('cannot listen');
  else expect(status, where).toBeLessThan(500);
  if (status < 400) return;
  expect(type, where).toMatch(/^application\/json/);
  expect(saysWhy(path, JSON.parse(text)), where).toBe(true);
}

/** So many are on their way at once. */
const abreast = 20;

async function fuzz(where: Where, count: number, isAsked: (call: Call) => boolean = () => true): Promise<void> {
  const calls = fc.array(call.filter(isAsked), { minLength: abreast, maxLength: abreast });
  const property = fc.asyncProperty(calls, async (some) => {
    await Promise.all(some.map(async (each) => judge(each, await send(where, each))));
  });
  await fc.assert(property, { numRuns: Math.ceil(count / abreast), endOnFailure: true });
}

/** Nobody watches, so nothing is started, whatever is asked. */
async function populated() {
  const engine = await startEngine({ onlyWatched: true });
  await register(engine, 'here', planText(['true'], ['true']));
  await register(engine, 'there', planText(['true']));
  return { engine, bugs: () => engine.log.filter((entry) => /request .* failed/.test(entry)) };
}

it('nothing that is sent over the socket of people brings a failure of ours', async () => {
  const { engine, bugs } = await populated();
  await fuzz({ socketPath: socketPath(engine.home, engine.env, '') }, runsOf(70_000, 1_300));
  expect(bugs()).toEqual([]);
  expect((await engine.client.repos()).map(({ project }) => project)).toEqual(['demo']);
}, 3_600_000);

it('nothing that is sent over TCP does, with the token or without', async () => {
  const { engine, bugs } = await populated();
  const token = 'a-token';
  const app = { fetch: async (asked: Request) => engine.engine.fetch(asked) };
  const server = await serveTcp(app, { bind: '127.0.0.1:0', hosts: [], token: () => token });
  afterwards(() => server.stop());
  const port = Number(new URL(server.url).port);
  await fuzz({ port, token }, runsOf(20_000, 400));
  await fuzz({ port }, runsOf(1_000, 60));
  expect(bugs()).toEqual([]);
}, 3_600_000);

it('nothing that an agent sends over its own socket does', async () => {
  const engine = await startEngine();
  const [file, go] = [join(engine.root, 'token'), join(engine.root, 'go')];
  await begin(engine, 'here', planText([`${leaveToken(file)}; ${gate(go)}`]));
  await untilFile(file);
  const [socketPath = '', token = ''] = readFileSync(file, 'utf8').split('\n');
  // What ends the run itself would take its socket away.
  await fuzz(
    { socketPath, token },
    runsOf(9_000, 240),
    ({ body }) => !/finished|decision|needs_|blocked/.test(body ?? ''),
  );
  expect(await send({ socketPath, token }, { method: 'GET', path: '/v1/ping', body: null, type: null })).toMatchObject({
    status: 200,
  });
  expect(engine.log.filter((entry) => /request .* failed/.test(entry))).toEqual([]);
}, 3_600_000);
