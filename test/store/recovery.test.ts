/** A store with damaged pages is made anew from what can be read; the damaged one is kept, byte for byte. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../runtime/core/store/sqlite/db.ts';
import { recoverStore, storeFaults } from '../../runtime/core/store/sqlite/recovery.ts';
import { migrations } from '../../runtime/core/store/sqlite/schema.ts';
import { openStore, storeFile } from '../../runtime/core/store/sqlite/store.ts';

const pageBytes = 4096;
const lines = 400;
let home: string;
let file: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'stator-recovery-'));
  file = storeFile(home);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** A store with 400 signals over many pages, all of it in the file. */
async function filled(): Promise<void> {
  const store = openStore(home);
  for (let at = 1; at <= lines; at += 1)
    await store.commit([
      {
        do: 'signal.insert',
        tree: 'supervisor',
        type: 'supervisor_started',
        payload: { body: 'x'.repeat(300), at },
        origin: 'engine',
        at,
      },
    ]);
  store.close();
}

function rootOf(name: string): number {
  const db = new BetterSqlite3(file, { readonly: true });
  try {
    return Number(db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(name));
  } finally {
    db.close();
  }
}

/** The pages below the root of a table of two levels. */
function leavesOf(name: string): number[] {
  const root = readFileSync(file).subarray((rootOf(name) - 1) * pageBytes, rootOf(name) * pageBytes);
  expect(root[0]).toBe(5); // an inner page of a table: https://sqlite.org/fileformat2.html#b_tree_pages
  return Array.from({ length: root.readUInt16BE(3) }, (_, cell) => root.readUInt32BE(root.readUInt16BE(12 + 2 * cell)));
}

function damage(page: number): string {
  const to = openSync(file, 'r+');
  writeSync(to, Buffer.alloc(pageBytes, 0xa5), 0, pageBytes, (page - 1) * pageBytes);
  closeSync(to);
  return digestOf(file);
}

/** But for the empty log that a look at it leaves. */
const filesIn = () =>
  readdirSync(home)
    .filter((name) => !/^taskstore\.db-(wal|shm)$/.test(name))
    .sort();
const digestOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
const recover = () => recoverStore(file, { migrations, at: 0 });
const ofSignals = ({ tables }: ReturnType<typeof recover>) => tables.find(({ table }) => table === 'signals');

describe('a damaged store', () => {
  it('of which an index is damaged has all of its rows again; the damaged one lies aside as it was', async () => {
    await filled();
    expect(storeFaults(file)).toEqual([]);
    const before = damage(rootOf('sqlite_autoindex_trees_1'));
    expect(storeFaults(file)).not.toEqual([]);
    const { aside, ...recovery } = recover();
    expect(ofSignals({ aside, ...recovery })).toEqual({ table: 'signals', rows: lines, lost: 0 });
    expect(digestOf(join(aside, 'taskstore.db'))).toBe(before);
    expect(storeFaults(file)).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(filesIn()).toEqual(['damaged-1970-01-01T00-00-00-000Z', 'taskstore.db']);
  });

  it('of which a page of rows is damaged loses those alone, in the middle, at its beginning and at its end', async () => {
    await filled();
    const leaves = leavesOf('signals');
    const whole = readFileSync(file);
    for (const leaf of [leaves[0], leaves[5], leaves.at(-1)].map(Number)) {
      writeFileSync(file, whole);
      for (const left of readdirSync(home)) if (left !== 'taskstore.db') rmSync(join(home, left), { recursive: true });
      damage(leaf);
      const { rows, lost } = ofSignals(recover()) ?? { rows: 0, lost: 0 };
      expect(rows).toBeGreaterThan(lines - 20);
      expect(rows).toBeLessThan(lines);
      if (leaf === leaves[5]) expect(lost).toBe(lines - rows);
      const store = openStore(home);
      const left = await store.signals({ limit: 500 });
      store.close();
      expect(left).toHaveLength(rows);
      for (const { id, payload } of left) expect(JSON.parse(payload)).toMatchObject({ at: id });
    }
  });

  it('brings along what its log holds, and one of an earlier version is brought up to date', async () => {
    await filled();
    const store = openStore(home);
    await store.commit([
      { do: 'signal.insert', tree: 'supervisor', type: 'supervisor_started', payload: {}, origin: 'engine', at: 1 },
    ]);
    // As a killed engine leaves it: the last row is in the log.
    const copy = join(home, 'copy');
    for (const part of ['', '-wal']) writeFileSync(`${copy}${part}`, readFileSync(`${file}${part}`));
    store.close();
    for (const part of ['', '-wal']) writeFileSync(`${file}${part}`, readFileSync(`${copy}${part}`));
    const recovery = recover();
    expect(ofSignals(recovery)?.rows).toBe(lines + 1);
    expect(existsSync(join(recovery.aside, 'taskstore.db-wal'))).toBe(true);
    rmSync(recovery.aside, { recursive: true });
    rmSync(file);
    openDatabase(file, { migrations: migrations.slice(0, 15) }).close();
    recover();
    const opened = openDatabase(file, { migrations, isShared: true });
    expect(opened.pragma('user_version', { simple: true })).toBe(migrations.length);
    opened.close();
  });

  it('of which nothing can be read is left where it is, byte for byte, and so is one of a newer stator', async () => {
    await filled();
    const before = damage(1);
    expect(storeFaults(file)).not.toEqual([]);
    expect(recover).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
    expect(digestOf(file)).toBe(before);
    rmSync(file);
    await filled();
    const db = new BetterSqlite3(file);
    db.pragma('user_version = 9999');
    db.close();
    expect(recover).toThrow(expect.objectContaining({ code: 'store_newer' }));
    expect(filesIn()).toEqual(['taskstore.db']);
  });
});
