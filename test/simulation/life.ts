/** One engine over the store of a simulated home: the real pump, dispatcher and cache, with the store and the world behind gates. */
import { treesOf } from '../../actors/tree.ts';
import type { Policy } from '../../machines/vocabulary/policy.ts';
import type { Clock } from '../../runtime/base/platform/clock.ts';
import type { FaultPoint } from '../../runtime/base/platform/faults.ts';
import type { Log } from '../../runtime/base/platform/log.ts';
import { createTroubles } from '../../runtime/base/platform/poll-loop.ts';
import { createBus } from '../../runtime/core/inbox/facts.ts';
import { createPump } from '../../runtime/core/inbox/pump.ts';
import { createTreeCache } from '../../runtime/core/inbox/tree-cache.ts';
import { createDispatcher } from '../../runtime/core/outbox/dispatcher.ts';
import type { Handlers } from '../../runtime/core/outbox/handler.ts';
import type { Limits } from '../../runtime/core/outbox/slots.ts';
import type { HookInForce } from '../../runtime/core/store/hook-rows.ts';
import type { Store } from '../../runtime/core/store/port.ts';
import { openTimeline, type Timeline } from '../../runtime/core/store/timeline.ts';

export interface LifeParts {
  readonly epoch: number;
  readonly store: Store;
  readonly clock: Clock;
  readonly handlers: Handlers;
  readonly policy: Policy;
  readonly limits: Limits;
  readonly log: Log;
  readonly hooks: readonly HookInForce[];
  isOwner(): boolean;
  faults(point: FaultPoint): void;
  onTimeline(timeline: Timeline): void;
}

export type Life = Awaited<ReturnType<typeof beginLife>>;

export async function beginLife({ epoch, policy, limits, hooks, onTimeline, ...parts }: LifeParts) {
  const { store, clock } = parts;
  const timeline = await openTimeline(store, clock);
  onTimeline(timeline);
  const trees = treesOf();
  const cache = createTreeCache({ store, trees });
  const troubles = createTroubles({ log: parts.log, report: () => {} });
  const pump = createPump({
    ...parts,
    troubles,
    timeline,
    trees,
    cache,
    bus: createBus(),
    policyOf: () => policy,
    hooksOf: () => hooks,
    machineHooks: () => [],
    onEffects: () => dispatcher.wake(),
    onVerdicts: () => {},
  });
  const dispatcher = createDispatcher({
    ...parts,
    troubles,
    timeline,
    owner: { host: '', epoch },
    limits: () => limits,
    startableAgents: () => 'all',
    onSignals: () => pump.wake(),
  });
  pump.start();
  dispatcher.start();
  return {
    epoch,
    pump,
    cache,
    wake() {
      pump.wake();
      dispatcher.wake();
    },
    /** Stops like an engine that leaves: running work is abandoned, and stays in its rows. */
    async stop(): Promise<void> {
      await pump.stop();
      await dispatcher.stop();
    },
  };
}
