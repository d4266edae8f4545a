/** A picture of a repo at one moment, in the shape that kasmos's widgets read (its version 2). */
import { z } from 'zod';
import { count, time } from './shared-shapes.ts';

export const liveStatusCap = { default: 20, most: 100 } as const;

export const liveStatusStages = ['planning', 'ready', 'implementing', 'reviewing', 'verifying'] as const;

export const liveStatus = z
  .object({
    schema_version: z.literal(2),
    generated_at: time,
    project: z.string(),
    daemon_running: z.boolean(),
    /** Seconds. */
    uptime: count,
    repo_count: count,
    /** Plans by status; done and cancelled plans are not counted. */
    lifecycle: z.object({
      planning: count,
      ready: count,
      implementing: count,
      reviewing: count,
      verifying: count,
      total: count,
    }),
    active_agents: z.array(
      z.object({
        task: z.string(),
        role: z.string(),
        title: z.string(),
        wave: z.int().optional(),
        task_number: z.int().optional(),
        stage: z.enum(['loading', 'ready', 'running']),
        paused: z.boolean(),
        worktree: z.string().optional(),
        branch: z.string(),
        last_activity: time.optional(),
      }),
    ),
    attention: z.array(
      z.object({
        task: z.string(),
        kind: z.enum(['needs_decision', 'review_feedback']),
        detail: z.string().optional(),
      }),
    ),
    /** The number of entries that were left out of each list. */
    truncated: z.object({ active_agents: count.optional(), attention: count.optional(), tasks: count.optional() }),
    tasks: z.array(
      z.object({
        filename: z.string(),
        status: z.string(),
        phase: z.string(),
        topic: z.string(),
        branch: z.string(),
        active_wave: count,
        total_waves: count,
        subtasks_done: count,
        subtasks_total: count,
        review_cycle: count,
        blocked: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'LiveStatus' });
/** What stator does for a repo now: counts, running agents, open questions for people. */
export interface LiveStatus extends z.infer<typeof liveStatus> {}
