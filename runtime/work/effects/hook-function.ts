/** Calls a hook that is a function of the embedding program, in its process, with the same content as every hook. */
import type { HookDeliver } from '../../../machines/vocabulary/effect.ts';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import type { FunctionHookConfig, HookMessage, OwnHooks } from '../../base/config/config.ts';
import { timeLimit } from '../../base/platform/pause.ts';
import { hookBody } from './hook-event-body.ts';
import { failedTry, type HookTry } from './hook-try.ts';

interface Calling {
  readonly project: string;
  readonly ownHooks: OwnHooks;
  readonly nowMs: number;
  readonly abort: AbortSignal;
}

const shownLength = 2_000;

/** Calls it once. A call that exceeds its time limit is not awaited, and its result is ignored. */
export async function callHook(
  hook: FunctionHookConfig,
  effect: HookDeliver,
  { project, ownHooks, nowMs, abort }: Calling,
): Promise<HookTry> {
  const over = timeLimit(hook.timeoutMs);
  const signal = AbortSignal.any([abort, over]);
  const message = JSON.parse(hookBody(effect, project)) as HookMessage; // `hookBody` has just made it from these fields
  try {
    await Promise.race([(async () => ownHooks[hook.given]?.run(message, { signal }))(), aborted(signal)]);
    return { kind: 'delivered', status: null, output: null };
  } catch (thrown) {
    abort.throwIfAborted();
    if (over.aborted) return failedTry(`it took more than ${hook.timeoutMs / 1000} s`, { retries: true });
    const error = messageOf(thrown).slice(0, shownLength);
    if (!(thrown instanceof EngineError)) return failedTry(error, { retries: true });
    const retryAfterMs = thrown.retryAtMs === undefined ? null : Math.max(0, thrown.retryAtMs - nowMs);
    return failedTry(error, { retries: thrown.code !== 'effect_failed', retryAfterMs });
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
