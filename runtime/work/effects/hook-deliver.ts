/** Delivers one event to one hook: with its present configuration, with retries if they may help, and never without a person's trust. */
import { noticeText } from '../../../actors/notices.ts';
import type { HookDeliver } from '../../../machines/vocabulary/effect.ts';
import type { HookConfig } from '../../base/config/config.ts';
import type { EffectContext, Handler, Outcome } from '../../core/outbox/handler.ts';
import type { Change } from '../../core/store/port.ts';
import type { HookRow } from '../../core/store/rows.ts';
import { type HookParts, tryHook } from './hook-senders.ts';
import { failedTry, type HookTry } from './hook-try.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Eight more tries over about eight hours: soon after a receiver's restart, and long enough for an outage of a night. */
const usualRetryMs: readonly number[] = [
  5 * second,
  30 * second,
  2 * minute,
  10 * minute,
  30 * minute,
  hour,
  2 * hour,
  4 * hour,
];
/** A hook whose tries all failed for this long is switched off. */
const failingLimitMs = 5 * 24 * hour;
/** A receiver that comes back does not get all waiting deliveries in the same second. */
const jitter = 0.1;

export function createHookDeliver(parts: HookParts): Handler<HookDeliver> {
  return async (effect, context): Promise<Outcome> => {
    const { project } = context.row;
    const hook = parts.projects.hooksOf(project).find(({ name }) => name === effect.hook);
    const state = (await parts.store.hooks(project)).find((row) => row.hook === effect.hook) ?? null;
    const obstacle = obstacleOf(hook, state, project);
    if (hook === undefined || obstacle !== null) return dead(failedTry(obstacle ?? ''), []);
    if (hook.type !== 'function') parts.projects.mustBeTrusted(project);
    parts.faults?.('hook.before-send');
    const tried = await tryHook(parts, hook, effect, {
      ...{ project, abort: context.abort, key: `${context.row.key}/${context.row.attempts}` },
      plan: context.row.plan,
    });
    parts.faults?.('hook.after-send');
    if (tried.kind === 'failed')
      parts.log.debug(
        `hook ${effect.hook} of ${project}: try ${context.row.attempts} of ${effect.id} failed: ${tried.error}`,
      );
    return outcomeOf(parts, effect, { tried, context, state });
  };
}

/** Why nothing is sent; null: it is sent. */
function obstacleOf(hook: HookConfig | undefined, state: HookRow | null, project: string): string | null {
  if (hook === undefined) return `the configuration of ${project} has no such hook any more`;
  if (!hook.enabled) return 'the hook is off in the configuration: enabled = false';
  return state?.off_reason == null ? null : `the hook is off: ${state.off_reason}`;
}

function outcomeOf(
  parts: HookParts,
  { hook }: HookDeliver,
  { tried, context, state }: { tried: HookTry; context: EffectContext; state: HookRow | null },
): Outcome {
  const { project, attempts } = context.row;
  const at = parts.nowMs();
  const noted: Change = { do: 'hook.note-result', project, hook, isDelivered: tried.kind === 'delivered', at };
  if (tried.kind === 'delivered')
    return {
      type: 'kept',
      status: 'done',
      error: null,
      result: resultText(tried),
      changes: [noted, ...(tried.changes ?? [])],
    };
  const waitMs = tried.retries ? (parts.hookRetryMs ?? usualRetryMs)[attempts - 1] : undefined;
  if (waitMs !== undefined) {
    const { error } = tried;
    const afterMs = pauseMs(waitMs, tried.retryAfterMs ?? 0);
    return { type: 'again', afterMs, error, result: resultText(tried), changes: [noted] };
  }
  // Only after the last try: a receiver that was down days ago, and is busy now, is there at the next one.
  const offReason = whyOff(tried, { failingSince: state?.failing_since ?? at, at });
  if (offReason === null) return dead(tried, [noted]);
  parts.log.warn(`hook ${hook} of ${project} is off from now on: ${offReason}`);
  const off: Change = { do: 'hook.switch', project, hook, off: { reason: offReason, at } };
  const message = noticeText(`hook ${hook} is off: ${offReason}`);
  const { plan } = context.row;
  return dead(tried, [noted, off, { do: 'notification.insert', type: 'hook_off', project, plan, message, at }]);
}

/** `leastMs`: the pause that the receiver asked for. Jitter makes it longer, never shorter. */
function pauseMs(waitMs: number, leastMs: number): number {
  const spread = 2 * jitter * Math.random();
  return Math.ceil(Math.max(waitMs * (1 - jitter + spread), leastMs * (1 + spread)));
}

/** null: the hook stays on. */
function whyOff(tried: HookTry, { failingSince, at }: { failingSince: number; at: number }): string | null {
  if (tried.kind === 'delivered') return null;
  if (tried.isGone) return 'the receiver answered 410, it wants nothing more of it';
  if (at - failingSince < failingLimitMs) return null;
  return `it has only failed since ${new Date(failingSince).toISOString()}, at last with: ${tried.error}`;
}

/** The delivery is stored and listed, and sent again if a person requests that. */
function dead(tried: Extract<HookTry, { kind: 'failed' }>, changes: readonly Change[]): Outcome {
  return { type: 'kept', status: 'failed', error: tried.error, result: resultText(tried), changes };
}

/** The part of a try that its row stores. */
export interface HookResult {
  /** HTTP status or exit code. */
  readonly status: number | null;
  /** The end of a command's output. */
  readonly output: string | null;
}

function resultText({ status, output }: HookTry): string {
  return JSON.stringify({ status, output } satisfies HookResult);
}
