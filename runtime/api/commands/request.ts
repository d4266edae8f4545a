/** The request that is carried out: every signal of it has a key that is made of the request's own, so that the same request again sends none twice. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { textDigest } from '../../base/platform/text-digest.ts';
import type { ArrivingSignal } from '../../core/inbox/pump.ts';

export interface Request {
  /** As its client made it, for this request alone. */
  readonly key: string;
  readonly firstAtMs: number;
  /** An engine was cut off while it carried this out; what it had done by then stands. */
  readonly isRepeat: boolean;
}

interface Carried extends Request {
  /** How many signals of that content it has sent. */
  readonly sent: Map<string, number>;
}

const requests = new AsyncLocalStorage<Carried>();

export function withRequest<T>(request: Request, work: () => T): T {
  return requests.run({ ...request, sent: new Map() }, work);
}

/** null: this is the first time, or nobody asks for a key. */
export function repeatedRequest(): Request | null {
  const request = requests.getStore();
  return request?.isRepeat === true ? request : null;
}

/** With a key where it has none. A signal of the same content later in the same request is another one. */
export function keyed(signal: ArrivingSignal): ArrivingSignal {
  const request = requests.getStore();
  if (request === undefined || signal.dedupeKey != null) return signal;
  const { tree, type, payload } = signal;
  const content = textDigest(JSON.stringify([tree, type, payload])).slice(0, 16);
  const count = (request.sent.get(content) ?? 0) + 1;
  request.sent.set(content, count);
  return { ...signal, dedupeKey: `request:${request.key}:${content}:${count}` };
}
