/**
 * The store of several hosts, in PostgreSQL: each reading on one connection, each commit one transaction on another. Commits hold one lock, so their
 * numbers have no gaps and come in the order of the commits: a reader of the journal up to a line has missed none before it.
 */
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Faults } from '../../../base/platform/faults.ts';
import { createSerialQueue } from '../../../base/platform/serial-queue.ts';
import type { AllRows } from '../all-rows.ts';
import { type EffectQueue, type Enqueuing, workflowIdSql } from '../effect-queue.ts';
import { type Hosts, type Store, StoreTrouble, type Written } from '../port.ts';
import type { RepoRow } from '../rows.ts';
import { type Answer, all, answered, type Connection, changedOne, createWriteTrouble } from '../tables/connection.ts';
import { createReadings } from '../tables/readings.ts';
import { createTables } from '../tables/tables.ts';
import { readNotice } from '../written.ts';
import { allRows } from './all-rows.ts';
import { createAsked } from './asked.ts';
import { createCommits, undo } from './commits.ts';
import * as hostRows from './hosts.ts';
import { isCurrent, migrate, mustBeCurrent } from './migrate.ts';
import { channel, migrationLock, storeLock } from './schema.ts';
import { createSession, loadDriver } from './session.ts';
import { isAway, isBusy, troubleOf } from './trouble.ts';

/** A database that does not answer for longer is reported. */
const awayLimitMs = 5_000;
const retryMs = 100;
/** A host that stopped in the middle of a commit keeps the others waiting for at most this long. */
const stoppedLimitMs = 10_000;
const answerLimitMs = 30_000;
/**
 * A statement on a connection that was cut without notice is tried again after this. `pipeline` ends a connection that did not answer in time; without it, the pool gives
 * it out again, and no statement on it is ever answered.
 */
const poolLimits = { max: 4, idleTimeoutMillis: 60_000, query_timeout: 10_000, pipeline: true };

/**
 * A host that vanished is noticed after about 12 s, and its lock is free: its beat makes the line busy every 2.5 s, and data that PostgreSQL has sent without
 * an acknowledgement ends the connection as well.
 */
const noticeDead =
  'SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 12000';

export interface PostgresStore extends Store, Enqueuing {
  readonly hosts: Hosts;
  /**
   * Makes the engine of that home the host, until this connection is gone. Returns how many engines the host has had. Throws `owner_taken` where another one
   * lives, or the host was removed.
   */
  own(home: string): Promise<number>;
  /** For a copy. Throws `owner_taken` while any engine works on it. */
  rows(): Promise<AllRows>;
}

interface PostgresOptions {
  /** Called on every commit; for tests. */
  readonly faults?: Faults | undefined;
  /** Default true; false: a schema of another version is `store_unreadable`. */
  readonly mayMigrate?: boolean;
  /** Whether its engine leaves when a verb is answered; default false. */
  readonly isBrief?: boolean;
  /** Default: by the name that its system gives it. */
  readonly host?: {
    readonly name: string;
    readonly labels: readonly string[];
    readonly clones?: readonly string[] | null;
  };
}

/** Opens nothing yet: the first reading or commit connects, and brings the schema up to date. `shown` replaces the URL in all messages. */
export function openPostgres(
  { url, shown: place }: { readonly url: string; readonly shown: string },
  { faults, mayMigrate = true, isBrief = false, host: given = { name: '', labels: [] } }: PostgresOptions = {},
): PostgresStore {
  const upToDate = mayMigrate ? migrate : mustBeCurrent;
  const { labels, clones = null } = given;
  const host = { name: given.name || hostname(), labels, clones, address: hostname() };
  /** The engine that this store is opened for. */
  let engine: hostRows.Presence | null = null;
  let taken: StoreTrouble | null = null;
  /** No other process works on it meanwhile. */
  let isAlone = false;
  const { watched, trouble } = createWriteTrouble();
  const watchers = new Set<(written: Written | null) => void>();
  const hostWatchers = new Set<() => void>();
  /**
   * The repos of other hosts, as of the last notice about hosts; null: not read yet. A host loses a repo by its own commit, or with its lock, after which it
   * can commit nothing: so it always knows of the loss in time.
   */
  let elsewhere: Answer<readonly string[]> | null = null;
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
        if (payload === 'hosts') tellHostWatchers();
        else if (!asked.heard(payload)) hear(payload ?? '');
      });
      await client.query(`LISTEN ${channel}`);
    },
    onLost() {
      elsewhere = null;
      void listenAgain();
    },
  });
  const writing = createSession({
    onSend: () => commits.mustBeInTime(),
    config: { ...common, lock_timeout: awayLimitMs, idle_in_transaction_session_timeout: stoppedLimitMs },
    async prepare(client) {
      await client.query(noticeDead);
      if (engine === null && !isAlone) return upToDate(client, place);
      await shareStore(client);
      if (engine !== null) await beHost(client, engine);
    },
  });
  const commits = createCommits({
    ...{ connect: () => writing.client(), tables: () => written, faults },
    mayPass: (thrown) => !isClosed && mayPass(thrown),
    onMoved() {
      elsewhere = null;
    },
  });
  const asked = createAsked({ own: host.name, client: () => reading.client() });
  const ownTables = withHosts(writing.connection, host.name);
  let written = ownTables;
  const line = createSerialQueue();

  /** The lock of the store, and its schema as this version has it: it is changed while no other process works on the store. */
  async function shareStore(client: Client): Promise<void> {
    const how = isAlone || !(await isCurrent(client, place)) ? 'alone' : 'shared';
    if (!(await hostRows.tryStoreLock(client, how)))
      throw await hostRows.storeIsTaken(client, place, isAlone ? 'copy' : 'schema');
    await upToDate(client, place);
    if (isAlone || how === 'shared') return;
    await hostRows.tryStoreLock(client, 'shared');
    await client.query(`SELECT pg_advisory_unlock(${storeLock})`);
  }

  /** Throws `owner_taken`, and remembers it where another engine has been here since. */
  async function beHost(client: Client, presence: hostRows.Presence): Promise<void> {
    const refused = await hostRows.enter(client, presence, place);
    if (refused === null) return;
    if (refused.isFinal) taken = refused.trouble;
    throw refused.trouble;
  }

  /** Whether that failure may end by itself. */
  function mayPass(thrown: unknown): boolean {
    const isHeld =
      thrown instanceof StoreTrouble &&
      (thrown.code === 'store_locked' || (thrown.code === 'owner_taken' && taken === null));
    return isHeld || isAway(thrown) || isBusy(thrown);
  }

  /** Notices about its own commits, which are the most, cause no reading. */
  function hear(notice: string): void {
    if (!notice.startsWith(commits.writer)) tellWatchers(readNotice(notice));
  }

  function tellWatchers(what: Written | null): void {
    for (const watcher of watchers) watcher(what);
  }

  function tellHostWatchers(): void {
    elsewhere = null;
    for (const watcher of hostWatchers) watcher();
  }

  function tellAll(): void {
    tellWatchers(null);
    asked.look();
    tellHostWatchers();
  }

  /** Notices of what was written meanwhile were lost here. */
  async function listenAgain(): Promise<void> {
    while (!isClosed && watchers.size + hostWatchers.size > 0) {
      try {
        await reading.client();
        tellAll();
        return;
      } catch {
        await delay(retryMs * 10);
      }
    }
  }

  /** Throws `store_locked` if the database does not answer for 5 s, and its other errors. */
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

  function close(): void {
    isClosed = true;
    watchers.clear();
    hostWatchers.clear();
    reading.close();
    writing.close();
  }

  /** Runs the work after all earlier work, and before later work. */
  function inOrder<T>(work: () => Promise<T>): Promise<T> {
    return line(() => whileAway(work));
  }

  function inTurn<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return inOrder(async () => work(await writing.client()));
  }

  /** Runs it alone, like every commit. false: its condition does not hold, and nothing was written. */
  function inTransaction(work: (client: Client) => Promise<boolean>): Promise<boolean> {
    return inTurn(async function attempt(client): Promise<boolean> {
      await commits.start(client);
      try {
        if (!(await work(client))) {
          await undo(client);
          return false;
        }
        if (await commits.commitAs(client, () => hostRows.tell(client))) return true;
      } catch (thrown) {
        await undo(client);
        throw thrown;
      } finally {
        elsewhere = null;
      }
      return attempt(await writing.client());
    });
  }

  const readings = createTables(reading.connection);
  const readElsewhere = reading.connection.prepare<[string], { project: string }>(
    'SELECT project FROM repo_hosts WHERE host <> ? OR coming_from IS NOT NULL',
  );

  function ofOthers(): Answer<readonly string[]> {
    if (elsewhere !== null) return elsewhere;
    const read = answered(readElsewhere.all(host.name), (rows) => rows.map(({ project }) => project));
    elsewhere = read;
    // A reading that failed is repeated.
    void Promise.resolve(read).catch(() => {
      if (elsewhere === read) elsewhere = null;
    });
    return read;
  }

  function watch<Watcher>(those: Set<Watcher>, onChange: Watcher): () => void {
    those.add(onChange);
    // Writes before it listens are reported when it does.
    if (!reading.isOpen()) void listenAgain();
    return () => void those.delete(onChange);
  }

  return {
    file: place,
    async rows() {
      isAlone = true;
      return allRows(await whileAway(() => writing.client()), close);
    },
    async own(home) {
      const own: hostRows.Presence = { home, host, isBrief, wasCutOff: false, epoch: null };
      engine = own;
      await whileAway(() => writing.client());
      return own.epoch ?? 0;
    },
    async pool() {
      const pg = await loadDriver();
      const pool = new pg.Pool({ ...common, ...poolLimits });
      // A caller that waits for an answer gets the error. Without a listener it would end the process, also where a connection is in use.
      pool.on('error', () => {});
      pool.on('connect', (client) => client.on('error', () => {}));
      return pool;
    },
    schema: () =>
      ask(async () => {
        const client = await reading.client();
        const { rows } = await client.query<{ name: string }>('SELECT current_schema() AS name');
        return rows[0]?.name ?? 'public';
      }),
    async whileAlone(work) {
      const client = await whileAway(() => reading.client());
      await client.query(`SELECT pg_advisory_lock(${migrationLock})`);
      try {
        return await work();
      } finally {
        await client.query(`SELECT pg_advisory_unlock(${migrationLock})`).catch(() => {}); // it ends with the connection
      }
    },
    enqueueInto(queue) {
      written = withQueue(writing.connection, ownTables, queue);
    },
    commit: (changes) => watched(() => inOrder(() => commits.carryOut(changes))),
    hosts: {
      own: host.name,
      wasCutOff: () => engine?.wasCutOff === true,
      list: () =>
        ask(async () => {
          const client = await reading.client();
          return hostRows.list(client, await hostRows.repoHosts(client));
        }),
      // A beat does not wait for the commits of other hosts. An engine that cannot have its lock sends none.
      beat: () =>
        whileAway(async () => {
          await writing.client();
          if (engine === null) return;
          // PostgreSQL may have closed the connection for writing, and freed its lock, without this end noticing.
          const refused = await hostRows.beat(await reading.client(), engine, place);
          if (refused === null) return;
          taken = refused;
          throw refused;
        }),
      drain: (name, isDrained) => inTurn((client) => hostRows.drain(client, name, isDrained)),
      leave: () => inTurn((client) => hostRows.leave(client, host.name)),
      remove: (name) => inTransaction((client) => hostRows.remove(client, name)),
      noteRemote: (project, remote, { isNew }) =>
        inTurn((client) => hostRows.noteRemote(client, { project, host: host.name, remote, isNew })),
      lostRepos: () => ask(async () => hostRows.lostRepos(await reading.client(), host.name)),
      requeueLost: () => inTurn(hostRows.requeueLost),
      hand: (project, way) => inTransaction((client) => hostRows.hand(client, { project, ...way })),
      noteTrouble: (repo, trouble) => inTurn((client) => hostRows.noteTrouble(client, repo, trouble)),
      troubleOf: (project) => ask(async () => hostRows.troubleOf(await reading.client(), project)),
      takeOver: (repo, path) => inTransaction((client) => hostRows.takeOver(client, { ...repo, path, own: host.name })),
      ask: (other, question, waitMs) => whileAway(() => asked.ask(other, question, waitMs)),
      answer: asked.answer,
      watch: (onChange) => watch(hostWatchers, onChange),
    },
    ...createReadings(readings, ask, ofOthers),
    repos: () =>
      ask(async () => {
        const owners = await hostRows.repoHosts(await reading.client());
        return (await readings.repos.list()).map((row): RepoRow => {
          const { host: owner, comingFrom } = owners.get(row.project) ?? { host: host.name, comingFrom: null };
          if (comingFrom !== null) return { ...row, host: owner, comingFrom };
          return owner === host.name ? row : { ...row, host: owner };
        });
      }),
    size: () =>
      ask(async () => {
        const { rows } = await (await reading.client()).query<{ bytes: number }>(
          `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes FROM pg_class c
           WHERE c.relnamespace = CAST(current_schema() AS regnamespace) AND c.relkind = 'r'`,
        );
        return { bytes: rows[0]?.bytes ?? 0, freeBytes: 0 };
      }),
    // PostgreSQL's own autovacuum does it.
    giveBack: async () => 0,
    watch: (onChange) => watch(watchers, onChange),
    loss: () => taken,
    trouble,
    close,
  };
}

/** A repo is registered for the host that registers it, unless another host has it. No host has a repo that was removed. */
function withHosts(connection: Connection, host: string): ReturnType<typeof createTables> {
  const tables = createTables(connection);
  const take = connection.prepare(
    `INSERT INTO repo_hosts (project, host) VALUES (?, ?) ON CONFLICT (project) DO UPDATE SET host = excluded.host, coming_from = NULL
     WHERE repo_hosts.host = excluded.host
       OR NOT EXISTS (SELECT 1 FROM repos r WHERE r.project = excluded.project AND r.removed_at IS NULL)`,
  );
  const keepPath = connection.prepare(hostRows.keepPath('?, ?, ?'));
  const insert = (row: RepoRow) =>
    answered(
      all([
        changedOne(take.run(row.project, host)),
        tables.repos.insert(row),
        answered(keepPath.run(row.project, host, row.path), () => true),
      ]),
      (held) => held.every(Boolean),
    );
  return { ...tables, repos: { ...tables.repos, insert } };
}

/** An effect that is taken is enqueued in the same transaction; an effect that is enqueued already is not changed. */
function withQueue(
  connection: Connection,
  tables: ReturnType<typeof createTables>,
  { schema, application, version, workflow }: EffectQueue,
): ReturnType<typeof createTables> {
  const enqueue = (which: string) =>
    connection.prepare(
      `SELECT ${schema}.enqueue_workflow(workflow_name => '${workflow}', queue_name => e.host, workflow_id => e.id,
         positional_args => ARRAY[to_json(e.id)], app_version => '${version}', application_name => '${application}')
       FROM (SELECT host, ${workflowIdSql} AS id FROM effects WHERE status = 'running' AND ${which}) e`,
    );
  const one = enqueue('id = ?');
  const ofHost = enqueue('host = ?');
  const { effects } = tables;
  return {
    ...tables,
    effects: {
      ...effects,
      take: (change) =>
        answered(all<unknown>([effects.take(change), one.all(change.id)]), ([isTaken]) => isTaken === true),
      adopt: (owner) => answered(all<unknown>([effects.adopt(owner), ofHost.all(owner.host)]), () => ({ changes: 0 })),
    },
  };
}

/** The package pg reads some values of `sslmode` otherwise than libpq does. */
function asLibpq(url: string): string {
  const known = new URL(url);
  if (known.searchParams.has('sslmode') && !known.searchParams.has('uselibpqcompat'))
    known.searchParams.set('uselibpqcompat', 'true');
  return known.href;
}
