/** Every row of a store, in the form of its tables, for a copy into another database. The tables and columns are the same in each. */
import { StoreTrouble } from './port.ts';

export type AnyRow = Readonly<Record<string, unknown>>;
/** The columns of each table, by its name. Internal tables of a database are not among them. */
export type Columns = ReadonlyMap<string, readonly string[]>;

/** A store that no other process uses, opened for a copy. */
export interface AllRows {
  columns(): Promise<Columns>;
  /** In pages. */
  read(table: string, columns: readonly string[]): AsyncIterable<readonly AnyRow[]>;
  /** Replaces all rows, in one transaction: if `fill` throws, they stay unchanged. */
  replace(columns: Columns, fill: (insert: Insert) => Promise<void>): Promise<void>;
  /** Whether it has no rows of any event. */
  isEmpty(): Promise<boolean>;
  close(): Promise<void>;
}

export type Insert = (table: string, columns: readonly string[], rows: readonly AnyRow[]) => Promise<void>;

/** Only a database of several hosts has these. Between two such databases they are copied too: which host has which repo, and who was removed. */
const hostTables: ReadonlySet<string> = new Set(['hosts', 'repo_hosts', 'repo_paths']);

/** How many rows are read and written together. */
export const pageSize = 200;

/** Returns the number of rows. Throws `conflict` where the other store is in use. */
export async function copyRows(from: AllRows, to: AllRows, place: string): Promise<number> {
  if (!(await to.isEmpty()))
    throw new StoreTrouble(
      'conflict',
      `there is a store already: ${place}`,
      'name an empty database, or a file that is not there yet',
    );
  const [all, known] = [await from.columns(), await to.columns()];
  const ofBoth = (one: Columns, other: Columns) =>
    new Map([...one].filter(([table]) => !hostTables.has(table) || other.has(table)));
  const columns = ofBoth(all, known);
  mustBeSame(columns, ofBoth(known, all));
  let count = 0;
  await to.replace(columns, async (insert) => {
    for (const [table, names] of columns)
      for await (const rows of from.read(table, names)) {
        await insert(table, names, rows);
        count += rows.length;
      }
  });
  return count;
}

function mustBeSame(one: Columns, other: Columns): void {
  const text = (columns: Columns) =>
    JSON.stringify([...columns].map(([table, names]) => [table, names.toSorted()]).toSorted());
  if (text(one) !== text(other)) throw new Error(`the stores have different tables: ${text(one)} and ${text(other)}`);
}
