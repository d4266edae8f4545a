/** The interface between the tables and a database: SQLite answers at once, PostgreSQL answers later. Both take the same SQL. */
import { StoreTrouble } from '../port.ts';

export type Answer<T> = T | Promise<T>;

export interface Statement<Parameters extends unknown[] = unknown[], Row = unknown> {
  /** The first row. */
  get(...parameters: Parameters): Answer<Row | undefined>;
  all(...parameters: Parameters): Answer<Row[]>;
  run(...parameters: Parameters): Answer<{ readonly changes: number }>;
}

/** How a statement with one row after `VALUES`, which holds all of its parameters, may be sent with the rows of several uses. SQLite carries out each by itself. */
export interface Together {
  /** The statement in that form, with the same parameters; default: the statement itself. */
  readonly sql?: string;
  /** The place of the parameter that belongs to one row alone, such as its primary key; default: rows have none. */
  readonly key?: number;
  /** It does not concern rows that another statement inserts in the same commit; default: it may. */
  readonly isOfOldRows?: true;
  /** `each`: every row has its own answer, in their order, or none is asked for. `changed`: it returns the keys of the rows that it changed. */
  readonly answers: 'each' | 'changed';
}

/** Parameters are `?` in their order, or `@name` of one object. */
export interface Connection {
  /** A statement is sent without waiting for the answers to those before it; waiting for an answer takes long. */
  readonly isPipelined?: true;
  /** The clock of a database that several machines share, in SQL. */
  readonly sharedNowMs?: string;
  prepare<Parameters extends unknown[] = unknown[], Row = unknown>(
    sql: string,
    together?: Together,
  ): Statement<Parameters, Row>;
}

/** Applies a function to an answer: at once if the answer is there at once. */
export function answered<T, U>(answer: Answer<T>, next: (value: T) => Answer<U>): Answer<U> {
  return answer instanceof Promise ? answer.then(next) : next(answer);
}

/** Whether a statement changed the one row that it was for. */
export function changedOne(answer: Answer<{ readonly changes: number }>): Answer<boolean> {
  return answered(answer, ({ changes }) => changes === 1);
}

export function orNull<T>(answer: Answer<T | undefined>): Answer<T | null> {
  return answered(answer, (row) => row ?? null);
}

/** One after the other, in their order. */
export function inTurn<T>(items: readonly T[], act: (item: T) => Answer<unknown>, from = 0): Answer<void> {
  for (let index = from; index < items.length; index += 1) {
    const answer = act(items[index] as T); // within its length
    if (answer instanceof Promise) return answer.then(() => inTurn(items, act, index + 1));
  }
}

/** All answers, in their order. */
export function all<T>(answers: readonly Answer<T>[]): Answer<T[]> {
  return answers.some((answer) => answer instanceof Promise) ? Promise.all(answers) : (answers as T[]); // none of them is one
}

/** Without the projects of other hosts, which are looked up afterwards: by then the hosts of the found projects are known. */
export function here<Row extends { readonly project: string }>(
  found: Answer<readonly Row[]>,
  elsewhere: () => Answer<readonly string[]>,
): Answer<readonly Row[]> {
  return answered(found, (rows) =>
    answered(elsewhere(), (others) => rows.filter(({ project }) => !others.includes(project))),
  );
}

/** A waiting write is repeated within seconds; an older failure no longer counts. */
const recentMs = 30_000;

/** Whether the store accepts writes: the failure of its last writes, which explains why nothing goes on. */
export function createWriteTrouble() {
  let met: { readonly trouble: StoreTrouble; readonly atMs: number } | null = null;
  return {
    /** Returns and throws as the write does. */
    async watched<T>(write: () => Promise<T>): Promise<T> {
      try {
        const answer = await write();
        met = null;
        return answer;
      } catch (thrown) {
        if (thrown instanceof StoreTrouble) met = { trouble: thrown, atMs: performance.now() };
        throw thrown;
      }
    },
    trouble: (): StoreTrouble | null => (met !== null && performance.now() - met.atMs < recentMs ? met.trouble : null),
  };
}
