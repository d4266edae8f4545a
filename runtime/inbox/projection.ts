/** What people list of a plan and its runs, written once for each tree that a batch moved, in the batch's own transaction. */

import { planSummary, summarySources } from '../../actors/plan-view.ts';
import type { AgentSnapshot } from '../../actors/recorder.ts';
import type { Step } from '../../actors/tree.ts';
import { parsePlan } from '../../machines/document/plan-document.ts';
import { type PlanTree, parseTree, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import { originKind, type Signal } from '../../machines/vocabulary/signal.ts';
import { textDigest } from '../platform/text-digest.ts';
import type { TakenFile } from '../store/rows.ts';
import type { Store } from '../store/sqlite/store.ts';
import type { CachedTree } from './tree-cache.ts';

/** The last that a batch saw of a document and of each run of a plan. */
interface Seen {
  document: { content: string; isNew: boolean; taken: TakenFile | null } | null;
  readonly agents: Map<string, AgentSnapshot>;
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
        const { payload, origin } = signal as Signal<'plan_updated'>; // both carry the document, and the file that it is the text of
        const { content, file } = payload;
        // What an agent hands in is its own text, and no file of the plan's.
        const isTaken = file != null && originKind(origin) !== 'agent';
        const taken = isTaken ? { file, digest: textDigest(content) } : (plan.document?.taken ?? null);
        plan.document = { content, isNew: signal.type === 'plan_opened' || plan.document?.isNew === true, taken };
      }
      for (const agent of agents) if (agent.context.run !== null) plan.agents.set(agent.context.run, agent);
    },
    /** Writes the plan's row where it would look different, and its runs'. True where its agents may start now and could not before, or the reverse. */
    write(address: TreeAddress, entry: CachedTree, at: number): boolean {
      const plan = isPlan(address) ? seen.get(address) : undefined;
      const key = parseTree(address);
      if (!isPlan(address) || plan === undefined || key.kind !== 'plan') return false;
      const { document } = plan;
      for (const agent of plan.agents.values()) store.runs.stand(address, agent, at, entry.shownRuns);
      const sources = summarySources(entry.tree);
      const isAsBefore =
        entry.shownOf !== null &&
        entry.shownOf.length === sources.length &&
        sources.every((source, index) => source === entry.shownOf?.[index]);
      if (document === null && isAsBefore) return false;
      entry.shownOf = sources;
      const summary = planSummary(entry.tree);
      if (document !== null) {
        const text = { content: document.content, goal: parsePlan(document.content).document.goal };
        if (document.isNew) store.plans.insert(key, { ...text, taken: document.taken }, summary, at);
        else store.plans.setContent(key, { ...text, taken: document.taken });
      }
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
