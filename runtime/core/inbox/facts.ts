/** Committed facts to whoever listens. A listener that is slower than its buffer is told so, and reads the journal instead. */

/** A line of the journal, after its transaction has committed. */
export type Fact = JournalLine;

/** Facts in order; `behind`: some were dropped, and stand in the journal before whatever comes next. */
export interface Subscription extends AsyncIterable<readonly Fact[] | 'behind'> {
  close(): void;
}

export interface Bus {
  publish(facts: readonly Fact[]): void;
  subscribe(): Subscription;
  close(): void;
}

/** Facts that one subscriber may leave unread. */
const subscriberBuffer = 1_024;

export function createBus(): Bus {
  const subscribers = new Set<{ push(facts: readonly Fact[]): void; end(): void }>();
  let isClosed = false;

  function subscribe(): Subscription {
    let buffer: Fact[] = [];
    let isEnded = isClosed;
    let isBehind = false;
    let wake: (() => void) | null = null;
    const subscriber = {
      push(facts: readonly Fact[]) {
        // One commit may have more lines than any buffer; what the journal has is not kept twice.
        if (isBehind || buffer.length + facts.length > subscriberBuffer) {
          buffer = [];
          isBehind = true;
        } else buffer.push(...facts);
        wake?.();
      },
      end() {
        isEnded = true;
        subscribers.delete(subscriber);
        wake?.();
      },
    };
    if (!isClosed) subscribers.add(subscriber);
    return {
      close: () => subscriber.end(),
      async *[Symbol.asyncIterator]() {
        try {
          while (true) {
            if (isBehind) {
              isBehind = false;
              yield 'behind';
            } else if (buffer.length > 0) {
              const facts = buffer;
              buffer = [];
              yield facts;
            } else if (isEnded) {
              return;
            } else {
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
              wake = null;
            }
          }
        } finally {
          subscriber.end();
        }
      },
    };
  }

  return {
    publish(facts) {
      if (facts.length > 0) for (const subscriber of subscribers) subscriber.push(facts);
    },
    subscribe,
    close() {
      isClosed = true;
      for (const subscriber of [...subscribers]) subscriber.end();
    },
  };
}

import type { JournalLine } from '../store/rows.ts';
