/** Repos and the engine, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { instanceEntry } from './runs.ts';
import { count, lines, status, time } from './words.ts';

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

export const pingAnswer = z
  .object({
    version: z.string(),
    /** What is not as safe as its user may think, one line each: agents that run without walls. */
    warnings: lines,
  })
  .meta({ id: 'Ping' });

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
    /** What of daemon.toml has no effect, and why, one line each. */
    notes: lines,
    /** What is not as safe as its user may think, one line each: agents that run without walls. */
    warnings: lines,
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
