/**
 * Lets agents go on whose service has named a time until which its limit lasts. Deadlines do not count the time for which the machine sleeps, but a service
 * counts it: an agent that waits until eight o'clock begins at eight, however long the lid was closed.
 */
import { actorAt, snapshotOf } from '../../actors/addressee.ts';
import type { AgentContext } from '../../machines/agent/context.ts';
import { type PlanTree, pathOfRequest, planTree } from '../../machines/vocabulary/ids.ts';
import type { Clock } from '../base/platform/clock.ts';
import { createServiceLoop, type Troubles } from '../base/platform/poll-loop.ts';
import type { TreeCache } from '../core/inbox/tree-cache.ts';
import type { Store } from '../core/store/port.ts';
import type { Timeline } from '../core/store/timeline.ts';

interface LimitWatchParts {
  readonly store: Pick<Store, 'runs' | 'commit'>;
  readonly cache: Pick<TreeCache, 'get'>;
  readonly projects: { isElsewhere(project: string): boolean };
  readonly clock: Clock;
  readonly timeline: Timeline;
  readonly troubles: Troubles;
  isOwner(): boolean;
  onSignals(): void;
}

interface Waiting {
  readonly tree: PlanTree;
  readonly timer: string;
  /** By the wall clock. */
  readonly dueAt: number;
}

const lookMs = 5_000;
/** The two clocks may drift apart by this much: more is a sleep, or a clock that was set. */
const driftMs = 1_000;

export function createLimitWatch(parts: LimitWatchParts) {
  const { store, cache, projects, clock, timeline } = parts;
  /** How far the wall clock was ahead when the waiting agents were read; null: they were not yet. The deadlines of later ones are right. */
  let aheadMs: number | null = null;
  let waiting: readonly Waiting[] = [];

  async function readWaiting(): Promise<Waiting[]> {
    const found: Waiting[] = [];
    for (const { project, plan, run, state, reason } of await store.runs({ by: 'at-work' })) {
      if (state !== 'waiting' || reason !== 'rate-limited' || projects.isElsewhere(project)) continue;
      const tree = planTree(project, plan);
      const root = (await cache.get(tree))?.tree.root;
      const actor = root === undefined ? null : actorAt(root, pathOfRequest(run));
      if (actor === null) continue;
      const { timer, dueAt } = snapshotOf(actor).context as AgentContext; // a run's actor is an agent
      if (timer !== null) found.push({ tree, timer, dueAt });
    }
    return found;
  }

  async function look(): Promise<void> {
    const nowAheadMs = clock.nowMs() - timeline.nowMs();
    if (aheadMs === null || Math.abs(nowAheadMs - aheadMs) > driftMs) {
      waiting = await readWaiting();
      aheadMs = nowAheadMs;
    }
    const at = clock.nowMs();
    const due = waiting.filter(({ dueAt }) => dueAt <= at);
    if (due.length === 0 || !parts.isOwner()) return;
    // The agent's own timer comes later, and then it is stale.
    await store.commit(
      due.map(({ tree, timer: run, dueAt }) => ({
        ...({ do: 'signal.insert', tree, type: 'timer_due', payload: {}, origin: 'engine', run, at } as const),
        dedupeKey: `${tree} limit over ${run} ${dueAt}`,
      })),
    );
    waiting = waiting.filter((each) => !due.includes(each));
    parts.onSignals();
  }

  const loop = createServiceLoop({
    trouble: { what: 'agents that wait for the limit of a service are not looked at' },
    troubles: parts.troubles,
    everyMs: lookMs,
    async work() {
      await look();
      return null;
    },
  });
  return {
    start: () => loop.start(),
    /** May be called twice. */
    stop: () => void loop.stop(), // never rejects
  };
}
