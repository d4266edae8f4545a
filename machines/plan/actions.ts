/** All that a plan's chart may do, over one setup: what it remembers, whom it starts and stops, what it says to its own regions, and its merge. */
import { assertEvent, raise } from 'xstate';
import { type MergeRefused, noMerge } from '../vocabulary/plan-merge.ts';
import { type ForgeMerge, noPull, openRequest } from '../vocabulary/plan-pull.ts';
import { children } from './children.ts';
import type { PlanContext } from './context.ts';
import { originOf, type PlanEvent, type PlanRegionEvent, timeOf } from './events.ts';
import { isByHand } from './guards.ts';
import { allowances, memory, needs, overrideReason } from './memory.ts';
import { base } from './setup.ts';

/** The longest text that a plan keeps of why it was not merged. */
const detailLimit = 4_096;
/** What a forge said that a plan remembers: more than one look reads. */
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

/** What a coordinator that speaks by its exit code may say. */
type Verdict = 'review_approved' | 'review_changes_requested' | 'verify_approved' | 'verify_failed';

/** Said by the engine itself, in the name of what just happened. */
function ownWord<T extends 'implement_finished' | 'implement_start'>(type: T) {
  return base.raise(({ context, event }) => ({
    type,
    at: timeOf(context, event),
    origin: 'engine' as const,
    run: null,
  }));
}

/** What the root says to its own regions, and what it asks of the outside once only. */
const words = {
  raiseBlock: base.raise(
    ({ context, event }): PlanRegionEvent => ({
      type: 'block',
      at: timeOf(context, event),
      ...(context.standing ?? { source: 'override', reason: 'the status was set by hand' }),
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
  raiseFinished: ownWord('implement_finished'),
  raiseImplement: ownWord('implement_start'),
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
  /** The right to implement is asked for once; whoever has it does not ask again. */
  requestGrant: base.enqueueActions(({ context, enqueue }) => {
    if (context.granted) return;
    enqueue(memory.nextRequest);
    enqueue('askGrant');
  }),
  releaseGrant: base.enqueueActions(({ enqueue }) => {
    enqueue('tellReleased');
    enqueue.assign({ granted: false, request: 0 });
  }),
  /** The old branch is kept aside first, once more where that failed. */
  archiveAgain: base.enqueueActions(({ enqueue, check }) => {
    if (!check('archives')) return;
    enqueue(memory.nextWork);
    enqueue('askArchive');
  }),
};

/** A person says into which branch; by itself it goes where it was to go before. */
const nextMerge = base.assign(({ context, event }) => {
  const count = context.count + 1;
  const { withAfter: _before, ...before } = context.merge ?? noMerge;
  const into = event.type === 'merge' ? (event.into ?? null) : before.into;
  const withAfter = event.type === 'merge' && event.with_after === true;
  return { count, merge: { ...before, work: `#${count}`, into, refused: null, ...(withAfter ? { withAfter } : {}) } };
});

/** What the root does about its merge: asks for it, remembers the answer, and says where a refusal needs a person. */
const merging = {
  nextMerge,
  noteMerged: base.assign(({ event }) => {
    assertEvent(event, 'plan_merged');
    const { head, into, tip, at } = event;
    return { merge: { ...noMerge, merged: { at, head, into, tip } }, at };
  }),
  /** What the forge merged is merged, whoever did it. */
  noteMergedThere: base.assign(({ context, event }) => {
    assertEvent(event, 'pr_merged');
    const { head, into, at } = event;
    const tip = context.pull?.request?.head ?? context.head;
    return head === null || tip === null ? {} : { merge: { ...noMerge, merged: { at, head, into, tip } }, at };
  }),
  noteMergeRefused: base.assign(({ context, event }) => ({
    merge: { ...(context.merge ?? noMerge), work: null, refused: refusedBy(context, event) },
  })),
  noteMergeStop: base.assign(({ context }) => {
    const detail = context.merge?.refused?.detail ?? '';
    const reason = `the plan is done and auto_merge could not merge it: ${detail}; resolve tries again; to leave it unmerged, turn auto_merge off first`;
    return { standing: { source: 'failed' as const, reason } };
  }),
  /** The plan goes on: what was merged is not what it will be. */
  forgetMerge: base.assign({ merge: null }),
  /** The same beside a merge that runs, which ends and is recorded, or beside a refusal that is still to be seen. */
  forgetMerged: base.assign(({ context: { merge } }) => (merge == null ? {} : { merge: { ...merge, merged: null } })),
  askMerge: base.enqueueActions(({ enqueue }) => {
    enqueue(nextMerge);
    enqueue('askPlanMerge');
  }),
  /** A merged plan's worktree holds nothing that the branch has not. */
  leaveMergedWorktree: base.enqueueActions(({ enqueue }) => {
    enqueue(memory.nextId);
    enqueue('askRemoval');
  }),
  /** Whoever still works there ends first. */
  leaveIdleWorktree: base.enqueueActions(({ enqueue, check }) => {
    if (!check('nobodyLives')) return;
    enqueue(memory.nextId);
    enqueue('askRemoval');
  }),
};

const nextPull = base.assign(({ context, event }) => {
  const count = context.count + 1;
  const isAuto = event.type !== 'create_pr';
  return { count, pull: { ...(context.pull ?? noPull), work: `#${count}`, isAuto, refused: null } };
});
const raisePullAsked = base.raise(
  ({ context, event }): PlanRegionEvent => ({
    type: 'pull_asked',
    at: timeOf(context, event),
    again: context.pull?.isAuto === true && context.pull.refused !== null,
  }),
);

function alsoSeen(seen: readonly string[], ids: readonly string[]): string[] {
  return [...new Set([...seen, ...ids])].slice(-seenLimit);
}

/** What the root does about its pull request: asks for it, remembers what became of it, and what its reviewers said. */
const pulling = {
  nextPull,
  raisePullAsked,
  askPull: base.enqueueActions(({ enqueue }) => {
    enqueue(raisePullAsked);
    enqueue(nextPull);
    enqueue('askPlanPull');
  }),
  /** At the end of a plan's own way: a request that is open gets what is new, a new one is wanted where that is configured. */
  pullAlone: base.enqueueActions(({ enqueue, check }) => {
    if (check('pullIsBehind')) {
      enqueue(raisePullAsked);
      enqueue(nextPull);
      enqueue('askPlanPull');
      return;
    }
    enqueue.assign(({ context, event }) => {
      // What was merged or closed on the forge is not opened again, until a person begins anew.
      const isOver = context.pull?.request != null && openRequest(context.pull) === null;
      const isWanted = context.policy.auto_create_pr && !context.policy.auto_merge && !isByHand(event) && !isOver;
      // Nothing is kept of a plan that never had one and wants none.
      return context.pull == null && !isWanted
        ? {}
        : { pull: { ...(context.pull ?? noPull), isWanted, refused: null } };
    });
  }),
  notePull: base.assign(({ context, event }) => {
    assertEvent(event, 'pr_opened');
    const { number, url, server, head } = event;
    const known = openRequest(context.pull);
    const { cycles, failing } = known?.url === url ? known : { cycles: 0, failing: {} };
    const request = {
      number,
      url,
      server,
      head,
      state: 'open' as const,
      pass: context.pass,
      cycles,
      failing,
      merge: null,
    };
    return { pull: { ...(context.pull ?? noPull), work: null, isWanted: false, request }, pullRequestUrl: url };
  }),
  notePullRefused: base.assign(({ context, event }) => {
    assertEvent(event, ['pr_failed', 'effect_failed']);
    const isMoved = event.type === 'pr_failed' && event.moved === true;
    const refused = isMoved ? null : { at: event.at, detail: event.detail.slice(0, detailLimit) };
    return { pull: { ...(context.pull ?? noPull), work: null, refused } };
  }),
  notePullStop: base.assign(({ context }) => {
    const detail = context.pull?.refused?.detail ?? '';
    const reason = `the plan is done and auto_create_pr could not make its pull request: ${detail}; resolve tries again; to do without one, turn auto_create_pr off first`;
    return { standing: { source: 'failed' as const, reason } };
  }),
  /** What is asked for of it is of no use any more. */
  notePullOver: base.assign(({ context: { pull }, event }) => {
    if (pull?.request == null) return {};
    const state = event.type === 'pr_merged' ? ('merged' as const) : ('closed' as const);
    return { pull: { ...pull, work: null, isWanted: false, request: { ...pull.request, state, merge: null } } };
  }),
  /** A new beginning gets a request of its own where the one of before is over. */
  forgetPull: base.enqueueActions(({ context, event, enqueue }) => {
    const { pull } = context;
    if (pull?.request == null || openRequest(pull) !== null) return;
    enqueue.assign({ pull: { ...noPull, seen: pull.seen }, pullRequestUrl: null });
    enqueue.raise({ type: 'pull_forgotten', at: timeOf(context, event) });
  }),
  noteSeen: base.assign(({ context: { pull }, event }) => {
    assertEvent(event, ['pr_changes_requested', 'pr_needs_person']);
    const known = pull ?? noPull;
    const told = { ...known, seen: alsoSeen(known.seen, event.ids) };
    const { request } = told;
    if (event.type === 'pr_needs_person' || request === null) return { pull: told };
    const said = (event.failing ?? []).flatMap(({ name, digest }) => (digest === null ? [] : [[name, digest]]));
    const failing: Record<string, string> = Object.fromEntries(said);
    return { pull: { ...told, request: { ...request, cycles: request.cycles + 1, failing } } };
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
    const reason = `${openRequest(context.pull)?.url ?? 'the pull request'} waits for a person: ${event.detail}`;
    return { standing: { source: 'review' as const, reason: reason.slice(0, detailLimit) } };
  }),
};

function withForgeMerge(context: PlanContext, merge: ForgeMerge | null): Partial<PlanContext> {
  const { pull } = context;
  return pull?.request == null ? {} : { pull: { ...pull, request: { ...pull.request, merge } } };
}

const nextForgeMerge = base.assign(({ context }) => {
  const count = context.count + 1;
  const head = context.pull?.request?.head ?? '';
  return { count, ...withForgeMerge(context, { work: `#${count}`, head, state: 'asked', detail: '' }) };
});
const forgetForgeMerge = base.assign(({ context }) => withForgeMerge(context, null));
/** What the forge may do by itself from now on is not wanted any more. */
const withdrawForgeMerge = base.enqueueActions(({ context, enqueue }) => {
  const merge = openRequest(context.pull)?.merge ?? null;
  if (merge === null) return;
  enqueue(memory.nextId);
  if (merge.state === 'asked' || merge.state === 'scheduled') enqueue('askMergeWithdrawal');
  enqueue(forgetForgeMerge);
});

/** What the root does about the merge of its pull request by the forge. */
const mergingThere = {
  nextForgeMerge,
  forgetForgeMerge,
  withdrawForgeMerge,
  raiseMergeWanted: base.raise(
    ({ context, event }): PlanRegionEvent => ({ type: 'merge_wanted', at: timeOf(context, event) }),
  ),
  askForgeMerge: base.enqueueActions(({ event, enqueue }) => {
    const isReady = event.type === 'pr_merge_wanted' && event.ready;
    enqueue(nextForgeMerge);
    enqueue({ type: 'askPullMerge', params: isReady ? 'merge' : 'schedule' });
  }),
  noteForgeMerge: base.assign(({ context, event }) => {
    const merge = context.pull?.request?.merge;
    assertEvent(event, 'pr_merge_scheduled');
    if (merge == null) return {};
    return withForgeMerge(context, { ...merge, work: null, state: event.by === 'forge' ? 'scheduled' : 'watched' });
  }),
  noteForgeMergeRefused: base.enqueueActions(({ context, event, enqueue }) => {
    assertEvent(event, ['pr_merge_refused', 'effect_failed']);
    const said = event.detail.slice(0, detailLimit);
    const head = openRequest(context.pull)?.head ?? '';
    enqueue(withdrawForgeMerge);
    enqueue.assign(({ context: now }) =>
      withForgeMerge(now, { work: null, head, state: 'refused' as const, detail: said }),
    );
  }),
  noteForgeMergeStop: base.assign(({ context }) => {
    const request = openRequest(context.pull);
    const reason = `the plan is done and its pull request ${request?.url ?? ''} was not merged: ${request?.merge?.detail ?? ''}; resolve tries again; or merge it on the forge yourself`;
    return { standing: { source: 'failed' as const, reason } };
  }),
};

/** The setup that the plan's chart is written in. */
export const plan = base.extend({
  actions: { ...memory, ...allowances, ...needs, ...children, ...words, ...merging, ...pulling, ...mergingThere },
});
