/** Queries: they read rows and live trees, and change neither. */
import { type AgentMessage, isForTitle } from '../../../machines/vocabulary/agent-message.ts';
import { EngineError, repoNotFound } from '../../../machines/vocabulary/errors.ts';
import { repoTree, taskName } from '../../../machines/vocabulary/ids.ts';
import { isUnderWay } from '../../../machines/vocabulary/plan-status.ts';
import type { SignalPayload } from '../../../machines/vocabulary/signal.ts';
import { groupBy } from '../../base/platform/group-by.ts';
import { later } from '../../base/platform/later.ts';
import { jsonOrText, outcomeOf, resultOf } from '../../core/inbox/signal-row.ts';
import type { NotificationRow, PlanRow, RepoRow, SignalFilter, SignalRow } from '../../core/store/rows.ts';
import { storedMessages } from '../../work/effects/prompt-messages.ts';
import type { MessageEntry } from '../contract/agent-messages.ts';
import type { ForgeEntry } from '../contract/forges.ts';
import type { MachineEntry, MachineScheduleEntry } from '../contract/machines.ts';
import type { NotificationEntry } from '../contract/notifications.ts';
import type { ActPreview, FileDiff, PlanChanges, PlanComments, PlanDiff, PromptShow } from '../contract/plans.ts';
import type { RepoEntry, RepoPast } from '../contract/repos.ts';
import type { SignalAnswer, SignalEntry } from '../contract/signals.ts';
import type { WorkEntry } from '../contract/work.ts';
import { createAccountViews } from './accounts.ts';
import type { ActQuestion } from './act-preview.ts';
import { type ChartFormat, chartOf, machineEntries, type Picture, pictureOf } from './chart.ts';
import { createFactView } from './facts.ts';
import { createHookViews } from './hooks.ts';
import { createHostViews } from './hosts.ts';
import { createLandingViews } from './landings.ts';
import { createMachineTreeViews } from './machine-trees.ts';
import type { MetricsView } from './metrics.ts';
import type { CommentsQuestion } from './plan-comments.ts';
import type { ChangesQuestion, DiffQuestion, FileQuestion } from './plan-diff.ts';
import { createPlanViews } from './plans.ts';
import type { PromptQuestion } from './prompt.ts';
import { createQueueViews } from './queue.ts';
import { repoPast } from './repo-past.ts';
import { createRunViews } from './runs.ts';
import { timeOrNull, timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';
import { heldUp } from './waiting.ts';
import { type WorkQuestion, workBetween } from './work.ts';

const loadSchedules = later(() => import('./machine-schedules.ts'));
const loadPromptView = later(() => import('./prompt.ts'));
const loadPlanComments = later(() => import('./plan-comments.ts'));
const loadPlanDiff = later(() => import('./plan-diff.ts'));
const loadActPreview = later(() => import('./act-preview.ts'));
const loadMetrics = later(() => import('./metrics.ts'));

/** A repo's tree as its row says it; no state: the row is damaged. */
interface RepoState {
  readonly state: string | null;
  readonly reason: string | null;
}

export type Views = ReturnType<typeof createViews>;

export function createViews(parts: ViewDependencies) {
  const { store, projects } = parts;

  const plans = createPlanViews(parts);
  const machineTrees = createMachineTreeViews(parts);
  const beganMs = parts.clock.nowMs();
  /** Made for the first request: it measures the event loop from then on. */
  let metricsView: MetricsView | null = null;

  const views = {
    ...plans,
    ...createSignalViews(parts),
    ...createRunViews(parts),
    ...createQueueViews(parts),
    ...createNotificationViews(parts),
    ...createWordViews(parts),
    ...createHookViews(parts),
    ...createForgeViews(parts),
    ...createAccountViews(parts),
    ...createHostViews(parts),
    ...createLandingViews(parts),
    ...machineTrees,
    ...createDiffViews(parts, plans),
    ...createRepoViews(parts),
    async machines(): Promise<MachineEntry[]> {
      const paused = groupBy(await machineTrees.machinePauses(), ({ machine }) => machine);
      return machineEntries(parts.machines).map((entry) => {
        const pauses = entry.own ? paused.get(entry.name) : undefined;
        return pauses === undefined ? entry : { ...entry, pauses };
      });
    },
    /** Loaded at its first use, because it needs the library for cron patterns. */
    async machineSchedules(): Promise<MachineScheduleEntry[]> {
      const { scheduleEntries } = await loadSchedules();
      return scheduleEntries(parts.machines, {
        marks: await parts.store.intakeMarks(),
        nowMs: parts.clock.nowMs(),
      });
    },
    /** Throws `not_found` for a name that is no machine. */
    chart: (name: string, format: ChartFormat) => chartOf(name, format, parts.machines),
    /** Throws the same, and `unavailable` if a user-defined machine cannot be laid out. */
    picture: (name: string, picture: Picture) => pictureOf(name, picture, parts.machines),
    /** Throws as `createPromptView` says. Loaded at its first use, because it needs all code for prompts and worktrees. */
    async prompt(question: PromptQuestion): Promise<PromptShow> {
      const { createPromptView } = await loadPromptView();
      return createPromptView(parts).prompt(question);
    },
    facts: createFactView(parts).facts,
    /** Throws `bad_request`. */
    work: (question: WorkQuestion): Promise<WorkEntry> =>
      workBetween(
        {
          store,
          projects: projects.all().map(({ project }) => project),
          nowMs: parts.clock.nowMs(),
          plansOf: () => plans.plans(null),
        },
        question,
      ),
  };
  return {
    ...views,
    /** In the text format of Prometheus. */
    async metrics(): Promise<string> {
      const { createMetricsView } = await loadMetrics();
      metricsView ??= createMetricsView({ ...parts, beganMs }, views);
      return metricsView.metrics();
    },
  };
}

/** What plans changed. Loaded at its first use, because it needs git. */
function createDiffViews(parts: ViewDependencies, { plan: planOf }: ReturnType<typeof createPlanViews>) {
  const { store, projects } = parts;
  const tasksOf = async (project: string, plan: string) =>
    (await planOf(project, plan)).tasks_by_wave.flatMap(({ number: wave, tasks }) =>
      tasks.map(({ number }) => taskName(wave, number)),
    );

  const rangeParts = { store, projects, kinds: parts.kinds, tasksOf };
  const diff = async (question: DiffQuestion): Promise<PlanDiff> =>
    (await loadPlanDiff()).planDiff(rangeParts, question);

  return {
    /** Throws as `planDiff` says. */
    planDiff: diff,
    /** The same for `planChanges`. */
    planChanges: async (question: ChangesQuestion): Promise<PlanChanges> =>
      (await loadPlanDiff()).planChanges(rangeParts, question),
    /** The same for `planFileDiff`. */
    planFileDiff: async (question: FileQuestion): Promise<FileDiff> =>
      (await loadPlanDiff()).planFileDiff(rangeParts, question),
    /** Throws `plan_not_found` and git's errors. */
    planComments: async (question: CommentsQuestion): Promise<PlanComments> =>
      (await loadPlanComments()).planComments({ store, projects }, question),
    /** Throws the same as `previewAct`. */
    async previewAct(question: ActQuestion): Promise<ActPreview> {
      const { previewAct } = await loadActPreview();
      const { clock, env, kinds } = parts;
      return previewAct({ store, projects, clock, env, kinds, planDiff: diff }, question);
    },
  };
}

function createRepoViews(parts: ViewDependencies) {
  const { store, projects } = parts;

  function repoEntry(
    { project, path, host, comingFrom }: RepoRow,
    activePlans: number,
    known: RepoState | undefined,
  ): RepoEntry {
    if (host !== undefined && comingFrom !== undefined)
      return {
        project,
        path,
        host,
        active_plans: activePlans,
        state: 'moving',
        reason: `from ${comingFrom}, to ${host}`,
      };
    const reason = parts.troubleOf?.(project) ?? known?.reason ?? null;
    const said = known === undefined ? 'registered' : (known.state ?? 'degraded');
    const state = reason === null ? said : 'degraded';
    const own = host ?? store.hosts?.own;
    return { project, path, ...(own === undefined ? {} : { host: own }), active_plans: activePlans, state, reason };
  }

  /** Throws `repo_not_found`. */
  function repoRow(project: string): RepoRow {
    const row = projects.find(project);
    if (row !== null) return row;
    throw repoNotFound(project);
  }

  return {
    mustBeHere: projects.mustBeHere,
    projectNamed: projects.projectNamed,
    /** Throws `repo_not_found`. */
    mustKnow: (project: string): void => void repoRow(project),
    /** Loads no tree: there may be a thousand. */
    async repos(): Promise<RepoEntry[]> {
      const [counts, states] = await Promise.all([store.planCounts(), store.treeStates('repo')]);
      return projects
        .all()
        .map((row) => repoEntry(row, counts.get(row.project)?.active ?? 0, states.get(repoTree(row.project))));
    },
    /** Throws `repo_not_found`. */
    async repo(project: string): Promise<RepoEntry> {
      const row = repoRow(project);
      const [counts, states] = await Promise.all([store.planCounts(), store.treeStates('repo')]);
      return repoEntry(row, counts.get(project)?.active ?? 0, states.get(repoTree(project)));
    },
    /** Throws `repo_not_found`. */
    async repoPast(project: string): Promise<RepoPast> {
      repoRow(project);
      return repoPast(store, project);
    },
    /** Why the repo cannot be used now; null: it can, as far as is known. */
    repoReason: (project: string): string | null => parts.troubleOf?.(project) ?? null,
  };
}

function createSignalViews(parts: ViewDependencies) {
  const { store, timeline } = parts;
  const entryOf = (row: SignalRow) => signalEntry(row, timeline);
  return {
    signals: async (filter: SignalFilter): Promise<SignalEntry[]> => (await store.signals(filter)).map(entryOf),
    /** Throws `not_found`; with a project, also for a signal of another project. */
    async signal(id: number, project?: string): Promise<SignalEntry> {
      const row = await store.signal(id);
      if (row === null || (project !== undefined && row.project !== project))
        throw new EngineError('not_found', `signal ${id} not found`, 'see the signals with: stator signal list');
      return entryOf(row);
    },
    async answer(id: number): Promise<SignalAnswer> {
      const row = await store.signal(id);
      if (row === null) throw new Error(`signal ${id} is gone`);
      const plan = await store.plan(row.project, row.plan);
      return {
        signal: outcomeOf(row),
        plan: {
          ...{ project: row.project, plan: row.plan, status: plan?.status ?? null, phase: plan?.phase ?? null },
          waits: plan === null || !mayWonder(row, plan) ? null : await heldUp(parts, plan),
        },
      };
    },
  };
}

/** After an accepted signal a person expects something to begin, unless the signal stops something. */
function mayWonder({ origin, status, type }: SignalRow, plan: Pick<PlanRow, 'status'>): boolean {
  return isUnderWay(plan.status) && status === 'done' && type !== 'pause' && origin.startsWith('person');
}

function signalEntry(row: SignalRow, timeline: ViewDependencies['timeline']): SignalEntry {
  // The engine's own signals have the store's time, those of other programs the wall clock's.
  const dueAt = row.is_checked === 1 ? Math.round(timeline.wallOf(row.deliver_at)) : row.deliver_at;
  return {
    id: row.id,
    project: row.project,
    plan: row.plan,
    type: row.type,
    payload: jsonOrText(row.payload),
    origin: row.origin,
    status: row.status,
    attempts: row.attempts,
    result: resultOf(row),
    dedupe_key: row.dedupe_key,
    created_at: timeText(row.created_at),
    deliver_at: row.deliver_at === 0 ? null : timeText(dueAt),
    processed_at: timeOrNull(row.processed_at),
  };
}

/** The state of each repo's forge at its last request. */
function createForgeViews({ store, projects }: Pick<ViewDependencies, 'store' | 'projects'>) {
  return {
    /** The forges of registered repos to which at least one request was sent. */
    async forges(): Promise<ForgeEntry[]> {
      const rows = (await store.forges()).filter(({ project }) => projects.find(project) !== null);
      return rows.map(({ project, server, url, code, reason, hint, since, plans }) => ({
        ...{ project, server, url, code, reason, hint },
        state: code === null ? 'up' : 'down',
        since: timeText(since),
        waiting_plans: [...plans],
      }));
    },
  };
}

/** The most that one answer lists. */
const listLimit = 1_000;

export interface NotificationFilter {
  readonly project?: string;
  /** true: also the read ones. */
  readonly all?: boolean;
}

/** Notifications. */
function createNotificationViews({ store }: Pick<ViewDependencies, 'store'>) {
  return {
    /** The newest first, at most 1,000. */
    async notifications({ project, all = false }: NotificationFilter): Promise<NotificationEntry[]> {
      const of = project === undefined ? {} : { project };
      return (await store.notifications({ limit: listLimit, isUnread: !all, ...of })).map(entryOf);
    },
  };
}

function entryOf({ id, type, project, plan, message, at, isRead }: NotificationRow): NotificationEntry {
  return {
    id,
    type: type as NotificationEntry['type'], // only types of this vocabulary are stored
    project,
    plan: plan === '' || project === '' ? null : plan,
    tree: plan !== '' && project === '' ? plan : null,
    message,
    at: timeText(at),
    read: isRead,
  };
}

export interface WordFilter {
  readonly project: string;
  readonly plan?: string;
  /** true: also messages to the agents whose work it continues. */
  readonly title?: string;
}

/** People's messages to agents: those that plans store, and those that no agent can get any more. */
function createWordViews({ store }: Pick<ViewDependencies, 'store'>) {
  return {
    /** In the order of sending, plan by plan. */
    async words({ project, plan, title }: WordFilter): Promise<MessageEntry[]> {
      const plans = plan === undefined ? (await store.plans(project)).map((row) => row.plan) : [plan];
      const found = await Promise.all(
        plans.map(async (name) => {
          const of = { project, plan: name };
          const kept = (await storedMessages(store, of)).map((word) => storedEntry(of, word));
          const refused = (await store.signals(of)).filter(({ type }) => type === 'word_refused');
          return [...refused.map((row) => refusedEntry(of, row)), ...kept].sort((a, b) => a.number - b.number);
        }),
      );
      return found.flat().filter((word) => title === undefined || isForTitle(word, title));
    },
  };
}

type Of = Pick<MessageEntry, 'project' | 'plan'>;

function storedEntry(
  of: Of,
  { number, title, kind, author, at, run, isTyped, question, text }: AgentMessage,
): MessageEntry {
  const state = run === null ? 'waiting' : isTyped === true ? 'typed' : 'given';
  return { ...of, number, title, kind, author, at: timeText(at), state, run, why: null, question, text };
}

function refusedEntry(of: Of, { payload, created_at: createdAt }: SignalRow): MessageEntry {
  const { number, title, kind, author, text, why } = JSON.parse(payload) as SignalPayload<'word_refused'>; // the signal's type decides it
  const refused = { state: 'refused', run: null, why, question: null } as const;
  return { ...of, number, title, kind, author, at: timeText(createdAt), ...refused, text };
}
