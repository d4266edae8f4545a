/**
 * What every page reads again and again, read once for all of them: ten pages cost the daemon what one does. An answer is handed out anew for as long
 * as all of these last took to make, times twenty, so that all watchers together never take more than a twentieth of the daemon's time, and the less the
 * busier it is. Its header says how long that is still to be: asking earlier brings nothing new.
 */

/** The fleet's reads, as the page writes them. */
const sharedReads: ReadonlySet<string> = new Set([
  '/v1/plans',
  '/v1/instances?live=1',
  '/v1/queue/stats',
  '/v1/repos',
  '/v1/notifications',
  '/v1/machines',
]);
const timesTheirCost = 20;
/** For reads that cost almost nothing. */
const leastMs = 250;

/** Milliseconds. */
const freshInHeader = 'x-fresh-in-ms';

interface Shared {
  readonly made: Promise<Made>;
  /** Infinity: it is being made. */
  goodUntilMs: number;
}

interface Made {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: ArrayBuffer;
}

type Fetch = (request: Request) => Response | Promise<Response>;

/** As the function that is given. A request with `cache-control: no-cache`, from who has just changed something, is always answered anew. */
export function createSharedReads(fetch: Fetch): Fetch {
  const known = new Map<string, Shared>();
  /** Milliseconds that each took when it was last made. */
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
    // One that failed is nobody's answer but theirs who wait for it now.
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

/** Everybody who is let in may look, so it is nobody's in particular. */
function nobodys(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.delete('authorization');
  return new Request(request, { headers });
}

async function readOf(fetch: Fetch, request: Request): Promise<Made> {
  const answer = await fetch(request);
  return { status: answer.status, headers: answer.headers, bytes: await answer.arrayBuffer() };
}
