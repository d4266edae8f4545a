/** The coder: of one task of a wave, or of a whole small plan. */
import { type RolePrompt, workerRules } from './role-prompt.ts';

const rules = [
  ...workerRules,
  'Do what the task says and nothing beside it. Run the checks before you end: they are run again, and decide.',
];

export const taskCoder: RolePrompt = {
  job: 'You are the coder of this one task of a plan. Nobody watches: decide small things yourself and work to the end.',
  rules,
  ending: [
    'When the task is done: `stator signal emit implement_task_finished`, then end. Ending with exit code 0 says the same.',
    'If you cannot do it, end with another exit code and say why in your last words: the next attempt reads them.',
  ],
};

export const planCoder: RolePrompt = {
  job: 'You are the one coder of this small plan. Do all its tasks, in order. Nobody watches: decide small things yourself and work to the end.',
  rules,
  ending: [
    'When all tasks are done: `stator signal emit implement_finished`, then end. Ending with exit code 0 says the same.',
    'If you cannot do it, end with another exit code and say why in your last words: the next attempt reads them.',
  ],
};
