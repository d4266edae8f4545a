/**
 * Shares the repeated reads of all pages: ten pages cost the daemon as much as one. An answer is reused for twenty times the time that all shared reads last
 * took together. So all watchers together take at most a twentieth of the daemon's time, and less when it is busy. A header states how long the answer is
 * still reused: an earlier request brings nothing new.
 */

/** The reads of the fleet view, exactly as the page writes them. */
const sharedReads: ReadonlySet<string> = new Set([
  '/v1/plans',
  '/v1/instances?live=1',
  '/v1/queue/stats',
  '/v1/repos',
  '/v1/notifications',
  '/v1/machines',
]);
const timesTheirCost = 20;
/** The least time of reuse, for reads that cost almost nothing. */
const leastMs = 250;

/** Milliseconds. */
const freshInHeader = 'x-fresh-in-ms';

interface Shared {
  readonly made: Promise<Made>;
  /** Infinity: the answer is being made. */
  goodUntilMs: number;
}

interface Made {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: ArrayBuffer;
}

type Fetch = (request: Request) => Response | Promise<Response>;

/** Wraps the given function. A request with `cache-control: no-cache`, from a page that has just changed something, always gets a new answer. */
export function createSharedReads(fetch: Fetch): Fetch {
  const known = new Map<string, Shared>();
  /** The milliseconds that each answer last took. */
  const costs = new Map<string, number>();

  function make(name: string, request: Request): Shared {
    const begunMs = performance.now();
    const shared: Shared = { made: readOf(fetch, request), goodUntilMs: Number.POSITIVE_INFINITY };
    const settle = () => {
      const nowMs = performance.now();
      costs.set(name, nowMs - begunMs);
      const together = [...costs.values()].reduce((sum, each) => sum + each, 0);
      shared.goodUntilMs = nowMs + Math.max(leastMs, together * timesTheirCost);
    };
    // A failed answer is not reused: only the present callers get it.
    shared.made.then(settle, () => {
      shared.goodUntilMs = 0;
    });
    return shared;
  }

  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const name = `${pathname}${search}`;
    if (request.method !== 'GET' || !sharedReads.has(name)) return fetch(request);
    const before = known.get(name);
    const isGood = before !== undefined && before.goodUntilMs > performance.now();
    const shared =
      isGood && request.headers.get('cache-control') !== 'no-cache' ? before : make(name, nobodys(request));
    known.set(name, shared);
    const { status, headers, bytes } = await shared.made;
    const all = new Headers(headers);
    const leftMs = shared.goodUntilMs - performance.now();
    if (Number.isFinite(leftMs)) all.set(freshInHeader, String(Math.max(0, Math.ceil(leftMs))));
    return new Response(bytes, { status, headers: all });
  };
}

/** All logged-in people may read this, so the request needs no person's token. */
function nobodys(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.delete('authorization');
  return new Request(request, { headers });
}

async function readOf(fetch: Fetch, request: Request): Promise<Made> {
  const answer = await fetch(request);
  return { status: answer.status, headers: answer.headers, bytes: await answer.arrayBuffer() };
}
