/** Hooks over a real engine: the events of a plan are delivered in order, again if necessary, and to no other repo. */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { afterwards, begin, ground, planText, say, startEngine, untilStatus } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { openReceiver, putHooks, type Receiver, webhook } from '../support/hooks.ts';

async function receiver(): Promise<Receiver> {
  const made = await openReceiver();
  afterwards(made.close);
  return made;
}

function eventsOf({ got }: Receiver): string[] {
  return got.map(({ body }) => body.event);
}

async function untilGot(sink: Receiver, count: number): Promise<void> {
  await until(
    () => sink.got.length >= count,
    () => JSON.stringify(eventsOf(sink)),
  );
}

describe('a webhook', () => {
  it('receives all events of a plan in order, each body with its number', async () => {
    const sink = await receiver();
    const on = ground();
    putHooks(on.repo, webhook(sink.url));
    const engine = await startEngine({ on });
    await begin(engine, 'p', planText(['echo a > a'], ['echo b > b']));
    await untilStatus(engine, 'p', 'done');
    await untilGot(sink, 6);
    expect(sink.got.map(({ body }) => [body.event, body.from_status, body.to_status, body.sequence])).toEqual([
      ['implement_start', 'ready', 'implementing', 1],
      ['wave_started', 'implementing', 'implementing', 2],
      ['wave_finished', 'implementing', 'implementing', 3],
      ['wave_started', 'implementing', 'implementing', 4],
      ['wave_finished', 'implementing', 'implementing', 5],
      ['implement_finished', 'implementing', 'done', 6],
    ]);
    expect(sink.got[1]?.body).toMatchObject({ plan_file: 'p', project: 'demo', wave: 1, hook: expect.any(String) });
  });

  it('is signed as Standard Webhooks has it, by both secrets while one is changed, and each try has the same id', async () => {
    const sink = await receiver();
    sink.answer((response, count) => void response.writeHead(count === 1 ? 503 : 200).end());
    const on = ground();
    const old = `whsec_${Buffer.from('an old secret of 24 bytes').toString('base64')}`;
    const fresh = Buffer.from('a fresh secret of 26 bytes').toString('base64');
    const env = { ...on.env, OLD_SECRET: old, NEW_SECRET: fresh, TOKEN: 'Bearer t' };
    const more =
      'secret = ["env:NEW_SECRET", "env:OLD_SECRET"]\nheaders = { Authorization = "env:TOKEN" }\nevents = ["cancel"]';
    putHooks(on.repo, webhook(sink.url, more));
    const engine = await startEngine({ on, env, hookRetryMs: [10] });
    await engine.client.registerPlan({ project: 'demo', plan: 'p', content: planText(['true']) });
    await engine.client.send({ project: 'demo', plan: 'p', type: 'cancel' });
    await untilGot(sink, 2);
    for (const { headers, text } of sink.got) {
      const given = {
        'webhook-id': String(headers['webhook-id']),
        'webhook-timestamp': String(headers['webhook-timestamp']),
        'webhook-signature': String(headers['webhook-signature']),
      };
      for (const secret of [old, fresh])
        expect(new Webhook(secret).verify(text, given)).toMatchObject({ event: 'cancel' });
      const other = Buffer.from('somebody else').toString('base64');
      expect(() => new Webhook(other).verify(text, given)).toThrow();
      expect(headers.authorization).toBe('Bearer t');
      expect(headers['webhook-id']).toBe(JSON.parse(text).delivery_id);
    }
    expect(new Set(sink.got.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(sink.got[0]?.text).toBe(sink.got[1]?.text);
  });

  it('receives that a plan is blocked by a fault of the engine, and that a person had it tried again', async () => {
    const sink = await receiver();
    const on = ground();
    putHooks(on.repo, webhook(sink.url, 'events = ["implement_start", "blocked", "resolved"]'));
    const first = await startEngine({ on });
    await first.client.registerPlan({ project: 'demo', plan: 'p', content: planText(['true']) });
    await first.engine.stop();
    const db = new BetterSqlite3(join(on.home, 'taskstore.db'));
    db.exec(`UPDATE trees SET snapshot = '{}' WHERE address = 'repo:demo'`);
    db.close();
    const engine = await startEngine({ on, adds: false, verifies: false });
    await say(engine, 'p', 'implement_start');
    await untilGot(sink, 2);
    await say(engine, 'p', 'resolve');
    await untilGot(sink, 3);
    expect(sink.got.slice(0, 3).map(({ body }) => [body.event, body.blocked_source ?? null])).toEqual([
      ['implement_start', null],
      ['blocked', 'fault'],
      ['resolved', null],
    ]);
  });
});
