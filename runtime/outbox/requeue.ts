/** How agents are told to rest: they are queued again, and no attempt is spent. */
import type { Change, Store } from '../store/port.ts';
import type { EffectRow } from '../store/rows.ts';

/** The runs of agents that are under way. */
export async function agentsAtWork(store: Pick<Store, 'effects'>): Promise<EffectRow[]> {
  return (await store.effects({ by: 'running' })).filter((row) => row.kind === 'agent.run');
}

/**
 * Tells the plans of these runs, all of them or none: one half of the words would leave a plan paused, or set one going that a person paused.
 * Throws as the store does.
 */
export async function requeueAgents(
  store: Pick<Store, 'plan' | 'commit'>,
  runs: readonly EffectRow[],
  at: number,
): Promise<void> {
  const plans = new Map(runs.map((row) => [row.tree, row]));
  const words: Change[] = [];
  for (const [tree, { project, plan }] of plans) {
    // A pause tells them to rest; which of the two words comes last leaves the gate as it was.
    const isPaused = (await store.plan(project, plan))?.paused === true;
    for (const type of isPaused ? (['resume', 'pause'] as const) : (['pause', 'resume'] as const))
      words.push({ do: 'signal.insert', tree, type, payload: {}, origin: 'engine', at });
  }
  if (words.length > 0) await store.commit(words);
}
