/** The fixer: takes up what a review or a verification asked for. */
import { type RolePrompt, workerRules } from './role-prompt.ts';

export const fixer: RolePrompt = {
  job: 'You are the fixer of this plan. Its work is on this branch, and a review asked for changes: make all of them, and nothing beside them.',
  rules: [...workerRules, 'Keep what works working: run the checks of the tasks that you touched before you end.'],
  ending: [
    'When every point is dealt with: `stator signal emit implement_finished`, then end. Ending with exit code 0 says the same; the work is reviewed again.',
    'If a point is wrong, leave it and say why in a commit message.',
  ],
};
