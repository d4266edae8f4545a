/** The facts of a tree as a program reads them: from where it left off, until it leaves, and to the end. */
import { expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { z } from 'zod';
import { createEngine, defineMachine } from '../../runtime/engine/engine.ts';
import { createMachines } from '../../runtime/engine/machines.ts';
import { afterwards, ground } from '../support/engine.ts';
import { defineRelease } from '../support/own-machine.ts';
import { expectFailure } from '../support/prose.ts';

async function startRelease() {
  const { home, env } = ground();
  const engine = await createEngine({ home, env, serve: false, machines: [defineRelease()] });
  afterwards(() => engine.stop());
  return { home, env, engine, release: engine.machines.release };
}

it('begin behind the one that was seen last, and end at once where the tree has ended', async () => {
  const { release } = await startRelease();
  await release.start('1', { version: '1' });
  await release.send('1', { type: 'refuse', reason: 'no' });
  const [first, last] = await release.history('1');
  const seen: string[] = [];
  for await (const { event } of release.facts('1', { after: first?.seq ?? 0 })) seen.push(event);
  expect(seen).toEqual(['refuse']);
  for await (const { event } of release.facts('1', { after: last?.seq ?? 0 })) seen.push(event);
  expect(seen).toEqual(['refuse']);
  await expectFailure(
    (async () => {
      for await (const _ of release.facts('nobody'));
    })(),
    'not_found',
    'nobody',
  );
});

it('can be left while they wait: by the loop, by return(), and by a signal', async () => {
  const { release } = await startRelease();
  await release.start('1', { version: '1' });
  const facts = release.facts('1')[Symbol.asyncIterator]();
  expect((await facts.next()).value).toMatchObject({ event: 'begun', to: 'asking' });
  const waiting = facts.next();
  await facts.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
  const abort = new AbortController();
  const seen: string[] = [];
  for await (const { event } of release.facts('1', { signal: abort.signal })) {
    seen.push(event);
    abort.abort();
  }
  expect(seen).toEqual(['begun']);
});

it('end with the one that says that the tree was deleted, and never go on with the next one of that id', async () => {
  const { release } = await startRelease();
  await release.start('1', { version: '1' });
  const facts = release.facts('1')[Symbol.asyncIterator]();
  await facts.next();
  const waiting = facts.next();
  await release.delete('1', { force: true });
  await release.start('1', { version: '2' });
  expect((await waiting).value).toMatchObject({ event: 'tree_deleted', origin: 'person' });
  expect(await facts.next()).toEqual({ done: true, value: undefined });
  expect((await release.history('1')).map(({ event }) => event)).toEqual(['begun']);
});

it('end when the tree is deleted, also where nothing else happens after that', async () => {
  const { release } = await startRelease();
  await release.start('1', { version: '1' });
  const facts = release.facts('1')[Symbol.asyncIterator]();
  await facts.next();
  const waiting = facts.next();
  await release.delete('1', { force: true });
  expect((await waiting).value).toMatchObject({ event: 'tree_deleted' });
});

it('cost one look at the journal for each page, not one for each fact', async () => {
  const { home, env } = ground();
  const machine = createMachine({ initial: 'on', states: { on: { on: { off: 'off' } }, off: { on: { on: 'on' } } } });
  const schema = z.strictObject({});
  const lamp = defineMachine({ name: 'lamp', machine, version: 1, signals: { on: schema, off: schema } });
  const engine = await createEngine({ home, env, serve: false, machines: [lamp] });
  afterwards(() => engine.stop());
  await engine.machines.lamp.start('1');
  for (let n = 0; n < 50; n += 1) await engine.machines.lamp.send('1', { type: n % 2 === 0 ? 'off' : 'on' });
  let looks = 0;
  const client = {
    ...engine.client,
    newestFact: async () => 0,
    machineHistory: (...asked: Parameters<typeof engine.client.machineHistory>) => {
      looks += 1;
      return engine.client.machineHistory(...asked);
    },
  };
  let facts = 0;
  for await (const _ of createMachines(client, [lamp]).lamp?.facts('1') ?? []) {
    facts += 1;
    if (facts === 51) break;
  }
  expect(looks).toBeLessThan(3);
});

it('are over once the engine was stopped: it says so, whatever is asked of it', async () => {
  const { home, env, engine, release } = await startRelease();
  await release.start('1', { version: '1' });
  await expectFailure(
    createEngine({ home, env, serve: false }),
    'owner_taken',
    'an engine of this very process',
    'engine.stop()',
  );
  await engine.stop();
  await expectFailure(release.get('1'), 'stopped', 'was stopped', 'createEngine');
  for (const asked of [
    () => release.send('1', { type: 'approve' }),
    () => release.start('2', { version: '1' }),
    () => engine.client.status(),
    () => engine.send({ project: 'p', plan: 'x', type: 'cancel' }),
  ])
    await expect(asked()).rejects.toMatchObject({ code: 'stopped' });
  expect((await engine.fetch(new Request('http://stator/v1/status'))).status).toBe(503);
  expect(engine.loss()?.code).toBe('stopped');
});
