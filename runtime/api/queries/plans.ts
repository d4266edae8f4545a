/** Queries about plans: lists, details and explanations. */

import { type PlanDetail, type PullView, planDetail, planSummary } from '../../../actors/plan-view.ts';
import { acceptedSignals, offersOf } from '../../../actors/refusal.ts';
import type { Tree } from '../../../actors/tree.ts';
import { EngineError, onOneLine, planNotFound, repoNotFound } from '../../../machines/vocabulary/errors.ts';
import { personName, planTree, repoTree, runName, supervisorTree } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { signals } from '../../../machines/vocabulary/signal.ts';
import { groupBy } from '../../base/platform/group-by.ts';
import { later } from '../../base/platform/later.ts';
import type { PlanKey } from '../../core/store/port.ts';
import type { EffectRow, PlanRow, RunRow, SignalRow } from '../../core/store/rows.ts';
import { attemptRef, readRefs } from '../../work/git/refs.ts';
import type { Repository } from '../../work/git/repository.ts';
import { gitFaults } from '../../work/git/troubles.ts';
import type {
  Explanation,
  HistoryEntry,
  OlderTask,
  PlanEntry,
  PlanReplay,
  PlanShow,
  PlanStates,
  Verification,
} from '../contract/plans.ts';
import type { PlanTrace } from '../contract/traces.ts';
import { baseRemoteOf } from './base-remote.ts';
import { machineNamed } from './chart.ts';
import { estimateOf } from './estimate.ts';
import { createFactView } from './facts.ts';
import { createKnownForges, isRequest, type KnownForges } from './known-forges.ts';
import { createPlanEntries } from './plan-entry.ts';
import { damagedShown, planShown, runList, runsBy, usageOfRun } from './plan-shown.ts';
import { planStates, type StatesQuestion } from './plan-states.ts';
import { type PointInTime, replayTo, treesForReplay } from './replay.ts';
import { slotsOnce } from './slots-look.ts';
import { timeText } from './time-text.ts';
import type { Verified } from './verify.ts';
import type { ViewDependencies } from './view-dependencies.ts';
import { hostsOnce, planPausedText, soundPlan, soundTree, unstartedOf, type WaitLook } from './waiting.ts';

const loadPlanTrace = later(() => import('./plan-trace.ts'));
const loadVerify = later(() => import('./verify.ts'));

/** A plan that is tried again for weeks has thousands of runs. */
const runsShown = 200;
/** How often a plan is read again if it is deleted and registered between two reads. */
const looks = 3;

interface PlanViewParts extends ViewDependencies, ReturnType<typeof createPlanEntries> {
  readonly forges: KnownForges;
  readonly historyEntry: ReturnType<typeof createFactView>['historyEntry'];
}

export function createPlanViews(given: ViewDependencies) {
  const { historyEntry } = createFactView(given);
  const forges = createKnownForges(given);
  const parts: PlanViewParts = { ...given, forges, historyEntry, ...createPlanEntries(given, forges) };
  const { store, cache } = parts;

  return {
    mustRead: (project: string, plan: string) => mustRead(parts, project, plan),
    /** Why the agents of a plan are not started, and the remedy; null: they are started. Throws `plan_not_found`. */
    async unstarted({ project, plan }: PlanKey): Promise<string | null> {
      if (parts.mayStart(project, plan)) return null;
      return unstartedOf(parts, await mustRead(parts, project, plan));
    },
    plans: (project: string | null) => plans(parts, project),
    /** Plans in kasmos's format. */
    async olderTasks(project: string): Promise<OlderTask[]> {
      const rows = await store.plans(project);
      return Promise.all(rows.map((row) => olderTask(parts, row)));
    },
    plan: (project: string, plan: string) => shownPlan(parts, project, plan),
    /** A plan as it was after a line of its journal. Throws `plan_not_found` and the errors of `replayTo`. */
    planReplay: (project: string, plan: string, moment: PointInTime) => planReplay(parts, project, plan, moment),
    /** Whether a plan matches its journal. Throws `plan_not_found`. */
    async verifyPlan({ project, plan }: PlanKey): Promise<Verification> {
      await mustRead(parts, project, plan);
      return verified(parts, planTree(project, plan));
    },
    /** Whether every tree of the store, one tree, or a sample, matches its journal. Throws `not_found`. */
    verify: (which: Verified) => verified(parts, which),
    async history(project: string, plan: string, after: number): Promise<HistoryEntry[]> {
      await mustRead(parts, project, plan);
      const tree = planTree(project, plan);
      // An earlier plan of that name has a journal of its own.
      const first = await store.firstLine(tree);
      const lines = await store.journal({ tree, after: Math.max(after, first - 1) });
      return Promise.all(lines.map(historyEntry));
    },
    /** Throws `plan_not_found`. Loaded at its first use: few ask for it. */
    async planTrace(project: string, plan: string): Promise<PlanTrace> {
      const row = await mustRead(parts, project, plan);
      const { planTrace } = await loadPlanTrace();
      return planTrace(parts, row);
    },
    /** The tree with the plan's actors of that machine. Throws `not_found` for a name that is no machine of ours, `plan_not_found`, and `snapshot_unknown` for a damaged tree. */
    async litTree(machine: string, project: string, plan: string): Promise<Tree | null> {
      machineNamed(machine);
      await mustRead(parts, project, plan);
      const address = machine === 'supervisor' ? supervisorTree : machine === 'repo' ? repoTree(project) : null;
      const tree = address === null ? await treeOrFault(parts, project, plan) : await soundTree(cache, address);
      if (tree instanceof EngineError) throw tree;
      return tree;
    },
    /** `at`: the state after that line of its journal; null: now. Throws `plan_not_found`. */
    async planStates(question: StatesQuestion): Promise<PlanStates> {
      const { project, plan } = question;
      await mustRead(parts, project, plan);
      return planStates(parts, await requiredTree(parts, project, plan), question);
    },
    explain: (project: string, plan: string) => explain(parts, project, plan),
  };
}

async function plans(parts: PlanViewParts, project: string | null): Promise<PlanEntry[]> {
  const slots = slotsOnce(parts);
  const ofProject = project === null ? {} : { project };
  // If a plan waits for slots, one agent gives the reason for all, unless some agents have an obstacle of their own.
  const readRuns = async () =>
    (await slots.hasExceptions())
      ? parts.store.runs({ by: 'latest', live: true, limit: Number.MAX_SAFE_INTEGER, ...ofProject })
      : parts.store.runs({ by: 'at-work', ...ofProject });
  const [rows, usage, kept, runs] = await Promise.all([
    parts.store.plans(project),
    parts.store.usageOfPlans(project),
    parts.store.effects({ by: 'waiting' }),
    readRuns(),
  ]);
  const usageByPlan = new Map(usage.map((line) => [planTree(line.project, line.plan), line]));
  const keptByTree = groupBy(kept, ({ tree }) => tree);
  const runsByPlan = groupBy(runs, (run) => planTree(run.project, run.plan));
  const look: WaitLook = {
    slots,
    hosts: hostsOnce(parts),
    runsOf: async (row) => runsByPlan.get(planTree(row.project, row.plan)) ?? [],
  };
  return Promise.all(
    rows.map((row) => {
      const tree = planTree(row.project, row.plan);
      const line = usageByPlan.get(tree);
      const usage = line === undefined ? [] : [line];
      return parts.planEntry(row, { usage, kept: keptByTree.get(tree) ?? [], look });
    }),
  );
}

async function olderTask({ cache }: PlanViewParts, row: PlanRow): Promise<OlderTask> {
  const tree = await soundPlan(cache, row);
  const request = tree === null ? null : planDetail(tree).pullRequest;
  return {
    filename: row.plan,
    status: row.status,
    execution_state: row.phase ?? '',
    branch: row.branch,
    pr_url: request?.url ?? '',
    review_cycle: row.reviewCycle,
    description: row.title ?? '',
    topic: row.topic ?? '',
  };
}

async function shownPlan(parts: PlanViewParts, project: string, plan: string): Promise<PlanShow> {
  const row = await mustRead(parts, project, plan);
  const tree = await treeOrFault(parts, project, plan);
  const found = await read(parts, row);
  if (tree instanceof EngineError) return damagedShown(row, tree, found);
  const detail = planDetail(tree);
  const shown = planShown(row, detail, found);
  return {
    ...shown,
    base_remote: await baseRemoteOf(parts, row),
    creating_pr: shown.creating_pr || (await willBeAsked(parts, { row, pull: detail.pull })),
    estimate: await estimate(parts, found.entry, detail, found.rows),
  };
}

async function planReplay(
  parts: PlanViewParts,
  project: string,
  plan: string,
  moment: PointInTime,
): Promise<PlanReplay> {
  const row = await mustRead(parts, project, plan);
  const { tree, line } = await replayTo(parts, planTree(project, plan), moment);
  const then = { ...row, ...planSummary(tree), faultSignal: null, updatedAt: line.at };
  const [content, all] = await Promise.all([parts.store.planText(project, plan), runRows(parts, row)]);
  const rows = runsBy(line.at, all);
  const usage = rows.map(usageOfRun);
  const entry = {
    ...(await parts.planEntry(then, { usage, kept: [], look: parts.lookAtOne() })),
    waiting_for: null,
    budget: [],
  };
  const shown = runList(rows, parts.home);
  const before = { entry, usage, content: content ?? '', runs: rows.length, shown, undone: [], setAside: [] };
  return { ...planShown(then, planDetail(tree), before), seq: line.seq, at: timeText(line.at) };
}

async function explain(parts: PlanViewParts, project: string, plan: string): Promise<Explanation> {
  const row = await mustRead(parts, project, plan);
  const tree = await requiredTree(parts, project, plan);
  const refused = await parts.store.lastRefused(planTree(project, plan));
  const { waiting_for: waiting } = await parts.planEntry(row, {
    usage: [],
    kept: await keptOf(parts, row),
    look: parts.lookAtOne(),
  });
  return {
    plan,
    status: row.status,
    waiting_for:
      waiting?.kind === 'paused'
        ? {
            ...waiting,
            detail: planPausedText(plan, pauserIn(await parts.store.signals({ project, plan }))),
          }
        : waiting,
    base: row.base,
    base_remote: await baseRemoteOf(parts, row),
    stack: planDetail(tree).pullRequest?.stack ?? [],
    accepts: await parts.forges.withForge(project, acceptedSignals(tree.root, parts.clock.nowMs())),
    events: await Promise.all(
      offersOf(tree.root, parts.clock.nowMs()).map(async ({ type, isTaken, guard }) => {
        const missing = isTaken && isRequest(type) ? await parts.forges.missingForge(project) : null;
        return {
          ...{ type, does: signals[type].does, accepted: isTaken && missing === null },
          why_not: isTaken ? missing : (guard ?? 'not in the states that it is in now'),
        };
      }),
    ),
    repo_troubles: [
      ...(parts.projects.isElsewhere(project) ? [] : gitFaults(parts.projects.find(project)?.path ?? '')),
      ...(await pushTroubles(parts, project)),
    ],
    engine_troubles: (parts.serviceTroubles?.() ?? []).map(({ text }) => text),
    refused_last: refused === null ? null : await parts.historyEntry(refused),
  };
}

/** The shown fields that come from the plan's rows alone. */
async function read(parts: PlanViewParts, row: PlanRow) {
  const { project, plan } = row;
  const [usage, content, runs, rows, undone] = await Promise.all([
    // Runs of an earlier plan of that name do not belong to this one.
    parts.store.usage(row, row.createdAt),
    parts.store.planText(project, plan),
    parts.store.countRuns(row),
    runRows(parts, row),
    leftUndone(parts, row),
  ]);
  return {
    entry: await parts.planEntry(row, { usage, kept: await keptOf(parts, row), look: parts.lookAtOne() }),
    usage,
    content: content ?? '',
    runs,
    rows,
    shown: runList(rows, parts.home),
    undone,
    setAside: await setAsideOf(rows, () => parts.projects.repository(project)),
  };
}

async function verified(parts: PlanViewParts, which: Verified): Promise<Verification> {
  const { verify } = await loadVerify();
  return verify({ store: parts.store, trees: treesForReplay(parts.kinds) }, which);
}

async function mustRead(parts: PlanViewParts, project: string, plan: string): Promise<PlanRow> {
  const row = await parts.store.plan(project, plan);
  if (row !== null && parts.projects.find(project) === null)
    throw repoNotFound(project, 'it was removed, and its plans are kept: stator repo add <path> brings them back');
  if (row !== null) return row;
  throw planNotFound(project, plan);
}

async function treeOrFault(parts: PlanViewParts, project: string, plan: string): Promise<Tree | EngineError> {
  return (await soundTree(parts.cache, planTree(project, plan))) ?? (await requiredTree(parts, project, plan));
}

async function requiredTree(parts: PlanViewParts, project: string, plan: string): Promise<Tree> {
  for (let look = 1; look <= looks; look += 1) {
    const entry = await parts.cache.get(planTree(project, plan));
    if (entry !== null) return entry.tree;
    // It may have been deleted since its row was read, and registered again since then.
    await mustRead(parts, project, plan);
  }
  throw new Error(`plan ${project}/${plan} has a row and no tree`);
}

/** The plan's failed effects that are tried again. */
function keptOf(parts: PlanViewParts, { project, plan }: PlanRow): Promise<readonly EffectRow[]> {
  return parts.store.effects({ by: 'waiting', tree: planTree(project, plan) });
}

function runRows(parts: PlanViewParts, { project, plan, createdAt }: PlanRow): Promise<readonly RunRow[]> {
  return parts.store.runs({ by: 'plan', project, plan, sinceMs: createdAt, limit: runsShown });
}

/** The person who paused a plan; null: nobody is named, or a `run` that was interrupted did it. `signals` has the newest first. */
function pauserIn(signals: readonly SignalRow[]): string | null {
  const last = signals.find(({ type, status }) => type === 'pause' && status === 'done');
  return personName(last?.origin ?? '');
}

/** The run waits for a permission, or for a service. */
function isAsking({ state, ended_at: endedAt }: RunRow): boolean {
  return state === 'waiting' && endedAt === null;
}

/** A done plan whose pull request the engine requests automatically, if a forge is configured. */
async function willBeAsked(
  parts: PlanViewParts,
  { row: { project, plan, status }, pull }: { readonly row: PlanRow; readonly pull: PullView },
): Promise<boolean> {
  const isWanted = status === 'done' && pull.isWanted && pull.refused === null;
  if (!isWanted || !parts.mayStart(project, plan)) return false;
  return (await parts.forges.missingForge(project)) === null;
}

/** Why the state from which other hosts would continue is not at the remote yet. */
async function pushTroubles({ store }: Pick<ViewDependencies, 'store'>, project: string): Promise<string[]> {
  const waiting = await store.effects({ by: 'waiting', tree: repoTree(project) });
  const [first] = waiting.filter(({ kind }) => kind === 'refs.push');
  if (first === undefined) return [];
  return [
    `its branches are not at the remote yet; a running engine pushes them again: ${onOneLine(first.error ?? '')}`,
  ];
}

async function leftUndone(
  { store }: Pick<ViewDependencies, 'store'>,
  { project, plan, createdAt }: PlanRow,
): Promise<string[]> {
  const effects = await store.effects({ by: 'undone', tree: planTree(project, plan), sinceMs: createdAt });
  return effects.map(({ kind, status, error }) => {
    const what = kind === 'work.undo' ? "a failed task's commits are not taken back" : 'a worktree is not removed';
    return `${what}${status === 'queued' ? '; a running engine tries it again' : ''}: ${onOneLine(error ?? 'no reason is known')}`;
  });
}

/** Also null while the duration depends on a person or on another program. */
async function estimate(
  { store, clock, limits }: ViewDependencies,
  { project, plan, phase, paused, blocked, waiting_for: waiting }: PlanEntry,
  { waves, timestamps, isolation, stopsAfterWaves }: PlanDetail,
  runs: readonly RunRow[],
): Promise<PlanShow['estimate']> {
  const isAtWork = phase === 'wave_running' && !paused && blocked === null && !runs.some(isAsking);
  if (!isAtWork || (waiting !== null && waiting.kind !== 'agent' && waiting.kind !== 'slot')) return null;
  if (stopsAfterWaves && waves.filter(({ status }) => status !== 'done').length > 1) return null;
  const busy = (await store.effects({ by: 'running' })).filter(({ lane }) => lane === 'worker');
  const others = busy.filter((row) => row.project !== project || row.plan !== plan);
  const { workers, workersPerRepo } = limits();
  const most = isolation === 'plan' ? 1 : Math.min(workers, workersPerRepo || workers);
  return estimateOf({
    plan,
    waves,
    runs,
    sinceMs: timestamps.implementing_at ?? 0,
    slots: { most, now: workers - others.length },
    nowMs: clock.nowMs(),
  });
}

/** Work of agents that could not be put on the plan's branches: a sentence for each attempt, the oldest first. Attempts whose refs were deleted are left out. */
async function setAsideOf(runs: readonly RunRow[], repository: () => Promise<Repository>): Promise<string[]> {
  const affected = runs.filter(({ reason }) => reason === 'set-aside');
  if (affected.length === 0) return [];
  const refsOf = ({ project, plan, run }: RunRow) => {
    const name = runName(project, plan, run);
    return [attemptRef(name), attemptRef(`${name}-aside`)];
  };
  const there = await thoseThere(affected.flatMap(refsOf), repository);
  return affected.flatMap((run) => {
    const kept = refsOf(run).filter((ref) => there.has(ref));
    if (kept.length === 0) return [];
    return [
      `attempt ${run.attempt} of ${run.title}, as its branch could not take it: git log -p ${kept.map(shellWord).join(' ')}`,
    ];
  });
}

/** If the repository does not answer now, all attempts are listed. */
async function thoseThere(refs: readonly string[], repository: () => Promise<Repository>): Promise<Set<string>> {
  try {
    const commits = await readRefs(await repository(), refs);
    return new Set(refs.filter((_, index) => commits[index] !== null));
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    return new Set(refs);
  }
}
