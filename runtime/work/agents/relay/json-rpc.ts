/**
 * JSON-RPC 2.0 with a program, one message per line: the part that a client of the Agent Client Protocol needs. A line that is no message gets no answer:
 * otherwise a program that prints what it did not understand would be answered without end.
 *
 * The protocol's own SDK is used in tests only. It answers each such line and drops updates that it does not know, and each run would take 17 MB more with it
 * (63 MB instead of 46) and start 100 ms later or more.
 */
import { type JsonObject, numberAt, objectAt, objectOf, textAt } from '../reports/json-line.ts';

export interface RpcHandlers {
  /** Handles a request of the program; the result is sent when it resolves. Throw `RpcError` to answer with an error. */
  request(method: string, params: JsonObject, cancelled: AbortSignal): Promise<JsonObject>;
  notification(method: string, params: JsonObject): void;
}

export interface Rpc {
  /** Rejects with `RpcError`: the program's own error, or that it has ended. `onSent` gets the request's number. */
  request(method: string, params: JsonObject, onSent?: (id: number) => void): Promise<JsonObject>;
  notify(method: string, params: JsonObject): void;
  line(text: string): void;
  /** To be called when no answer will arrive any more. */
  close(why: string): void;
}

export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export const methodNotFound = -32601;
export const invalidParams = -32602;
const internalError = -32603;
/** The most requests that are handled at once; further ones wait until some are answered. */
const openLimit = 64;
/** The most open requests, those that wait included; a further one is answered with an error. */
const requestLimit = 10_000;

export function createRpc(send: (line: string) => void, handlers: RpcHandlers): Rpc {
  const waiting = new Map<number, { resolve(result: JsonObject): void; reject(error: RpcError): void }>();
  const open = new Map<string, AbortController>();
  /** Begins the handling of the requests that wait. */
  const queued: (() => void)[] = [];
  let count = 0;
  let closed: string | null = null;
  const sendMessage = (message: JsonObject) => send(JSON.stringify({ jsonrpc: '2.0', ...message }));

  async function answer(id: unknown, method: string, params: JsonObject): Promise<void> {
    const key = JSON.stringify(id);
    if (open.has(key)) return;
    if (open.size >= requestLimit) {
      sendMessage({ id, error: { code: internalError, message: `${requestLimit} requests are open` } });
      return;
    }
    const abort = new AbortController();
    open.set(key, abort);
    if (open.size - queued.length > openLimit) await new Promise<void>((resolve) => queued.push(resolve));
    try {
      sendMessage({ id, result: await handlers.request(method, params, abort.signal) });
    } catch (thrown) {
      const { code, message } = thrown instanceof RpcError ? thrown : new RpcError(internalError, 'internal error');
      sendMessage({ id, error: { code, message } });
    } finally {
      open.delete(key);
      queued.shift()?.();
    }
  }

  function settle(id: number, message: JsonObject): void {
    const asked = waiting.get(id);
    if (asked === undefined) return;
    waiting.delete(id);
    const error = objectAt(message, 'error');
    if (error === null) asked.resolve(objectAt(message, 'result') ?? {});
    else asked.reject(new RpcError(typeof error.code === 'number' ? error.code : internalError, errorText(error)));
  }

  return {
    request(method, params, onSent) {
      if (closed !== null) return Promise.reject(new RpcError(internalError, closed));
      count += 1;
      const id = count;
      onSent?.(id);
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        sendMessage({ id, method, params });
      });
    },
    notify: (method, params) => sendMessage({ method, params }),
    line(text) {
      const message = objectOf(text);
      if (message === null) return;
      const method = textAt(message, 'method');
      const params = objectAt(message, 'params') ?? {};
      const { id } = message;
      if (method === null) {
        const number = numberAt(message, 'id');
        if (number !== null) settle(number, message);
      } else if (typeof id === 'number' || typeof id === 'string') void answer(id, method, params);
      else if (method === '$/cancel_request') {
        const { requestId } = params;
        if (typeof requestId !== 'object') open.get(JSON.stringify(requestId))?.abort();
      } else handlers.notification(method, params);
    },
    close(why) {
      closed ??= why;
      for (const { reject } of waiting.values()) reject(new RpcError(internalError, why));
      waiting.clear();
      for (const abort of open.values()) abort.abort();
    },
  };
}

/** The error for an unknown request. */
export function unknownMethod(method: string): RpcError {
  return new RpcError(methodNotFound, `"${method}" is not offered`);
}

/** An error as text: often only `data` has the reason. */
export function errorText(error: JsonObject): string {
  const message = textAt(error, 'message') ?? 'an error without a message';
  const { data } = error;
  const more = typeof data === 'string' ? data : data == null ? '' : jsonText(data);
  return more === '' || message.includes(more) ? message : `${message}: ${more}`;
}

/** A value that was read from JSON, which nests as deeply as its writer likes. */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return 'data that nests too deeply to be shown'; // the stack was too small
  }
}
