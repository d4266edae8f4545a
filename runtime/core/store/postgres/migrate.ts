/** Brings the schema up to date, one program at a time. */
import type { Client } from 'pg';
import { StoreTrouble } from '../port.ts';
import { type Migration, migrationLock, migrations } from './schema.ts';

const oldestServer = 140_000;
const firstVersion = () => migrations[0]?.version ?? 0;
const lastVersion = () => migrations.at(-1)?.version ?? 0;

/** Throws `store_newer`, `store_unreadable` for a server that is too old or a store of a build before the first release, and PostgreSQL's error about a migration, which then leaves nothing behind. */
export async function migrate(client: Client, place: string): Promise<void> {
  await refuseOldServer(client, place);
  if (await isCurrent(client, place)) return;
  for (const migration of migrations) await apply(client, migration);
}

/** Whether its schema is that of this version. Throws as `versionOf`. */
export async function isCurrent(client: Client, place: string): Promise<boolean> {
  return (await versionOf(client, place)) === lastVersion();
}

/** Throws `store_unreadable` where it has another version of the schema, or none. */
export async function mustBeCurrent(client: Client, place: string): Promise<void> {
  const version = await versionOf(client, place);
  if (version === lastVersion()) return;
  const message =
    version === 0
      ? `there is no store at ${place} yet`
      : `${place} has version ${version} of the schema, this stator reads ${lastVersion()}`;
  throw new StoreTrouble(
    'store_unreadable',
    message,
    'what first changes something brings it up to date: stator daemon start',
  );
}

async function refuseOldServer(client: Client, place: string): Promise<void> {
  const { rows } = await client.query<{ number: number; name: string }>(
    "SELECT CAST(current_setting('server_version_num') AS INTEGER) AS number, current_setting('server_version') AS name",
  );
  const [server] = rows;
  if (server === undefined || server.number >= oldestServer) return;
  const message = `${place} is PostgreSQL ${server.name}, and stator needs 14 or newer`;
  throw new StoreTrouble('store_unreadable', message, 'use a database of a newer server');
}

async function apply(client: Client, { version, name, sql }: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(`SELECT pg_advisory_xact_lock(${migrationLock})`);
    await client.query('CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY, name TEXT NOT NULL)');
    const done = await client.query('SELECT 1 FROM schema_versions WHERE version = $1', [version]);
    if (done.rowCount === 0) {
      await client.query(sql);
      await client.query('INSERT INTO schema_versions (version, name) VALUES ($1, $2)', [version, name]);
    }
    await client.query('COMMIT');
  } catch (thrown) {
    await client.query('ROLLBACK').catch(() => {}); // the connection may be gone, and the transaction with it
    throw thrown;
  }
}

/** 0: there is none yet. Throws `store_newer`, and `store_unreadable` for a database without a schema or UTF8, or a store of a build before the first release. */
async function versionOf(client: Client, place: string): Promise<number> {
  const where = await placeOf(client);
  if (where === undefined) return 0;
  refuseUnusable(where, place);
  if (where.found === null) return 0;
  const { rows } = await client.query<{ version: number | null }>(
    'SELECT max(version) AS version FROM schema_versions',
  );
  const version = rows[0]?.version ?? 0;
  if (version > 0 && version < firstVersion()) {
    const message = `${place} has version ${version} of the schema, of a build before the first release; this stator reads ${firstVersion()} and later`;
    throw new StoreTrouble(
      'store_unreadable',
      message,
      'the store is as it was; end its plans with the build that wrote it, then name an empty database',
    );
  }
  if (version > lastVersion()) {
    const message = `${place} has version ${version} of the schema, this stator knows versions up to ${lastVersion()}`;
    throw new StoreTrouble(
      'store_newer',
      message,
      'install the stator that wrote it, or a newer one; the store is as it was',
    );
  }
  return version;
}

interface Place {
  readonly found: string | null;
  readonly schema: string | null;
  readonly path: string;
  readonly user: string;
  readonly encoding: string;
}

async function placeOf(client: Client): Promise<Place | undefined> {
  const { rows } = await client.query<Place>(
    `SELECT CAST(to_regclass(quote_ident(current_schema()) || '.schema_versions') AS TEXT) AS found, current_schema() AS schema,
       current_setting('search_path') AS path, current_user AS user, current_setting('server_encoding') AS encoding`,
  );
  return rows[0];
}

function refuseUnusable({ schema, path, user, encoding }: Place, place: string): void {
  // Without a schema the locks of the store would have no names.
  if (schema === null)
    throw new StoreTrouble(
      'store_unreadable',
      `${place} has no schema that ${user} may use: none of its search_path (${path}) exists, or it has no USAGE there`,
      `make it: CREATE SCHEMA <name> AUTHORIZATION "${user}", or name another one in the URL: ?options=-csearch_path%3D<name>`,
    );
  // SQL_ASCII takes every byte as it is.
  if (encoding !== 'UTF8' && encoding !== 'SQL_ASCII')
    throw new StoreTrouble(
      'store_unreadable',
      `${place} is encoded in ${encoding}, which has not every character of plans and agents; UTF8 is accepted`,
      `make another one: CREATE DATABASE <name> OWNER "${user}" ENCODING 'UTF8' TEMPLATE template0`,
    );
}
