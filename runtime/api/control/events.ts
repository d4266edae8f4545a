/** The journal as a stream of server-sent events: first the missed lines, then the live ones, until the connection ends. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { planTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { type Bus, followedLines, type Subscription } from '../../core/inbox/facts.ts';
import type { Store } from '../../core/store/port.ts';
import type { JournalLine } from '../../core/store/rows.ts';
import type { FactEntry } from '../contract/plans.ts';
import type { Views } from '../queries/queries.ts';
import { check, digits, line } from './requests.ts';

export interface EventParts {
  readonly store: Store;
  readonly views: Views;
  readonly bus: Bus;
  /** While the returned function was not called, agents of that plan may start. */
  watch(project: string, plan: string): () => void;
}

export interface StreamLimits {
  /** The most open streams. */
  readonly streams: number;
  /** The most of one person with a token: nobody may take the streams of all others. */
  readonly streamsOfPerson: number;
  /** A reader that reads nothing for this long is disconnected; it continues from the id of the last event that it received. */
  readonly stallMs: number;
  readonly heartbeatMs: number;
}

/** Every stream holds a socket and a page of the journal; a stalled one gets four heartbeats' time. */
export const streamLimits: StreamLimits = { streams: 256, streamsOfPerson: 32, stallMs: 60_000, heartbeatMs: 15_000 };

export const eventsQuery = z.strictObject({
  project: line(255).optional(),
  plan: line(256).optional(),
  /** A tree of a user-defined machine, `<machine>:<id>`. */
  tree: line(256).optional(),
  /** The id of the last event that was seen. */
  since: digits.optional(),
  /** `1`: a person watches, so agents of that plan may start. */
  watch: z.enum(['0', '1']).optional(),
  /**
   * `1`: in batches, at most ten a second, and without the fields that need a query (`attempt`, `reason`, `why`, `until`, `resumed`): for a page, which redraws
   * what has changed and requests the rest.
   */
  calm: z.enum(['0', '1']).optional(),
});

export interface EventStreams {
  /**
   * Answers `GET /v1/events`. A header `Last-Event-ID`, as browsers send it, takes precedence over `since`. `person`: the name of a person with a token.
   * Throws `bad_request`, `limit_reached`.
   */
  open(c: Context, query: z.output<typeof eventsQuery>, person: string | null): Promise<Response>;
}

export function createEventStreams(parts: EventParts, limits: StreamLimits): EventStreams {
  const piecesOf = createPieces(parts.views);
  let count = 0;
  const countOf = new Map<string, number>();

  /** Throws `limit_reached`. Returns the function that gives the stream back. */
  function take(person: string | null): () => void {
    const own = person === null ? 0 : (countOf.get(person) ?? 0);
    if (count >= limits.streams || own >= limits.streamsOfPerson)
      throw new EngineError(
        'limit_reached',
        count >= limits.streams
          ? `streams of events are limited to ${limits.streams}, and all of them are open`
          : `streams of events are limited to ${limits.streamsOfPerson} for a person, and ${person} has all of them open`,
        'close one, or ask for a plan’s history instead',
      );
    const add = (by: number) => {
      count += by;
      if (person !== null) countOf.set(person, (countOf.get(person) ?? 0) + by);
    };
    add(1);
    return () => add(-1);
  }

  return {
    async open(c, { project, plan, tree, since: asked, watch, calm }, person) {
      const last = c.req.header('last-event-id');
      const newest = await parts.store.lastLine();
      // A number from another store must not hide the lines of this one.
      const since = Math.min((last === undefined ? asked : check(digits, last, 'Last-Event-ID')) ?? newest, newest);
      // A reader whose stream ends before the first event continues from here.
      c.header('last-event-id', String(since));
      // No client would ever read it.
      if (c.req.raw.method === 'HEAD') return c.body(null, 200, { 'content-type': 'text/event-stream' });
      const giveBack = take(person);
      const wantsWatch = watch === '1' && project !== undefined && plan !== undefined;
      // A buffering proxy would hold events back until it has many.
      c.header('x-accel-buffering', 'no');
      return streamSSE(c, async (stream) => {
        const subscription = parts.bus.subscribe();
        const unwatch = wantsWatch ? parts.watch(project, plan) : () => {};
        const reader = createReader(stream, limits, () => subscription.close());
        stream.onAbort(() => subscription.close());
        try {
          await reader.write(': connected\n\n');
          await follow({
            ...parts,
            piecesOf,
            reader,
            subscription,
            query: { project, plan, tree, since },
            paceMs: calm === '1' ? calmMs : 0,
          });
        } finally {
          reader.close();
          unwatch();
          subscription.close();
          giveBack();
        }
      });
    },
  };
}

interface Reader {
  isGone(): boolean;
  /** Waits until the reader has taken it, or is disconnected. */
  write(text: string): Promise<void>;
  close(): void;
}

/** The reader of a stream; `onGone` is called if it reads nothing for too long. */
function createReader(stream: SSEStreamingApi, { stallMs, heartbeatMs }: StreamLimits, onGone: () => void): Reader {
  let isCut = false;
  let isWriting = false;

  async function write(text: string): Promise<void> {
    if (isCut || stream.aborted) return;
    isWriting = true;
    let timer: NodeJS.Timeout | undefined;
    const stalled = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        isCut = true;
        onGone();
        resolve();
      }, stallMs);
    });
    await Promise.race([stream.write(text), stalled]);
    clearTimeout(timer);
    isWriting = false;
  }

  // A reader with unread lines needs no heartbeat.
  const beat = setInterval(() => void (isWriting ? null : write(': heartbeat\n\n')), heartbeatMs);
  return { isGone: () => isCut || stream.aborted, write, close: () => clearInterval(beat) };
}

/** The interval of batches, for streams that need not be immediate. */
const calmMs = 100;
/** The most facts of one write. */
const eventsAtOnce = 64;

type Wanted = NonNullable<Parameters<Views['facts']>[1]>;

/** Lines as events, joined into one text for each write. */
type PiecesOf = (lines: readonly JournalLine[], wanted: Wanted) => Promise<readonly string[]>;

/** Lines that ten streams send are serialized once; and joined once for streams that send the same lines in a row. */
function createPieces(views: Views): PiecesOf {
  const texts = new WeakMap<FactEntry, string>();
  const none = { name: '', pieces: Promise.resolve<readonly string[]>([]) };
  let last = none;

  function eventOf(fact: FactEntry): string {
    const text = texts.get(fact) ?? `data: ${JSON.stringify(fact)}\nid: ${fact.seq}\n\n`;
    texts.set(fact, text);
    return text;
  }

  async function join(lines: readonly JournalLine[], wanted: Wanted): Promise<readonly string[]> {
    const events = (await views.facts(lines, wanted)).map(eventOf);
    const pieces: string[] = [];
    for (let at = 0; at < events.length; at += eventsAtOnce) pieces.push(events.slice(at, at + eventsAtOnce).join(''));
    return pieces;
  }

  return (lines, wanted) => {
    // Numbers in the journal are unique: between the same two numbers lie the same lines, if equally many are requested.
    const name = JSON.stringify([lines[0]?.seq, lines.at(-1)?.seq, lines.length, wanted]);
    if (name === last.name) return last.pieces;
    const made = { name, pieces: join(lines, wanted) };
    last = made;
    // The caller gets the error; the next one tries again.
    made.pieces.catch(() => {
      if (last === made) last = none;
    });
    return made.pieces;
  };
}

interface Following extends EventParts {
  readonly piecesOf: PiecesOf;
  readonly reader: Reader;
  /** Subscribed before the first page is read, so that no fact is lost between the pages and the live ones. */
  readonly subscription: Subscription;
  readonly query: {
    readonly project: string | undefined;
    readonly plan: string | undefined;
    readonly tree: string | undefined;
    readonly since: number;
  };
  /** Between two batches, for a reader that asked for batches. All such streams write at the same moments, so they send the same text. */
  readonly paceMs: number;
}

async function follow({ reader, paceMs, ...following }: Following): Promise<void> {
  const { project, plan, tree, since } = following.query;
  // The store has an index by tree.
  const ofPlan = project === undefined || plan === undefined ? null : planTree(project, plan);
  const own = ofPlan ?? (tree === undefined ? null : (tree as TreeAddress)); // any other text addresses no lines
  const subscription = paced(following.subscription, paceMs);
  const pages = followedLines({ store: following.store, subscription, tree: own, after: since });
  for await (const lines of pages) {
    for (const piece of await following.piecesOf(lines, { project, plan, tree, isBare: paceMs > 0 })) {
      if (reader.isGone()) return;
      await reader.write(piece);
    }
    if (reader.isGone()) return;
  }
}

/** All batched streams continue at the same times. */
async function* paced(subscription: Subscription, paceMs: number): AsyncGenerator<readonly JournalLine[] | 'behind'> {
  for await (const facts of subscription) {
    yield facts;
    if (paceMs > 0) await delay(paceMs - (performance.now() % paceMs));
  }
}
