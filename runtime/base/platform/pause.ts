/** Waiting that may be cut short, and its limits. */
import { setTimeout as delay } from 'node:timers/promises';

/** Resolves after `ms`, or as soon as `signal` is aborted: the caller asks the signal which it was. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {}); // thrown where it is aborted
}

/**
 * Aborts after `ms`. Node 20 loses an `AbortSignal.timeout` that only `AbortSignal.any` refers to when memory is collected, and the limit never comes: what is
 * listened to is kept.
 */
export function timeLimit(ms: number): AbortSignal {
  const limit = AbortSignal.timeout(ms);
  limit.addEventListener('abort', () => {}, { once: true });
  return limit;
}
