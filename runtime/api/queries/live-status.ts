/** A picture of a repo at one moment, in the shape that kasmos's widgets read (its version 2): counted, cut to a cap, sorted. */

import { basename } from 'node:path';
import { taskIn } from '../../../machines/vocabulary/ids.ts';
import { isOver } from '../../../machines/vocabulary/plan-status.ts';
import type { Clock } from '../../base/platform/clock.ts';
import { type LiveStatus, liveStatusCap, liveStatusStages as stages } from '../contract/live-status.ts';
import type { PlanEntry } from '../contract/plans.ts';
import type { InstanceEntry } from '../contract/runs.ts';
import type { Views } from './queries.ts';

/** `cap` is the most entries of a list. Throws `repo_not_found`. */
export async function liveStatusOf(
  { views, clock, uptimeMs }: { readonly views: Views; readonly clock: Pick<Clock, 'nowMs'>; uptimeMs(): number },
  project: string,
  cap: number = liveStatusCap.default,
): Promise<LiveStatus> {
  views.mustKnow(project);
  const [entries, instances, repos] = await Promise.all([
    views.plans(project),
    views.instances({ project }),
    views.repos(),
  ]);
  const plans = entries.filter(({ status }) => !isOver(status));
  const agents = instances.filter(({ state }) => state in stageOf);
  const attention = plans.flatMap(attentionOf);
  const left = (all: readonly unknown[]) => Math.max(0, all.length - cap);
  const truncated = { active_agents: left(agents), attention: left(attention), tasks: left(plans) };
  const of = (status: string) => plans.filter((entry) => entry.status === status).length;
  const [planning, ready, implementing, reviewing, verifying] = stages.map(of) as [
    number,
    number,
    number,
    number,
    number,
  ]; // one each
  return {
    schema_version: 2,
    generated_at: new Date(clock.nowMs()).toISOString(),
    project,
    daemon_running: true,
    uptime: Math.floor(uptimeMs() / 1_000),
    repo_count: repos.length,
    lifecycle: { planning, ready, implementing, reviewing, verifying, total: plans.length },
    active_agents: agents.map(agentOf).sort(byTask).slice(0, cap),
    attention: attention.slice(0, cap),
    truncated: Object.fromEntries(Object.entries(truncated).filter(([, count]) => count > 0)),
    tasks: plans.slice(0, cap).map(taskOf),
  };
}

const stageOf: Readonly<Partial<Record<InstanceEntry['state'], 'loading' | 'ready' | 'running'>>> = {
  queued: 'loading',
  starting: 'loading',
  backing_off: 'loading',
  running: 'running',
  stopping: 'running',
  waiting: 'ready',
  paused: 'ready',
};

type Agent = LiveStatus['active_agents'][number];

function agentOf({ title, plan, role, state, worktree, branch, last_activity_at: activity }: InstanceEntry): Agent {
  const of = taskIn(title);
  return {
    task: plan,
    role,
    title,
    ...(of === null ? {} : { wave: of.wave, task_number: of.task }),
    stage: stageOf[state] ?? 'loading',
    paused: state === 'paused',
    ...(worktree === null ? {} : { worktree: basename(worktree) }),
    branch,
    ...(activity === null ? {} : { last_activity: activity }),
  };
}

function byTask(a: Agent, b: Agent): number {
  return (
    a.task.localeCompare(b.task) ||
    a.role.localeCompare(b.role) ||
    (a.wave ?? 0) - (b.wave ?? 0) ||
    (a.task_number ?? 0) - (b.task_number ?? 0)
  );
}

function attentionOf({ plan, blocked, need }: PlanEntry): LiveStatus['attention'] {
  if (blocked !== null) {
    const kind = blocked.source === 'review' || blocked.source === 'cycle_limit' ? 'review_feedback' : 'needs_decision';
    return [{ task: plan, kind, detail: blocked.reason }];
  }
  return need?.source === 'wave' ? [{ task: plan, kind: 'needs_decision' }] : [];
}

function taskOf(entry: PlanEntry): LiveStatus['tasks'][number] {
  return {
    filename: entry.plan,
    status: entry.status,
    phase: entry.phase ?? '',
    topic: entry.topic ?? '',
    branch: entry.branch,
    active_wave: entry.wave,
    total_waves: entry.waves,
    subtasks_done: entry.tasks_done,
    subtasks_total: entry.tasks,
    review_cycle: entry.review_cycle,
    blocked: entry.blocked !== null,
  };
}
