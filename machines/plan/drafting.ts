/** The actions for several planners: they start the planners, store their drafts, and take one draft as the plan's document. */

import { assertEvent } from 'xstate';
import type { AgentOrder } from '../vocabulary/family.ts';
import { draftBranch, draftChild, instanceTitle } from '../vocabulary/ids.ts';
import { counted } from '../vocabulary/numbers.ts';
import { logCommand, reasonText } from '../vocabulary/reason-text.ts';
import { agentInput, noPlanText } from './children.ts';
import { type Draft, documentFacts, type PlanContext, timeOf } from './context.ts';
import { draftMeant, draftOf, finishedDrafts } from './drafts.ts';
import type { PlanEvent } from './events.ts';
import { withDocument } from './memory.ts';
import { base } from './setup.ts';

/** The longest piece of a failed planner's output that its draft keeps, and the longest reason of a block. */
const detailLimit = 2_048;
const reasonLimit = 8_192;

/** The drafts, with the event's changes to the draft that it is about. */
function withDraft(context: PlanContext, event: PlanEvent, change: Partial<Draft>): { drafts: readonly Draft[] } {
  const meant = draftMeant(context, event);
  const drafts = context.drafts ?? [];
  return { drafts: drafts.map((draft) => (draft === meant ? { ...draft, ...change } : draft)) };
}

/** Sends the draft's order to a child that still exists. */
function sendToDraft(orderOf: (at: number) => AgentOrder) {
  return base.enqueueActions(({ context, event, enqueue }) => {
    const draft = draftMeant(context, event);
    if (draft !== null && context.liveChildren[draft.childId] !== undefined)
      enqueue.sendTo(draft.childId, orderOf(timeOf(context, event)));
  });
}

function failureText({ detail, title }: { detail: string; title: string }, reason: Parameters<typeof reasonText>[0]) {
  return `${reasonText(reason)} (its log: ${logCommand(title, reason)})${detail === '' ? '' : `\n${detail}`}`;
}

function sizeText({ content }: Draft): string {
  const { waves } = documentFacts(content ?? '');
  const tasks = waves.reduce((sum, wave) => sum + wave.tasks.length, 0);
  return `${counted(waves.length, 'wave')}, ${counted(tasks, 'task')}`;
}

function failedText({ drafts = [] }: PlanContext): string[] {
  return drafts.filter(({ state }) => state === 'failed').map(({ title, detail }) => `${title} failed: ${detail}`);
}

export const drafting = {
  startDrafts: base.enqueueActions(({ context, event, enqueue }) => {
    const at = timeOf(context, event);
    const liveChildren = { ...context.liveChildren };
    const drafts: Draft[] = [];
    let { count } = context;
    for (let number = 1; number <= (context.policy.planner_drafts ?? 1); number += 1) {
      count += 1;
      const childId = draftChild(number, count);
      const role = 'planner';
      const title = `${instanceTitle({ plan: context.plan, role, wave: null, task: null, round: 1 })}-${number}`;
      const branch = draftBranch(context.branch, number);
      const input = { ...agentInput({ ...context, failed: null }, role, 1), title, branch, path: childId, at };
      enqueue.spawnChild('agent', { id: childId, input });
      liveChildren[childId] = role;
      drafts.push({ number, childId, title, state: 'writing', content: null, detail: '' });
    }
    enqueue.assign({ count, drafts, liveChildren, stopCause: null, failed: null, at });
  }),
  /** A planner that still writes is stopped; one that has handed in its draft was asked to end. */
  releaseDrafts: base.enqueueActions(({ context, event, enqueue }) => {
    if (event.type === 'set_status' || event.type === 'cancel') return; // all children get these
    for (const { childId, state } of context.drafts ?? []) {
      const hasEnded = 'actorId' in event && event.actorId === childId;
      if (state === 'writing' && !hasEnded && context.liveChildren[childId] !== undefined)
        enqueue.sendTo(childId, { type: 'end', at: timeOf(context, event) } satisfies AgentOrder);
    }
  }),
  noteDraft: base.assign(({ context, event }) => {
    assertEvent(event, 'plan_updated');
    return withDraft(context, event, { content: event.content });
  }),
  noteDraftFinished: base.assign(({ context, event }) => withDraft(context, event, { state: 'finished' })),
  noteDraftFailed: base.assign(({ context, event }) => {
    assertEvent(event, 'xstate.done.actor.*');
    const draft = draftOf(context, event.actorId);
    if (draft === null || !('reason' in event.output)) return {};
    const { reason, detail } = event.output;
    const why = reason === null ? 'it was withdrawn' : failureText({ title: draft.title, detail }, reason);
    return withDraft(context, event, { state: 'failed', detail: why.slice(0, detailLimit) });
  }),
  sendDraftFinish: sendToDraft((at) => ({ type: 'finish', at })),
  sendDraftNoVerdict: sendToDraft((at) => ({ type: 'reject', at, reason: 'no-verdict', detail: noPlanText })),
  /** The named draft, or the only existing one. */
  takeDraft: base.assign(({ context, event }) => {
    const taken = event.type === 'choose' ? draftMeant(context, event) : finishedDrafts(context)[0];
    if (taken?.content == null) throw new Error(`plan ${context.plan} has no draft to take`);
    const drafts = (context.drafts ?? []).map((draft) =>
      draft.number === taken.number ? { ...draft, state: 'chosen' as const } : draft,
    );
    return { ...withDocument(context, { content: taken.content, isAgents: true }), drafts };
  }),
  noteNoDraft: base.assign(({ context }) => ({
    stopCause: {
      source: 'failed' as const,
      reason: [`none of ${context.drafts?.length ?? 0} planners finished a draft`, ...failedText(context)]
        .join('\n')
        .slice(0, reasonLimit),
    },
  })),
  noteChoice: base.assign(({ context }) => {
    const finished = finishedDrafts(context);
    const list = finished.map((draft) => `${draft.number} (${sizeText(draft)})`).join(', ');
    const judge = context.stopCause === null ? [] : [context.stopCause.reason];
    const what = `it waits for a person to choose among ${finished.length} drafts: ${list}`;
    const reason = [what, ...failedText(context), ...judge].join('\n').slice(0, reasonLimit);
    return { stopCause: { source: 'choice' as const, reason } };
  }),
};
