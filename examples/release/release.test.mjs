/**
 * How a user-defined machine is tested: its chart and its upgrade as plain values, a handler with a test server, and everything together in an engine
 * with a temporary home.
 *
 *     node --test examples/release/release.test.mjs
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createEngine } from 'stator';
import { createActor } from 'xstate';
import release, { from1, publish } from './release.mjs';

/** The published versions, by the key of the request. */
const taken = new Map();
const registry = createServer(({ url, headers }, response) => {
  taken.set(headers['idempotency-key'], url);
  response.writeHead(201).end();
});

before(async () => {
  await new Promise((resolve) => registry.listen(0, '127.0.0.1', () => resolve(null)));
  const address = registry.address();
  if (address !== null && typeof address === 'object')
    process.env.RELEASE_REGISTRY = `http://127.0.0.1:${address.port}`;
});
after(() => registry.close());

test('it asks when the last plan is done, and publishes when a person says yes', () => {
  /** @type {unknown[]} */
  const wanted = [];
  const machine = release.machine.provide({ actions: { publish: (_, params) => void wanted.push(params) } });
  const actor = createActor(machine, { input: { project: 'demo', version: '1.2', plans: ['api', 'docs'] } }).start();
  actor.send({ type: 'plan_done', plan: 'docs' });
  assert.equal(actor.getSnapshot().can({ type: 'approve' }), false);
  actor.send({ type: 'plan_done', plan: 'api' });
  assert.ok(actor.getSnapshot().hasTag('needs a person'));
  actor.send({ type: 'approve' });
  assert.deepEqual(wanted, [{ version: '1.2' }]);
});

test('what version 1 stored goes on', async () => {
  // Written by that version with JSON.stringify(actor.getPersistedSnapshot()).
  const stored = JSON.parse(await readFile(new URL('stored-by-version-1.json', import.meta.url), 'utf8'));
  const snapshot = release.machine.resolveState(from1(stored));
  const actor = createActor(release.machine, {
    snapshot,
    input: { project: 'demo', version: '1.2', plans: [] },
  }).start();
  assert.deepEqual(actor.getSnapshot().context.waiting, ['docs']);
  actor.send({ type: 'plan_done', plan: 'docs' });
  assert.equal(actor.getSnapshot().value, 'asking');
});

test('it is published under one key, whatever is tried again', async () => {
  const { signal } = new AbortController();
  const again = { input: { version: '1.1' }, key: 'release:1.1/publish#2', signal, log() {} };
  await publish({ ...again, attempt: 1 });
  assert.deepEqual(await publish({ ...again, attempt: 2 }), {
    type: 'published',
    url: `${process.env.RELEASE_REGISTRY}/1.1`,
  });
  assert.equal(taken.get('release:1.1/publish#2'), '/1.1');
});

test('in an engine it goes from its first state to its last', async () => {
  const home = await mkdtemp(join(tmpdir(), 'release-'));
  const engine = await createEngine({ home, serve: false, machines: [release] });
  try {
    const trains = engine.machines.release;
    await trains.start('1.2', { project: 'demo', version: '1.2', plans: [] });
    const [notice] = await engine.client.notifications();
    assert.equal(notice?.tree, 'release:1.2');
    await trains.send('1.2', { type: 'approve' });
    const seen = [];
    for await (const { event, to } of trains.facts('1.2')) seen.push(`${event}: ${to}`);
    assert.deepEqual(seen, ['begun: asking', 'approve: publishing', 'published: out']);
  } finally {
    await engine.stop();
    await rm(home, { recursive: true });
  }
});
