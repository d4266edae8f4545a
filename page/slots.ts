/** Positions of agents in the list: a new agent takes the position of one that has ended, so that no other agent moves while a person reads. */
import { isQueued } from '../machines/vocabulary/run-state.ts';
import type { InstanceEntry } from '../runtime/api/contract/runs.ts';

export interface Slot {
  readonly agent: InstanceEntry;
  /** The agent has ended, and its position is free. */
  readonly isOver: boolean;
}

/** An agent that is queued has no position. */
export function nextSlots(before: readonly Slot[], live: readonly InstanceEntry[]): Slot[] {
  const there = new Map(live.filter((agent) => !isQueued(agent)).map((agent) => [agent.id, agent]));
  const slots = before.map(
    ({ agent }): Slot => ({ agent: there.get(agent.id) ?? agent, isOver: !there.has(agent.id) }),
  );
  for (const { agent } of slots) there.delete(agent.id);
  for (const agent of [...there.values()].sort((a, b) => a.id.localeCompare(b.id))) {
    const free = slots.findIndex(({ isOver }) => isOver);
    if (free < 0) slots.push({ agent, isOver: false });
    else slots[free] = { agent, isOver: false };
  }
  return slots;
}
