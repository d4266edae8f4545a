/** Stops running agents and queues them again; no attempt is spent. */
import type { Change, Store } from '../store/port.ts';
import type { EffectRow } from '../store/rows.ts';

/** The runs of agents that are under way on this host, of all repos or of that project. */
export async function agentsAtWork(store: Pick<Store, 'effects' | 'hosts'>, project?: string): Promise<EffectRow[]> {
  const host = store.hosts?.own;
  const running = await store.effects({ by: 'running', ...(host === undefined ? {} : { host }) });
  return running.filter((row) => row.kind === 'agent.run' && (project === undefined || row.project === project));
}

/** Sends the signal to the plans of these runs, all of them or none; a plan that a person pauses or resumes meanwhile is not changed. Throws as the store does. */
export async function requeueAgents(
  store: Pick<Store, 'commit'>,
  runs: readonly EffectRow[],
  at: number,
): Promise<void> {
  const signals = [...new Set(runs.map(({ tree }) => tree))].map(
    (tree): Change => ({
      do: 'signal.insert',
      tree,
      type: 'agents_requeued',
      payload: {},
      origin: 'engine',
      at,
    }),
  );
  if (signals.length > 0) await store.commit(signals);
}
