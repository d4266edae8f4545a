/** What a plan's root remembers, and the functions by which guards and views read it. Pure functions over JSON. */

import { parsePlan } from '../document/plan-document.ts';
import type { AgentMessage } from '../vocabulary/agent-message.ts';
import type { BlockSource } from '../vocabulary/block-source.ts';
import {
  type Amounts,
  type BudgetUse,
  nothingRaised,
  type PlanBudget,
  type RaisedBudgets,
} from '../vocabulary/budget.ts';
import {
  type AgentOutput,
  type DoneWork,
  isSameTask,
  isSameWork,
  markedResult,
  type Previous,
  type TaskOutput,
  type TaskResult,
  type WaveOutline,
  type WaveOutput,
} from '../vocabulary/family.ts';
import { claimOf } from '../vocabulary/file-claims.ts';
import { hashOf, instanceTitle, type Role } from '../vocabulary/ids.ts';
import type { Approval, PlanMerge } from '../vocabulary/plan-merge.ts';
import type { PlanPull } from '../vocabulary/plan-pull.ts';
import type { Policy } from '../vocabulary/policy.ts';
import { taskFacts } from '../vocabulary/task-agent.ts';

export interface Block {
  reason: string;
  source: BlockSource;
  at: number;
  /** For the source `budget`: the limit that is reached. */
  budget?: BudgetUse;
}

/** A question of an agent, or one that a person asked by hand, that is not answered yet. */
export interface Question {
  /** Counts the questions of the plan, over its whole life. */
  number: number;
  /** null: a person asked by hand, and no agent waits for the answer. */
  title: string | null;
  /** The child of the plan's root that asks, or below which the asker works. */
  childId: string | null;
  run: string | null;
  question: string;
  at: number;
  /** The changes that a bare yes accepts for the whole plan. Absent: none. */
  accepts?: readonly string[];
}

/** The most accepted changes that are stored; the oldest are removed first. */
export const acceptedLimit = 5_000;

/** The most questions of people that may wait; an agent asks one at a time. */
export const handQuestionLimit = 16;

/** `chosen`: it is the document of the plan. */
export const draftStates = ['writing', 'finished', 'failed', 'chosen'] as const;

/** What one of several planners wrote, until the plan is planned again. */
export interface Draft {
  /** From 1. */
  number: number;
  /** The child of the plan's root that writes it. */
  childId: string;
  /** The title of that agent. */
  title: string;
  state: (typeof draftStates)[number];
  /** null: no draft was handed in. */
  content: string | null;
  /** Why its planner failed. */
  detail: string;
}

/** Whether the plan needs people: each is a state of the region `attention`. */
export type Attention = 'clear' | 'asked' | 'blocked' | 'override';

export const timestampNames = ['planning_at', 'implementing_at', 'reviewing_at', 'verifying_at', 'done_at'] as const;
export type TimestampName = (typeof timestampNames)[number];

/** The purpose of a child of a plan's root. */
export type PlanRole = Role | 'wave';

/** What machines store of the document; the text itself stays in the plan's row. */
export interface DocumentFacts {
  title: string | null;
  topic: string | null;
  /** Its `**Host:**`; absent: it has none. */
  host?: string | undefined;
  /** Its `**Budget:**`; null or absent: it has none. */
  budget?: Amounts | null;
  after: string[];
  waves: WaveOutline[];
  isParsed: boolean;
  /** The first problem of a document that does not parse, with its line. */
  problem: string | null;
}

export interface PlanContext extends DocumentFacts {
  path: '';
  project: string;
  plan: string;
  branch: string;
  policy: Policy;
  /** Generations of children over the plan's whole life, earlier starts included. */
  count: number;
  liveChildren: Record<string, PlanRole>;
  /** The child that is active now. */
  activeChildId: string | null;
  granted: boolean;
  /** The number of the open request for the right to implement, 0 if there is none: an answer to an earlier request does not count. */
  request: number;
  elaborated: boolean;
  /** The wave that runs, waits, or ran last; 0 before the first. */
  wave: number;
  /** The wave that a person asked for. */
  wantedWave: number | null;
  /** A person went past the waves up to this one, done or not. */
  passed: number;
  results: Record<number, Record<number, TaskResult>>;
  /** The commits on the plan's branch by its single coder, its fixers and its verifiers. Commits of tasks are in `results`. Missing: there are none. */
  ownWork?: readonly DoneWork[];
  /**
   * Work that git no longer finds on its branch. An entry is removed when the work is back, or when a person says that its removal is intended. Absent:
   * none.
   */
  lost?: readonly DoneWork[];
  /** When lost work was last found again, or its loss was accepted, ms; absent: never. A check from before that time no longer counts. */
  wholeAt?: number;
  reviewCycle: number;
  feedback: string | null;
  rounds: { reviewer: number; fixer: number; verifier: number };
  /** Why a person is needed, for the block that follows; it stays until an agent works again or the block is over. */
  stopCause: { source: BlockSource; reason: string } | null;
  /** Why it needs a person, apart from questions. */
  blocked: Block | null;
  /** The open questions, the oldest first. */
  questions: Question[];
  /** How many questions were ever asked. */
  questionCount: number;
  /** Messages of people to its agents: those that wait for a run, and those that runs have, the oldest first. */
  words: AgentMessage[];
  /** How many messages were ever accepted. */
  wordCount: number;
  /** What a person allowed for the whole plan: there is no question about it again. Absent: nothing. */
  accepted?: readonly string[];
  head: string | null;
  /** The commit that the last review approved; a verifier's own small fixes move it along. null: no review, or by a person before there was a branch. */
  reviewedSha: string | null;
  verifiedSha: string | null;
  /**
   * Lines that were changed on the branch while runs of the present verification worked, by the commit that each run began from. Plans that were
   * stored before there was such a count have none.
   */
  selfFix?: Record<string, number>;
  /** Why the last active child failed for good, until its role is started again. */
  failed?: (Previous & { role: PlanRole }) | null;
  /** The drafts of its last planning by several planners; absent: there was none. */
  drafts?: readonly Draft[];
  /** Its merge into the branch that people work on; null or absent: none was asked for. */
  merge?: PlanMerge | null;
  /** Its pull request; null or absent: none was asked for. */
  pull?: PlanPull | null;
  /** What a person allowed beyond its budgets; null or absent: nothing. */
  raised?: RaisedBudgets | null;
  /**
   * When its branch was last brought up to date with its base, how often a fixer has been asked to since, the branch's commit when it was last asked, and
   * the feedback from before that. Absent: never; for `from` also: a person retried since.
   */
  fresh?: { at: number; mends: number; before: string | null; from?: string };
  /** The last verdict of an agent that a fixer got, and the commit that it was about. Absent: none since the plan was last done. */
  judged?: { verdict: string; head: string } | null;
  /** How often the plan was started over; the earlier branches are archived under these numbers. */
  pass: number;
  archivePending: boolean;
  /** The name of the effect of this root that is under way. */
  work: string | null;
  /** The delayed signal that was requested. It removes the worktree of a plan that is over. */
  timer: string | null;
  dueAt: number;
  /** A person's choice whether the plan is carried out by itself once it is planned; null: `auto_advance` says so. */
  advance: boolean | null;
  pullRequestUrl: string | null;
  /** The plan is an issue's session, and works in the worktree of that name; null or absent: it is an ordinary plan. */
  session?: { folder: string } | null;
  timestamps: Partial<Record<TimestampName, number>>;
  at: number;
}

/** The facts that are read from each document. */
export function documentFacts(content: string): DocumentFacts {
  const { ok, document, problems } = parsePlan(content);
  const [first] = problems;
  return {
    title: document.title,
    topic: document.topic,
    ...(document.host === null ? {} : { host: document.host }),
    budget: document.budget,
    after: document.after,
    waves: ok
      ? document.waves.map(({ number, tasks }) => ({
          number,
          tasks: tasks.map((task) => ({
            number: task.number,
            title: task.title,
            hasCheck: task.check !== null,
            after: task.after,
            files: task.files,
            digest: digestOf(task.body),
            length: taskFacts(task).length,
            ...(task.isDone ? { isDone: true as const } : {}),
            ...(task.agent === null ? {} : { agent: task.agent }),
          })),
        }))
      : [],
    isParsed: ok,
    problem: first === undefined ? null : `line ${first.line}: ${first.message}`,
  };
}

/** The files that its tasks declare, if plans wait for each other's files; undefined: they do not. */
export function claimedFiles({ policy, waves }: Pick<PlanContext, 'policy' | 'waves'>): string[] | undefined {
  if (policy.overlap !== 'serial') return undefined;
  return claimOf(waves.flatMap(({ tasks }) => tasks.flatMap(({ files }) => files)));
}

/** The plan's own part in its budget. */
export function budgetOf({ budget, raised }: Pick<PlanContext, 'budget' | 'raised'>): PlanBudget {
  return { document: budget ?? null, raised: raised ?? nothingRaised };
}

/** Blank space around a body, and its kind of line ends, do not change the digest: an added task moves the end of the task before. */
function digestOf(body: string): string {
  return hashOf(body.trim().replaceAll('\r\n', '\n'));
}

/** Whether the plan goes on in spite of that question: a task of a wave asks, and the others do not depend on it. */
function isOfTask({ liveChildren }: Pick<PlanContext, 'liveChildren'>, { childId }: Question): boolean {
  return childId !== null && liveChildren[childId] === 'wave';
}

/** A question that the whole plan waits for stops it, as any other block does. */
export function attentionOf(context: Pick<PlanContext, 'blocked' | 'questions' | 'liveChildren'>): Attention {
  const { blocked, questions } = context;
  if (blocked !== null && blocked.source !== 'override') return 'blocked';
  if (questions.length === 0) return blocked === null ? 'clear' : 'override';
  return questions.every((question) => isOfTask(context, question)) ? 'asked' : 'blocked';
}

/** `question 2 of login-w1-t1`: under this name people find it. */
export function questionName({ number, title }: Pick<Question, 'number' | 'title'>): string {
  return title === null ? `question ${number}` : `question ${number} of ${title}`;
}

/** Every reason why it needs a person: its block, and each question with its number and its agent. */
export function needOf({ blocked, questions }: Pick<PlanContext, 'blocked' | 'questions'>): Block | null {
  const [first] = questions;
  if (first === undefined) return blocked;
  const asked = questions.map((question) => `${questionName(question)}: ${question.question}`);
  return {
    reason: [...(blocked === null ? [] : [blocked.reason]), ...asked].join('\n\n'),
    source: blocked === null || blocked.source === 'override' ? 'agent' : blocked.source,
    at: Math.min(blocked?.at ?? first.at, first.at),
    ...(blocked?.budget === undefined ? {} : { budget: blocked.budget }),
  };
}

/** The commit at which the plan's work counts as approved; null: none. A verification comes after a review, so it takes precedence. */
export function approvalOf({
  verifiedSha,
  reviewedSha,
}: Pick<PlanContext, 'reviewedSha' | 'verifiedSha'>): Approval | null {
  if (verifiedSha !== null) return { sha: verifiedSha, by: 'verifier' };
  return reviewedSha === null ? null : { sha: reviewedSha, by: 'reviewer' };
}

/** Added and removed lines of the present verification's own commits, over all its attempts. */
export function selfFixLines({ selfFix = {} }: Pick<PlanContext, 'selfFix'>): number {
  return Object.values(selfFix).reduce((sum, lines) => sum + lines, 0);
}

export function waveOf(context: PlanContext, number: number): WaveOutline | undefined {
  return context.waves.find((wave) => wave.number === number);
}

export function isFinished({ results }: PlanContext, { number, tasks }: WaveOutline): boolean {
  return tasks.every((task) => results[number]?.[task.number]?.status === 'done');
}

/** The wave that a person asked for, else the first with a task that is not done, unless a person went past it; null: nothing is left. */
export function nextWave(context: PlanContext): number | null {
  if (context.wantedWave !== null) return context.wantedWave;
  const open = context.waves.find((wave) => wave.number > context.passed && !isFinished(context, wave));
  return open?.number ?? null;
}

/** What the root remembers once a child has ended. A child from before the plan was started over is ignored. */
export function afterEnd(
  context: PlanContext,
  { actorId, output }: { actorId: string; output: AgentOutput | TaskOutput | WaveOutput },
): Pick<PlanContext, 'liveChildren' | 'activeChildId' | 'head' | 'results' | 'questions' | 'at'> {
  const { [actorId]: kind, ...liveChildren } = context.liveChildren;
  const activeChildId = context.activeChildId === actorId ? null : context.activeChildId;
  const questions = context.questions.filter(({ childId }) => childId !== actorId);
  const ended = { liveChildren, activeChildId, head: context.head, results: context.results, questions, at: output.at };
  if (kind === undefined || context.archivePending) return ended;
  const head = ('head' in output ? output.head : null) ?? context.head;
  if (!('results' in output)) return { ...ended, head };
  return { ...ended, head, results: withResults(context, waveNumberOf(actorId), output.results) };
}

/** A wave's child id is `wave-<number>.<generation>`. */
export function waveNumberOf(id: string): number {
  return Number(/^wave-(\d+)\./.exec(id)?.[1] ?? 0);
}

/** A plan has at most this many rounds of fixes, over all limits of rounds: older work is no longer checked. */
const ownWorkLimit = 200;

/** The list of work in which one agent's new work replaces its earlier work. */
export function withOwnWork({ ownWork = [] }: Pick<PlanContext, 'ownWork'>, work: DoneWork): DoneWork[] {
  return [...ownWork.filter(({ title }) => title !== work.title), work].slice(-ownWorkLimit);
}

/** All work that is on the plan's branch, as far as its root knows. */
export function doneWork({
  plan,
  results,
  ownWork = [],
}: Pick<PlanContext, 'plan' | 'results' | 'ownWork'>): DoneWork[] {
  const tasks = Object.entries(results).flatMap(([wave, found]) => workOfWave(plan, Number(wave), found));
  return [...tasks, ...ownWork];
}

export function workOfWave(plan: string, wave: number, found: Readonly<Record<number, TaskResult>>): DoneWork[] {
  return Object.entries(found).flatMap(([task, { status, run, commit }]) =>
    status === 'done' && commit !== undefined
      ? [{ title: instanceTitle({ plan, role: 'coder', wave, task: Number(task), round: 1 }), run, commit }]
      : [],
  );
}

/** The stored work without the parts that a person has removed on purpose. */
export function withoutWork(
  { results, ownWork = [] }: Pick<PlanContext, 'results' | 'ownWork'>,
  lost: readonly DoneWork[],
): Pick<PlanContext, 'results'> & { ownWork: DoneWork[] } {
  const gone = new Set(lost.map(({ commit }) => commit));
  const isGone = (commit: string | undefined) => commit !== undefined && gone.has(commit);
  const left = Object.entries(results).map(([wave, tasks]) => [
    wave,
    Object.fromEntries(
      Object.entries(tasks).map(([task, { commit, ...result }]) => [
        task,
        isGone(commit) || commit === undefined ? result : { ...result, commit },
      ]),
    ),
  ]);
  return { results: Object.fromEntries(left), ownWork: ownWork.filter(({ commit }) => !isGone(commit)) };
}

/** A task of an ended wave that is not done: a person continued without it. */
export function isLeftBehind({ results }: Pick<PlanContext, 'results'>, wave: number, task: number): boolean {
  const found = results[wave] ?? {};
  const wasBegun = Object.values(found).some(({ isMarked }) => isMarked !== true);
  return wasBegun && found[task]?.status !== 'done';
}

/** A wave's results together with the known ones; a task that is done, or counts as done, stays so. The result of a task takes precedence over a mark. */
export function withResults(
  { results }: PlanContext,
  wave: number,
  found: Record<number, TaskResult>,
): PlanContext['results'] {
  const done = onlyDone(results[wave]);
  const isStronger = ([task, { isMarked }]: [string, TaskResult]) => isMarked !== true || !(Number(task) in found);
  return { ...results, [wave]: { ...found, ...Object.fromEntries(Object.entries(done).filter(isStronger)) } };
}

export function onlyDone(results: Record<number, TaskResult> | undefined): Record<number, TaskResult> {
  return Object.fromEntries(Object.entries(results ?? {}).filter(([, result]) => result.status === 'done'));
}

/** The number of tasks that the document does not mark as done. */
function openTaskCount({ waves }: Pick<DocumentFacts, 'waves'>): number {
  return waves.reduce((sum, wave) => sum + wave.tasks.filter(({ isDone }) => isDone !== true).length, 0);
}

/** A document in which every task is marked as done leaves nothing to start. */
export function hasOpenTask(facts: Pick<DocumentFacts, 'waves'>): boolean {
  return openTaskCount(facts) > 0;
}

/** The tasks that the document says are done, together with their results here. */
export function withMarked(waves: readonly WaveOutline[], results: PlanContext['results']): PlanContext['results'] {
  const all = { ...results };
  for (const { number, tasks } of waves)
    for (const task of tasks)
      if (task.isDone === true && all[number]?.[task.number]?.status !== 'done')
        all[number] = { ...all[number], [task.number]: markedResult };
  return all;
}

/** An issue's session is worked on by one agent, over all its rounds. */
export function isSession({ session }: Pick<PlanContext, 'session'>): boolean {
  return session != null;
}

/** Whether implementing starts by itself once the planner has finished. */
export function advances({ advance, policy }: Pick<PlanContext, 'advance' | 'policy'>): boolean {
  return advance ?? policy.auto_advance;
}

export function isSmall(context: PlanContext): boolean {
  if (context.wave !== 0 || context.wantedWave !== null) return false;
  const open = openTaskCount(context);
  return isSession(context) || (open > 0 && open <= context.policy.blueprint_skip_threshold);
}

/**
 * How much of the document is fixed. `open`: nothing runs, so only finished tasks are fixed. `running`: tasks of the running wave are fixed
 * too once they have begun, and the wave may take added ones. `over`: every task, since an added one would never be done.
 */
export type StageOfWork = 'open' | 'running' | 'over';

/** An edited document, and the tasks of the running wave that no agent has begun. */
export interface Edit {
  content: string;
  notBegun?: readonly number[];
}

/** Why an edited document cannot replace the one that is being implemented; null: it can. */
export function editObstacle(
  context: PlanContext,
  { content, notBegun = [] }: Edit,
  stage: StageOfWork,
): string | null {
  const facts = documentFacts(content);
  if (!facts.isParsed) return `the document does not parse: ${facts.problem}`;
  for (const wave of context.waves) {
    const edited = facts.waves.find((candidate) => candidate.number === wave.number)?.tasks ?? [];
    const isOver = stage === 'over' || wave.number <= context.passed || isFinished(context, wave);
    const runs = stage === 'running' && wave.number === context.wave;
    for (const task of wave.tasks) {
      const result = context.results[wave.number]?.[task.number];
      const isDone = result?.status === 'done' && result.isMarked !== true;
      const other = edited.find(({ number }) => number === task.number);
      const isBegun = isOver || (runs && !notBegun.includes(task.number));
      if ((isDone || isBegun) && !isSameWork(task, other))
        return `${isDone ? 'what is done is fixed' : 'what was begun is fixed'}: task ${task.number} of wave ${wave.number} cannot change (${changeText(task.title, other?.title)})`;
    }
    if (isOver && edited.length > wave.tasks.length)
      return `what was begun is fixed: wave ${wave.number} takes no more tasks`;
  }
  if (stage === 'over' && facts.waves.length > context.waves.length)
    return 'what was begun is fixed: no wave can be added any more';
  return null;
}

/** Names both tasks: an item that was added above finished ones changes the numbers of all below it. */
function changeText(before: string, after: string | undefined): string {
  if (after === undefined) return `"${before}" is missing`;
  return before === after ? `the text of "${before}" changed` : `"${before}" is now "${after}"`;
}

/** The results that stay after an edit: a task keeps its result if its wave, number and title are unchanged. Marks are taken from the new document. */
export function keptResults(context: PlanContext, waves: WaveOutline[]): PlanContext['results'] {
  const kept: PlanContext['results'] = {};
  for (const [wave, tasks] of Object.entries(context.results)) {
    const number = Number(wave);
    for (const [task, result] of Object.entries(tasks)) {
      const before = waveOf(context, number)?.tasks.find((candidate) => candidate.number === Number(task));
      const after = waves
        .find((w) => w.number === number)
        ?.tasks.find((candidate) => candidate.number === Number(task));
      if (before === undefined || !isSameTask(before, after) || result.isMarked === true) continue;
      kept[number] = { ...kept[number], [Number(task)]: result };
    }
  }
  return withMarked(waves, kept);
}

/** Every task of the given waves as done: by one coder for the whole plan, or because a person went past them. */
export function allDone(
  waves: WaveOutline[],
  how: Pick<TaskResult, 'runs' | 'run' | 'detail' | 'reason' | 'unchanged'>,
) {
  return Object.fromEntries(
    waves.map((wave) => [
      wave.number,
      Object.fromEntries(wave.tasks.map((task) => [task.number, { status: 'done', ...how } satisfies TaskResult])),
    ]),
  );
}

/** The time of the event; an event without a time has that of the last one. */
export function timeOf(
  { at }: Pick<PlanContext, 'at'>,
  event: { readonly type: string; readonly at?: number; readonly output?: { readonly at: number } },
): number {
  return event.at ?? event.output?.at ?? at;
}
