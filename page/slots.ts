/** Places for agents: who begins takes the place of who has ended, so that nobody moves while one reads. */
import type { InstanceEntry } from '../runtime/api/contract/runs.ts';

export interface Slot {
  readonly agent: InstanceEntry;
  /** It has ended, and its place is free. */
  readonly isOver: boolean;
}

/** Who was never started, or waits for its next attempt, has no place. */
export function isQueued({ state }: InstanceEntry): boolean {
  return state === 'queued' || state === 'backing_off';
}

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
