/** A plan as people see it, read from its live tree: status and phase from the states' tags, the rest from the contexts. */
import type { AnyActorRef } from 'xstate';
import type { AgentContext } from '../machines/agent/context.ts';
import {
  advances,
  type Block,
  budgetOf,
  type Draft,
  documentFacts,
  needOf,
  type PlanContext,
  type Question,
} from '../machines/plan/context.ts';
import type { TaskContext } from '../machines/task/machine.ts';
import type { PlanBudget } from '../machines/vocabulary/budget.ts';
import type { Reason } from '../machines/vocabulary/effect.ts';
import type { TaskResult } from '../machines/vocabulary/family.ts';
import { childOfRequest, taskBranch } from '../machines/vocabulary/ids.ts';
import { type Landing, type LandingSignal, landingOf, landingSignals } from '../machines/vocabulary/landing.ts';
import type { Merged, MergeRefused } from '../machines/vocabulary/plan-merge.ts';
import type { ForgeMerge, PlanPull, StackLayer } from '../machines/vocabulary/plan-pull.ts';
import type { PlanStatus } from '../machines/vocabulary/plan-status.ts';
import type { Isolation } from '../machines/vocabulary/policy.ts';
import type { TaskStatus } from '../machines/vocabulary/public-state.ts';
import { type TaskAgent, taskAgent } from '../machines/vocabulary/task-agent.ts';
import { fileHolderOf, type WaveContext } from '../machines/wave/machine.ts';
import { childrenOf, snapshotOf } from './addressee.ts';
import { type Tags, tagged } from './recorder.ts';
import { isAccepted, openQuestions, waitsForPerson } from './refusal.ts';
import type { Tree } from './tree.ts';

export type WaveStatus = 'pending' | 'running' | 'failed' | 'done';

export interface TaskView {
  number: number;
  title: string;
  status: TaskStatus;
  reason: Reason | null;
  /** The end of its output, the files of a conflict, or git's message. */
  detail: string;
  /** Why there was nothing to change. Absent: something was changed, or it is not done. */
  noChange?: string;
  branch: string;
  /** The tasks of its wave that come before it. */
  after: readonly number[];
  /** The running task whose files overlap with its own, and its path that does; null: it waits for none. */
  filesOf: { task: number; path: string } | null;
  /** null: the coder's own. */
  agent: TaskAgent | null;
}

export interface WaveView {
  number: number;
  status: WaveStatus;
  tasks: TaskView[];
}

/** Why a plan needs a person. */
export interface Need extends Block {
  /** Open questions, the oldest first. Rows of versions in which questions had no numbers have none. */
  questions?: readonly Question[];
  /** `tasks`: only the tasks that ask wait, and others are at work; else nothing goes on before a person has answered. */
  scope?: 'plan' | 'tasks';
}

/** The data that every list and every step needs; reading it is cheap. */
export interface PlanSummary {
  status: PlanStatus;
  phase: string | null;
  /** Where the work of a done plan is; null: it is not done. */
  landing: Landing | null;
  /** The signals for its landing that it would take from a person now; of a plan that is not done: none. */
  accepts: readonly LandingSignal[];
  blocked: Need | null;
  /** Whether its agents may not start: all of it waits for a person. */
  holds: boolean;
  paused: boolean;
  wave: number;
  waves: number;
  tasksDone: number;
  tasks: number;
  reviewCycle: number;
  generation: number;
  branch: string;
  topic: string | null;
  title: string | null;
  /** The name of a host, or a label of hosts, where its agents may run; null: anywhere. */
  host: string | null;
  /** The plan's own part of its budget. */
  budget: PlanBudget;
}

/** A plan's knowledge of itself. */
export function planContext({ root }: Pick<Tree, 'root'>): PlanContext {
  return snapshotOf(root).context as PlanContext; // asked of plan trees only
}

/** The live wave, if there is one: an earlier generation may still be ending beside it. */
function livingWaves(root: AnyActorRef): Map<number, { ref: AnyActorRef; context: WaveContext }> {
  const waves = new Map<number, { ref: AnyActorRef; context: WaveContext }>();
  for (const ref of childrenOf(root)) {
    const { machine, context } = snapshotOf(ref);
    if (machine.id === 'wave') waves.set((context as WaveContext).number, { ref, context: context as WaveContext }); // the id says so
  }
  return waves;
}

function resultsOf(context: PlanContext, root: AnyActorRef): Record<number, Record<number, TaskResult>> {
  const results = { ...context.results };
  for (const [number, wave] of livingWaves(root)) results[number] = { ...results[number], ...wave.context.results };
  return results;
}

/** All values that a summary depends on: if none of them has changed, the summary is the same. */
export function summarySources({ root }: Tree): readonly unknown[] {
  const sources: unknown[] = [snapshotOf(root)];
  for (const ref of childrenOf(root)) {
    const snapshot = snapshotOf(ref);
    if (snapshot.machine.id === 'wave') sources.push(snapshot);
  }
  return sources;
}

export function planSummary(tree: Tree): PlanSummary {
  const snapshot = snapshotOf(tree.root);
  const context = planContext(tree);
  const results = resultsOf(context, tree.root);
  let tasks = 0;
  let tasksDone = 0;
  for (const wave of context.waves) {
    tasks += wave.tasks.length;
    for (const task of wave.tasks) if (results[wave.number]?.[task.number]?.status === 'done') tasksDone += 1;
  }
  const status = statusOfPlan(tree);
  return {
    status,
    phase: tagged(snapshot.tags, 'phase:'),
    landing: status === 'done' ? landingOf(context, snapshot.tags) : null,
    // None of their guards reads the time.
    accepts: status === 'done' ? landingSignals.filter((type) => isAccepted(tree.root, type, 0)) : [],
    blocked: blockOf(tree),
    holds: waitsForPerson(tree.root),
    paused: snapshot.hasTag('paused'),
    wave: context.wave,
    waves: context.waves.length,
    tasksDone,
    tasks,
    reviewCycle: context.reviewCycle,
    generation: context.count,
    branch: context.branch,
    topic: context.topic,
    title: context.title,
    host: context.host ?? null,
    budget: budgetOf(context),
  };
}

/** An agent that was withdrawn because none of its runs started, and the last one could not start. It counts as a failure. */
export function isFailedStart({ runs, reason }: Pick<AgentContext, 'runs' | 'reason'>): boolean {
  return runs === 0 && reason === 'start-failed';
}

export function statusOfPlan({ root }: Tree): PlanStatus {
  return (tagged(snapshotOf(root).tags, 'status:') ?? 'ready') as PlanStatus; // every lifecycle state carries one of these tags
}

/** The reason why a plan, or tasks of it, cannot continue without a person; null: there is none. */
export function blockOf({ root }: Tree): Need | null {
  const snapshot = snapshotOf(root);
  const { questions, ...context } = snapshot.context as PlanContext; // asked of plan trees only
  const need = needOf({ ...context, questions });
  return need === null ? null : { ...need, questions, scope: hasOtherWork(root) ? 'tasks' : 'plan' };
}

/** Whether tasks have questions while others of their wave are under way. */
function hasOtherWork(root: AnyActorRef): boolean {
  if (!snapshotOf(root).hasTag('needs:answers')) return false;
  const asking = openQuestions(root);
  return [...livingWaves(root).values()].some(({ context: { path, liveChildren, started } }) => {
    const askers = new Set([...asking].map((run) => childOfRequest(path, run)));
    return Object.entries(liveChildren).some(([id, task]) => started.includes(task) && !askers.has(id));
  });
}

/** The state of its merge, and the outcome of the last one. */
export interface MergeView {
  isWorking: boolean;
  merged: Merged | null;
  refused: MergeRefused | null;
}

/** The state of its pull request, and the outcome of the last try. */
export interface PullView extends Pick<PlanPull, 'refused' | 'remarks'> {
  isWorking: boolean;
  /** It is requested automatically if a forge is configured. */
  isWanted: boolean;
}

export interface PlanDetail {
  waves: WaveView[];
  pullRequest: {
    state: string;
    url: string | null;
    merge: ForgeMerge | null;
    /** The requests of its parts; absent: it has one. */
    stack?: StackLayer[];
  } | null;
  timestamps: PlanContext['timestamps'];
  isolation: Isolation;
  merge: MergeView;
  pull: PullView;
  /** A person decides after each wave whether the next one begins. */
  stopsAfterWaves: boolean;
  /** It is carried out by itself once its planner has finished. */
  advances: boolean;
  /** The drafts of several planners, with the number of their waves and tasks. */
  drafts: readonly (Draft & { waves: number; tasks: number })[];
}

export function planDetail(tree: Tree): PlanDetail {
  const snapshot = snapshotOf(tree.root);
  const context = planContext(tree);
  const results = resultsOf(context, tree.root);
  const living = livingWaves(tree.root);
  const single = singleTask(tree.root);
  const waves = context.waves.map(({ number, tasks }): WaveView => {
    const here = living.get(number);
    const tasksOfWave = tasks.map((task): TaskView => {
      const live = here === undefined ? null : liveTask(here, task.number);
      const result = results[number]?.[task.number];
      return {
        number: task.number,
        title: task.title,
        status: live?.status ?? result?.status ?? (single === null ? 'pending' : single.status),
        reason: live?.reason ?? result?.reason ?? null,
        detail: (live === null ? result?.detail : live.detail) ?? '',
        ...(live === null && result?.unchanged !== undefined ? { noChange: result.unchanged } : {}),
        branch:
          context.wave === 0 ||
          isOfSingleCoder(result) ||
          (here?.context ?? { isolation: context.policy.isolation }).isolation === 'plan'
            ? context.branch
            : taskBranch(context.branch, number, task.number),
        after: task.after ?? [],
        filesOf: here === undefined ? null : fileHolderOf(here.context, task.number),
        agent: taskAgent(task, context.policy.roles.coder.small),
      };
    });
    return { number, status: waveStatus(here?.ref ?? null, tasksOfWave), tasks: tasksOfWave };
  });
  const pullRequest = tagged(snapshot.tags, 'pull:');
  const { refused = null, remarks = [] } = context.pull ?? {};
  const merge = forgeMergeOf(snapshot.tags, refused);
  return {
    waves,
    pullRequest:
      pullRequest === null ? null : { state: pullRequest, url: context.pullRequestUrl, merge, ...stackOf(context) },
    timestamps: context.timestamps,
    isolation: living.get(context.wave)?.context.isolation ?? context.policy.isolation ?? 'task',
    merge: {
      isWorking: snapshot.hasTag('merge:working'),
      merged: context.merge?.merged ?? null,
      refused: context.merge?.refused ?? null,
    },
    pull: {
      isWorking: snapshot.hasTag('pull_working'),
      isWanted: snapshot.hasTag('pull_wanted'),
      refused: merge === null ? refused : null,
      remarks,
    },
    stopsAfterWaves: !context.policy.auto_advance_waves,
    advances: advances(context),
    drafts: (context.drafts ?? []).map((draft) => {
      const { waves } = documentFacts(draft.content ?? '');
      return { ...draft, waves: waves.length, tasks: waves.reduce((sum, wave) => sum + wave.tasks.length, 0) };
    }),
  };
}

/** The single coder of a small plan works on the plan's own branch. */
function isOfSingleCoder(result: TaskResult | undefined): boolean {
  return result?.run?.startsWith('coder.') ?? false;
}

function stackOf({ pull }: Pick<PlanContext, 'pull'>): { stack?: StackLayer[] } {
  const stack = pull?.request?.stack;
  return stack === undefined ? {} : { stack: [...stack] };
}

function forgeMergeOf(tags: Tags, refused: PlanPull['refused']): ForgeMerge | null {
  const state = tagged(tags, 'pull_merge:') as ForgeMerge['state'] | null; // so the tags are called
  return state === null ? null : { state, detail: refused?.detail ?? '' };
}

export interface TaskFailure {
  number: number;
  title: string;
  /** 0 and no reason: it was not begun, because it comes after a task that is not done. */
  attempts: number;
  reason: Reason | null;
  /** The end of its output, the files of a conflict, or git's message. */
  detail: string;
}

/** The tasks of the present wave, which is over, that are not done: first those that failed, then those that were not begun. */
export function failuresOf(tree: Tree): TaskFailure[] {
  const context = planContext(tree);
  const results = resultsOf(context, tree.root)[context.wave] ?? {};
  const tasks = context.waves.find(({ number }) => number === context.wave)?.tasks ?? [];
  const failed = tasks.flatMap(({ number, title }) => {
    const result = results[number];
    if (result === undefined || result.status === 'done') return [];
    return [{ number, title, attempts: result.runs, reason: result.reason, detail: result.detail }];
  });
  if (failed.length === 0) return [];
  const notBegun = tasks.filter(({ number, isDone }) => results[number] === undefined && isDone !== true);
  return [
    ...failed,
    ...notBegun.map(({ number, title }) => ({ number, title, attempts: 0, reason: null, detail: '' })),
  ];
}

function waveStatus(ref: AnyActorRef | null, tasks: TaskView[]): WaveStatus {
  if (ref !== null) return snapshotOf(ref).hasTag('wave:failed') ? 'failed' : 'running';
  if (tasks.every((task) => task.status === 'done')) return 'done';
  return tasks.some((task) => task.status === 'failed') ? 'failed' : 'pending';
}

function liveTask({ ref, context }: { ref: AnyActorRef; context: WaveContext }, number: number) {
  const id = Object.entries(context.liveChildren).find(([, task]) => task === number)?.[0];
  const child = id === undefined ? undefined : childrenOf(ref).find((candidate) => candidate.id === id);
  return child === undefined ? null : taskState(child);
}

/** The one coder of a small plan, while it works. */
function singleTask(root: AnyActorRef) {
  const child = childrenOf(root).find((candidate) => candidate.id.startsWith('coder.'));
  return child === undefined ? null : taskState(child);
}

function taskState(ref: AnyActorRef): { status: TaskStatus; reason: Reason | null; detail: string } {
  const snapshot = snapshotOf(ref);
  const context = snapshot.context as TaskContext; // called for task actors only
  const agent = childrenOf(ref)[0];
  const agentContext = agent === undefined ? null : snapshotOf(agent).context;
  return {
    status: (tagged(snapshot.tags, 'task:') ?? 'working') as TaskStatus, // every state of a task carries one of these tags
    reason: interruptionOf(agent) ?? agentContext?.reason ?? context.last?.reason ?? null,
    detail: agentContext?.detail ?? context.last?.detail ?? '',
  };
}

/** Why an agent's run ended without spending an attempt. This is no failure: the task waits until the reason is over. */
function interruptionOf(agent: AnyActorRef | undefined): Reason | null {
  if (agent === undefined) return null;
  const { tags } = snapshotOf(agent);
  return tags.has('run-over') ? (tagged(tags, 'waits:') as Reason | null) : null; // what it waits for is called as its reason
}
