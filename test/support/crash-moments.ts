/** When to kill: at each named point, and at moments that a seed decides. */
import { type FaultPoint, faultPoints } from '../../runtime/engine/engine.ts';
import type { Fault } from './crash.ts';
import type { Moment, Victim } from './crash-kills.ts';

/** Two of five take the engine alone, one everything at once, one a wrapper, one an agent. */
const victims: readonly Victim[] = ['engine', 'everything', 'wrapper', 'engine', 'agent'];
/** From before an engine is up to well into a wave. */
const longestMs = 1_800;

export function momentsOf(random: () => number, count: number): Moment[] {
  return Array.from({ length: count }, (_, index) => ({
    victim: victims[index % victims.length] ?? 'engine',
    afterMs: random() * longestMs,
    which: random(),
  }));
}

/** Points that an engine comes to once in its life; to each of the others at least once for every task. */
const onceInALife: readonly FaultPoint[] = ['engine.before-stop'];

/** Every point, as often as a plan of six tasks surely comes there. */
export function everyPoint(): Fault[] {
  // These plans drop no signal files, set nothing up, share no worktree and are not merged: the points of those have their own proof.
  const reached = faultPoints.filter((point) => !/^(gateway|setup|undo|plan-merge)\./.test(point));
  return reached.flatMap((point) =>
    (onceInALife.includes(point) ? [1] : [1, 2, 3, 4, 5, 6]).map((nth) => ({ point, nth })),
  );
}

/** Every point, the nth time in a life. */
export function atEachPoint(nth: number): Fault[] {
  return everyPoint().filter((fault) => fault.nth === nth);
}
