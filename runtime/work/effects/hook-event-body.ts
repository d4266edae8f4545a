/** The content of an event for a hook: a JSON body, and the variables of a command. */
import type { HookDeliver } from '../../../machines/vocabulary/effect.ts';
import { oneLine } from '../../base/platform/terminal-text.ts';

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

/** The event for people: its subject and its description, each on one line. */
export function hookNotice(
  { plan, event, from, to, details }: HookDeliver,
  project: string,
  limit = textLimit,
): Notice {
  const reason = details.blocked_reason ?? details.reason ?? null;
  const moved = from === to ? (from ?? project) : `${from} -> ${to}`;
  return {
    subject: shown(plan === '' ? project : `${project}/${plan}`, limit),
    text: shown(
      details.message == null ? `${moved} (${event})${reason === null ? '' : `: ${reason}`}` : String(details.message),
      limit,
    ),
  };
}

interface Notice {
  readonly subject: string;
  readonly text: string;
}

const textLimit = 500;

function shown(text: string, limit: number): string {
  return oneLine(text).slice(0, limit);
}

/** The variables of a command, including those of the older daemon's hooks. */
export function hookVariables(effect: HookDeliver, project: string): Record<string, string> {
  const { id, plan, event, from, to } = effect;
  const values = { PLAN: plan, EVENT: event, FROM: from ?? '', TO: to ?? '', PROJECT: project, DELIVERY: id };
  const { subject, text } = hookNotice(effect, project);
  return Object.fromEntries([
    ...['STATOR_HOOK_', 'KASMOS_HOOK_'].flatMap((prefix) =>
      Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]),
    ),
    ['STATOR_HOOK_MESSAGE', `${subject}: ${text}`],
  ]);
}
