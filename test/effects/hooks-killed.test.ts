/** An engine that is killed around a delivery: nothing is lost, the order is kept, and what comes twice has the same id. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { FaultPoint } from '../../runtime/engine/engine.ts';
import { seedOf } from '../support/crash.ts';
import { drawnUnlessWhole } from '../support/drawn.ts';
import { afterwards, ground, planText, register, startEngine } from '../support/engine.ts';
import { type Ground, until } from '../support/ground.ts';
import { openReceiver, putHooks, webhook } from '../support/hooks.ts';
import { live, liveHere, read } from '../support/killed-engine.ts';
import { randomOf } from '../support/random.ts';

const events = ['cancel', 'reopen', 'cancel'];

/** A home whose engine is away, with three signals that another program left in the inbox. */
async function laid(hooks: string, on: Ground): Promise<void> {
  putHooks(on.repo, hooks);
  const engine = await startEngine({ on });
  await register(engine, 'p', planText(['true']));
  await engine.engine.stop();
  const db = new BetterSqlite3(join(on.home, 'taskstore.db'));
  for (const type of events) db.prepare(`INSERT INTO signals (project, plan, type) VALUES ('demo', 'p', ?)`).run(type);
  db.close();
}

const rows = ({ home }: Ground) =>
  read<{ status: string; name: string; sequence: number }>(
    home,
    `SELECT status, name, json_extract(payload, '$.sequence') AS sequence FROM effects WHERE kind = 'hook.deliver' ORDER BY id`,
  );

const points: readonly [FaultPoint, number][] = [
  ['pump.before-commit', 1],
  ['pump.after-commit', 1],
  ['store.between', 3],
  ['lanes.after-claim', 1],
  ['hook.before-send', 1],
  ['hook.before-send', 2],
  ['hook.after-send', 1],
  ['hook.after-send', 3],
  ['lanes.before-settle', 2],
  ['lanes.after-settle', 2],
];

describe('an engine that is killed around a delivery', () => {
  it.each([...drawnUnlessWhole(points, 3, randomOf(seedOf('hooks')))])(
    'at %s, time %i, tells a webhook each event in order, and twice only under one id',
    async (point, nth) => {
      const sink = await openReceiver();
      afterwards(sink.close);
      const on = ground();
      await laid(webhook(sink.url), on);
      expect(await live(on, { fault: { point, nth } }).ended).toBe('SIGKILL');
      const next = await liveHere(on);
      await until(() => rows(on).length === 3 && rows(on).every(({ status }) => status === 'done'));
      await next.stop();
      const ids = sink.got.map(({ headers }) => headers['webhook-id']);
      const first = sink.got.filter((_, index) => ids.indexOf(ids[index]) === index);
      expect(first.map(({ body }) => [body.event, body.sequence])).toEqual(
        events.map((event, index) => [event, index + 1]),
      );
      expect(first.map(({ body }) => body.delivery_id)).toEqual(rows(on).map(({ name }) => name));
      // One answer at most was lost.
      expect(sink.got.length).toBeLessThanOrEqual(4);
    },
  );

  it('while a command of it runs, goes on with that very command', async () => {
    const on = ground();
    const [count, go] = [join(on.root, 'count'), join(on.root, 'go')];
    const command = `echo x >> ${count}; while [ ! -e ${go} ]; do sleep 0.05; done; echo done`;
    await laid(`[[hooks]]\ntype = "command"\nevents = ["reopen"]\ncommand = "${command}"`, on);
    const killed = live(on);
    await until(() => existsSync(count));
    expect(rows(on).filter(({ status }) => status === 'running')).toHaveLength(1);
    expect(await killed.kill()).toBe('SIGKILL');
    const next = await liveHere(on);
    writeFileSync(go, '');
    await until(() => rows(on)[0]?.status === 'done');
    await next.stop();
    expect(readFileSync(count, 'utf8')).toBe('x\n');
  });
});
