/** How trees of plans, repos and the supervisor take signals: by roles, questions, runs and the words in their states. */

import type { AnyActorRef } from 'xstate';
import type { Edited } from '../machines/plan/events.ts';
import { originKind, type Signal, type SignalEvent } from '../machines/vocabulary/signal.ts';
import { addresseeOf, baseOf, notBegunIn } from './addressee.ts';
import type { Rules } from './kind.ts';
import {
  answerObstacle,
  holdsOf,
  isHeld,
  isPreApplied,
  isSuppressed,
  openQuestions,
  refusalOf,
  roleObstacle,
} from './refusal.ts';

// What comes to such a tree was checked by the table of signals.
export const familyRules: Rules = {
  addresseeOf: (root, signal) => addresseeOf(root, signal as Signal),
  obstacleTo: (root, signal) => roleObstacle(root, signal as Signal) ?? answerObstacle(root, signal as Signal),
  isHeld: (root, signal, found) => isHeld(root, signal as Signal, found),
  isPreApplied: (root, signal) => isPreApplied(root, signal as Signal),
  isSuppressed: (root, signal) => isSuppressed(root, signal as Signal),
  eventOf: (root, signal) => eventOf(root, signal as Signal),
  refusalOf,
  heldFor: (root) => new Set([...holdsOf(root), ...openQuestions(root)]),
};

/**
 * An approval that names no commit is about the one at which its run began; a person's is about the branch as it is now. An edited document comes with the
 * tasks that may still change: only the tree as it is in this step says which have not begun.
 */
function eventOf(root: AnyActorRef, signal: Signal): SignalEvent {
  const { type, payload, origin, run, at } = signal;
  const event = { ...payload, type, origin, run, at } as SignalEvent; // a signal's type and payload belong together
  if (event.type === 'plan_updated') {
    const edited: Edited = { ...event, notBegun: notBegunIn(root) };
    return edited;
  }
  if (event.type !== 'verify_approved' && event.type !== 'review_approved') return event;
  if (event.reviewed_sha !== undefined || originKind(origin) === 'person') return event;
  const base = baseOf(root, signal);
  return base === null ? event : { ...event, reviewed_sha: base };
}
