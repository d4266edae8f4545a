/**
 * Keeps this host alive in a shared store. If the host has not reached the store for 8 s, its agents are frozen: 4 s later other hosts may start their work
 * again. The agents continue if the store answers in time, and are ended after 30 s, or if this host finds that it was removed or that other hosts have its
 * repos.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../machines/vocabulary/errors.ts';
import type { Log } from '../base/platform/log.ts';
import { createServiceLoop, type PollLoop, type Troubles } from '../base/platform/poll-loop.ts';
import type { Store } from '../core/store/port.ts';

export interface HostWatchParts {
  readonly store: Pick<Store, 'hosts' | 'loss'>;
  readonly log: Log;
  readonly troubles: Troubles;
  /** Freezes all agents, without writing to the store. */
  freezeAgents(): Promise<void>;
  /** Continues the frozen agents, except paused ones. Throws the store's errors. */
  thawAgents(): Promise<void>;
  /** Ends the processes of all agents, without writing to the store. */
  endAgents(): Promise<void>;
}

const notReached = { what: 'this host does not reach the store' };

const beatMs = 2_500;
/** A late answer to a beat does not count: the agents have 8 s from the time it was sent. */
const answerMs = 5_000;
/** Below the 12 s after which others take over (`core/store/postgres/hosts.ts`), which leaves time for freezing. */
const freezeMs = 8_000;
const limitMs = 30_000;

/** null: the store belongs to one machine. */
export function createHostWatch(parts: HostWatchParts): Pick<PollLoop, 'start' | 'stop'> | null {
  const { store, log, troubles, freezeAgents, thawAgents, endAgents } = parts;
  const { hosts } = store;
  if (hosts === undefined) return null;
  /** When the last beat that was answered was sent. */
  let reachedAtMs = performance.now();
  let endedAtMs = Number.NEGATIVE_INFINITY;
  /** Agents that an earlier engine has frozen and not continued are frozen, too. */
  let isFrozen = true;
  let timer: NodeJS.Timeout | null = null;
  let isOpen = false;

  async function beat(until: typeof hosts): Promise<void> {
    const sentAtMs = performance.now();
    // A connection that is broken on one side is noticed late.
    const late = new AbortController();
    try {
      await Promise.race([until?.beat(), delay(answerMs, null, { signal: late.signal }).then(tooLate)]);
    } finally {
      late.abort();
    }
    reachedAtMs = sentAtMs;
    setLimit();
    if (!isFrozen) return;
    await thawAgents();
    isFrozen = false;
  }

  /** The agents are frozen when the next beat stays without an answer. */
  function setLimit(): void {
    if (timer !== null) clearTimeout(timer);
    if (!isOpen) return; // agents go on when their engine stops in order
    timer = setTimeout(freeze, Math.max(0, reachedAtMs + freezeMs - performance.now()));
  }

  function freeze(): void {
    isFrozen = true;
    log.warn(`the store has not answered for ${freezeMs / 1_000} s: the agents of this host are frozen`);
    freezeAgents().catch((thrown: unknown) =>
      log.warn(`agents of this host could not be frozen: ${messageOf(thrown)}`),
    );
  }

  const loop = createServiceLoop({
    trouble: { what: 'the agents of this host are not ended' },
    troubles,
    everyMs: beatMs,
    async work() {
      try {
        await beat(hosts);
        troubles.worked(notReached);
      } catch (thrown) {
        troubles.failed(notReached, thrown);
      }
      const awayMs = performance.now() - reachedAtMs;
      const isLong = awayMs >= limitMs && performance.now() - endedAtMs >= limitMs;
      const loss = store.loss();
      const isFollowed = loss?.code === 'owner_taken';
      if (!isFollowed && !isLong) return null;
      log.warn(
        isFollowed
          ? loss.message
          : `the store has not answered for ${Math.round(awayMs / 1_000)} s: the agents of this host are ended`,
      );
      await endAgents();
      endedAtMs = performance.now();
      return null;
    },
  });

  return {
    start() {
      isOpen = true;
      setLimit();
      loop.start();
    },
    async stop() {
      isOpen = false;
      if (timer !== null) clearTimeout(timer);
      await loop.stop();
    },
  };
}

function tooLate(): never {
  throw new Error(`no answer within ${answerMs / 1_000} s`);
}
