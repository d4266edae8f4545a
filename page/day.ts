/** The totals of a day's runs: by repo, the failures, and slots, tokens and cost over the day. */
import { sumOfKnown } from '../machines/vocabulary/numbers.ts';
import { isFailure } from '../machines/vocabulary/run-state.ts';
import type { WorkEntry } from '../runtime/api/contract/work.ts';

export type Run = WorkEntry['runs'][number];

export interface Sum {
  readonly project: string;
  readonly runs: number;
  readonly done: number;
  readonly failed: number;
  readonly plans: readonly string[];
  readonly tokens: number | null;
  readonly cost: number | null;
}

/** A value from a time on, until the next step. */
export interface Step {
  readonly ms: number;
  readonly value: number;
}

export function tokensOf({ input_tokens: input, output_tokens: output }: Run): number | null {
  return input === null ? null : input + (output ?? 0);
}

/** By repo, in the order of their names. */
export function sumsOf(runs: readonly Run[]): Sum[] {
  const projects = [...new Set(runs.map(({ project }) => project))].sort();
  return projects.map((project) => {
    const own = runs.filter((run) => run.project === project);
    return {
      project,
      runs: own.length,
      done: own.filter(({ state }) => state === 'succeeded').length,
      failed: own.filter(isFailure).length,
      plans: [...new Set(own.map(({ plan }) => plan))].sort(),
      tokens: sumOfKnown(own.map(tokensOf)),
      cost: sumOfKnown(own.map(({ cost_usd: cost }) => cost)),
    };
  });
}

/** How many agents worked at each time. */
export function slotsOver(runs: readonly Run[], fromMs: number, toMs: number): Step[] {
  const changes = runs.flatMap(({ started_at: start, ended_at: end }) => [
    { ms: Math.max(fromMs, Date.parse(start)), by: 1 },
    ...(end === null ? [] : [{ ms: Math.min(toMs, Date.parse(end)), by: -1 }]),
  ]);
  // If a run ends when another one starts, both used the same slot.
  changes.sort((a, b) => a.ms - b.ms || a.by - b.by);
  let value = 0;
  return changes.map(({ ms, by }) => {
    value = Math.max(0, value + by);
    return { ms, value };
  });
}

/** The total use up to each time. The use of a run is known at its end, and is added there. */
export function spentOver(runs: readonly Run[], of: (run: Run) => number | null, fromMs: number): Step[] {
  let value = 0;
  return runs
    .map((run) => ({ ms: Date.parse(run.ended_at ?? ''), used: of(run) ?? 0 }))
    .filter(({ ms, used }) => ms >= fromMs && used > 0)
    .sort((a, b) => a.ms - b.ms)
    .map(({ ms, used }) => {
      value += used;
      return { ms, value };
    });
}
