/** The kinds of stores that keep the contract, as a test opens them, and the actions of other programs on them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { storeFile } from '../../runtime/base/platform/home.ts';
import type { Store } from '../../runtime/core/store/port.ts';
import { openPostgres } from '../../runtime/core/store/postgres/store.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';
import type { OwnPostgres } from '../../scripts/postgres.ts';

/** A row as another program inserts it. */
interface ForeignSignal {
  readonly project: string;
  readonly plan?: string;
  readonly type: string;
  readonly payload?: string;
  readonly origin?: string;
  readonly dedupeKey?: string;
  readonly deliverAt?: number;
  /** Its own claims about its sender, which must not be believed. */
  readonly claims?: { readonly tree: string; readonly run: string };
  /** Columns of the engine that it sets although it may not. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly at: number;
}

export interface StoreGround {
  readonly store: Store;
  /** The same store, opened by another program. */
  another(): Store;
  /** Inserts a row as another program; returns its id. */
  insertForeign(signal: ForeignSignal): Promise<number>;
  /** Executes a statement as another program. */
  carryOut(sql: string): Promise<void>;
  remove(): void;
}

/** The fields of another program's row, in column order. */
const columns = [
  ...['project', 'plan', 'type', 'payload', 'origin', 'dedupe_key', 'deliver_at', 'created_at'],
  ...['tree', 'run', 'is_checked'],
];

const columnsOf = ({ more = {} }: ForeignSignal) => [...columns, ...Object.keys(more)];

function valuesOf({ claims, more = {}, ...signal }: ForeignSignal): unknown[] {
  const { project, plan = '', type, payload = '{}', origin = 'person', dedupeKey = null, deliverAt = 0, at } = signal;
  return [
    project,
    plan,
    type,
    payload,
    origin,
    dedupeKey,
    deliverAt,
    at,
    claims?.tree,
    claims?.run,
    claims === undefined ? 0 : 1,
    ...Object.values(more),
  ];
}

export function onDisk(): StoreGround {
  const home = mkdtempSync(join(tmpdir(), 'stator-store-'));
  const opened: Store[] = [];
  function another(): Store {
    const store = openStore(home);
    opened.push(store);
    return store;
  }
  return {
    store: another(),
    another,
    async insertForeign(signal) {
      const db = new BetterSqlite3(storeFile(home));
      const names = columnsOf(signal);
      const marks = names.map(() => '?').join(', ');
      const insert = db.prepare(`INSERT INTO signals (${names.join(', ')}) VALUES (${marks})`);
      const { lastInsertRowid } = insert.run(...valuesOf(signal));
      db.close();
      return Number(lastInsertRowid);
    },
    async carryOut(sql) {
      const db = new BetterSqlite3(storeFile(home));
      db.exec(sql);
      db.close();
    },
    remove() {
      for (const store of opened) store.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** One database for all tests of a file, emptied for each: a database for each takes 40 ms more of processor. */
export async function inPostgres(server: OwnPostgres): Promise<StoreGround> {
  const made = withTables.get(server) ?? makeTables(server);
  withTables.set(server, made);
  await made;
  await server.query(database, emptied);
  const opened: Store[] = [];
  function another(): Store {
    const store = openPostgres({ url: server.urlOf(database), shown: database });
    opened.push(store);
    return store;
  }
  const store = another();
  // Other programs write into existing tables.
  await store.lastLine();
  return {
    store,
    another,
    async insertForeign(signal) {
      const names = columnsOf(signal);
      const marks = names.map((_, index) => `$${index + 1}`).join(', ');
      const text = `INSERT INTO signals (${names.join(', ')}) VALUES (${marks}) RETURNING id`;
      const [row] = await server.query(database, text, valuesOf(signal));
      return Number(row?.id);
    },
    async carryOut(sql) {
      await server.query(database, sql);
    },
    remove() {
      for (const store of opened) store.close();
    },
  };
}

const database = 'contract';
const withTables = new WeakMap<OwnPostgres, Promise<void>>();

async function makeTables(server: OwnPostgres): Promise<void> {
  await server.createDatabase(database);
  const store = openPostgres({ url: server.urlOf(database), shown: database });
  await store.lastLine();
  store.close();
  await server.query(database, 'CREATE SCHEMA kept; CREATE TABLE kept.queue AS TABLE public.queue');
}

/** As a new schema has it, without connections of the test before. */
const emptied = `
  SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
  DO $$
  DECLARE name text;
  BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('schema_versions', 'inbox_seal') LOOP
      EXECUTE format('DELETE FROM %I', name);
    END LOOP;
    INSERT INTO queue SELECT * FROM kept.queue;
    ALTER TABLE tree_standings ALTER COLUMN number RESTART;
  END $$`;
