/** The agents that a pause of the queue applies to. */
import type { PauseScope, QueuePause } from './rows.ts';

/** Whether a pause of that scope applies to this agent. */
export function covers(pause: PauseScope, { project, plan, title }: PauseScope): boolean {
  return (
    pause.project === project &&
    (pause.plan === '' || pause.plan === plan) &&
    (pause.title === '' || pause.title === title)
  );
}

/** The widest pause of a part of the queue that applies to this agent; null: none. */
export function pauseOf(pauses: readonly QueuePause[], agent: PauseScope): QueuePause | null {
  const [widest] = pauses
    .filter((pause) => covers(pause, agent))
    .toSorted((a, b) => a.plan.length - b.plan.length || a.title.length - b.title.length);
  return widest ?? null;
}
