import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import {
  type Database,
  type Migration,
  openDatabase,
  type StoreOptions,
  storeError,
} from '../../runtime/core/store/sqlite/db.ts';
import { expectError } from '../support/prose.ts';

const first: Migration = {
  version: 1,
  name: 'plans',
  sql: `CREATE TABLE plan (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
        CREATE TABLE task (id INTEGER PRIMARY KEY, plan INTEGER NOT NULL REFERENCES plan ON DELETE CASCADE) STRICT;`,
};
const rebuild: Migration = {
  version: 2,
  name: 'plan-status',
  sql: `CREATE TABLE plan_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'ready') STRICT;
        INSERT INTO plan_new (id, name) SELECT id, name FROM plan;
        DROP TABLE plan;
        ALTER TABLE plan_new RENAME TO plan;`,
};
const brokenHalfway: Migration = {
  version: 3,
  name: 'broken',
  sql: 'CREATE TABLE half (id INTEGER); SELECT nonsense;',
};

let folder: string;
let file: string;
const open: Database[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-store-'));
  file = join(folder, 'taskstore.db');
});
afterEach(() => {
  for (const db of open.splice(0)) db.close();
  rmSync(folder, { recursive: true, force: true });
});

function store(options: Partial<StoreOptions> = {}): Database {
  const db = openDatabase(file, { migrations: [first], ...options });
  open.push(db);
  return db;
}

function madeBy(migrations: readonly Migration[]): void {
  const db = openDatabase(file, { migrations });
  db.exec("INSERT INTO plan (id, name) VALUES (1, 'alpha'); INSERT INTO task (plan) VALUES (1), (1)");
  db.close();
}

function failure(attempt: () => unknown): EngineError {
  try {
    attempt();
  } catch (thrown) {
    if (thrown instanceof EngineError) return thrown;
    throw thrown;
  }
  throw new Error('it went well');
}

const writerScript = join(import.meta.dirname, '../support/scripts', 'store-writer.mjs');

function killedAfter(sql: string): void {
  expect(spawnSync(process.execPath, [writerScript, file, sql]).signal).toBe('SIGKILL');
}

/** The file's bytes, its time, and the names beside it, for `untouched`. The time is set back first, so that any write is visible. */
function imprint(): unknown {
  return { bytes: readFileSync(file).toString('hex'), mtime: statSync(file).mtimeMs, names: readdirSync(folder) };
}

function untouched(attempt: () => void): void {
  utimesSync(file, 1_000_000, 1_000_000);
  const before = imprint();
  attempt();
  expect(imprint()).toEqual(before);
}

test('a new store is private, durable at every commit, and keeps foreign keys', () => {
  const db = store();
  expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
  expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
  expect(db.pragma('synchronous', { simple: true })).toBe(2);
  expect(db.pragma('foreign_keys', { simple: true })).toBe(1);
  expect(db.pragma('busy_timeout', { simple: true })).toBe(25);
  expect(db.pragma('user_version', { simple: true })).toBe(1);
  expect(() => db.exec('INSERT INTO task (plan) VALUES (99)')).toThrow('FOREIGN KEY');
});

test('a store that is opened again is just as durable, and one that others could read is closed to them', () => {
  madeBy([first]);
  chmodSync(file, 0o644);
  const db = store();
  expect(db.pragma('synchronous', { simple: true })).toBe(2);
  expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
  expect((statSync(`${file}-wal`).mode & 0o777).toString(8)).toBe('600');
});

test('an older store is brought up to date, and rebuilding a table keeps the rows that point at it', () => {
  madeBy([first]);
  const db = store({ migrations: [first, rebuild] });
  expect(db.pragma('user_version', { simple: true })).toBe(2);
  expect(db.prepare('SELECT name, status FROM plan').all()).toEqual([{ name: 'alpha', status: 'ready' }]);
  expect(db.prepare('SELECT count(*) FROM task').pluck().get()).toBe(2);
});

test('a migration that fails half-way leaves the version and the tables before it', () => {
  madeBy([first]);
  expect(() => store({ migrations: [first, rebuild, brokenHalfway] })).toThrow(
    `migration 3 (broken) of ${file} is wrong; the store stays at version 2`,
  );
  const db = store({ migrations: [first, rebuild] });
  expect(db.pragma('user_version', { simple: true })).toBe(2);
  expect(db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").pluck().get()).toBe(0);
});

test('a migration that leaves rows pointing at nothing is rolled back', () => {
  madeBy([first]);
  const forgetful: Migration = { version: 2, name: 'forgetful', sql: 'DELETE FROM plan' };
  expect(() => store({ migrations: [first, forgetful] })).toThrow('the store stays at version 1');
  expect(store().prepare('SELECT count(*) FROM plan').pluck().get()).toBe(1);
});

test('migrations that are not numbered one after the other are refused', () => {
  expect(() => store({ migrations: [first, { ...rebuild, version: 3 }] })).toThrow('not numbered');
});

test('a store of a newer stator is refused by both versions and left exactly as it was', () => {
  madeBy([first, rebuild]);
  for (const readonly of [false, true]) {
    utimesSync(file, 1_000_000, 1_000_000);
    const before = readFileSync(file);
    const refused = failure(() => store({ readonly }));
    expectError(refused, 'store_newer', file);
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(statSync(file).mtimeMs).toBe(1_000_000_000);
    if (!readonly) expect(readdirSync(folder)).toEqual(['taskstore.db']);
  }
});

test('a store of a build before the first release is refused, and left exactly as it was', () => {
  madeBy([first]);
  const later = [{ ...first, version: 3 }];
  for (const readonly of [false, true]) {
    utimesSync(file, 1_000_000, 1_000_000);
    const before = readFileSync(file);
    const refused = failure(() => store({ readonly, migrations: later }));
    expectError(refused, 'store_unreadable', file, 'version 1 of the schema', `mv ${file} ${file}.old`);
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(statSync(file).mtimeMs).toBe(1_000_000_000);
    if (!readonly) expect(readdirSync(folder)).toEqual(['taskstore.db']);
  }
});

test('a store that a newer stator had just migrated when it was killed is refused, and its log is neither lost nor folded in', () => {
  madeBy([first]);
  killedAfter('PRAGMA user_version = 7');
  const log = readFileSync(`${file}-wal`);
  expect(log.length).toBeGreaterThan(0);
  untouched(() =>
    expectError(
      failure(() => store()),
      'store_newer',
      file,
    ),
  );
  expect(readFileSync(`${file}-wal`).equals(log)).toBe(true);
});

test('what a killed stator committed is there when the store is opened again', () => {
  madeBy([first]);
  killedAfter("INSERT INTO plan (name) VALUES ('only-in-the-log')");
  expect(store().prepare('SELECT name FROM plan ORDER BY id').pluck().all()).toEqual(['alpha', 'only-in-the-log']);
});

const damages: Record<string, () => void> = {
  'text instead of a database': () => writeFileSync(file, 'plans, and more plans\n'.repeat(500)),
  'a few bytes': () => writeFileSync(file, 'hello'),
  'zeros, as after a power cut': () => writeFileSync(file, Buffer.alloc(8192)),
  'a database that was cut off': () => truncateSync(file, 4096),
  'a database with a schema of noise': () => {
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xa5, 100, 4096));
  },
};
for (const [name, damage] of Object.entries(damages)) {
  test(`a store that is damaged (${name}) is refused, named, and left byte for byte as it was`, () => {
    madeBy([first]);
    damage();
    untouched(() => {
      const refused = failure(() => store());
      expectError(refused, 'store_corrupt', file, 'stator store check', 'stator store restore');
    });
  });
}

test('damage further in is told apart when it is met', () => {
  const db = openDatabase(file, { migrations: [first] });
  db.exec("INSERT INTO plan (name) SELECT hex(randomblob(2000)) FROM json_each('[1,2,3,4,5,6,7,8,9]')");
  const root = Number(db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'plan'").pluck().get());
  db.close();
  writeFileSync(file, readFileSync(file).fill(0xa5, (root - 1) * 4096, root * 4096));
  const damaged = store();
  let thrown: unknown;
  try {
    damaged.prepare('SELECT count(*) FROM plan').get();
  } catch (caught) {
    thrown = caught;
  }
  expect(storeError(thrown, file)?.code).toBe('store_corrupt');
});

test('the database of another program is recognised and left alone', () => {
  const other = new BetterSqlite3(file);
  other.exec('CREATE TABLE bookmarks (url TEXT)');
  other.close();
  untouched(() => {
    const refused = failure(() => store());
    expectError(refused, 'store_unreadable', file);
  });
});

test('an empty file, left by who died before the first table, becomes the store', () => {
  writeFileSync(file, '');
  expect(store().pragma('user_version', { simple: true })).toBe(1);
});

test('a store that another process is writing is locked for a moment only, and can be asked for again', async () => {
  madeBy([first]);
  const writer = spawn(process.execPath, [writerScript, file]);
  await once(writer.stdout, 'data');
  const refused = failure(() => store({ migrations: [first, rebuild] }));
  expectError(refused, 'store_locked', file);
  // Without a migration it opens beside the writer, and only a write is refused.
  const beside = store();
  expect(beside.prepare('SELECT count(*) FROM plan').pluck().get()).toBe(1);
  let thrown: unknown;
  try {
    beside.exec("INSERT INTO plan (name) VALUES ('beta')");
  } catch (caught) {
    thrown = caught;
  }
  expect(storeError(thrown, file)?.code).toBe('store_locked');
  writer.stdin.end();
  await once(writer, 'exit');
  expect(store({ migrations: [first, rebuild] }).pragma('user_version', { simple: true })).toBe(2);
});

test('a store that may not grow is full, keeps what was committed, and takes less again', () => {
  const db = store({ maxPageCount: 16 });
  const insert = db.prepare('INSERT INTO plan (name) VALUES (?)');
  insert.run('kept');
  let thrown: unknown;
  try {
    db.transaction(() => {
      insert.run('lost');
      insert.run('x'.repeat(200_000));
    })();
  } catch (caught) {
    thrown = caught;
  }
  const full = storeError(thrown, file);
  expectError(full, 'store_full', folder);
  insert.run('again');
  expect(db.prepare('SELECT name FROM plan').pluck().all()).toEqual(['kept', 'again']);
});

test('a folder in the place of the store is refused', () => {
  mkdirSync(file);
  const refused = failure(() => store());
  expectError(refused, 'store_unreadable', file);
});

test('a store in a folder that is not there is refused by the path', () => {
  file = join(folder, 'gone', 'taskstore.db');
  const refused = failure(() => store());
  expectError(refused, 'store_unreadable', file);
});

test('a store without read permission is refused', () => {
  openDatabase(file, { migrations: [] }).close();
  chmodSync(file, 0);
  // Root can read everything, so another user tries in that case.
  const nobody = 65_534;
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    chownSync(folder, nobody, nobody);
    chownSync(file, nobody, nobody);
  }
  const script = join(import.meta.dirname, '../support/scripts', 'unprivileged.mjs');
  const user = isRoot ? { uid: nobody, gid: nobody } : {};
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [script, 'core/store/sqlite/db.js', 'openDatabase', file],
    user,
  );
  expect(stderr.toString()).toBe('');
  const { error: message, ...more } = JSON.parse(stdout.toString());
  expectError({ message, ...more }, 'store_unreadable', file, folder);
});

test('a reader sees what the writer committed, and can change nothing', () => {
  const writer = store();
  const reader = store({ readonly: true });
  writer.exec("INSERT INTO plan (name) VALUES ('alpha')");
  expect(reader.prepare('SELECT name FROM plan').pluck().all()).toEqual(['alpha']);
  expect(() => reader.exec('DELETE FROM plan')).toThrow('readonly');
});

test('a reader makes no store and migrates none, and says what to do', () => {
  const missing = failure(() => store({ readonly: true }));
  expectError(missing, 'store_unreadable', file);
  expect(readdirSync(folder)).toEqual([]);
  madeBy([first]);
  const older = failure(() => store({ readonly: true, migrations: [first, rebuild] }));
  expectError(older, 'store_unreadable', file, 'stator plan list');
});

test('a programming error, or an error of another file, is not an error of the store', () => {
  const db = store();
  let thrown: unknown;
  try {
    db.exec('SELECT nonsense');
  } catch (caught) {
    thrown = caught;
  }
  expect(thrown).toBeInstanceOf(BetterSqlite3.SqliteError);
  expect(storeError(thrown, file)).toBeNull();
  expect(storeError(new TypeError('oh'), file)).toBeNull();
  const elsewhere = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', path: '/elsewhere' });
  expect(storeError(elsewhere, file)).toBeNull();
  expect(storeError({ ...elsewhere, path: file }, file)).toBeNull();
});

test('every failing of the disk has its code', () => {
  const codes = {
    SQLITE_BUSY_SNAPSHOT: 'store_locked',
    SQLITE_LOCKED: 'store_locked',
    SQLITE_FULL: 'store_full',
    SQLITE_IOERR_WRITE: 'store_full',
    SQLITE_CORRUPT_INDEX: 'store_corrupt',
    SQLITE_NOTADB: 'store_corrupt',
    SQLITE_CANTOPEN_ISDIR: 'store_unreadable',
    SQLITE_READONLY_DBMOVED: 'store_unreadable',
    SQLITE_PERM: 'store_unreadable',
    SQLITE_IOERR_READ: 'store_unreadable',
    SQLITE_CONSTRAINT_CHECK: null,
    SQLITE_MISUSE: null,
  };
  for (const [code, expected] of Object.entries(codes)) {
    const thrown = new BetterSqlite3.SqliteError('as SQLite says it', code);
    const error = storeError(thrown, file);
    // As a second test file in one process of Jest gets it: of the class, and the globals, of the first file.
    const ofOther = runInNewContext('Object.assign(new Error(), { name: "SqliteError", code })', { code });
    expect(storeError(ofOther, file)?.code).toBe(error?.code);
    expect([code, error?.code ?? null]).toEqual([code, expected]);
    if (error !== null) expect([error.message.includes(file), error.cause]).toEqual([true, thrown]);
    // A disk that was mounted read-only after an error is said to be full only where SQLite says so.
    expect(error?.message.includes('the disk is full (') === true).toBe(code === 'SQLITE_FULL');
  }
});
