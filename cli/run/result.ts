/** The result of a run, printed at its end: the changes, and the verdicts. */

import { EngineError } from '../../machines/vocabulary/errors.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { duration } from '../../machines/vocabulary/time-text.ts';
import type { Client, HistoryEntry, Judgement, PlanDiff, PlanShow } from '../../runtime/api/client/client.ts';
import { changeLines } from '../plan/change-lines.ts';
import { plain } from '../text.ts';
import { budgetText, usageText } from '../usage-text.ts';
import { journalOf } from './journal.ts';

export interface Result {
  /** null: nothing is committed. */
  readonly diff: Pick<PlanDiff, 'files' | 'total'> | null;
  readonly review: Judgement | null;
  readonly verification: Judgement | null;
  /** Why parts of it could not be read. */
  readonly notes: readonly string[];
}

/** Never throws because of an engine's answer: the plan has ended even if its result cannot be shown. */
export async function resultOf(client: Client, { project, plan }: PlanShow): Promise<Result> {
  const notes: string[] = [];
  const orNull = async <Answer>(asked: Promise<Answer>): Promise<Answer | null> => {
    try {
      return await asked;
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      if (thrown.code !== 'conflict') notes.push(plain(thrown.message));
      return null;
    }
  };
  const diff = await orNull(client.planDiff(project, plan));
  const said = await orNull(judgements(client, project, plan));
  return { diff, review: said?.review ?? null, verification: said?.verification ?? null, notes };
}

interface Judgements {
  readonly review: Judgement | null;
  readonly verification: Judgement | null;
}

const none: Judgements = { review: null, verification: null };

async function judgements(client: Client, project: string, plan: string): Promise<Judgements> {
  let said = none;
  for await (const entry of journalOf(client, { project, plan })) said = judged(said, entry);
  return said;
}

const verdicts: Readonly<Record<string, readonly [keyof Judgements, Judgement['verdict']]>> = {
  review_approved: ['review', 'approved'],
  review_changes_requested: ['review', 'changes_requested'],
  verify_approved: ['verification', 'approved'],
  verify_failed: ['verification', 'changes_requested'],
};
/** After one of these signals the earlier verdicts are about other work. */
const anew: ReadonlySet<string> = new Set(['start_over', 'reimplement', 'request_review', 'reopen']);

/** Counts only verdicts that changed the plan's status. */
function judged(before: Judgements, { actor, event, from, to, refused, origin, at, why }: HistoryEntry): Judgements {
  if (actor !== '' || refused !== null || from === to) return before;
  if (anew.has(event)) return none;
  const found = verdicts[event];
  return found === undefined ? before : { ...before, [found[0]]: { verdict: found[1], by: origin, at, why } };
}

/** More lines would scroll the commands below off the screen. */
const filesShown = 8;

/** The verdicts, and the changed files with the size of each change; `width`: null in a pipe. */
export function resultLines(
  { diff, review, verification }: Result,
  { plan, cycle, width }: { readonly plan: string; readonly cycle: number; readonly width: number | null },
): string[] {
  return [
    ...(review === null ? [] : [`review: ${judgementText(review, 'the reviewer')}${rounds(review, cycle)}`]),
    ...(verification === null ? [] : [`verification: ${judgementText(verification, 'the verifier')}`]),
    ...(diff === null || diff.total.files === 0
      ? []
      : changeLines(diff, { width, most: filesShown, more: `stator plan diff ${shellWord(plan)} --stat` })),
  ];
}

function judgementText({ verdict, by }: Judgement, program: string): string {
  const who =
    by === 'person'
      ? 'a person'
      : by === 'engine' || by === 'file'
        ? program
        : plain(by.replace(/^(?:agent|person):/, ''));
  return `${verdict === 'approved' ? 'approved' : 'asks for changes'}, by ${who}`;
}

/** The fixes for the last review are missing. */
function rounds({ verdict }: Judgement, cycle: number): string {
  const fixed = verdict === 'approved' ? cycle : cycle - 1;
  return fixed <= 0 ? '' : `, after ${counted(fixed, 'round')} of fixing`;
}

/** The time of this command, and the usage of all the plan's agents. If some reported none, the number of runs that did. */
export function tookText(
  { usage, budget, runs, run_list: list }: PlanShow,
  { startedMs, nowMs }: { readonly startedMs: number; readonly nowMs: number },
): string {
  // A run that attached near the end may take less than a second, which is not worth printing.
  const time = nowMs - startedMs < 1_000 ? '' : duration(nowMs - startedMs);
  const isContinued = list.some(({ started_at: at }) => at !== null && Date.parse(at) < startedMs);
  const text = [usageText(usage), budgetText(budget)].filter((part) => part !== '').join(', ');
  const said = list.filter(
    ({ input_tokens, output_tokens, cost_usd }) => (input_tokens ?? output_tokens ?? cost_usd) !== null,
  );
  const isPartial = said.length > 0 && said.length < list.length && list.length === runs;
  const used = isPartial ? `${text} (as ${said.length} of ${runs} runs say)` : text;
  return [time, used].filter((part) => part !== '').join(isContinued ? ' this time; in all ' : ', ');
}
