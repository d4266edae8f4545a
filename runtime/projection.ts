/** What people list of a plan and its runs, written once for each tree that a batch moved, in the batch's own transaction. */
import { planSummary } from '../actors/plan-view.ts';
import type { AgentStand } from '../actors/recorder.ts';
import type { Step } from '../actors/tree.ts';
import { type PlanTree, parseTree, type TreeAddress } from '../machines/ids.ts';
import { parsePlan } from '../machines/plan-document.ts';
import type { Signal } from '../machines/signal.ts';
import type { Store } from './store/store.ts';
import type { CachedTree } from './tree-cache.ts';

/** The last that a batch saw of a document and of each run of a plan. */
interface Seen {
  document: { content: string; isNew: boolean } | null;
  readonly agents: Map<string, AgentStand>;
}

export type Projection = ReturnType<typeof createProjection>;

export function createProjection(store: Store) {
  const seen = new Map<PlanTree, Seen>();

  return {
    note(address: TreeAddress, { inputs, agents }: Step): void {
      if (!isPlan(address)) return;
      const plan = seen.get(address) ?? { document: null, agents: new Map() };
      seen.set(address, plan);
      for (const { signal } of inputs) {
        if (signal.type !== 'plan_opened' && signal.type !== 'plan_updated') continue;
        const { content } = (signal as Signal<'plan_updated'>).payload; // both carry the document
        plan.document = { content, isNew: signal.type === 'plan_opened' || plan.document?.isNew === true };
      }
      for (const agent of agents) if (agent.context.run !== null) plan.agents.set(agent.context.run, agent);
    },
    /** Writes the plan's row where it would look different, and its runs'. True where its agents may start now and could not before, or the reverse. */
    write(address: TreeAddress, entry: CachedTree, at: number): boolean {
      const plan = isPlan(address) ? seen.get(address) : undefined;
      const key = parseTree(address);
      if (!isPlan(address) || plan === undefined || key.kind !== 'plan') return false;
      const summary = planSummary(entry.tree);
      const { document } = plan;
      if (document !== null) {
        const text = { content: document.content, goal: parsePlan(document.content).document.goal };
        if (document.isNew) store.plans.insert(key, text, summary, at);
        else store.plans.setContent(key, text);
      }
      for (const agent of plan.agents.values()) store.runs.stand(address, agent, at);
      const shown = JSON.stringify(summary);
      if (shown === entry.shown) return false;
      entry.shown = shown;
      store.plans.project(key, summary, at);
      return true;
    },
  };
}

function isPlan(address: TreeAddress): address is PlanTree {
  return address.startsWith('plan:');
}
