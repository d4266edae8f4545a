/** How agents are told to rest: they are queued again, and no attempt is spent. */
import type { EffectRow } from '../store/rows.ts';
import type { Store } from '../store/sqlite/store.ts';

/** The runs of agents that are under way. */
export function agentsAtWork({ effects }: Pick<Store, 'effects'>): EffectRow[] {
  return effects.running().filter((row) => row.kind === 'agent.run');
}

/**
 * Tells the plans of these runs, all of them or none: one half of the words would leave a plan paused, or set one going that a person paused.
 * Throws as `store.write`.
 */
export function requeueAgents(store: Store, runs: () => readonly EffectRow[], nowMs: () => number): Promise<void> {
  return store.write(() => {
    const plans = new Map(runs().map((row) => [row.tree, row]));
    for (const [tree, { project, plan }] of plans) {
      // A pause tells them to rest; which of the two words comes last leaves the gate as it was.
      const isPaused = store.plans.read(project, plan)?.paused === true;
      for (const type of isPaused ? (['resume', 'pause'] as const) : (['pause', 'resume'] as const))
        store.signals.insert({ tree, type, payload: {}, origin: 'engine', at: nowMs() });
    }
  });
}
