/**
 * A sender of webhooks repeats each delivery until it is accepted, and some of them again, while the engine is killed at random. In the end each
 * delivery is one plan that was started once: no accepted one is lost.
 */
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { FaultPoint } from '../../runtime/engine/engine.ts';
import { ground } from './engine.ts';
import { until } from './ground.ts';
import { type Life, live, pausedHome, read } from './killed-engine.ts';
import { randomOf } from './random.ts';

const itemCount = 12;
const key = Buffer.from('0123456789abcdef0123456789abcdef');
/** The fault points for kills. */
const points: readonly FaultPoint[] = ['intake.after-claim', 'intake.after-register', 'intake.after-start'];
const ids = Array.from({ length: itemCount }, (_, index) => `msg_${index + 1}`);

/** The table of an intake whose agent is a shell that runs a block of the message; and the environment with its secret. */
export const senderTable = `[intake.hook]\nsource = "webhook"\nproject = "demo"\nsecret = "env:HOOK_SECRET"\nopen = 100\nper_hour = 1000\nmessage = ${JSON.stringify('```sh\ntrue\n```')}\n`;
export const senderEnv = { HOOK_SECRET: `whsec_${key.toString('base64')}` };

/** The engine's answer; null: none. */
export async function send(port: number, id: string): Promise<'taken' | 'repeated' | null> {
  const body = JSON.stringify({ title: `Item ${id}`, body: 'text' });
  const seconds = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  const headers = { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` };
  const url = `http://127.0.0.1:${port}/v1/intakes/hook/deliveries`;
  const answer = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
    .then(async (response) => ({ status: response.status, text: await response.text() }))
    .catch(() => null); // the engine was killed
  if (answer !== null) expect(answer.status, answer.text).toBe(202);
  return answer === null ? null : JSON.parse(answer.text).status;
}

export async function killUnderSender({ kills, seed }: { kills: number; seed: number }): Promise<void> {
  const random = randomOf(seed);
  const on = ground();
  await pausedHome(on);
  writeFileSync(join(on.home, 'daemon.toml'), senderTable);
  const place = { home: on.home, env: { ...on.env, ...senderEnv } };
  const accepted = new Set<string>();
  let sentAgain = 0;
  /** Sends until the engine has ended: the next delivery, or one that was already accepted. */
  const sendTo = async (life: Life, next: number) => {
    const port = await life.up;
    let hasEnded = false;
    void life.ended.then(() => {
      hasEnded = true;
    });
    for (const id of ids.slice(0, next)) {
      if (port === null || hasEnded) return;
      if (accepted.has(id) && random() < 0.8) continue;
      if (accepted.has(id)) sentAgain += 1;
      if ((await send(port, id)) !== null) accepted.add(id);
      await delay(random() * 30);
    }
  };
  for (let number = 1; number <= kills; number += 1) {
    const point = points[Math.floor(random() * points.length)];
    const life = live(place, { fault: random() < 0.5 && point !== undefined ? { point, nth: 1 } : undefined });
    await life.up;
    const sending = sendTo(life, Math.ceil((itemCount * number) / kills));
    await Promise.race([life.ended, delay(random() * 400)]);
    await life.kill();
    await sending;
  }
  const last = live(place);
  await sendTo(last, itemCount);
  expect(accepted.size).toBe(itemCount);
  const started = () =>
    read<{ plan: string }>(on.home, 'SELECT plan FROM intake_items WHERE started_at IS NOT NULL ORDER BY plan');
  const waiting = () => read<{ item: string }>(on.home, 'SELECT item FROM intake_deliveries');
  await until(
    () => started().length === itemCount && waiting().length === 0,
    () => `started: ${JSON.stringify(started())}; waiting: ${JSON.stringify(waiting())}; sent again: ${sentAgain}`,
  );
  last.stop();
  expect(await last.ended).toBe('0');
  const plans = ids.map((id) => ({ plan: `hook-item-${id}` })).sort((a, b) => (a.plan < b.plan ? -1 : 1));
  expect(started()).toEqual(plans);
  expect(read(on.home, 'SELECT plan FROM plans ORDER BY plan')).toEqual(plans);
  expect(read(on.home, "SELECT plan FROM signals WHERE type = 'implement_start' ORDER BY plan")).toEqual(plans);
}
