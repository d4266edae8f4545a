/**
 * The store of several hosts, in PostgreSQL: each reading on one connection, each commit one transaction on another. Commits hold one lock, so their
 * numbers have no gaps and come in the order of the commits: a reader of the journal up to a line has missed none before it.
 */
import { hostname } from 'node:os';
import type { Client, ClientConfig } from 'pg';
import type { Faults } from '../../../base/platform/faults.ts';
import type { AllRows } from '../all-rows.ts';
import { type EffectQueue, type Enqueuing, type Pool, workflowIdSql } from '../effect-queue.ts';
import { type Hosts, type Store, StoreTrouble } from '../port.ts';
import type { RepoRow } from '../rows.ts';
import { all, answered, type Connection, changedOne, createWriteTrouble } from '../tables/connection.ts';
import { createReadings } from '../tables/readings.ts';
import { createTables } from '../tables/tables.ts';
import { readNotice } from '../written.ts';
import { allRows } from './all-rows.ts';
import { createAsked } from './asked.ts';
import { createCommits } from './commits.ts';
import * as hostRows from './hosts.ts';
import { isCurrent, migrate, mustBeCurrent } from './migrate.ts';
import { createElsewhere, createNotices } from './notices.ts';
import { channel, migrationLock, storeLock } from './schema.ts';
import { createSession, loadDriver, type Session } from './session.ts';
import { awayLimitMs, createTransactions, mayPass, type StoreState, type Transactions } from './transactions.ts';
import { sharedSessions } from './trouble.ts';

/** A host that stopped in the middle of a commit keeps the others waiting for at most this long. */
const stoppedLimitMs = 10_000;
const answerLimitMs = 30_000;
/**
 * A statement on a connection that was cut without notice is tried again after this. `pipeline` ends a connection that did not answer in time; without it, the pool gives
 * it out again, and no statement on it is ever answered.
 */
const poolLimits = { max: 4, idleTimeoutMillis: 60_000, query_timeout: 10_000, pipeline: true };

/** A commit waits for others. At another isolation it would not see their rows, and two hosts would give out the same numbers. */
const isolation = "SET default_transaction_isolation = 'read committed'";
/**
 * A host that vanished is noticed after about 12 s, and its lock is free: its beat makes the line busy every 2.5 s, and data that PostgreSQL has sent without
 * an acknowledgement ends the connection as well. Limits that the database or its user has for other programs would end a connection whose lock says that this
 * host is alive, and long statements; this program has its own. A pooler takes them only so, and not with the connection.
 */
const limits = `${isolation}; SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 12000; SET idle_session_timeout = 0; SET statement_timeout = 0`;
const writingLimits = `${limits}; SET lock_timeout = ${awayLimitMs}; SET idle_in_transaction_session_timeout = ${stoppedLimitMs}`;

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
  const state: StoreState = { engine: null, taken: null, isAlone: false, isClosed: false };
  const { watched, trouble } = createWriteTrouble();
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
      await mustKeepSessions(client, common, place);
      await client.query(limits);
      await upToDate(client, place);
      client.on('notification', ({ payload }) => {
        if (payload === 'hosts') notices.notifyOfHosts();
        // Notices about its own commits, which are the most, cause no reading.
        else if (!asked.heard(payload) && payload?.startsWith(commits.writer) !== true)
          notices.notify(readNotice(payload ?? ''));
      });
      await client.query(`LISTEN ${channel}`);
    },
    onLost() {
      elsewhere.forget();
      void notices.listenAgain();
    },
  });
  const writing = createSession({
    onSend: () => commits.mustBeInTime(),
    config: common,
    async prepare(client) {
      await mustKeepSessions(client, common, place);
      await client.query(writingLimits);
      await mustTakeWrites(client);
      if (state.engine === null && !state.isAlone) return upToDate(client, place);
      await shareStore(client, { place, isAlone: state.isAlone, upToDate });
      if (state.engine === null) return;
      await beHost(client, state, state.engine, place);
      if (!(await commits.areLost(client))) return;
      state.taken = lostCommits(place);
      throw state.taken;
    },
  });
  const commits = createCommits({
    ...{ connect: () => writing.client(), tables: () => written, faults },
    mayPass: (thrown) => mayPass(thrown, state),
    onMoved: () => elsewhere.forget(),
  });
  const asked = createAsked({ own: host.name, client: () => reading.client() });
  const elsewhere = createElsewhere(reading.connection, host.name);
  const notices = createNotices({ reading, state, elsewhere, look: asked.look });
  const transactions = createTransactions({ place, state, reading, writing, commits, onEnd: elsewhere.forget });
  const { ask, whileAway } = transactions;
  const ownTables = withHosts(writing.connection, host.name);
  let written = ownTables;
  const readings = createTables(reading.connection);
  return {
    file: place,
    async rows() {
      state.isAlone = true;
      return allRows(await whileAway(() => writing.client()), close);
    },
    async own(home) {
      const own: hostRows.Presence = { home, host, isBrief, wasCutOff: false, epoch: null };
      state.engine = own;
      await whileAway(() => writing.client());
      return own.epoch ?? 0;
    },
    pool: () => openPool(common),
    schema: () => ask(async () => schemaOf(await reading.client())),
    whileAlone: async (work) => whileMigrating(await whileAway(() => reading.client()), work),
    enqueueInto(queue) {
      written = withQueue(writing.connection, ownTables, queue);
    },
    commit: (changes) => watched(() => transactions.inOrder(() => commits.carryOut(changes))),
    hosts: createHosts({
      own: host.name,
      place,
      state,
      transactions,
      reading,
      writing,
      asked,
      watch: notices.watchHosts,
    }),
    ...createReadings(readings, ask, elsewhere.read),
    repos: () =>
      ask(async () => {
        const owners = await hostRows.repoHosts(await reading.client());
        return (await readings.repos.list()).map((row): RepoRow => {
          const { host: owner, comingFrom } = owners.get(row.project) ?? { host: host.name, comingFrom: null };
          if (comingFrom !== null) return { ...row, host: owner, comingFrom };
          return owner === host.name ? row : { ...row, host: owner };
        });
      }),
    size: () => ask(async () => ({ bytes: await sizeBytes(await reading.client()), freeBytes: 0 })),
    // PostgreSQL's own autovacuum does it.
    giveBack: async () => 0,
    watch: notices.watch,
    loss: () => state.taken,
    trouble,
    close,
  };

  function close(): void {
    state.isClosed = true;
    notices.close();
    reading.close();
    writing.close();
  }
}

/**
 * Locks, notices and prepared statements need sessions of their own. A pooler, which has numbers of its own for them, may give one session to several
 * clients in turn: then another client gets that of the first one, or changes it.
 */
async function mustKeepSessions(client: Client, config: ClientConfig, place: string): Promise<void> {
  const number = async (of: Client) => (await of.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
  const first = await number(client);
  if (first === (client as Client & { processID?: number }).processID) return; // no type has it; the driver keeps what the server sent
  const second = createSession({ config, prepare: async () => {} });
  try {
    const other = await second.client();
    await other.query('BEGIN');
    if ((await number(other)) === first || (await number(client)) !== first) throw sharedSessions(place);
  } finally {
    second.close();
  }
}

/** Throws PostgreSQL's own error on a standby: a connection is not kept there, as the server that takes its place may get its name later. */
async function mustTakeWrites(client: Client): Promise<void> {
  const { rows } = await client.query<{ mode: string }>("SELECT current_setting('transaction_read_only') AS mode");
  if (rows[0]?.mode === 'on')
    throw Object.assign(new Error('the server, or its default_transaction_read_only, is read-only'), { code: '25006' });
}

/** The lock of the store, and its schema as this version has it: it is changed while no other process works on the store. */
async function shareStore(
  client: Client,
  { place, isAlone, upToDate }: { place: string; isAlone: boolean; upToDate: typeof migrate },
): Promise<void> {
  const how = isAlone || !(await isCurrent(client, place)) ? 'alone' : 'shared';
  if (!(await hostRows.tryStoreLock(client, how)))
    throw await hostRows.storeIsTaken(client, place, isAlone ? 'copy' : 'schema');
  await upToDate(client, place);
  if (isAlone || how === 'shared') return;
  await hostRows.tryStoreLock(client, 'shared');
  await client.query(`SELECT pg_advisory_unlock(${storeLock})`);
}

/** Throws `owner_taken`, and remembers it where another engine has been here since. */
async function beHost(client: Client, state: StoreState, engine: hostRows.Presence, place: string): Promise<void> {
  const refused = await hostRows.enter(client, engine, place);
  if (refused === null) return;
  if (refused.isFinal) state.taken = refused.trouble;
  throw refused.trouble;
}

/** What this engine knows is newer than its rows: an effect that they say runs has ended here, so nothing would ever settle it. */
function lostCommits(place: string): StoreTrouble {
  return new StoreTrouble(
    'store_unreadable',
    `${place} has lost commits that it had confirmed, as after a failover to a standby that was behind, or a restore: this engine writes nothing more`,
    'a daemon begins anew by itself from what is stored; restart everything else',
  );
}

interface HostParts {
  readonly own: string;
  readonly place: string;
  readonly state: StoreState;
  readonly transactions: Transactions;
  readonly reading: Session;
  readonly writing: Session;
  readonly asked: ReturnType<typeof createAsked>;
  watch(onChange: () => void): () => void;
}

function createHosts({ own, place, state, transactions, reading, writing, asked, watch }: HostParts): Hosts {
  const { ask, whileAway, inTurn, inTransaction } = transactions;
  return {
    own,
    wasCutOff: () => state.engine?.wasCutOff === true,
    list: () =>
      ask(async () => {
        const client = await reading.client();
        const isHere = state.engine !== null && state.taken === null;
        // This engine answers, though its lock may not be back after an outage.
        return (await hostRows.list(client, await hostRows.repoHosts(client))).map((row) =>
          row.name === own && isHere ? { ...row, isAlive: true } : row,
        );
      }),
    // A beat does not wait for the commits of other hosts. An engine that cannot have its lock sends none.
    beat: () =>
      whileAway(async () => {
        await writing.client();
        if (state.engine === null) return;
        // PostgreSQL may have closed the connection for writing, and freed its lock, without this end noticing.
        const refused = await hostRows.beat(await reading.client(), state.engine, place);
        if (refused === null) return;
        state.taken = refused;
        throw refused;
      }),
    drain: (name, isDrained) => inTurn((client) => hostRows.drain(client, name, isDrained)),
    leave: () => inTurn((client) => hostRows.leave(client, own)),
    remove: (name) => inTransaction((client) => hostRows.remove(client, name)),
    noteRemote: (project, remote, { isNew }) =>
      inTurn((client) => hostRows.noteRemote(client, { project, host: own, remote, isNew })),
    lostRepos: () => ask(async () => hostRows.lostRepos(await reading.client(), own)),
    requeueLost: () => inTurn(hostRows.requeueLost),
    hand: (project, way) => inTransaction((client) => hostRows.hand(client, { project, ...way })),
    noteTrouble: (repo, trouble) => inTurn((client) => hostRows.noteTrouble(client, repo, trouble)),
    troubleOf: (project) => ask(async () => hostRows.troubleOf(await reading.client(), project)),
    takeOver: (repo, path) => inTransaction((client) => hostRows.takeOver(client, { ...repo, path, own })),
    ask: (other, question, waitMs) => whileAway(() => asked.ask(other, question, waitMs)),
    answer: asked.answer,
    watch,
  };
}

async function openPool(config: object): Promise<Pool> {
  const pg = await loadDriver();
  const pool = new pg.Pool({ ...config, ...poolLimits });
  // A caller that waits for an answer gets the error. Without a listener it would end the process, also where a connection is in use.
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    client.on('error', () => {});
    client.query(limits).catch(() => {}); // the statement that follows fails too
  });
  return pool;
}

async function schemaOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>('SELECT current_schema() AS name');
  return rows[0]?.name ?? 'public';
}

async function sizeBytes(client: Client): Promise<number> {
  const { rows } = await client.query<{ bytes: number }>(
    `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes FROM pg_class c
     WHERE c.relnamespace = CAST(quote_ident(current_schema()) AS regnamespace) AND c.relkind = 'r'`,
  );
  return rows[0]?.bytes ?? 0;
}

/** No other process changes a schema of this database meanwhile. */
async function whileMigrating<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query(`SELECT pg_advisory_lock(${migrationLock})`);
  try {
    return await work();
  } finally {
    await client.query(`SELECT pg_advisory_unlock(${migrationLock})`).catch(() => {}); // it ends with the connection
  }
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
      `SELECT "${schema}".enqueue_workflow(workflow_name => '${workflow}', queue_name => e.host, workflow_id => e.id,
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
  if (known.searchParams.has('sslmode')) known.searchParams.set('uselibpqcompat', 'true');
  return known.href;
}
