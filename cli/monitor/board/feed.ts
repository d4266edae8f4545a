/** News from the running engine, and from the next engine when that one has ended. It is read after each fact, and at intervals. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Client } from '../../../runtime/api/client/client.ts';
import { pause } from '../../../runtime/base/platform/pause.ts';
import { hasNoStream, isAbsence } from '../../absence.ts';
import { look } from '../../status/look.ts';
import { statusOf } from '../../status/sort.ts';
import type { Board, Link, News } from './state.ts';

export interface FeedOptions {
  /** The running engine, whether or not it reports facts; null: none. */
  attach(): Promise<Client | null>;
  /** Reads the store without an engine; null: that is not possible. */
  stored(): Promise<Client | null>;
  readonly project: string | undefined;
  near(): Board['near'];
  updated(news: News): void;
  linked(link: Link): void;
  /** Called when the plan in the detailed view no longer exists. */
  lost(why: EngineError): void;
  /** Called at a bug, which waiting cannot solve. */
  failed(thrown: unknown): void;
}

export interface Feed {
  /** The engine that answers now; null: none. */
  client(): Client | null;
  /** The same client, or one that reads the store while there is no engine. */
  reading(): Client | null;
  look(): void;
  /** Cancels all requests. An engine that hangs is not waited for. */
  stop(): void;
}

/** An engine that restarts is back within this time or a little more. */
const retryMs = 500;
/** Facts within this time cause one reading. */
const shortestMs = 250;
/** No fact reports the output of agents, so the board reads at least this often. */
const longestMs = 2_000;
/** Far longer than reading thousands of plans takes. */
const silentMs = 5_000;
/** Reading a thousand plans takes a while, so the engine gets this multiple of that time for its other work. */
const restShare = 10;

export function createFeed(first: Client | null, options: FeedOptions): Feed {
  const ended = new AbortController();
  let current: Client | null = first;
  /** Stays open until the board ends: a page may still be read from it when an engine starts. */
  let reader: Client | null = null;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let wasThere = first !== null;
  let wake = () => {};
  let isWanted = false;
  ended.signal.addEventListener('abort', () => wake());

  async function lookOnce(client: Client): Promise<void> {
    const [seen, stats, near] = await Promise.all([
      look(client, options.project),
      client.queueStats(),
      nearNow(client),
    ]);
    options.updated({ seen, status: statusOf(seen), stats, near });
  }

  /** Reports if no news arrives in time: then the picture is out of date. */
  async function lookInTime(client: Client): Promise<void> {
    let isSilent = false;
    const timer = setTimeout(() => {
      isSilent = true;
      options.linked({ kind: 'silent' });
    }, silentMs);
    try {
      await lookOnce(client);
      if (isSilent) options.linked({ kind: 'there' });
    } finally {
      clearTimeout(timer);
    }
  }

  /** The plan may be deleted while it is read. */
  async function nearNow(client: Client): Promise<News['near']> {
    const near = options.near();
    if (near === null) return null;
    try {
      const [plan, instances] = await Promise.all([client.plan(near.project, near.plan), client.instances(near)]);
      return { plan, instances };
    } catch (thrown) {
      if (!(thrown instanceof EngineError) || isAbsence(thrown)) throw thrown;
      options.lost(thrown);
      return null;
    }
  }

  /** Resolves when something new may be read, or the time is over. */
  async function somethingNew(limitMs: number): Promise<void> {
    const woken = new AbortController();
    wake = () => woken.abort();
    if (!isWanted && !ended.signal.aborted) await pause(limitMs, woken.signal);
    isWanted = false;
  }

  /** Follows until the engine ends, or the board does. */
  async function follow(client: Client): Promise<void> {
    const broken = new AbortController();
    const signal = AbortSignal.any([ended.signal, broken.signal]);
    let isBroken = false;
    const listening = (async () => {
      try {
        for await (const _fact of client.events({
          ...(options.project === undefined ? {} : { project: options.project }),
          signal,
        })) {
          isWanted = true;
          wake();
        }
      } catch (thrown) {
        // The board is read now and then without one.
        if (hasNoStream(thrown)) return;
        // The stream broke off: the next request shows why.
      }
      isBroken = true;
      wake();
    })();
    try {
      while (!ended.signal.aborted) {
        const begunMs = performance.now();
        await lookInTime(client);
        if (isBroken) return;
        const tookMs = performance.now() - begunMs;
        await pause(Math.max(shortestMs, tookMs * restShare), ended.signal);
        await somethingNew(longestMs);
      }
    } finally {
      broken.abort();
      await listening;
    }
  }

  async function lookAtStore(): Promise<void> {
    if (performance.now() - readAtMs < longestMs) return;
    readAtMs = performance.now();
    reader ??= await options.stored();
    if (reader === null) return;
    options.linked({ kind: 'stored', why: reader.note ?? '' });
    await lookOnce(reader);
  }

  async function withEngine(client: Client): Promise<void> {
    current = client;
    wasThere = true;
    try {
      const { waiting } = await client.status();
      options.linked(waiting === null ? { kind: 'there' } : { kind: 'waits', why: waiting });
      await (waiting === null ? follow(client) : pause(retryMs, ended.signal));
      if (waiting === null && !ended.signal.aborted) options.linked({ kind: 'gone' });
    } finally {
      current = null;
      await client.close();
    }
  }

  async function run(): Promise<void> {
    for (let client: Client | null = first; !ended.signal.aborted; client = null) {
      try {
        client ??= await options.attach();
        if (client !== null) await withEngine(client);
        // After an engine has ended, its last news stays on the screen: the next engine usually starts within seconds.
        else if (!wasThere) await lookAtStore();
      } catch (thrown) {
        if (!(thrown instanceof EngineError)) throw thrown;
        // The next engine, or the next try, may succeed.
        options.linked(isAbsence(thrown) ? { kind: 'gone' } : { kind: 'waits', why: thrown.message });
      }
      await pause(retryMs, ended.signal);
    }
    await reader?.close();
  }

  void run().catch(options.failed);
  return {
    client: () => current,
    reading: () => current ?? (wasThere ? null : reader),
    look() {
      isWanted = true;
      wake();
    },
    stop: () => ended.abort(),
  };
}
