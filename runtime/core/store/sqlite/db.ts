/**
 * The store's file: how it is opened and updated, and how its failures are distinguished. It is checked before it is opened for good: a file that is damaged,
 * or written by a newer stator, a build before the first release or another program, is refused and stays unchanged, byte for byte. There is no integrity check
 * at the start, because it reads the whole file: only the header, the length and the schema are read, and `storeError` reports damage elsewhere when a query
 * meets it.
 */
import { chmodSync, type Stats, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { isError, thenContinues } from '../../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../../machines/vocabulary/shell-word.ts';
import { createPrivateFile } from '../../../base/platform/home.ts';
import { unbuiltModule } from '../../../base/platform/unbuilt-module.ts';
import { StoreTrouble } from '../port.ts';

/** One step of the schema. Versions count up from the first without gaps; what has been released never changes. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

export type Database = BetterSqlite3.Database;

const require = createRequire(import.meta.url);
/** SQLite's module, loaded at its first use: where it cannot be, the one who opens a store gets the error, and can say what repairs it. */
export const sqlite = (): typeof BetterSqlite3 => require('better-sqlite3');

export interface StoreOptions {
  readonly migrations: readonly Migration[];
  readonly readonly?: boolean;
  /** Nothing is on the disk: an empty store of this process alone. */
  readonly isAbsent?: boolean;
  /** An empty store in memory, as `serialize` made it: then its schema is not made again. */
  readonly image?: Buffer;
  /**
   * The store of a live owner: it is written to without changing its schema; a store that is missing or has another version of the schema is
   * `store_unreadable`.
   */
  readonly isShared?: boolean;
  /** The file's limit in pages of 4 KiB; beyond it a write is `store_full`. Default: the disk. */
  readonly maxPageCount?: number;
}

/** `stat` in ASCII, in the file's header: it distinguishes a store from the database of another program. */
const applicationId = 0x73746174;
/** How long one statement may freeze the event loop for a lock. A caller that needs longer tries again asynchronously. */
export const busyTimeoutMs = 25;
/** A log that one large transaction stretched is cut back to this at the next reset. */
const logLimitBytes = 64 * 1024 * 1024;
const synchronousFull = 2;

/**
 * Opens the store, makes it where it is missing (0600), and applies the migrations that it lacks, each in a transaction of its own, those of a new store in one.
 * Durable: a commit is on the disk when it returns. With `readonly` nothing is made or migrated: a store that is missing or of an older
 * version is `store_unreadable`; with `isShared` likewise, and rows can be written.
 * Throws `store_locked` (try again), `store_full`, `store_corrupt`, `store_newer` and `store_unreadable`; a plain Error where a migration is wrong.
 */
export function openDatabase(file: string, options: StoreOptions): Database {
  const { first } = versionsOf(options.migrations);
  if (options.migrations.some(({ version }, index) => version !== first + index)) {
    throw new Error('the migrations of the store are not numbered one after the other');
  }
  try {
    if (options.isAbsent === true) return openEmpty(options);
    return options.readonly === true ? openForReading(file, options) : openForWriting(file, options);
  } catch (thrown) {
    throw storeError(thrown, file) ?? thrown;
  }
}

/**
 * The failure of the world behind an error of SQLite or of our own checks, or behind a system error about this very file; null for everything else,
 * which is a broken invariant of the caller.
 */
export function storeError(thrown: unknown, file: string): StoreTrouble | null {
  if (thrown instanceof StoreTrouble) return thrown; // found by our own check
  const code = systemCode(thrown, file);
  if (code === null) {
    const unbuilt = unbuiltModule(thrown);
    return unbuilt && new StoreTrouble(unbuilt.code, unbuilt.message, unbuilt.hint, { cause: unbuilt.cause });
  }
  if (/^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(code)) {
    const hint = `repeat your command; a running engine tries its own work again; to see which program has it open: lsof ${shellWord(file)}`;
    return new StoreTrouble('store_locked', `${file} is locked by another process (${code})`, hint, { cause: thrown });
  }
  // Any other failure of a write than a full disk comes as IOERR_WRITE, a full disk under the shared index as IOERR_SHMSIZE.
  if (/^(SQLITE_(FULL|IOERR_WRITE|IOERR_SHMSIZE)|ENOSPC|EDQUOT)/.test(code)) {
    const isUnsaid = code === 'SQLITE_IOERR_WRITE';
    const why = isUnsaid ? 'the disk is full or read-only, or it fails, or a quota is used up' : 'the disk is full';
    const step = `${isUnsaid ? 'look at' : 'make room on'} its disk: df -h ${shellWord(dirname(file))}${isUnsaid ? '; mount' : ''}`;
    const hint = `${step}; what was committed is safe, and ${thenContinues}`;
    return new StoreTrouble('store_full', `${file} cannot grow: ${why} (${code})`, hint, { cause: thrown });
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return corrupt(file, code, thrown);
  if (/^(SQLITE_(CANTOPEN|READONLY|PERM|AUTH|IOERR)|E(ACCES|PERM|NOENT|NOTDIR|ROFS|LOOP|IO)$)/.test(code)) {
    const hint = `look at it, its folder and its disk: ls -la ${shellWord(dirname(file))}`;
    return new StoreTrouble('store_unreadable', `${file} cannot be read and written (${code})`, hint, {
      cause: thrown,
    });
  }
  return null;
}

/** Whether the beginning of an open store's file is sound, by a connection that has read nothing yet; null also where it cannot be read now. */
export function damageIn(file: string): StoreTrouble | null {
  let db: Database | null = null;
  try {
    db = new (sqlite())(file, { readonly: true, timeout: 0, fileMustExist: true });
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return null;
  } catch (thrown) {
    const trouble = storeError(thrown, file);
    return trouble?.code === 'store_corrupt' ? trouble : null;
  } finally {
    db?.close();
  }
}

/** By its name: the compiled part throws the class of the first copy of its JavaScript in the process, and Jest loads one for each test file. */
function isSqliteError(thrown: unknown): thrown is { readonly code: string } {
  return typeof thrown === 'object' && thrown !== null && 'name' in thrown && thrown.name === 'SqliteError';
}

function systemCode(thrown: unknown, file: string): string | null {
  if (isSqliteError(thrown)) return thrown.code;
  const isOfFile = isError(thrown) && 'path' in thrown && thrown.path === file && 'code' in thrown;
  return isOfFile && typeof thrown.code === 'string' ? thrown.code : null;
}

/** The file stays unchanged: a person decides which file replaces it. */
function corrupt(file: string, code: string, cause: unknown): StoreTrouble {
  const message = `${file} is damaged, or no database (${code})`;
  const hint =
    'the file stays as it is; see what is damaged and which copies there are: stator store check; put the newest copy in its place: stator store restore';
  return new StoreTrouble('store_corrupt', message, hint, { cause });
}

/** It exists from the moment at which a restore begins to exchange the files until it has done so. */
export function pendingRestore(file: string): string {
  return `${file}.restoring`;
}

/** Throws `store_corrupt` while the files of a restore are half exchanged. */
export function mustNotBeRestoring(file: string): void {
  if (statSync(pendingRestore(file), { throwIfNoEntry: false }) === undefined) return;
  const message = `a restore of ${file} was cut off, so it is half of the old store`;
  throw new StoreTrouble('store_corrupt', message, 'restore it again: stator store restore');
}

function openEmpty({ migrations, image }: StoreOptions): Database {
  const db = new (sqlite())(image ?? ':memory:');
  migrate(db, ':memory:', migrations);
  return db;
}

function openForReading(file: string, options: StoreOptions): Database {
  mustNotBeRestoring(file);
  mustExist(file);
  return opened(file, true, (db) => mustBeCurrent(db, file, options.migrations));
}

function mustExist(file: string): void {
  if (statOf(file) !== undefined) return;
  const hint = 'it is made by what first changes something: stator run <plan.md>, stator plan register <file>';
  throw new StoreTrouble('store_unreadable', `there is no store at ${file} yet`, hint);
}

function mustBeCurrent(db: Database, file: string, migrations: readonly Migration[]): void {
  refuseForeign(db, file, migrations);
  const [version, { last }] = [versionOf(db), versionsOf(migrations)];
  if (version === last) return;
  const message = `${file} has version ${version} of the schema, this stator reads ${last}`;
  throw new StoreTrouble('store_unreadable', message, 'let this stator bring it up to date: stator plan list');
}

function openForWriting(file: string, options: StoreOptions): Database {
  mustNotBeRestoring(file);
  if (options.isShared === true) return openShared(file, options);
  if (statOf(file) === undefined) createPrivateFile(file);
  else examine(file, options);
  return opened(file, false, (db) => {
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    // It takes effect while there is no table yet: unused pages can be given back in steps.
    if (versionOf(db) === 0) db.pragma('auto_vacuum = INCREMENTAL');
    makeDurable(db, file);
    if (options.maxPageCount !== undefined) db.pragma(`max_page_count = ${options.maxPageCount}`);
    migrate(db, file, options.migrations);
  });
}

function openShared(file: string, options: StoreOptions): Database {
  mustExist(file);
  return opened(file, false, (db) => {
    mustBeCurrent(db, file, options.migrations);
    makeDurable(db, file);
    db.pragma('foreign_keys = ON');
  });
}

/**
 * Reads who made the file, and changes nothing. With a log beside it only a read-only connection leaves both as they are: the last
 * one that may write folds the log in when it closes. Without one it is the reverse: a read-only one leaves an empty log behind.
 */
function examine(file: string, options: StoreOptions): void {
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false });
  const isReadonly = log !== undefined && log.size > 0;
  opened(file, isReadonly, (db) => refuseForeign(db, file, options.migrations)).close();
}

function opened(file: string, readonly: boolean, prepare: (db: Database) => void): Database {
  const db = new (sqlite())(file, { readonly, timeout: busyTimeoutMs, fileMustExist: true });
  try {
    prepare(db);
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

function statOf(file: string): Stats | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) {
    const hint = `move it out of the way: mv ${shellWord(file)} ${shellWord(`${file}.old`)}`;
    throw new StoreTrouble('store_unreadable', `${file} is ${found.isDirectory() ? 'a folder' : 'no file'}`, hint);
  }
  return found;
}

/** The versions of the schema that are known. */
export function versionsOf(migrations: readonly Migration[]): { readonly first: number; readonly last: number } {
  return { first: migrations[0]?.version ?? 0, last: migrations.at(-1)?.version ?? 0 };
}

/** Throws `store_unreadable` for the database of another program or of a build before the first release, and `store_newer`. */
export function refuseForeign(db: Database, file: string, migrations: readonly Migration[]): void {
  const { first, last } = versionsOf(migrations);
  const id = Number(db.pragma('application_id', { simple: true }));
  const version = versionOf(db);
  const tables = Number(db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  const isEmpty = id === 0 && version === 0 && tables === 0; // made a moment ago, by us or by a process that died before the first migration
  if (id !== applicationId && !isEmpty) {
    const message = `${file} is the database of another program (application id ${id}, ${tables} tables and indexes)`;
    throw new StoreTrouble('store_unreadable', message, 'move it out of the way, or set STATOR_HOME to another folder');
  }
  if (version > 0 && version < first) {
    const message = `${file} has version ${version} of the schema, of a build before the first release; this stator reads ${first} and later`;
    const moved = `mv ${shellWord(file)} ${shellWord(`${file}.old`)}`;
    const hint = `the file is as it was; end its plans with the build that wrote it, then move it out of the way: ${moved}`;
    throw new StoreTrouble('store_unreadable', message, hint);
  }
  if (version > last) {
    const message = `${file} has version ${version} of the schema, this stator knows versions up to ${last}`;
    const writer = writerOf(db);
    const wanted = writer === null ? 'a newer stator' : `stator ${writer}, which wrote it, or a newer one`;
    const copies = 'its copies from before: stator store check; put one in its place: stator store restore <file>';
    throw new StoreTrouble('store_newer', message, `the file is as it was; install ${wanted}; ${copies}`);
  }
}

/** null: the database does not say. */
function writerOf(db: Database): string | null {
  try {
    const found = db.prepare('SELECT stator FROM written_by').pluck().get();
    return typeof found === 'string' ? found : null;
  } catch (thrown) {
    if (isSqliteError(thrown)) return null; // no such table in that version
    throw thrown;
  }
}

/** better-sqlite3 goes back to NORMAL at every open in WAL mode, so FULL is set after the mode, and both are read back. */
function makeDurable(db: Database, file: string): void {
  const mode = db.pragma('journal_mode = WAL', { simple: true });
  db.pragma('synchronous = FULL');
  const synchronous = db.pragma('synchronous', { simple: true });
  if (mode !== 'wal' || synchronous !== synchronousFull) {
    const message = `${file} cannot be kept safely: journal_mode is ${mode}, not wal, or synchronous is ${synchronous}, not ${synchronousFull}`;
    throw new StoreTrouble('store_unreadable', message, 'keep the home folder on a local disk: set STATOR_HOME');
  }
  db.pragma(`journal_size_limit = ${logLimitBytes}`);
}

/**
 * Foreign keys are off meanwhile, as rebuilding a table needs it: with them on, dropping the old one would delete the rows that point
 * at it. References that a migration breaks are found before it commits.
 */
function migrate(db: Database, file: string, migrations: readonly Migration[]): void {
  db.pragma('foreign_keys = OFF');
  const missing = migrations.filter(({ version }) => version > versionOf(db));
  // Each by itself where rows are changed. A new store has none, and waits for its disk once instead of for each.
  const steps = versionOf(db) === 0 ? [missing] : missing.map((migration) => [migration]);
  for (const step of steps) applyTogether(db, file, step);
  db.pragma('foreign_keys = ON');
}

function applyTogether(db: Database, file: string, migrations: readonly Migration[]): void {
  let now: Migration | undefined;
  try {
    db.transaction(() => {
      for (now of migrations) applyMigration(db, now);
    }).immediate();
  } catch (thrown) {
    const world = storeError(thrown, file);
    if (world !== null) throw world;
    const message = `migration ${now?.version} (${now?.name}) of ${file} is wrong; the store stays at version ${versionOf(db)}`;
    throw new Error(message, { cause: thrown });
  }
}

function applyMigration(db: Database, migration: Migration): void {
  if (versionOf(db) >= migration.version) return; // another process came first, while this one waited for the lock
  db.exec(migration.sql);
  const dangling = db.prepare('PRAGMA foreign_key_check').all();
  if (dangling.length > 0) throw new Error(`it leaves ${dangling.length} rows that point at nothing`);
  db.pragma(`application_id = ${applicationId}`);
  db.pragma(`user_version = ${migration.version}`);
}

function versionOf(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}
