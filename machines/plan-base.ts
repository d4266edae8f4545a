/** The types, children, guards and wishes that a plan's root is set up with, before its words. */
import { setup } from 'xstate';
import { agentMachine } from './agent.ts';
import type { PlanContext } from './plan-context.ts';
import type { PlanEvent, PlanInput } from './plan-events.ts';
import { planGuards } from './plan-guards.ts';
import { taskMachine } from './task.ts';
import { waveMachine } from './wave.ts';

export const planBase = setup({
  types: {
    context: {} as PlanContext,
    events: {} as PlanEvent,
    input: {} as PlanInput,
    tags: {} as `status:${string}` | `phase:${string}`,
    meta: {} as { holds?: readonly string[]; suppresses?: readonly string[] },
  },
  actors: { agent: agentMachine, task: taskMachine, wave: waveMachine },
  guards: planGuards,
  // Wishes: what they ask of the outside is bound beside the machine, in `actors/`.
  actions: {
    askGrant: () => {},
    tellReleased: () => {},
    tellRepoDone: () => {},
    tellRepoUndone: () => {},
    askArchive: () => {},
    askTimer: () => {},
    askRemoval: () => {},
    askPlanMerge: () => {},
  },
});
