/** What the house looks like to those who ask: read from rows and live trees, never changing either. */
import { snapshotOf } from '../actors/addressee.ts';
import { lifecycleState, planDetail } from '../actors/plan-view.ts';
import { stateText } from '../actors/recorder.ts';
import { acceptsOf, type Refusal } from '../actors/refusal.ts';
import type { Tree } from '../actors/tree.ts';
import type { AgentRun, Reason } from '../machines/effect.ts';
import { EngineError } from '../machines/errors.ts';
import { parseTree, planTree, repoTree } from '../machines/ids.ts';
import type { TimestampName } from '../machines/plan-context.ts';
import type { RepoContext } from '../machines/repo.ts';
import { obstacleOf } from '../machines/repo.ts';
import { lastActivityMs } from './agents/liveness.ts';
import { safeText, tailOf } from './agents/output-log.ts';
import { runFolderAt } from './agents/run-folder.ts';
import type { Clock } from './clock.ts';
import type {
  Explanation,
  FactEntry,
  HistoryEntry,
  InstanceEntry,
  PlanEntry,
  PlanShow,
  QueueEntry,
  RepoEntry,
  SignalAnswer,
  SignalEntry,
  Waiting,
} from './control/shapes.ts';
import { runIdOf } from './effects/workplace.ts';
import type { Limits } from './lanes.ts';
import type { EffectRow } from './store/effects.ts';
import type { JournalLine } from './store/journal.ts';
import type { PlanRow } from './store/plans.ts';
import type { RunRow } from './store/runs.ts';
import type { SignalFilter, SignalRow } from './store/signals.ts';
import type { Store } from './store/store.ts';
import type { TreeCache } from './tree-cache.ts';

export interface ViewParts {
  readonly home: string;
  readonly store: Store;
  readonly cache: TreeCache;
  readonly clock: Clock;
  limits(): Limits;
  /** Whether agents of that plan are started at all by who asks. */
  mayStart(project: string, plan: string): boolean;
}

export type Views = ReturnType<typeof createViews>;

const lineLimit = 200;
const lineTailBytes = 2_048;
/** Runs that a queue shows. */
const queueLimit = 500;
const activeStates = new Set(['queued', 'starting', 'running', 'waiting', 'paused', 'stopping', 'backing_off']);

/** An engine of a `run` starts the plans that a `run` watches, and without an engine nobody starts any. */
const unstartedText = 'no engine starts its agents now; start one with: stator run <plan.md>, or stator daemon start';

export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : timeText(ms);
}

export function createViews(parts: ViewParts) {
  const { store, cache, clock } = parts;

  function mustRead(project: string, plan: string): PlanRow {
    const row = store.plans.read(project, plan);
    if (row !== null) return row;
    throw new EngineError(
      'plan_not_found',
      `plan not found: ${project}/${plan}`,
      'see the plans with: stator plan list',
    );
  }

  function mustTree(project: string, plan: string) {
    const entry = cache.get(planTree(project, plan));
    if (entry === null) throw new Error(`plan ${project}/${plan} has a row and no tree`);
    return entry.tree;
  }

  function soundTree(project: string, plan: string): Tree | EngineError {
    try {
      return mustTree(project, plan);
    } catch (thrown) {
      if (thrown instanceof EngineError) return thrown;
      throw thrown;
    }
  }

  /** One repo whose stored state cannot be read hides no other. */
  function repoState(project: string): string {
    try {
      const entry = cache.get(repoTree(project));
      return entry === null ? 'registered' : stateText(snapshotOf(entry.tree.root).value);
    } catch (thrown) {
      if (thrown instanceof EngineError) return 'degraded';
      throw thrown;
    }
  }

  /** A plan whose stored state cannot be read shows what its row says, and why there is no more. */
  function damagedPlan(row: PlanRow, { message, hint }: EngineError): PlanShow {
    const entry = planEntry(row);
    const fault = { reason: `${message}; ${hint}`, source: 'fault' as const, at: timeText(row.updatedAt) };
    return {
      ...entry,
      blocked: entry.blocked ?? fault,
      title: row.title,
      goal: row.goal,
      content: store.plans.content(row.project, row.plan) ?? '',
      tasks_by_wave: [],
      pull_request: null,
      timestamps: {},
    };
  }

  function planEntry(row: PlanRow): PlanEntry {
    const blocked =
      row.faultSignal === null
        ? row.blocked
        : {
            reason: `signal ${row.faultSignal} could not be handled; see: stator signal show ${row.faultSignal}`,
            source: 'fault' as const,
            at: row.updatedAt,
          };
    return {
      project: row.project,
      plan: row.plan,
      status: row.status,
      phase: row.phase,
      blocked: blocked === null ? null : { ...blocked, at: timeText(blocked.at) },
      wave: row.wave,
      waves: row.waves,
      tasks_done: row.tasksDone,
      tasks: row.tasks,
      branch: row.branch,
      topic: row.topic,
      review_cycle: row.reviewCycle,
      paused: row.paused,
      waiting_for: waitingFor(row, blocked),
      updated_at: timeText(row.updatedAt),
    };
  }

  /** What a plan waits for, the nearest reason first; null: it is at rest. */
  function waitingFor(row: PlanRow, blocked: { reason: string; at: number } | null): Waiting | null {
    const since = timeText(row.updatedAt);
    if (blocked !== null) {
      const detail = `${blocked.reason}\nanswer with: stator plan resolve ${row.plan} "<answer>"`;
      return { kind: 'decision', detail, since: timeText(blocked.at) };
    }
    if (row.status === 'ready' || row.status === 'done' || row.status === 'cancelled') return null;
    if (row.paused)
      return { kind: 'paused', detail: `a person paused it; go on with: stator plan resume ${row.plan}`, since };
    if (row.phase === 'wave_waiting') {
      return {
        kind: 'wave_confirmation',
        detail: `wave ${row.wave} is over: retry-wave, advance-wave or cancel`,
        since,
      };
    }
    const runs = store.runs
      .latest({ project: row.project, plan: row.plan })
      .filter((run) => activeStates.has(run.state));
    return runs.length > 0 ? waitingForAgents(row, runs) : waitingForGrant(row, since);
  }

  function waitingForAgents({ project, plan }: PlanRow, runs: RunRow[]): Waiting {
    const [first] = runs;
    const since = timeOrNull(first?.started_at ?? first?.queued_at ?? null);
    const working = runs.filter((run) => ['starting', 'running', 'stopping', 'paused'].includes(run.state));
    if (working.length > 0) return { kind: 'agent', detail: working.map(runText).join(', '), since };
    const limited = runs.find((run) => run.state === 'waiting');
    if (limited !== undefined) return { kind: 'rate_limit', detail: `${limited.title} waits`, since };
    if (runs.every((run) => run.state === 'backing_off')) {
      return {
        kind: 'back_off',
        detail: runs.map((run) => `${run.title} after ${run.reason ?? 'a failed attempt'}`).join(', '),
        since,
      };
    }
    return { kind: 'slot', detail: parts.mayStart(project, plan) ? slotText(runs) : unstartedText, since };
  }

  function runText(run: RunRow): string {
    const minutes = Math.floor((clock.nowMs() - (run.started_at ?? run.queued_at)) / 60_000);
    return `${run.title} (${minutes < 1 ? 'under a minute' : `${minutes} min`})`;
  }

  function slotText(runs: RunRow[]): string {
    const open = store.effects.open().filter((row) => row.kind === 'agent.run');
    const lane = open.find((row) => runs.some((run) => run.key === row.key))?.lane ?? 'worker';
    const queued = open.filter((row) => row.lane === lane && row.status === 'queued');
    const busy = open.filter((row) => row.lane === lane && row.status === 'running');
    const position = queued.findIndex((row) => runs.some((run) => run.key === row.key)) + 1;
    const limits = parts.limits();
    const limit = lane === 'worker' ? limits.workers : limits.coordinators;
    const names = busy.map((row) =>
      runText(
        store.runs.read(row.key) ??
          ({ title: row.wish, started_at: row.started_at, queued_at: row.created_at } as RunRow),
      ),
    ); // only these three are read
    return `position ${position} of ${queued.length}, ${busy.length} of ${limit} agents busy${names.length === 0 ? '' : `: ${names.join(', ')}`}`;
  }

  function waitingForGrant(row: PlanRow, since: string): Waiting | null {
    const entry = cache.get(repoTree(row.project));
    if (entry === null) return { kind: 'repo', detail: `repo ${row.project} is not registered`, since };
    const snapshot = snapshotOf(entry.tree.root);
    const context = snapshot.context as RepoContext; // a repo tree's context
    const applicant = context.waiting.find((waiting) => waiting.plan === row.plan);
    if (applicant === undefined) return null;
    const state = stateText(snapshot.value);
    if (state !== 'active')
      return {
        kind: 'repo',
        detail: context.degraded ?? `repo ${row.project} is ${state}`,
        since: timeText(applicant.since),
      };
    const obstacle = obstacleOf(context, applicant);
    return obstacle === null ? null : { ...obstacle, since: timeText(applicant.since) };
  }

  function historyEntry({
    seq,
    at,
    signal,
    origin,
    actor,
    event,
    from,
    to,
    effects,
    refused,
  }: JournalLine): HistoryEntry {
    return {
      seq,
      at: timeText(at),
      signal,
      origin,
      actor,
      event,
      from,
      to,
      effects,
      refused: refused as Refusal | null,
    }; // written from a Refusal
  }

  function instanceEntry(row: RunRow): InstanceEntry {
    const folder =
      row.folder === null
        ? null
        : runFolderAt(
            row.folder.slice(0, row.folder.lastIndexOf('/')),
            row.folder.slice(row.folder.lastIndexOf('/') + 1),
          );
    const activity = folder === null ? 0 : lastActivityMs(folder);
    return {
      title: row.title,
      project: row.project,
      plan: row.plan,
      role: row.role,
      state: row.state as InstanceEntry['state'], // written from the machine's states
      run: runIdOf(parts.home, row.key),
      pid: row.pid,
      attempt: row.attempt,
      worktree: row.worktree,
      branch: row.branch,
      started_at: timeOrNull(row.started_at),
      last_activity_at: activity === 0 ? null : timeText(activity),
      exit_code: row.exit_code,
      reason: row.reason as Reason | null, // written from the machine's reasons
      log: folder?.log ?? null,
      last_line: folder === null ? null : lastLine(safeText(tailOf(folder, lineTailBytes))),
    };
  }

  function queueEntry(row: EffectRow, position: number | null): QueueEntry {
    const run = store.runs.read(row.key);
    const effect = JSON.parse(row.payload) as AgentRun; // rows of this kind hold nothing else
    return {
      id: row.id,
      project: row.project,
      plan: row.plan,
      title: effect.title,
      state: queueState(row, run),
      position,
      attempts: effect.attempt,
      error: run?.reason ?? row.error,
      queued_at: timeText(row.created_at),
      started_at: timeOrNull(row.started_at),
      finished_at: timeOrNull(row.finished_at),
    };
  }

  function signalEntry(row: SignalRow): SignalEntry {
    return {
      id: row.id,
      project: row.project,
      plan: row.plan,
      type: row.type,
      payload: jsonOrText(row.payload),
      origin: row.origin,
      status: row.status,
      attempts: row.attempts,
      result: row.result === null ? null : jsonOrText(row.result),
      dedupe_key: row.dedupe_key,
      created_at: timeText(row.created_at),
      deliver_at: row.deliver_at === 0 ? null : timeText(row.deliver_at),
      processed_at: timeOrNull(row.processed_at),
    };
  }

  return {
    mustRead,
    plans: (project: string | null): PlanEntry[] => store.plans.list(project).map(planEntry),
    plan(project: string, plan: string): PlanShow {
      const row = mustRead(project, plan);
      const tree = soundTree(project, plan);
      if (tree instanceof EngineError) return damagedPlan(row, tree);
      const detail = planDetail(tree);
      const stamps = Object.entries(detail.timestamps) as [TimestampName, number][]; // a partial record of exactly these
      return {
        ...planEntry(row),
        title: row.title,
        goal: row.goal,
        content: store.plans.content(project, plan) ?? '',
        tasks_by_wave: detail.waves,
        pull_request: detail.pullRequest,
        timestamps: Object.fromEntries(stamps.map(([name, at]) => [name, timeText(at)])),
      };
    },
    history(project: string, plan: string, after: number): HistoryEntry[] {
      mustRead(project, plan);
      return store.journal.ofTree(planTree(project, plan), after).map(historyEntry);
    },
    explain(project: string, plan: string): Explanation {
      const row = mustRead(project, plan);
      const tree = mustTree(project, plan);
      const refused = store.journal.lastRefused(planTree(project, plan));
      return {
        plan,
        status: row.status,
        waiting_for: planEntry(row).waiting_for,
        accepts: acceptsOf(tree.root, clock.nowMs()),
        refused_last: refused === null ? null : historyEntry(refused),
      };
    },
    state: (project: string, plan: string): string => lifecycleState(mustTree(project, plan)),
    fact(line: JournalLine): FactEntry {
      const parsed = parseTree(line.tree);
      const project = 'project' in parsed ? parsed.project : null;
      return { ...historyEntry(line), project, plan: 'plan' in parsed ? parsed.plan : null };
    },
    signals: (filter: SignalFilter): SignalEntry[] => store.signals.list(filter).map(signalEntry),
    signal(id: number): SignalEntry {
      const row = store.signals.read(id);
      if (row === null)
        throw new EngineError('not_found', `signal ${id} not found`, 'see the signals with: stator signal list');
      return signalEntry(row);
    },
    answer(id: number): SignalAnswer {
      const row = store.signals.read(id);
      if (row === null) throw new Error(`signal ${id} is gone`);
      const result = row.result === null ? null : jsonOrText(row.result);
      const isRefusal = row.status === 'failed' && typeof result === 'object' && result !== null && 'accepts' in result;
      const plan = store.plans.read(row.project, row.plan);
      return {
        signal: { id, type: row.type, status: row.status, result, refused: isRefusal ? (result as Refusal) : null }, // recognised by its field
        plan: { project: row.project, plan: row.plan, status: plan?.status ?? null, phase: plan?.phase ?? null },
      };
    },
    instances: (filter: { project?: string; plan?: string }): InstanceEntry[] =>
      store.runs.latest(filter).map(instanceEntry),
    instance(project: string, title: string): InstanceEntry {
      const [row] = store.runs.ofTitle(project, title);
      if (row === undefined)
        throw new EngineError('not_found', `instance not found: "${title}"`, 'see them with: stator instance list');
      return instanceEntry(row);
    },
    queue(): QueueEntry[] {
      const open = store.effects.open().filter((row) => row.kind === 'agent.run');
      const queued = open.filter((row) => row.status === 'queued');
      const ended = store.effects.runs({ limit: queueLimit }).filter((row) => row.finished_at !== null);
      return [
        ...open.map((row) => queueEntry(row, row.status === 'queued' ? queued.indexOf(row) + 1 : null)),
        ...ended.map((row) => queueEntry(row, null)),
      ];
    },
    repos(): RepoEntry[] {
      const active = store.plans.activeByProject();
      return store.repos.list().map(({ project, path }) => {
        return { project, path, active_plans: active.get(project) ?? 0, state: repoState(project) };
      });
    },
  };
}

/** In the words of the older queue; a run that was stopped or withdrawn is no error. */
function queueState({ status }: EffectRow, run: RunRow | null): QueueEntry['state'] {
  if (status === 'queued') return 'pending';
  if (status === 'running') return 'notified';
  return run === null || run.reason === null ? 'completed' : 'error';
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // another program's row may hold plain text
  }
}

function lastLine(text: string): string | null {
  const line = text.split('\n').findLast((candidate) => candidate.trim() !== '');
  return line === undefined ? null : line.trim().slice(0, lineLimit);
}
