/** A store whose file is deleted under a running engine accepts nothing more, and reports it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import {
  begin,
  gate,
  openGate,
  planText,
  register,
  startEngine,
  untilRunning,
  untilStatus,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { expectFailure } from '../support/prose.ts';

it('a store that was deleted while the engine runs takes no word that would be lost', async () => {
  const engine = await startEngine();
  await register(engine, 'lost', planText(['true']));
  for (const end of ['', '-wal', '-shm']) rmSync(join(engine.home, `taskstore.db${end}`), { force: true });
  const sent = engine.client.send({ project: 'demo', plan: 'lost', type: 'implement_start' });
  await expectFailure(sent, 'store_unreadable', `${engine.home}/taskstore.db`);
  expect(engine.log.join('\n')).not.toContain('internal');
});

it('a store that cannot be written is reported by the plans under way, and in the warnings, until it can be written again', async () => {
  const engine = await startEngine({ verifies: false });
  const { client, root } = engine;
  const go = join(root, 'go');
  await begin(engine, 'full', planText([`${gate(go)}; echo a > a.txt`]));
  await untilRunning(engine, 'full-w1-t1');
  const lock = new BetterSqlite3(join(engine.home, 'taskstore.db'));
  lock.exec('BEGIN IMMEDIATE');
  openGate(go);
  const wait = async () => (await client.plan('demo', 'full')).waiting_for;
  await until(async () => (await wait())?.kind === 'engine');
  expect((await wait())?.detail).toMatch(/^nothing can be written down: .*taskstore\.db is locked by another process/);
  expect((await client.warnings()).join()).toContain('taskstore.db is locked');
  lock.exec('ROLLBACK');
  lock.close();
  expect((await untilStatus(engine, 'full', 'done')).waiting_for).toBe(null);
  expect((await client.warnings()).join()).not.toContain('taskstore.db');
});
