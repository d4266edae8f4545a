/** The places of agents that wait for a slot, and the text about the taken slots. */
import type { Lane } from '../../../machines/vocabulary/effect.ts';
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import { minutesText } from '../../../machines/vocabulary/time-text.ts';
import { inTurn } from '../../core/outbox/fair-order.ts';
import type { Limits } from '../../core/outbox/slots.ts';

/** A text names so many agents and counts the others: a thousand plans may wait for a hundred slots. */
export const namedAgents = 5;

interface Waiter {
  readonly id: number;
  readonly project: string;
  readonly priority: number;
}

/** The place of each agent in its lane by its id, from 1 on, in the dispatcher's order. */
export function placesOf(waiters: readonly Waiter[], servedLast: string): ReadonlyMap<number, number> {
  return new Map(inServingOrder(waiters, servedLast).map(({ id }, index) => [id, index + 1]));
}

/** The agents of a lane in the dispatcher's order. */
export function inServingOrder<Row extends Waiter>(waiters: readonly Row[], servedLast: string): Row[] {
  return inTurn(
    waiters.toSorted((a, b) => b.priority - a.priority || a.id - b.id),
    servedLast,
  );
}

/** A taken slot: the agent's title and its time, as text. */
export interface Holder {
  readonly project: string;
  readonly text: string;
}

/**
 * `position 4 of 9, 3 of 3 agents busy: a-w1-t1 (12 min), …`, or, if the repo's own limit is reached, a text about that. Agents of several repos are named
 * with their repo, because plans of the same name have agents of the same title. The agent that is next for a free slot gets that text, and no place.
 */
export function slotText({
  project,
  place,
  waiting,
  busy,
  lane,
  limits,
}: {
  readonly project: string;
  readonly place: number;
  /** The number of waiting agents in its lane. */
  readonly waiting: number;
  readonly busy: readonly Holder[];
  readonly lane: Lane;
  readonly limits: Limits;
}): string {
  const limit = lane === 'worker' ? limits.workers : limits.coordinators;
  const workersPerRepo = lane === 'worker' ? limits.workersPerRepo : 0;
  const isMixed = busy.some((holder) => holder.project !== project);
  const names = shortList(
    busy.map((holder) => (isMixed ? `${holder.project}/${holder.text}` : holder.text)),
    namedAgents,
  );
  const taken = `${busy.length} of ${limit} agents busy${names === '' ? '' : `: ${names}`}`;
  const busyHere = busy.filter((holder) => holder.project === project).length;
  if (workersPerRepo > 0 && busyHere >= workersPerRepo)
    return `position ${place} of ${waiting}, ${taken}; its repo has ${busyHere} of at most ${workersPerRepo} (max_agents_per_repo)`;
  const isNext = place <= limit - busy.length;
  return isNext ? `a slot is free for it, so it starts next; ${taken}` : `position ${place} of ${waiting}, ${taken}`;
}

/** A slot's agent, and how long it has worked. */
export function holderText(title: string, sinceMs: number, nowMs: number): string {
  return `${title} (${minutesText(nowMs - sinceMs)})`;
}
