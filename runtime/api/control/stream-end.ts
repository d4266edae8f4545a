/** A stream of events outlives the look at the token that opened it, so the token is looked at again for as long as the stream lasts. */

/** Polling makes sure: a token that was taken away is found out within this. */
const lookMs = 1_000;

/** The same answer; a stream of events ends when `isIn` says no, or throws. */
export function endedWith(answer: Response, isIn: () => boolean): Response {
  const { body, headers, status } = answer;
  if (body === null || headers.get('content-type')?.startsWith('text/event-stream') !== true) return answer;
  const reader = body.getReader();
  let isEnded = false;
  let timer: NodeJS.Timeout | undefined;
  const end = () => {
    isEnded = true;
    clearInterval(timer);
  };
  const watched = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        timer = setInterval(() => {
          if (isStillIn(isIn)) return;
          end();
          controller.close();
          reader.cancel().catch(() => {}); // it has ended for whoever read it
        }, lookMs);
      },
      async pull(controller) {
        const { done, value } = await reader.read();
        if (isEnded) return;
        if (done) {
          end();
          controller.close();
        } else controller.enqueue(value);
      },
      cancel(reason) {
        end();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(watched, { status, headers });
}

function isStillIn(isIn: () => boolean): boolean {
  try {
    return isIn();
  } catch {
    return false; // a file of a token that nobody can read lets nobody in
  }
}
