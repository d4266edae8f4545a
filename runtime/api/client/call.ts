/** One request to the control API, over a socket or to an app in this very process: what the client's functions are made of. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { EngineError } from '../../../machines/vocabulary/errors.ts';

/** What a client reads of an answer: its text, or its body as it comes; one of them, once. */
export type Answered = Pick<Response, 'ok' | 'status' | 'text' | 'json' | 'body'>;

/** One request to whoever answers; `path` with its query. */
export type Call = (
  method: string,
  path: string,
  /** `key`: of a request that changes something, for this request alone. */
  options?: { body?: unknown; signal?: AbortSignal; key?: string },
) => Promise<Answered>;

/** The next engine; null: none answers now. `waitedMs`: how long one has been looked for. */
export type NextEngine = (waitedMs: number) => Promise<{ readonly call: Call; close(): Promise<void> } | null>;

/** The hint of an error after the engine went away. */
export const gone = 'it may have stopped just now; ask again';

/**
 * Of TLS, which no socket here has. Where there is none, node looks at whether the host is an address, and prepares for that look longer than a socket
 * takes to answer.
 */
const noServerName = { servername: '' };

/** Calls over a unix socket. Throws `unavailable` where nobody answers. */
export function callSocket(socketPath: string, token: string | undefined): Call {
  const unanswered = (cause: unknown) =>
    new EngineError('unavailable', `the engine at ${socketPath} does not answer`, gone, { cause });
  return (method, path, { body, signal, key } = {}) =>
    new Promise((resolve, reject) => {
      const headers = {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...authorization(token),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      };
      const request = httpRequest(
        { socketPath, method, path, headers, ...noServerName, ...(signal === undefined ? {} : { signal }) },
        (answer) => resolve(answeredBy(answer, unanswered)),
      );
      request.on('error', (cause) => reject(unanswered(cause)));
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

/** No `Response`: the first one of a process loads all of fetch, a fifth of what a verb has in time. Reading throws what `unanswered` makes of the cause. */
function answeredBy(answer: IncomingMessage, unanswered: (cause: unknown) => EngineError): Answered {
  const status = answer.statusCode ?? 500;
  async function text(): Promise<string> {
    const parts: Buffer[] = [];
    try {
      for await (const part of answer) parts.push(Buffer.from(part));
    } catch (thrown) {
      throw unanswered(thrown);
    }
    return Buffer.concat(parts).toString('utf8');
  }
  return {
    ok: status >= 200 && status < 300,
    status,
    text,
    json: async () => JSON.parse(await text()),
    // The stream is node's own; the two types of web streams differ in name only.
    get body() {
      return Readable.toWeb(answer) as Answered['body'];
    },
  };
}

export function callApp(
  app: { fetch(request: Request): Response | Promise<Response> },
  token: string | undefined,
): Call {
  return async (method, path, { body, signal, key } = {}) => {
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...authorization(token),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    };
    const init = {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    };
    return app.fetch(new Request(`http://stator${path}`, init));
  };
}

/** Only whoever has no token at all speaks as a person: one that no header can carry, or an empty one, is still sent, and nobody's. */
function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${/^[\x21-\x7e]+$/.test(token) ? token : ''}` };
}
