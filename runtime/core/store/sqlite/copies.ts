/** Copies of the store: made by SQLite's own online backup, checked before they count, and put back in the place of a damaged store. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createPrivateFile } from '../../../base/platform/home.ts';
import { StoreTrouble } from '../port.ts';
import { restoredKey, type StartedRun } from '../rows.ts';
import {
  busyTimeoutMs,
  type Database,
  type Migration,
  mustNotBeRestoring,
  openDatabase,
  pendingRestore,
  refuseForeign,
  sqlite,
  storeError,
  versionsOf,
} from './db.ts';

export interface StoreCopy {
  readonly file: string;
  readonly atMs: number;
  readonly bytes: number;
  /** The schema's version that a newer stator was about to change; null: a regular copy. */
  readonly schema: number | null;
}

/** Pages of 4 KiB that are copied before other work of the process goes on. */
const pagesAtOnce = 512;
/** The number of faults that are named. */
const shownFaults = 5;
/** A draft that is older was left by a process that was killed. */
const draftLimitMs = 86_400_000;
const namePattern = /^taskstore-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z(?:-schema-(\d+))?\.db$/;

/** Throws Node's error if SQLite's native module cannot be loaded. */
export function tryModule(): void {
  new (sqlite())(':memory:').close();
}

/**
 * The findings of SQLite's own check, one line each; none: the file is whole, or missing. Reads the whole file. Throws as `openDatabase`, but not for damage.
 */
export function storeFaults(file: string): string[] {
  if (!existsSync(file)) return [];
  const check = (db: Database) => {
    const lines = db.pragma(`integrity_check(${shownFaults})`) as { integrity_check: string }[]; // one column, says SQLite
    return lines.map(({ integrity_check: text }) => text.replaceAll('\n', ' ')).filter((text) => text !== 'ok');
  };
  try {
    mustNotBeRestoring(file);
    return reading(file, check);
  } catch (thrown) {
    if (thrown instanceof StoreTrouble && thrown.code === 'store_corrupt') return [thrown.message];
    throw thrown;
  }
}

/** The paths of the repos that a store of any version has registered; null where it cannot be read. */
export function registeredPaths(file: string): string[] | null {
  if (!existsSync(file)) return [];
  try {
    return reading(file, (db) => db.prepare<[], string>('SELECT path FROM repos').pluck().all());
  } catch {
    return null; // locked, or another program's database
  }
}

/** Without a limit of its own, SQLite waits five seconds for another program's lock, and all else in this process waits with it. */
function openedToRead(file: string): Database {
  return new (sqlite())(file, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs });
}

function reading<T>(file: string, read: (db: Database) => T): T {
  try {
    const db = openedToRead(file);
    try {
      return read(db);
    } finally {
      db.close();
    }
  } catch (thrown) {
    throw storeError(thrown, file) ?? thrown;
  }
}

/**
 * The copies in a folder, the newest first. A copy that is later than `nowMs` comes last: the clock was set back since then, and what was copied afterwards is
 * newer. Throws the system's error where the folder cannot be read.
 */
export function listCopies(folder: string, nowMs: number): StoreCopy[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => {
      const [, day, h, m, s, ms, schema] = namePattern.exec(name) ?? [];
      const file = join(folder, name);
      const found = statSync(file, { throwIfNoEntry: false });
      if (day === undefined || found === undefined) return [];
      const atMs = Date.parse(`${day}T${h}:${m}:${s}.${ms}Z`);
      return [{ file, atMs, bytes: found.size, schema: schema === undefined ? null : Number(schema) }];
    })
    .sort((a, b) => Number(a.atMs > nowMs) - Number(b.atMs > nowMs) || b.atMs - a.atMs);
}

/** The version of the schema that these migrations would change; null: none. */
export function outdatedSchema(file: string, migrations: readonly Migration[]): number | null {
  if (!existsSync(file) || statSync(file).size === 0) return null;
  const version = reading(file, (db) => Number(db.pragma('user_version', { simple: true })));
  const { first, last } = versionsOf(migrations);
  return version >= first && version < last ? version : null;
}

/** A new copy in that folder, which is made where it is missing; then of its kind the newest `keep` stay. Throws as `writeCopy`. */
export async function makeCopy(
  file: string,
  { folder, keep, at, schema = null }: { folder: string; keep: number; at: number; schema?: number | null },
): Promise<StoreCopy> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const stamp = new Date(at).toISOString().replace(/[:.]/g, '-');
  const to = join(folder, `taskstore-${stamp}${schema === null ? '' : `-schema-${schema}`}.db`);
  const bytes = await writeCopy(file, to);
  const old = listCopies(folder, at).filter((copy) => (copy.schema === null) === (schema === null));
  for (const copy of old.slice(Math.max(1, keep))) rmSync(copy.file, { force: true });
  for (const name of readdirSync(folder).filter((one) => one.includes('.db.draft')))
    if (statSync(join(folder, name)).mtimeMs < at - draftLimitMs) rmSync(join(folder, name), { force: true });
  return { file: to, atMs: at, bytes, schema };
}

/**
 * Copies the store, in use or not, as it is at this moment, and answers the size of the copy (0600). The copy is checked before it gets its name. Throws
 * `store_corrupt` where the store is damaged, `store_full`, and as `openDatabase`; then nothing is left of the copy.
 */
export async function writeCopy(file: string, to: string): Promise<number> {
  const draft = `${to}.draft`;
  try {
    removeFiles(draft);
    createPrivateFile(draft);
    const source = openedToRead(file);
    try {
      source.exec('BEGIN'); // one state of the store, however long the copy takes
      source.pragma('schema_version');
      await source.backup(draft, { progress: () => pagesAtOnce });
    } finally {
      source.close();
    }
    const copy = new (sqlite())(draft);
    try {
      copy.pragma('journal_mode = DELETE'); // one file, which reading does not change
      const found = copy.pragma('quick_check(1)', { simple: true });
      if (found !== 'ok') throw new (sqlite().SqliteError)(String(found).replaceAll('\n', ' '), 'SQLITE_CORRUPT');
    } finally {
      copy.close();
    }
    synced(draft);
    renameSync(draft, to);
    synced(dirname(to));
    return statSync(to).size;
  } catch (thrown) {
    removeFiles(draft);
    throw storeError(thrown, file) ?? storeError(thrown, draft) ?? thrown;
  }
}

/** The time of the last event in a store; null: there is none. Throws `store_corrupt`, `store_newer`, `store_unreadable` where no store of this stator can be made of the file. */
export function lastKnownMs(file: string, migrations: readonly Migration[]): number | null {
  return reading(file, (db) => {
    refuseForeign(db, file, migrations);
    return db.prepare<[], number>('SELECT at FROM journal ORDER BY seq DESC LIMIT 1').pluck().get() ?? null;
  });
}

/**
 * Puts a copy in the place of the store; the caller owns the home. Runs that were started after the copy are noted in it, so that none is started again.
 * Answers the folder in which the replaced files lie, and the folders of the runs that the copy did not know. If it is killed, the old store is unchanged, or
 * every use of it throws `store_corrupt` until a restore has finished, or the new store is in its place.
 */
export async function restoreCopy(
  file: string,
  { copy, migrations, started, at }: RestoreOptions,
): Promise<{ readonly replaced: string; readonly unknown: readonly string[] }> {
  const draft = `${file}.draft`;
  let unknown: string[];
  const ready = pendingRestore(file);
  try {
    removeFiles(draft);
    await writeCopy(copy, draft);
    const made = openDatabase(draft, { migrations });
    try {
      unknown = noteStarted(made, started, at);
      made.pragma('journal_mode = DELETE');
    } finally {
      made.close();
    }
    synced(draft);
  } catch (thrown) {
    removeFiles(draft);
    throw storeError(thrown, copy) ?? storeError(thrown, draft) ?? thrown;
  }
  const replaced = join(dirname(file), `replaced-${new Date(at).toISOString().replace(/[:.]/g, '-')}`);
  mkdirSync(replaced, { mode: 0o700 });
  const parts = ['', '-wal', '-shm'].filter((part) => existsSync(`${file}${part}`));
  for (const part of parts) linkSync(`${file}${part}`, join(replaced, `${basename(file)}${part}`));
  renameSync(draft, ready);
  // Its log would be applied to the new store. From here to the last rename the old store lacks it, and no process opens it.
  for (const part of ['-wal', '-shm']) rmSync(`${file}${part}`, { force: true });
  renameSync(ready, file);
  synced(dirname(file));
  return { replaced, unknown };
}

interface RestoreOptions {
  readonly copy: string;
  readonly migrations: readonly Migration[];
  readonly started: readonly StartedRun[];
  readonly at: number;
}

/**
 * Notes the runs that a store does not know because a person has put an older copy in its place: none of them is started again. `mark` is called before that.
 * Answers their folders. Throws as `restoreCopy`.
 */
export function noteUnknown(
  file: string,
  { migrations, started, mark, at }: Pick<RestoreOptions, 'migrations' | 'started' | 'at'> & { mark(): void },
): readonly string[] {
  const db = openDatabase(file, { migrations });
  try {
    const known = db.prepare('SELECT 1 FROM launches WHERE folder = ?');
    if (started.every(({ folder, isNew }) => !isNew || known.get(folder) !== undefined)) return [];
    mark();
    return db.transaction(() => noteStarted(db, started, at))();
  } catch (thrown) {
    throw storeError(thrown, file) ?? thrown;
  } finally {
    db.close();
  }
}

function noteStarted(db: Database, started: readonly StartedRun[], at: number): string[] {
  const known = db.prepare('UPDATE launches SET launched_at = coalesce(launched_at, ?) WHERE folder = ?');
  const note = db.prepare('INSERT OR REPLACE INTO launches (key, folder, secret, launched_at) VALUES (?, ?, ?, ?)');
  const unknown = started.filter(({ folder, isNew }) => known.run(at, folder).changes === 0 && isNew);
  for (const { folder, name, secret } of unknown) note.run(restoredKey(name), folder, secret, at);
  return unknown.map(({ folder }) => folder);
}

function synced(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function removeFiles(file: string): void {
  for (const part of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${part}`, { force: true });
}
