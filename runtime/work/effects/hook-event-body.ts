/** What a hook is told of an event: a body of JSON, and the variables of a command. */
import type { HookDeliver } from '../../../machines/vocabulary/effect.ts';

/** The body, the same at each try, in one line of JSON. */
export function hookBody(effect: HookDeliver, project: string): string {
  const { id, plan, hook, event, from, to, at, details, sequence } = effect;
  return JSON.stringify({
    plan_file: plan === '' ? null : plan,
    from_status: from,
    to_status: to,
    event,
    timestamp: new Date(at).toISOString(),
    project,
    delivery_id: id,
    sequence,
    hook,
    ...details,
  });
}

/** The variables of a command, and those that the hooks of the older daemon have. */
export function hookVariables(effect: HookDeliver, project: string): Record<string, string> {
  const { id, plan, event, from, to } = effect;
  const values = { PLAN: plan, EVENT: event, FROM: from ?? '', TO: to ?? '', PROJECT: project, DELIVERY: id };
  return Object.fromEntries(
    ['STATOR_HOOK_', 'KASMOS_HOOK_'].flatMap((prefix) =>
      Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]),
    ),
  );
}
