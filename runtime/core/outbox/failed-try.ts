/** Decides what follows the failed try of an effect. Pure. */
import { errorAsJson } from '../../../actors/json-value.ts';
import { EngineError, errorClasses } from '../../../machines/vocabulary/errors.ts';
import { StoreTrouble } from '../store/port.ts';
import type { EffectRow } from '../store/rows.ts';
import type { Ending } from './carrier.ts';

export const backOffFirstMs = 500;
export const backOffCapMs = 30_000;
/**
 * A handler that threw although its run is under way is started again after this time, then after twice as long each time, up to the cap: the run itself
 * continues.
 */
const resumeMs = 2_000;

export interface FailedTry {
  readonly row: Pick<EffectRow, 'kind' | 'attempts' | 'waiting_since'>;
  readonly thrown: unknown;
  /** The text of the error. */
  readonly message: string;
  /** How often its handler was started again here. */
  readonly resumes: number;
  /** Whether it may go back to the queue: it is not under way, and need not stop. */
  readonly mayPutBack: boolean;
  /** The fault of the environment that caused it; `repo`: its repo cannot be used; null: neither. */
  readonly trouble: { readonly retryAtMs?: number | undefined } | 'repo' | null;
  /** How often it is tried if it cannot be done. */
  readonly maxTries: number;
  /** By the wall clock, and by the timeline of `nextAt`. */
  readonly nowMs: number;
  readonly timelineMs: number;
  /** From 0 to 1. */
  readonly random: number;
}

/** `wait`: its handler is started again here after that time. `reason` null: the store cannot store one. */
export type AfterFailure = Ending | { readonly do: 'wait'; readonly waitMs: number; readonly reason: string | null };

export function afterFailure(failed: FailedTry): AfterFailure {
  const { row, thrown, message, resumes, trouble, timelineMs } = failed;
  const isStoreTrouble = thrown instanceof StoreTrouble;
  if (failed.mayPutBack && !isStoreTrouble && trouble !== null) return putBack(failed, trouble);
  if (row.kind === 'agent.run' || isStoreTrouble) {
    const waitMs = isStoreTrouble ? resumeMs : Math.min(backOffCapMs, resumeMs * 2 ** resumes);
    return { do: 'wait', waitMs, reason: isStoreTrouble ? null : message };
  }
  const canHelp = !(thrown instanceof EngineError) || errorClasses[thrown.code].retry;
  if (!canHelp || row.attempts >= failed.maxTries)
    return { do: 'fail', error: message, ...(row.kind === 'machine.effect' ? { thrown: errorAsJson(thrown) } : {}) };
  const delayMs = Math.min(backOffCapMs, backOffFirstMs * 2 ** (row.attempts - 1)) * (0.75 + failed.random / 2);
  return { do: 'try-again', nextAt: timelineMs + Math.round(delayMs), error: message };
}

/**
 * An effect that cannot be done because of its environment, or its repo, waits in its row, without its slot, for as long as it takes: no try is spent. It is
 * tried again after half the time that it has waited.
 */
function putBack({ row, message, nowMs, timelineMs }: FailedTry, trouble: NonNullable<FailedTry['trouble']>): Ending {
  const waitedMs = nowMs - (row.waiting_since ?? nowMs);
  const waitMs = Math.min(backOffCapMs, Math.max(backOffFirstMs, Math.round(waitedMs / 2)));
  const retryAtMs = trouble === 'repo' ? undefined : trouble.retryAtMs;
  return {
    do: 'put-back',
    nextAt: timelineMs + Math.max(waitMs, (retryAtMs ?? nowMs) - nowMs),
    error: message,
    at: nowMs,
  };
}
