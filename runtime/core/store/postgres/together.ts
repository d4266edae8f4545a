/**
 * Statements that a commit has many of are sent as one, with a row for each: sending and running a statement costs several times as much as one more row. Rows
 * wait until another statement uses their table, until a second row has the same key, or until the sender waits for an answer.
 */
import type { QueryConfig, QueryResult } from 'pg';
import type { Together } from '../tables/connection.ts';

type Send = (query: QueryConfig) => Promise<QueryResult>;

/** The rows of one statement that were not sent yet. */
interface Group {
  readonly statement: RowStatement;
  readonly keys: Set<unknown>;
  readonly rows: Row[];
}

interface Row {
  readonly values: readonly unknown[];
  resolve(answer: RowAnswer): void;
  reject(thrown: unknown): void;
}

export interface RowAnswer {
  readonly rows: readonly unknown[];
  readonly changes: number;
}

/** A statement that takes a row for each of its uses. */
export interface RowStatement {
  /** What is before its one row, the row, and what follows. */
  readonly parts: readonly [string, string, string];
  readonly tables: ReadonlySet<string>;
  readonly grouping: Together;
}

/** The most rows of one statement: each number of rows is a different statement, and PostgreSQL keeps a plan for each statement. */
const most = 64;

/** The statement around the one row after `VALUES`, which holds all of its parameters. */
export function rowStatement(text: string, grouping: Together): RowStatement {
  const start = text.indexOf('(', text.indexOf('VALUES'));
  let depth = 0;
  let end = start;
  do {
    if (text[end] === '(') depth += 1;
    if (text[end] === ')') depth -= 1;
    end += 1;
  } while (depth > 0);
  return {
    parts: [text.slice(0, start), text.slice(start, end), text.slice(end)],
    tables: tablesOf(text, grouping),
    grouping,
  };
}

/** The tables that a statement reads or writes: `trees` means existing rows, `+trees` for inserted ones; an insert is only about the latter. */
export function tablesOf(text: string, { isOfOldRows = false } = {}): ReadonlySet<string> {
  const found = text.matchAll(/\b(FROM|INTO|(?<!DO )UPDATE|JOIN)\s+(\w+)/g);
  return new Set(
    [...found].flatMap(([, word, table]) => [
      ...(word === 'INTO' ? [] : [`${table}`]),
      ...(isOfOldRows ? [] : [`+${table}`]),
    ]),
  );
}

export interface Groups {
  /** Sends waiting rows that must be written before that statement. */
  before(tables: ReadonlySet<string>): void;
  add(statement: RowStatement, values: readonly unknown[]): Promise<RowAnswer>;
}

export function createGroups(send: Send, nameOf: (text: string) => string): Groups {
  let waiting: Group[] = [];
  let isDue = false;

  function sendAll(): void {
    isDue = false;
    const groups = waiting;
    waiting = [];
    for (const group of groups) sendGroup(group);
  }

  function before(tables: ReadonlySet<string>): void {
    if (waiting.length === 0) return;
    const meets = ({ statement }: Group) => [...statement.tables].some((table) => tables.has(table));
    const due = waiting.filter(meets);
    waiting = waiting.filter((group) => !due.includes(group));
    for (const group of due) sendGroup(group);
  }

  function sendGroup({ statement, rows }: Group): void {
    for (let from = 0; from < rows.length; ) {
      const size = Math.min(most, 2 ** Math.floor(Math.log2(rows.length - from)));
      sendRows(statement, rows.slice(from, from + size));
      from += size;
    }
  }

  function sendRows(statement: RowStatement, rows: readonly Row[]): void {
    const text = textOf(statement, rows.length, rows[0]?.values.length ?? 0);
    const query = { name: nameOf(text), text, values: rows.flatMap(({ values }) => values) };
    send(query).then(
      (result) => {
        const answers = answersOf(statement, rows, result);
        for (const [index, row] of rows.entries()) row.resolve(answers[index] ?? { rows: [], changes: 0 });
      },
      (thrown: unknown) => {
        for (const row of rows) row.reject(thrown);
      },
    );
  }

  return {
    before,
    add(statement, values) {
      const key = statement.grouping.key === undefined ? values : values[statement.grouping.key];
      const own = waiting.find((group) => group.statement === statement && !group.keys.has(key));
      if (own === undefined) before(statement.tables);
      const group = own ?? { statement, keys: new Set(), rows: [] };
      if (own === undefined) waiting.push(group);
      group.keys.add(key);
      if (!isDue) queueMicrotask(sendAll);
      isDue = true;
      return new Promise((resolve, reject) => void group.rows.push({ values, resolve, reject }));
    },
  };
}

/** With `rows` rows of `width` parameters each. */
function textOf({ parts: [head, row, tail] }: RowStatement, rows: number, width: number): string {
  const shifted = (by: number) => row.replace(/\$(\d+)/g, (_, number: string) => `$${Number(number) + by}`);
  return head + Array.from({ length: rows }, (_, index) => shifted(index * width)).join(', ') + tail;
}

/** PostgreSQL answers inserted rows in their order, and changed rows in any order, so these are found by their keys. */
function answersOf({ grouping: { key, answers } }: RowStatement, asked: readonly Row[], { rows }: QueryResult) {
  if (answers !== 'changed') return asked.map((_, index) => ({ rows: rows.slice(index, index + 1), changes: 1 }));
  const changed = new Set(rows.map((row) => String(Object.values(row as object)[0])));
  return asked.map(({ values }) => ({ rows: [], changes: changed.has(String(values[key ?? 0])) ? 1 : 0 }));
}
