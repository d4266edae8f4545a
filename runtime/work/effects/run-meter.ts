/**
 * Measures a live run and stores the result in its row: its working time, and the usage that its program has reported so far. If a budget limit is reached,
 * the plan gets a signal first and then the run is ended, so an engine after a crash sees the same. The run is also ended if the service refuses its login
 * and the program keeps retrying.
 */
import { type BudgetUse, lowerOf, shareOf, usesOf } from '../../../machines/vocabulary/budget.ts';
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import { isProgramPreset } from '../../base/config/preset-programs.ts';
import type { Log } from '../../base/platform/log.ts';
import { createPollLoop } from '../../base/platform/poll-loop.ts';
import {
  type BudgetLook,
  type BudgetParts,
  lookAtBudget,
  nearNotifications,
  reachedSignal,
} from '../../core/outbox/budget.ts';
import type { Change, Store } from '../../core/store/port.ts';
import type { EffectRow, RunRow } from '../../core/store/rows.ts';
import type { Timeline } from '../../core/store/timeline.ts';
import { profileOf, quotaChanges } from '../agents/accounts.ts';
import { quotasOf } from '../agents/conversation-quotas.ts';
import { createLiveReader } from '../agents/reports/read-log.ts';
import type { ProgramReport } from '../agents/reports/report.ts';
import type { RunFolder } from '../agents/run-folder.ts';
import type { Project } from '../repos/registry.ts';
import { usageOf } from './run-report.ts';

interface MeterParts extends BudgetParts {
  readonly store: Pick<Store, 'run' | 'plan' | 'spent' | 'commit' | 'conversationTokens' | 'accountLimits'>;
  readonly projects: BudgetParts['projects'] & { get(project: string): Project };
  readonly timeline: Timeline;
  readonly log: Log;
}

export interface RunMeter {
  /** Writes the final working time. Nothing is written after it has resolved. May be called twice. */
  stop(): Promise<void>;
}

const lookMs = 2_000;
/** The time between two notes of the usage in a run without a limit: there it is only shown. */
const restMs = 10_000;

/** `onOver` is called once; for a budget, after the plan got its signal. */
export async function startMeter(
  parts: MeterParts,
  { effect, row }: { readonly effect: AgentRun; readonly row: EffectRow },
  { folder, onOver }: { readonly folder: RunFolder; readonly onOver: () => void },
): Promise<RunMeter> {
  const { store, timeline, log, nowMs } = parts;
  const first = await store.run(row.key);
  const preset = first?.preset ?? null;
  const reader = preset === null || !isProgramPreset(preset) ? null : createLiveReader(preset, folder);
  let workedMs = first?.worked_ms ?? 0;
  let lookedAt = timeline.nowMs();
  let notedAt = Number.NEGATIVE_INFINITY;
  let quotasSaid = '[]';
  let isEnded = false;
  let wasOver = false;
  const notified = new Set<string>();

  function end(): void {
    if (isEnded) return;
    isEnded = true;
    onOver();
  }

  function measure(state: string | undefined): void {
    const now = timeline.nowMs();
    if (state !== 'paused' && state !== 'waiting') workedMs += Math.max(0, now - lookedAt);
    lookedAt = now;
  }

  /** The usage known by now, which is then in its row. */
  async function note(run: RunRow): Promise<RunRow> {
    const report = reader?.read() ?? null;
    if (report?.denied === true) end();
    const usage = report === null ? null : await usageOf(store, run, { report, folder });
    const fresh = {
      conversation: usage?.conversation ?? run.conversation,
      input_tokens: more(run.input_tokens, usage?.inputTokens),
      output_tokens: more(run.output_tokens, usage?.outputTokens),
      cost_usd: more(run.cost_usd, usage?.costUsd),
      worked_ms: Math.round(workedMs),
    };
    notedAt = timeline.nowMs();
    await store.commit([{ do: 'run.note', key: row.key, set: fresh }, ...(await freshQuotas(run, report))]);
    return { ...run, ...fresh };
  }

  /** The changed quotas. They are stored while the run still works, so that new agents are held back at once. */
  async function freshQuotas(run: RunRow, report: ProgramReport | null): Promise<readonly Change[]> {
    const quotas = quotasOf(run, { folder, report });
    const said = JSON.stringify(quotas);
    if (said === quotasSaid) return [];
    quotasSaid = said;
    const profile = profileOf(parts.projects.get(row.project).config.profiles, { role: effect.role, run });
    return quotaChanges(run, { quotas, profile, known: await store.accountLimits(), at: nowMs() }).changes;
  }

  async function look(): Promise<void> {
    const run = await store.run(row.key);
    if (run === null) return;
    measure(run.state);
    const before = await lookAtBudget(parts, row);
    const limits = await attemptLimits(parts, { effect, row }, before);
    const isLimited = before !== null && (before.uses.length > 0 || Object.keys(limits).length > 0);
    const isUnnamed = reader !== null && run.conversation === null;
    if (!isLimited && !isUnnamed && timeline.nowMs() - notedAt < restMs) return;
    const noted = await note(run);
    const budget = isLimited ? await lookAtBudget(parts, row) : null;
    if (budget === null) return;
    const uses = [...budget.uses, ...usesOf('attempt', limits, { spent: spentBy(noted), title: effect.title })];
    await reportUses(budget, uses);
  }

  async function reportUses(budget: BudgetLook, uses: readonly BudgetUse[]): Promise<void> {
    const about = { run: row.key, at: nowMs() };
    const over = uses.find((use) => shareOf(use) >= budget.hardShare) ?? null;
    // A program that has just reported its total cost is about to end: it is stopped only if it still runs at the next check.
    const reached = wasOver ? over : null;
    wasOver = over !== null;
    const near = nearNotifications(budget, uses, about).filter(({ dedupeKey = '' }) => !notified.has(dedupeKey ?? ''));
    const words: Change[] = reached === null ? near : [...near, reachedSignal(budget, reached, about)];
    if (words.length > 0) await store.commit(words);
    for (const { dedupeKey } of near) notified.add(dedupeKey ?? '');
    if (reached !== null) end();
  }

  const loop = createPollLoop({
    everyMs: lookMs,
    async work() {
      await look();
      return null;
    },
    onError: (thrown) => log.debug(`what ${effect.title} takes is not known: ${messageOf(thrown)}`),
  });
  loop.start('with-beat');
  let stopped: Promise<void> | null = null;
  async function stop(): Promise<void> {
    await loop.stop();
    reader?.close();
    measure((await store.run(row.key))?.state);
    await store.commit([{ do: 'run.note', key: row.key, set: { worked_ms: Math.round(workedMs) } }]);
  }
  return {
    async stop() {
      stopped ??= stop();
      await stopped;
    },
  };
}

/** The configured limits for each attempt and for the role; a person's allowance for attempts replaces both. */
async function attemptLimits(
  { store, projects }: MeterParts,
  { effect: { role }, row }: { readonly effect: AgentRun; readonly row: EffectRow },
  budget: BudgetLook | null,
) {
  if (budget === null) return {};
  const { profiles } = projects.get(budget.row.project).config;
  const { maxCostUsd } = profileOf(profiles, { role, run: await store.run(row.key) });
  const own = maxCostUsd === null ? {} : { usd: maxCostUsd };
  return { ...lowerOf(budget.limits.attempt, own), ...budget.row.budget.raised.attempt };
}

function spentBy({ cost_usd: usd, input_tokens: input, output_tokens: output, worked_ms: workedMs }: RunRow) {
  return { usd: usd ?? 0, tokens: (input ?? 0) + (output ?? 0), agent_minutes: (workedMs ?? 0) / 60_000 };
}

/** A truncated log reports less than was read of it before. */
function more(before: number | null, now: number | null | undefined): number | null {
  return now == null ? before : Math.max(before ?? 0, now);
}
