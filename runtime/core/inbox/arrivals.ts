/** Signals on their way into the inbox. */
import { type Change, mustCommit, type Store } from '../store/port.ts';
import type { NewSignal } from '../store/rows.ts';

/** A signal that is due when it arrives. */
export type ArrivingSignal = Omit<NewSignal, 'deliverAt'>;

export interface Added {
  readonly id: number;
  /** Whether it has its verdict or is held. */
  readonly isSettled: boolean;
}

export interface Arrival {
  readonly signal: ArrivingSignal;
  /** Changes that are committed along with it, if all their conditions hold. */
  readonly cause: readonly Change[];
  /** null: a condition of `cause` was not met, and nothing was committed. */
  added(answer: Added | null): void;
  failed(thrown: unknown): void;
}

/** Stores all in one commit, except that each one with a cause has its own; they are handled like due signals. */
export async function insertArrivals(store: Pick<Store, 'commit'>, arrived: readonly Arrival[]): Promise<void> {
  const together = arrived.filter(({ cause }) => cause.length === 0);
  const changes = together.map(({ signal }): Change => ({ do: 'signal.insert', ...signal }));
  const { signals } = together.length === 0 ? { signals: [] } : await mustCommit(store, changes);
  for (const [index, { id }] of signals.entries()) together[index]?.added({ id, isSettled: false });
  for (const { signal, cause, added } of arrived) {
    if (cause.length === 0) continue;
    const commit = await store.commit([...cause, { do: 'signal.insert', ...signal }]);
    added(commit.status === 'lost' ? null : { id: commit.signals.at(-1)?.id ?? 0, isSettled: false });
  }
}
