/** A stream of events lasts longer than the check of its token, so the token is checked again while the stream lasts. */

/** A removed token is noticed within this time, by polling. */
const lookMs = 1_000;

/** Returns the same answer, but a stream of events ends when `isIn` returns false or throws. */
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
          reader.cancel().catch(() => {}); // the reader's stream has ended
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
    return false; // an unreadable token file permits no access
  }
}
