/** Builds the shown plan from its tree and its rows alone. */
import type { MergeView, Need, PlanDetail, PullView } from '../../../actors/plan-view.ts';
import { parsePlan } from '../../../machines/document/plan-document.ts';
import type { Question, TimestampName } from '../../../machines/plan/context.ts';
import type { Reason } from '../../../machines/vocabulary/effect.ts';
import type { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { PlanRow, RunRow, UsageRow } from '../../core/store/rows.ts';
import { runIdOf } from '../../work/agents/run-folder.ts';
import type { PlanEntry, PlanShow } from '../contract/plans.ts';
import { timeOrNull, timeText } from './time-text.ts';
import { wavesShown } from './usage.ts';

/** The plan's data besides its tree. */
export interface RowsOfPlan {
  readonly entry: PlanEntry;
  readonly usage: readonly UsageRow[];
  readonly content: string;
  readonly runs: number;
  readonly shown: PlanShow['run_list'];
  readonly undone: string[];
  readonly setAside: string[];
}

/** Without the fields that exist only for the present: `plan show` adds them. */
export function planShown(row: PlanRow, detail: PlanDetail, rows: RowsOfPlan): PlanShow {
  const stamps = Object.entries(detail.timestamps) as [TimestampName, number][]; // a partial record of exactly these
  return {
    ...rowShown(row, rows),
    tasks_by_wave: wavesShown(row.plan, detail.waves, rows.usage),
    auto_advance: detail.advances,
    drafts: detail.drafts.map(({ number, title, state, detail: why, waves, tasks, content }) => ({
      ...{ number, title, state, why, waves, tasks, content },
    })),
    pull_request: detail.pullRequest,
    timestamps: Object.fromEntries(stamps.map(([name, at]) => [name, timeText(at)])),
    isolation: detail.isolation,
    ...mergeView(detail.merge),
    merging: detail.merge.isWorking || detail.pullRequest?.merge?.state === 'asked',
    creating_pr: detail.pull.isWorking,
    pr_refused: refusedView(detail.pull),
    pr_remarks: detail.pull.remarks.map(({ author, text, url }) => ({ author, text, url })),
  };
}

/** A plan with an unreadable stored state: the fields of its row, and the reason why there are no more. */
export function damagedShown(row: PlanRow, { message, hint }: EngineError, rows: RowsOfPlan): PlanShow {
  const at = timeText(row.updatedAt);
  const fault = { reason: `${message}; ${hint}`, source: 'fault' as const, at, scope: 'plan' as const };
  const shown = rowShown(row, rows);
  return { ...shown, blocked: shown.blocked ?? fault };
}

/** The text that was read last: a plan is shown again and again while its text stays the same, and reading it was a third of that. */
let lastRead: { readonly content: string; readonly issues: readonly string[] } | null = null;

function issuesIn(content: string): string[] {
  if (lastRead?.content !== content) lastRead = { content, issues: parsePlan(content).document.issues };
  return [...lastRead.issues];
}

/** The other fields have a new plan's values. */
function rowShown(row: PlanRow, { entry, content, runs, shown, undone, setAside }: RowsOfPlan): PlanShow {
  return {
    ...entry,
    goal: row.goal,
    issues: issuesIn(content),
    content,
    file_digest: row.fileDigest,
    file_as: row.fileAs,
    tasks_by_wave: [],
    auto_advance: false,
    drafts: [],
    runs,
    run_list: shown,
    pull_request: null,
    timestamps: {},
    isolation: 'task',
    base: row.base,
    base_remote: null,
    left_undone: undone,
    set_aside: setAside,
    merged: null,
    merging: false,
    merge_refused: null,
    creating_pr: false,
    pr_refused: null,
    pr_remarks: [],
    estimate: null,
  };
}

export function runList(rows: readonly RunRow[], home: string): PlanShow['run_list'] {
  return rows.map((row) => ({
    run: runIdOf(home, row.key),
    title: row.title,
    role: row.role,
    profile: row.profile,
    attempt: row.attempt,
    state: row.state,
    reason: row.reason as Reason | null, // the stored text is one of the machine's reasons
    started_at: timeOrNull(row.started_at),
    ended_at: timeOrNull(row.ended_at),
    input_tokens: row.input_tokens,
    output_tokens: row.output_tokens,
    cost_usd: row.cost_usd,
  }));
}

/** The runs that had begun by that time, in their state then: a run that ended later was running, and had no usage yet. */
export function runsBy(atMs: number, rows: readonly RunRow[]): RunRow[] {
  const open = {
    state: 'running',
    reason: null,
    ended_at: null,
    input_tokens: null,
    output_tokens: null,
    cost_usd: null,
  };
  return rows
    .filter(({ started_at: startedAt }) => startedAt !== null && startedAt <= atMs)
    .map((row) => (row.ended_at !== null && row.ended_at <= atMs ? row : { ...row, ...open }));
}

export function usageOfRun({ title, input_tokens, output_tokens, cost_usd }: RunRow): UsageRow {
  return { title, runs: 1, input_tokens, output_tokens, cost_usd };
}

export function blockView({ reason, source, at, scope, budget }: Need): NonNullable<PlanEntry['blocked']> {
  const shown = { reason, source, at: timeText(at), scope: scope ?? 'plan' };
  if (budget === undefined) return shown;
  const { title: _title, ...use } = budget;
  return { ...shown, budget: use };
}

export function questionView({ number, title, question, at }: Question): PlanEntry['questions'][number] {
  return { number, title, question, at: timeText(at) };
}

function refusedView({ refused }: PullView): PlanShow['pr_refused'] {
  return refused === null ? null : { at: timeText(refused.at), detail: refused.detail };
}

function mergeView({ isWorking, merged, refused }: MergeView): Pick<PlanShow, 'merged' | 'merging' | 'merge_refused'> {
  return {
    merged: merged === null ? null : mergedView(merged),
    merging: isWorking,
    merge_refused: refused === null ? null : { ...refused, at: timeText(refused.at) },
  };
}

function mergedView({ at, head, into, note }: NonNullable<MergeView['merged']>): NonNullable<PlanShow['merged']> {
  return { at: timeText(at), head, into, ...(note === undefined ? {} : { note }) };
}
