/**
 * The steps of `plan advance`, as they are typed. Signals with a verb of their own are not steps. This file imports only types, because help and
 * error messages need it.
 */
import type { SignalType } from '../../machines/vocabulary/signal.ts';

/** The description on the help page; most names explain themselves. */
export const planSteps: ReadonlyMap<string, string> = new Map(
  Object.entries({
    plan_start: '',
    implement_start: '',
    retry_wave: 'run failed tasks again',
    advance_wave: 'go on without them',
    reopen: '',
    start_over: '',
    reimplement: '',
    request_review: '',
    mark_done: '',
    cancel: '',
    pause: '',
    resume: '',
    resolve: '',
    review_approved: '',
    review_changes_requested: '',
    verify_approved: '',
    verify_failed: '',
  } satisfies Partial<Record<SignalType, string>>).map(([type, note]) => [stepName(type), note]),
);

/** The typed form of a signal's name. */
export function stepName(type: string): string {
  return type.replaceAll('_', '-');
}

/** `plan-start, retry-wave (run failed tasks again), …` */
export function planStepsText(): string {
  return [...planSteps].map(([name, note]) => (note === '' ? name : `${name} (${note})`)).join(', ');
}
