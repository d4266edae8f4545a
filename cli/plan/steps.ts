/** The steps of a plan that `plan advance` takes, as they are typed. A signal with a verb of its own is not listed. No import but types: help and mistakes show them. */
import type { SignalType } from '../../machines/vocabulary/signal.ts';

/** The text about it on the page of help; most names explain themselves. */
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

/** A signal as it is typed. */
export function stepName(type: string): string {
  return type.replaceAll('_', '-');
}

/** `plan-start, retry-wave (run failed tasks again), …` */
export function planStepsText(): string {
  return [...planSteps].map(([name, note]) => (note === '' ? name : `${name} (${note})`)).join(', ');
}
