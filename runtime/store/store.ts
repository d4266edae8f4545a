/** The one global store: all tables over one connection. Each table's statements stand in the file that owns it. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../../machines/errors.ts';
import { type Database, defaultBusyTimeoutMs, openStore, storeError } from './db.ts';
import { createEffectStore } from './effects.ts';
import { createJournalStore } from './journal.ts';
import { createPlanStore } from './plans.ts';
import { createQueueStore } from './queue.ts';
import { createRepoStore } from './repos.ts';
import { createRunStore } from './runs.ts';
import { migrations } from './schema.ts';
import { createSignalStore } from './signals.ts';
import { createTreeStore } from './trees.ts';

export type Store = ReturnType<typeof openHouse>;

export function storeFile(home: string): string {
  return join(home, 'taskstore.db');
}

/** Another program that holds the store for longer is told of. */
const busyLimitMs = 5_000;
const busyRetryMs = 25;

/** Opens the store of a home. Throws the codes of `openStore`. */
export function openHouse(home: string, options: { readonly?: boolean; maxPageCount?: number } = {}) {
  const file = storeFile(home);
  const db: Database = openStore(file, { migrations, ...options });
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');

  const inode = inodeOf(file);

  /** What is written into a file that nobody can open any more is lost, without a word of SQLite. One stat: cheap enough before every act. */
  function mustBeThere(): void {
    if (inodeOf(file) === inode) return;
    throw new EngineError(
      'store_unreadable',
      `${file} was deleted or replaced while it was open: nothing more is written to it`,
      'put the file back from a backup if there is one, then start stator again: stator daemon restart',
    );
  }

  /** Whether another program held the store when it was last asked for. */
  let isHeld = false;

  /** Only the first to find it held waits in SQLite: that stops everything else in this process, and many who do so by turns stop it for good. */
  function beginWriting(): void {
    try {
      begin.run();
    } catch (thrown) {
      if (!isHeld) db.pragma('busy_timeout = 0');
      isHeld = true;
      throw thrown;
    }
    if (isHeld) db.pragma(`busy_timeout = ${defaultBusyTimeoutMs}`);
    isHeld = false;
  }

  /** All of it commits together or not at all. Not re-entrant; nothing in it may await. */
  function transaction<T>(work: () => T): T {
    mustBeThere();
    beginWriting();
    try {
      const value = work();
      commit.run();
      return value;
    } catch (thrown) {
      if (db.inTransaction) rollback.run();
      throw thrown;
    }
  }

  /** Waits, without blocking, while another program holds the store. Throws `store_locked` after 5 s, and the other codes of `storeError`. */
  async function whenFree<T>(attempt: () => T): Promise<T> {
    const untilMs = performance.now() + busyLimitMs;
    for (;;) {
      try {
        return attempt();
      } catch (thrown) {
        const trouble = storeError(thrown, file);
        if (trouble?.code !== 'store_locked' || performance.now() > untilMs) throw trouble ?? thrown;
        await delay(busyRetryMs);
      }
    }
  }

  return {
    file,
    repos: createRepoStore(db),
    trees: createTreeStore(db),
    signals: createSignalStore(db),
    journal: createJournalStore(db),
    effects: createEffectStore(db),
    plans: createPlanStore(db),
    runs: createRunStore(db),
    queue: createQueueStore(db),
    transaction,
    whenFree,
    /** A transaction, as soon as no other program holds the store. Throws as `whenFree`. */
    write: <T>(work: () => T): Promise<T> => whenFree(() => transaction(work)),
    close: (): void => void db.close(),
  };
}

/** null: there is no such file. */
function inodeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.ino ?? null;
}
