/** When to kill: at each fault point, and at times that a seed chooses. */
import { type FaultPoint, faultPoints } from '../../runtime/engine/engine.ts';
import type { Fault } from './crash.ts';
import type { Moment, Victim } from './crash-kills.ts';

/** Two of five kills hit the engine, one hits everything, one a wrapper, and one an agent. */
const victims: readonly Victim[] = ['engine', 'everything', 'wrapper', 'engine', 'agent'];
/** From before the engine is ready until well into a wave. */
const longestMs = 1_800;

export function momentsOf(random: () => number, count: number): Moment[] {
  return Array.from({ length: count }, (_, index) => ({
    victim: victims[index % victims.length] ?? 'engine',
    afterMs: random() * longestMs,
    which: random(),
  }));
}

/** A life reaches each point at least this often, because its plan has six tasks. */
const rounds = [1, 2, 3, 4, 5, 6] as const;

/**
 * The visit at which the point of a round is: the nth one; the only one of a life; or, for points of every commit, further and further into the plan.
 */
function nthOf(point: FaultPoint, round: number): number | null {
  if (point === 'engine.before-stop') return round === 1 ? 1 : null;
  return point.startsWith('store.') ? 3 * round - 2 : round;
}

/** Every point, in each round. */
export function everyPoint(): Fault[] {
  return rounds.flatMap(atEachPoint);
}

/** Every point, in one round. */
export function atEachPoint(round: number): Fault[] {
  // These plans use no signal files, intake, setup, shared worktree, dependency, merge, landing, hook, chat or forge: other tests kill at those
  // points.
  const reached = faultPoints.filter(
    (point) =>
      !/^(gateway|intake|gc|setup|undo|plan-merge|landing|members|plan-pull|plan-stack|pull-merge|branch-base|branch-refresh|hook|chat)\./.test(
        point,
      ),
  );
  return reached.flatMap((point) => {
    const nth = nthOf(point, round);
    return nth === null ? [] : [{ point, nth }];
  });
}
