/** What happened to a plan, as one row of the outbox for each of its repo's hooks that asked for it. */
import type { Happened } from '../../actors/hook-events.ts';
import { isUsualEvent } from '../../machines/vocabulary/hook-event.ts';
import { planTree } from '../../machines/vocabulary/ids.ts';
import type { HookConfig } from '../config/config.ts';
import { newDeliveryId } from '../platform/delivery-id.ts';
import type { ChangeOf, PlanKey } from '../store/port.ts';

/** Of a hook what decides whether it is told. */
export type HookInForce = Pick<HookConfig, 'name' | 'events' | 'enabled'>;

/** In the order in which it happened; of one event the hooks in the order of the configuration. A hook that is off in the configuration is told nothing. */
export function hookRows(
  { project, plan }: PlanKey,
  happened: readonly Happened[],
  { hooks, at }: { readonly hooks: readonly HookInForce[]; readonly at: number },
): ChangeOf<'hook.enqueue'>[] {
  return happened.flatMap(({ event, from, to, details }) =>
    hooks
      .filter(({ enabled, events }) => enabled && (events.length === 0 ? isUsualEvent(event) : events.includes(event)))
      .map(({ name }) => ({
        do: 'hook.enqueue',
        tree: planTree(project, plan),
        delivery: { kind: 'hook.deliver', id: newDeliveryId(at), plan, hook: name, event, from, to, at, details },
      })),
  );
}
