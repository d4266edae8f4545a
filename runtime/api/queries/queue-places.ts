/** Whose turn it is among those who wait for a slot, and what the slots are taken by, in words. */
import { minutesText } from '../../../machines/vocabulary/time-text.ts';
import { inTurn } from '../../core/outbox/fair-order.ts';
import type { Limits } from '../../core/outbox/slots.ts';

interface Waiter {
  readonly id: number;
  readonly project: string;
  readonly priority: number;
}

/** The place of each in its lane by its id, from 1 on, in the order in which the dispatcher serves them. */
export function placesOf(waiters: readonly Waiter[], servedLast: string): ReadonlyMap<number, number> {
  return new Map(inServingOrder(waiters, servedLast).map(({ id }, index) => [id, index + 1]));
}

/** In the order in which the dispatcher serves those of a lane. */
export function inServingOrder<Row extends Waiter>(waiters: readonly Row[], servedLast: string): Row[] {
  return inTurn(
    waiters.toSorted((a, b) => b.priority - a.priority || a.id - b.id),
    servedLast,
  );
}

/** Who has a slot, by title, and for how long, in words. */
export interface Holder {
  readonly project: string;
  readonly text: string;
}

/**
 * `position 4 of 9, 3 of 3 agents busy: a-w1-t1 (12 min), …`, and where the repo's own limit is reached, that. Agents of several repos are named with theirs:
 * plans of one name have agents of one title. Whoever is next for a slot that is free is told that, and no place in a queue.
 */
export function slotText({
  project,
  place,
  waiting,
  busy,
  limit,
  workersPerRepo,
}: {
  readonly project: string;
  readonly place: number;
  /** How many wait in its lane. */
  readonly waiting: number;
  readonly busy: readonly Holder[];
  readonly limit: number;
  /** 0: none, as in a lane without one. */
  readonly workersPerRepo: Limits['workersPerRepo'];
}): string {
  const isMixed = busy.some((holder) => holder.project !== project);
  const names = busy.map((holder) => (isMixed ? `${holder.project}/${holder.text}` : holder.text)).join(', ');
  const taken = `${busy.length} of ${limit} agents busy${names === '' ? '' : `: ${names}`}`;
  const busyHere = busy.filter((holder) => holder.project === project).length;
  if (workersPerRepo > 0 && busyHere >= workersPerRepo)
    return `position ${place} of ${waiting}, ${taken}; its repo has ${busyHere} of at most ${workersPerRepo} (max_agents_per_repo)`;
  const isNext = place <= limit - busy.length;
  return isNext ? `a slot is free for it, so it starts next; ${taken}` : `position ${place} of ${waiting}, ${taken}`;
}

/** A slot's holder and for how long it has worked. */
export function holderText(title: string, sinceMs: number, nowMs: number): string {
  return `${title} (${minutesText(nowMs - sinceMs)})`;
}
