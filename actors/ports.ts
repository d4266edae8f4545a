/** What bindings may ask of whoever drives a tree. Everything is collected during a step and stored when the step is. */
import type { Effect } from '../machines/vocabulary/effect.ts';
import type { TreeAddress } from '../machines/vocabulary/ids.ts';
import type { SignalPayload, SignalType } from '../machines/vocabulary/signal.ts';

/** A wish for a later signal; the id is the wish that the signal will be about. */
export interface TimerWish {
  readonly id: string;
  readonly dueAt: number;
}

/** A run's processes are to be gone; from `stopAt` on they are made to go. */
export interface StopWish {
  readonly run: string;
  readonly stopAt: number;
}

/** A signal to another tree. */
export interface Tell<T extends SignalType = SignalType> {
  readonly tree: TreeAddress;
  readonly type: T;
  readonly payload: SignalPayload<T>;
}

export interface Ports {
  ask(effect: Effect): void;
  timer(wish: TimerWish): void;
  stop(wish: StopWish): void;
  tell<T extends SignalType>(tree: TreeAddress, type: T, payload: SignalPayload<T>): void;
}

/** The id that a machine gave a wish before it asked. Without one the machine is wrong: throws a plain Error, and the step is thrown away. */
export function idOf(id: string | null): string {
  if (id === null) throw new Error('a machine asked for something before it gave the wish an id');
  return id;
}

/** Everything that one step asked for, in the order of asking. */
export interface Wishes {
  effects: Effect[];
  timers: TimerWish[];
  stops: StopWish[];
  tells: Tell[];
}

export function noWishes(): Wishes {
  return { effects: [], timers: [], stops: [], tells: [] };
}

/** Ports that write into whatever `current` returns: the wishes of the step that is under way. */
export function portsInto(current: () => Wishes): Ports {
  return {
    ask: (effect) => void current().effects.push(effect),
    timer: (wish) => void current().timers.push(wish),
    stop: (wish) => void current().stops.push(wish),
    tell: (tree, type, payload) => void current().tells.push({ tree, type, payload } as Tell), // type and payload belong together by the signature
  };
}
