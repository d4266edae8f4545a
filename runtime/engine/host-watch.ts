/**
 * Keeps this host in the store that it shares. A host that has not reached the store for 30 s ends its agents: it may have been removed meanwhile, and others
 * begin their work anew. The same where it finds that it was removed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../machines/vocabulary/errors.ts';
import type { Log } from '../base/platform/log.ts';
import { createPollLoop, type PollLoop } from '../base/platform/poll-loop.ts';
import type { Store } from '../core/store/port.ts';

export interface HostWatchParts {
  readonly store: Pick<Store, 'hosts' | 'loss'>;
  readonly log: Log;
  /** Ends the processes of all agents, without a word to the store. */
  endAgents(): Promise<void>;
  /** Default: 30 s. */
  readonly awayLimitMs?: number;
}

const beatMs = 5_000;
const limitMs = 30_000;

/** null: the store is of one machine. */
export function createHostWatch(parts: HostWatchParts): Pick<PollLoop, 'start' | 'stop'> | null {
  const { store, log, endAgents, awayLimitMs = limitMs } = parts;
  const { hosts } = store;
  if (hosts === undefined) return null;
  let reachedAtMs = performance.now();

  async function beat(until: typeof hosts): Promise<void> {
    // Half of a connection takes long to be found out.
    const late = new AbortController();
    try {
      await Promise.race([until?.beat(), delay(beatMs, null, { signal: late.signal }).then(tooLate)]);
      reachedAtMs = performance.now();
    } finally {
      late.abort();
    }
  }

  return createPollLoop({
    everyMs: beatMs,
    async work() {
      try {
        await beat(hosts);
      } catch (thrown) {
        log.debug(`this host did not reach the store: ${messageOf(thrown)}`);
      }
      const awayMs = performance.now() - reachedAtMs;
      const loss = store.loss();
      if (loss === null && awayMs < awayLimitMs) return null;
      log.warn(
        loss?.message ??
          `the store has not answered for ${Math.round(awayMs / 1_000)} s: the agents of this host are ended`,
      );
      await endAgents();
      reachedAtMs = performance.now();
      return null;
    },
    onError: (thrown) => log.warn(`the agents of this host could not be ended: ${messageOf(thrown)}`),
  });
}

function tooLate(): never {
  throw new Error(`no answer within ${beatMs / 1_000} s`);
}
