/** Waits for the outcome of a merge, and describes it, for the verb and the board. */

import { setTimeout as delay } from 'node:timers/promises';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { withLocalTimes } from '../../machines/vocabulary/time-text.ts';
import type { Client, PlanShow } from '../../runtime/api/client/client.ts';
import type { PlanAddress } from '../session.ts';
import { plain } from '../text.ts';

/**
 * A merge usually takes well under a second. Other work in git, or a push with a person's hooks, takes longer. The merge continues without this
 * process.
 */
const outcomeMs = 120_000;
const pollMs = 100;

/** Printed once, if a merge takes longer than usual. */
export function slowMerge(plan: string): string {
  return `${plan} is being merged; it waits for git, or tries again what failed: stator daemon logs`;
}

/** Returns the plan when its merge or pull request is finished or waits for an obstacle, or after two minutes. */
export async function outcomeOf(
  client: Client,
  { project, plan }: PlanAddress,
  isUnderWay: (shown: PlanShow) => boolean,
): Promise<PlanShow> {
  const untilMs = performance.now() + outcomeMs;
  for (;;) {
    const shown = await client.plan(project, plan);
    const isKept = shown.waiting_for?.kind === 'repo';
    // Without an engine nothing changes while this waits.
    const isOver = client.engine?.kind === 'none' || performance.now() > untilMs;
    if (!isUnderWay(shown) || isKept || isOver) return shown;
    await delay(pollMs);
  }
}

/** The tasks that a person skipped: none of their work is on the plan's branch. */
export function tasksLeftOut({ tasks_by_wave: waves }: Pick<PlanShow, 'tasks_by_wave'>) {
  return waves.flatMap(({ number: wave, tasks }) =>
    tasks
      .filter(({ status }) => status !== 'done')
      .map(({ number, title, status }) => ({ wave, number, title, status })),
  );
}

/** Empty if every task is done. */
export function withoutText(shown: PlanShow): string {
  const left = tasksLeftOut(shown);
  if (left.length === 0) return '';
  const named = left.map(({ wave, number, title, status }) => `w${wave} t${number} ${plain(title)} (${status})`);
  return `without ${left.length} of ${counted(shown.tasks, 'task')}: ${named.join(', ')}`;
}

export interface MergeReport {
  /** The plan is not merged, or not yet. */
  readonly isMissing: boolean;
  readonly text: string;
}

/** `isRepeated`: the plan was already merged before the request. */
export function mergeReport(shown: PlanShow, { isRepeated }: { readonly isRepeated: boolean }): MergeReport {
  const { plan, branch, merged, merging, merge_refused: refused } = shown;
  const isAskedFor = merging || shown.waiting_for?.kind === 'landing';
  if (refused !== null && !isAskedFor) return { isMissing: true, text: `${plan} is not merged: ${refused.detail}` };
  if (merged !== null && !merging) {
    const how = isRepeated ? 'is merged already' : 'is merged';
    const without = withoutText(shown);
    const mergedText = `${plan} ${how}: ${branch} is in ${merged.into}, ${merged.head.slice(0, 12)}`;
    const text = [mergedText, merged.note ?? '', without].filter((line) => line !== '').join('\n');
    return { isMissing: false, text };
  }
  const text =
    shown.waiting_for?.kind === 'repo' || shown.waiting_for?.kind === 'landing'
      ? `pending: ${plan} is not merged yet: ${withLocalTimes(shown.waiting_for.detail, Date.now())}`
      : `pending: ${plan} is not merged yet; what failed is tried again by the next engine, or by the same command; see what became of it: stator plan show ${shellWord(plan)}`;
  return { isMissing: true, text };
}
