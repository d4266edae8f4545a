/**
 * The store of several hosts, in PostgreSQL: each reading on one connection, each commit one transaction on another. Commits hold one lock, so their
 * numbers have no gaps and come in the order of the commits: whoever has read the journal up to a line has missed none before it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { applyChange, type Numbers, stepwise } from '../changes.ts';
import type { Change, Commit, Store } from '../port.ts';
import type { Answer } from '../tables/connection.ts';
import { createReadings } from '../tables/readings.ts';
import { createTables } from '../tables/tables.ts';
import { migrate } from './migrate.ts';
import { channel, commitLock } from './schema.ts';
import { createSession } from './session.ts';
import { isAway, isBusy, isUndone, troubleOf } from './trouble.ts';

/** A database that does not answer for longer is told of. */
const awayLimitMs = 5_000;
const retryMs = 100;
/** A host that stopped in the middle of a commit keeps the others waiting for at most so long. */
const stoppedLimitMs = 10_000;
const answerLimitMs = 30_000;

/** Opens nothing yet: the first reading or commit connects, and brings the schema up to date. */
export function openPostgres(url: string): Store {
  const place = placeOf(url);
  const writer = randomUUID();
  const watchers = new Set<() => void>();
  let isClosed = false;
  const common = {
    connectionString: url,
    application_name: 'stator',
    keepAlive: true,
    connectionTimeoutMillis: awayLimitMs,
    query_timeout: answerLimitMs,
  };
  const reading = createSession({
    config: common,
    async prepare(client) {
      await migrate(client, place);
      client.on('notification', ({ payload }) => {
        if (payload !== writer) tellWatchers();
      });
      await client.query(`LISTEN ${channel}`);
    },
    onLost: () => void listenAgain(),
  });
  const writing = createSession({
    config: { ...common, lock_timeout: awayLimitMs, idle_in_transaction_session_timeout: stoppedLimitMs },
    prepare: (client) => migrate(client, place),
  });
  const written = createTables(writing.connection);
  let line: Promise<unknown> = Promise.resolve();

  function tellWatchers(): void {
    for (const watcher of watchers) watcher();
  }

  /** What was written meanwhile was told to nobody here. */
  async function listenAgain(): Promise<void> {
    while (!isClosed && watchers.size > 0) {
      try {
        await reading.client();
        tellWatchers();
        return;
      } catch {
        await delay(retryMs * 10);
      }
    }
  }

  /** Throws `store_locked` where the database does not answer for 5 s, and what else is wrong with it. */
  async function whileAway<T>(attempt: () => Promise<T>): Promise<T> {
    const untilMs = performance.now() + awayLimitMs;
    for (;;) {
      try {
        return await attempt();
      } catch (thrown) {
        if (isClosed || !(isAway(thrown) || isBusy(thrown)) || performance.now() > untilMs)
          throw troubleOf(thrown, place);
        await delay(retryMs);
      }
    }
  }

  function ask<T>(read: () => Answer<T>): Promise<T> {
    return whileAway(async () => {
      await reading.client();
      return read();
    });
  }

  async function carryOut(changes: readonly Change[]): Promise<Commit> {
    const client = await writing.client();
    const numbers: Numbers = { signals: [], lines: [] };
    const begun = start(client);
    const answers: { readonly change: Change; readonly holds: Promise<boolean> }[] = [];
    let lost: Change | null = null;
    try {
      for (const change of changes) {
        const holds = Promise.resolve(applyChange(written, change, numbers));
        holds.catch(() => {}); // looked at below, in their order
        answers.push({ change, holds });
        if (stepwise.has(change.do) && !(await holds)) break;
      }
      const transaction = await begun;
      for (const { change, holds } of answers) if (!(await holds)) lost ??= change;
      if (lost === null)
        return (await finish(client, transaction)) ? { status: 'committed', ...numbers } : carryOut(changes);
    } catch (thrown) {
      const first = await firstFailure([begun, ...answers.map(({ holds }) => holds)]);
      await undo(client);
      throw first ?? thrown;
    }
    await undo(client);
    return { status: 'lost', change: lost };
  }

  /** Begins, waits for the commits of others, and answers by which number PostgreSQL knows this one. All of it is sent at once. */
  function start(client: Client): Promise<string> {
    const [, , known] = [
      client.query('BEGIN'),
      client.query(`SELECT pg_advisory_xact_lock(${commitLock})`),
      client.query<{ id: string }>('SELECT CAST(pg_current_xact_id() AS TEXT) AS id'),
    ].map((sent) => {
      sent.catch(() => {}); // the last one fails too
      return sent;
    });
    const begun = (known as Promise<{ rows: { id: string }[] }>).then(({ rows: [row] }) => row?.id ?? ''); // the third one
    begun.catch(() => {}); // awaited when the changes are sent
    return begun;
  }

  /** false: it was not committed, and nothing of it is there. */
  async function finish(client: Client, transaction: string): Promise<boolean> {
    try {
      const told = client.query('SELECT pg_notify($1, $2)', [channel, writer]);
      told.catch(() => {}); // then the commit fails too
      await client.query('COMMIT');
      await told;
      return true;
    } catch (thrown) {
      if (!isAway(thrown)) throw thrown;
      return wasCommitted(transaction);
    }
  }

  /** The answer to a commit got lost: PostgreSQL knows what became of it. Waits for it for as long as it takes. */
  async function wasCommitted(transaction: string): Promise<boolean> {
    for (;;) {
      try {
        const client = await writing.client();
        const { rows } = await client.query<{ status: string }>('SELECT pg_xact_status(CAST($1 AS xid8)) AS status', [
          transaction,
        ]);
        if (rows[0]?.status !== 'in progress') return rows[0]?.status === 'committed';
      } catch (thrown) {
        if (isClosed || !isAway(thrown)) throw thrown;
      }
      await delay(retryMs);
    }
  }

  return {
    file: place,
    commit(changes) {
      const turn = line.then(() => whileAway(() => carryOut(changes)));
      line = turn.catch(() => {});
      return turn;
    },
    ...createReadings(createTables(reading.connection), ask),
    size: () =>
      ask(async () => {
        const { rows } = await (await reading.client()).query<{ bytes: number }>(
          `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes FROM pg_class c
           WHERE c.relnamespace = CAST(current_schema() AS regnamespace) AND c.relkind = 'r'`,
        );
        return { bytes: rows[0]?.bytes ?? 0, freeBytes: 0, givesBack: true };
      }),
    // PostgreSQL's own autovacuum does it.
    giveBack: async () => 0,
    rebuild: async () => {},
    watch(onChange) {
      watchers.add(onChange);
      // What is written before it listens is told of when it does.
      if (!reading.isOpen()) void listenAgain();
      return () => void watchers.delete(onChange);
    },
    loss: () => null,
    close() {
      isClosed = true;
      watchers.clear();
      reading.close();
      writing.close();
    },
  };
}

/** The first that failed by itself, not because another one had. */
async function firstFailure(answers: readonly Promise<unknown>[]): Promise<unknown> {
  const results = await Promise.allSettled(answers);
  for (const result of results) if (result.status === 'rejected' && !isUndone(result.reason)) return result.reason;
  return null;
}

async function undo(client: Client): Promise<void> {
  // Where the connection is gone, so is what it began.
  await client.query('ROLLBACK').catch(() => {});
}

/** A URL as people may see it. */
function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `postgresql://${host}${pathname}`;
}
