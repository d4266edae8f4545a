/** The journal as a stream of server-sent events: what was missed first, then what is live, to the end of the connection. */
import type { Context } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { planTree } from '../../machines/ids.ts';
import type { Bus, Subscription } from '../bus.ts';
import type { JournalLine } from '../store/journal.ts';
import type { Store } from '../store/store.ts';
import type { Views } from '../views.ts';
import { check, filterQuery, sinceOf } from './requests.ts';

export interface EventParts {
  readonly store: Store;
  readonly views: Views;
  readonly bus: Bus;
  /** While the returned function was not called, agents of that plan may start. */
  watch(project: string, plan: string): () => void;
}

const heartbeatMs = 15_000;

interface Wish {
  readonly project: string | undefined;
  readonly plan: string | undefined;
  /** The last line that was seen. */
  readonly since: number;
}

/** Answers `GET /v1/events`. Throws `bad_request`. */
export function streamEvents(parts: EventParts, c: Context): Response {
  const since = sinceOf(c) ?? parts.store.journal.lastSeq();
  const { project, plan } = check(filterQuery, c.req.query(), 'the filter');
  const wantsWatch = c.req.query('watch') === '1' && project !== undefined && plan !== undefined;
  return streamSSE(c, async (stream) => {
    const subscription = parts.bus.subscribe();
    const unwatch = wantsWatch ? parts.watch(project, plan) : () => {};
    const beat = setInterval(() => void stream.write(': heartbeat\n\n'), heartbeatMs);
    stream.onAbort(() => subscription.close());
    try {
      await stream.write(': connected\n\n');
      await follow({ ...parts, stream, subscription, wish: { project, plan, since } });
    } finally {
      clearInterval(beat);
      unwatch();
      subscription.close();
    }
  });
}

interface Following extends EventParts {
  readonly stream: SSEStreamingApi;
  /** Stood before the first page was read, so nothing falls between the pages and what is live. */
  readonly subscription: Subscription;
  readonly wish: Wish;
}

async function follow({
  store,
  views,
  stream,
  subscription,
  wish: { project, plan, since },
}: Following): Promise<void> {
  // Of one plan the store has an index; what stood under its name before it was registered is not its own.
  const own = project === undefined || plan === undefined ? null : planTree(project, plan);
  let sent = own === null ? since : Math.max(since, store.journal.firstSeq(own) - 1);

  async function send(line: JournalLine): Promise<void> {
    if (line.seq <= sent) return;
    sent = line.seq;
    const fact = views.fact(line);
    if ((project !== undefined && fact.project !== project) || (plan !== undefined && fact.plan !== plan)) return;
    await stream.writeSSE({ id: String(fact.seq), data: JSON.stringify(fact) });
  }

  function nextPage(): JournalLine[] {
    return own === null ? store.journal.since(sent) : store.journal.ofTree(own, sent);
  }

  async function catchUp(): Promise<void> {
    for (let page = nextPage(); page.length > 0 && !stream.aborted; page = nextPage()) {
      for (const line of page) await send(line);
    }
  }

  await catchUp();
  for await (const facts of subscription) {
    if (facts === 'behind') await catchUp();
    else for (const line of facts) await send(line);
  }
}
