/** An event of a plan or a repo, as one row of the outbox for each of the repo's hooks that receives it. */
import type { HookDeliver } from '../../../machines/vocabulary/effect.ts';
import { isUsualEvent } from '../../../machines/vocabulary/hook-event.ts';
import { planTree, repoTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import type { HookConfig } from '../../base/config/config.ts';
import { newDeliveryId } from '../../base/platform/delivery-id.ts';
import type { ChangeOf } from './port.ts';

/** The settings of a hook that decide whether it is notified. */
export type HookInForce = Pick<HookConfig, 'name' | 'type' | 'events' | 'enabled'>;

/** In the order in which it happened; for one event the hooks in the order of the configuration. A hook that is off in the configuration gets nothing. `plan` null: it is about the repo. */
export function hookRows(
  {
    project,
    plan,
    subject,
  }: { readonly project: string; readonly plan: string | null; readonly subject?: TreeAddress },
  happened: readonly Pick<HookDeliver, 'event' | 'from' | 'to' | 'details'>[],
  { hooks, at }: { readonly hooks: readonly HookInForce[]; readonly at: number },
): ChangeOf<'hook.enqueue'>[] {
  const ofProject = plan === null ? repoTree(project) : planTree(project, plan);
  // Without a repo: it is among the rows of the tree that it is about.
  const tree = project === '' && subject !== undefined ? subject : ofProject;
  return happened.flatMap(({ event, from, to, details }) =>
    hooks
      .filter(({ enabled, events }) => enabled && (events.length === 0 ? isUsualEvent(event) : events.includes(event)))
      .map(({ name: hook }) => ({
        do: 'hook.enqueue',
        tree,
        delivery: {
          ...{ kind: 'hook.deliver', id: newDeliveryId(at), plan: plan ?? '', hook, event, from, to, at, details },
          ...(subject === undefined ? {} : { subject }),
        },
      })),
  );
}
