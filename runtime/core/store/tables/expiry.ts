/** Rows of a table that expire by their age: found and deleted span by span, so that no statement is long. The table's own file says which. */
import type { Span } from '../rows.ts';
import { type Answer, answered, type Connection, inTurn } from './connection.ts';

/** The expiry of a table's rows by their age. */
export interface Expiry {
  /** The number of rows that would be deleted of the `span` rows after that number, and the last number of these; null: there are no more. */
  find(query: { readonly beforeMs: number; readonly after: number; readonly span: number }): Answer<{
    rows: number;
    upTo: number;
  } | null>;
  expire(span: Span): Answer<unknown>;
}

interface Table {
  readonly name: string;
  /** The column with a row's number, or `rowid`. */
  readonly number: string;
  /** The condition of the rows that are deleted, with `@beforeMs`. */
  readonly where: string;
  /** The statements for them, in their order. `<these>`: the condition. */
  readonly statements: readonly string[];
}

export function createExpiry(db: Connection, { name, number, where, statements }: Table): Expiry {
  const these = `${number} > @after AND ${number} <= @upTo AND (${where})`;
  // Prepared when they are first needed: a verb that only reads never does.
  const prepare = () => ({
    end: db.prepare<[number, number], { upTo: number }>(
      `SELECT max(number) AS "upTo" FROM (SELECT ${number} AS number FROM ${name} WHERE ${number} > ? ORDER BY ${number} LIMIT CAST(? AS BIGINT)) AS span`,
    ),
    count: db.prepare<[Span], { rows: number }>(`SELECT count(*) AS rows FROM ${name} WHERE ${these}`),
    acts: statements.map((statement) => db.prepare(statement.replace('<these>', these))),
  });
  let prepared: ReturnType<typeof prepare> | null = null;
  const ready = () => {
    prepared ??= prepare();
    return prepared;
  };

  return {
    find({ beforeMs, after, span }) {
      const { end, count } = ready();
      return answered(end.get(after, span), (last) => {
        const upTo = last?.upTo ?? null;
        if (upTo === null) return null;
        return answered(count.get({ beforeMs, after, upTo }), (counted) => ({ upTo, rows: counted?.rows ?? 0 }));
      });
    },
    expire({ beforeMs, after, upTo }) {
      return inTurn(ready().acts, (act) => act.run({ beforeMs, after, upTo }));
    },
  };
}
