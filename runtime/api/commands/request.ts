/** The request under way. Each of its signals gets a key derived from the request's key, so that a repeated request sends no signal twice. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { textDigest } from '../../base/platform/text-digest.ts';
import type { ArrivingSignal } from '../../core/inbox/pump.ts';

export interface Request {
  /** Chosen by the client for this request alone. */
  readonly key: string;
  readonly firstAtMs: number;
  /** An engine was cut off while it carried the request out; what it had done by then is not undone. */
  readonly isRepeat: boolean;
}

interface Carried extends Request {
  /** The number of signals sent so far, by content. */
  readonly sent: Map<string, number>;
}

const requests = new AsyncLocalStorage<Carried>();

export function withRequest<T>(request: Request, work: () => T): T {
  return requests.run({ ...request, sent: new Map() }, work);
}

/** null: the request is not a repeat, or has no key. */
export function repeatedRequest(): Request | null {
  const request = requests.getStore();
  return request?.isRepeat === true ? request : null;
}

/** Adds a key if the signal has none. A later signal of the same content in the same request gets another key. */
export function keyed(signal: ArrivingSignal): ArrivingSignal {
  const request = requests.getStore();
  if (request === undefined || signal.dedupeKey != null) return signal;
  const { tree, type, payload } = signal;
  const content = textDigest(JSON.stringify([tree, type, payload])).slice(0, 16);
  const count = (request.sent.get(content) ?? 0) + 1;
  request.sent.set(content, count);
  return { ...signal, dedupeKey: `request:${request.key}:${content}:${count}` };
}
