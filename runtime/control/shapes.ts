/** What `--json` prints and the control API answers. Fields may be added, never renamed or dropped within a major version. */
import type { TaskStatus, WaveStatus } from '../../actors/plan-view.ts';
import type { Refusal } from '../../actors/refusal.ts';
import type { Reason } from '../../machines/effect.ts';
import type { BlockSource, TimestampName } from '../../machines/plan-context.ts';
import type { PlanStatus } from '../../machines/signal.ts';

/** ISO 8601 UTC. */
export type Time = string;

export interface Waiting {
  kind:
    | 'agent'
    | 'slot'
    | 'topic'
    | 'plan_limit'
    | 'after'
    | 'paused'
    | 'decision'
    | 'wave_confirmation'
    | 'back_off'
    | 'rate_limit'
    | 'repo';
  detail: string;
  since: Time | null;
}

export interface PlanEntry {
  project: string;
  plan: string;
  status: PlanStatus;
  phase: string | null;
  blocked: { reason: string; source: BlockSource; at: Time } | null;
  wave: number;
  waves: number;
  tasks_done: number;
  tasks: number;
  branch: string;
  topic: string | null;
  review_cycle: number;
  paused: boolean;
  waiting_for: Waiting | null;
  updated_at: Time;
}

export interface PlanShow extends PlanEntry {
  title: string | null;
  goal: string | null;
  content: string;
  tasks_by_wave: {
    number: number;
    status: WaveStatus;
    tasks: {
      number: number;
      title: string;
      status: TaskStatus;
      attempts: number;
      reason: Reason | null;
      branch: string;
    }[];
  }[];
  /** Runs of its agents that began, all roles and generations. */
  runs: number;
  pull_request: { state: string; url: string | null } | null;
  timestamps: Partial<Record<TimestampName, Time>>;
}

export interface HistoryEntry {
  seq: number;
  at: Time;
  signal: number | null;
  origin: string;
  /** The actor's path in the plan's tree; empty for the plan itself. */
  actor: string;
  event: string;
  from: string;
  to: string;
  effects: string[];
  refused: Refusal | null;
}

/** A line of the whole house's journal, as events are streamed. */
export interface FactEntry extends HistoryEntry {
  project: string | null;
  plan: string | null;
}

export interface Explanation {
  plan: string;
  status: PlanStatus;
  waiting_for: Waiting | null;
  accepts: string[];
  refused_last: HistoryEntry | null;
}

export interface SignalAnswer {
  signal: {
    id: number;
    type: string;
    status: 'pending' | 'held' | 'done' | 'failed';
    result: unknown;
    refused: Refusal | null;
  };
  plan: { project: string; plan: string; status: PlanStatus | null; phase: string | null };
}

export interface SignalEntry {
  id: number;
  project: string;
  plan: string;
  type: string;
  payload: unknown;
  origin: string;
  status: 'pending' | 'held' | 'done' | 'failed';
  attempts: number;
  result: unknown;
  dedupe_key: string | null;
  created_at: Time;
  deliver_at: Time | null;
  processed_at: Time | null;
}

export interface InstanceEntry {
  title: string;
  project: string;
  plan: string;
  role: string;
  state:
    | 'queued'
    | 'starting'
    | 'running'
    | 'waiting'
    | 'paused'
    | 'stopping'
    | 'backing_off'
    | 'succeeded'
    | 'failed'
    | 'cancelled';
  run: string;
  pid: number | null;
  attempt: number;
  worktree: string | null;
  branch: string;
  started_at: Time | null;
  last_activity_at: Time | null;
  exit_code: number | null;
  reason: Reason | null;
  /** The log file's path. */
  log: string | null;
  /** The last line of output that has something to show, at most 200 characters, safe to print. */
  last_line: string | null;
}

export interface QueueEntry {
  id: number;
  project: string;
  plan: string;
  title: string;
  state: 'pending' | 'notified' | 'completed' | 'error';
  position: number | null;
  attempts: number;
  error: string | null;
  queued_at: Time;
  started_at: Time | null;
  finished_at: Time | null;
}

export interface RepoEntry {
  project: string;
  path: string;
  active_plans: number;
  state: string;
}

export interface StatusAnswer {
  running: boolean;
  /** Seconds. */
  uptime: number;
  pid: number;
  repo_count: number;
  repos: RepoEntry[];
  instances: InstanceEntry[];
}

export interface RepoAdded {
  status: 'added';
  path: string;
  project: string;
  /** What the repo's own configuration may start, one line each. */
  enables: string[];
  /** What the file enables since it was changed, one line each; the trusted version stays in force until somebody says yes. */
  untrusted: string[];
  /** What is configured and has no effect, one line each. */
  notes: string[];
}

/** The last line of `run --json`. */
export interface RunFinished {
  type: 'run_finished';
  plan: string;
  status: PlanStatus;
  tasks_done: number;
  tasks_failed: number;
  runs: number;
  waves: number;
  duration_ms: number;
}
