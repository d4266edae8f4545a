/** An engine whose store is in PostgreSQL: as a person sets it up, with what goes wrong with a database on another machine. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { EngineError, errorClasses } from '../../machines/vocabulary/errors.ts';
import { startDaemon } from '../../runtime/engine/daemon.ts';
import { createEngine } from '../../runtime/engine/engine.ts';
import { startPostgres } from '../../scripts/postgres.ts';
import { planOf } from '../support/cli.ts';
import { type DaemonGround, daemonGround, shAgents } from '../support/daemon.ts';
import { gate, openGate } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { filesLoadedBy } from '../support/loaded.ts';
import { expectFailure } from '../support/prose.ts';

const server = await startPostgres();
afterAll(() => server.stop());

const password = 'not-to-be-shown';
let databases = 0;

interface PostgresGround extends DaemonGround {
  readonly database: string;
  readonly url: string;
}

/** A home whose daemon.toml names the variable, which is set to an empty database, or to a schema of it. */
async function onPostgres(schema?: string): Promise<PostgresGround> {
  databases += 1;
  const database = `e${databases}`;
  await server.createDatabase(database);
  if (schema !== undefined) await server.query(database, `CREATE SCHEMA "${schema}"`);
  const options = schema === undefined ? '' : `?options=-csearch_path%3D%22${schema}%22`;
  const url = `${server.urlOf(database)}${options}`;
  return { ...onUrl(url), database, url };
}

function onUrl(url: string): DaemonGround {
  const made = daemonGround(`store = "env:STATOR_STORE"\n${shAgents}`);
  made.env.STATOR_STORE = url;
  made.write('.stator/config.toml', shAgents);
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'agents');
  return made;
}

async function cutAll(database: string): Promise<void> {
  await server.query(
    'postgres',
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()',
    [database],
  );
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

it('a plan goes from its first word to its merge, over lost connections and a killed daemon, and the password is nowhere', async () => {
  const ground = await onPostgres('Team-A');
  const { stator, database } = ground;
  const go = join(ground.root, 'go');
  ground.write(
    'p.md',
    planOf([`${gate(go)}; echo one > one.txt`, `${gate(go)}; echo two > two.txt`, 'echo three > three.txt']),
  );
  expect((await stator(['daemon', 'start'])).code).toBe(0);
  expect((await stator(['plan', 'register', 'p.md', '--trust', '--start'])).code).toBe(0);
  const running = async () => (await ground.client().instances({})).some(({ state }) => state === 'running');
  await until(running);
  await cutAll(database);
  await until(running);
  process.kill(ground.owner()?.pid ?? 0, 'SIGKILL');
  await until(() => ground.owner() === null);
  const started = await stator(['daemon', 'start']);
  expect(started.code, started.stderr).toBe(0);
  openGate(go);
  await until(async () => (await ground.client().plan('demo', 'p')).status === 'done');
  const [doctor, check] = [await stator(['doctor', '--json']), await stator(['store', 'check'])];
  expect(doctor.stdout).toContain(`/${database}; owned by pid`);
  expect(check).toMatchObject({ code: 0, stdout: expect.stringContaining(`/${database}`) });
  expect((await stator(['plan', 'merge', 'p'])).code).toBe(0);
  expect(readFileSync(join(ground.repo, 'three.txt'), 'utf8')).toBe('three\n');
  const verified = await stator(['plan', 'verify', '--all', '--json']);
  expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true });
  const status = await stator(['daemon', 'status', '--json']);
  expect((await stator(['daemon', 'stop'])).code).toBe(0);

  // Nobody keeps it, and it is read and changed with no engine as well.
  const [list, pause] = [await stator(['plan', 'list']), await stator(['queue', 'pause'])];
  expect(list.stdout).toContain('merged');
  expect(pause.code, pause.stderr).toBe(0);
  expect(filesUnder(ground.home).filter((file) => file.includes('taskstore'))).toEqual([]);

  const [pass, open] = [join(ground.root, 'pgpass'), new URL(ground.url)];
  writeFileSync(pass, `*:*:*:*:${password}\n`, { mode: 0o600 });
  open.password = '';
  const asked = ground.start(['store', 'check'], { env: { PGPASSFILE: pass, STATOR_STORE: open.href } });
  expect(await asked.ended).toMatchObject({ code: 0, stderr: '' });

  const said = [doctor, check, verified, status, list, pause, started].map(({ stdout, stderr }) => stdout + stderr);
  const kept = filesUnder(ground.home).map((file) => readFileSync(file, 'utf8'));
  expect([...said, ...kept].filter((text) => text.includes(password))).toEqual([]);
});

it('one engine works on a store at a time, others read it, and the next one takes it when the first has gone', async () => {
  const [first, url] = [await onPostgres(), server.urlOf(`e${databases}`)];
  const second = onUrl(url);
  expect((await first.stator(['daemon', 'start'])).code).toBe(0);
  const refused = await second.stator(['daemon', 'start']);
  expect(refused).toMatchObject({ code: 69, stderr: expect.stringContaining(first.home) });
  expect((await second.stator(['plan', 'list'])).code).toBe(0);
  process.kill(first.owner()?.pid ?? 0, 'SIGKILL');
  expect(await second.stator(['daemon', 'start'])).toMatchObject({ code: 0 });
  expect(await first.stator(['daemon', 'start'])).toMatchObject({
    code: 69,
    stderr: expect.stringContaining(second.home),
  });
  expect((await second.stator(['daemon', 'stop'])).code).toBe(0);
});

it('a daemon whose database cannot be reached says so, and works as soon as it can', async () => {
  const made = await onPostgres();
  const target = Number(new URL(made.url).port);
  const gate = await closedGate(target);
  const url = new URL(made.url);
  url.port = String(gate.port);
  made.env.STATOR_STORE = url.href;
  const asked = await made.stator(['plan', 'list']);
  expect(asked).toMatchObject({ code: 78, stderr: expect.stringContaining(`${url.host}/${made.database} does not`) });
  const { stdout } = await made.stator(['daemon', 'start', '--json']);
  expect(JSON.parse(stdout).waiting).toContain('does not answer');
  await gate.open();
  await until(async () => (await made.stator(['plan', 'list'])).code === 0);
  await gate.shut();
  const [status, plans] = await Promise.all([made.stator(['daemon', 'status']), made.stator(['plan', 'list'])]);
  expect(status).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^daemon running.*\nwaiting: .* does not answer/),
  });
  expect(plans).toMatchObject({ code: 78, stderr: expect.stringMatching(/^error: the daemon \(pid \d+\) waits: /) });
});

it('a store in PostgreSQL that cannot be opened is reported with the reason and what to do, and exit code 78', async () => {
  const made = await onPostgres();
  const shown = ({ error, hint }: { error: string; hint: string }) =>
    `${error.replaceAll(made.home, '<home>').replaceAll(new URL(made.url).host, '<host>')}\n${hint}`;
  const inProcess = async (env: NodeJS.ProcessEnv) => {
    const ended = await made.stator(['daemon', 'start', '--foreground', '--json'], { env });
    expect(ended.code, ended.stderr).toBe(78);
    expect(ended.stderr).not.toContain('secret');
    return shown(JSON.parse(ended.stderr.trim().split('\n').at(-1) ?? '') as { error: string; hint: string });
  };
  const asked = async (store: string) => {
    const error: unknown = await startDaemon({ env: { ...made.env, STATOR_STORE: store } }).catch((thrown) => thrown);
    if (!(error instanceof EngineError)) throw error;
    expect(errorClasses[error.code].exitCode, error.message).toBe(78);
    const kept = filesUnder(made.home).map((file) => readFileSync(file, 'utf8'));
    expect([JSON.stringify(error), ...kept].join()).not.toContain('secret');
    return shown(error.toJSON());
  };
  const wrong = new URL(made.url);
  wrong.password = 'a-secret';
  const noFile = new URL(made.url);
  noFile.searchParams.set('sslrootcert', '/nowhere/root.crt');
  const withMode = (mode: string) => `${made.url}?sslmode=${mode}`;
  const noPassword = new URL(made.url);
  noPassword.password = '';
  const without = (name: string) => `--import ${join(import.meta.dirname, `../support/scripts/without-${name}.mjs`)}`;
  const told = [
    await asked(''),
    await asked('mysql://a:secret@host/b'),
    await asked(wrong.href),
    await asked(`${made.url}_absent`),
    await asked(noFile.href),
    await asked(withMode('require')),
    await asked(withMode('requre')),
    await asked(`${made.url}?sslmod=verify-full`),
    await asked(`${made.url}?channel_binding=require`),
    await asked(`${made.url}?options=-cabsent%3D1`),
    await asked(noPassword.href),
    await asked(`${made.url}?options=-csearch_path%3Dabsent`),
    await asked(made.url.replace('@', '@other.lan,')),
    await asked(`${made.url}?host=one.lan,other.lan`),
    await asked('postgresql://ada:12/secret@db.lan/stator'),
    await inProcess({ NODE_OPTIONS: without('pg') }),
    await inProcess({ STATOR_STORE: wrong.href }),
    await inProcess({ NODE_OPTIONS: without('dbos') }),
  ];
  expect(told.join('\n\n')).toMatchInlineSnapshot(`
    "<home>/daemon.toml: store: the variable STATOR_STORE is not set
    set it where this runs, to postgresql://host:5432/database

    <home>/daemon.toml: store: STATOR_STORE holds no URL of a database of PostgreSQL
    accepted: postgresql://host:5432/database, with characters such as / and @ of a password written as %2F and %40; the folder of a socket is the parameter host

    postgresql://<host>/e4 lets nobody in: password authentication failed for user "postgres"
    see the user, its password and its rights in PostgreSQL: it needs a database that it may create tables in

    postgresql://<host>/e4_absent lets nobody in: database "e4_absent" does not exist
    see the user, its password and its rights in PostgreSQL: it needs a database that it may create tables in

    the URL of the store: ENOENT: no such file or directory, open '/nowhere/root.crt'
    correct the URL of the store: its parameters are those of libpq, such as sslmode and sslrootcert

    postgresql://<host>/e4 lets nobody in: The server does not support SSL connections
    see the parameters of its URL: sslmode=disable connects without TLS, sslrootcert=<file> names who signed its certificate; the password may also come from PGPASSWORD or ~/.pgpass

    <home>/daemon.toml: store: STATOR_STORE has the sslmode requre
    accepted: disable, prefer, require, verify-ca, verify-full

    <home>/daemon.toml: store: STATOR_STORE has the parameter sslmod, which is not read here
    accepted: application_name, host, options, password, port, sslcert, sslkey, sslmode, sslnegotiation, sslrootcert, user

    <home>/daemon.toml: store: STATOR_STORE has the parameter channel_binding, which is not read here
    accepted: application_name, host, options, password, port, sslcert, sslkey, sslmode, sslnegotiation, sslrootcert, user

    postgresql://<host>/e4 lets nobody in: unrecognized configuration parameter "absent"
    see the parameters of its URL: sslmode=disable connects without TLS, sslrootcert=<file> names who signed its certificate; the password may also come from PGPASSWORD or ~/.pgpass

    postgresql://<host>/e4 lets nobody in: empty password returned by client
    see the user, its password and its rights in PostgreSQL: it needs a database that it may create tables in

    postgresql://<host>/e4 has no schema that postgres may use: none of its search_path (absent) exists, or it has no USAGE there
    make it: CREATE SCHEMA <name> AUTHORIZATION "postgres", or name another one in the URL: ?options=-csearch_path%3D<name>

    <home>/daemon.toml: store: STATOR_STORE names several servers, and the store is on one
    name the one that takes writes, or an address that leads to it: postgresql://host:5432/database

    <home>/daemon.toml: store: STATOR_STORE names several servers, and the store is on one
    name the one that takes writes, or an address that leads to it: postgresql://host:5432/database

    <home>/daemon.toml: store: STATOR_STORE holds no URL of a database of PostgreSQL
    accepted: postgresql://host:5432/database, with characters such as / and @ of a password written as %2F and %40; the folder of a socket is the parameter host

    a store in PostgreSQL needs the package pg, which is not installed
    install it as stator is: npm install -g pg@8, or in the project that stator is a part of: npm install pg@8

    postgresql://<host>/e4 lets nobody in: password authentication failed for user "postgres"
    see the user, its password and its rights in PostgreSQL: it needs a database that it may create tables in

    an engine whose store is in PostgreSQL needs the package @dbos-inc/dbos-sdk 5.3, which is not installed
    install it as stator is: npm install -g @dbos-inc/dbos-sdk@5.3, or in the project that stator is a part of: npm install @dbos-inc/dbos-sdk@5.3"
  `);
});

it('copies of a store in PostgreSQL are left to PostgreSQL, which is said', async () => {
  const made = await onPostgres();
  for (const verb of [['backup'], ['restore', '--yes']]) {
    const { code, stderr } = await made.stator(['store', ...verb]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('pg_dump')]);
  }
});

it('without it nothing of PostgreSQL is loaded', async () => {
  const ofPostgres = (files: readonly string[]) => files.filter((file) => /\/node_modules\/pg|postgres/.test(file));
  const plain = daemonGround();
  expect(ofPostgres(await filesLoadedBy(plain, 'queue', 'pause'))).toEqual([]);
  expect(ofPostgres(await filesLoadedBy(plain, 'plan', 'list'))).toEqual([]);
  const other = await onPostgres();
  expect(ofPostgres(await filesLoadedBy(other, 'plan', 'list'))).not.toEqual([]);
});

it('a program that embeds an engine names the database itself', async () => {
  const { home, repo, env, url, configure, database } = await onPostgres();
  configure('');
  const engine = await createEngine({ home, env, repos: [repo], store: url, serve: false });
  expect((await engine.client.repos()).map(({ project }) => project)).toEqual(['demo']);
  await engine.stop();
  expect(await server.query(database, 'SELECT project FROM repos')).toEqual([{ project: 'demo' }]);
  await expectFailure(createEngine({ home, env, store: 'env:NOT_SET', serve: false }), 'bad_config', 'NOT_SET');
});

/** A port on which nobody listens before it is opened. */
async function closedGate(target: number): Promise<{ port: number; open(): Promise<void>; shut(): Promise<void> }> {
  const clients = new Set<Socket>();
  const gate = createServer((client) => {
    const there = connect(target, 'localhost');
    clients.add(client);
    client.pipe(there).pipe(client);
    for (const end of [client, there]) end.on('error', () => end.destroy());
  });
  const port = await listening(gate, 0);
  await new Promise((resolve) => gate.close(resolve));
  return {
    port,
    async open() {
      await listening(gate, port);
      onTestFinished(() => void gate.close());
    },
    shut() {
      const isShut = new Promise<void>((resolve) => gate.close(() => resolve()));
      for (const client of clients) client.destroy();
      return isShut;
    },
  };
}

function listening(gate: Server, port: number): Promise<number> {
  return new Promise((resolve) => {
    gate.listen(port, '127.0.0.1', () => resolve((gate.address() as { port: number }).port)); // it listens
  });
}
