/** A change whose answer was lost. The next engine of the home gets the same request with the same key, and carries it out if no engine has begun it. */
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { Call, NextEngine } from './call.ts';

/** An engine that starts again answers within seconds. */
const nextLimitMs = 30_000;
const lookMs = 100;

/** No engine answered, or the answer broke off. An engine's own `unavailable` has no cause here. */
export function isLost(thrown: unknown): boolean {
  return thrown instanceof EngineError && thrown.code === 'unavailable' && thrown.cause !== undefined;
}

/** Throws the engine's error, and `unavailable` if no engine answers in time. `look`: the command that shows whether the change was made. */
export async function askNext<T>(
  next: NextEngine,
  ask: (call: Call) => Promise<T>,
  {
    look,
    signal,
    cause,
    limitMs = nextLimitMs,
  }: { look: string; signal: AbortSignal | undefined; cause: unknown; limitMs?: number },
): Promise<T> {
  const beganMs = performance.now();
  for (;;) {
    const waitedMs = performance.now() - beganMs;
    if (signal?.aborted === true) throw cause;
    if (waitedMs > limitMs) throw notKnown(look, limitMs, cause);
    const found = await next(waitedMs).catch(() => null); // one engine has gone and the next has not started yet: try again
    try {
      if (found !== null) return await ask(found.call);
    } catch (thrown) {
      if (!isLost(thrown)) throw thrown;
    } finally {
      await found?.close();
    }
    await delay(lookMs);
  }
}

function notKnown(look: string, limitMs: number, cause: unknown): EngineError {
  const message = `the engine went away before it answered, and no other one answers within ${limitMs / 1_000} s: whether it was done is not known`;
  return new EngineError('unavailable', message, `look with: ${look}; where it was not done, give the command again`, {
    cause,
  });
}

interface Given {
  readonly params?: Readonly<Record<string, unknown>> | undefined;
}

/** The command that shows the outcome of a request. */
export function lookCommand(key: string, { params = {} }: Given): string {
  const { project, plan, title, name, id } = params;
  const of = project === undefined ? '' : ` --project ${shellWord(String(project))}`;
  if (plan !== undefined) return `stator plan show ${shellWord(String(plan))}${of}`;
  if (title !== undefined) return `stator agent list${of}`;
  if (name !== undefined && id !== undefined)
    return `stator machine show ${shellWord(String(name))} ${shellWord(String(id))}`;
  if (name !== undefined) return `stator machine list ${shellWord(String(name))}`;
  if (/\/v1\/(issues|delegate)/.test(key)) return 'stator issue list';
  if (key.endsWith('/plans')) return `stator plan list${of}`;
  if (key.endsWith('/signals')) return `stator signal list${of}`;
  if (key.includes('/queue')) return 'stator queue list';
  return key.includes('/repos') || key.includes('/trust') ? 'stator repo list' : 'stator status';
}
