/** Estimates how long a plan's open tasks may still take, from the times of its done tasks and from the slots. Pure. */

import { instanceTitle } from '../../../machines/vocabulary/ids.ts';
import type { RunRow } from '../../core/store/rows.ts';
import type { PlanShow } from '../contract/plans.ts';

type Wave = Pick<PlanShow['tasks_by_wave'][number], 'number'> & {
  readonly tasks: readonly Pick<PlanShow['tasks_by_wave'][number]['tasks'][number], 'number' | 'status'>[];
};

export interface Course {
  readonly plan: string;
  readonly waves: readonly Wave[];
  readonly runs: readonly Pick<RunRow, 'title' | 'started_at' | 'ended_at'>[];
  /** Runs before this time belong to an earlier pass. */
  readonly sinceMs: number;
  /** The slots that it may have at best, and the slots that other agents leave free now. */
  readonly slots: { readonly most: number; readonly now: number };
  readonly nowMs: number;
}

export type Estimate = NonNullable<PlanShow['estimate']>;

/** One finished task is too few for an estimate. */
const tasksNeeded = 2;

/**
 * `from_ms`: every open task takes as long as the quickest done one, with all slots. `to_ms`: as long as the slowest, with the slots that are free now. A
 * task's time is its agent's, over all attempts; it excludes waits for a slot or a person, checks and merges. A task that has already taken longer than all
 * done ones may take as long again. null: fewer than two tasks are done, one has failed, so that a person decides, or none is open.
 */
export function estimateOf({ plan, waves, runs, sinceMs, slots, nowMs }: Course): Estimate | null {
  const workedMs = (wave: number, task: number) => {
    const title = instanceTitle({ plan, role: 'coder', wave, task, round: 0 });
    const own = runs.filter((run) => run.title === title && (run.started_at ?? 0) >= sinceMs);
    return own.reduce((sum, { started_at: start, ended_at: end }) => sum + ((end ?? nowMs) - (start ?? nowMs)), 0);
  };
  const tasks = waves.flatMap((wave) =>
    wave.tasks.map((task) => ({ ...task, ms: workedMs(wave.number, task.number) })),
  );
  if (tasks.some(({ status }) => status === 'failed' || status === 'cancelled')) return null;
  // A task that a person skipped counts as done and took no time.
  const took = tasks.filter(({ status, ms }) => status === 'done' && ms > 0).map(({ ms }) => ms);
  const open = waves
    .map((wave) =>
      wave.tasks.filter(({ status }) => status !== 'done').map(({ number }) => workedMs(wave.number, number)),
    )
    .filter((wave) => wave.length > 0);
  if (took.length < tasksNeeded || open.length === 0) return null;
  const quickest = Math.min(...took);
  const slowest = Math.max(...took);
  const least = (ms: number) => Math.max(0, quickest - ms);
  const most = (ms: number) => (ms < slowest ? slowest - ms : ms);
  return {
    tasks: took.length,
    from_ms: lastingMs(open, slots.most, least),
    to_ms: lastingMs(open, Math.min(slots.now, slots.most), most),
  };
}

/** Simulates one wave after the other. In each wave the task with the longest work comes first, and the next task takes the first free slot. */
function lastingMs(waves: readonly (readonly number[])[], slots: number, leftMs: (ms: number) => number): number {
  return waves.reduce((sum, wave) => {
    const ends = Array.from({ length: Math.max(1, Math.min(slots, wave.length)) }, () => 0);
    for (const ms of [...wave].sort((a, b) => b - a)) {
      const first = ends.indexOf(Math.min(...ends));
      ends[first] = (ends[first] ?? 0) + leftMs(ms);
    }
    return sum + Math.max(...ends);
  }, 0);
}
