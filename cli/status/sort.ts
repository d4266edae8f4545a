/** Plans sorted by who acts next: a person, an agent, or not known yet. Pure. */

import { mostUsed } from '../../machines/vocabulary/budget.ts';
import { isUnderWay } from '../../machines/vocabulary/plan-status.ts';
import type {
  AccountEntry,
  ForgeEntry,
  InstanceEntry,
  PlanEntry,
  QueueStats,
  RepoEntry,
} from '../../runtime/api/client/client.ts';
import { groupBy } from '../../runtime/base/platform/group-by.ts';
import { usageOfAll } from '../usage-text.ts';

export interface Seen {
  readonly engine: boolean;
  readonly plans: readonly PlanEntry[];
  /** The agents of running plans. */
  readonly agents: readonly InstanceEntry[];
  readonly repos: readonly RepoEntry[];
  readonly warnings: readonly string[];
  readonly pauses: QueueStats['pauses'];
  readonly forges: readonly ForgeEntry[];
  /** The accounts with a rate limit in force, of all projects. */
  readonly accounts: readonly AccountEntry[];
}

/** The document that `status --json` prints. */
export interface Status {
  readonly engine: boolean;
  /** `plan`: null for a need of the repo itself. `do`: commands, the likeliest first. */
  readonly needs_you: readonly {
    readonly project: string;
    readonly plan: string | null;
    readonly status: string | null;
    readonly source: string;
    readonly why: string;
    readonly since: string | null;
    /** When an agent's permission question is denied automatically; null: only a person ends it. */
    readonly until: string | null;
    readonly do: readonly string[];
  }[];
  /** `retried`: the failed part that is being retried, and why; null: none. */
  readonly running: readonly (PlanState & {
    readonly agents: readonly RunningAgent[];
    readonly retried: { readonly why: string; readonly since: string | null } | null;
  })[];
  readonly waiting: readonly (PlanState & {
    readonly kind: string;
    readonly why: string;
    readonly since: string | null;
  })[];
  readonly counts: Readonly<Record<PlanEntry['status'], number>>;
  /** Done plans whose work is not in the target branch, the newest first. */
  readonly not_merged: readonly {
    readonly project: string;
    readonly plan: string;
    readonly landing: Exclude<NonNullable<PlanEntry['landing']>, 'merged'>;
  }[];
  /** The limit with the greatest used share among the running plans; null: none has a budget. */
  readonly budget: (PlanEntry['budget'][number] & { readonly project: string; readonly plan: string }) | null;
  /** The usage of all plans together. */
  readonly usage: PlanEntry['usage'];
  /** Settings that are less safe than their user may think, one line each. */
  readonly warnings: readonly string[];
  /** The paused parts of the queue, and which agents wait for them. */
  readonly pauses: QueueStats['pauses'];
  /** The repos' forges, with the outcome of the last request to each. */
  readonly forges: readonly ForgeEntry[];
  /** The accounts with a rate limit in force, of all projects. */
  readonly accounts: readonly AccountEntry[];
}

type PlanState = Pick<
  PlanEntry,
  'project' | 'plan' | 'status' | 'phase' | 'wave' | 'waves' | 'tasks_done' | 'tasks' | 'budget'
>;
type RunningAgent = Pick<
  InstanceEntry,
  'title' | 'role' | 'state' | 'attempt' | 'started_at' | 'exit_code' | 'last_line'
>;

type Need = Status['needs_you'][number];

export function statusOf(seen: Seen): Status {
  const needs: Need[] = seen.repos.flatMap(repoNeed);
  const running: Status['running'][number][] = [];
  const waiting: Status['waiting'][number][] = [];
  const live = groupBy(
    seen.agents.filter(({ live }) => live),
    nameOf,
  );
  for (const plan of seen.plans) {
    const agents = live.get(nameOf(plan)) ?? [];
    const { project, plan: name, status, turn, need, waiting_for: waits } = plan;
    if (need !== null) needs.push({ project, plan: name, status, ...need });
    // A merge of a plan that is done, or what a cancelled one leaves behind.
    const isLate = !isUnderWay(status) && waits !== null && need === null;
    if (!isUnderWay(status) && !isLate) continue;
    if (turn === 'agents' || agents.length > 0)
      running.push({ ...planState(plan), agents: agents.map(runningAgent), retried: retriedOf(plan) });
    else if (waits !== null && (turn === 'waiting' || isLate))
      waiting.push({ ...planState(plan), kind: waits.kind, why: waits.detail, since: waits.since });
  }
  const isSooner = (a: Need, b: Need) => (a.since ?? '').localeCompare(b.since ?? '');
  const counts = countsOf(seen.plans);
  const usage = usageOfAll(seen.plans.map((plan) => plan.usage));
  return {
    engine: seen.engine,
    needs_you: needs.toSorted(isSooner),
    running,
    waiting,
    counts,
    not_merged: notMerged(seen.plans),
    budget: tightestBudget(seen.plans.filter(({ status }) => isUnderWay(status))),
    usage,
    warnings: seen.warnings,
    pauses: seen.pauses,
    forges: seen.forges,
    accounts: seen.accounts,
  };
}

/** What stator itself tries again, even while agents work. */
const retriedKinds: ReadonlySet<string> = new Set(['repo', 'engine', 'retrying', 'back_off']);

/** The only waits that are shown while agents work. */
function retriedOf({ waiting_for: waits }: PlanEntry): Status['running'][number]['retried'] {
  return waits !== null && retriedKinds.has(waits.kind) ? { why: waits.detail, since: waits.since } : null;
}

function nameOf({ project, plan }: { project: string; plan: string }): string {
  return `${project}/${plan}`;
}

function repoNeed({ project, path, state, reason }: RepoEntry): Need[] {
  if (state !== 'degraded') return [];
  const why = reason ?? `the repo at ${path} cannot be used now`;
  return [{ project, plan: null, status: null, source: 'repo', why, since: null, until: null, do: ['stator doctor'] }];
}

function planState({ project, plan, status, phase, wave, waves, tasks_done, tasks, budget }: PlanEntry): PlanState {
  return { project, plan, status, phase, wave, waves, tasks_done, tasks, budget };
}

function runningAgent(agent: InstanceEntry): RunningAgent {
  const { title, role, state, attempt, started_at, exit_code, last_line } = agent;
  return { title, role, state, attempt, started_at, exit_code, last_line };
}

function notMerged(plans: readonly PlanEntry[]): Status['not_merged'] {
  return plans
    .toSorted((a, b) => b.updated_at.localeCompare(a.updated_at))
    .flatMap(({ project, plan, landing }) =>
      landing === null || landing === 'merged' ? [] : [{ project, plan, landing }],
    );
}

function tightestBudget(plans: readonly PlanEntry[]): Status['budget'] {
  const uses = plans.flatMap(({ project, plan, budget }) =>
    budget.map((use) => ({ ...use, title: null, project, plan })),
  );
  const most = mostUsed(uses);
  if (most === null) return null;
  const { title: _title, ...use } = most;
  return use;
}

function countsOf(plans: readonly PlanEntry[]): Status['counts'] {
  const counts = { ready: 0, planning: 0, implementing: 0, reviewing: 0, verifying: 0, done: 0, cancelled: 0 };
  for (const { status } of plans) counts[status] += 1;
  return counts;
}
