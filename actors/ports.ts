/** The requests that bindings may make to the code that drives a tree. A step collects all of them, and they are stored together with the step. */
import type { Effect } from '../machines/vocabulary/effect.ts';
import type { TreeAddress } from '../machines/vocabulary/ids.ts';
import type { SignalPayload, SignalType } from '../machines/vocabulary/signal.ts';

/** Requests a later signal, which will carry this id. */
export interface TimerRequest {
  readonly id: string;
  readonly dueAt: number;
}

/** A run's processes must end; after `stopAt` they are killed. */
export interface StopRequest {
  readonly run: string;
  readonly stopAt: number;
}

/** A signal to another tree. */
export interface OutgoingSignal {
  readonly tree: TreeAddress;
  readonly type: string;
  readonly payload: object;
  /** The tree of a user-defined machine that sends it; absent: a tree of the engine. */
  readonly sender?: string;
  /** The request of that tree which it answers. */
  readonly run?: string;
}

export interface Ports {
  ask(effect: Effect): void;
  timer(request: TimerRequest): void;
  stop(request: StopRequest): void;
  /** The plan has another document, which is in no signal. */
  document(content: string): void;
  sendSignal<T extends SignalType>(tree: TreeAddress, type: T, payload: SignalPayload<T>): void;
  /** The same, where types and payloads are not known. */
  sendAny(signal: OutgoingSignal): void;
}

/** All requests of one step, in order. */
export interface Requests {
  effects: Effect[];
  timers: TimerRequest[];
  stops: StopRequest[];
  signals: OutgoingSignal[];
  /** Absent: the signals carry all inputs. */
  document?: string;
}
