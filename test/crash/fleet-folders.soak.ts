import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { callSocket } from '../../runtime/api/client/call.ts';
import type { Client } from '../../runtime/api/client/client.ts';
import type { SignalAnswer } from '../../runtime/api/contract/signals.ts';
import { planOf } from '../support/cli.ts';
import { type DaemonGround, daemonGround, makeRepo } from '../support/daemon.ts';
import { burst, killDaemon, lockStore, rowsOf, startDaemonProcess } from '../support/fleet.ts';
import { drop, signalsOf, untilGone, untilRefused } from '../support/gateway.ts';
import { until } from '../support/ground.ts';

function wordsFromFiles(ground: DaemonGround): string[] {
  const rows = rowsOf<{ word: string }>(
    ground,
    `SELECT payload ->> 'body' AS word FROM signals WHERE origin = 'file' AND status IN ('done', 'failed')`,
  );
  return rows.map(({ word }) => word).sort();
}

describe('a daemon', () => {
  it('handles 2,000 signal files that come at once, each once, though it is killed in the middle', async () => {
    const count = 2_000;
    const ground = daemonGround();
    const daemon = await startDaemonProcess(ground);
    await ground.client().addRepo(ground.repo, { trust: true });
    const folder = signalsOf(ground.repo);
    const written = burst(folder, count);
    await until(() => wordsFromFiles(ground).length > count / 10);
    await killDaemon(daemon);
    await written;
    await startDaemonProcess(ground);
    await untilGone(folder);
    await until(() => wordsFromFiles(ground).length >= count);
    expect(wordsFromFiles(ground)).toEqual(Array.from({ length: count }, (_, file) => `file-${file}`).sort());
    const back = () => readdirSync(join(folder, 'failed')).filter((name) => !name.endsWith('.reason'));
    await until(
      () => back().length === count,
      () => `${back().length} are back in failed/`,
    );
  });

  it('takes a signal file of a repo that was added while it runs', async () => {
    const ground = daemonGround();
    await startDaemonProcess(ground);
    const before = ground.owner()?.epoch;
    const late = makeRepo(join(ground.root, 'late'));
    expect(await ground.stator(['daemon', 'add', late])).toMatchObject({ code: 0 });
    const client = ground.client();
    await client.registerPlan({ project: 'late', plan: 'work', content: planOf(['true']) });
    await client.send({ project: 'late', plan: 'work', type: 'set_status', payload: { status: 'planning' } });
    const folder = signalsOf(late);
    drop(folder, 'review-changes-nobody', 'no such plan');
    drop(folder, 'planner-finished-work');
    await untilRefused(folder, 'review-changes-nobody');
    await untilGone(folder);
    const [taken] = (await client.signals({ project: 'late', plan: 'work' })).filter(({ origin }) => origin === 'file');
    expect(taken).toMatchObject({ type: 'planner_finished', status: 'done' });
    expect(ground.owner()?.epoch).toBe(before);
  });

  it('answers while another program has the store for itself, and handles afterwards what came meanwhile', async () => {
    const ground = daemonGround();
    await startDaemonProcess(ground);
    const client = ground.client();
    await client.addRepo(ground.repo, { trust: true });
    const plans = ['one', 'two', 'three', 'four', 'five'];
    for (const plan of plans) await client.registerPlan({ project: 'demo', plan, content: planOf(['true']) });
    const folder = signalsOf(ground.repo);
    const release = await lockStore(ground);
    const taken: string[] = [];
    const saying = plans.map(async (plan) => {
      await sayUntilTaken(client, plan);
      taken.push(plan);
    });
    drop(folder, 'review-changes-nobody', 'meanwhile');
    for (let asked = 0; asked < 40; asked += 1) {
      expect(await ping(ground)).toBe(200);
      expect((await client.status()).repo_count).toBe(1);
    }
    expect(taken).toEqual([]);
    await release();
    await Promise.all(saying);
    await untilRefused(folder, 'review-changes-nobody');
    for (const plan of plans) expect(await client.plan('demo', plan)).toMatchObject({ paused: true });
  });
});

/** A command that fails because the store is held is repeated, with the same key. */
async function sayUntilTaken(client: Client, plan: string): Promise<void> {
  let answer: SignalAnswer | null = null;
  while (answer === null)
    answer = await client
      .send({ project: 'demo', plan, type: 'pause', dedupeKey: `pause ${plan}`, waitMs: 60_000 })
      .catch((thrown: unknown) => {
        if (thrown instanceof EngineError && thrown.code === 'store_locked') return null;
        throw thrown;
      });
  expect(answer.signal.status).toBe('done');
}

async function ping(ground: DaemonGround): Promise<number> {
  const answer = await callSocket(ground.owner()?.socketPath ?? '', undefined)('GET', '/v1/ping');
  await answer.text();
  return answer.status;
}
