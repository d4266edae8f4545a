import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { type Client, createClient } from '../../runtime/api/client/client.ts';
import { socketPath } from '../../runtime/base/config/config.ts';
import type { FactEntry } from '../../runtime/engine/engine.ts';
import { afterwards, planText, register, say, startEngine, untilStatus } from '../support/engine.ts';
import { until } from '../support/ground.ts';

interface Reading {
  readonly seen: FactEntry[];
  isOver(): boolean;
}

/** Reads facts from the beginning until the test is over. */
function read(client: Client, of: { project?: string; plan?: string } = {}, paceMs = 0): Reading {
  const seen: FactEntry[] = [];
  const stop = new AbortController();
  let isOver = false;
  const reading = (async () => {
    for await (const fact of client.events({ since: 0, ...of, signal: stop.signal })) {
      seen.push(fact);
      if (paceMs > 0) await new Promise((resolve) => setTimeout(resolve, paceMs));
    }
    isOver = true;
  })();
  afterwards(async () => {
    stop.abort();
    await reading;
  });
  return { seen, isOver: () => isOver };
}

function open(home: string): Database.Database {
  const db = new Database(join(home, 'taskstore.db'), { timeout: 5_000 });
  afterwards(() => void db.close());
  return db;
}

function statusOf(db: Database.Database, id: number | bigint): { status: string; code: string | null } {
  return db.prepare(`SELECT status, json_extract(result, '$.code') AS code FROM signals WHERE id = ?`).get(id) as {
    status: string;
    code: string | null;
  };
}

describe('the stream of facts', () => {
  it('ends with the last fact, also where the engine stops at once', async () => {
    const engine = await startEngine();
    const over = createClient(callSocket(socketPath(engine.home, engine.env, ''), undefined), {
      note: null,
      close: async () => {},
    });
    const readers = Array.from({ length: 8 }, () => read(over));
    await until(() => readers.every(({ seen }) => seen.length > 0));
    await register(engine, 'here', planText(['true']));
    for (let round = 0; round < 20; round += 1) await say(engine, 'here', round % 2 === 0 ? 'pause' : 'resume');
    await engine.engine.stop();
    await until(() => readers.every((reader) => reader.isOver()));
    const last = open(engine.home).prepare(`SELECT max(seq) AS seq FROM journal WHERE tree = 'plan:demo/here'`).get();
    for (const { seen } of readers) expect(seen.findLast(({ plan }) => plan === 'here')).toMatchObject(last as object);
  });

  it('goes on past rows of other programs that name nothing', async () => {
    const engine = await startEngine();
    const { client, home } = engine;
    const whole = read(client);
    const db = open(home);
    const rows: readonly (readonly [string, string, string, string | null, string])[] = [
      ['', 'x', 'pause', null, 'repo_not_found'],
      ['a/b', 'x', 'pause', null, 'repo_not_found'],
      ['demo', '', 'pause', null, 'bad_request'],
      ['demo', 'Not A Name', 'pause', null, 'plan_not_found'],
      ['', '', 'repo_paused', null, 'repo_not_found'],
      ['nowhere', '', 'repo_paused', null, 'repo_not_found'],
      ['demo', 'x', 'pause', 'tree of life', 'plan_not_found'],
      ['demo', 'x', 'pause', 'plan:/x', 'plan_not_found'],
    ];
    const insert = db.prepare('INSERT INTO signals(project, plan, type, tree) VALUES (?, ?, ?, ?)');
    const ids = rows.map(([project, plan, type, tree]) => insert.run(project, plan, type, tree).lastInsertRowid);
    await until(() => ids.every((id) => statusOf(db, id).status !== 'pending'));
    expect(ids.map((id) => statusOf(db, id))).toEqual(rows.map(([, , , , code]) => ({ status: 'failed', code })));
    // What an odd line of an older journal says is shown without names.
    db.prepare(
      `INSERT INTO journal(at, tree, type, origin, actor, event, from_state, to_state) VALUES (1, 'plan:/x', 'pause', 'person', '', 'set_aside', '', '')`,
    ).run();
    await register(engine, 'after', planText(['true']));
    await until(() => whole.seen.some((fact) => fact.plan === 'after'));
    const again = read(client);
    await until(() => again.seen.some((fact) => fact.plan === 'after'));
    expect(again.seen.find((fact) => fact.event === 'set_aside')).toMatchObject({ project: null, plan: null });
    expect([whole.isOver(), again.isOver()]).toEqual([false, false]);
    expect((await client.plans()).map(({ plan }) => plan)).toEqual(['after']);
  });

  it('takes a word for a repo from a row of another program', async () => {
    const { client, home } = await startEngine();
    const db = open(home);
    db.exec(`INSERT INTO signals(project, type) VALUES ('demo', 'repo_paused')`);
    await until(async () => (await client.repos())[0]?.state === 'paused');
    db.exec(`INSERT INTO signals(project, plan, type) VALUES ('demo', '', 'repo-resumed')`);
    await until(async () => (await client.repos())[0]?.state === 'active');
  });

  it('does not end when one step of a plan has more facts than a reader may leave unread', async () => {
    const engine = await startEngine({ onlyWatched: true });
    const { client } = engine;
    await register(engine, 'wide', planText(Array.from({ length: 400 }, () => 'true')));
    const own = read(client, { project: 'demo', plan: 'wide' });
    const whole = read(client);
    const slow = read(client, { project: 'demo', plan: 'wide' }, 1);
    await until(() => [own, whole, slow].every(({ seen }) => seen.some((fact) => fact.event === 'begun')));
    await say(engine, 'wide', 'implement_start');
    await until(async () => (await client.instances({ plan: 'wide' })).length === 400);
    await say(engine, 'wide', 'pause');
    const isPaused = ({ seen }: Reading) => seen.some((fact) => fact.to === 'gate.paused');
    await until(() => [own, whole, slow].every(isPaused));
    expect([own, whole, slow].map(({ isOver }) => isOver())).toEqual([false, false, false]);
    const db = open(engine.home);
    const seqs = db.prepare(`SELECT seq FROM journal WHERE tree = 'plan:demo/wide' ORDER BY seq`).pluck().all();
    expect(seqs.length).toBeGreaterThan(1_024);
    await until(() => [own, slow].every(({ seen }) => seen.length === seqs.length));
    for (const { seen } of [own, slow]) expect(seen.map(({ seq }) => seq)).toEqual(seqs);
    expect(whole.seen.filter(({ plan }) => plan === 'wide').map(({ seq }) => seq)).toEqual(seqs);
  });

  it('of a plan begins with the plan as it is registered now', async () => {
    const engine = await startEngine();
    const { client } = engine;
    await register(engine, 'twice', planText(['true']));
    const before = (await client.history('demo', 'twice')).at(-1)?.seq ?? 0;
    await client.deletePlan('demo', 'twice');
    await register(engine, 'twice', planText(['echo a > a.txt']));
    const second = read(client, { project: 'demo', plan: 'twice' });
    await say(engine, 'twice', 'implement_start');
    await untilStatus(engine, 'twice', 'done');
    await until(() => second.seen.some((fact) => fact.to === 'lifecycle.done'));
    const [first] = second.seen;
    expect(first).toMatchObject({ event: 'begun', plan: 'twice' });
    expect(first?.seq).toBeGreaterThan(before);
  });
});
