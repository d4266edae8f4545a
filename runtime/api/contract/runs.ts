/** Agents and the queue for slots, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { runStates } from '../../../machines/vocabulary/run-state.ts';
import { permissionQuestion } from './permissions.ts';
import { count, lines, reason, time, usage, waiting } from './shared-shapes.ts';

/** What an agent does now, according to its newest output, as far as its program reports it. */
export const agentWork = z
  .object({
    /** The tool that it uses now, as a line of its log; null: none, or its program does not report when a tool begins. */
    tool: z.string().nullable(),
    /** Its own to-do list; empty: it wrote none. */
    plan: z.array(z.object({ text: z.string(), state: z.enum(['pending', 'in_progress', 'completed']) })),
    /** Tokens of its conversation, and its model's limit; null: not reported. */
    context: z.object({ used: count, size: count.nullable() }).nullable(),
    /** Its list and context as a sentence: `2 of 5 of its plan, 34 % of its context`; "": nothing is known. */
    text: z.string(),
  })
  .meta({ id: 'AgentWork' });

export const instanceEntry = z
  .object({
    title: z.string(),
    project: z.string(),
    plan: z.string(),
    role: z.string(),
    state: z.enum(runStates),
    /** Whether it has a process, or is starting or stopping. */
    live: z.boolean(),
    run: z.string(),
    pid: z.int().nullable(),
    attempt: count,
    worktree: z.string().nullable(),
    branch: z.string(),
    started_at: time.nullable(),
    last_activity_at: time.nullable(),
    exit_code: z.int().nullable(),
    /** Why its work counts although a process signal ended it; null: its exit code needs no explanation. */
    exit_note: z.string().nullable(),
    reason: reason.nullable(),
    /** When it continues automatically, if it waits for a limit of its account or for its next attempt. */
    waits_until: time.nullable(),
    /** Its open permission requests, the oldest first. */
    permissions: z.array(permissionQuestion),
    /** Whether a person may type to it now, while it works. */
    takes_input: z.boolean(),
    /** Whether the text goes into a terminal, which also accepts keys; otherwise each line is a message to its program. */
    takes_keys: z.boolean(),
    /** The host that has its files, if it is another host. */
    host: z.string().optional(),
    /** The log file's path; null: there is none, or it is on another host. */
    log: z.string().nullable(),
    /** The last line of its output with visible text, at most 200 characters, safe to print. */
    last_line: z.string().nullable(),
    /** What it does now; null: its preset does not report that, or there is no log here. */
    work: agentWork.nullable(),
    /** The preset of its last run; null: there was no run. */
    preset: z.string().nullable(),
    /** The usage over all attempts. */
    usage,
    /** The fields from here on are kasmos's. The id is unique in this home, and the same over all attempts. */
    id: z.string(),
    /** Whether it has a process that is not frozen. */
    active: z.boolean(),
    /** Whether it waits for a slot or is starting. */
    loading: z.boolean(),
    /** Whether it waits for an answer. */
    ready: z.boolean(),
    paused: z.boolean(),
    /** The program; "": there was no run. */
    program: z.string(),
    created_at: time,
    /** 0: it does not work on a single task. */
    task_number: count,
    wave_number: count,
  })
  .meta({ id: 'Instance' });
/** An agent over all of its attempts: its state, its newest run, its worktree, its log. */
export interface InstanceEntry extends z.infer<typeof instanceEntry> {}

/** The log of one run, or of a check that judged the run. */
export const runLog = z
  .object({
    title: z.string(),
    run: z.string(),
    attempt: count,
    /** Why the run did not count; null: it counted, or is not over. */
    reason: reason.nullable(),
    /** When the run started. */
    started_at: time.nullable(),
    ended_at: time.nullable(),
    /** null: the log is the agent's own. A check that an earlier version began has no name. Without an exit code it is not over, or has vanished. */
    check: z
      .object({
        wave: z.int().nullable(),
        task: z.int().nullable(),
        command: z.string().nullable(),
        exit_code: z.int().nullable(),
      })
      .nullable(),
    /** The log file's path; null: there is none, or it was deleted. */
    log: z.string().nullable(),
    /** Its end, at most 64 KiB, safe to print. */
    text: z.string(),
  })
  .meta({ id: 'RunLog' });
/** The log of one run, or of one check. */
export interface RunLog extends z.infer<typeof runLog> {}

/** The part of the queue that a pause concerns. */
export const pausedParts = ['queue', 'repo', 'plan', 'agent'] as const;
/** The part of the queue that is paused. */
export type PausedPart = (typeof pausedParts)[number];

/** An agent over all its attempts. */
export const queueEntry = z
  .object({
    /** The agent's id, the same over all attempts. */
    id: z.int(),
    project: z.string(),
    plan: z.string(),
    title: z.string(),
    role: z.string(),
    /** `pending`: it waits for a slot, for its next attempt, for a service or for an answer. `error`: it has ended so. */
    state: z.enum(['pending', 'notified', 'completed', 'error']),
    /** As `agent list` shows it. */
    agent_state: instanceEntry.shape.state,
    /**
     * Its place among the agents of its kind that wait for a slot, in the order in which they get one; null: it waits for something else, or is itself
     * paused.
     */
    position: z.int().nullable(),
    /** The number of attempts that began; 0 before the first. */
    attempts: count,
    /** Why its last attempt failed, or what prevents its start; null: nothing does, or it has ended well. */
    error: z.string().nullable(),
    /** The widest pause that prevents its start. */
    held_by: z.enum(pausedParts).nullable(),
    /** What it waits for; null: it does not wait. */
    waiting_for: waiting.nullable(),
    /** When it was requested, when its first attempt began, and when it ended for good. */
    queued_at: time,
    started_at: time.nullable(),
    finished_at: time.nullable(),
  })
  .meta({ id: 'QueueItem' });
/** An agent that waits for a slot, and for what. */
export interface QueueEntry extends z.infer<typeof queueEntry> {}

export const queuePause = z
  .object({
    of: z.enum(pausedParts),
    project: z.string().nullable(),
    plan: z.string().nullable(),
    title: z.string().nullable(),
    since: time,
    /** The number of agents that wait for nothing else, and the titles of the first ones. */
    pending: count,
    titles: lines,
  })
  .meta({ id: 'QueuePause' });
/** A part of the queue that is paused, since when, and by whom. */
export interface QueuePause extends z.infer<typeof queuePause> {}

export const queueStats = z
  .object({
    total: count,
    pending: count,
    notified: count,
    completed: count,
    error: count,
    /** true: no agent starts until the queue is resumed. */
    paused: z.boolean(),
    /** The number of pending agents that wait only because of a pause. */
    held: count,
    /** Sorted: the pause of the whole queue first, then by name. */
    pauses: z.array(queuePause),
    /** Worker slots that are taken, of `max_agents`. */
    running: count,
    max_agents: count,
    /** When the agent was requested that has waited longest for its first slot; null: none waits for it, apart from paused ones. */
    oldest_pending: time.nullable(),
  })
  .meta({ id: 'QueueStats' });
/** The numbers of waiting agents, running agents and slots. */
export interface QueueStats extends z.infer<typeof queueStats> {}

export const queueSwitched = z
  .object({
    status: z.enum(['paused', 'resumed']),
    /** false: nothing changed. */
    changed: z.boolean(),
    of: z.enum(pausedParts),
    project: z.string().nullable(),
    plan: z.string().nullable(),
    title: z.string().nullable(),
    /** The number of its pending agents. */
    pending: count,
    pauses: z.array(queuePause),
  })
  .meta({ id: 'QueueSwitched' });
/** A part of the queue that was paused or resumed. */
export interface QueueSwitched extends z.infer<typeof queueSwitched> {}

export const queueCleared = z.object({ status: z.literal('cleared'), cleared: count }).meta({ id: 'QueueCleared' });
/** The number of agents that were taken out of the queue. */
export interface QueueCleared extends z.infer<typeof queueCleared> {}
