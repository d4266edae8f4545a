/** The actions of a plan's chart, on one setup: they write its context, start and stop agents, send events to its own regions, and handle its merge. */
import { assertEvent, raise } from 'xstate';
import { type MergeRefused, noMerge, type PlanMerge } from '../vocabulary/plan-merge.ts';
import { noPull } from '../vocabulary/plan-pull.ts';
import { originKind } from '../vocabulary/signal.ts';
import { children } from './children.ts';
import { type PlanContext, timeOf } from './context.ts';
import { drafting } from './drafting.ts';
import { originOf, type PlanEvent, type PlanRegionEvent } from './events.ts';
import { isByHand, isUnfixed } from './guards.ts';
import { allowances, memory, needs, overrideReason } from './memory.ts';
import { words as said } from './messages.ts';
import { base } from './setup.ts';
import { isStacked, stackParts } from './stack.ts';

/** The longest text about a refused merge that a plan stores. */
const detailLimit = 4_096;
/** The most ids of a forge that a plan remembers: more than one request to the forge returns. */
const seenLimit = 1_000;
const remarksLimit = 20;
const remarkLimit = 500;

function refusedBy(context: PlanContext, event: PlanEvent): MergeRefused {
  const at = timeOf(context, event);
  if (event.type === 'merge_refused') {
    const { why, into, files, detail } = event;
    return { at, why, into, files, detail: detail.slice(0, detailLimit) };
  }
  assertEvent(event, 'effect_failed');
  return { at, why: 'git', into: context.merge?.into ?? null, files: [], detail: event.detail.slice(0, detailLimit) };
}

/** The verdicts that a coordinator may give by its exit code. */
type Verdict = 'review_approved' | 'review_changes_requested' | 'verify_approved' | 'verify_failed';

/** A signal of the engine itself, about what just happened. */
function engineSignal<T extends 'implement_finished' | 'implement_start'>(type: T) {
  return base.raise(({ context, event }) => ({
    type,
    at: timeOf(context, event),
    origin: 'engine' as const,
    run: null,
  }));
}

/** Events of the root to its own regions, and requests that it makes only once. */
const words = {
  raiseBlock: base.raise(
    ({ context, event }): PlanRegionEvent => ({
      type: 'block',
      at: timeOf(context, event),
      ...(context.stopCause ?? { source: 'override', reason: 'the status was set by hand' }),
    }),
  ),
  raiseOverride: base.raise(
    ({ context, event }): PlanRegionEvent => ({
      type: 'block',
      at: timeOf(context, event),
      source: 'override',
      reason: overrideReason(event),
    }),
  ),
  raiseMoved: base.raise(
    ({ context, event }): PlanRegionEvent => ({
      type: 'moved',
      at: timeOf(context, event),
      origin: originOf(event),
      cause: event.type,
    }),
  ),
  raiseDoneEntered: base.raise(
    ({ context, event }): PlanRegionEvent => ({
      type: 'done_entered',
      at: timeOf(context, event),
      byHand: isByHand(event),
    }),
  ),
  raiseDoneLeft: base.raise(
    ({ context, event }): PlanRegionEvent => ({ type: 'done_left', at: timeOf(context, event), cause: event.type }),
  ),
  raiseFinished: engineSignal('implement_finished'),
  raiseImplement: engineSignal('implement_start'),
  raiseVerdict: raise<PlanContext, PlanEvent, PlanEvent, Verdict>(({ context, event }, type) => {
    const delivered = event.type === 'agent_delivered' ? event : null;
    return {
      type,
      at: timeOf(context, event),
      origin: 'engine' as const,
      run: delivered?.run ?? null,
      body: delivered?.detail ?? '',
      ...(delivered?.base == null ? {} : { reviewed_sha: delivered.base }),
    };
  }),
  /** The right to implement is requested once; a plan that has it does not request it again. */
  requestGrant: base.enqueueActions(({ context, enqueue }) => {
    if (context.granted) return;
    enqueue(memory.nextRequest);
    enqueue('askGrant');
  }),
  releaseGrant: base.enqueueActions(({ enqueue }) => {
    enqueue('reportReleased');
    enqueue.assign({ granted: false, request: 0 });
  }),
  /** The old branch is archived first; after a failure this is tried once more. */
  archiveAgain: base.enqueueActions(({ enqueue, check }) => {
    if (!check('archives')) return;
    enqueue(memory.nextWork);
    enqueue('askArchive');
  }),
};

/** A person names the target branch; an automatic merge keeps the earlier target. */
const nextMerge = base.assign(({ context, event }) => {
  const count = context.count + 1;
  const { withAfter: _before, byForge: _landed, ...before } = mergeToRetry(context, event);
  const into = event.type === 'merge' || event.type === 'land' ? (event.into ?? null) : before.into;
  const withAfter = event.type === 'merge' && event.with_after === true;
  return { count, merge: { ...before, work: `#${count}`, into, refused: null, ...(withAfter ? { withAfter } : {}) } };
});

/** A person who retries may want another fixer, although the last one changed nothing. */
function mergeToRetry({ merge }: PlanContext, event: PlanEvent): PlanMerge {
  const { fixedFrom, ...others } = merge ?? noMerge;
  const isPersons = originKind(originOf(event)) === 'person';
  return isPersons || fixedFrom === undefined ? others : { ...others, fixedFrom };
}

/** The actions for the plan's merge: they request it, store the answer, and block the plan if a refusal needs a person. */
const merging = {
  nextMerge,
  noteMerged: base.assign(({ event }) => {
    assertEvent(event, 'plan_merged');
    const { head, into, tip, note, at } = event;
    return { merge: { ...noMerge, merged: { at, head, into, tip, ...(note && { note }) } }, at };
  }),
  /** A merge on the forge counts, whichever person or program made it. */
  noteMergedThere: base.assign(({ context, event }) => {
    assertEvent(event, 'pr_merged');
    const { head, into, at } = event;
    const planHead = context.pull?.request?.head ?? context.head;
    return head === null || planHead === null
      ? {}
      : { merge: { ...noMerge, merged: { at, head, into, tip: planHead } }, at };
  }),
  noteMergeRefused: base.assign(({ context, event }) => ({
    merge: { ...(context.merge ?? noMerge), work: null, refused: refusedBy(context, event) },
    ...(event.type === 'merge_refused' && event.head !== undefined ? { head: event.head } : {}),
  })),
  /** A fixer gets the plan at its present commit. */
  noteFixedFrom: base.assign(({ context: { merge, head } }) =>
    head === null ? {} : { merge: { ...(merge ?? noMerge), fixedFrom: head } },
  ),
  noteMergeStop: base.assign(({ context }) => {
    const detail = context.merge?.refused?.detail ?? '';
    const reason = `the plan is done and auto_merge could not merge it: ${detail}; resolve tries again; to leave it unmerged, turn auto_merge off first`;
    return { stopCause: { source: 'failed' as const, reason } };
  }),
  noteLine: base.assign(({ context: { merge }, event }) => {
    assertEvent(event, 'line_found');
    return { merge: { ...(merge ?? noMerge), into: event.into } };
  }),
  noteLandingStop: base.assign(({ context }) => {
    const { refused = null, fixedFrom } = context.merge ?? noMerge;
    const isFixers = refused?.why === 'conflict' || refused?.why === 'check';
    const why = isFixers && isUnfixed(context, fixedFrom) ? ', and its fixer changed nothing' : '';
    const reason = `the plan is done and did not land${why}: ${refused?.detail ?? ''}; resolve puts it in line again`;
    return { stopCause: { source: 'failed' as const, reason } };
  }),
  findLine: base.enqueueActions(({ enqueue }) => {
    enqueue(nextMerge);
    enqueue('askLine');
  }),
  /** Finds the line of the branch that the pull request is for. */
  findForgeLine: base.enqueueActions(({ enqueue }) => {
    enqueue(nextMerge);
    enqueue.assign(({ context: { merge } }) => ({ merge: { ...(merge ?? noMerge), into: null, byForge: true } }));
    enqueue('askLine');
  }),
  noteForgeObstacle: base.assign(({ context: { merge }, event }) => {
    assertEvent(event, 'pr_merge_refused');
    const detail = event.detail.slice(0, detailLimit);
    const refused = { at: event.at, why: 'pull' as const, into: null, files: [], detail };
    return { merge: { ...(merge ?? noMerge), work: null, refused } };
  }),
  /** The plan goes on: the merged work is not its final work. */
  forgetMerge: base.assign({ merge: null }),
  /** Forgets the merged work as well while a merge still runs, or while a refusal is shown. */
  forgetMerged: base.assign(({ context: { merge } }) => (merge == null ? {} : { merge: { ...merge, merged: null } })),
  /** The merge is requested again. */
  forgetMergeRefusal: base.assign(({ context, event }) =>
    context.merge == null ? {} : { merge: { ...mergeToRetry(context, event), refused: null } },
  ),
  askMerge: base.enqueueActions(({ enqueue }) => {
    enqueue(nextMerge);
    enqueue('askPlanMerge');
  }),
  /** A merged plan's worktree holds nothing that the branch has not. */
  leaveMergedWorktree: base.enqueueActions(({ enqueue }) => {
    enqueue(memory.nextId);
    enqueue('askRemoval');
  }),
  /** The agents that still work there end first. */
  leaveIdleWorktree: base.enqueueActions(({ enqueue, check }) => {
    if (!check('hasNoChildren')) return;
    enqueue(memory.nextId);
    enqueue('askRemoval');
  }),
};

const nextPull = base.assign(({ context }) => {
  const count = context.count + 1;
  return { count, pull: { ...(context.pull ?? noPull), work: `#${count}`, refused: null } };
});
const endPullWork = base.assign(({ context: { pull } }) => ({ pull: { ...(pull ?? noPull), work: null } }));
/** Notes how the plan's stack ended, if it has one. */
const noteStack = base.assign(({ context: { pull }, event }) => {
  assertEvent(event, ['pr_merged', 'pr_closed']);
  if (event.stack === undefined) return {};
  const known = pull ?? noPull;
  return known.request === null ? {} : { pull: { ...known, request: { ...known.request, stack: event.stack } } };
});

function alsoSeen(seen: readonly string[], ids: readonly string[]): string[] {
  return [...new Set([...seen, ...ids])].slice(-seenLimit);
}

/** The actions for the plan's pull request: they request it, and store its outcome and the texts of its reviewers. */
const pulling = {
  endPullWork,
  noteStack,
  askPull: base.enqueueActions(({ event, enqueue, check }) => {
    const isWhole = check('isDone');
    enqueue(nextPull);
    enqueue.assign(({ context }) => {
      const head = isWhole ? context.head : null;
      const asked = { parts: stackParts(context).length, head, byHand: event.type === 'create_pr' };
      return isStacked(context) ? { pull: { ...(context.pull ?? noPull), asked } } : {};
    });
    enqueue('askPlanPull');
  }),
  notePull: base.assign(({ context, event }) => {
    assertEvent(event, 'pr_opened');
    const { number, url, server, head, stack, mode, taken } = event;
    const { fixes, ...pull } = context.pull ?? noPull;
    // The part that a fixer corrected stays noted until the plan is done again, when its fix is placed.
    const unplaced = fixes === undefined || pull.asked?.head != null ? {} : { fixes };
    const isSame = pull.request?.url === url || (stack !== undefined && pull.request?.pass === context.pass);
    const { cycles, failing } = (isSame ? pull.request : null) ?? { cycles: 0, failing: {} };
    const ofStack = { ...(stack && { stack }), ...(mode && { stackMode: mode }) };
    const request = { number, url, server, head, pass: context.pass, cycles, failing, ...ofStack };
    // The forge already has what people pushed.
    const asked = taken === undefined || pull.asked === undefined ? {} : { asked: { ...pull.asked, head } };
    return { pull: { ...pull, ...unplaced, ...asked, work: null, request }, pullRequestUrl: url };
  }),
  /** An approval moves on to the new head, which contains only people's pushes. */
  noteTaken: base.assign(({ context, event }) => {
    assertEvent(event, 'pr_opened');
    const { head } = event;
    const atHead = (sha: string | null) => (sha === null ? null : head);
    return { head, reviewedSha: atHead(context.reviewedSha), verifiedSha: atHead(context.verifiedSha) };
  }),
  notePullRefused: base.assign(({ context, event }) => {
    assertEvent(event, ['pr_failed', 'effect_failed', 'pr_merge_refused']);
    const isMoved = event.type === 'pr_failed' && event.moved === true;
    const refused = isMoved ? null : { at: event.at, detail: event.detail.slice(0, detailLimit) };
    const pull = context.pull ?? noPull;
    const stack = event.type === 'pr_failed' ? event.stack : undefined;
    const request = pull.request === null || stack === undefined ? pull.request : { ...pull.request, stack };
    return { pull: { ...pull, work: null, refused, request } };
  }),
  forgetPullRefusal: base.assign(({ context: { pull } }) => ({ pull: { ...(pull ?? noPull), refused: null } })),
  notePullStop: base.assign(({ context }) => {
    const detail = context.pull?.refused?.detail ?? '';
    const reason = `the plan is done and auto_create_pr could not make its pull request: ${detail}; resolve tries again; to do without one, turn auto_create_pr off first`;
    return { stopCause: { source: 'failed' as const, reason } };
  }),
  notePushStop: base.assign(({ context: { pull } }) => {
    const reason = `the plan is done and its pull request ${pull?.request?.url ?? ''} is open and not up to date: ${pull?.refused?.detail ?? ''}; resolve tries again`;
    return { stopCause: { source: 'failed' as const, reason } };
  }),
  /** Retries the step that the plan is blocked by. */
  clearPullStop: base.assign(({ context: { blocked, stopCause } }) =>
    blocked?.source === 'failed' ? { blocked: null, stopCause: null } : { blocked, stopCause },
  ),
  forgetPull: base.assign(({ context: { pull } }) => ({
    pull: { ...noPull, seen: pull?.seen ?? [] },
    pullRequestUrl: null,
  })),
  forgetRequest: base.assign(({ context: { pull } }) => ({ pull: { ...(pull ?? noPull), request: null } })),
  noteSeen: base.assign(({ context: { pull }, event }) => {
    assertEvent(event, ['pr_changes_requested', 'pr_needs_person']);
    const known = pull ?? noPull;
    const noted = { ...known, seen: alsoSeen(known.seen, event.ids) };
    const { request } = noted;
    if (event.type === 'pr_needs_person' || request === null) return { pull: noted };
    const said = (event.failing ?? []).flatMap(({ name, digest }) => (digest === null ? [] : [[name, digest]]));
    const failing: Record<string, string> = Object.fromEntries(said);
    const fixes = event.layer === undefined ? {} : { fixes: event.layer };
    return { pull: { ...noted, ...fixes, request: { ...request, cycles: request.cycles + 1, failing } } };
  }),
  noteRemarks: base.assign(({ context: { pull }, event }) => {
    assertEvent(event, 'pr_remarked');
    const known = pull ?? noPull;
    const fresh = event.remarks
      .filter(({ id }) => !known.seen.includes(id))
      .map((remark) => ({ ...remark, text: remark.text.slice(0, remarkLimit) }));
    const ids = fresh.map(({ id }) => id);
    return {
      pull: {
        ...known,
        seen: alsoSeen(known.seen, ids),
        remarks: [...known.remarks, ...fresh].slice(-remarksLimit),
      },
    };
  }),
  notePullAsks: base.assign(({ context, event }) => {
    assertEvent(event, 'pr_needs_person');
    const reason = `${context.pull?.request?.url ?? 'the pull request'} waits for a person: ${event.detail}`;
    return { stopCause: { source: 'review' as const, reason: reason.slice(0, detailLimit) } };
  }),
};

/** The actions for the merge of the pull request by the forge. */
const mergingThere = {
  /** Cancels what the forge would do automatically. */
  withdrawMerge: base.enqueueActions(({ enqueue }) => {
    enqueue(memory.nextId);
    enqueue('askMergeWithdrawal');
    enqueue(endPullWork);
  }),
  askForgeMerge: base.enqueueActions(({ event, enqueue }) => {
    const isReady = event.type === 'pr_merge_wanted' && event.ready;
    enqueue(nextPull);
    enqueue({ type: 'askPullMerge', params: isReady ? 'merge' : 'schedule' });
  }),
  noteForgeMergeStop: base.assign(({ context: { pull } }) => {
    const reason = `the plan is done and its pull request ${pull?.request?.url ?? ''} was not merged: ${pull?.refused?.detail ?? ''}; resolve tries again; or merge it on the forge yourself`;
    return { stopCause: { source: 'failed' as const, reason } };
  }),
};

/** The setup that the plan's chart is written in. */
export const plan = base.extend({
  actions: {
    ...memory,
    ...allowances,
    ...needs,
    ...children,
    ...drafting,
    ...words,
    ...said,
    ...merging,
    ...pulling,
    ...mergingThere,
  },
});
