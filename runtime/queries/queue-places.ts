/** Whose turn it is among those who wait for a slot, and what the slots are taken by, in words. */
import { inTurn } from '../outbox/fair-order.ts';
import type { Limits } from '../outbox/slots.ts';

interface Waiter {
  readonly id: number;
  readonly project: string;
  readonly priority: number;
}

/** The place of each in its lane by its id, from 1 on, in the order in which the dispatcher serves them. */
export function placesOf(waiters: readonly Waiter[], servedLast: string): ReadonlyMap<number, number> {
  const wanted = waiters.toSorted((a, b) => b.priority - a.priority || a.id - b.id);
  return new Map(inTurn(wanted, servedLast).map(({ id }, index) => [id, index + 1]));
}

/** `position 4 of 9, 3 of 3 agents busy: a-w1-t1 (12 min), …`, and where the repo's own limit is reached, that. */
export function slotText({
  place,
  waiting,
  busy,
  limit,
  busyHere,
  workersPerRepo,
}: {
  readonly place: number;
  /** How many wait in its lane. */
  readonly waiting: number;
  /** Who has a slot of the lane, in words. */
  readonly busy: readonly string[];
  readonly limit: number;
  /** Of these so many are of its repo. */
  readonly busyHere: number;
  /** 0: none, as in a lane without one. */
  readonly workersPerRepo: Limits['workersPerRepo'];
}): string {
  const names = busy.length === 0 ? '' : `: ${busy.join(', ')}`;
  const all = `position ${place} of ${waiting}, ${busy.length} of ${limit} agents busy${names}`;
  // Free slots that the repo itself may not take explain nothing.
  return workersPerRepo === 0 || busyHere < workersPerRepo
    ? all
    : `${all}; its repo has ${busyHere} of at most ${workersPerRepo} (max_agents_per_repo)`;
}

/** A slot's holder and for how long it has worked. */
export function holderText(title: string, sinceMs: number, nowMs: number): string {
  const minutes = Math.floor((nowMs - sinceMs) / 60_000);
  return `${title} (${minutes < 1 ? 'under a minute' : `${minutes} min`})`;
}
