/** One request to the control API, over a socket or to an app in this process. The client's functions are built on it. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { EngineError, messageOf, onOneLine } from '../../../machines/vocabulary/errors.ts';

/** The part of an answer that a client reads: its text, or its body as a stream. It reads one of them, once. */
export type Answered = Pick<Response, 'ok' | 'status' | 'text' | 'json' | 'body'> & {
  readonly headers: Pick<Headers, 'get'>;
};

/** Sends one request to the engine. `path` includes the query. */
export type Call = (
  method: string,
  path: string,
  /** `key`: the idempotency key of a request that changes something. Each request has its own. */
  options?: { body?: unknown; signal?: AbortSignal; key?: string },
) => Promise<Answered>;

/** Finds the next engine; null: none answers now. `waitedMs`: how long the caller has been looking. */
export type NextEngine = (waitedMs: number) => Promise<{ readonly call: Call; close(): Promise<void> } | null>;

/** The hint of an error after the engine went away. */
export const gone = 'it may have stopped just now; ask again';

/**
 * An option of TLS, which these sockets do not use. Without it, node checks whether the host is an IP address; preparing that check takes longer than a
 * socket takes to answer.
 */
const noServerName = { servername: '' };

/**
 * Calls over a unix socket. Throws `unavailable` if no process answers. An engine may close an unused connection at the moment when a request is sent on it:
 * a request that may be repeated is then sent once more, on a connection of its own.
 */
export function callSocket(socketPath: string, token: string | undefined): Call {
  const unanswered = (cause: unknown) =>
    new EngineError('unavailable', `the engine at ${socketPath} does not answer`, gone, { cause });
  const send = (call: Parameters<Call>, { isAgain }: { isAgain: boolean }): ReturnType<Call> =>
    new Promise((resolve, reject) => {
      const [method, path, { body, signal, key } = {}] = call;
      const headers = {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...authorization(token),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      };
      const options = { socketPath, method, path, headers, ...noServerName, ...(isAgain ? { agent: false } : {}) };
      let isAnswered = false;
      const request = httpRequest({ ...options, ...(signal === undefined ? {} : { signal }) }, (answer) => {
        isAnswered = true;
        resolve(answeredBy(answer, unanswered));
      });
      request.on('error', (cause) => {
        const mayRepeat = (method === 'GET' || key !== undefined) && signal?.aborted !== true;
        if (request.reusedSocket && !isAnswered && mayRepeat && !isAgain) resolve(send(call, { isAgain: true }));
        else reject(unanswered(cause));
      });
      request.once('socket', ignoreLateErrors);
      request.end(body === undefined ? undefined : jsonText(body));
    });
  return (...call) => send(call, { isAgain: false });
}

/**
 * This is not a `Response`: the first `Response` of a process loads all of fetch, which costs a fifth of a command's time limit. Reading throws the error
 * that `unanswered` makes from the cause.
 */
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
    headers: {
      get(name) {
        const value = answer.headers[name];
        return typeof value === 'string' ? value : null;
      },
    },
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
      ...(body === undefined ? {} : { body: jsonText(body) }),
      ...(signal === undefined ? {} : { signal }),
    };
    return app.fetch(new Request(`http://stator${path}`, init));
  };
}

/** Throws `bad_request` for a value that contains itself, and for a bigint. */
function jsonText(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    const message = `the request cannot be written as JSON: ${onOneLine(messageOf(cause))}`;
    throw new EngineError('bad_request', message, 'give texts, numbers, lists and plain objects', { cause });
  }
}

/** Only a caller without a token acts as a person. An empty token, or one that a header cannot carry, is sent as an empty one, which the engine rejects. */
function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${/^[\x21-\x7e]+$/.test(token) ? token : ''}` };
}

/** The part of a socket that is needed here: the types of this file are public, and name no types of Node. */
interface Connection {
  listeners(event: 'error'): readonly unknown[];
  on(event: 'error', act: () => void): unknown;
}

/**
 * Ignores errors of a connection after the answer of the engine has arrived. An engine may answer a large body before it has read it, and close the
 * connection. Node (20.20) no longer listens for errors of a connection that it keeps once the answer has arrived, although the body is still being written:
 * that error would end the process. While the answer is awaited, Node also reports it to the request.
 */
export function ignoreLateErrors(connection: Connection): void {
  if (!connection.listeners('error').includes(ignore)) connection.on('error', ignore);
}

function ignore(): void {}
