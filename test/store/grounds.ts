/** The stores that keep the contract, each as a test opens it, with what other programs do to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { storeFile } from '../../runtime/base/config/home.ts';
import type { Store } from '../../runtime/core/store/port.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';

/** A row as another program inserts it. */
interface ForeignSignal {
  readonly project: string;
  readonly plan?: string;
  readonly type: string;
  readonly payload?: string;
  readonly origin?: string;
  readonly dedupeKey?: string;
  readonly deliverAt?: number;
  /** What it says of itself and nobody believes. */
  readonly claims?: { readonly tree: string; readonly run: string };
  readonly at: number;
}

export interface StoreGround {
  readonly store: Store;
  /** The same store, as another program opens it. */
  another(): Store;
  /** A row that another program writes by itself; its id. */
  insertForeign(signal: ForeignSignal): number;
  remove(): void;
}

export const storeGrounds: Readonly<Record<'sqlite', () => StoreGround>> = { sqlite: onDisk };

function onDisk(): StoreGround {
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
    insertForeign(signal) {
      const db = new BetterSqlite3(storeFile(home));
      const { claims = { tree: null, run: null }, ...given } = signal;
      const checked = claims.tree === null ? 0 : 1;
      const usual = { plan: '', payload: '{}', origin: 'person', dedupeKey: null, deliverAt: 0 };
      const row = { ...usual, ...given, ...claims, checked };
      const insert = db.prepare(
        `INSERT INTO signals (project, plan, type, payload, origin, dedupe_key, deliver_at, created_at, tree, run, is_checked)
         VALUES (@project, @plan, @type, @payload, @origin, @dedupeKey, @deliverAt, @at, @tree, @run, @checked)`,
      );
      const { lastInsertRowid } = insert.run(row);
      db.close();
      return Number(lastInsertRowid);
    },
    remove() {
      for (const store of opened) store.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
