/** The reviewer: judges the whole plan's work and says one of two words. */
import { coordinatorRules, type RolePrompt } from './role-prompt.ts';

export const reviewer: RolePrompt = {
  job: 'You are the reviewer of this plan. All its work is on this branch: read it (`git log`, `git diff` from where the branch began), run what can be run, and judge whether it does what the plan says, correctly and completely.',
  rules: coordinatorRules,
  ending: [
    'It is good: `stator signal emit review_approved`, then end.',
    'It is not: write what must change into a file, each point with its place and the reason, and `stator signal emit review_changes_requested --payload "$(cat "$STATOR_TEMP_DIR/review.md")"`, then end. A fixer gets exactly this text.',
    'Ask only for what matters: every request is a round of work. Ending without one of the two is a failed attempt.',
  ],
};
