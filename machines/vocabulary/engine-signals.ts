/** The engine's own signals: refused from any other sender, except those that a person or a user-defined machine may send to a repo. */
import { z } from 'zod';
import { messageKinds } from './agent-message.ts';
import { budgetUseSchema } from './budget-schema.ts';
import { declaredFilesLimit, declaredPathLimit } from './file-claims.ts';
import { mergeObstacles } from './plan-merge.ts';
import { maxPushes, requestModes, takenAs } from './plan-pull.ts';
import { policySchema } from './policy.ts';
import {
  type Addressee,
  document,
  engineOnly,
  machine,
  type NamedSignalKind,
  none,
  permissionId,
  person,
  planFamily,
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

/** `nested_kept`: repositories of its own in its worktree. `refs_moved`: HEAD, branches, tags, the stash, settings or hooks of a person. Each is a notification too. */
const runNotes = ['nested_kept', 'refs_moved'] as const;

/** What a run left behind in git: the commit it ended at, the one it began from, and whether the trees differ. */
const workOutcome = { head: sha, base: sha, changed: z.boolean() };

/** The plan's own number of its request for a place in the line; absent: it is no answer of a line. */
const placeInLine = { request: word.optional() };

const approval = z.strictObject({ sha, by: z.enum(['reviewer', 'verifier']) });

/** The longest command of `[landing] check`. */
export const landingCheckLimit = 8_192;
/** The most plans that land together: with more, one that fails costs too many checks. */
export const landingBatchLimit = 20;

/** The id that a forge gives to a remark there. */
const forgeId = z.string().max(256);
const forgeIds = z.array(forgeId).min(1).max(200);

const wordNumbers = z.array(z.int().min(1)).max(1_000);

/** The most parts of a stack: each is a pull request, and is queried in each round. */
const stackLimit = 100;
/** Each pull request of a stack, or of the members of the plan's repo, in the order in which they are merged; absent: the plan has one. */
const ofStack = {
  stack: z
    .array(
      z.strictObject({
        name: word,
        title: z.string().max(4_096),
        branch: word,
        number: z.int().min(1),
        url: z.string().max(2048),
        state: z.enum(['open', 'merged', 'closed']),
        head: sha,
        base: word,
        project: word.optional(),
        pushed: z
          .array(z.strictObject({ from: sha, to: sha, without: z.array(sha).max(1_000).optional() }))
          .max(maxPushes)
          .optional(),
      }),
    )
    .max(stackLimit)
    .optional(),
};

const landingPull = z.strictObject({
  number: z.int(),
  head: sha,
  members: z
    .array(z.strictObject({ name: word, number: z.int(), head: sha }))
    .max(stackLimit)
    .optional(),
});

/** To one actor, from the engine alone: what the signal does, and the fields of its payload. */
function fromEngine<To extends Addressee>(to: To) {
  return <Fields extends z.ZodRawShape>(does: string, fields: Fields) => ({
    payload: z.strictObject(fields),
    from: engineOnly,
    to,
    does,
  });
}

const toPlan = fromEngine('plan');
const toAgent = fromEngine('agent');
const toRepo = fromEngine('repo');
const toLanding = fromEngine('landing');
const toSupervisor = fromEngine('supervisor');

export const engineSignals = {
  // From the engine alone: the creation of trees.
  plan_opened: toPlan('registers a plan', {
    content: document,
    branch: word,
    topic: z.string().max(256).nullable(),
    /** Who registers it, as `PlanEntry.author` has it. */
    author: word.optional(),
    generation: z.int().min(0),
    policy: policySchema,
    file: planFile.nullish(),
    file_as: planFamily.nullish(),
    /** An issue's session: its one worker has the role `session`, in a worktree of that name. Signals of earlier versions have none. */
    session: z.strictObject({ folder: word }).nullish(),
  }),
  repo_opened: toRepo('opens a repo', { policy: policySchema }),
  supervisor_opened: toSupervisor('opens the supervisor', {}),

  // From the engine alone: inputs that a step adds.
  policy: toPlan('puts the configuration in force', { policy: policySchema }),
  head_moved: toPlan('the branch moved', {
    head: sha,
    /** If a verifier's run moved the branch: the commit that it began from, and the lines it added and removed since. */
    since: sha.optional(),
    lines: z.int().min(0).optional(),
    /** A run on the plan's own branch begins there. */
    begins: z.boolean().optional(),
  }),

  // From the engine alone: budgets.
  budget_near: toPlan('a budget is nearly used up', budgetUseSchema.shape),
  budget_reached: toPlan('a budget is used up', budgetUseSchema.shape),
  budget_restored: toPlan('the budget has room again', {}),

  // From the engine alone: messages to agents.
  word_refused: toPlan('a word of a person was accepted, and no agent can get it any more', {
    number: z.int().min(1),
    kind: z.enum(messageKinds),
    title: word,
    author: z.string().max(256),
    text,
    why: z.string().max(1_000),
  }),

  // From the engine alone: what it found after a run, for people.
  run_noted: toPlan('something was found at the end of a run', { title: word, about: z.enum(runNotes), detail: text }),

  // From the engine alone: runs.
  run_starting: toAgent('a slot is taken', {}),
  /** `takes_input`: a person may type to it while it works. `true`: it has a terminal, which takes keys too; `messages`: its program takes a message a line. */
  run_started: toAgent('the process runs', {
    base: sha.nullable(),
    takes_input: z.union([z.literal(true), z.literal('messages')]).optional(),
    /** The numbers of the messages in its prompt. Absent: all that waited. */
    words: wordNumbers.optional(),
  }),
  run_waiting: toAgent('the process asks for a permission', {
    /** The name of the question: no other one of the run has it. */
    permission: permissionId,
    tool: z.string().max(256),
    detail: text,
    /** How long it waits for a person. */
    limit_ms: z.int().min(1),
  }),
  run_going: toAgent('the process takes its question back', { permission: permissionId }),
  run_idle: toAgent('the process is silent for too long', {}),
  run_exited: toAgent('the last process of the run has gone', {
    code: z.int().nullable(),
    cause: z.enum(runCauses),
    detail: text,
    until: z.int().nullable().optional(),
    /** The numbers of the lines that were typed to it and that its program has read. Absent: none is known. */
    lines_read: wordNumbers.optional(),
  }),
  run_lost: toAgent('the run vanished without a report', { detail: text }),

  // From the engine alone: work in git, checks, timers.
  work_committed: toPlan('what was left over is committed', {
    ...workOutcome,
    /** Its branch could not take all of the work: what is stored where, for a person and the next attempt. Absent: it could. */
    aside: text.optional(),
    /** Why nothing changed, if that is known. */
    detail: text.optional(),
    /** The question for a person: it deletes more than half of the files. Absent: nothing is asked. */
    deletions: text.optional(),
    /** The same for what it adds: keys, large files, many files. `accepts`: what a yes accepts for the whole plan, in the engine's terms. */
    additions: z.strictObject({ question: text, accepts: z.array(z.string().max(64)).max(1_000) }).optional(),
  }),
  work_lost: toPlan('work that was done is no longer on the branch', {
    work: z
      .array(z.strictObject({ title: word, run: word.nullable(), commit: sha }))
      .min(1)
      .max(1_000),
    detail: text,
    /** When git was asked, ms. */
    looked_at: z.number().int().min(0),
  }),
  work_found: toPlan('all work that was done is on the branch again', {}),
  work_merged: toPlan('the task is merged', { head: sha }),
  work_conflicted: toPlan('the merge conflicts', { files: z.array(z.string().max(4096)).max(1000) }),
  check_passed: toPlan('the check passed', {}),
  check_failed: toPlan('the check failed', { detail: text }),
  branch_archived: toPlan('the old branch is kept, a new one begun', { head: sha }),
  branch_based: toPlan('its branch is up to date with its base', { head: sha }),
  base_conflicted: toPlan('its base does not go together: with itself, or with the branch', {
    files: z.array(z.string().max(4096)).max(100),
    detail: text,
    /** The message to a fixer, where one can help. */
    body: text.optional(),
  }),
  base_unmet: toPlan('a plan that it waited for is no longer done, or its branch was moved meanwhile', {
    plans: z.array(word).max(256),
  }),
  plan_merged: toPlan('the plan is merged', {
    /** The commit that holds the plan now, and the branch it is on. */
    head: sha,
    into: word,
    /** The head of the plan's branch that was merged. */
    tip: sha,
    /** A note for people about the merge. */
    note: text.optional(),
    ...placeInLine,
  }),
  merge_refused: toPlan('the plan cannot be merged now', {
    why: z.enum(mergeObstacles),
    /** null: there is no branch to merge into. */
    into: word.nullable(),
    files: z.array(z.string().max(4096)).max(100),
    detail: text,
    /** The message to a fixer, where one can help. */
    body: text.optional(),
    /** The commit that the plan's branch was brought to. */
    head: sha.optional(),
    ...placeInLine,
  }),
  line_found: toPlan('the branch that the plan is to land on is known', { into: word }),
  line_left: toPlan('a person took the plan out of the line', { request: word }),
  effect_failed: toPlan('an effect is given up', { detail: text }),
  timer_due: toPlan('a deadline is reached', {}),
  agents_requeued: toPlan('stops what runs, to be started again', {}),
  verification_stale: toPlan('the verified branch moved', { head: sha }),

  // From the engine alone: the pull request.
  pr_wanted: toPlan('a forge is there for the pull request', {}),
  pr_opened: toPlan('the pull request is open', {
    number: z.int().min(1),
    url: z.string().max(2048),
    server: word,
    /** What was pushed for it. */
    head: sha,
    ...ofStack,
    mode: z.enum(requestModes).optional(),
    /** The plan's branch has got commits that people pushed to parts of the stack, and is at `head` now. */
    taken: z.enum(takenAs).optional(),
  }),
  pr_merged: toPlan('the pull request is merged', {
    /** The commit that holds it, where the forge says; and the branch that it went into. */
    head: sha.nullable(),
    into: word,
    ...ofStack,
  }),
  pr_closed: toPlan('the pull request is closed', ofStack),
  pr_stack_changed: toPlan('a pull request of the stack was changed on the forge', {}),
  pr_failed: toPlan('no pull request could be made', {
    detail: text,
    /** The branch is at another commit than the approved one: it is judged again, and requested again after that. */
    moved: z.boolean().optional(),
    ...ofStack,
  }),
  pr_merge_wanted: toPlan('the pull request is to be merged without a person', {
    head: sha,
    /** It is approved and green now; otherwise the forge shall merge it as soon as it is. */
    ready: z.boolean(),
  }),
  pr_merge_unwanted: toPlan('a person merges the pull request again', {}),
  pr_merge_scheduled: toPlan('the pull request is merged as soon as it is approved and green', {
    /** `stator`: the forge cannot merge automatically here, and is asked again when the request is approved and green. */
    by: z.enum(['forge', 'stator']),
  }),
  pr_merge_refused: toPlan('the pull request could not be merged', { detail: text }),
  pr_changes_requested: toPlan('reviewers or checks of the pull request ask for changes', {
    body: text,
    /** The ids on the forge that it reports. */
    ids: forgeIds,
    /** All checks that fail now, and a digest of the output of each. Signals of earlier versions have none. */
    failing: z
      .array(z.strictObject({ id: forgeId, name: forgeId, digest: z.string().max(64).nullable() }))
      .max(200)
      .optional(),
    /** The part of the stack that it is about. */
    layer: word.optional(),
  }),
  pr_needs_person: toPlan('a check of the pull request waits for a person', { detail: text, ids: forgeIds }),
  pr_remarked: toPlan('somebody wrote on the pull request', {
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

  // From the engine alone: signals between trees.
  implement_granted: toPlan('the repo lets the plan implement', { request: z.int() }),
  implement_requested: toRepo('a plan asks to implement', {
    plan: word,
    topic: z.string().max(256).nullable(),
    after: z.array(word).max(256),
    /** What its tasks declare, where plans wait for each other's files. Absent: nothing. */
    files: z.array(z.string().max(declaredPathLimit)).max(declaredFilesLimit).optional(),
    priority: z.int(),
    /** The plan's own number of this request, which the grant repeats. */
    request: z.int(),
  }),
  implement_released: toRepo('a plan gives its right back', { plan: word }),
  plan_done: toRepo('a plan is done', { plan: word }),
  plan_watched: {
    payload: z.strictObject({ plan: word, watcher: word }),
    from: machine,
    to: 'repo',
    does: 'a user-defined machine waits until that plan is done',
  },
  plan_unwatched: toRepo('a user-defined machine has ended or is deleted: it no longer waits for any plan', {
    watcher: word,
  }),
  plan_undone: toRepo('a plan is no longer done', { plan: word }),
  repo_degraded: toRepo('the repo cannot be used now', { reason: text }),
  repo_recovered: toRepo('the repo can be used again', {}),
  repo_paused: { payload: none, from: person, to: 'repo', does: 'grants nothing new' },
  repo_resumed: { payload: none, from: person, to: 'repo', does: 'grants again' },
  landing_opened: toLanding('opens the line of a branch', {}),
  landing_joined: toLanding('a done plan waits in line', {
    plan: word,
    branch: word,
    message: text,
    approval: approval.nullable(),
    request: word,
    /** The pull request that the forge is to merge; absent: stator merges with git. */
    pull: landingPull.optional(),
  }),
  landing_left: toLanding('a plan is no longer done', { plan: word, request: word }),
  landing_prepared: toLanding('the merge is made, and is on no branch yet', {
    /** The merge, and the commit that it goes on top of: of the branch, or the merge of the plan before it. */
    commit: sha,
    base: sha,
    tip: sha,
    /** The command that must succeed on the merge; empty: none. */
    check: z.string().max(landingCheckLimit),
    /** How many plans may be tried together. */
    batch: z.int().min(1).max(landingBatchLimit),
  }),
  landing_moved: toLanding('the branch has moved since the merge was made', {}),
  // A person sends these with a verb of `stator landing`.
  landing_paused: toLanding('lets nothing land', {}),
  landing_resumed: toLanding('lets plans land again', {}),
  landing_first: toLanding('puts a plan at the head of the line', { plan: word }),
  landing_removed: toLanding('takes a plan out of the line', { plan: word }),
  repo_registered: toSupervisor('a repo joins', { project: word, policy: policySchema }),
  repo_removed: toSupervisor('a repo leaves', { project: word }),
  supervisor_draining: toSupervisor('the engine is being stopped', {}),
  supervisor_stopped: toSupervisor('the engine is stopped', {}),
  supervisor_started: toSupervisor('the engine runs again', {}),
} as const satisfies Record<string, NamedSignalKind>;
