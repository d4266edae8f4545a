/**
 * What happens next, by a seed. Whoever asks the store or the world for something waits at a gate, and the schedule decides whose turn it is. Timers are
 * virtual, and time goes on when nobody waits at a gate. So one seed is always the same run.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createVirtualClock, type VirtualClock } from '../../runtime/engine/virtual-clock.ts';

/** The world and the people in it: it never dies. */
export const world = 0;

interface Gate {
  readonly life: number;
  readonly what: string;
  /** Carries it out, and tells who waits; `isTold` false: nobody is told any more. */
  pass(isTold: () => boolean): void;
}

export interface Schedule {
  readonly clock: VirtualClock;
  /** Whose work is carried out now. */
  readonly acting: () => number;
  /** Waits for its turn, then carries it out; never answers one that is dead by then. */
  gate<T>(life: number, what: string, work: () => T | Promise<T>): Promise<T>;
  /** Nothing of it is carried out or answered any more. */
  kill(life: number): void;
  isDead(life: number): boolean;
  /** The next step; false: nobody waits, now or for a time. */
  step(): Promise<boolean>;
  /** Whether nobody waits at a gate, so that only time brings something new. */
  isIdle(): boolean;
  /** It dies with the next thing of it that is carried out, and hears nothing of it any more. */
  killAfterNext(life: number, died: () => void): void;
  /** Whoever was to die so lives. */
  spare(): void;
  readonly steps: () => number;
  readonly trace: readonly string[];
  random(): number;
}

/** Turns of Node's loop after which whoever was told something has come to a gate, or to a timer. */
const turnsToGate = 5;
/** Time also goes on while somebody waits: the store is slow. */
const slowShare = 0.01;
/** Mostly in order, so that a run gets somewhere. */
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
              <V>(tell: (value: V) => void) =>
              (value: V) => {
                if (isTold()) tell(value);
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

/** The timers and clocks of this process are virtual, and chance is the seed's, until it is over. */
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
