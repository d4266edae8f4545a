/** The region of a plan's chart that says whether it needs a person. Its state follows from what is open: a block, and questions. */
import { and, or } from 'xstate';
import { plan } from './actions.ts';
import type { Attention } from './context.ts';

/** The transitions out of a state of this region: to each other state, as soon as the open blocks and questions require it. */
function others<T extends Attention>(own: T) {
  return (['clear', 'asked', 'blocked', 'override'] as const)
    .filter((each) => each !== own)
    .map((each) => ({ guard: { type: 'needs', params: each }, target: each }) as const);
}

/** A `resolve` of a person that answers no question continues the plan. */
const resolve = { actions: ['noteAnswerWords', 'tellAnswers', 'noteAnswers', 'acceptLoss', 'clearBlock'] } as const;
const movedByPerson = { guard: 'movedByPerson', actions: 'clearBlock' } as const;

export const attention = plan.createStateConfig({
  description: 'does the plan need a person?',
  initial: 'clear',
  on: {
    block: { actions: 'noteBlock' },
    child_asked: { actions: 'noteQuestion' },
    needs_decision: { guard: 'hasRoomForQuestion', actions: 'noteQuestion' },
    question_withdrawn: { actions: 'dropQuestion' },
    // Nothing new starts; what runs ends by itself, or is stopped where the hard limit is reached.
    budget_reached: { guard: and(['hasNoBlock', 'budgetIsUsed']), actions: 'noteBlock' },
    raise_budget: { guard: 'isForBudget', actions: ['noteRaise', 'clearBlock'] },
    budget_restored: { guard: 'isForBudget', actions: 'clearBlock' },
    answer: { guard: 'areOpen', actions: ['noteAnswerWords', 'tellAnswers', 'noteAnswers'] },
  },
  states: {
    clear: { description: 'no', always: others('clear') },
    asked: {
      description: 'tasks ask: what does not depend on them goes on; what would move the plan past them is held',
      tags: ['needs:answers'],
      meta: { holds: ['agent', 'file'], passes: ['implement_task_finished'] },
      always: others('asked'),
      on: { resolve, moved: movedByPerson },
    },
    blocked: {
      description: 'yes: nothing starts, and agents and files are held until a person answers',
      tags: ['needs:person'],
      meta: { holds: ['agent', 'file', 'agent.run'] },
      always: others('blocked'),
      on: {
        resolve: {
          ...resolve,
          guard: and(['budgetIsRaised', 'isChosen', 'isBack', or(['acceptsNot', 'isLost', 'isJudged'])]),
        },
        moved: { ...movedByPerson, guard: and([movedByPerson.guard, 'isWhole']) },
      },
    },
    override: {
      description: 'the status was set by hand; nothing is held',
      tags: ['needs:word'],
      always: others('override'),
      on: { resolve, moved: { guard: 'movedOn', actions: 'clearBlock' } },
    },
  },
});
