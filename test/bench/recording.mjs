/** Remembers every write that better-sqlite3 is asked for, and does the same writes again with nothing around them. */
import Database from 'better-sqlite3';

const isWrite = (source) => /^\s*(INSERT|UPDATE|DELETE|BEGIN|COMMIT)/i.test(source);

/** Calls `work` and returns the writes that it made, in order, with what they were given. */
export async function recordWrites(work) {
  const db = new Database(':memory:');
  const proto = Object.getPrototypeOf(db.prepare('SELECT 1'));
  db.close();
  const { run, get } = proto;
  const writes = [];
  const wrap = (original) =>
    function (...given) {
      if (isWrite(this.source)) writes.push({ source: this.source, given, reads: this.reader });
      return original.apply(this, given);
    };
  proto.run = wrap(run);
  proto.get = wrap(get);
  try {
    await work();
  } finally {
    proto.run = run;
    proto.get = get;
  }
  return writes;
}

/** The bare loop. Returns the milliseconds it took. */
export function replayWrites(file, writes) {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  const statements = new Map();
  for (const { source } of writes) if (!statements.has(source)) statements.set(source, db.prepare(source));
  const begun = performance.now();
  for (const { source, given, reads } of writes) {
    const statement = statements.get(source);
    if (reads) statement.get(...given);
    else statement.run(...given);
  }
  const took = performance.now() - begun;
  db.close();
  return took;
}
