/** The fixed words of a role's prompt. What changes from run to run is put between them by prompt.ts. */

export interface RolePrompt {
  /** What is wanted, under the prompt's first heading. */
  readonly job: string;
  /** What the agent may do to the repo, as list items. */
  readonly rules: readonly string[];
  /** How it says that it is through, as list items: the words of the signals that its status takes. */
  readonly ending: readonly string[];
}

/** For whoever changes files. */
export const workerRules = [
  'Work in this folder only. Never push, never create, switch or delete a branch, never rewrite commits, never stash: other work goes on in other worktrees of this repo.',
  'Commit if you like; what you leave uncommitted is committed for you.',
] as const;

/** For whoever only judges or plans. */
export const coordinatorRules = [
  'Change no file of the repo and no commit: nothing that you leave in this folder is kept.',
  'Never push, never create, switch or delete a branch.',
] as const;
