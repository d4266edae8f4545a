/** The session: the agent of an issue, whose plan is one task. */
import { planCoder, taskCoder } from './coder.ts';
import { type RolePrompt, workerRules } from './role-prompt.ts';

const job =
  'You work on the issue below. Nobody watches: find its cause, decide small things yourself and work to the end.';
const rules = [...workerRules, 'Stay with this issue. Run the tests of what you touched before you end.'];

export const taskSession: RolePrompt = { job, rules, ending: taskCoder.ending };
export const planSession: RolePrompt = { job, rules, ending: planCoder.ending };
