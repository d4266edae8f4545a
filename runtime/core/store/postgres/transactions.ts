/** Readings and writes of a store in PostgreSQL, each tried again while the database does not answer. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { createSerialQueue } from '../../../base/platform/serial-queue.ts';
import { StoreTrouble } from '../port.ts';
import type { Answer } from '../tables/connection.ts';
import { type createCommits, undo } from './commits.ts';
import { notify, type Presence } from './hosts.ts';
import type { Session } from './session.ts';
import { isAway, isBusy, troubleOf } from './trouble.ts';

/** A database that does not answer for longer is reported. */
export const awayLimitMs = 5_000;
const retryMs = 100;

/** What this process is to the store. */
export interface StoreState {
  /** The engine that this store is opened for. */
  engine: Presence | null;
  /** Another engine has been here since, or confirmed commits are gone. */
  taken: StoreTrouble | null;
  /** No other process works on it meanwhile. */
  isAlone: boolean;
  isClosed: boolean;
}

interface TransactionParts {
  readonly place: string;
  readonly state: StoreState;
  readonly reading: Session;
  readonly writing: Session;
  readonly commits: ReturnType<typeof createCommits>;
  /** A transaction has ended: another host may have a repo now. */
  onEnd(): void;
}

export type Transactions = ReturnType<typeof createTransactions>;

/** Writes are carried out in their order. */
export function createTransactions({ place, state, reading, writing, commits, onEnd }: TransactionParts) {
  const line = createSerialQueue();

  /** Throws `store_locked` if the database does not answer for 5 s, and its other errors. */
  async function whileAway<T>(attempt: () => Promise<T>): Promise<T> {
    const untilMs = performance.now() + awayLimitMs;
    for (;;) {
      try {
        return await attempt();
      } catch (thrown) {
        if (!mayPass(thrown, state) || performance.now() > untilMs) throw troubleOf(thrown, place);
        await delay(retryMs);
      }
    }
  }

  function ask<T>(read: () => Answer<T>): Promise<T> {
    return whileAway(async () => {
      await reading.client();
      return read();
    });
  }

  /** Runs the work after all earlier work, and before later work. */
  function inOrder<T>(work: () => Promise<T>): Promise<T> {
    return line(() => whileAway(work));
  }

  function inTurn<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return inOrder(async () => work(await writing.client()));
  }

  /** Runs it alone, like every commit. false: its condition does not hold, and nothing was written. */
  function inTransaction(work: (client: Client) => Promise<boolean>): Promise<boolean> {
    return inTurn(async function attempt(client): Promise<boolean> {
      await commits.start(client);
      try {
        if (!(await work(client))) {
          await undo(client);
          return false;
        }
        if (await commits.commitAs(client, () => notify(client))) return true;
      } catch (thrown) {
        await undo(client);
        throw thrown;
      } finally {
        onEnd();
      }
      return attempt(await writing.client());
    });
  }

  return { whileAway, ask, inOrder, inTurn, inTransaction };
}

/** Whether that failure may end by itself. */
export function mayPass(thrown: unknown, { taken, isClosed }: StoreState): boolean {
  if (isClosed) return false;
  const isHeld =
    thrown instanceof StoreTrouble &&
    (thrown.code === 'store_locked' || (thrown.code === 'owner_taken' && taken === null));
  return isHeld || isAway(thrown) || isBusy(thrown);
}
