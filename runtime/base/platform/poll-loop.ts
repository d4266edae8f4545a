/**
 * A loop that runs at regular intervals, or earlier if it is woken: polling makes it reliable, waking makes it prompt. A service's loop also reports when its
 * rounds fail and when they work again.
 */
import { EngineError, onOneLine, reasonOf } from '../../../machines/vocabulary/errors.ts';
import type { Log } from './log.ts';
import { systemCode } from './system-code.ts';

export interface PollLoopOptions {
  /** The interval of rounds, if a round does not say when the next one is due: see `untilBeat`. */
  readonly everyMs: number;
  /** After a round that threw. Default: `everyMs`. */
  readonly retryMs?: number;
  /** One round; never two at once. Answers in how many milliseconds the next one is due; null: with the next beat of `everyMs`. */
  work(): Promise<number | null>;
  /** A round threw; the next one comes after `retryMs`. Must not throw. */
  onError(thrown: unknown): void;
}

export interface PollLoop {
  /** The first round comes in the next turn of the event loop, or with the next beat of `everyMs`. May be called again, also after a stop. */
  start(first?: 'now' | 'with-beat'): void;
  /** A round comes in the next turn of the event loop; during a round, one more comes after it, however many calls there were. */
  wake(): void;
  /** Resolves when the round under way has ended; no other one comes. May be called twice. From within `work` it must not be awaited. */
  stop(): Promise<void>;
}

/** Creates a loop that runs after `start`. It keeps the process alive until it is stopped. */
export function createPollLoop({ everyMs, retryMs = everyMs, work, onError }: PollLoopOptions): PollLoop {
  let isOpen = false;
  let isWoken = false;
  let round: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let turn: NodeJS.Immediate | null = null;

  function wake(): void {
    if (!isOpen) return;
    isWoken = true;
    if (round === null) turn ??= setImmediate(begin);
  }

  function begin(): void {
    cancel();
    isWoken = false;
    round = carryOut().then((waitMs) => {
      round = null;
      if (!isOpen) return;
      if (isWoken) wake();
      else timer = setTimeout(begin, waitMs);
    });
  }

  async function carryOut(): Promise<number> {
    const begunMs = performance.now();
    try {
      return (await work()) ?? untilBeat(everyMs, performance.now() - begunMs);
    } catch (thrown) {
      onError(thrown);
      return retryMs;
    }
  }

  function cancel(): void {
    if (timer !== null) clearTimeout(timer);
    if (turn !== null) clearImmediate(turn);
    timer = null;
    turn = null;
  }

  return {
    start(first = 'now') {
      isOpen = true;
      if (first === 'now') wake();
      else timer ??= setTimeout(begin, untilBeat(everyMs));
    },
    wake,
    async stop() {
      isOpen = false;
      cancel();
      await round;
    },
  };
}

/** A timer may fire slightly early. A beat that is nearer than this share of the interval is the one that has just fired. */
const slack = 1 / 20;

/**
 * Milliseconds until the next whole multiple of `everyMs` on the monotonic clock of this process. All loops with the same interval wake the process together:
 * in an idle process a wake-up costs more than a poll. A round that took `tookMs` is followed by at least as long a rest, up to `everyMs`.
 */
export function untilBeat(everyMs: number, tookMs = 0): number {
  const left = everyMs - (performance.now() % everyMs);
  const wait = left < everyMs * slack ? left + everyMs : left;
  return Math.ceil(Math.max(wait, Math.min(tookMs, everyMs)));
}

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

/** Counts failures, writes them into the log, and reports them as the engine's health. */
export interface Troubles {
  failed(trouble: Trouble, thrown: unknown): void;
  worked(trouble: Trouble): void;
}

export interface ReportedTrouble {
  readonly text: string;
  readonly holdsPlans: boolean;
}

const retried = 'it is tried again by itself';

/** `report` is called with null when the trouble is over. */
export function createTroubles(parts: {
  log: Log;
  report(what: string, trouble: ReportedTrouble | null): void;
}): Troubles {
  const { log, report } = parts;
  /** What failed last, by `what`. */
  const failing = new Map<string, { readonly times: number; readonly text: string }>();
  return {
    failed({ what, isRare = false, holdsPlans = false, hint = retried }, thrown) {
      const text = textOf(what, thrown, hint);
      const before = failing.get(what);
      const times = (before?.times ?? 0) + 1;
      failing.set(what, { times, text });
      // A failure that lasts for hours is logged once.
      if (text !== before?.text) {
        if (isOfWorld(thrown)) log.warn(text);
        else log.error(text, thrown);
      }
      if (isRare || times > 1) report(what, { text, holdsPlans });
    },
    worked({ what }) {
      if (!failing.delete(what)) return;
      log.info(`this is over: ${what}`);
      report(what, null);
    },
  };
}

/** Whether the cause is outside of this program: the system, the network, the configuration. Other errors are logged with their stack. */
function isOfWorld(thrown: unknown): boolean {
  return thrown instanceof EngineError || !(thrown instanceof Error) || systemCode(thrown) !== '';
}

/** Trouble with the store has one text, whichever code meets it. */
function textOf(what: string, thrown: unknown, hint: string): string {
  if (thrown instanceof EngineError && thrown.code.startsWith('store_')) return onOneLine(reasonOf(thrown));
  return onOneLine(`${what}: ${reasonOf(thrown)}; ${hint}`);
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
