/**
 * The interface of an effect's handler: it gets the request and its tools, and returns how the effect ended. Safe to run again after it stopped at any line.
 */

import type { Effect } from '../../../machines/vocabulary/effect.ts';
import type { SignalPayload, SignalType } from '../../../machines/vocabulary/signal.ts';
import type { Change } from '../store/port.ts';
import type { EffectRow } from '../store/rows.ts';

/** How an effect ended: the signal that its actor waits for, or none. */
export type Outcome =
  | { [K in SignalType]: { type: K; payload: SignalPayload<K> } }[SignalType]
  | { type: null }
  | Sent
  | Kept
  | Again;

/** An event that the handler of a user's machine sends to that machine. */
export interface Sent {
  readonly type: 'sent';
  readonly event: { readonly type: string; readonly payload: object };
}

/** No actor of a tree waits for it: the outcome is stored in its own row, in one commit with `changes`. */
export interface Kept {
  readonly type: 'kept';
  readonly status: 'done' | 'failed';
  readonly error: string | null;
  /** JSON. */
  readonly result: string;
  readonly changes: readonly Change[];
}

/** The effect must be repeated, not before that time. */
export interface Again {
  readonly type: 'again';
  readonly afterMs: number;
  readonly error: string;
  /** JSON. */
  readonly result: string;
  readonly changes: readonly Change[];
}

export interface EffectContext {
  readonly row: EffectRow;
  /** The engine stops: the handler ends and leaves the work as it is; the next owner continues. */
  readonly abort: AbortSignal;
  /** Aborted when the run must end. */
  readonly stop: AbortSignal;
  /** Aborts with `abort`, or with `stop` before the work began: then processes that were started for this effect end. */
  readonly over: AbortSignal;
  /**
   * The work is under way from here on. A fault of the environment after this leaves it in its slot, with its handler; before,
   * it goes back to the queue as if it had not been claimed. May be called twice.
   */
  began(): void;
  /** Sends the actor a signal about its run before the end; once for each `word`, however often the handler runs. */
  report<T extends SignalType>(word: string, type: T, payload: SignalPayload<T>): void;
  /** Sends the tree's root a signal that is about no run; in one order with the reports, and once for each `word`. */
  sendSignal<T extends SignalType>(word: string, type: T, payload: SignalPayload<T>): void;
  /** Sends the tree's root a signal of the run's agent in the name of that title; in one order with its other signals, and once for each `word`. */
  sendAs<T extends SignalType>(title: string, word: string, type: T, payload: SignalPayload<T>): void;
}

export type Handler<E extends Effect> = (effect: E, context: EffectContext) => Promise<Outcome>;
export type Handlers = { readonly [K in Effect['kind']]: Handler<Extract<Effect, { kind: K }>> };
