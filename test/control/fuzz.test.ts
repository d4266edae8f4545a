import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RouteKey } from '../../runtime/api/control/route.ts';
import { routes } from '../../runtime/api/control/routes.ts';
import { socketPath } from '../../runtime/base/config/config.ts';
import { mustFit, routeOf, saysWhy } from '../support/api.ts';
import { runsOf } from '../support/drawn.ts';
import { planText, register, startEngine, type TestEngine } from '../support/engine.ts';
import { expectAnswer } from '../support/prose.ts';

interface Asked {
  readonly key: RouteKey;
  readonly names: readonly string[];
  readonly query: string;
  readonly body: string | null;
  readonly type: string | null;
  readonly authorization: string | null;
}

const keys = routes.map(({ key }) => key).filter((key) => key !== 'GET /v1/events');

const oddNames = [
  'demo',
  'here',
  'here-w1-t1',
  '1',
  '..',
  '.',
  '../../etc/passwd',
  '/etc/passwd',
  'a\nb',
  'a\0b',
  '%',
  '%zz',
  '%2e%2e',
  ' ',
  'ü',
  '💥',
  '__proto__',
  'constructor',
  'toString',
  'a'.repeat(300),
  "'; DROP TABLE plans; --",
  'plan:demo/here',
  'here.md',
  '-1',
  '9'.repeat(30),
];
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...oddNames) },
  { weight: 1, arbitrary: fc.string({ maxLength: 40, unit: 'binary' }) },
);
const word = fc.oneof(name, fc.integer(), fc.boolean(), fc.constant(null), fc.constant({}), fc.constant([]));
const fields = [
  'path',
  'trust',
  'existing',
  'plan',
  'content',
  'branch',
  'topic',
  'type',
  'payload',
  'dedupe_key',
  'wait_ms',
  'prompt',
  'program',
  'message',
  'task',
  'role',
  '__proto__',
];
const types = [
  'pause',
  'resume',
  'cancel',
  'set_status',
  'agent_kill',
  'plan_updated',
  'needs_decision',
  'resolve',
  'run_exited',
  'nothing',
];
const loose = fc.dictionary(fc.constantFrom(...fields), word, { maxKeys: 4 });
/** Near to what is taken, so that much of it comes in. */
const near = fc.record(
  {
    plan: fc.constantFrom('here', 'there', ...oddNames),
    type: fc.constantFrom(...types),
    content: fc.constantFrom('', '# x\n\n## Wave 1\n### Task 1: one\n', 'no waves', '\0', '\ud800'),
    payload: fc.oneof(word, fc.object({ maxDepth: 3 })),
    wait_ms: fc.constantFrom(0, 1, -1, 60_001),
    branch: fc.constantFrom('x', 'a..b', 'a\nb', '-x', 'refs/heads/x', '/', 'ü'),
    topic: name,
    prompt: name,
    dedupe_key: name,
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 3, arbitrary: near.map((value) => JSON.stringify(value)) },
  { weight: 2, arbitrary: loose.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ maxLength: 60, unit: 'binary' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '{', '[]', 'null', '"x"', '1e999', `${'{"a":'.repeat(90)}1${'}'.repeat(90)}`),
  },
);
const query = fc.oneof(
  { weight: 2, arbitrary: fc.constant('') },
  fc
    .dictionary(
      fc.constantFrom(
        'project',
        'plan',
        'status',
        'since',
        'after',
        'cap',
        'stop',
        'start',
        'end',
        'format',
        'task',
        'role',
        'x',
        '',
      ),
      fc.oneof(name, fc.constantFrom('0', '1', '-5', 'done', 'json', 'w1-t1', 'coder')),
      { maxKeys: 2 },
    )
    .map((values) => `?${new URLSearchParams(values)}`),
);
const asked: fc.Arbitrary<Asked> = fc.record({
  // What would take the engine itself away is asked less often than the rest.
  key: fc.constantFrom(...keys),
  names: fc.array(name, { minLength: 2, maxLength: 2 }),
  query,
  body,
  type: fc.constantFrom(
    'application/json',
    'application/json',
    'application/json; charset=utf-8',
    'text/plain',
    'application/x-www-form-urlencoded',
    null,
  ),
  authorization: fc.constantFrom(null, null, null, null, 'Bearer nobody', 'Basic eA==', ''),
});

/** Names are encoded as a client would, but for those that are no text, which are sent as they are. */
function pathOf({ key, names, query: words }: Asked): string {
  let index = 0;
  const path = key.slice(key.indexOf(' ') + 1).replaceAll(/:\w+/g, () => {
    const given = names[index] ?? 'demo';
    index += 1;
    if (given.startsWith('%')) return given;
    return /\p{Surrogate}/u.test(given) ? '%ff' : encodeURIComponent(given);
  });
  return path + words;
}

function methodOf({ key }: Asked): string {
  return key.slice(0, key.indexOf(' '));
}

function headersOf({ type, authorization, body: text }: Asked): Record<string, string> {
  return {
    ...(type === null || text === null ? {} : { 'content-type': type }),
    ...(authorization === null ? {} : { authorization }),
  };
}

function judge(call: Asked, status: number, contentType: string, text: string): void {
  const where = `${methodOf(call)} ${pathOf(call)} ${call.body ?? ''}: ${status} ${text.slice(0, 300)}`;
  expect(status, where).toBeLessThan(500);
  const json: unknown = contentType.startsWith('application/json') ? JSON.parse(text) : null;
  if (status >= 400) expect(saysWhy(pathOf(call), json), where).toBe(true);
  // What a path of dots leads to is another route's, or none.
  const names = call.names.join(' ');
  if (status !== 404 && !/^\.{1,2}$|(^| )\.{1,2}( |$)|%2e/.test(names) && call.names.every((each) => each !== ''))
    mustFit(routeOf(call.key), { status, json, text });
}

async function populated(): Promise<TestEngine> {
  // Nobody watches, so nothing is started, whatever is asked.
  const engine = await startEngine({ onlyWatched: true });
  await register(engine, 'here', planText(['true']));
  await register(engine, 'there', planText(['true']));
  return engine;
}

/** Everything beside the home and the repo's own folders that is there. */
function around({ root, repo }: TestEngine): string[] {
  return [...readdirSync(root), ...readdirSync(repo)].sort();
}

it('whatever is asked is answered, with what is wrong and what to do, and nothing is written elsewhere', async () => {
  const engine = await populated();
  const before = around(engine);
  await fc.assert(
    fc.asyncProperty(asked, async (call) => {
      const init = {
        method: methodOf(call),
        headers: headersOf(call),
        ...(call.body === null || call.key.startsWith('GET') ? {} : { body: call.body }),
      };
      const answer = await engine.engine.fetch(new Request(`http://stator${pathOf(call)}`, init));
      const text = await answer.text();
      if (answer.status >= 500)
        throw new Error(`${call.key} ${answer.status}: ${text}\n${engine.log.slice(-3).join('\n')}`);
      judge(call, answer.status, answer.headers.get('content-type') ?? '', text);
    }),
    { numRuns: runsOf(10_000) },
  );
  expect(around(engine).filter((each) => !before.includes(each))).toEqual([]);
  expect(engine.log.filter((entry) => entry.includes('request '))).toEqual([]);
});

it('over the socket as well', async () => {
  const engine = await populated();
  const socket = socketPath(engine.home, engine.env, '');
  const over = (call: Asked) =>
    new Promise<[number, string, string]>((resolve, reject) => {
      const sent = request(
        { socketPath: socket, method: methodOf(call), path: pathOf(call), headers: headersOf(call) },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () =>
            resolve([answer.statusCode ?? 0, answer.headers['content-type'] ?? '', Buffer.concat(chunks).toString()]),
          );
        },
      );
      sent.on('error', reject);
      // Node frames no body of a GET, and what follows the head unframed is no HTTP.
      sent.end(call.body === null || call.key.startsWith('GET') ? undefined : call.body);
    });
  await fc.assert(
    fc.asyncProperty(asked, async (call) => {
      const [status, type, text] = await over(call);
      judge(call, status, type, text);
    }),
    { numRuns: runsOf(400) },
  );
  expect(readdirSync(join(engine.home)).sort()).toEqual(expect.arrayContaining(['owner.db', 'taskstore.db']));
});

it('what is no HTTP at all is answered in the same words', async () => {
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
  const long = await said(`GET /v1/ping HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`);
  expect(long).toMatch(/^HTTP\/1\.1 413 /);
  expectAnswer(JSON.parse(long.slice(long.indexOf('{'))), 'too_large');
});
