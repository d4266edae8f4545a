/** Limits the requests that an engine accepts at a time: the event loop of the embedding program runs between them. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EngineError, errorClasses } from '../../machines/vocabulary/errors.ts';

/** The most requests that begin in one turn of the event loop: a few milliseconds of it. */
const begunAtOnce = 16;
/** The most requests without an answer. Each holds its body and a row; more of them would only wait longer. */
const openLimit = 4_096;
/** When a refused request may be sent again: about a quarter of these are answered by then. */
const retryAfterMs = 1_000;

type Fetch = (request: Request) => Response | Promise<Response>;

/** Requests as calls in this process. Throws `busy`. */
export function createGate(limit = openLimit): <T>(work: () => Promise<T>) => Promise<T> {
  let open = 0;
  let begun = 0;
  let turn: Promise<void> | null = null;

  async function begin(): Promise<void> {
    while (begun >= begunAtOnce) {
      turn ??= nextTurn().then(() => {
        begun = 0;
        turn = null;
      });
      await turn;
    }
    begun += 1;
  }

  return async (work) => {
    if (open >= limit) throw busy(limit);
    open += 1;
    try {
      await begin();
      return await work();
    } finally {
      open -= 1;
    }
  };
}

export function createRequestGate(limit = openLimit): (fetch: Fetch) => Fetch {
  const gate = createGate(limit);
  return (fetch) => async (request) => {
    try {
      return await gate(async () => fetch(request));
    } catch (thrown) {
      if (!(thrown instanceof EngineError && thrown.code === 'busy')) throw thrown;
      return Response.json(thrown.toJSON(), { status: errorClasses.busy.status });
    }
  };
}

function busy(limit: number): EngineError {
  return new EngineError(
    'busy',
    `${limit} requests wait for their answers, and no more are taken in`,
    `ask again in ${retryAfterMs / 1_000} s, or keep fewer requests open at a time`,
    { retryAfterMs },
  );
}
