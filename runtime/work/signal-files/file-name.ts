/** Parses and builds names of signal files: kasmos's names, unchanged, and one for a question. Pure. */

import { taskName } from '../../../machines/vocabulary/ids.ts';
import type { SignalType } from '../../../machines/vocabulary/signal.ts';

/** The signal that a name represents. */
export interface NamedSignal {
  readonly type: SignalType;
  readonly payload: Readonly<Record<string, number>>;
  /** Whether the file's content is the signal's body; for other signals it is not read. */
  readonly hasBody: boolean;
  /** The possible plans, the most likely first: the first registered one counts, or the first if none is registered. Never empty. */
  readonly plans: readonly [string, ...string[]];
}

/** The form `<name>-<plan>`, and its signal type. */
const plainNames = {
  'planner-finished': { type: 'planner_finished', hasBody: true },
  'implement-finished': { type: 'implement_finished', hasBody: true },
  'review-approved': { type: 'review_approved', hasBody: true },
  'review-changes': { type: 'review_changes_requested', hasBody: true },
  'needs-decision': { type: 'needs_decision', hasBody: true },
  'elaborator-finished': { type: 'elaborator_finished', hasBody: false },
} as const satisfies Record<string, { type: SignalType; hasBody: boolean }>;

/** All the forms, for messages about an invalid name. */
export const signalFileForms = [
  ...Object.keys(plainNames).map((name) => `${name}-<plan>`),
  'implement-task-finished-w<N>-t<M>-<plan>',
  'implement-wave-<N>-<plan>',
];

/** null: not the name of a signal. A final `.md` is removed; case is significant. */
export function readFileName(fileName: string): NamedSignal | null {
  const name = fileName.replace(/\.md$/, '');
  const named = readName(name);
  // The name of a plan may end so as well.
  return named === null || name === fileName
    ? named
    : { ...named, plans: [...named.plans, ...named.plans.map((plan) => `${plan}.md`)] };
}

function readName(name: string): NamedSignal | null {
  const task = /^implement-task-finished-w(\d{1,9})-t(\d{1,9})-(.+)$/s.exec(name);
  if (task !== null) {
    const [, wave, number, plan = ''] = task;
    const payload = { wave_number: Number(wave), task_number: Number(number) };
    return { type: 'implement_task_finished', payload, hasBody: false, plans: [plan] };
  }
  const wave = /^implement-wave-(\d{1,9})-(.+)$/s.exec(name);
  if (wave !== null) {
    const [, number, plan = ''] = wave;
    return { type: 'implement_wave', payload: { wave_number: Number(number) }, hasBody: false, plans: [plan] };
  }
  for (const [prefix, { type, hasBody }] of Object.entries(plainNames)) {
    const plan = name.startsWith(`${prefix}-`) ? name.slice(prefix.length + 1) : '';
    if (plan !== '') return { type, payload: {}, hasBody, plans: plansOf(prefix, plan) };
  }
  return null;
}

/** `review-changes-requested-x` can mean the plan `requested-x`, as in kasmos, or, by the signal's own name, the plan `x`. */
function plansOf(prefix: string, plan: string): [string, ...string[]] {
  const [, other] = prefix === 'review-changes' ? (/^requested-(.+)$/s.exec(plan) ?? []) : [];
  return other === undefined ? [plan] : [plan, other];
}

/** The name and the content for a signal; null: no file can represent it, because the type has no name or the payload has more fields than a file. */
export function fileFor(signal: {
  type: SignalType;
  plan: string;
  payload: Readonly<Record<string, unknown>>;
}): { name: string; content: string } | null {
  const { type, payload } = signal;
  // Of two endings one is removed.
  const plan = signal.plan.endsWith('.md') ? `${signal.plan}.md` : signal.plan;
  const { wave_number: wave, task_number: task } = payload;
  if (type === 'implement_task_finished')
    return { name: `implement-task-finished-${taskName(Number(wave), Number(task))}-${plan}`, content: '' };
  if (type === 'implement_wave') return { name: `implement-wave-${wave}-${plan}`, content: '' };
  // A question's text is its reason. In a file it is the body, which counts as the reason.
  const { reason, body = reason ?? '', ...rest } = payload;
  const found = Object.entries(plainNames).find(([, named]) => named.type === type);
  if (found === undefined || typeof body !== 'string' || Object.keys(rest).length > 0) return null;
  const [prefix, { hasBody }] = found;
  return body === '' || hasBody ? { name: `${prefix}-${plan}`, content: body } : null;
}
