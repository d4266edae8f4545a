/** The rows by which lists show a plan and its runs, written once for each tree that a batch moved, in the batch's own commit. */
import { isFailedStart, planSummary, summarySources } from '../../../actors/plan-view.ts';
import { type AgentSnapshot, tagged } from '../../../actors/recorder.ts';
import type { Step } from '../../../actors/tree.ts';
import { parsePlan } from '../../../machines/document/plan-document.ts';
import type { Reason } from '../../../machines/vocabulary/effect.ts';
import {
  draftNumber,
  effectKey,
  type PlanTree,
  parseTree,
  type TreeAddress,
} from '../../../machines/vocabulary/ids.ts';
import { originKind, type Signal } from '../../../machines/vocabulary/signal.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import type { Change, ChangeOf, PlanKey } from '../store/port.ts';
import type { TakenFile } from '../store/rows.ts';
import type { CachedTree } from './tree-cache.ts';

/** The latest document and runs of a plan that a batch has seen. */
interface Seen {
  document: { content: string; isNew: boolean; taken: TakenFile | null; author: string | null } | null;
  readonly agents: Map<string, AgentSnapshot>;
}

/** The rows that a step derives from a tree. */
export interface Shown {
  readonly changes: readonly Change[];
  /** The plan's agents may start now and could not before, or the reverse. */
  readonly isMoved: boolean;
}

export type Projection = ReturnType<typeof createProjection>;

const nothing: Shown = { changes: [], isMoved: false };

export function createProjection() {
  const seen = new Map<PlanTree, Seen>();

  return {
    note(address: TreeAddress, { inputs, agents, requests }: Step): void {
      if (!isPlan(address)) return;
      const plan = seen.get(address) ?? { document: null, agents: new Map() };
      seen.set(address, plan);
      for (const { signal } of inputs) {
        if (signal.type !== 'plan_opened' && signal.type !== 'plan_updated') continue;
        // One of several drafts: the plan's tree says which of them is its document.
        if (signal.run !== null && draftNumber(signal.run) !== null) continue;
        const { payload, origin } = signal as Signal<'plan_updated'>; // both signals have the document, and its file
        const { content, file, file_as: as = null } = payload;
        // An agent submits its own text, and no file of the plan.
        const isTaken = file != null && originKind(origin) !== 'agent';
        const taken = isTaken ? { file, digest: textDigest(content), as } : (plan.document?.taken ?? null);
        const author =
          signal.type === 'plan_opened'
            ? ((signal as Signal<'plan_opened'>).payload.author ?? null)
            : (plan.document?.author ?? null);
        const isNew = signal.type === 'plan_opened' || plan.document?.isNew === true;
        plan.document = { content, isNew, taken, author };
      }
      if (requests.document !== undefined)
        plan.document = { content: requests.document, isNew: false, taken: plan.document?.taken ?? null, author: null };
      for (const agent of agents) if (agent.context.run !== null) plan.agents.set(agent.context.run, agent);
    },
    /** The plan's row if it would look different, and the rows of its runs. */
    shownBy(address: TreeAddress, entry: CachedTree, at: number): Shown {
      const plan = isPlan(address) ? seen.get(address) : undefined;
      const key = parseTree(address);
      if (!isPlan(address) || plan === undefined || key.kind !== 'plan') return nothing;
      const { document } = plan;
      const changes: Change[] = [];
      for (const agent of plan.agents.values()) {
        const change = runShown(address, key, { agent, at, shown: entry.shownRuns });
        if (change !== null) changes.push(change);
      }
      const sources = summarySources(entry.tree);
      const isAsBefore =
        entry.shownOf !== null &&
        entry.shownOf.length === sources.length &&
        sources.every((source, index) => source === entry.shownOf?.[index]);
      if (document === null && isAsBefore) return { changes, isMoved: false };
      entry.shownOf = sources;
      const summary = planSummary(entry.tree);
      if (document !== null) {
        const { content, isNew, taken, author } = document;
        const text = { content, goal: parsePlan(content).document.goal, taken };
        changes.push(
          isNew ? { do: 'plan.insert', key, text, author, summary, at } : { do: 'plan.set-text', key, text },
        );
      }
      const shown = JSON.stringify(summary);
      if (shown === entry.shown) return { changes, isMoved: false };
      entry.shown = shown;
      changes.push({ do: 'plan.show', key, summary, at });
      return { changes, isMoved: true };
    },
  };
}

function isPlan(address: TreeAddress): address is PlanTree {
  return address.startsWith('plan:');
}

/** Why its last run ended badly; null: it has not ended, or ended well. */
function reasonOf({ tags, context }: AgentSnapshot): Reason | null {
  // Until a run has ended, the agent's reason is that of the earlier run.
  if (tags.has('run-over')) {
    // Ends that spend no attempt: the agent does not store these as a failure, though they ended the run.
    const waits = tagged(tags, 'waits:') as Reason | null; // the tag has the reason's name
    return waits ?? context.reason;
  }
  // It may be answered before its run has ended: then no tag shows how that run ended.
  return tags.has('run:stopping') && context.ending === 'decision' ? 'needs_decision' : null;
}

/** Runs whose last look is remembered, for one plan. */
const shownLimit = 256;

/** The changes of an agent in a step, for the row of its run; null: none. */
function runShown(
  tree: PlanTree,
  plan: PlanKey,
  { agent, at, shown }: { agent: AgentSnapshot; at: number; shown: Map<string, string> },
): ChangeOf<'run.show'> | null {
  const { tags, context } = agent;
  if (context.run === null) return null;
  const key = effectKey(tree, context.run);
  const ownState = tagged(tags, 'run:');
  if (ownState === null) throw new Error(`agent ${context.title} is in a state that says nothing in public`);
  const state = ownState === 'cancelled' && isFailedStart(context) ? 'failed' : ownState;
  const reason = reasonOf(agent);
  const shows = `${state} ${reason}`;
  if (shown.get(key) === shows) return null;
  if (shown.size > shownLimit) shown.clear();
  shown.set(key, shows);
  const { run, title, role, branch, failures } = context;
  const { project, plan: name } = plan;
  return {
    do: 'run.show',
    run: { key, project, plan: name, run, title, role, attempt: failures + 1, state, reason, branch },
    isNewest: state === 'queued',
    at,
  };
}
