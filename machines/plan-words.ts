/** What a plan's root says to its own regions and asks of the outside: the last of the words that its chart is written in. */
import { raise } from 'xstate';
import { planChildren } from './plan-children.ts';
import { originOf, type PlanRegionEvent, timeOf } from './plan-events.ts';
import { overrideReason } from './plan-memory.ts';

/** Said by the engine itself, in the name of what just happened. */
function ownWord<T extends 'implement_finished' | 'implement_start'>(type: T) {
  return planChildren.raise(({ context, event }) => ({
    type,
    at: timeOf(context, event),
    origin: 'engine' as const,
    run: null,
  }));
}

export const planWords = planChildren.extend({
  actions: {
    raiseBlock: planChildren.raise(
      ({ context, event }): PlanRegionEvent => ({
        type: 'block',
        at: timeOf(context, event),
        ...(context.standing ?? { source: 'override', reason: 'the status was set by hand' }),
      }),
    ),
    raiseOverride: planChildren.raise(
      ({ context, event }): PlanRegionEvent => ({
        type: 'block',
        at: timeOf(context, event),
        source: 'override',
        reason: overrideReason(event),
      }),
    ),
    raiseMoved: planChildren.raise(
      ({ context, event }): PlanRegionEvent => ({
        type: 'moved',
        at: timeOf(context, event),
        origin: originOf(event),
        cause: event.type,
      }),
    ),
    raiseFinished: ownWord('implement_finished'),
    raiseImplement: ownWord('implement_start'),
    raiseVerdict: raise(
      (
        { context, event },
        type: 'review_approved' | 'review_changes_requested' | 'verify_approved' | 'verify_failed',
      ) => {
        const delivered = event.type === 'agent_delivered' ? event : null;
        return {
          type,
          at: timeOf(context, event),
          origin: 'engine' as const,
          run: delivered?.run ?? null,
          body: delivered?.detail ?? '',
          ...(type === 'verify_approved' && delivered?.base != null ? { reviewed_sha: delivered.base } : {}),
        };
      },
    ),
    /** The right to implement is asked for once; whoever has it does not ask again. */
    requestGrant: planChildren.enqueueActions(({ context, enqueue }) => {
      if (context.granted) return;
      enqueue('nextRequest');
      enqueue('askGrant');
    }),
    releaseGrant: planChildren.enqueueActions(({ enqueue }) => {
      enqueue('tellReleased');
      enqueue.assign({ granted: false, request: 0 });
    }),
    /** The old branch is kept aside first, once more where that failed. */
    archiveAgain: planChildren.enqueueActions(({ enqueue, check }) => {
      if (!check('archives')) return;
      enqueue('nextWork');
      enqueue('askArchive');
    }),
  },
});
