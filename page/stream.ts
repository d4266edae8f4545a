/**
 * A live stream of facts in the order of the journal. It continues after restarts of the daemon, and delivers at most once in each animation frame.
 */
import type { FactEntry } from '../runtime/api/contract/plans.ts';
import { type Api, refusalIn } from './api.ts';
import type { Session } from './session.ts';

/** `waiting`: the daemon answers, and refuses the stream, such as while it waits for its store. */
export type Connection = 'connecting' | 'live' | 'away' | 'waiting' | 'stranger' | 'resting' | 'locked';

export interface Stream {
  start(): void;
}

interface StreamOptions {
  readonly api: Api;
  readonly session: Session;
  /** Whether a page that is not visible may close its connection. */
  mayRest(): boolean;
  /** Called at most once in each animation frame. `isGap`: earlier facts were missed, so all data must be read again. */
  onFacts(facts: readonly FactEntry[], isGap: boolean): void;
  /** `why`: the reason of the daemon for `waiting`. */
  onConnection(connection: Connection, why?: string): void;
  /** Called now and then while the page has no stream because it is not visible; requests are possible until it ends. */
  onRest(): Promise<void>;
}

const retryMs = { first: 250, most: 2_000 };
/** A browser lets a page have six connections: a page that is not visible closes its own. */
const restMs = 30_000;
/** Why the stream of a page that is not visible is closed. */
const resting = 'resting';
/** The daemon writes every 15 s. After this silence the connection is dead, such as after a sleep of this machine, though nothing has closed it. */
const silenceMs = 45_000;

export function createStream({ api, session, mayRest, onFacts, onConnection, onRest }: StreamOptions): Stream {
  let seq: number | null = null;
  let waiting: FactEntry[] = [];
  let isGap = false;
  let isFrameAsked = false;
  let reading: AbortController | null = null;
  let rest: ReturnType<typeof setTimeout> | undefined;

  function collect(facts: readonly FactEntry[], gap = false): void {
    waiting.push(...facts);
    isGap ||= gap;
    if (isFrameAsked) return;
    isFrameAsked = true;
    // A page that is not visible gets no animation frames.
    if (document.hidden) setTimeout(flush, 1_000);
    else requestAnimationFrame(flush);
  }

  function flush(): void {
    const [facts, gap] = [waiting, isGap];
    [waiting, isGap, isFrameAsked] = [[], false, false];
    onFacts(facts, gap);
  }

  /** Reads until the stream ends or is silent; true: something was read. */
  async function read(abort: AbortController, hear: () => void): Promise<boolean> {
    hear();
    const answer = await api.events(seq, abort.signal);
    if (!answer.ok || answer.body === null) {
      const { message, hint } = await refusalIn(answer);
      // `renew` finds out whether a token is no longer valid.
      if (answer.status !== 401) onConnection('waiting', `${message}; ${hint}`);
      return false;
    }
    const start = answer.headers.get('last-event-id');
    // The store was restored from an earlier copy: lines that this page has read are not in it.
    if (seq !== null && start !== null && Number(start) < seq) location.reload();
    onConnection('live');
    collect([], true);
    const decoder = new TextDecoder();
    let left = '';
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return true;
      hear();
      const blocks = (left + decoder.decode(value, { stream: true })).split('\n\n');
      left = blocks.pop() ?? '';
      const facts = blocks.flatMap(factIn);
      seq = facts.at(-1)?.seq ?? seq;
      if (facts.length > 0) collect(facts);
    }
  }

  async function keepReading(): Promise<void> {
    let waitMs = retryMs.first;
    for (;;) {
      const abort = new AbortController();
      reading = abort;
      let silence: ReturnType<typeof setTimeout> | undefined;
      const hear = () => {
        clearTimeout(silence);
        silence = setTimeout(() => {
          onConnection('away');
          abort.abort();
        }, silenceMs);
      };
      try {
        if (await read(abort, hear)) waitMs = retryMs.first;
      } catch {
        // The stream broke off: whether an engine runs is checked below.
      }
      clearTimeout(silence);
      session.doubt();
      const isResting = abort.signal.reason === resting;
      if (isResting) await seen();
      let found = await session.renew();
      while (found !== 'ready') {
        onConnection(found);
        if (found === 'locked') return;
        await wait();
        found = await session.renew();
      }
      if (!isResting) await wait();
    }

    async function wait(): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(waitMs * 2, retryMs.most);
    }
  }

  async function seen(): Promise<void> {
    while (document.hidden) {
      onConnection('resting');
      await new Promise<unknown>((resolve) => {
        document.addEventListener('visibilitychange', resolve, { once: true });
        setTimeout(resolve, restMs);
      });
      if (!document.hidden || (await session.renew()) !== 'ready') continue;
      await onRest();
      session.doubt();
    }
  }

  return {
    start() {
      document.addEventListener('visibilitychange', () => {
        clearTimeout(rest);
        if (document.hidden && mayRest()) rest = setTimeout(() => reading?.abort(resting), restMs);
      });
      onConnection('connecting');
      void keepReading();
    },
  };
}

function factIn(block: string): FactEntry[] {
  const line = block.split('\n').find((each) => each.startsWith('data: '));
  return line === undefined ? [] : [JSON.parse(line.slice(6)) as FactEntry]; // written from one
}
