/** Parses and builds names of signal files: kasmos's names, unchanged, one for a question, and two for work without a change. Pure. */

import { taskName } from '../../../machines/vocabulary/ids.ts';
import type { SignalType } from '../../../machines/vocabulary/signal.ts';

/** The signal that a name represents. */
export interface NamedSignal {
  readonly type: SignalType;
  readonly payload: Readonly<Record<string, number>>;
  /** The field of the payload that the file's content is; null: it is not read. */
  readonly content: 'body' | 'no_change' | null;
  /** The possible plans, the most likely first: the first registered one counts, or the first if none is registered. Never empty. */
  readonly plans: readonly [string, ...string[]];
}

/** The form `<name>-<plan>`, and its signal type. */
const plainNames = {
  'planner-finished': { type: 'planner_finished', content: 'body' },
  'implement-finished': { type: 'implement_finished', content: 'body' },
  'review-approved': { type: 'review_approved', content: 'body' },
  'review-changes': { type: 'review_changes_requested', content: 'body' },
  'needs-decision': { type: 'needs_decision', content: 'body' },
  'no-change': { type: 'implement_finished', content: 'no_change' },
  'elaborator-finished': { type: 'elaborator_finished', content: null },
} as const satisfies Record<string, Pick<NamedSignal, 'type' | 'content'>>;

/** All the forms, for messages about an invalid name. */
export const signalFileForms = [
  ...Object.keys(plainNames).map((name) => `${name}-<plan>`),
  'implement-task-finished-w<N>-t<M>-<plan>',
  'no-change-w<N>-t<M>-<plan>',
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
  const task = /^(implement-task-finished|no-change)-w(\d{1,9})-t(\d{1,9})-(.+)$/s.exec(name);
  if (task !== null) {
    const [, form, wave, number, plan = ''] = task;
    const payload = { wave_number: Number(wave), task_number: Number(number) };
    const content = form === 'no-change' ? 'no_change' : null;
    return { type: 'implement_task_finished', payload, content, plans: [plan] };
  }
  const wave = /^implement-wave-(\d{1,9})-(.+)$/s.exec(name);
  if (wave !== null) {
    const [, number, plan = ''] = wave;
    return { type: 'implement_wave', payload: { wave_number: Number(number) }, content: null, plans: [plan] };
  }
  for (const [prefix, { type, content }] of Object.entries(plainNames)) {
    const plan = name.startsWith(`${prefix}-`) ? name.slice(prefix.length + 1) : '';
    if (plan !== '') return { type, payload: {}, content, plans: plansOf(prefix, plan) };
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
  const { wave_number: wave, task_number: task, no_change, ...others } = payload;
  if (type === 'implement_task_finished') {
    const form = no_change === undefined ? 'implement-task-finished' : 'no-change';
    return { name: `${form}-${taskName(Number(wave), Number(task))}-${plan}`, content: String(no_change ?? '') };
  }
  if (type === 'implement_wave') return { name: `implement-wave-${wave}-${plan}`, content: '' };
  if (no_change !== undefined)
    return Object.keys(others).length > 0 ? null : { name: `no-change-${plan}`, content: String(no_change) };
  // A question's text is its reason. In a file it is the body, which counts as the reason.
  const { reason, body = reason ?? '', ...rest } = others;
  // The first name of a type is the one without `no_change`.
  const found = Object.entries(plainNames).find(([, named]) => named.type === type);
  if (found === undefined || typeof body !== 'string' || Object.keys(rest).length > 0) return null;
  const [prefix, { content }] = found;
  return body === '' || content !== null ? { name: `${prefix}-${plan}`, content: body } : null;
}
