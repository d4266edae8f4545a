/** What the name of a signal file says, and the name that says it: kasmos's names, unchanged, and one for a question. Pure; knows no file. */
import type { SignalType } from '../../../machines/vocabulary/signal.ts';

/** The signal that a name stands for. */
export interface NamedSignal {
  readonly type: SignalType;
  readonly payload: Readonly<Record<string, number>>;
  /** Whether the file's content is the signal's body; of the others it is not read. */
  readonly hasBody: boolean;
  /** The plans that may be meant, the likeliest first: the first that is registered is, and where none is, the first. Never empty. */
  readonly plans: readonly [string, ...string[]];
}

/** `<name>-<plan>`, and the type that it is. */
const plainNames = {
  'planner-finished': { type: 'planner_finished', hasBody: true },
  'implement-finished': { type: 'implement_finished', hasBody: true },
  'review-approved': { type: 'review_approved', hasBody: true },
  'review-changes': { type: 'review_changes_requested', hasBody: true },
  'needs-decision': { type: 'needs_decision', hasBody: true },
  'elaborator-finished': { type: 'elaborator_finished', hasBody: false },
} as const satisfies Record<string, { type: SignalType; hasBody: boolean }>;

/** All the forms, for whoever got one wrong. */
export const signalFileForms = [
  ...Object.keys(plainNames).map((name) => `${name}-<plan>`),
  'implement-task-finished-w<N>-t<M>-<plan>',
  'implement-wave-<N>-<plan>',
];

/** Null where the name is no signal's. One `.md` at its end is dropped; upper and lower case are as they are. */
export function readFileName(fileName: string): NamedSignal | null {
  const name = fileName.replace(/\.md$/, '');
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

/** `review-changes-requested-x` is said of a plan `requested-x`, as kasmos has it, or by the signal's own name of `x`. */
function plansOf(prefix: string, plan: string): [string, ...string[]] {
  const [, other] = prefix === 'review-changes' ? (/^requested-(.+)$/s.exec(plan) ?? []) : [];
  return other === undefined ? [plan] : [plan, other];
}

/** The name and the content that say this; null where no file can, because the type has no name or the payload has more than a file holds. */
export function fileFor(signal: {
  type: SignalType;
  plan: string;
  payload: Readonly<Record<string, unknown>>;
}): { name: string; content: string } | null {
  const { type, plan, payload } = signal;
  const { wave_number: wave, task_number: task } = payload;
  if (type === 'implement_task_finished')
    return { name: `implement-task-finished-w${wave}-t${task}-${plan}`, content: '' };
  if (type === 'implement_wave') return { name: `implement-wave-${wave}-${plan}`, content: '' };
  // A question's text is its reason; as a file's content it is read as the body, which counts as the reason.
  const { reason, body = reason ?? '', ...rest } = payload;
  const found = Object.entries(plainNames).find(([, named]) => named.type === type);
  if (found === undefined || typeof body !== 'string' || Object.keys(rest).length > 0) return null;
  const [prefix, { hasBody }] = found;
  return body === '' || hasBody ? { name: `${prefix}-${plan}`, content: body } : null;
}
