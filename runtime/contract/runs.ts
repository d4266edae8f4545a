/** Agents and the queue for slots, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { count, reason, time, usage } from './words.ts';

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
    /** When it goes on by itself, where it waits for a service's limit or for its next attempt. */
    waits_until: time.nullable(),
    /** The log file's path. */
    log: z.string().nullable(),
    /** The last line of output that has something to show, at most 200 characters, safe to print. */
    last_line: z.string().nullable(),
    /** What its last run was started as; null: none has begun. */
    preset: z.string().nullable(),
    /** Over its attempts. */
    usage,
    /** From here on as kasmos says it. Unlike any other of this home, the same over its attempts. */
    id: z.string(),
    /** It has a process that is not frozen. */
    active: z.boolean(),
    /** It waits for a slot, or is being started. */
    loading: z.boolean(),
    /** It waits for an answer. */
    ready: z.boolean(),
    paused: z.boolean(),
    /** What it is started as; "": nothing has been started yet. */
    program: z.string(),
    created_at: time,
    /** 0: it works on no single task. */
    task_number: count,
    wave_number: count,
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
