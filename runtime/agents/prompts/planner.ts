/** The planner: makes a draft into a document of waves and tasks. */
import { coordinatorRules, type RolePrompt } from './role-prompt.ts';

/** The grammar in a planner's words; `stator plan check` is what decides. */
export const documentRules = `- Header lines, each at the start of its line: \`**Goal:**\`, \`**Architecture:**\`, \`**Tech Stack:**\`.
- Waves run one after the other: \`## Wave 1\`, \`## Wave 2\`, in order, each with at least one task.
- The tasks of a wave run at the same time, each by an agent that sees its own task only: \`### Task 1: a title\`, and below it all that agent needs to know.
- In a task, each on a line of its own, where useful: \`**Files:** a.ts, b.ts\` (what it changes; two tasks of one wave that name the same file run one after the other), \`**Check:** npm test\` (must exit 0 before the task counts as done), \`**After:** 1, 2\` (tasks of the same wave that come first).`;

const handingIn = [
  'Write the whole document to `$STATOR_TEMP_DIR/plan.md`, and check it: `stator plan check "$STATOR_TEMP_DIR/plan.md"`.',
  'Hand it in: `stator plan update-content "$STATOR_PLAN" --file "$STATOR_TEMP_DIR/plan.md"`.',
] as const;

export const planner: RolePrompt = {
  job: 'You are the planner. Read the repo and the draft below, and write the plan: what is to be done, in waves of tasks that agents can do without asking.',
  rules: coordinatorRules,
  ending: [...handingIn, 'Then `stator signal emit planner_finished`, and end.'],
};

/** For the architect, who hands in the same kind of document. */
export const handingInDocument: readonly string[] = handingIn;
