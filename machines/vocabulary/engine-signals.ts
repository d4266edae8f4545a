/** The engine's own words: refused from anyone else, but for what a person or a machine of one's own may say to a repo. */
import { z } from 'zod';
import { budgetUseSchema } from './budget-schema.ts';
import { mergeObstacles } from './plan-merge.ts';
import { policySchema } from './policy.ts';
import {
  document,
  engineOnly,
  machine,
  type NamedSignalKind,
  none,
  permissionId,
  person,
  planFile,
  sha,
  text,
  word,
} from './signal-kind.ts';

/** `unusable`: it cannot start, and a further attempt would find the same. */
const runCauses = [
  'exit',
  'stopped',
  'withdrawn',
  'start-failed',
  'unusable',
  'rate-limited',
  'resource-limit',
] as const;

/** What a run left behind in git: the commit it ended at, the one it began from, and whether the trees differ. */
const workOutcome = { head: sha, base: sha, changed: z.boolean() };

/** The name that a forge gives to what was said there. */
const forgeId = z.string().max(256);
const forgeIds = z.array(forgeId).min(1).max(200);

export const engineSignals = {
  // The engine's own: births.
  plan_opened: {
    payload: z.strictObject({
      content: document,
      branch: word,
      topic: z.string().max(256).nullable(),
      generation: z.int().min(0),
      policy: policySchema,
      file: planFile.nullish(),
      /** An issue's session: its one worker has the role `session`, in a worktree of that name. Signals of before there were any have none. */
      session: z.strictObject({ folder: word }).nullish(),
    }),
    from: engineOnly,
    to: 'plan',
    does: 'registers a plan',
  },
  repo_opened: {
    payload: z.strictObject({ policy: policySchema }),
    from: engineOnly,
    to: 'repo',
    does: 'opens a repo',
  },
  supervisor_opened: { payload: none, from: engineOnly, to: 'supervisor', does: 'opens the supervisor' },

  // The engine's own: what step itself brings in.
  policy: {
    payload: z.strictObject({ policy: policySchema }),
    from: engineOnly,
    to: 'plan',
    does: 'puts the configuration in force',
  },
  head_moved: {
    payload: z.strictObject({
      head: sha,
      /** Where a verifier's run made the move: the commit that it began from, and the lines it added and removed since. */
      since: sha.optional(),
      lines: z.int().min(0).optional(),
      /** A run on the plan's own branch begins there. */
      begins: z.boolean().optional(),
    }),
    from: engineOnly,
    to: 'plan',
    does: 'the branch moved',
  },

  // The engine's own: budgets.
  budget_near: { payload: budgetUseSchema, from: engineOnly, to: 'plan', does: 'a budget is nearly used up' },
  budget_reached: { payload: budgetUseSchema, from: engineOnly, to: 'plan', does: 'a budget is used up' },
  budget_restored: { payload: none, from: engineOnly, to: 'plan', does: 'the budget has room again' },

  // The engine's own: runs.
  run_starting: { payload: none, from: engineOnly, to: 'agent', does: 'a slot is taken' },
  run_started: {
    payload: z.strictObject({ base: sha.nullable() }),
    from: engineOnly,
    to: 'agent',
    does: 'the process runs',
  },
  run_waiting: {
    payload: z.strictObject({
      /** What the question is called by: no other one of the run has it. */
      permission: permissionId,
      tool: z.string().max(256),
      detail: text,
      /** For how long a person is waited for. */
      limit_ms: z.int().min(1),
    }),
    from: engineOnly,
    to: 'agent',
    does: 'the process asks for a permission',
  },
  run_going: {
    payload: z.strictObject({ permission: permissionId }),
    from: engineOnly,
    to: 'agent',
    does: 'the process takes its question back',
  },
  run_idle: { payload: none, from: engineOnly, to: 'agent', does: 'the process is silent for too long' },
  run_exited: {
    payload: z.strictObject({
      code: z.int().nullable(),
      cause: z.enum(runCauses),
      detail: text,
      until: z.int().nullable().optional(),
    }),
    from: engineOnly,
    to: 'agent',
    does: 'the last process of the run has gone',
  },
  run_lost: {
    payload: z.strictObject({ detail: text }),
    from: engineOnly,
    to: 'agent',
    does: 'the run vanished without a word',
  },

  // The engine's own: work in git, checks, timers.
  work_committed: {
    payload: z.strictObject({
      ...workOutcome,
      /** Its branch could not take all of it: what is where, for a person and the next attempt. Not there: it could. */
      aside: text.optional(),
      /** What a person is asked: it deletes more than half of the files. Not there: nobody is asked. */
      deletions: text.optional(),
    }),
    from: engineOnly,
    to: 'plan',
    does: 'what was left over is committed',
  },
  work_merged: {
    payload: z.strictObject({ head: sha }),
    from: engineOnly,
    to: 'plan',
    does: 'the task is merged',
  },
  work_conflicted: {
    payload: z.strictObject({ files: z.array(z.string().max(4096)).max(1000) }),
    from: engineOnly,
    to: 'plan',
    does: 'the merge conflicts',
  },
  check_passed: { payload: none, from: engineOnly, to: 'plan', does: 'the check passed' },
  check_failed: {
    payload: z.strictObject({ detail: text }),
    from: engineOnly,
    to: 'plan',
    does: 'the check failed',
  },
  branch_archived: {
    payload: z.strictObject({ head: sha }),
    from: engineOnly,
    to: 'plan',
    does: 'the old branch is kept, a new one begun',
  },
  branch_based: {
    payload: z.strictObject({ head: sha }),
    from: engineOnly,
    to: 'plan',
    does: 'its branch contains the plans that it waited for',
  },
  base_conflicted: {
    payload: z.strictObject({
      files: z.array(z.string().max(4096)).max(100),
      detail: text,
    }),
    from: engineOnly,
    to: 'plan',
    does: 'the plans that it waited for conflict',
  },
  base_unmet: {
    payload: z.strictObject({ plans: z.array(word).max(256) }),
    from: engineOnly,
    to: 'plan',
    does: 'a plan that it waited for is no longer done',
  },
  plan_merged: {
    payload: z.strictObject({
      /** The commit that holds the plan now, and the branch it is on. */
      head: sha,
      into: word,
      /** The head of the plan's branch that was merged. */
      tip: sha,
    }),
    from: engineOnly,
    to: 'plan',
    does: 'the plan is merged',
  },
  merge_refused: {
    payload: z.strictObject({
      why: z.enum(mergeObstacles),
      /** null: there is no branch to merge into. */
      into: word.nullable(),
      files: z.array(z.string().max(4096)).max(100),
      detail: text,
    }),
    from: engineOnly,
    to: 'plan',
    does: 'the plan cannot be merged now',
  },
  effect_failed: {
    payload: z.strictObject({ detail: text }),
    from: engineOnly,
    to: 'plan',
    does: 'an effect is given up',
  },
  timer_due: { payload: none, from: engineOnly, to: 'plan', does: 'a deadline is reached' },
  agents_requeued: { payload: none, from: engineOnly, to: 'plan', does: 'stops what runs, to be started again' },
  verification_stale: {
    payload: z.strictObject({ head: sha }),
    from: engineOnly,
    to: 'plan',
    does: 'the verified branch moved',
  },

  // The engine's own: the pull request.
  pr_wanted: { payload: none, from: engineOnly, to: 'plan', does: 'a forge is there for the pull request' },
  pr_opened: {
    payload: z.strictObject({
      number: z.int().min(1),
      url: z.string().max(2048),
      server: word,
      /** What was pushed for it. */
      head: sha,
    }),
    from: engineOnly,
    to: 'plan',
    does: 'the pull request is open',
  },
  pr_merged: {
    payload: z.strictObject({
      /** The commit that holds it, where the forge says; and the branch that it went into. */
      head: sha.nullable(),
      into: word,
    }),
    from: engineOnly,
    to: 'plan',
    does: 'the pull request is merged',
  },
  pr_closed: { payload: none, from: engineOnly, to: 'plan', does: 'the pull request is closed' },
  pr_failed: {
    payload: z.strictObject({
      detail: text,
      /** The branch stands at another commit than the approved one: it is judged again, and asked for again after that. */
      moved: z.boolean().optional(),
    }),
    from: engineOnly,
    to: 'plan',
    does: 'no pull request could be made',
  },
  pr_merge_wanted: {
    payload: z.strictObject({
      head: sha,
      /** It is approved and green now; else the forge is to merge it as soon as it is. */
      ready: z.boolean(),
    }),
    from: engineOnly,
    to: 'plan',
    does: 'the pull request is to be merged without a person',
  },
  pr_merge_unwanted: { payload: none, from: engineOnly, to: 'plan', does: 'a person merges the pull request again' },
  pr_merge_scheduled: {
    payload: z.strictObject({
      /** `stator`: the forge has no such thing here, and is asked again when the request is approved and green. */
      by: z.enum(['forge', 'stator']),
    }),
    from: engineOnly,
    to: 'plan',
    does: 'the pull request is merged as soon as it is approved and green',
  },
  pr_merge_refused: {
    payload: z.strictObject({ detail: text }),
    from: engineOnly,
    to: 'plan',
    does: 'the pull request could not be merged',
  },
  pr_changes_requested: {
    payload: z.strictObject({
      body: text,
      /** What of the forge it tells of. */
      ids: forgeIds,
      /** All checks that fail now, and a digest of what each says. Signals of before there was such a list have none. */
      failing: z
        .array(z.strictObject({ id: forgeId, name: forgeId, digest: z.string().max(64).nullable() }))
        .max(200)
        .optional(),
    }),
    from: engineOnly,
    to: 'plan',
    does: 'reviewers or checks of the pull request ask for changes',
  },
  pr_needs_person: {
    payload: z.strictObject({ detail: text, ids: forgeIds }),
    from: engineOnly,
    to: 'plan',
    does: 'a check of the pull request waits for a person',
  },
  pr_remarked: {
    payload: z.strictObject({
      remarks: z
        .array(
          z.strictObject({
            id: forgeId,
            author: z.string().max(1024),
            text: z.string().max(2_000),
            url: z.string().max(2048),
          }),
        )
        .min(1)
        .max(20),
    }),
    from: engineOnly,
    to: 'plan',
    does: 'somebody wrote on the pull request',
  },

  // The engine's own: between trees.
  implement_granted: {
    payload: z.strictObject({ request: z.int() }),
    from: engineOnly,
    to: 'plan',
    does: 'the repo lets the plan implement',
  },
  implement_requested: {
    payload: z.strictObject({
      plan: word,
      topic: z.string().max(256).nullable(),
      after: z.array(word).max(256),
      priority: z.int(),
      /** The plan's own number of this request, which the grant repeats. */
      request: z.int(),
    }),
    from: engineOnly,
    to: 'repo',
    does: 'a plan asks to implement',
  },
  implement_released: {
    payload: z.strictObject({ plan: word }),
    from: engineOnly,
    to: 'repo',
    does: 'a plan gives its right back',
  },
  plan_done: { payload: z.strictObject({ plan: word }), from: engineOnly, to: 'repo', does: 'a plan is done' },
  plan_watched: {
    payload: z.strictObject({ plan: word, watcher: word }),
    from: machine,
    to: 'repo',
    does: 'a machine of one’s own wants to hear when that plan is done',
  },
  plan_unwatched: {
    payload: z.strictObject({ watcher: word }),
    from: engineOnly,
    to: 'repo',
    does: 'a machine of one’s own has ended or is deleted: it hears of no plan any more',
  },
  plan_undone: {
    payload: z.strictObject({ plan: word }),
    from: engineOnly,
    to: 'repo',
    does: 'a plan is no longer done',
  },
  repo_degraded: {
    payload: z.strictObject({ reason: text }),
    from: engineOnly,
    to: 'repo',
    does: 'the repo cannot be used now',
  },
  repo_recovered: { payload: none, from: engineOnly, to: 'repo', does: 'the repo can be used again' },
  repo_paused: { payload: none, from: person, to: 'repo', does: 'grants nothing new' },
  repo_resumed: { payload: none, from: person, to: 'repo', does: 'grants again' },
  repo_registered: {
    payload: z.strictObject({ project: word, policy: policySchema }),
    from: engineOnly,
    to: 'supervisor',
    does: 'a repo joins',
  },
  repo_removed: {
    payload: z.strictObject({ project: word }),
    from: engineOnly,
    to: 'supervisor',
    does: 'a repo leaves',
  },
  supervisor_draining: { payload: none, from: engineOnly, to: 'supervisor', does: 'the engine is being stopped' },
  supervisor_stopped: { payload: none, from: engineOnly, to: 'supervisor', does: 'the engine is stopped' },
  supervisor_started: { payload: none, from: engineOnly, to: 'supervisor', does: 'the engine runs again' },
} as const satisfies Record<string, NamedSignalKind>;
