/**
 * Limits what one run puts into the inbox. Every signal is a row that stays for weeks, and a program with the run's token could send any number: they would
 * fill the engine's disk, and everything else would wait for their verdicts.
 */
import { EngineError } from '../../../machines/vocabulary/errors.ts';

/** Far more than any agent has to say; counted anew by each engine. */
const limits = { signals: 10_000, bytes: 32 * 1024 * 1024 };
/** The most runs that are counted; the oldest is forgotten. */
const runLimit = 10_000;

export interface RunQuota {
  /** Counts one signal of that run, by its key. `content`: what would be stored. `once`: a repetition under this id is the same signal. Throws `limit_reached`. */
  take(run: string, content: unknown, once?: string): void;
}

interface Said {
  signals: number;
  bytes: number;
  readonly ids: Set<string>;
}

export function createRunQuota(): RunQuota {
  const runs = new Map<string, Said>();
  return {
    take(run, content, once) {
      const said = runs.get(run) ?? { signals: 0, bytes: 0, ids: new Set() };
      if (once !== undefined && said.ids.has(once)) return;
      const bytes = Buffer.byteLength(JSON.stringify(content) ?? '');
      if (said.signals >= limits.signals || said.bytes + bytes > limits.bytes) throw spent(said);
      said.signals += 1;
      said.bytes += bytes;
      if (once !== undefined) said.ids.add(once);
      runs.set(run, said);
      const [oldest] = runs.keys();
      if (runs.size > runLimit && oldest !== undefined) runs.delete(oldest);
    },
  };
}

function spent({ signals, bytes }: Said): EngineError {
  const mebibytes = Math.floor(bytes / 1024 ** 2);
  return new EngineError(
    'limit_reached',
    `this run has sent ${signals} signals of ${mebibytes} MiB, and one may send ${limits.signals} of ${limits.bytes / 1024 ** 2} MiB`,
    'end: the last message and the exit code still count',
  );
}
