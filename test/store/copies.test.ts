/** Copies of the store: made while it is in use, checked, limited in number, and restored. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storeFile } from '../../runtime/base/platform/home.ts';
import type { StartedRun } from '../../runtime/core/store/rows.ts';
import {
  lastKnownMs,
  listCopies,
  makeCopy,
  outdatedSchema,
  registeredPaths,
  restoreCopy,
  storeFaults,
  writeCopy,
} from '../../runtime/core/store/sqlite/copies.ts';
import { openDatabase, pendingRestore } from '../../runtime/core/store/sqlite/db.ts';
import { migrations } from '../../runtime/core/store/sqlite/schema.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';

let home: string;
let file: string;
let folder: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'stator-copies-'));
  file = storeFile(home);
  folder = join(home, 'backups');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const dayMs = 86_400_000;
const digestOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
const signal = (at: number) =>
  ({ do: 'signal.insert', tree: 'supervisor', type: 'supervisor_started', payload: {}, origin: 'engine', at }) as const;

async function signalsIn(where: string): Promise<number> {
  const store = openStore(where);
  try {
    return (await store.signals({ limit: 500 })).length;
  } finally {
    store.close();
  }
}

const restore = (copy: string, started: readonly StartedRun[] = []) =>
  restoreCopy(file, { copy, migrations, started, at: 0 });

const lastVersion = migrations.at(-1)?.version ?? 0;
/** The schema of the next version of stator. */
const next = [...migrations, { version: lastVersion + 1, name: 'of the next', sql: 'CREATE TABLE of_the_next (id)' }];

it('a store that another program holds locked is reported at once: nothing else in the process waits for it', async () => {
  openStore(home).close();
  const lock = new BetterSqlite3(file);
  lock.pragma('journal_mode = DELETE');
  lock.exec('BEGIN EXCLUSIVE');
  try {
    // Each of these would freeze the process for five seconds, which is what SQLite's binding waits for a lock by default.
    const beganMs = performance.now();
    for (const read of [
      () => storeFaults(file),
      () => outdatedSchema(file, next),
      () => lastKnownMs(file, migrations),
      () => openDatabase(file, { migrations }),
      () => openDatabase(file, { migrations, readonly: true }),
    ])
      expect(read).toThrow('is locked by another process');
    expect(registeredPaths(file)).toBeNull();
    await expect(writeCopy(file, join(home, 'copy.db'))).rejects.toThrow('is locked by another process');
    expect(performance.now() - beganMs).toBeLessThan(5_000);
  } finally {
    lock.close();
  }
});

describe('a copy of the store', () => {
  it('is made while the store is written to, and has what was committed by then, from its log too', async () => {
    const store = openStore(home);
    for (let at = 1; at <= 30; at += 1) await store.commit([signal(at)]);
    const making = makeCopy(file, { folder, keep: 3, at: dayMs });
    for (let at = 31; at <= 60; at += 1) await store.commit([signal(at)]);
    const { file: copy, bytes } = await making;
    store.close();
    expect(statSync(copy).size).toBe(bytes);
    expect([statSync(copy).mode & 0o777, statSync(folder).mode & 0o777]).toEqual([0o600, 0o700]);
    const db = new BetterSqlite3(copy, { readonly: true });
    expect(db.prepare('SELECT count(*) FROM signals').pluck().get()).toBeGreaterThanOrEqual(30);
    db.close();
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('counts when it is whole only: of a damaged store there is none, and those from before stay', async () => {
    openStore(home).close();
    await makeCopy(file, { folder, keep: 1, at: 1 });
    const before = readdirSync(folder);
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xa5, 4096, 12_288));
    await expect(makeCopy(file, { folder, keep: 1, at: 2 })).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(readdirSync(folder)).toEqual(before);
    expect(storeFaults(file)).not.toEqual([]);
  });

  it('stays as long as it is among the newest; one from before a change of the schema is counted by itself', async () => {
    openStore(home).close();
    for (let day = 1; day <= 4; day += 1) await makeCopy(file, { folder, keep: 2, at: day * dayMs });
    await makeCopy(file, { folder, keep: 2, at: 5 * dayMs, schema: 7 });
    expect(listCopies(folder, 10 * dayMs).map(({ atMs, schema }) => [atMs / dayMs, schema])).toEqual([
      [5, 7],
      [4, null],
      [3, null],
    ]);
  });

  it('that is later than now, since the clock was set back, is neither the newest one nor in the place of a newer one', async () => {
    openStore(home).close();
    for (const day of [40, 41, 42]) await makeCopy(file, { folder, keep: 3, at: day * dayMs });
    for (const day of [7, 8])
      expect(existsSync((await makeCopy(file, { folder, keep: 3, at: day * dayMs })).file)).toBe(true);
    expect(listCopies(folder, 8 * dayMs).map(({ atMs }) => atMs / dayMs)).toEqual([8, 7, 42]);
  });

  it('that a killed process had begun is taken away a day later', async () => {
    openStore(home).close();
    await makeCopy(file, { folder, keep: 2, at: Date.now() });
    writeFileSync(join(folder, 'taskstore-x.db.draft'), '');
    await makeCopy(file, { folder, keep: 2, at: Date.now() + 1 });
    expect(readdirSync(folder)).toHaveLength(3);
    await makeCopy(file, { folder, keep: 2, at: Date.now() + 2 * dayMs });
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('is asked for where a newer stator would change the schema', () => {
    expect(outdatedSchema(file, next)).toBe(null);
    openDatabase(file, { migrations }).close();
    expect(outdatedSchema(file, next)).toBe(lastVersion);
    openDatabase(file, { migrations: next }).close();
    expect(outdatedSchema(file, next)).toBe(null);
    // A copy from a build before the first release is refused, and nothing in it is changed.
    const later = next.map((step) => ({ ...step, version: step.version + 100 }));
    expect(outdatedSchema(file, later)).toBe(null);
  });
});

describe('a restore', () => {
  it('replaces a damaged store with the copy, and keeps the damaged files byte for byte in another folder', async () => {
    const store = openStore(home);
    await store.commit([signal(1)]);
    store.close();
    const { file: copy } = await makeCopy(file, { folder, keep: 3, at: 1 });
    writeFileSync(file, 'noise');
    const { replaced } = await restore(copy);
    expect(digestOf(join(replaced, 'taskstore.db'))).toBe(createHash('sha256').update('noise').digest('hex'));
    expect(storeFaults(file)).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await signalsIn(home)).toBe(1);
    expect(lastKnownMs(file, migrations)).toBe(null);
  });

  it('moves the log of the replaced store away with it, and plays none of it into the new one', async () => {
    const store = openStore(home);
    const copy = join(home, 'copy.db');
    await writeCopy(file, copy);
    await store.commit([signal(1)]);
    const log = readFileSync(`${file}-wal`);
    const bytes = readFileSync(file);
    store.close();
    writeFileSync(file, bytes);
    writeFileSync(`${file}-wal`, log);
    const { replaced } = await restore(copy);
    expect(digestOf(join(replaced, 'taskstore.db-wal'))).toBe(createHash('sha256').update(log).digest('hex'));
    expect(await signalsIn(home)).toBe(0);
  });

  it('brings a copy of an earlier version up to date', async () => {
    const copy = join(home, 'old.db');
    openDatabase(copy, { migrations }).close();
    await restoreCopy(file, { copy, migrations: next, started: [], at: 0 });
    openDatabase(file, { migrations: next, isShared: true }).close();
  });

  it('from a damaged copy, or one of a newer stator, leaves the store as it was', async () => {
    openStore(home).close();
    const before = digestOf(file);
    const copy = join(home, 'copy.db');
    writeFileSync(copy, 'noise');
    await expect(restore(copy)).rejects.toMatchObject({ code: 'store_corrupt' });
    openDatabase(join(home, 'new.db'), { migrations }).close();
    const db = new BetterSqlite3(join(home, 'new.db'));
    db.pragma('user_version = 9999');
    db.close();
    await expect(restore(join(home, 'new.db'))).rejects.toMatchObject({ code: 'store_newer' });
    expect(digestOf(file)).toBe(before);
    expect(readdirSync(home).filter((name) => /draft|replaced/.test(name))).toEqual([]);
  });

  it('that was cut off between the files is reported at each use, and is done again', async () => {
    openStore(home).close();
    const copy = join(home, 'copy.db');
    await writeCopy(file, copy);
    writeFileSync(pendingRestore(file), '');
    for (const how of [{}, { readonly: true }, { isShared: true }])
      expect(() => openStore(home, how)).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
    expect(storeFaults(file)).toHaveLength(1);
    await restore(copy);
    openStore(home).close();
    expect(existsSync(pendingRestore(file))).toBe(false);
  });

  it('notes the runs that were started after the copy, so that none of them is started again', async () => {
    const store = openStore(home);
    await store.commit([{ do: 'launch.name', key: 'known', folder: 'a.1', secret: 's', launchedAt: null }]);
    store.close();
    const copy = join(home, 'copy.db');
    await writeCopy(file, copy);
    const run = { secret: 'x', isNew: true };
    const { unknown } = await restore(copy, [
      { ...run, folder: 'a.1', name: 'a' },
      { ...run, folder: 'b.1', name: 'b' },
      { ...run, folder: 'c.1', name: 'c', isNew: false },
    ]);
    expect(unknown).toEqual(['b.1']);
    const restored = openStore(home);
    expect(await restored.launch('known')).toMatchObject({ folder: 'a.1', secret: 's', launched_at: 0 });
    expect(await restored.launch('restored/b')).toMatchObject({ folder: 'b.1', secret: 'x', launched_at: 0 });
    expect(await restored.launch('restored/c')).toBe(null);
    restored.close();
  });
});
