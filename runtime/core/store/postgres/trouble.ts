/** Errors of a database on another machine, as errors of the store. */
import { isError, messageOf, thenContinues } from '../../../../machines/vocabulary/errors.ts';
import { StoreTrouble } from '../port.ts';

const codeOf = (thrown: unknown): string => {
  const { code } = (thrown ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
};

/** The server takes no writes: it is a standby, or was set so. */
function isReadOnly(thrown: unknown): boolean {
  return codeOf(thrown) === '25006';
}

/** The connection is lost, or none is taken now. https://www.postgresql.org/docs/current/errcodes-appendix.html */
export function isAway(thrown: unknown): boolean {
  const code = codeOf(thrown);
  if (isUnknownSetting(thrown) || isStatementPool(thrown)) return false;
  if (/^(08|57P0[1-5]|53300$|25P03$|55000$)/.test(code) || isReadOnly(thrown)) return true;
  if (/^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOENT|ENOTFOUND|EAI_AGAIN)/.test(code)) return true;
  return (
    isError(thrown) && /^Connection terminated|Query read timeout|timeout expired|not queryable/.test(thrown.message)
  );
}

/** It came before the connection was there: the two sides do not agree on TLS, there is no password, or the URL has an option that the server does not take. */
function isWrongUrl(thrown: unknown): boolean {
  return isError(thrown) && 'isAtStart' in thrown;
}

/** A pooler does not take a setting that the URL has. */
function isUnknownSetting(thrown: unknown): boolean {
  return isError(thrown) && /^unsupported startup parameter/.test(thrown.message);
}

/** A pooler with `pool_mode = statement`, which ends a connection that begins a transaction. */
function isStatementPool(thrown: unknown): boolean {
  return isError(thrown) && /in statement pooling mode/.test(thrown.message);
}

/** Another process holds a lock or memory that is needed, and will release it, or somebody has cancelled the statement. */
export function isBusy(thrown: unknown): boolean {
  return ['55P03', '40001', '40P01', '53000', '53200', '57014'].includes(codeOf(thrown));
}

/** It failed only because an earlier statement of its transaction had. */
export function isUndone(thrown: unknown): boolean {
  return codeOf(thrown) === '25P02';
}

/** Between the store and PostgreSQL, a pooler gives connections away between transactions or statements. */
export function sharedSessions(place: string): StoreTrouble {
  return new StoreTrouble(
    'store_unreadable',
    `${place} is behind a pooler that gives the same connection to several clients in turn`,
    'let it keep a session for each client (pool_mode = session of PgBouncer), or name the server itself in the URL',
  );
}

/** As an error that the store's callers know; an error that is no failure of the world is not changed. */
export function troubleOf(thrown: unknown, place: string): unknown {
  const why = messageOf(thrown);
  if (isReadOnly(thrown)) {
    const hint = `let the URL lead to the server that is no standby, or see default_transaction_read_only there; ${thenContinues}`;
    return new StoreTrouble('store_locked', `${place} takes no writes: ${why}`, hint, { cause: thrown });
  }
  // A statement that this connection has prepared is unknown, or is known before.
  if (/^(26000|42P05)$/.test(codeOf(thrown)) || isStatementPool(thrown)) return sharedSessions(place);
  if (isAway(thrown) || isBusy(thrown)) {
    const isFull = codeOf(thrown) === '53300';
    const todo = isFull
      ? 'raise the connection limit of the server, the database or the user, or close other connections'
      : 'see whether it runs, and whether this machine reaches it';
    const hint = `${todo}; ${thenContinues}`;
    return new StoreTrouble('store_locked', `${place} does not answer: ${why}`, hint, { cause: thrown });
  }
  if (codeOf(thrown) === '53100')
    return new StoreTrouble('store_full', `${place} has no room left`, 'make room on the disk of PostgreSQL', {
      cause: thrown,
    });
  if (/^(28|3D000|42501)/.test(codeOf(thrown))) {
    const hint =
      'see the user, its password and its rights in PostgreSQL: it needs a database that it may create tables in';
    // PostgreSQL names the user and the database, never a password. Without its cause: waiting does not help.
    return new StoreTrouble('store_unreadable', `${place} lets nobody in: ${why}`, hint);
  }
  if (isUnknownSetting(thrown)) {
    const hint =
      'the pooler there takes no such parameter: take it out of the URL; a schema is named by ALTER ROLE … IN DATABASE … SET search_path = …';
    return new StoreTrouble('store_unreadable', `${place} lets nobody in: ${why}`, hint);
  }
  if (isWrongUrl(thrown)) {
    const hint =
      'see the parameters of its URL: sslmode=disable connects without TLS, sslrootcert=<file> names who signed its certificate; the password may also come from PGPASSWORD or ~/.pgpass';
    return new StoreTrouble('store_unreadable', `${place} lets nobody in: ${why}`, hint);
  }
  // Such as a table that somebody dropped, or that pg_restore is making anew.
  if (/^(42P01|3F000)$/.test(codeOf(thrown))) {
    const hint = `put the database back as it was: pg_restore, while no daemon runs (the schema of DBOS alone: restart the daemon); ${thenContinues}`;
    return new StoreTrouble('store_unreadable', `${place} is not whole: ${why}`, hint);
  }
  // What the server says of its own machine and files is no bug of this program.
  if (/^(53|57|58|XX)/.test(codeOf(thrown)))
    return new StoreTrouble('store_unreadable', `${place} fails: ${why}`, 'see the log of PostgreSQL', {
      cause: thrown,
    });
  return thrown;
}
