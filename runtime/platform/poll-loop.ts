/** A loop that wakes at regular times, or earlier where it is poked: polling makes sure, pokes make it prompt. */

export interface PollLoopOptions {
  /** From the end of a round to the next one, where the round does not say. */
  readonly everyMs: number;
  /** One round; never two at once. Answers in how many milliseconds the next one is due; null: after `everyMs`. */
  work(): Promise<number | null>;
  /** A round threw; the next one comes after `everyMs`. Must not throw. */
  onError(thrown: unknown): void;
}

export interface PollLoop {
  /** The first round comes in the next turn of the event loop. May be called again, also after a stop. */
  start(): void;
  /** A round comes in the next turn of the event loop; during a round, one more comes after it, however many pokes there were. */
  poke(): void;
  /** Resolves when the round under way has ended; no other one comes. May be called twice. From within `work` it must not be awaited. */
  stop(): Promise<void>;
}

/** Nothing runs before `start`. While it is started it keeps the process alive. */
export function createPollLoop({ everyMs, work, onError }: PollLoopOptions): PollLoop {
  let isOpen = false;
  let isPoked = false;
  let round: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let turn: NodeJS.Immediate | null = null;

  function poke(): void {
    if (!isOpen) return;
    isPoked = true;
    if (round === null) turn ??= setImmediate(begin);
  }

  function begin(): void {
    cancel();
    isPoked = false;
    round = carryOut().then((waitMs) => {
      round = null;
      if (!isOpen) return;
      if (isPoked) poke();
      else timer = setTimeout(begin, waitMs);
    });
  }

  async function carryOut(): Promise<number> {
    try {
      return (await work()) ?? everyMs;
    } catch (thrown) {
      onError(thrown);
      return everyMs;
    }
  }

  function cancel(): void {
    if (timer !== null) clearTimeout(timer);
    if (turn !== null) clearImmediate(turn);
    timer = null;
    turn = null;
  }

  return {
    start() {
      isOpen = true;
      poke();
    },
    poke,
    async stop() {
      isOpen = false;
      cancel();
      await round;
    },
  };
}
