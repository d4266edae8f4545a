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

/** A life comes to each point at least so often, as its plan has six tasks. */
const rounds = [1, 2, 3, 4, 5, 6] as const;

/** Where in a life the round of a point is: the nth time; once in a life; or, at what every commit comes to, further and further into the plan. */
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
  // These plans drop no signal files, come from no intake, set nothing up, share no worktree, wait for no other, are not merged, land on nothing, and have no
  // hooks, no chat and no forge: the points of those have their own proof.
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
