/** One order is sent. The parcel of another one cannot be sent, so the order is undone in reverse order, over a restart of the engine. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createEngine } from 'stator/durable';
import { orderSaga } from './order.mjs';

test('a failed step takes back the steps before it, each once, also over a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'order-'));
  /** What the services have done, by the keys of the calls. @type {string[]} */
  const done = [];
  let refunding = () => {};
  const began = new Promise((resolve) => {
    refunding = () => resolve(null);
  });
  let isOpen = false;
  const order = orderSaga(async (step, key) => {
    if (key === 'b/ship') throw new Error('nobody lives there');
    if (step === 'refund' && !isOpen) {
      refunding();
      await new Promise(() => {}); // the bank does not answer
    }
    done.push(key);
  });
  const open = () => createEngine({ file: join(folder, 'app.db'), machines: [order] });
  let engine = await open();
  try {
    await engine.machines.order.start('a', { order: 'a' });
    for await (const _fact of engine.machines.order.facts('a'));
    assert.equal((await engine.machines.order.get('a')).value, 'sent');
    await engine.machines.order.start('b', { order: 'b' });
    await began;
    await engine.stop();
    isOpen = true;
    engine = await open();
    for await (const _fact of engine.machines.order.facts('b'));
    const { value, output } = await engine.machines.order.get('b');
    assert.equal(value, 'failed');
    assert.deepEqual(output, { why: 'nobody lives there' });
    assert.deepEqual(done, [
      ...['a/reserve', 'a/charge', 'a/ship'],
      ...['b/reserve', 'b/charge', 'b/refund', 'b/release'],
    ]);
  } finally {
    await engine.stop();
    await rm(folder, { recursive: true });
  }
});
