/** Plans and their journal, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { blockSources, timestampNames } from '../../../machines/plan-context.ts';
import { mergeObstacles } from '../../../machines/plan-merge.ts';
import { isolations } from '../../../machines/policy.ts';
import { signalAnswer } from './signals.ts';
import { count, lines, reason, refusal, status, time, usage, waiting } from './words.ts';

export const planEntry = z
  .object({
    project: z.string(),
    plan: z.string(),
    status,
    phase: z.string().nullable(),
    blocked: z.object({ reason: z.string(), source: z.enum(blockSources), at: time }).nullable(),
    wave: count,
    waves: count,
    tasks_done: count,
    tasks: count,
    branch: z.string(),
    topic: z.string().nullable(),
    review_cycle: count,
    paused: z.boolean(),
    waiting_for: waiting.nullable(),
    updated_at: time,
    /** Of all its agents. */
    usage,
  })
  .meta({ id: 'Plan' });
export type PlanEntry = z.infer<typeof planEntry>;

const taskEntry = z.object({
  number: count,
  title: z.string(),
  status: z.enum(['pending', 'working', 'ending', 'committing', 'checking', 'merging', 'done', 'failed', 'cancelled']),
  /** Runs started, over all generations. */
  attempts: count,
  reason: reason.nullable(),
  branch: z.string(),
  /** Of its own agent, over its attempts. */
  usage,
});

export const planShow = planEntry
  .extend({
    title: z.string().nullable(),
    goal: z.string().nullable(),
    content: z.string(),
    tasks_by_wave: z.array(
      z.object({ number: count, status: z.enum(['pending', 'running', 'failed', 'done']), tasks: z.array(taskEntry) }),
    ),
    /** Runs of its agents that began, all roles and generations. */
    runs: count,
    pull_request: z.object({ state: z.string(), url: z.string().nullable() }).nullable(),
    timestamps: z.partialRecord(z.enum(timestampNames), time),
    /** `plan`: the tasks of a wave work one after the other in one worktree, on the plan's branch. */
    isolation: z.enum(isolations),
    /** `head` is the commit of the branch `into` that holds the plan. */
    merged: z.object({ at: time, head: z.string(), into: z.string() }).nullable(),
    /** It is being merged now. */
    merging: z.boolean(),
    /** Why the last try to merge it changed nothing. */
    merge_refused: z
      .object({ at: time, why: z.enum(mergeObstacles), into: z.string().nullable(), files: lines, detail: z.string() })
      .nullable(),
  })
  .meta({ id: 'PlanWithTasks' });
export type PlanShow = z.infer<typeof planShow>;

/** Where a plan's branch is now, beside here. */
export const planPushed = z
  .object({
    status: z.enum(['pushed', 'up_to_date']),
    project: z.string(),
    plan: z.string(),
    branch: z.string(),
    head: z.string(),
    remote: z.string(),
    /** Without a password in it. */
    url: z.string(),
  })
  .meta({ id: 'PlanPushed' });
export type PlanPushed = z.infer<typeof planPushed>;

const journalLine = {
  seq: count,
  at: time,
  signal: z.int().nullable(),
  origin: z.string(),
  /** The actor's path in the plan's tree; empty for the plan itself. */
  actor: z.string(),
  event: z.string(),
  from: z.string(),
  to: z.string(),
  effects: lines,
  refused: refusal.nullable(),
};

export const historyEntry = z.object(journalLine).meta({ id: 'JournalLine' });
export type HistoryEntry = z.infer<typeof historyEntry>;

/** A line of the whole house's journal, as events are streamed. */
export const factEntry = z
  .object({ ...journalLine, project: z.string().nullable(), plan: z.string().nullable() })
  .meta({ id: 'Fact' });
export type FactEntry = z.infer<typeof factEntry>;

export const explanation = z
  .object({
    plan: z.string(),
    status,
    waiting_for: waiting.nullable(),
    accepts: lines,
    refused_last: historyEntry.nullable(),
  })
  .meta({ id: 'Explanation' });
export type Explanation = z.infer<typeof explanation>;

/** What an agent of a plan would be told now; `source` is the path of the repo's own template, or `built-in`. */
export const promptShow = z
  .object({
    project: z.string(),
    plan: z.string(),
    role: z.string(),
    task: z.string().nullable(),
    prompt: z.string(),
    source: z.string(),
  })
  .meta({ id: 'Prompt' });
export type PromptShow = z.infer<typeof promptShow>;

/** The last line of `run --json`. */
export const runFinished = z
  .object({
    type: z.literal('run_finished'),
    plan: z.string(),
    status,
    tasks_done: count,
    tasks_failed: count,
    runs: count,
    waves: count,
    duration_ms: count,
  })
  .meta({ id: 'RunFinished' });
export type RunFinished = z.infer<typeof runFinished>;

/** A plan in the older daemon's words: `filename` is its name, an empty text what it has not. */
export const olderTask = z
  .object({
    filename: z.string(),
    status,
    execution_state: z.string(),
    branch: z.string(),
    pr_url: z.string(),
    review_cycle: count,
    description: z.string(),
    topic: z.string(),
  })
  .meta({ id: 'Task' });

/** That planning or implementing has been asked for. */
export const accepted = z
  .object({
    status: z.literal('accepted'),
    project: z.string(),
    filename: z.string(),
    signal: signalAnswer.shape.signal,
    plan: signalAnswer.shape.plan,
    /** What of the request could not be done, one line each. */
    notes: lines,
  })
  .meta({ id: 'Accepted' });
