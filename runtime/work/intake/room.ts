/** The number of items of an intake that may become plans now. */
import type { IntakeConfig } from '../../base/config/config.ts';
import type { IntakeCountRow } from '../../core/store/rows.ts';

export interface Room {
  readonly items: number;
  /** Why no more items become plans. */
  readonly reason: string;
}

export const hourMs = 3_600_000;

export const dayMs = 24 * hourMs;

/** `counts`: of the last hour. `spentUsd`: of the last day; called only if there is a budget. */
export function roomOf(
  { perHour, open, budgetUsd }: Pick<IntakeConfig, 'perHour' | 'open' | 'budgetUsd'>,
  counts: Pick<IntakeCountRow, 'recent' | 'open'>,
  spentUsd: number,
): Room {
  if (budgetUsd !== null && spentUsd >= budgetUsd)
    return { items: 0, reason: `its plans cost $${spentUsd.toFixed(2)} within a day, and budget = ${budgetUsd}` };
  const byOpen = Math.max(0, open - counts.open);
  const byHour = Math.max(0, perHour - counts.recent);
  return byOpen <= byHour
    ? { items: byOpen, reason: `${counts.open} of its plans are not over, and open = ${open}` }
    : { items: byHour, reason: `${counts.recent} items became plans within an hour, and per_hour = ${perHour}` };
}
