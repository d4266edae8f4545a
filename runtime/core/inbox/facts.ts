/** What waits for commits: the verdict of a signal, and listeners to committed facts. A listener that is too slow for its buffer learns that, and reads the journal instead. */
import type { Kinds } from '../../../actors/kind.ts';
import type { PublicMove } from '../../../actors/recorder.ts';
import type { PlanTree, TreeAddress } from '../../../machines/vocabulary/ids.ts';
import type { PlanTag } from '../../../machines/vocabulary/public-state.ts';
import type { Store } from '../store/port.ts';
import type { JournalLine } from '../store/rows.ts';

/** A line of the journal, after its transaction has committed. */
export type Fact = JournalLine;

/** Facts in order; `behind`: some were dropped, and are in the journal before the next ones. */
export interface Subscription extends AsyncIterable<readonly Fact[] | 'behind'> {
  close(): void;
}

export interface Bus {
  /** In the order of their numbers. Where lines of other writers lie between, subscribers learn that they are behind. */
  publish(facts: readonly Fact[]): void;
  /**
   * The journal has come this far: subscribers learn that they are behind in lines that were not published here. `concernsHere`: some of them may be of this
   * host's repos; default true.
   */
  reached(seq: number, options?: { readonly concernsHere: boolean }): void;
  /** Other repos may be this host's now, with lines that `onlyHere` has not received. */
  missedHere(): void;
  /** `onlyHere`: it does not receive lines that are only about other hosts. */
  subscribe(options?: { readonly onlyHere: boolean }): Subscription;
  close(): void;
}

/** Facts that one subscriber may leave unread. */
const subscriberBuffer = 1_024;

export function createBus(): Bus {
  const subscribers = new Set<{
    readonly onlyHere: boolean;
    push(facts: readonly Fact[]): void;
    fallBehind(): void;
    end(): void;
  }>();
  /** The line up to which subscribers were given all, or learned that they are behind; null: nothing was published yet. */
  let cursor: number | null = null;
  /** Lines are missing between published ones, and it is not yet known whether they are of other hosts alone. */
  let hasGap = false;
  let isClosed = false;

  function subscribe({ onlyHere }: { readonly onlyHere: boolean } = { onlyHere: false }): Subscription {
    let buffer: Fact[] = [];
    let isEnded = isClosed;
    let isBehind = false;
    let wake: (() => void) | null = null;
    const subscriber = {
      onlyHere,
      push(facts: readonly Fact[]) {
        // One commit may have more lines than any buffer; facts in the journal are not buffered.
        if (isBehind || buffer.length + facts.length > subscriberBuffer) subscriber.fallBehind();
        else {
          buffer.push(...facts);
          wake?.();
        }
      },
      fallBehind() {
        buffer = [];
        isBehind = true;
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
      const [first] = facts;
      const last = facts.at(-1);
      if (first === undefined || last === undefined) return;
      const isNext = cursor === null || first.seq === cursor + 1;
      const isWhole = last.seq - first.seq === facts.length - 1;
      cursor = last.seq;
      hasGap ||= !isNext || !isWhole;
      for (const subscriber of subscribers) {
        if ((isNext && isWhole) || subscriber.onlyHere) subscriber.push(facts);
        else subscriber.fallBehind();
      }
    },
    reached(seq, { concernsHere } = { concernsHere: true }) {
      const isMissed = seq > (cursor ?? 0);
      const isMissedHere = concernsHere && (isMissed || hasGap);
      cursor = Math.max(cursor ?? 0, seq);
      if (concernsHere) hasGap = false;
      for (const subscriber of subscribers) if (subscriber.onlyHere ? isMissedHere : isMissed) subscriber.fallBehind();
    },
    missedHere() {
      for (const subscriber of subscribers) if (subscriber.onlyHere) subscriber.fallBehind();
    },
    subscribe,
    close() {
      isClosed = true;
      for (const subscriber of [...subscribers]) subscriber.end();
    },
  };
}

/** The facts of plans that a service follows. It is not called for any other fact. */
export interface Follows {
  /** Public states that a transition leaves or enters. */
  readonly states: readonly PlanTag[];
  /** The first characters of the names of events. Default: none. */
  readonly events?: readonly string[];
  /** Every fact of these plans counts. Default: none. */
  readonly plans?: { has(plan: PlanTree): boolean };
  /** These plans have such facts. null: any plan may have some, because lines were missed. Must not throw. */
  noted(plans: readonly PlanTree[] | null): void;
}

/** Calls `noted` of each of `all` for the facts that it follows, until the subscription ends. */
export async function followFacts(
  subscription: AsyncIterable<readonly Fact[] | 'behind'>,
  kinds: Pick<Kinds, 'moveOf'>,
  all: readonly Follows[],
): Promise<void> {
  for await (const facts of subscription) {
    const moves =
      facts === 'behind' ? null : facts.flatMap((line) => (isOfPlan(line) ? [{ line, move: kinds.moveOf(line) }] : []));
    for (const follows of all) {
      const plans = moves?.filter((each) => isFollowed(follows, each)).map(({ line }) => line.tree) ?? null;
      if (plans === null || plans.length > 0) follows.noted(plans);
    }
  }
}

function isOfPlan(line: Fact): line is Fact & { readonly tree: PlanTree } {
  return line.tree.startsWith('plan:');
}

function isFollowed(
  { states, events = [], plans }: Follows,
  { line, move }: { readonly line: Fact & { readonly tree: PlanTree }; readonly move: PublicMove },
): boolean {
  return (
    states.some((state) => move.before.has(state) || move.after.has(state)) ||
    events.some((event) => line.event.startsWith(event)) ||
    plans?.has(line.tree) === true
  );
}

interface Followed {
  readonly store: Pick<Store, 'journal' | 'firstLine'>;
  /** Made before the first page is read, so that no line is lost between the pages and the live facts. */
  readonly subscription: AsyncIterable<readonly JournalLine[] | 'behind'>;
  /** null: the lines of all trees. With a tree, the pages of the journal have only its lines; the live lines are still those of all trees. */
  readonly tree: TreeAddress | null;
  readonly after: number;
}

/** The lines after `after`, in their order and in batches: first from the journal, then live, until the subscription ends. */
export async function* followedLines({
  store,
  subscription,
  tree,
  after,
}: Followed): AsyncGenerator<readonly JournalLine[], void> {
  // Lines of an earlier tree of this address are not its own.
  let sent = tree === null ? after : Math.max(after, (await store.firstLine(tree)) - 1);

  async function* missed(): AsyncGenerator<readonly JournalLine[], void> {
    for (;;) {
      const page = await store.journal(tree === null ? { after: sent } : { after: sent, tree });
      const fresh = page.filter(({ seq }) => seq > sent);
      sent = fresh.at(-1)?.seq ?? sent;
      if (page.length === 0) return;
      yield fresh;
    }
  }

  yield* missed();
  for await (const facts of subscription) {
    // Facts that came while a page was read may begin after it, or leave a gap: the journal has them in order.
    if (facts === 'behind' || (facts[0]?.seq ?? 0) > sent + 1) yield* missed();
    if (facts === 'behind') continue;
    const fresh = facts.filter(({ seq }) => seq > sent);
    sent = fresh.at(-1)?.seq ?? sent;
    if (fresh.length > 0) yield fresh;
  }
}

export interface Verdicts {
  /** Resolves when the signal has its verdict, or is held, or `waitMs` have passed. Throws as the store does. */
  wait(id: number, waitMs: number): Promise<void>;
  /** Reads the awaited signals: another host may have handled it. Never throws. */
  look(): Promise<void>;
  /** Announces that these signals have their verdicts. */
  announce(ids: readonly number[]): void;
}

export function createVerdicts(store: Pick<Store, 'signal'>): Verdicts {
  const waiters = new Map<number, Set<() => void>>();

  function waitFor(id: number, waitMs: number): { woken: Promise<void>; leave(): void } {
    const those = waiters.get(id) ?? new Set();
    waiters.set(id, those);
    let leave = () => {};
    const woken = new Promise<void>((resolve) => {
      const timer = setTimeout(wake, waitMs);
      function wake(): void {
        clearTimeout(timer);
        those.delete(wake);
        if (those.size === 0 && waiters.get(id) === those) waiters.delete(id);
        resolve();
      }
      those.add(wake);
      leave = wake;
    });
    return { woken, leave };
  }

  function announce(ids: readonly number[]): void {
    if (waiters.size === 0) return;
    for (const id of ids) for (const wake of [...(waiters.get(id) ?? [])]) wake();
  }

  return {
    async wait(id, waitMs) {
      if (waitMs <= 0) return;
      // Before the row is read, so that no verdict between the two is missed.
      const { woken, leave } = waitFor(id, waitMs);
      try {
        const row = await store.signal(id);
        if (row?.status === 'pending') await woken;
      } finally {
        leave();
      }
    },
    async look() {
      for (const id of [...waiters.keys()]) {
        // If the store does not answer, the verdict is reported when it does.
        const row = await store.signal(id).catch(() => null);
        if (row !== null && row.status !== 'pending') announce([id]);
      }
    },
    announce,
  };
}
