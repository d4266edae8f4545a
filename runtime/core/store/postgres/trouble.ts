/** Errors of a database on another machine, as errors of the store. */
import { StoreTrouble } from '../port.ts';

const codeOf = (thrown: unknown): string => {
  const { code } = (thrown ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
};

/** The connection is lost, or none is taken now. https://www.postgresql.org/docs/current/errcodes-appendix.html */
export function isAway(thrown: unknown): boolean {
  const code = codeOf(thrown);
  if (/^(08|57P0[1-5]|53300$|25P03$)/.test(code)) return true;
  if (/^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOENT|ENOTFOUND|EAI_AGAIN)/.test(code)) return true;
  return (
    thrown instanceof Error &&
    /^Connection terminated|Query read timeout|timeout expired|not queryable/.test(thrown.message)
  );
}

/** Another process holds a lock that is needed, and will release it. */
export function isBusy(thrown: unknown): boolean {
  return ['55P03', '40001', '40P01'].includes(codeOf(thrown));
}

/** It failed only because an earlier statement of its transaction had. */
export function isUndone(thrown: unknown): boolean {
  return codeOf(thrown) === '25P02';
}

/** As an error that the store's callers know; an error that is no failure of the world is not changed. */
export function troubleOf(thrown: unknown, place: string): unknown {
  if (isAway(thrown) || isBusy(thrown)) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    const hint =
      'the request continues when it answers again: see whether it runs, and whether this machine reaches it';
    return new StoreTrouble('store_locked', `${place} does not answer: ${why}`, hint, { cause: thrown });
  }
  if (/^53[12]00$/.test(codeOf(thrown)))
    return new StoreTrouble('store_full', `${place} has no room left`, 'make room on the disk of PostgreSQL', {
      cause: thrown,
    });
  if (/^(28|3D000|42501|3F000)/.test(codeOf(thrown))) {
    const why = (thrown as Error).message; // PostgreSQL names the user and the database, never a password
    const hint =
      'see the user, its password and its rights in PostgreSQL: it needs a database that it may create tables in';
    return new StoreTrouble('store_unreadable', `${place} lets nobody in: ${why}`, hint); // without its cause: waiting does not help
  }
  return thrown;
}
