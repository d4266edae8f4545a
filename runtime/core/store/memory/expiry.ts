/** How rows in memory go by their age: the same rows as in a file, found one by one. */
import type { Expiry, Span } from '../rows.ts';

interface Numbered<Row> {
  readonly number: number;
  readonly row: Row;
}

/** `all`: in the order of their numbers. `isLast`: no other row has a higher number. */
export function createExpiry<Row>(of: {
  readonly all: () => readonly Numbered<Row>[];
  readonly goes: (row: Row, beforeMs: number, isLast: boolean) => boolean;
  readonly drop: (row: Row) => void;
}): Expiry {
  function going({ beforeMs, after, upTo }: Span): Row[] {
    const all = of.all();
    const last = all.at(-1)?.number;
    return all
      .filter(({ number }) => number > after && number <= upTo)
      .filter(({ row, number }) => of.goes(row, beforeMs, number === last))
      .map(({ row }) => row);
  }

  return {
    find({ beforeMs, after, span }) {
      const upTo = of
        .all()
        .filter(({ number }) => number > after)
        .slice(0, span)
        .at(-1)?.number;
      return upTo === undefined ? null : { upTo, rows: going({ beforeMs, after, upTo }).length };
    },
    expire(span) {
      for (const row of going(span)) of.drop(row);
    },
  };
}

/** The number of the next row: one more than the highest that is there. */
export function nextNumber(numbers: Iterable<number>): number {
  let last = 0;
  for (const number of numbers) if (number > last) last = number;
  return last + 1;
}
