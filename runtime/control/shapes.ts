/**
 * What `--json` prints and the control API answers: the schemas are the one source of the types and of the API's own description.
 * Fields may be added, never renamed or dropped within a major version. Clients take the types alone, so that they load no schema library.
 */
import { z } from 'zod';
import { reasons } from '../../machines/effect.ts';
import { blockSources, timestampNames } from '../../machines/plan-context.ts';
import { mergeObstacles } from '../../machines/plan-merge.ts';
import { isolations } from '../../machines/policy.ts';
import { planStatuses } from '../../machines/signal.ts';

/** ISO 8601 UTC. */
export const time = z.iso.datetime();
const count = z.int().min(0);
const reason = z.enum(reasons);
const status = z.enum(planStatuses);
const lines = z.array(z.string());

export const waiting = z
  .object({
    kind: z.enum([
      'agent',
      'slot',
      'topic',
      'plan_limit',
      'after',
      'paused',
      'decision',
      'wave_confirmation',
      'back_off',
      'rate_limit',
      'repo',
    ]),
    detail: z.string(),
    since: time.nullable(),
  })
  .meta({ id: 'Waiting' });
export type Waiting = z.infer<typeof waiting>;

/** Who refused, in which state, by which guard, and which signals it would take. */
export const refusal = z
  .object({
    by: z.string(),
    state: z.string(),
    guard: z.string().nullable(),
    accepts: z.array(z.string()).readonly(),
  })
  .meta({ id: 'Refusal' });

/** Runs that began, and what their programs said that they took; null: nobody said it. */
export const usage = z
  .object({
    runs: count,
    input_tokens: count.nullable(),
    output_tokens: count.nullable(),
    cost_usd: z.number().min(0).nullable(),
  })
  .meta({ id: 'Usage' });
export type Usage = z.infer<typeof usage>;

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

export const signalStatuses = ['pending', 'held', 'done', 'failed'] as const;
const signalStatus = z.enum(signalStatuses);

export const signalAnswer = z
  .object({
    signal: z.object({
      id: z.int(),
      type: z.string(),
      status: signalStatus,
      result: z.unknown(),
      refused: refusal.nullable(),
    }),
    plan: z.object({
      project: z.string(),
      plan: z.string(),
      status: status.nullable(),
      phase: z.string().nullable(),
    }),
  })
  .meta({ id: 'Verdict' });
export type SignalAnswer = z.infer<typeof signalAnswer>;

export const signalEntry = z
  .object({
    id: z.int(),
    project: z.string(),
    plan: z.string(),
    type: z.string(),
    payload: z.unknown(),
    origin: z.string(),
    status: signalStatus,
    attempts: count,
    result: z.unknown(),
    dedupe_key: z.string().nullable(),
    created_at: time,
    deliver_at: time.nullable(),
    processed_at: time.nullable(),
  })
  .meta({ id: 'Signal' });
export type SignalEntry = z.infer<typeof signalEntry>;

export const instanceEntry = z
  .object({
    title: z.string(),
    project: z.string(),
    plan: z.string(),
    role: z.string(),
    state: z.enum([
      'queued',
      'starting',
      'running',
      'waiting',
      'paused',
      'stopping',
      'backing_off',
      'succeeded',
      'failed',
      'cancelled',
    ]),
    run: z.string(),
    pid: z.int().nullable(),
    attempt: count,
    worktree: z.string().nullable(),
    branch: z.string(),
    started_at: time.nullable(),
    last_activity_at: time.nullable(),
    exit_code: z.int().nullable(),
    reason: reason.nullable(),
    /** The log file's path. */
    log: z.string().nullable(),
    /** The last line of output that has something to show, at most 200 characters, safe to print. */
    last_line: z.string().nullable(),
    /** What its last run was started as; null: none has begun. */
    preset: z.string().nullable(),
    /** Over its attempts. */
    usage,
  })
  .meta({ id: 'Instance' });
export type InstanceEntry = z.infer<typeof instanceEntry>;

export const queueEntry = z
  .object({
    id: z.int(),
    project: z.string(),
    plan: z.string(),
    title: z.string(),
    state: z.enum(['pending', 'notified', 'completed', 'error']),
    position: z.int().nullable(),
    attempts: count,
    error: z.string().nullable(),
    queued_at: time,
    started_at: time.nullable(),
    finished_at: time.nullable(),
  })
  .meta({ id: 'QueueItem' });
export type QueueEntry = z.infer<typeof queueEntry>;

export const queueStats = z
  .object({
    total: count,
    pending: count,
    notified: count,
    completed: count,
    error: count,
    /** No agent starts until somebody resumes it. */
    paused: z.boolean(),
    /** Worker slots that are taken, of `max_agents`. */
    running: count,
    max_agents: count,
  })
  .meta({ id: 'QueueStats' });
export type QueueStats = z.infer<typeof queueStats>;

export const queueSwitched = z
  .object({
    status: z.enum(['paused', 'resumed']),
    /** false: it was so already. */
    changed: z.boolean(),
    /** Runs that wait for a slot. */
    pending: count,
  })
  .meta({ id: 'QueueSwitched' });
export type QueueSwitched = z.infer<typeof queueSwitched>;

export const queueCleared = z.object({ status: z.literal('cleared'), cleared: count }).meta({ id: 'QueueCleared' });
export type QueueCleared = z.infer<typeof queueCleared>;

export const repoEntry = z
  .object({
    project: z.string(),
    path: z.string(),
    active_plans: count,
    /** `registered` for a moment, then `active`, `paused` or `degraded`. */
    state: z.string(),
    /** Why it is degraded; null: it is not. */
    reason: z.string().nullable(),
  })
  .meta({ id: 'Repo' });
export type RepoEntry = z.infer<typeof repoEntry>;

export const statusAnswer = z
  .object({
    running: z.boolean(),
    /** Seconds. */
    uptime: count,
    pid: z.int(),
    repo_count: count,
    repos: z.array(repoEntry),
    instances: z.array(instanceEntry),
    /** Why the engine handles nothing yet, such as a store that is locked; null: it works. */
    waiting: z.string().nullable(),
    /** What of the configuration could not be done, one line each: a repo of daemon.toml that is not there. */
    problems: lines,
  })
  .meta({ id: 'Status' });
export type StatusAnswer = z.infer<typeof statusAnswer>;

export const repoAdded = z
  .object({
    status: z.literal('added'),
    path: z.string(),
    project: z.string(),
    /** What the repo's own configuration may start, one line each. */
    enables: lines,
    /** What the file enables since it was changed, one line each; the trusted version stays in force until somebody says yes. */
    untrusted: lines,
    /** What is configured and has no effect, one line each. */
    notes: lines,
  })
  .meta({ id: 'RepoAdded' });
export type RepoAdded = z.infer<typeof repoAdded>;

export const repoRemoved = z
  .object({
    status: z.literal('removed'),
    project: z.string(),
    path: z.string(),
    /** What is to be known of it, one line each: that daemon.toml lists it, that plans are kept. */
    notes: lines,
  })
  .meta({ id: 'RepoRemoved' });
export type RepoRemoved = z.infer<typeof repoRemoved>;

export const repoTrusted = z
  .object({
    status: z.literal('trusted'),
    project: z.string(),
    path: z.string(),
    /** What the configuration might start before, and what it may from now on, one line each. */
    before: lines,
    enables: lines,
    /** The lines that are new and those that are gone, with `+ ` and `- ` before them. */
    changes: lines,
    notes: lines,
  })
  .meta({ id: 'RepoTrusted' });
export type RepoTrusted = z.infer<typeof repoTrusted>;

export const repoSwitched = z
  .object({ status: z.enum(['paused', 'resumed']), project: z.string() })
  .meta({ id: 'RepoSwitched' });
export type RepoSwitched = z.infer<typeof repoSwitched>;

export const repoShow = repoEntry
  .extend({
    added_at: time,
    /** Whether daemon.toml lists it. */
    listed: z.boolean(),
    /** The configuration in force; `origin` is a file with its line, or `default`. */
    config: z.array(z.object({ key: z.string(), value: z.unknown(), origin: z.string() })),
    enables: lines,
    /** What the file may start since it was changed; nothing of it is in force. */
    untrusted: lines,
    /** Why the file as it is now cannot be used; what was trusted before stays in force. */
    problem: z.string().nullable(),
    notes: lines,
    plans: z.array(
      z.object({ plan: z.string(), status, phase: z.string().nullable(), blocked: z.boolean(), paused: z.boolean() }),
    ),
  })
  .meta({ id: 'RepoShow' });
export type RepoShow = z.infer<typeof repoShow>;

export const reloadAnswer = z
  .object({
    status: z.literal('reloaded'),
    /** What could not be applied and why, one line each; everything else is in force. */
    problems: lines,
  })
  .meta({ id: 'Reloaded' });
export type ReloadAnswer = z.infer<typeof reloadAnswer>;

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

/** Every 4xx and 5xx. */
export const errorDocument = z.object({ error: z.string(), code: z.string(), hint: z.string() }).meta({ id: 'Error' });
