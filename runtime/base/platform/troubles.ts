/**
 * Background work reports here when it fails and when it works again: this counts failures, writes them into the log, and reports them as the engine's health.
 */
import { EngineError, messageOf, onOneLine, withHint } from '../../../machines/vocabulary/errors.ts';
import type { Log } from './log.ts';
import { createPollLoop, type PollLoop, type PollLoopOptions } from './poll-loop.ts';
import { systemCode } from './system-code.ts';

export interface Trouble {
  /** Names it, without its reason: `the pull requests of plans are not looked at`. */
  readonly what: string;
  /** Reported from the first failure on: the next try comes in minutes or hours. Default: from the second one in a row on. */
  readonly isRare?: true;
  /** No plan goes on while it lasts. Default: only `what` is held up. */
  readonly holdsPlans?: true;
  /** The remedy for a person. Default: none, it is tried again. */
  readonly hint?: string;
}

export interface Troubles {
  failed(trouble: Trouble, thrown: unknown): void;
  worked(trouble: Trouble): void;
}

export interface ToldTrouble {
  readonly text: string;
  readonly holdsPlans: boolean;
}

const retried = 'it is tried again by itself';

/** `tell` is called with null when the trouble is over. */
export function createTroubles(parts: { log: Log; tell(what: string, told: ToldTrouble | null): void }): Troubles {
  const { log, tell } = parts;
  /** What failed last, by `what`. */
  const failing = new Map<string, { readonly times: number; readonly text: string }>();
  return {
    failed({ what, isRare = false, holdsPlans = false, hint = retried }, thrown) {
      const text = textOf(what, thrown, hint);
      const before = failing.get(what);
      const times = (before?.times ?? 0) + 1;
      failing.set(what, { times, text });
      // What goes on for hours is written once.
      if (text !== before?.text) {
        if (isOfWorld(thrown)) log.warn(text);
        else log.error(text, thrown);
      }
      if (isRare || times > 1) tell(what, { text, holdsPlans });
    },
    worked({ what }) {
      if (!failing.delete(what)) return;
      log.info(`this is over: ${what}`);
      tell(what, null);
    },
  };
}

/** Not a fault of the program; for such a fault the log has the place. */
function isOfWorld(thrown: unknown): boolean {
  return thrown instanceof EngineError || !(thrown instanceof Error) || systemCode(thrown) !== '';
}

/** Trouble with the store has one text, whichever code meets it. */
function textOf(what: string, thrown: unknown, hint: string): string {
  if (thrown instanceof EngineError && thrown.code.startsWith('store_')) return onOneLine(withHint(thrown));
  return onOneLine(`${what}: ${thrown instanceof EngineError ? withHint(thrown) : messageOf(thrown)}; ${hint}`);
}

export interface ServiceLoopOptions extends Omit<PollLoopOptions, 'onError'> {
  readonly trouble: Trouble;
  readonly troubles: Troubles;
  /** A round threw, which is reported. Must not throw. Default: nothing else follows. */
  onError?(thrown: unknown): void;
}

/** A poll loop that reports its failures. */
export function createServiceLoop({ trouble, troubles, work, onError, ...options }: ServiceLoopOptions): PollLoop {
  return createPollLoop({
    ...options,
    async work() {
      const waitMs = await work();
      troubles.worked(trouble);
      return waitMs;
    },
    onError(thrown) {
      onError?.(thrown);
      troubles.failed(trouble, thrown);
    },
  });
}
