/** The stores that keep the contract, each as a test opens it, with what other programs do to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { createMemory } from '../../runtime/core/store/memory/memory.ts';
import type { ForeignSignal } from '../../runtime/core/store/memory/signals.ts';
import { createMemoryStore } from '../../runtime/core/store/memory/store.ts';
import type { Store } from '../../runtime/core/store/port.ts';
import { openStore, storeFile } from '../../runtime/core/store/sqlite/store.ts';

export interface StoreGround {
  readonly store: Store;
  /** The same store, as another program opens it. */
  another(): Store;
  /** A row that another program writes by itself; its id. */
  insertForeign(signal: ForeignSignal): number;
  remove(): void;
}

export const storeGrounds: Readonly<Record<'sqlite' | 'memory', () => StoreGround>> = {
  sqlite: onDisk,
  memory: inMemory,
};

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

function inMemory(): StoreGround {
  const memory = createMemory();
  const opened: Store[] = [];
  function another(): Store {
    const store = createMemoryStore(memory);
    opened.push(store);
    return store;
  }
  return {
    store: another(),
    another,
    insertForeign: memory.insertForeign,
    remove() {
      for (const store of opened) store.close();
    },
  };
}
