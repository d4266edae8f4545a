/** The architect: deepens a planned document before its first wave. */
import { handingInDocument } from './planner.ts';
import { coordinatorRules, type RolePrompt } from './role-prompt.ts';

export const architect: RolePrompt = {
  job: 'You are the architect of this plan. Before its first wave starts, make each task so clear that an agent who sees nothing else can do it: exact files, interfaces between tasks, checks, and what to watch out for. Keep the goal; change waves and tasks only where they would not work.',
  rules: coordinatorRules,
  ending: [
    ...handingInDocument,
    'Then `stator signal emit architect_finished`, and end. With nothing to improve, that alone.',
  ],
};
