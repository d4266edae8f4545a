/** The part of a plan's chart in which its document is written: by one planner, or by several at once; then one of their drafts is chosen. */
import { and } from 'xstate';
import { plan } from './actions.ts';
import { gaveUp, noVerdict } from './implementing.ts';

const ready = '#plan.lifecycle.ready';

const planned = [
  { guard: and(['isParsed', 'advances']), target: `${ready}.planned`, actions: 'raiseImplement' },
  { guard: 'isParsed', target: `${ready}.planned` },
] as const;
/** One planner works on the plan, which waits only for its draft. */
const byOne = {
  planner_finished: planned,
  planner_draft_finished: planned,
  plan_updated: { actions: 'setDocument' },
} as const;
/** A person may write the document and end the planning while there are drafts, and choose one as soon as it is finished. */
const byPerson = {
  planner_finished: [
    { guard: and(['isNoAgent', 'isParsed', 'advances']), target: `${ready}.planned`, actions: 'raiseImplement' },
    { guard: and(['isNoAgent', 'isParsed']), target: `${ready}.planned` },
  ],
  plan_updated: { guard: 'isNoAgent', actions: 'setDocument' },
  choose: { guard: 'isFinishedDraft', target: 'taking', actions: ['takeDraft', 'showDraft'] },
} as const;
const finishes = {
  guard: and(['isDraft', 'draftIsWritten']),
  actions: ['noteDraftFinished', 'sendDraftFinish'],
} as const;

export const planning = plan.createStateConfig({
  description: 'a planner writes the waves',
  tags: ['status:planning'],
  entry: 'raiseMoved',
  initial: 'choosing',
  on: {
    plan_start: { target: '.choosing', actions: ['setAdvance', 'raiseMoved'] },
    cancel: '#plan.lifecycle.cancelled',
  },
  states: {
    stuck: {
      description: 'no planner runs; a person must say what follows',
      entry: 'raiseBlock',
      on: { resolve: { target: 'choosing', actions: 'noteAdvice' }, ...byOne },
    },
    choosing: {
      description: 'is there a planner, or are there several?',
      always: [
        { guard: 'hasDrafts', target: 'drafting' },
        { guard: 'hasPlanner', target: 'working' },
        { target: `${ready}.choosing` },
      ],
    },
    working: {
      description: 'the planner works',
      tags: ['works:planner'],
      entry: [{ type: 'stamp', params: 'planning_at' }, 'startPlanner'],
      exit: 'releaseChild',
      on: { ...noVerdict, ...gaveUp, ...byOne },
    },
    drafting: {
      description: 'several planners write a draft each',
      tags: ['works:planner'],
      entry: [{ type: 'stamp', params: 'planning_at' }, 'startDrafts'],
      exit: 'releaseDrafts',
      always: [
        { guard: and(['draftsAreIn', 'hasNoDraft']), target: 'stuck', actions: 'noteNoDraft' },
        { guard: and(['draftsAreIn', 'hasOneDraft']), target: 'taking', actions: ['takeDraft', 'showDraft'] },
        { guard: and(['draftsAreIn', 'hasJudge']), target: 'selecting' },
        { guard: 'draftsAreIn', target: 'deciding' },
      ],
      on: {
        ...byPerson,
        planner_finished: [finishes, ...byPerson.planner_finished],
        planner_draft_finished: finishes,
        plan_updated: [{ guard: and(['isDraft', 'draftFits']), actions: 'noteDraft' }, byPerson.plan_updated],
        agent_delivered: { guard: 'isDraft', actions: 'sendDraftNoVerdict' },
        'xstate.done.actor.*': { guard: 'isDraft', actions: ['noteDraftFailed', 'forget'] },
      },
    },
    selecting: {
      description: 'an architect chooses one of the drafts',
      tags: ['works:architect', 'chooses'],
      entry: 'startJudge',
      exit: 'releaseChild',
      on: {
        ...byPerson,
        ...noVerdict,
        'xstate.done.actor.*': {
          guard: 'isActiveChild',
          target: 'deciding',
          actions: ['noteFailure', 'forget'],
        },
      },
    },
    deciding: {
      description: 'the drafts are written; a person chooses one',
      entry: ['noteChoice', 'raiseBlock'],
      on: byPerson,
    },
    taking: {
      description: 'one of the drafts is the document',
      always: [
        { guard: 'advances', target: `${ready}.planned`, actions: 'raiseImplement' },
        { target: `${ready}.planned` },
      ],
    },
  },
});
