/** One connection to PostgreSQL, opened when it is first needed and again after it was lost. */
import type { Client, ClientConfig, CustomTypesConfig, QueryConfig, QueryResult } from 'pg';
import { EngineError, isError, messageOf } from '../../../../machines/vocabulary/errors.ts';
import { withoutSecrets } from '../../../base/platform/secrets.ts';
import { StoreTrouble } from '../port.ts';
import type { Connection, Statement, Together } from '../tables/connection.ts';
import { nowMs } from './schema.ts';
import { createGroups, type RowAnswer, rowStatement, tablesOf } from './together.ts';

export interface Session {
  /** The connection, opened if there is none. Throws the errors of PostgreSQL and the system. */
  client(): Promise<Client>;
  isOpen(): boolean;
  /** Its statements go to the connection that `client` answered last. */
  readonly connection: Connection;
  close(): void;
}

interface SessionOptions {
  readonly config: ClientConfig;
  /** Called with each new connection, before it is used. */
  prepare(client: Client): Promise<void>;
  /** Called before each statement is sent; if it throws, the statement is not sent. */
  onSend?(): void;
  /** The connection was lost; it was not closed by this process. */
  onLost?(): void;
}

/** PostgreSQL's numbers of its types: https://www.postgresql.org/docs/current/catalog-pg-type.html */
const bigint = 20;
const numeric = 1700;

/** Milliseconds and counts are far below 2^53. */
const types = (pg: typeof import('pg').default): CustomTypesConfig => ({
  getTypeParser: ((oid: number, format?: 'text') =>
    oid === bigint || oid === numeric ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser, // the same function for all others
});

/** Throws `store_unreadable` where the package is not installed. */
export async function loadDriver(): Promise<typeof import('pg').default> {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    if (!(isError(cause) && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause;
    const hint =
      'install it as stator is: npm install -g pg@8, or in the project that stator is a part of: npm install pg@8';
    throw new StoreTrouble(
      'store_unreadable',
      'a store in PostgreSQL needs the package pg, which is not installed',
      hint,
    );
  }
}

/** Throws `bad_config` for settings of the URL that are not possible, such as a missing certificate. */
function clientOf(pg: typeof import('pg').default, config: ClientConfig): Client {
  try {
    return new pg.Client(config);
  } catch (thrown) {
    const hint = 'correct the URL of the store: its parameters are those of libpq, such as sslmode and sslrootcert';
    throw new EngineError('bad_config', `the URL of the store: ${withoutSecrets(messageOf(thrown))}`, hint);
  }
}

export function createSession({ config, prepare, onSend, onLost }: SessionOptions): Session {
  let open: Client | null = null;
  let opening: Promise<Client> | null = null;
  let isClosed = false;

  async function connect(): Promise<Client> {
    const pg = await loadDriver();
    const client = clientOf(pg, { ...config, types: types(pg), pipeline: true });
    const lose = () => {
      if (open !== client) return;
      open = null;
      if (!isClosed) onLost?.();
    };
    // Callers that wait for an answer get the error, too.
    client.on('error', lose);
    client.on('end', lose);
    try {
      await client.connect().catch((thrown: unknown) => {
        throw Object.assign(thrown as Error, { isAtStart: true }); // the driver rejects with errors
      });
      await prepare(client);
    } catch (thrown) {
      client.end().catch(() => {}); // the connection cannot be used any more
      throw thrown;
    }
    if (isClosed) throw closedError();
    open = client;
    return client;
  }

  async function send(query: QueryConfig): Promise<QueryResult> {
    if (open === null) throw new Error('Connection terminated');
    return open.query(query);
  }

  const groups = createGroups(send, nameOf);

  function prepareStatement<Parameters extends unknown[], Row>(
    sql: string,
    together?: Together,
  ): Statement<Parameters, Row> {
    const { text, order } = numbered(sql);
    const tables = tablesOf(text);
    const many = together === undefined ? null : rowStatement(numbered(together.sql ?? sql).text, together);
    const name = nameOf(text);

    async function query(parameters: readonly unknown[]): Promise<RowAnswer> {
      onSend?.();
      const [first] = parameters as readonly [Record<string, unknown>];
      const values = (order === null ? parameters : order.map((key) => first[key])).map(storable);
      if (many !== null) return groups.add(many, values);
      groups.before(tables);
      const { rows, rowCount } = await send({ name, text, values });
      return { rows, changes: rowCount ?? 0 };
    }

    return {
      get: async (...parameters) => (await query(parameters)).rows[0] as Row | undefined,
      all: async (...parameters) => (await query(parameters)).rows as Row[],
      run: async (...parameters) => ({ changes: (await query(parameters)).changes }),
    };
  }

  return {
    async client() {
      if (isClosed) throw closedError();
      if (open !== null) return open;
      opening ??= connect().finally(() => {
        opening = null;
      });
      return opening;
    },
    isOpen: () => open !== null,
    connection: { isPipelined: true, sharedNowMs: nowMs, prepare: prepareStatement },
    close() {
      isClosed = true;
      open?.end().catch(() => {}); // callers that wait get the error
      open = null;
    },
  };
}

/** For requests that come while the engine ends. */
function closedError(): EngineError {
  return new EngineError('unavailable', 'the engine ends: its store is closed', 'ask again');
}

/** PostgreSQL has no text with a NUL character, which a question of an agent may contain. */
export function storable(value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : (value ?? null);
}

/** A name for each text, so that PostgreSQL stores its plan. */
const names = new Map<string, string>();

function nameOf(text: string): string {
  const name = names.get(text) ?? `s${names.size}`;
  names.set(text, name);
  return name;
}

/** `?` and `@name` outside of quotes as `$1`, `$2`; `order`: the names in the order of their numbers. */
function numbered(sql: string): { text: string; order: readonly string[] | null } {
  const order: string[] = [];
  let marks = 0;
  const text = sql.replace(/'(?:[^']|'')*'|"[^"]*"|\?|@(\w+)/g, (found, name: string | undefined) => {
    if (found === '?') {
      marks += 1;
      return `$${marks}`;
    }
    if (name === undefined) return found;
    if (!order.includes(name)) order.push(name);
    return `$${order.indexOf(name) + 1}`;
  });
  return { text, order: order.length === 0 ? null : order };
}
