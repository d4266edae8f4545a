import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { afterwards } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { hostsGround } from '../support/hosts.ts';
import { killTwoHosts, layHost, registerPaused } from '../support/intake-hosts.ts';
import { live } from '../support/killed-engine.ts';
import { send, senderEnv, senderTable } from '../support/sender-kills.ts';

const ground = await hostsGround();

// A host counts as lost after ten seconds, and then another one takes its repo over.
it('issues come once, and their states go back once, where two hosts watch one tracker that fails, and either is killed', async () => {
  await killTwoHosts(ground, { kills: 3, seed: seedOf('intake of two hosts') });
  expect.hasAssertions();
});

it('what one host accepted of a webhook becomes one plan at the other, when it is killed before it began', async () => {
  const setup = { url: await ground.emptyStore(), intakes: senderTable, env: senderEnv };
  const database = ground.database();
  const ask = async <Row>(text: string) => (await ground.server.query(database, text)) as Row[];
  const plans = async () =>
    (await ask<{ plan: string }>('SELECT plan FROM intake_items ORDER BY plan')).map((row) => row.plan);
  const [a, b] = [layHost({ ...setup, name: 'a' }), layHost({ ...setup, name: 'b' })];
  await registerPaused(a);
  const owner = live(a, { fault: { point: 'intake.after-claim', nth: 1 } });
  const other = live(b);
  afterwards(async () => void (await Promise.all([owner.kill(), other.kill()])));
  const [ownerPort, port] = [await owner.up, await other.up];
  if (ownerPort === null || port === null) throw new Error('a host has ended');

  // The owner of the repo is killed while it handles the item, which may be before its answer is sent.
  expect(['taken', null]).toContain(await send(ownerPort, 'msg_1'));
  expect(await owner.ended).toBe('SIGKILL');
  expect(await plans()).toEqual([]);
  expect(await send(port, 'msg_1')).toBe('repeated');
  expect(await send(port, 'msg_2')).toBe('taken');
  await until(async () => (await plans()).length === 2);

  // A host without the repo accepts deliveries too, and is killed at once.
  const back = live(a);
  afterwards(async () => void (await back.kill()));
  const backPort = await back.up;
  expect(backPort === null ? null : await send(backPort, 'msg_3')).toBe('taken');
  expect(await back.kill()).toBe('SIGKILL');
  for (const id of ['msg_1', 'msg_2', 'msg_3']) expect(await send(port, id)).toBe('repeated');
  await until(async () => (await plans()).length === 3);
  expect(await plans()).toEqual(['hook-item-msg_1', 'hook-item-msg_2', 'hook-item-msg_3']);
  expect(await ask('SELECT plan FROM plans')).toHaveLength(3);
  expect(await ask('SELECT item FROM intake_deliveries')).toEqual([]);
});
