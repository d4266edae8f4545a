/** The types of a plan's chart and its actions: context, events, children, guards, and the requests that `actors/` binds. */
import { setup } from 'xstate';
import { agentMachine } from '../agent/machine.ts';
import { taskMachine } from '../task/machine.ts';
import type { RefusedMessage } from '../vocabulary/agent-message.ts';
import type { PullMerge } from '../vocabulary/effect.ts';
import type { PlanTag } from '../vocabulary/public-state.ts';
import { waveMachine } from '../wave/machine.ts';
import type { PlanContext } from './context.ts';
import type { PlanEvent, PlanInput } from './events.ts';
import { planGuards } from './guards.ts';

export const base = setup({
  types: {
    context: {} as PlanContext,
    events: {} as PlanEvent,
    input: {} as PlanInput,
    tags: {} as PlanTag,
    /**
     * `holds`: kinds of origin and types of signals that wait, and `agent.run`, where no run starts. `passes`: types that are not held with their origin.
     * `suppresses`: types that are accepted without effect.
     */
    meta: {} as { holds?: readonly string[]; passes?: readonly string[]; suppresses?: readonly string[] },
  },
  actors: { agent: agentMachine, task: taskMachine, wave: waveMachine },
  guards: planGuards,
  // Requests: `actors/` binds them to effects.
  actions: {
    askGrant: () => {},
    reportRefused: (_, _word: RefusedMessage) => {},
    reportReleased: () => {},
    reportRepoDone: () => {},
    reportRepoUndone: () => {},
    askArchive: () => {},
    askBase: () => {},
    askTimer: () => {},
    askRemoval: () => {},
    askDraftRemoval: (_, _draft: number) => {},
    showDraft: () => {},
    askPlanMerge: () => {},
    askLine: () => {},
    reportJoined: () => {},
    reportLineLeft: () => {},
    askPlanPull: () => {},
    askPullMerge: (_, _act: Exclude<PullMerge['act'], 'withdraw'>) => {},
    askMergeWithdrawal: () => {},
  },
});
