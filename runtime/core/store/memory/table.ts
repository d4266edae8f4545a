/** Rows by their keys, in the order in which they were inserted, with a way back to what they were before a commit. */

/** What takes a commit back, the newest change last. */
export type Undo = (() => void)[];

/** Rows are never changed in place, so a row that was read stays what it was. */
export interface Table<Key, Row> {
  get(key: Key): Row | undefined;
  all(): Iterable<Row>;
  count(): number;
  set(key: Key, row: Row): void;
  /** Changes some fields of a row that is there. */
  patch(key: Key, fields: Partial<Row>): void;
  remove(key: Key): void;
}

export function createTable<Key, Row extends object | string | number>(undo: Undo): Table<Key, Row> {
  const rows = new Map<Key, Row>();

  function remember(key: Key): void {
    const before = rows.get(key);
    undo.push(() => void (before === undefined ? rows.delete(key) : rows.set(key, before)));
  }

  function set(key: Key, row: Row): void {
    remember(key);
    rows.set(key, row);
  }

  return {
    get: (key) => rows.get(key),
    all: () => rows.values(),
    count: () => rows.size,
    set,
    patch(key, fields) {
      const row = rows.get(key);
      if (row !== undefined) set(key, Object.assign({}, row, fields));
    },
    remove(key) {
      remember(key);
      rows.delete(key);
    },
  };
}

/** The rows for which it holds. */
export function where<Row>(rows: Iterable<Row>, holds: (row: Row) => boolean): Row[] {
  const found: Row[] = [];
  for (const row of rows) if (holds(row)) found.push(row);
  return found;
}

/** The least number above that one; null: there is none. */
export function nextAbove(numbers: Iterable<number>, after: number): number | null {
  let next: number | null = null;
  for (const number of numbers) if (number > after && (next === null || number < next)) next = number;
  return next;
}

/** As SQLite orders texts of one case of letters. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
