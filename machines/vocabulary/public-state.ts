/**
 * The public states of a chart: tags of its states. Lists, hooks, notices and history read these; the name of a state belongs to its chart,
 * and may change without a change elsewhere.
 */

import type { Role } from './ids.ts';
import type { ForgeMerge } from './plan-pull.ts';
import type { PlanStatus } from './plan-status.ts';
import type { RunState } from './run-state.ts';

/** The status of a task, as lists show it. */
export const taskStatuses = [
  'pending',
  'working',
  'ending',
  'committing',
  'asking',
  'checking',
  'merging',
  'done',
  'failed',
  'cancelled',
] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** Whether something is being done for a task, or it failed and a person decides what follows. */
export function isTaskOpen(status: TaskStatus): boolean {
  return status !== 'pending' && status !== 'done' && status !== 'cancelled';
}

export type PlanTag =
  /** Every state of its life carries one. */
  | `status:${PlanStatus}`
  | `phase:${'planned' | 'architecting' | 'single_agent_implementing' | 'wave_running' | 'wave_waiting' | 'fixing' | 'reviewing'}`
  /** Its document has no waves yet. */
  | 'draft'
  /** An architect chooses one of several drafts. */
  | 'chooses'
  /** It waits for the right to implement. */
  | 'waits:turn'
  /** It gets in line when its pull request is approved and green. */
  | 'waits:pull'
  /** An agent of that role is at work. */
  | `works:${Role}`
  /** A person is needed: to answer questions of tasks, for the whole plan, or because the status was set by hand. */
  | `needs:${'answers' | 'person' | 'word'}`
  | 'paused'
  /** Its merge into the branch that people work on; without such a tag no merge was requested. */
  | `merge:${'working' | 'in_line' | 'merged' | 'refused'}`
  | `pull:${'creating' | 'open' | 'merged' | 'closed' | 'failed'}`
  /** It gets one automatically, if a forge is configured. */
  | 'pull_wanted'
  /** Its forge is being asked for one, or new commits are being pushed to it. */
  | 'pull_working'
  /** The progress of its merge by the forge, unless that is left to a person. */
  | `pull_merge:${ForgeMerge['state']}`;

/** `failed`: it ended with failures, and a person decides what follows. */
export type WaveTag = `wave:${'running' | 'failed' | 'done'}`;

/** `not_begun`: no agent has begun with its present text, so the text may still change. */
export type TaskTag = `task:${TaskStatus}` | 'not_begun';

export type AgentTag =
  | `run:${RunState}`
  /** Its process works. */
  | 'at-work'
  /** It has no run: its text may still change. */
  | 'not_begun'
  /** Its run is over, well or not. */
  | 'run-over'
  /** Why its run waits, or ended without an attempt spent. */
  | `waits:${'permission' | 'rate-limited' | 'needs_decision'}`;

/** Whether a repository grants the right to implement: `paused` by a person, `degraded` while it cannot be used. */
export type RepoTag = `repo:${'active' | 'paused' | 'degraded'}`;

/** What the line of a branch does: with the plan at its head, or whether it lets plans land at all. */
export type LandingTag = `landing:${'empty' | 'preparing' | 'checking' | 'merging' | 'paused'}`;

/** The state of the engine: `draining` once it is asked to stop, `stopped` when it has. */
export type SupervisorTag = `engine:${'running' | 'draining' | 'stopped'}`;
