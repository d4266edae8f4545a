/** Transactions of one connection, one at a time, and the wait for other programs that hold the store. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Database, defaultBusyTimeoutMs, storeError } from './db.ts';
import type { OpenFiles } from './lost-file.ts';

/** Another program that holds the store for longer is told of. */
const busyLimitMs = 5_000;
const busyRetryMs = 25;
/** The files that were there so long ago count as there when a commit begins: it looks for them again before it answers. */
const lookedLimitMs = 50;

export function createTransactions({ db, file, files }: { db: Database; file: string; files: OpenFiles }) {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  /** Whether another program held the store when it was last asked for. */
  let isHeld = false;
  /** Those that wait for another program's lock go in the order in which they were asked for. */
  let line: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  let lookedMs = Number.NEGATIVE_INFINITY;

  function mustBeThere(): void {
    const loss = files.loss();
    lookedMs = loss === null ? performance.now() : Number.NEGATIVE_INFINITY;
    if (loss !== null) throw loss;
  }

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

  /**
   * All of it commits together or not at all. Not re-entrant; nothing in it may await. The files are looked at after the commit, and before it where
   * the last look is not of just now: what went into a file that was deleted meanwhile is not answered for, though it may be found when the file comes back.
   */
  function transaction(work: () => void): void {
    if (performance.now() - lookedMs > lookedLimitMs) mustBeThere();
    beginWriting();
    try {
      work();
      commit.run();
      mustBeThere();
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

  /** As `whenFree`, one after the other. */
  function inOrder<T>(attempt: () => T): Promise<T> {
    const turn = waiting === 0 ? whenFree(attempt) : line.then(() => whenFree(attempt));
    waiting += 1;
    const leave = () => {
      waiting -= 1;
    };
    line = turn.then(leave, leave);
    return turn;
  }

  return { transaction, whenFree, inOrder };
}
