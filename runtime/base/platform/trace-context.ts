/** The trace of the work that runs now, at any depth of its calls: its log lines name it. */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Ids as OpenTelemetry writes them: 32 and 16 hexadecimal digits. */
export interface TraceIds {
  readonly traceId: string;
  readonly spanId: string;
}

const traces = new AsyncLocalStorage<TraceIds | null>();

export function withTrace<T>(ids: TraceIds | null, work: () => T): T {
  return traces.run(ids, work);
}

export function traceHere(): TraceIds | null {
  return traces.getStore() ?? null;
}
