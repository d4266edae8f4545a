/** Writes how effects ended: each end in one commit with the signal that reports it, and with the changes that follow from it. */
import { isAwaited, runsOwnCode } from '../../../machines/vocabulary/effect.ts';
import { resultKey } from '../../../machines/vocabulary/ids.ts';
import type { Origin } from '../../../machines/vocabulary/signal.ts';
import type { Clock } from '../../base/platform/clock.ts';
import type { Faults } from '../../base/platform/faults.ts';
import type { Log } from '../../base/platform/log.ts';
import { withTrace } from '../../base/platform/trace-context.ts';
import type { Change, Store } from '../store/port.ts';
import type { EffectOwner, EffectRow, NewSignal } from '../store/rows.ts';
import { endedText, maxEngines } from '../store/suspected.ts';
import type { Timeline } from '../store/timeline.ts';
import { tracePartOf } from '../store/trace-ids.ts';
import type { Ending } from './carrier.ts';
import type { Again, Outcome } from './handler.ts';

type Failure = Extract<Ending, { readonly do: 'fail' }>;

/** A signal for the tree of an effect; `run`: the run that it is about. */
export interface EffectMessage {
  readonly type: string;
  readonly payload: unknown;
  readonly run: string | null;
  /** The sender. Default: the engine. */
  readonly origin?: Origin;
}

interface Parts {
  readonly store: Pick<Store, 'commit' | 'plan'>;
  readonly timeline: Timeline;
  readonly clock: Clock;
  readonly log: Log;
  readonly faults?: Faults | undefined;
  readonly owner: EffectOwner;
  isOwner(): boolean;
  follows?(row: EffectRow): readonly Change[];
  onSignals(): void;
  bringIn?(cause: readonly Change[], signal: NewSignal): Promise<boolean>;
}

/** The parts are those of the dispatcher. */
export function createSettlement(parts: Parts) {
  const { store, timeline, clock, log, faults, owner } = parts;

  const bringIn =
    parts.bringIn ??
    (async (cause: readonly Change[], signal: NewSignal) => {
      const { status } = await store.commit([...cause, { do: 'signal.insert', ...signal }]);
      parts.onSignals();
      return status === 'committed';
    });

  function signalOf({ tree }: EffectRow, message: EffectMessage, dedupeKey: string): NewSignal {
    return { tree, origin: 'engine', ...message, dedupeKey, at: clock.nowMs() };
  }

  /** false: it is not released to the queue, since it must stop. */
  async function written(row: EffectRow, ending: Ending): Promise<boolean> {
    const { key } = row;
    switch (ending.do) {
      case 'conclude':
        await conclude(row, ending.outcome);
        return true;
      case 'fail':
        await settle(row, 'failed', ending.error, failureOf(row, ending), noticesOfEnding(row));
        return true;
      case 'try-again': {
        const { nextAt, error } = ending;
        await store.commit([timeline.note(), { do: 'effect.try-again', key, nextAt, error, owner }]);
        return true;
      }
      case 'put-back': {
        const { nextAt, error, at } = ending;
        const { status } = await store.commit([
          timeline.note(),
          { do: 'effect.put-back', key, nextAt, error, owner, at },
        ]);
        return status === 'committed';
      }
    }
  }

  async function conclude(row: EffectRow, outcome: Outcome): Promise<void> {
    if (outcome.type === 'again') await repeat(row, outcome);
    else if (outcome.type === 'kept') await settle(row, outcome.status, outcome.error, outcome);
    else await settle(row, 'done', null, outcome);
  }

  /** An effect that must be repeated goes back to the queue, in one commit with the changes of its try. */
  async function repeat({ key }: EffectRow, { afterMs, error, result, changes }: Again): Promise<void> {
    if (!parts.isOwner()) return;
    faults?.('lanes.before-settle');
    const nextAt = timeline.nowMs() + afterMs;
    await store.commit([timeline.note(), { do: 'effect.try-again', key, nextAt, error, owner, result }, ...changes]);
    faults?.('lanes.after-settle');
  }

  function failureOf(row: EffectRow, { error, thrown }: Failure): Exclude<Outcome, Again> {
    if (!isAwaited(row.kind)) return { type: null };
    const detail = error.slice(0, 8_192);
    if (thrown === undefined) return { type: 'effect_failed', payload: { detail } };
    return { type: 'sent', event: { type: 'effect_failed', payload: { detail, error: thrown } } };
  }

  async function settle(
    row: EffectRow,
    status: 'done' | 'failed',
    error: string | null,
    outcome: Exclude<Outcome, Again>,
    notices: readonly Change[] = [],
  ): Promise<void> {
    if (!parts.isOwner()) return;
    faults?.('lanes.before-settle');
    const kept = outcome.type === 'kept' ? { result: outcome.result } : {};
    const settled: Change = { do: 'effect.settle', key: row.key, status, error, owner, at: clock.nowMs(), ...kept };
    const changes = [
      settled,
      ...notices,
      ...(outcome.type === 'kept' ? outcome.changes : []),
      ...(parts.follows?.(row) ?? []),
    ];
    const result = resultOf(row, outcome);
    const isCommitted =
      result === null ? (await store.commit(changes)).status === 'committed' : await bringIn(changes, result);
    if (!isCommitted)
      await aboutPlan(store, row, () =>
        log.error(`effect ${row.key} was settled by somebody else; this end of it does not count`),
      );
    faults?.('lanes.after-settle');
    if (result === null) parts.onSignals();
  }

  /** The notification about an effect that does not begin again because engines ended with it. */
  function noticesOfEnding(row: EffectRow): Change[] {
    if (!hasEndedEngines(row)) return [];
    const message = `${row.key} failed: ${endedEngines(row)}`;
    log.error(message, null);
    if (row.kind !== 'machine.effect') return [];
    const notice = { type: 'machine_notice', project: '', plan: row.tree, message, at: clock.nowMs() } as const;
    return [{ do: 'notification.insert', ...notice }];
  }

  /** The signal that says how an effect ended; null: no actor waits for it. */
  function resultOf(row: EffectRow, outcome: Exclude<Outcome, Again>): NewSignal | null {
    if (outcome.type === null || outcome.type === 'kept') return null;
    const message = outcome.type === 'sent' ? outcome.event : outcome;
    return signalOf(row, { ...message, run: row.name }, resultKey(row.key));
  }

  return { written, signalOf, bringIn };
}

export function hasEndedEngines(row: EffectRow): boolean {
  return runsOwnCode(row.kind) && row.suspected >= maxEngines;
}

export function endedEngines({ suspected }: EffectRow): string {
  return endedText(suspected, { did: 'ran', what: 'its function' });
}

/** The log lines of `work` have the plan's trace and the span of the effect. */
export async function aboutPlan<T>(
  store: Pick<Store, 'plan'>,
  { project, plan, key }: EffectRow,
  work: () => T | Promise<T>,
): Promise<T> {
  return withTrace(await tracePartOf(store, { project, plan, part: key }), work);
}
