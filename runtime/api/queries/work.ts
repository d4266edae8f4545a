/** What was done between two times: the runs of all repos, and the signals of people. */

import type { Reason } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { sumOfKnown } from '../../../machines/vocabulary/numbers.ts';
import { isFailure } from '../../../machines/vocabulary/run-state.ts';
import type { Store } from '../../core/store/port.ts';
import type { RunRow, SignalRow } from '../../core/store/rows.ts';
import { whyFailed } from '../../work/agents/reports/informative-lines.ts';
import type { PlanEntry } from '../contract/plans.ts';
import type { WorkEntry } from '../contract/work.ts';
import { timeText } from './time-text.ts';

/** The newest runs of each repo that are read, and the newest signals of people. */
const lookedRuns = 2_000;
const lookedSignals = 1_000;
const longestMs = 31 * 86_400_000;
/** The plans whose failures are explained, the newest. */
const explainedPlans = 50;

export interface WorkQuestion {
  readonly from: string;
  readonly to: string;
}

interface WorkParts {
  readonly store: Pick<Store, 'runs' | 'signals'>;
  readonly projects: readonly string[];
  readonly nowMs: number;
  plansOf(): Promise<readonly PlanEntry[]>;
}

/** Throws `bad_request` for a time that ends before it begins, or is longer than 31 days. */
export async function workBetween(
  { store, projects, nowMs, plansOf }: WorkParts,
  { from, to }: WorkQuestion,
): Promise<WorkEntry> {
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  if (!(fromMs < toMs && toMs - fromMs <= longestMs))
    throw new EngineError(
      'bad_request',
      `from ${from} to ${to} is no time of up to 31 days`,
      'give two times, such as from=2026-11-26T00:00:00Z and to=2026-11-27T00:00:00Z',
    );
  const ended = await Promise.all(projects.map((project) => store.runs({ by: 'ended', project, limit: lookedRuns })));
  const live = await store.runs({ by: 'latest', live: true });
  const known = new Map([...ended.flat(), ...live].map((run) => [run.key, run]));
  const signals = await store.signals({ ofPeople: true, limit: lookedSignals });
  const rows = [...known.values()]
    .filter((run) => run.started_at !== null && run.started_at < toMs && (run.ended_at ?? nowMs) >= fromMs)
    .sort((a, b) => (a.started_at ?? 0) - (b.started_at ?? 0));
  const causes = await causesOf(store, rows);
  const runs = rows.map((run) => runOf(run, toMs, causes.get(run.key) ?? run.last_message));
  const acts = signals
    .filter(({ created_at: at }) => at >= fromMs && at < toMs)
    .map(({ project, plan, tree, type, origin, status, created_at: at }) => ({
      ...{ project, plan, tree: project === '' ? tree : null, type, by: origin, status, at: timeText(at) },
    }));
  return {
    from,
    to,
    runs,
    plans: plansIn(await plansOf(), { fromMs, toMs, runs, acts }),
    acts,
    is_cut:
      ended.some((runs) => runs.length === lookedRuns && (runs.at(-1)?.ended_at ?? 0) >= fromMs) ||
      (signals.length === lookedSignals && (signals.at(-1)?.created_at ?? 0) >= fromMs),
  };
}

interface Done extends Pick<WorkEntry, 'runs' | 'acts'> {
  readonly fromMs: number;
  readonly toMs: number;
}

function plansIn(plans: readonly PlanEntry[], { fromMs, toMs, runs, acts }: Done): WorkEntry['plans'] {
  return plans
    .flatMap(({ project, plan, title, author, status, landing, need, created_at: created }) => {
      const isOfIt = (each: { project: string; plan: string }) => each.project === project && each.plan === plan;
      const own = runs.filter(isOfIt);
      const isNew = Date.parse(created) >= fromMs && Date.parse(created) < toMs;
      if (!isNew && own.length === 0 && !acts.some(isOfIt)) return [];
      return [
        {
          ...{ project, plan, title, author, status, landing, need: need?.why ?? null, runs: own.length },
          failures: own.filter(isFailure).length,
          cost_usd: sumOfKnown(own.map(({ cost_usd: cost }) => cost)),
        },
      ];
    })
    .sort((a, b) => (`${a.project} ${a.plan}` < `${b.project} ${b.plan}` ? -1 : 1));
}

/** The output of the program or the check with which a run failed, by the run's key; nothing if its signal is no longer stored. */
async function causesOf(store: Pick<Store, 'signals'>, runs: readonly RunRow[]): Promise<Map<string, string>> {
  const failed = runs.filter(isFailure);
  const causes = new Map<string, string>();
  const plans = new Map(failed.map(({ project, plan }) => [`${project}/${plan}`, { project, plan }]));
  for (const of of [...plans.values()].slice(-explainedPlans)) {
    const [exits, checks] = await Promise.all([
      store.signals({ ...of, type: 'run_exited' }),
      store.signals({ ...of, type: 'check_failed' }),
    ]);
    for (const run of failed) {
      if (run.project !== of.project || run.plan !== of.plan) continue;
      const detail = detailOf(run.reason === 'check-failed' ? checkAfter(run, checks) : exitOf(run, exits));
      if (detail !== '') causes.set(run.key, detail);
    }
  }
  return causes;
}

function exitOf({ run }: RunRow, exits: readonly SignalRow[]): SignalRow | undefined {
  return exits.find((signal) => signal.run === run);
}

/** The first check of its task that failed after it; the newest signal is the first of them. */
function checkAfter({ run, ended_at: endedAt }: RunRow, checks: readonly SignalRow[]): SignalRow | undefined {
  const task = `${run.replace(/\/[^/]+$/, '')}#`;
  return checks.findLast((signal) => signal.run?.startsWith(task) === true && signal.created_at >= (endedAt ?? 0));
}

function detailOf(signal: SignalRow | undefined): string {
  const payload: unknown = JSON.parse(signal?.payload ?? 'null');
  const hasDetail = typeof payload === 'object' && payload !== null && 'detail' in payload;
  return hasDetail && typeof payload.detail === 'string' ? payload.detail : '';
}

/** `detail`: what is known of why it failed. */
function runOf(run: RunRow, toMs: number, detail: string | null): WorkEntry['runs'][number] {
  const hasEnded = run.ended_at !== null && run.ended_at < toMs;
  const reason = run.reason as Reason | null; // the stored text is one of the machine's reasons
  return {
    ...{ project: run.project, plan: run.plan, title: run.title, role: run.role, attempt: run.attempt },
    state: hasEnded ? run.state : 'running',
    reason: hasEnded ? reason : null,
    why: hasEnded && reason !== null && detail !== null ? whyFailed(detail, reason) : null,
    started_at: timeText(run.started_at ?? 0),
    ended_at: hasEnded ? timeText(run.ended_at ?? 0) : null,
    ...(hasEnded
      ? { input_tokens: run.input_tokens, output_tokens: run.output_tokens, cost_usd: run.cost_usd }
      : { input_tokens: null, output_tokens: null, cost_usd: null }),
  };
}
