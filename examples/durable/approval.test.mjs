/** One request is decided after a restart; another one is reminded of until it goes to another person. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createEngine } from 'stator/durable';
import { approvals } from './approval.mjs';

const hourMs = 3_600_000;

test('a request waits over a restart, and takes nothing but an answer', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'approval-'));
  const open = () => createEngine({ file: join(folder, 'app.db'), machines: [approvals(async () => {})] });
  let engine = await open();
  try {
    await engine.machines.approval.start('trip', { what: 'a trip', from: 'ada', boss: 'eve', everyMs: hourMs });
    await engine.stop();
    engine = await open();
    const { approval } = engine.machines;
    assert.deepEqual((await approval.get('trip')).tags, ['needs a person']);
    assert.equal((await approval.explain('trip')).timers.length, 1);
    // @ts-expect-error: it takes approve and reject
    await assert.rejects(approval.send('trip', { type: 'perhaps' }), { code: 'unknown_signal' });
    await approval.send('trip', { type: 'approve', by: 'ada' });
    const { value, context } = await approval.get('trip');
    assert.deepEqual([value, context.by], ['approved', 'ada']);
  } finally {
    await engine.stop();
    await rm(folder, { recursive: true });
  }
});

test('who does not answer is reminded three times, then another person is asked', async () => {
  /** @type {string[]} */
  const mails = [];
  const machine = approvals(async ({ to, text }) => void mails.push(`${to}: ${text}`));
  const engine = await createEngine({ file: ':memory:', machines: [machine] });
  try {
    const { approval } = engine.machines;
    await approval.start('desk', { what: 'a desk', from: 'ada', boss: 'eve', everyMs: 50 });
    for await (const { to } of approval.facts('desk')) if (to === 'escalated') break;
    while (mails.length < 5) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(mails, [
      'ada: please decide: a desk',
      ...[1, 2, 3].map((time) => `ada: reminder ${time}: a desk`),
      'eve: nobody decides: a desk',
    ]);
    assert.deepEqual((await approval.list())[0]?.view, { what: 'a desk', reminded: 3 });
  } finally {
    await engine.stop();
  }
});
