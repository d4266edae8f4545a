/** How long the tasks of a plan that works may still take: from how long its done tasks took, and the slots. Pure. */

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
  /** Runs from before belong to an earlier pass. */
  readonly sinceMs: number;
  /** Slots that it may have at best; and those that are left beside the agents of others now. */
  readonly slots: { readonly most: number; readonly now: number };
  readonly nowMs: number;
}

export type Estimate = NonNullable<PlanShow['estimate']>;

/** One finished task is too few for an estimate. */
const tasksNeeded = 2;

/**
 * `from_ms`: every open task takes as long as the quickest of the done ones, in all slots; `to_ms`: as long as the slowest, in the slots that are left now.
 * A task's time is that of its agent, all attempts together: waiting for a slot or a person, checks and merges are not in it. A task that takes longer than
 * any before may take as long again. null: fewer than two tasks are done, one has failed, so that a person decides, or none is open.
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
  // What a person passed over is done and took no time.
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

/** One wave after the other; in each of them what has worked longest first, and the next task in the slot that is free first. */
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
