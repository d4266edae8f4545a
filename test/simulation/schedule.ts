/**
 * Decides the order of events by a seed. Every caller of the store or the world waits at a gate, and the schedule decides who is next. Timers are
 * virtual, and time advances when nobody waits at a gate. So one seed always gives the same run.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createVirtualClock, type VirtualClock } from '../../runtime/engine/virtual-clock.ts';

/** The world and its people, who are never killed. */
export const world = 0;

interface Gate {
  readonly life: number;
  readonly what: string;
  /** Carries the call out, and notifies its caller, unless `isTold` is false. */
  pass(isTold: () => boolean): void;
}

export interface Schedule {
  readonly clock: VirtualClock;
  /** The engine whose call is carried out now. */
  readonly acting: () => number;
  /** Waits for its turn, then carries the call out; a caller that was killed meanwhile gets no answer. */
  gate<T>(life: number, what: string, work: () => T | Promise<T>): Promise<T>;
  /** No more of its calls are carried out or answered. */
  kill(life: number): void;
  isDead(life: number): boolean;
  /** Makes the next step; false: nobody waits, at a gate or for a time. */
  step(): Promise<boolean>;
  /** Whether nobody waits at a gate, so that only time can bring something new. */
  isIdle(): boolean;
  /** The engine is killed after its next call, and does not get the answer. */
  killAfterNext(life: number, died: () => void): void;
  /** Cancels such a planned kill. */
  spare(): void;
  readonly steps: () => number;
  readonly trace: readonly string[];
  random(): number;
}

/** The number of turns of Node's event loop after which a notified caller has reached a gate or a timer. */
const turnsToGate = 5;
/** Time may advance even while somebody waits, as with a slow store. */
const slowShare = 0.01;
/** Mostly in order, so that a run makes progress. */
const inOrderShare = 0.6;

export function createSchedule({ random, beginMs }: { random: () => number; beginMs: number }): Schedule {
  const clock = createVirtualClock(beginMs);
  const gates: Gate[] = [];
  const dead = new Set<number>();
  const trace: string[] = [];
  let acting = world;
  let steps = 0;
  let doomed: { readonly life: number; died(): void } | null = null;

  function kill(life: number): void {
    dead.add(life);
    for (let index = gates.length - 1; index >= 0; index -= 1) if (gates[index]?.life === life) gates.splice(index, 1);
  }

  function advance(): boolean {
    const at = clock.nextAt();
    if (at === null) return false;
    clock.advanceTo(at);
    return true;
  }

  function take(): Gate | undefined {
    const index = random() < inOrderShare ? 0 : Math.floor(random() * gates.length);
    return gates.splice(index, 1)[0];
  }

  return {
    clock,
    acting: () => acting,
    random,
    trace,
    steps: () => steps,
    kill,
    isDead: (life) => dead.has(life),
    isIdle: () => gates.length === 0,
    killAfterNext(life, died) {
      doomed = { life, died };
    },
    spare() {
      doomed = null;
    },
    gate(life, what, work) {
      return new Promise((resolve, reject) => {
        if (dead.has(life)) return;
        gates.push({
          life,
          what,
          pass(isTold) {
            const told =
              <V>(settle: (value: V) => void) =>
              (value: V) => {
                if (isTold()) settle(value);
              };
            Promise.resolve().then(work).then(told(resolve), told(reject));
          },
        });
      });
    },
    async step() {
      for (let turn = 0; gates.length === 0 && turn < turnsToGate; turn += 1) await nextTurn();
      if (gates.length === 0 || random() < slowShare) {
        if (!advance() && gates.length === 0) return false;
        await nextTurn();
        return true;
      }
      const gate = take();
      if (gate === undefined) return true;
      steps += 1;
      acting = gate.life;
      trace.push(`${clock.nowMs()} ${gate.life} ${gate.what}`);
      const dying = doomed?.life === gate.life ? doomed : null;
      gate.pass(() => dying === null && !dead.has(gate.life));
      if (dying !== null) {
        doomed = null;
        dying.died();
      }
      await nextTurn();
      acting = world;
      return true;
    },
  };
}

/** The timers, the clocks and the random numbers of this process are virtual until it ends. */
export async function virtually<T>(
  { clock, random, wallMs }: { clock: VirtualClock; random: () => number; wallMs: () => number },
  work: () => Promise<T>,
): Promise<T> {
  const real = { setTimeout, clearTimeout, random: Math.random, now: Date.now };
  const cancels = new WeakMap<object, () => void>();
  const set = (act: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) => {
    const timer = { unref: () => timer, ref: () => timer };
    cancels.set(
      timer,
      clock.after(Math.max(1, ms), () => act(...given)),
    );
    return timer;
  };
  const clear = (timer: unknown) => {
    if (typeof timer === 'object' && timer !== null) cancels.get(timer)?.();
  };
  Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
  Object.assign(Math, { random });
  Object.assign(Date, { now: wallMs });
  Object.defineProperty(performance, 'now', { value: clock.nowMs, configurable: true });
  try {
    return await work();
  } finally {
    Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout });
    Object.assign(Math, { random: real.random });
    Object.assign(Date, { now: real.now });
    Reflect.deleteProperty(performance, 'now');
  }
}
