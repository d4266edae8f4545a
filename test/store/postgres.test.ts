/** Failures that only a store behind a network has: lost connections, lost answers, several hosts that start at once, and passwords. */
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { type ChangeOf, mustCommit } from '../../runtime/core/store/port.ts';
import {
  channel,
  commitLock,
  hostLocks,
  type Migration,
  migrations,
} from '../../runtime/core/store/postgres/schema.ts';
import { openPostgres, type PostgresStore } from '../../runtime/core/store/postgres/store.ts';
import { openTimeline } from '../../runtime/core/store/timeline.ts';
import { startPostgres } from '../../scripts/postgres.ts';
import { until } from '../support/ground.ts';
import { linkTo } from '../support/link.ts';

const server = await startPostgres();
afterAll(() => server.stop());

let databases = 0;

async function emptyDatabase(): Promise<string> {
  databases += 1;
  const name = `d${databases}`;
  await server.createDatabase(name);
  return name;
}

function opened(url: string): PostgresStore {
  const { host, pathname } = new URL(url);
  const store = openPostgres({ url, shown: `postgresql://${host}${pathname}` });
  onTestFinished(() => store.close());
  return store;
}

function word(dedupeKey: string | null = null): ChangeOf<'signal.insert'> {
  return { do: 'signal.insert', tree: 'plan:a/p', type: 'pause', payload: {}, origin: 'person', at: 1, dedupeKey };
}

/** Forwards everything. After `hold`, it forwards no answer until the client has sent `text`. */
async function holding(to: string, text: string): Promise<{ url: string; hold(): void }> {
  let isHeld = false;
  const proxy = createServer((client) => {
    const target = connect(Number(new URL(to).port), 'localhost');
    let kept: Buffer[] = [];
    client.on('error', () => {});
    target.on('error', () => {});
    client.on('close', () => target.end());
    target.on('data', (data) => {
      if (isHeld) kept.push(data);
      else client.write(data);
    });
    client.on('data', (data) => {
      if (data.includes(text)) isHeld = false;
      target.write(data);
      if (isHeld) return;
      for (const each of kept) client.write(each);
      kept = [];
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  const url = new URL(to);
  url.port = String((proxy.address() as { port: number }).port); // it listens
  return {
    url: url.href,
    hold() {
      isHeld = true;
    },
  };
}

interface Cutting {
  readonly url: string;
  cut(when: 'before' | 'after'): void;
  /** Cuts before it, and accepts no connection until it is opened; resolves when it has cut. */
  cutAndClose(): Promise<void>;
  open(): void;
}

/** Forwards everything, and cuts the connection when a client sends `text`: before it, or with its answer. */
async function cutting(to: string, text: string): Promise<Cutting> {
  let isClosed = false;
  let close: (() => void) | null = null;
  let next: 'before' | 'after' | null = null;
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    if (isClosed) return void client.on('error', () => {}).destroy();
    const target = connect(Number(new URL(to).port), 'localhost');
    let isCut = false;
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    client.on('close', () => target.end());
    target.on('close', () => client.destroy());
    target.on('data', (data) => {
      if (!isCut) client.write(data);
      else client.destroy();
    });
    client.on('data', (data) => {
      const when = data.includes(text) ? next : null;
      if (when !== null) next = null;
      if (when === 'before') {
        isClosed = close !== null;
        client.destroy();
        close?.();
        return;
      }
      isCut ||= when === 'after';
      target.write(data);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const url = new URL(to);
  url.port = String((proxy.address() as { port: number }).port); // it listens
  return {
    url: url.href,
    cut(when) {
      next = when;
    },
    cutAndClose() {
      next = 'before';
      return new Promise((resolve) => {
        close = resolve;
      });
    },
    open() {
      isClosed = false;
    },
  };
}

it('eight programs that begin at once make one schema', async () => {
  const url = server.urlOf(await emptyDatabase());
  const stores = Array.from({ length: 8 }, () => opened(url));
  const ids = await Promise.all(stores.map(async (store, index) => mustCommit(store, [word(`${index}`)])));
  expect(ids.map(({ signals }) => signals[0]?.id).toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

it('a connection that is cut again and again loses no commit, and makes none twice', async () => {
  const name = await emptyDatabase();
  const store = opened(server.urlOf(name));
  const commits: Promise<unknown>[] = [];
  for (let index = 0; index < 200; index += 1) {
    commits.push(mustCommit(store, [word()]));
    if (index % 40 === 20) {
      await commits[index - 10];
      await server.query(
        'postgres',
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()',
        [name],
      );
    }
  }
  await Promise.all(commits);
  expect(await store.lastSignal()).toBe(200);
});

for (const when of ['before', 'after'] as const)
  it(`a commit whose line is cut ${when} PostgreSQL has it is there once`, async () => {
    const proxy = await cutting(server.urlOf(await emptyDatabase()), 'COMMIT');
    const store = opened(proxy.url);
    await mustCommit(store, [word('first')]);
    proxy.cut(when);
    const { signals } = await mustCommit(store, [word('second')]);
    expect(signals).toEqual([{ id: 2, isNew: true }]);
    expect(await store.lastSignal()).toBe(2);
  });

it('a commit that was lost in a crash of PostgreSQL is made again, even if its transaction number was reused', async () => {
  const crashing = await startPostgres({ isDurable: true });
  onTestFinished(() => crashing.stop());
  await crashing.createDatabase('crashed');
  const proxy = await cutting(crashing.urlOf('crashed'), 'COMMIT');
  const store = opened(proxy.url);
  await mustCommit(store, [word('first')]);
  const closed = proxy.cutAndClose();
  const second = mustCommit(store, [word('second')]);
  await closed;
  await crashing.crash();
  // Numbers that were allocated before the crash are allocated again.
  for (let index = 0; index < 30; index += 1) await crashing.query('crashed', 'CREATE TABLE t (); DROP TABLE t');
  proxy.open();
  expect((await second).signals).toEqual([{ id: 2, isNew: true }]);
  const rows = await crashing.query('crashed', 'SELECT id, dedupe_key FROM signals ORDER BY id');
  expect(rows.map((row) => row.dedupe_key)).toEqual(['first', 'second']);
});

// A commit waits 5 s for another one.
it('a commit that another host keeps waiting is trouble of the store, and is made when the other one is gone', async () => {
  const name = await emptyDatabase();
  const store = opened(server.urlOf(name));
  await mustCommit(store, [word('first')]);
  const other = server.query(name, `SELECT pg_advisory_lock(${commitLock}), pg_sleep(3600)`);
  const ended = expect(other).rejects.toMatchObject({ code: '57P01' });
  const holders = `FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'PgSleep'`;
  await until(async () => (await server.query(name, `SELECT 1 ${holders}`, [name])).length > 0);
  await expect(store.commit([word('second')])).rejects.toMatchObject({ code: 'store_locked' });
  await server.query(name, `SELECT pg_terminate_backend(pid) ${holders}`, [name]);
  await ended;
  expect((await mustCommit(store, [word('second')])).signals).toEqual([{ id: 2, isNew: true }]);
});

it('a watcher is notified after a reconnect, as other programs may have written', async () => {
  const name = await emptyDatabase();
  const store = opened(server.urlOf(name));
  await store.lastLine();
  let told: () => void = () => {};
  const again = new Promise<void>((resolve) => {
    told = resolve;
  });
  store.watch(told);
  await server.query(
    'postgres',
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()',
    [name],
  );
  await again;
});

it('a commit says which trees it concerns; a notice that no store sent means that anything may have changed', async () => {
  const name = await emptyDatabase();
  const [store, other] = [opened(server.urlOf(name)), opened(server.urlOf(name))];
  await Promise.all([store.lastLine(), other.lastLine()]);
  const told: unknown[] = [];
  other.watch((written) => told.push(written));
  const last = async (count: number) => {
    await until(() => told.length >= count);
    return told.at(-1);
  };
  await mustCommit(store, [word()]);
  expect(await last(1)).toEqual({ trees: ['plan:a/p'], freesSlots: false, line: 0 });
  const many = Array.from(
    { length: 400 },
    (_, number) => ({ ...word(), tree: `plan:a/${'p'.repeat(20)}${number}` }) as const,
  );
  await mustCommit(store, many);
  expect(await last(2)).toBeNull();
  for (const notice of ['', 'one', 'one {', 'one 7', 'one {"trees":["no tree"]}', 'one {"trees":7}'])
    await server.query(name, 'SELECT pg_notify($1, $2)', [channel, notice]);
  expect(await last(8)).toBeNull();
  expect(told.slice(2)).toEqual(Array.from({ length: 6 }, () => null));
});

it('a connection of the pool that is cut in silence is not given out again', async () => {
  const link = await linkTo(server.urlOf(await emptyDatabase()));
  const pool = await opened(link.url).pool();
  onTestFinished(() => pool.end());
  const ask = async () => {
    const client = await pool.connect();
    try {
      return (await client.query('SELECT 1 AS one')).rows;
    } finally {
      client.release();
    }
  };
  await ask();
  link.strand(0);
  await expect(ask()).rejects.toThrow('Query read timeout');
  // If a number is allocated twice, each client waits for 10 s.
  await until(async () => (await ask().catch(() => [])).length > 0);
});

it('the password is in no message', async () => {
  const url = new URL(server.urlOf(await emptyDatabase()));
  url.password = 'another-secret';
  const refused = await opened(url.href)
    .lastLine()
    .catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ code: 'store_unreadable' });
  const away = new URL(url);
  away.port = '1';
  const unanswered = await opened(away.href)
    .lastLine()
    .catch((thrown: unknown) => thrown);
  expect(unanswered).toMatchObject({ code: 'store_locked' });
  for (const error of [refused, unanswered] as { message: string; hint: string }[])
    expect(`${error.message} ${error.hint} ${JSON.stringify(error)}`).not.toContain('secret');
});

it('a table that somebody has dropped is a fault of the database, and no bug', async () => {
  const name = await emptyDatabase();
  await opened(server.urlOf(name)).lastLine();
  await server.query(name, 'DROP TABLE signals CASCADE');
  await expect(opened(server.urlOf(name)).signals({})).rejects.toMatchObject({
    code: 'store_unreadable',
    message: expect.stringContaining('is not whole: relation "signals" does not exist'),
  });
});

it('a database that cannot hold every character is refused when it is opened, not in the middle of a plan', async () => {
  const name = await emptyDatabase();
  await server.query('postgres', `CREATE DATABASE ${name}_latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`);
  await expect(opened(server.urlOf(`${name}_latin`)).lastLine()).rejects.toMatchObject({
    code: 'store_unreadable',
    message: expect.stringContaining('is encoded in LATIN1'),
    hint: expect.stringContaining("ENCODING 'UTF8'"),
  });
});

/** As PgBouncer with that pool_mode: every client has one session of the server in turn, and no parameter but the usual ones is taken. */
async function pooler(mode: 'transaction' | 'statement'): Promise<string> {
  const message = (type: string, ...parts: (Buffer | string)[]) => {
    const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
    const head = Buffer.from(`${type}....`);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const ready = message('Z', 'I');
  const column = message(
    'T',
    '\0\x01',
    'pid\0',
    Buffer.alloc(6),
    '\0\0\0\x17\0\x04',
    Buffer.from([255, 255, 255, 255, 0, 0]),
  );
  const answer = Buffer.concat([column, message('D', '\0\x01\0\0\0\x017'), message('C', 'SELECT 1\0'), ready]);
  const welcome = Buffer.concat([message('R', Buffer.alloc(4)), message('K', '\0\0\x01\0', Buffer.alloc(4)), ready]);
  const begun = message('E', 'SFATAL\0C08P01\0Mtransaction blocks not allowed in statement pooling mode\0\0');
  const pooling = createServer((client) => {
    client.on('error', () => {});
    client.once('data', (first) => {
      const [unknown] = /options|\w+_timeout/.exec(first.toString('latin1')) ?? [];
      const refusal = `SFATAL\0C08P01\0Munsupported startup parameter: ${unknown}\0\0`;
      if (unknown !== undefined) return client.end(message('E', refusal));
      client.write(welcome);
      client.on('data', (said) => {
        if (mode === 'statement' && said.includes('BEGIN')) client.end(begun);
        else client.write(answer);
      });
    });
  });
  await new Promise<void>((resolve) => pooling.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void pooling.close());
  return `postgresql://ada@127.0.0.1:${(pooling.address() as { port: number }).port}/d`; // it listens
}

it('a pooler that keeps no sessions apart is refused, and no parameter is sent that one with sessions would not take', async () => {
  const url = await pooler('transaction');
  const ofStatements = await pooler('statement');
  for (const asked of [
    () => opened(url).own('/home'),
    () => opened(url).lastLine(),
    () => opened(ofStatements).own('/home'),
  ])
    await expect(asked()).rejects.toMatchObject({
      code: 'store_unreadable',
      hint: expect.stringContaining('pool_mode = session'),
    });
  await expect(opened(`${url}?options=-csearch_path%3Done`).own('/home')).rejects.toMatchObject({
    code: 'store_unreadable',
    message: expect.stringContaining('unsupported startup parameter: options'),
  });
});

it('limits and an isolation that the database has for the sessions of other programs do not hold', async () => {
  const name = await emptyDatabase();
  for (const limit of ['idle_session_timeout', 'statement_timeout'])
    await server.query(name, `ALTER DATABASE ${name} SET ${limit} = 7000`);
  await server.query(name, `ALTER DATABASE ${name} SET default_transaction_isolation = serializable`);
  const store = opened(server.urlOf(name));
  await store.lastLine();
  const inForce = `concat(current_setting('idle_session_timeout'), current_setting('statement_timeout'), ' ',
    current_setting('transaction_isolation'))`;
  await server.query(name, `ALTER TABLE hosts ADD COLUMN limits TEXT DEFAULT ${inForce}`);
  await store.own('/home');
  expect(await server.query(name, 'SELECT limits FROM hosts')).toEqual([{ limits: '00 read committed' }]);
});

it('a user who may open no further connection: the hint says which limit to raise', async () => {
  const name = await emptyDatabase();
  await server.query('postgres', "CREATE ROLE few LOGIN PASSWORD 'few' CONNECTION LIMIT 0");
  const url = new URL(server.urlOf(name));
  [url.username, url.password] = ['few', 'few'];
  await expect(opened(url.href).lastLine()).rejects.toMatchObject({
    code: 'store_locked',
    hint: expect.stringContaining('raise the connection limit'),
  });
});

it('a store of a newer stator is left as it is', async () => {
  const name = await emptyDatabase();
  await opened(server.urlOf(name)).lastLine();
  await server.query(name, "INSERT INTO schema_versions (version, name) VALUES (99, 'later')");
  await expect(opened(server.urlOf(name)).lastLine()).rejects.toMatchObject({ code: 'store_newer' });
});

it('a store of a build before the first release is refused, and left as it is', async () => {
  const name = await emptyDatabase();
  await server.query(name, 'CREATE TABLE schema_versions (version INTEGER PRIMARY KEY, name TEXT NOT NULL)');
  await server.query(name, "INSERT INTO schema_versions (version, name) VALUES (1, 'all tables')");
  await expect(opened(server.urlOf(name)).lastLine()).rejects.toMatchObject({
    code: 'store_unreadable',
    message: expect.stringContaining('version 1 of the schema, of a build before the first release'),
  });
  expect(await server.query(name, 'SELECT version FROM schema_versions')).toEqual([{ version: 1 }]);
});

it('a newer version waits until the older hosts have gone, and then changes the schema; an older one does not come back', async () => {
  const name = await emptyDatabase();
  const shown = name;
  const hostCalled = (host: string) => {
    const store = openPostgres({ url: server.urlOf(name), shown }, { host: { name: host, labels: [] } });
    onTestFinished(() => store.close());
    return store;
  };
  const [a, b] = [hostCalled('a'), hostCalled('b')];
  for (const [home, store] of [
    ['/a', a],
    ['/b', b],
  ] as const)
    await store.own(home);
  // From here on this process counts as the next version; a and b have already checked.
  const known = migrations as Migration[];
  known.push({
    version: (known.at(-1)?.version ?? 0) + 1,
    name: 'of the next version',
    sql: 'CREATE TABLE of_the_next (id INTEGER)',
  });
  let isNewer = true;
  const older = () => isNewer && known.pop();
  onTestFinished(() => void older());
  const refused = { code: 'store_locked', hint: expect.stringContaining('stop each of them') };
  const both = expect.stringMatching(/the engine of \/a on a, .* and the engine of \/b on b, .* work on/);
  await expect(hostCalled('c').own('/c')).rejects.toMatchObject({ ...refused, message: both });
  for (const store of [a, b]) expect(await mustCommit(store, [word()])).toMatchObject({ status: 'committed' });
  a.close();
  await expect(hostCalled('c').own('/c')).rejects.toMatchObject(refused);
  const { length: before } = await server.query(name, 'SELECT version FROM schema_versions');
  expect(before).toBe(known.length - 1);
  await mustCommit(b, [word()]);
  const waiting = hostCalled('c').own('/c');
  b.close();
  expect(await waiting).toBe(1);
  expect(await server.query(name, 'SELECT id FROM of_the_next')).toEqual([]);
  older();
  isNewer = false;
  await expect(hostCalled('a').own('/a')).rejects.toMatchObject({ code: 'store_newer' });
});

it('an engine that another one has followed writes nothing more, and says who has the store', async () => {
  const name = await emptyDatabase();
  const [first, second] = [opened(server.urlOf(name)), opened(server.urlOf(name))];
  expect(await first.own('/first')).toBe(1);
  await mustCommit(first, [word()]);
  await expect(second.own('/second')).rejects.toMatchObject({
    code: 'owner_taken',
    message: expect.stringContaining('/first'),
  });
  const following = second.own('/second');
  const cut = async () => {
    await server.query(
      'postgres',
      `SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
       WHERE a.datname = $1 AND l.locktype = 'advisory' AND l.granted`,
      [name],
    );
  };
  await cut();
  expect(await following).toBe(2);
  expect(first.loss()).toBeNull();
  await expect(mustCommit(first, [word()])).rejects.toMatchObject({ code: 'owner_taken' });
  expect(first.loss()).toMatchObject({ code: 'owner_taken', message: expect.stringContaining('/second') });
  expect(await mustCommit(second, [word()])).toMatchObject({ signals: [{ id: 2 }] });
  second.close();
  await expect(mustCommit(first, [word()])).rejects.toMatchObject({ code: 'owner_taken' });
});

it('a host that others have taken over while its connections seemed to live learns it with its next beat', async () => {
  const name = await emptyDatabase();
  const store = opened(server.urlOf(name));
  await store.own('/home');
  await store.hosts.beat();
  await server.query(name, 'UPDATE hosts SET epoch = epoch + 1');
  await expect(store.hosts.beat()).rejects.toMatchObject({ code: 'owner_taken' });
  expect(store.loss()).toMatchObject({ code: 'owner_taken' });
});

it('an engine whose connection was cut goes on as the same engine', async () => {
  const name = await emptyDatabase();
  const store = opened(server.urlOf(name));
  await store.own('/only');
  const cut = () =>
    server.query('postgres', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
  for (let round = 0; round < 5; round += 1) {
    await cut();
    await mustCommit(store, [word()]);
  }
  expect(store.loss()).toBeNull();
  await server.query(name, 'UPDATE hosts SET seen = 0');
  await cut();
  expect(await store.hosts.list()).toMatchObject([{ isAlive: true }]);
  expect(await server.query(name, 'SELECT epoch FROM hosts')).toEqual([{ epoch: '1' }]);
});

// A commit waits 5 s for the lock.
it('an engine whose earlier connection still has its lock says so, and is not called lost', async () => {
  const name = await emptyDatabase();
  const store = opened(server.urlOf(name));
  await store.own('/only');
  // In the place of that connection.
  const lock = `SELECT pg_advisory_lock(${hostLocks}, hashtext('${store.hosts.own}'))`;
  const other = server.query(name, `${lock}, pg_sleep(3600)`);
  const ended = expect(other).rejects.toMatchObject({ code: '57P01' });
  const those = 'FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid() AND query';
  await until(async () => (await server.query(name, `SELECT 1 ${those} LIKE '%pg_sleep%'`, [name])).length > 0);
  await server.query(name, `SELECT pg_terminate_backend(pid) ${those} NOT LIKE '%pg_sleep%'`, [name]);
  await expect(mustCommit(store, [word()])).rejects.toMatchObject({
    code: 'store_locked',
    message: expect.stringContaining('still has an earlier connection of this engine'),
  });
  await server.query(name, `SELECT pg_terminate_backend(pid) ${those} LIKE '%pg_sleep%'`, [name]);
  await ended;
  expect((await mustCommit(store, [word()])).signals).toMatchObject([{ isNew: true }]);
});

it('a host whose clock is ahead does not shift the deadlines of the others', async () => {
  const store = opened(server.urlOf(await emptyDatabase()));
  const clockOf = (boot: string, aheadMs: number) => ({
    nowMs: () => Date.now() + aheadMs,
    steadyMs: () => Math.round(performance.now()),
    boot: () => boot,
  });
  const right = await openTimeline(store, clockOf('right', 0));
  await mustCommit(store, [right.note()]);
  const ahead = await openTimeline(store, clockOf('ahead', 10_800_000));
  await mustCommit(store, [ahead.note()]);
  const again = await openTimeline(store, clockOf('right', 0));
  for (const timeline of [ahead, again]) expect(Math.abs(timeline.nowMs() - right.nowMs())).toBeLessThan(60_000);
});

it('an engine whose confirmed commits are gone after a failover writes nothing more, and the next one goes on from what is stored', async () => {
  const name = await emptyDatabase();
  const store = opened(server.urlOf(name));
  await store.own('/only');
  await mustCommit(store, [word('kept')]);
  const [kept] = await server.query(name, 'SELECT number FROM commits ORDER BY at DESC LIMIT 1');
  await mustCommit(store, [word('gone')]);
  await server.query(name, "DELETE FROM signals WHERE dedupe_key = 'gone'");
  await server.query(name, `UPDATE commits SET number = ${kept?.number} WHERE number > ${kept?.number}`);
  await server.query('postgres', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
  await expect(mustCommit(store, [word()])).rejects.toMatchObject({ code: 'store_unreadable' });
  expect(store.loss()).toMatchObject({ message: expect.stringContaining('has lost commits') });
  store.close();
  const next = opened(server.urlOf(name));
  expect(await next.own('/only')).toBe(2);
  expect((await next.signals({ status: 'pending' })).map((row) => row.dedupe_key)).toEqual(['kept']);
});

it.each([
  ['is read-only, as a standby', 'SET default_transaction_read_only = on', 'RESET default_transaction_read_only'],
  ['lets nobody in for a while', 'ALLOW_CONNECTIONS false', 'ALLOW_CONNECTIONS true'],
])('a database that %s is waited for, and the commit is made afterwards', async (_, breaks, mends) => {
  const database = await emptyDatabase();
  const store = opened(server.urlOf(database));
  await mustCommit(store, [word()]);
  const alter = async (what: string) => {
    await server.query('postgres', `ALTER DATABASE ${database} ${what}`);
    const cut = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1';
    await server.query('postgres', cut, [database]);
  };
  await alter(breaks);
  await expect(mustCommit(store, [word()])).rejects.toMatchObject({ code: 'store_locked' });
  await alter(mends);
  await until(() =>
    mustCommit(store, [word()]).then(
      () => true,
      () => false,
    ),
  );
  expect(await store.signals({ status: 'pending' })).toHaveLength(2);
});

it('who may not change the schema says which version it would need', async () => {
  const { host, pathname, href: url } = new URL(server.urlOf(await emptyDatabase()));
  const store = openPostgres({ url, shown: `${host}${pathname}` }, { mayMigrate: false });
  onTestFinished(() => store.close());
  await expect(store.lastLine()).rejects.toMatchObject({ code: 'store_unreadable' });
});

it('the changes of a commit are sent without waiting for an answer to any of them', async () => {
  const gate = await holding(server.urlOf(await emptyDatabase()), 'the last one');
  const store = opened(gate.url);
  await mustCommit(store, [word()]);
  gate.hold();
  const run = {
    project: 'a',
    plan: 'p',
    run: 'r',
    title: 't',
    role: 'coder',
    attempt: 1,
    reason: null,
    branch: 'b',
  } as const;
  const shown = (key: string, state: string, isNewest: boolean) =>
    ({ do: 'run.show', run: { ...run, key, state }, isNewest, at: 1 }) as const;
  const { signals } = await mustCommit(store, [
    word('one'),
    shown('k1', 'running', true),
    shown('k1', 'waiting', false),
    word('two'),
    shown('k2', 'running', true),
    word('the last one'),
  ]);
  expect(signals.map(({ id }) => id)).toEqual([2, 3, 4]);
  const runs = await store.runs({ by: 'keys', keys: ['k1', 'k2'] });
  expect(runs.map(({ key, state }) => [key, state])).toEqual([
    ['k2', 'running'],
    ['k1', 'failed'],
  ]);
});

it('where a key is taken the others keep their order, and a word of the engine goes under the next key', async () => {
  const name = await emptyDatabase();
  const store = opened(server.urlOf(name));
  await mustCommit(store, [word('known')]);
  await server.query(
    name,
    "INSERT INTO signals (project, plan, type, dedupe_key) VALUES ('a', 'p', 'pause', 'stolen')",
  );
  const own = { ...word('stolen'), origin: 'engine' } as const;
  const { signals } = await mustCommit(store, [word('first'), word('known'), own, word('last')]);
  expect(signals).toEqual([
    { id: 3, isNew: true },
    { id: 1, isNew: false },
    { id: 4, isNew: true },
    { id: 5, isNew: true },
  ]);
});
