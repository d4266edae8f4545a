/** What people do about hooks: deliver again, switch off and on, and try one out. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { effectKey, planTree } from '../../../machines/vocabulary/ids.ts';
import { newDeliveryId } from '../../base/platform/delivery-id.ts';
import { later } from '../../base/platform/later.ts';
import type { DeliveryEntry, HookSwitched, HookTested } from '../contract/hooks.ts';
import type { CommandDependencies } from './command-dependencies.ts';

const loadDelivery = later(() => import('../../work/effects/hook-deliver.ts'));

/** The name of the plan in a test event. */
const testPlan = 'hook-test';

export function createHookCommands(parts: CommandDependencies) {
  const { store, views, projects, clock } = parts;

  async function turn(
    project: string,
    hook: string,
    off: { reason: string; at: number } | null,
  ): Promise<HookSwitched> {
    views.hookNamed(project, hook);
    const before = (await store.hooks(project)).find((row) => row.hook === hook)?.off_at ?? null;
    const changed = (before === null) !== (off === null);
    if (changed) await store.commit([{ do: 'hook.switch', project, hook, off }]);
    parts.onChange();
    const { dead = 0 } = (await views.hooks(project)).find((entry) => entry.hook === hook) ?? {};
    return { status: off === null ? 'enabled' : 'disabled', project, hook, changed, dead };
  }

  return {
    /** Queues it again under its own id, with all its tries. Throws `not_found`, and `conflict` while it is pending. */
    async redeliver(id: string): Promise<DeliveryEntry> {
      const { key } = await views.deliveryRow(id);
      const { status } = await store.commit([{ do: 'hook.redeliver', key }]);
      if (status === 'lost')
        throw new EngineError(
          'conflict',
          `delivery ${id} is pending; it is sent when its turn comes`,
          `see it with: stator hook show ${id}`,
        );
      parts.onChange();
      return views.deliveryEntry(await views.deliveryRow(id));
    },
    /** Throws `repo_not_found` and `not_found`. */
    enableHook: (project: string, hook: string): Promise<HookSwitched> => turn(project, hook, null),
    /** What it is to be told meanwhile is dead, and can be delivered later. Throws as `enableHook`. */
    disableHook: (project: string, hook: string): Promise<HookSwitched> =>
      turn(project, hook, { reason: 'a person switched it off', at: clock.nowMs() }),
    /** Sends it one event of no plan, now and once, whether it is on or off. Throws as `enableHook`, and `untrusted`. */
    async testHook(project: string, name: string): Promise<HookTested> {
      const hook = views.hookNamed(project, name);
      if (hook.type !== 'function') projects.mustBeTrusted(project);
      // It brings the processes of runs along.
      const { tryHook } = await loadDelivery();
      const at = clock.nowMs();
      const id = newDeliveryId(at);
      const [event = 'implement_finished'] = hook.events;
      const effect = {
        ...({ kind: 'hook.deliver', id, plan: testPlan, hook: name, event, at } as const),
        ...({ from: 'implementing', to: 'reviewing', details: { test: 1 }, sequence: 0 } as const),
      };
      const key = effectKey(planTree(project, testPlan), id);
      const abort = new AbortController().signal;
      const trying = { ...parts, nowMs: () => clock.nowMs() };
      const tried = await tryHook(trying, hook, effect, { project, plan: testPlan, key, abort });
      const { status, output } = tried;
      const error = tried.kind === 'failed' ? tried.error : null;
      return { project, hook: name, delivered: error === null, status, error, output };
    },
  };
}
