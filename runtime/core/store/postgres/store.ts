/**
 * The store of several hosts, in PostgreSQL: each reading on one connection, each commit one transaction on another. Commits hold one lock, so their
 * numbers have no gaps and come in the order of the commits: whoever has read the journal up to a line has missed none before it.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { type Faults, noFaults } from '../../../base/platform/faults.ts';
import { localTime } from '../../../base/platform/local-time.ts';
import type { AllRows } from '../all-rows.ts';
import { applyChange, type Numbers, stepwise } from '../changes.ts';
import { type Change, type Commit, type Store, StoreTrouble } from '../port.ts';
import type { Answer } from '../tables/connection.ts';
import { createReadings } from '../tables/readings.ts';
import { createTables } from '../tables/tables.ts';
import { allRows } from './all-rows.ts';
import { migrate, mustBeCurrent } from './migrate.ts';
import { channel, commitLock, engineLock } from './schema.ts';
import { createSession } from './session.ts';
import { isAway, isBusy, isUndone, troubleOf } from './trouble.ts';

/** A database that does not answer for longer is told of. */
const awayLimitMs = 5_000;
const retryMs = 100;
/** A host that stopped in the middle of a commit keeps the others waiting for at most so long. */
const stoppedLimitMs = 10_000;
const answerLimitMs = 30_000;

/** A host that went without a word is noticed after about 25 s, and its lock is free. */
const noticeDead = 'SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3';

export interface PostgresStore extends Store {
  /**
   * From here on this store is written to by the engine of that home alone, and by another one only when this connection is gone. Answers how many
   * engines there were. Throws `owner_taken` where another one lives.
   */
  own(home: string): Promise<number>;
  /** For a copy; while it is owned. */
  rows(): Promise<AllRows>;
}

interface PostgresOptions {
  /** Called on every commit; for tests. */
  readonly faults?: Faults;
  /** Default true; false: a schema of another version is `store_unreadable`. */
  readonly mayMigrate?: boolean;
}

/** Opens nothing yet: the first reading or commit connects, and brings the schema up to date. `shown` stands for the URL in all messages. */
export function openPostgres(
  { url, shown: place }: { readonly url: string; readonly shown: string },
  { faults = noFaults, mayMigrate = true }: PostgresOptions = {},
): PostgresStore {
  const upToDate = mayMigrate ? migrate : mustBeCurrent;
  /** The engine that this store is opened for; its number is known once it has been here. */
  let engine: { readonly home: string; epoch: number | null } | null = null;
  let taken: StoreTrouble | null = null;
  const writer = randomUUID();
  const watchers = new Set<() => void>();
  let isClosed = false;
  const common = {
    connectionString: asLibpq(url),
    application_name: 'stator',
    keepAlive: true,
    connectionTimeoutMillis: awayLimitMs,
    query_timeout: answerLimitMs,
  };
  const reading = createSession({
    config: common,
    async prepare(client) {
      await client.query(noticeDead);
      await upToDate(client, place);
      client.on('notification', ({ payload }) => {
        if (payload !== writer) tellWatchers();
      });
      await client.query(`LISTEN ${channel}`);
    },
    onLost: () => void listenAgain(),
  });
  const writing = createSession({
    onSend() {
      if (!maySend) throw new SentLate();
    },
    config: { ...common, lock_timeout: awayLimitMs, idle_in_transaction_session_timeout: stoppedLimitMs },
    async prepare(client) {
      await client.query(noticeDead);
      const isFree = engine === null || (await tryLock(client));
      if (isFree) await upToDate(client, place);
      if (engine !== null) await beOnly(client, engine, isFree);
    },
  });
  const written = createTables(writing.connection);
  let line: Promise<unknown> = Promise.resolve();

  /** Throws `owner_taken`, and remembers it where another engine has been here since. */
  async function beOnly(client: Client, own: NonNullable<typeof engine>, isFree: boolean): Promise<void> {
    const last = await lastEngine(client);
    if (own.epoch !== null && last !== null && last.epoch !== own.epoch) taken = takenBy(place, last);
    if (taken !== null) throw taken;
    // Where it is the connection of this very engine that PostgreSQL still takes for alive, it goes soon.
    if (!isFree) throw takenBy(place, last);
    own.epoch ??= await enter(client, own.home);
  }

  /** What goes away by itself. */
  function mayPass(thrown: unknown): boolean {
    const isHeld = thrown instanceof StoreTrouble && thrown.code === 'owner_taken' && taken === null;
    return isHeld || isAway(thrown) || isBusy(thrown);
  }

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
        if (isClosed || !mayPass(thrown) || performance.now() > untilMs) throw troubleOf(thrown, place);
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

  /** Whether a change may send statements now. */
  let maySend = true;

  /**
   * Sends the changes one after the other, without waiting for answers. A change that asks more by what it was answered would come after those behind it:
   * where the list says so it is waited for, and where it turns out so all of it is carried out again, step by step.
   */
  async function carryOut(changes: readonly Change[], isStepByStep = false): Promise<Commit> {
    const client = await writing.client();
    const numbers: Numbers = { signals: [], lines: [] };
    const begun = start(client);
    faults('store.after-begin');
    const answers: { readonly change: Change; readonly holds: Promise<boolean> }[] = [];
    const firstLost = async (): Promise<Change | null> => {
      for (const { change, holds } of answers) if (!(await holds)) return change;
      return null;
    };
    let lost: Change | null = null;
    try {
      for (const change of changes) {
        const isStep = stepwise.has(change.do) && (isStepByStep || change.do !== 'signal.insert');
        if (isStep) lost = await firstLost();
        if (lost !== null) break;
        maySend = true;
        const holds = Promise.resolve(applyChange(written, change, numbers));
        holds.catch(() => {}); // looked at below, in their order
        answers.push({ change, holds });
        if (isStep) await holds;
        maySend = isStepByStep;
      }
      const transaction = await begun;
      lost ??= await firstLost();
      if (lost === null) {
        faults('store.before-commit');
        if (!(await finish(client, transaction))) return carryOut(changes);
        faults('store.after-commit');
        return { status: 'committed', ...numbers };
      }
    } catch (thrown) {
      maySend = false;
      const first = await firstFailure([begun, ...answers.map(({ holds }) => holds)]);
      await undo(client);
      if (first instanceof SentLate) return carryOut(changes, true);
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
        if (isClosed || !mayPass(thrown)) throw thrown;
      }
      await delay(retryMs);
    }
  }

  function close(): void {
    isClosed = true;
    watchers.clear();
    reading.close();
    writing.close();
  }

  return {
    file: place,
    rows: async () => allRows(await writing.client(), close),
    async own(home) {
      const own = { home, epoch: null as number | null };
      engine = own;
      await whileAway(() => writing.client());
      return own.epoch ?? 0;
    },
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
    loss: () => taken,
    close,
  };
}

/** A change of a commit asked for more, and others were sent meanwhile. */
class SentLate extends Error {}

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

interface EngineRow {
  readonly epoch: number;
  readonly host: string;
  readonly home: string;
  readonly pid: number;
  readonly since: number;
}

/** The lock is of the connection: it goes with it, however the process dies. */
async function tryLock(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ free: boolean }>(`SELECT pg_try_advisory_lock(${engineLock}) AS free`);
  return rows[0]?.free === true;
}

/** null: none was ever here, or one makes the schema now. */
async function lastEngine(client: Client): Promise<EngineRow | null> {
  const there = await client.query<{ found: string | null }>(
    "SELECT CAST(to_regclass(current_schema() || '.engine') AS TEXT) AS found",
  );
  if (there.rows[0]?.found == null) return null;
  const { rows } = await client.query<EngineRow>('SELECT epoch, host, home, pid, since FROM engine');
  return rows[0] ?? null;
}

async function enter(client: Client, home: string): Promise<number> {
  const { rows } = await client.query<{ epoch: number }>(
    'UPDATE engine SET epoch = epoch + 1, host = $1, home = $2, pid = $3, since = $4 RETURNING epoch',
    [hostname(), home, process.pid, Date.now()],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the table engine has no row');
  return row.epoch;
}

function takenBy(place: string, last: EngineRow | null): StoreTrouble {
  const who =
    last === null || last.epoch === 0
      ? 'another engine'
      : `the engine of ${last.home} on ${last.host}, pid ${last.pid}, since ${localTime(new Date(last.since).toISOString(), Date.now())}`;
  const hint =
    'one engine works on a store at a time: stop that one first (stator daemon stop), or give this home a database of its own';
  return new StoreTrouble('owner_taken', `${who} works on ${place}`, hint);
}

/** The package pg reads some values of `sslmode` otherwise than libpq does. */
function asLibpq(url: string): string {
  const known = new URL(url);
  if (known.searchParams.has('sslmode') && !known.searchParams.has('uselibpqcompat'))
    known.searchParams.set('uselibpqcompat', 'true');
  return known.href;
}
