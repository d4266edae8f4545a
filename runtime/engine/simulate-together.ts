/** Simulates several plans of one repo at the same time: which plan gets which agents, when each is done, and when each lands in the line of its branch. */
import type { PlanDocument } from '../../machines/document/plan-document.ts';
import { planBranch } from '../../machines/vocabulary/ids.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';
import {
  assumedCheckMs,
  checkSimulation,
  defaultAgents,
  defaultCoordinators,
  mustParse,
  pastCost,
  peakOf,
  type SimulateOptions,
  scriptOf,
  sumOf,
  tasksOf,
} from './simulate.ts';
import { createPlayer, type PlayedPlan } from './simulated-engine.ts';

/** The input of such a simulation; `durations.check` is the time of each landing's check. */
export interface SimulateTogetherOptions extends Omit<SimulateOptions, 'content' | 'name' | 'runs'> {
  /** Names and documents. A plan that another one names in `After` is waited for; any other plan counts as done. */
  readonly plans: readonly { readonly name: string; readonly content: string }[];
  /** `[landing]` of the repo. Default: no check, one at a time. */
  readonly landing?: { readonly hasCheck: boolean; readonly batch: number };
}

/** The result for several plans. Times count from their common start, in ms. */
export interface SimulationTogether {
  /** In the order in which they land; those that do not land come last. */
  readonly plans: readonly {
    readonly plan: string;
    readonly status: PlayedPlan['status'];
    readonly done_ms: number | null;
    readonly landed_ms: number | null;
    /** Why it waits for a person; null: it does not. */
    readonly blocked: string | null;
  }[];
  readonly duration_ms: number;
  /** How many workers may run at a time. */
  readonly agents: number;
  readonly peak_agents: number;
  /** How long the check of each landing takes; null: there is none. */
  readonly check_ms: number | null;
  /** As for one plan. */
  readonly cost_usd: number | null;
}

/** Throws as `simulate`. */
export async function simulateTogether(options: SimulateTogetherOptions): Promise<SimulationTogether> {
  const { plans, policy = defaultPolicy, coordinators = defaultCoordinators, durations = {} } = options;
  const documents = new Map(plans.map(({ name, content }) => [planBranch(name), mustParse(content)]));
  checkSimulation(options, [...[...documents.values()].flatMap(tasksOf), 'check']);
  const asked = options.agents ?? defaultAgents;
  const agents = Math.min(asked, options.agentsPerRepo ?? asked);
  const { hasCheck = false, batch = 1 } = options.landing ?? {};
  const { fromMs, toMs } = durations.check ?? { fromMs: assumedCheckMs, toMs: assumedCheckMs };
  const checkMs = hasCheck || durations.check !== undefined ? Math.round((fromMs + toMs) / 2) : null;
  const mustHave = (branch: string): PlanDocument => {
    const document = documents.get(branch);
    if (document === undefined) throw new Error(`an agent works on ${branch}, which is of no simulated plan`);
    return document;
  };
  const own = new Set(plans.map(({ name }) => name));
  const played = await createPlayer().playTogether({
    after: [...documents.values()].flatMap(({ after }) => after).filter((name) => !own.has(name)),
    // The forge's conditions are not known, so each plan lands as soon as it is done.
    policy: { ...policy, auto_merge: false, landing_auto: true, landing_by: 'git' },
    limits: { workers: agents, workersPerRepo: 0, coordinators },
    script: scriptOf(options, ({ place }) => mustHave(place.from), 0),
    plans: plans.map(({ name, content }) => ({ plan: name, content, topic: mustHave(planBranch(name)).topic })),
    landing: { batch, checkMs: checkMs ?? 0 },
  });
  const last = Number.POSITIVE_INFINITY;
  return {
    plans: played.plans
      .toSorted((a, b) => (a.landedMs ?? last) - (b.landedMs ?? last))
      .map(({ plan, status, doneMs, landedMs, blocked }) => ({
        ...{ plan, status, blocked },
        ...{ done_ms: doneMs, landed_ms: landedMs },
      })),
    duration_ms: played.durationMs,
    agents,
    peak_agents: peakOf(played.runs),
    check_ms: checkMs,
    cost_usd: sumOf(played.runs.map(({ role }) => pastCost(options.past, role))),
  };
}
