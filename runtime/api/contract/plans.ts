/** Plans and their journal, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { draftStates, timestampNames } from '../../../machines/plan/context.ts';
import { blockSources } from '../../../machines/vocabulary/block-source.ts';
import { landingSignals, landings } from '../../../machines/vocabulary/landing.ts';
import { mergeObstacles } from '../../../machines/vocabulary/plan-merge.ts';
import { forgeMergeStates } from '../../../machines/vocabulary/plan-pull.ts';
import { isolations } from '../../../machines/vocabulary/policy.ts';
import { taskStatuses } from '../../../machines/vocabulary/public-state.ts';
import { budget, count, lines, reason, refusal, reportedUsage, status, time, usage, waiting } from './shared-shapes.ts';
import { signalAnswer } from './signals.ts';

/** An open question of an agent, or of a person. */
const question = z.object({
  /** The number of the question, counted over the plan's whole life: `plan answer <plan>#<number>`. */
  number: count,
  /** The agent that asks; null: a person put the question, and no agent waits for the answer. */
  title: z.string().nullable(),
  question: z.string(),
  at: time,
});

/** `scope` `tasks`: only the tasks with questions wait, and the others go on. `plan`: nothing goes on before a person acts. */
const block = z.object({
  reason: z.string(),
  source: z.enum(blockSources),
  at: time,
  scope: z.enum(['plan', 'tasks']),
  /** For the source `budget`: the limit that was reached. */
  budget: budget.optional(),
});

/** `source` `wave`: its wave is over; `permission`: an agent asks for a permission; otherwise the source of the block. */
const need = z.object({
  source: z.enum([...blockSources, 'wave', 'permission']),
  why: z.string(),
  since: time,
  /** When an agent's question is denied automatically; null: only a person ends it. */
  until: time.nullable(),
  /** Commands, the most likely first. */
  do: lines,
  /**
   * Where a run or a check failed: the end of its output, at most ten lines of 200 characters without control characters. Of several failed tasks, each has its
   * part, under its number. An agent or the repository wrote it. Empty: there is none.
   */
  output: lines,
});

/** The plan's changes are counted from `commit`. */
const planBase = z.object({
  branch: z.string().nullable(),
  commit: z.string(),
  /** Plans that it waited for and that were not in `branch` when it began, each with the commit at which that plan was done. */
  on: z.array(z.object({ plan: z.string(), commit: z.string() })).readonly(),
});

/** The branch that a plan begins or began from, compared with the last fetched state of its remote branch. */
const baseRemote = z.object({
  branch: z.string(),
  remote: z.string(),
  /** Commits of the remote's branch that the plan does not have, or would not have. */
  behind: count,
  fetched_at: time.nullable(),
  /** Why the last fetch of `base_fetch` failed. */
  fetch_failed: z.string().nullable(),
  /** The comparison as a sentence. */
  text: z.string(),
});

export const planEntry = z
  .object({
    project: z.string(),
    plan: z.string(),
    /** The heading of its document. */
    title: z.string().nullable(),
    /** In lists at most 300 characters. */
    goal: z.string().nullable(),
    status,
    phase: z.string().nullable(),
    /** Where the work of a done plan is, as far as stator knows: it does not see a merge that was made with git by hand. null: the plan is not done. */
    landing: z.enum(landings).nullable(),
    /** The signals for its landing that it takes from a person now; `create_pr` only where a forge is known for its repo. Empty: the plan is not done. */
    accepts: z.array(z.enum(landingSignals)),
    blocked: block.nullable(),
    /** The open questions, the oldest first. */
    questions: z.array(question),
    wave: count,
    waves: count,
    tasks_done: count,
    tasks: count,
    branch: z.string(),
    topic: z.string().nullable(),
    /**
     * Who registered it: `person` is the owner, `person:<name>` a person with a token, `intake:<name>` an intake, followed by `/<account>` where its tracker
     * names the author of the item. null: a simulation.
     */
    author: z.string().nullable(),
    review_cycle: count,
    paused: z.boolean(),
    waiting_for: waiting.nullable(),
    /** Who acts next: `agents` are running, or `waiting` for the content of `waiting_for`; `nobody`: the plan is not under way. */
    turn: z.enum(['person', 'agents', 'waiting', 'nobody']),
    /** Why a person must act, even while agents are running; null: no person needs to act. */
    need: need.nullable(),
    created_at: time,
    updated_at: time,
    /** The file that it is bound to: relative to the repo's root, with `/`; absolute for a file outside the repo; null: it has no file. */
    file: z.string().nullable(),
    /** The usage of all its agents. */
    usage,
    /** The limits in force; empty: there are none. */
    budget: z.array(budget),
  })
  .meta({ id: 'Plan' });
/** A plan as lists show it: its status, its phase, and what it waits for. */
export interface PlanEntry extends z.infer<typeof planEntry> {}

/** One of several pull requests of a plan: of a part of its stack, or of a member of its repo. */
const stackLayer = z.object({
  name: z.string(),
  title: z.string(),
  number: count,
  url: z.string(),
  state: z.enum(['open', 'merged', 'closed']),
  branch: z.string(),
  /** The branch that it is for, or went into. */
  base: z.string(),
  head: z.string(),
  /** The registered repo at whose forge it is; absent: the plan's own. */
  project: z.string().optional(),
  /** What people pushed to it and the plan's branch does not have yet: the branch's commit before and after each push. Absent: nothing. */
  pushed: z.array(z.object({ from: z.string(), to: z.string(), without: z.array(z.string()).optional() })).optional(),
});

const taskEntry = z.object({
  number: count,
  title: z.string(),
  status: z.enum(taskStatuses),
  /** The number of started runs, over all generations. */
  attempts: count,
  reason: reason.nullable(),
  /** The explanation of the reason, in one line. */
  why: z.string().nullable(),
  branch: z.string(),
  /** The numbers of the tasks in its wave that must be done first. */
  after: z.array(count).readonly(),
  /** The running task of its wave whose files overlap with its own, and the path of its own that does; null: it waits for none. */
  waits_for_files: z.object({ task: count, path: z.string() }).nullable(),
  /** The table of `[agents]` that does it; absent: the coder's own. */
  agent: z.string().optional(),
  /** Why: the `plan` names it, or it does tasks of this `size`. */
  agent_by: z.enum(['plan', 'size']).optional(),
  /** Why there was nothing to change. Absent: something was changed, or it is not done. */
  no_change: z.string().optional(),
  /** The usage of its own agent, over all attempts. */
  usage,
});

/** One run that began: its usage, and how it ended. */
const runEntry = z.object({
  run: z.string(),
  title: z.string(),
  role: z.string(),
  /** The table of `[agents]` that was used in place of its role's own; null: the role's own was used. */
  profile: z.string().nullable(),
  attempt: count,
  state: z.string(),
  reason: reason.nullable(),
  started_at: time.nullable(),
  ended_at: time.nullable(),
  ...reportedUsage,
});

export const planShow = planEntry
  .extend({
    /** Links to a tracker's issues, from its document. */
    issues: z.array(z.string()),
    content: z.string(),
    /** SHA-256 in hex of the file's text when it was last read or written. The content differs if a planner has worked on it. */
    file_digest: z.string().nullable(),
    /** The document family that its file is read as, chosen by a person; null: recognized from the text. */
    file_as: z.string().nullable(),
    tasks_by_wave: z.array(
      z.object({ number: count, status: z.enum(['pending', 'running', 'failed', 'done']), tasks: z.array(taskEntry) }),
    ),
    /** The documents of several planners at its last planning, from which one is chosen; empty: there is one planner. */
    drafts: z.array(
      z.object({
        number: count,
        /** The planner's usage. */
        title: z.string(),
        state: z.enum(draftStates),
        /** Why its planner failed; empty: it did not. */
        why: z.string(),
        waves: count,
        tasks: count,
        /** null: the planner submitted nothing. */
        content: z.string().nullable(),
      }),
    ),
    /** true: it is carried out automatically once its planner has finished; false: it then stays planned until a person continues it. */
    auto_advance: z.boolean(),
    /** The number of its agents' runs that began, over all roles and generations. */
    runs: count,
    /** The last 200 of these, in their order. */
    run_list: z.array(runEntry),
    pull_request: z
      .object({
        state: z.string(),
        url: z.string().nullable(),
        /** The progress of its automatic merge; null: a person merges it. `detail`: why it was refused. */
        merge: z.object({ state: z.enum(forgeMergeStates), detail: z.string() }).nullable(),
        /** The requests of its parts, the lowest first; `url` above is that of the lowest that is open. Absent: the plan has one. */
        stack: z.array(stackLayer).optional(),
      })
      .nullable(),
    timestamps: z.partialRecord(z.enum(timestampNames), time),
    /** `plan`: the tasks of a wave work one after the other in one worktree, on the plan's branch. */
    isolation: z.enum(isolations),
    /**
     * The base of its branch, and the branch that it is merged into: `branch` is null if the base was a tag or a commit. null: the plan has not begun yet.
     */
    base: planBase.nullable(),
    /** null: there is no such branch on a remote, or it cannot be read. */
    base_remote: baseRemote.nullable(),
    /** Cleanups after its runs that failed or will be tried again, each with the reason; the plan does not wait for them. */
    left_undone: lines,
    /** Its agents' work that could not be put on its branches: the attempt, and the refs that hold the work. */
    set_aside: lines,
    /** `head` is the commit of the branch `into` that holds the plan. `note`: what a person should know of it, such as work in it that was not checked. */
    merged: z.object({ at: time, head: z.string(), into: z.string(), note: z.string().optional() }).nullable(),
    /** Whether its pull request is being made, or will be very soon. */
    creating_pr: z.boolean(),
    /** Why the last try to create the pull request, or to push to it, changed nothing. */
    pr_refused: z.object({ at: time, detail: z.string() }).nullable(),
    /** Comments on the pull request that started no agent, the newest last; 20 at most. */
    pr_remarks: z.array(z.object({ author: z.string(), text: z.string(), url: z.string() })),
    /**
     * How long its open tasks may still take, estimated from the times of `tasks` done tasks and from the slots that it has at best and now. null: fewer than
     * two tasks are done, none is open, or it waits for a person.
     */
    estimate: z.object({ tasks: count, from_ms: count, to_ms: count }).nullable(),
    /** Whether it is being merged now, by this engine or by its forge. */
    merging: z.boolean(),
    /** Why the last try to merge it changed nothing. */
    merge_refused: z
      .object({ at: time, why: z.enum(mergeObstacles), into: z.string().nullable(), files: lines, detail: z.string() })
      .nullable(),
  })
  .meta({ id: 'PlanWithTasks' });
/** A plan with its waves, its tasks and their agents. */
export interface PlanShow extends z.infer<typeof planShow> {}

/** The plan that a document would become; nothing is registered. */
export const documentCheck = z
  .object({
    ok: z.boolean(),
    goal: z.string().nullable(),
    topic: z.string().nullable(),
    issues: lines.readonly(),
    after: lines.readonly(),
    waves: z.array(
      z.object({
        number: count,
        line: count,
        tasks: z.array(z.object({ number: count, title: z.string(), line: count, after: z.array(count).readonly() })),
      }),
    ),
    problems: z.array(z.object({ line: count, message: z.string() })).readonly(),
  })
  .meta({ id: 'DocumentCheck' });
/** The plan that a document would become, and every problem with its line. */
export interface DocumentCheck extends z.infer<typeof documentCheck> {}

/** A plan as it was after the line `seq` of its journal, written at `at`. It is rebuilt from the journal alone. */
export const planReplay = planShow.extend({ seq: count, at: time }).meta({ id: 'PlanReplay' });
/** A plan as it was after one line of its journal. Fields that exist only for the present, such as an estimate, are left out. */
export interface PlanReplay extends z.infer<typeof planReplay> {}

export const whatIfQuestion = z.strictObject({
  /** Settings by their names in the configuration: `max_agents`, `auto_advance_waves`, `coder.attempts`. */
  policy: z.record(z.string().min(1).max(64), z.union([z.string().max(64), z.number(), z.boolean()])).optional(),
  /** Answers by the number of the plan's question; each is given as soon as the question is put. */
  answers: z.record(z.string().regex(/^[1-9]\d{0,8}$/), z.string().trim().min(1).max(65_536)).optional(),
  /** The line of its journal up to which nothing is changed. Default: the last line that the other inputs do not affect. */
  from: z.int().min(1).optional(),
});
/** Other inputs for a plan's past. */
export interface WhatIfQuestion extends z.infer<typeof whatIfQuestion> {}

const journalMove = z.object({ at: time, actor: z.string(), event: z.string(), from: z.string(), to: z.string() });

const planEnding = z.object({
  status,
  /** Why it is blocked, if it needs a person. */
  blocked: z.string().nullable(),
  /** When it was last blocked, went on, or ended; and how long after `from` that was. */
  at: time,
  duration_ms: count,
  /** The most agents that ran at the same time, and the number of their runs. */
  peak_agents: count,
  runs: count,
  /** null: the cost of some run is not known. */
  cost_usd: z.number().nullable(),
  /** The number of questions from agents. */
  questions: count,
});

export const whatIf = z
  .object({
    project: z.string(),
    plan: z.string(),
    /** The last line of its journal that is not changed. */
    from: z.object({ seq: count, at: time }),
    /**
     * Where the two courses begin to differ, with the next steps of each; null: they do not differ. `seq`: the first line that differs; null: the journal
     * ends earlier.
     */
    parts: z.object({ seq: count.nullable(), was: z.array(journalMove), would_be: z.array(journalMove) }).nullable(),
    was: planEnding,
    would_be: planEnding,
    /** People's signals that the plan does not accept in the other course, such as the confirmation of a wave that is not reached. */
    not_taken: z.array(z.object({ type: z.string(), at: time })),
  })
  .meta({ id: 'WhatIf' });
/** The course that a plan would have taken with other inputs. */
export interface WhatIf extends z.infer<typeof whatIf> {}

export const verification = z
  .object({
    /** Whether all that was asked for was compared, and matches its journal. */
    ok: z.boolean(),
    /** The number of compared trees. */
    checked: count,
    /**
     * `path`: the first difference in the tree, or the effect, signal or column of its row that differs. `seq`: the first line of the journal with the
     * difference.
     */
    differs: z.array(
      z.object({ tree: z.string(), seq: count, path: z.string(), stored: z.unknown(), replayed: z.unknown() }),
    ),
    /** Trees that cannot be compared, each with the reason. */
    skipped: z.array(z.object({ tree: z.string(), why: z.string() })),
  })
  .meta({ id: 'Verification' });
/** Whether the stored state matches the journal. */
export interface Verification extends z.infer<typeof verification> {}

/** The remote branch of a plan after a push. */
export const planPushed = z
  .object({
    status: z.enum(['pushed', 'up_to_date']),
    project: z.string(),
    plan: z.string(),
    branch: z.string(),
    head: z.string(),
    remote: z.string(),
    /** The address without a password. */
    url: z.string(),
  })
  .meta({ id: 'PlanPushed' });
/** Where a plan's branch was pushed to. */
export interface PlanPushed extends z.infer<typeof planPushed> {}

const journalLine = {
  seq: count,
  at: time,
  signal: z.int().nullable(),
  origin: z.string(),
  /** The actor's path in the plan's tree; empty for the plan itself. */
  actor: z.string(),
  event: z.string(),
  from: z.string(),
  to: z.string(),
  /** Its public state, before and after. The machine's names of states may change, these do not. */
  from_tags: lines,
  to_tags: lines,
  effects: lines,
  refused: refusal.nullable(),
  /** For a tree of a machine of your own: what the actor emitted; `event` is its type. Missing: the line is of no such event. */
  emitted: z.looseObject({ type: z.string() }).optional(),
  /** For a line of an agent or a task: the number of the attempt. */
  attempt: count.nullable(),
  /** Why that attempt did not count. */
  reason: reason.nullable(),
  /** The accompanying text: the last useful line of a failed attempt, or the first lines of a review; safe to print. */
  why: z.string().nullable(),
  /** When the wait ends, such as the end of a service's limit. */
  until: time.nullable(),
  /** For an answer: the numbers of its questions. */
  questions: z.array(count),
  /** For an agent that begins: the table of `[agents]` that it uses in place of its role's own: the account of that one is limited, or `escalate` names another for this attempt. */
  stands_in: z.string().nullable(),
  /** true: the agent that begins continues an interrupted attempt. */
  resumed: z.boolean(),
};

export const historyEntry = z.object(journalLine).meta({ id: 'JournalLine' });
/** A line of a plan's history. */
export interface HistoryEntry extends z.infer<typeof historyEntry> {}

/** A line of the journal of all trees, as events are streamed. */
export const factEntry = z
  .object({ ...journalLine, project: z.string().nullable(), plan: z.string().nullable() })
  .meta({ id: 'Fact' });
/** One line of the journal: what happened, when, to which actor and why. `seq` grows over all plans, and a reader continues from it. */
export interface FactEntry extends z.infer<typeof factEntry> {}

export const explanation = z
  .object({
    plan: z.string(),
    status,
    waiting_for: waiting.nullable(),
    /** The base of its branch; null: there is no branch yet. */
    base: planBase.nullable(),
    base_remote: baseRemote.nullable(),
    /** The requests of its stack, the lowest first; empty: it has no stack. */
    stack: z.array(stackLayer),
    accepts: lines,
    /** Every signal to the plan itself: whether a person may send it now, and if not, why. */
    events: z.array(
      z.object({ type: z.string(), does: z.string(), accepted: z.boolean(), why_not: z.string().nullable() }),
    ),
    /** Locks of killed git processes that block its repository, each with the remedy. */
    repo_troubles: lines,
    /** Automatic work of the engine that failed and is tried again. */
    engine_troubles: lines,
    refused_last: historyEntry.nullable(),
  })
  .meta({ id: 'Explanation' });
/** Why a plan is in its state: what it waits for, and what can be done, with the commands. */
export interface Explanation extends z.infer<typeof explanation> {}

const diffTotal = z.object({ files: count, insertions: count, deletions: count });
const agentOfAct = { title: z.string(), role: z.string() };

export const actPreview = z
  .object({
    project: z.string(),
    plan: z.string(),
    act: z.string(),
    /** false: the signal would be refused, held or change nothing; all other fields are then empty. */
    accepted: z.boolean(),
    /** true: the act needs a confirmation, because it ends work, moves a person's branch or may cost money. */
    asks: z.boolean(),
    /** true: the plan is done, and others may build on it, so the act needs `--force`. */
    needs_force: z.boolean(),
    ends: z.array(z.object({ ...agentOfAct, state: z.string(), started_at: time.nullable() })),
    /** The agents that it starts at once, as far as that is known. `paid`: a turn of the agent may cost money. */
    starts: z.array(z.object({ ...agentOfAct, program: z.string(), paid: z.boolean() })),
    /** The branch `into` moves. `total` is null if the change is not known. `files`: the first changed files. */
    merge: z
      .object({
        into: z.string(),
        branch: z.string(),
        total: diffTotal.nullable(),
        files: lines,
      })
      .nullable(),
    /** The branch that is archived and begun anew. */
    archives: z.string().nullable(),
    /** Plans whose `**After:**` names this one and that are not done. */
    waiters: lines,
    /** The preview as sentences for a person. */
    says: lines,
  })
  .meta({ id: 'ActPreview' });
/** What a signal would do to a plan: the status after it, and the agents that would start or end. Nothing was changed. */
export interface ActPreview extends z.infer<typeof actPreview> {}

/** The states of the actors in a plan's tree: now, or after a line of its journal. */
export const planStates = z
  .object({
    project: z.string(),
    plan: z.string(),
    /** The last line of the journal that it includes. */
    seq: count,
    at: time.nullable(),
    actors: z.array(
      z.object({
        /** Its path in the plan's tree; empty for the plan itself. */
        actor: z.string(),
        machine: z.enum(['plan', 'wave', 'task', 'agent']),
        /** The active innermost states, one for each region, as paths from the machine's root. */
        states: lines,
        /** Its context: names, numbers, commits and flags. null: not known, because an earlier version wrote that line. */
        context: z.record(z.string(), z.unknown()).nullable(),
      }),
    ),
  })
  .meta({ id: 'PlanStates' });
/** The states and the contexts of a plan's actors, by their paths, now or at a moment of the past. */
export interface PlanStates extends z.infer<typeof planStates> {}

/** The prompt that an agent of a plan would get now; `source` is the path of the repo's own template, or `built-in`. */
export const promptShow = z
  .object({
    project: z.string(),
    plan: z.string(),
    role: z.string(),
    task: z.string().nullable(),
    prompt: z.string(),
    source: z.string(),
  })
  .meta({ id: 'Prompt' });
/** The prompt that an agent would get now, and the source of each part. */
export interface PromptShow extends z.infer<typeof promptShow> {}

/** The changes of a plan, or of one task, between the commits `from` and `to`. `added` and `removed` are null for a binary file. */
export const planDiff = z
  .object({
    project: z.string(),
    plan: z.string(),
    task: z.string().nullable(),
    from: z.string(),
    to: z.string(),
    /** The first 1,000 files; a moved file counts as two. */
    files: z.array(z.object({ path: z.string(), added: z.number().nullable(), removed: z.number().nullable() })),
    /** The sum over all files. */
    total: diffTotal,
    /** As `git diff --stat` writes it, cut at 4 KiB. */
    stat: z.string(),
    /** As `git diff` writes it, at most 1 MiB. */
    diff: z.string(),
    /** The number of files that `diff` lacks or does not show whole. */
    files_left_out: z.number(),
  })
  .meta({ id: 'PlanDiff' });
/** The changes of a plan or a task, as a diff and in numbers. */
export interface PlanDiff extends z.infer<typeof planDiff> {}

/** The files of a change between the commits `from` and `to`, without their texts. `added` and `removed` are null for a binary file. */
export const planChanges = z
  .object({
    project: z.string(),
    plan: z.string(),
    task: z.string().nullable(),
    /** The line of the journal after which it begins; null: at the plan's or the task's base. */
    since: z.number().nullable(),
    from: z.string(),
    to: z.string(),
    /** At most 1,000; a moved file counts as two. */
    files: z.array(
      z.object({
        path: z.string(),
        state: z.enum(['added', 'changed', 'removed']),
        added: z.number().nullable(),
        removed: z.number().nullable(),
        /** The ids of its content before and after. */
        content: z.string(),
        /**
         * Why a reader may skip it at first; null: there is no reason. `generated`: by `linguist-generated` in the `.gitattributes` of `from`; `lock_file`: by
         * its name; `long`: over 400 changed lines.
         */
        folded: z.enum(['generated', 'lock_file', 'binary', 'long']).nullable(),
      }),
    ),
    /** The sum over all files. */
    total: diffTotal,
    /** The `after` of the next files; null: these are the last. */
    next: z.number().nullable(),
  })
  .meta({ id: 'PlanChanges' });
/** The list of the files that a plan or a task has changed. */
export type PlanChanges = z.infer<typeof planChanges>;

const namedCommit = z.object({ commit: z.string(), at: time, subject: z.string() });

/** The comments of people on lines of the plan's changes, the oldest first, each with its outcome. */
export const planComments = z
  .array(
    z.object({
      /** The line of the journal with the message that carried it. */
      seq: z.number(),
      at: time,
      /** Who wrote it: `person`, or `person:anna`. */
      by: z.string(),
      /** The agent that got it; null: the fixer. */
      title: z.string().nullable(),
      /** The last commit that the person saw. */
      seen: z.string(),
      id: z.string(),
      path: z.string(),
      line: z.number(),
      end: z.number(),
      side: z.enum(['before', 'after']),
      quoted: z.string(),
      text: z.string(),
      /** The suggested replacement of those lines; null: none was suggested. */
      suggestion: z.string().nullable(),
      /** Whether the plan's branch has the suggestion exactly as it was written; null: nothing was suggested, or it cannot be read. */
      applied: z.boolean().nullable(),
      /** What commits since then say about it, the oldest first. */
      answers: z.array(namedCommit.extend({ text: z.string() })),
      /** The first commit since then that changed the file, if no commit names the comment; null: there is none. */
      changed_in: namedCommit.nullable(),
    }),
  )
  .meta({ id: 'PlanComments' });
/** The comments on a plan's changes, each with its answers. */
export type PlanComments = z.infer<typeof planComments>;

/** The changes of one file between the commits `from` and `to`, or a part of them. */
export const fileDiff = z
  .object({
    project: z.string(),
    plan: z.string(),
    task: z.string().nullable(),
    path: z.string(),
    from: z.string(),
    to: z.string(),
    /** As `git diff` writes it, up to 262,144 characters (UTF-16), ending with a line if there is one. */
    text: z.string(),
    /** The `after` of the next part; null: this is the last. */
    next: z.number().nullable(),
  })
  .meta({ id: 'FileDiff' });
/** What a plan or a task has changed in one file. */
export type FileDiff = z.infer<typeof fileDiff>;

/** The last judgement of the work. */
export const judgement = z
  .object({
    verdict: z.enum(['approved', 'changes_requested']),
    /** `person`, `agent:<title>`, or `engine`: a program judged by its exit code. */
    by: z.string(),
    at: time,
    /** The first lines of the judgement's text. */
    why: z.string().nullable(),
  })
  .meta({ id: 'Judgement' });
/** The judgement of a reviewer, a verifier or a check. */
export interface Judgement extends z.infer<typeof judgement> {}

/** The last line of `run --json`. */
export const runFinished = z
  .object({
    type: z.literal('run_finished'),
    plan: z.string(),
    status,
    tasks_done: count,
    tasks_failed: count,
    runs: count,
    waves: count,
    duration_ms: count,
    /** The usage of all agents of the plan, including earlier runs of `stator run`. */
    usage,
    /** For a done plan: the tasks that a person skipped. */
    left_out: z.array(z.object({ wave: count, number: count, title: z.string(), status: z.string() })),
    left_undone: lines,
    set_aside: lines,
    /** The changes between its branch's base and its head; null: nothing is committed, or git could not be read. */
    diff: diffTotal.nullable(),
    /** The last judgements of a review and of a verification in this pass of the plan; null: there was none. */
    review: judgement.nullable(),
    verification: judgement.nullable(),
  })
  .meta({ id: 'RunFinished' });
/** A run that has ended, and how. */
export interface RunFinished extends z.infer<typeof runFinished> {}

/** A plan in kasmos's format: `filename` is its name; a missing value is an empty text. */
export const olderTask = z
  .object({
    filename: z.string(),
    status,
    execution_state: z.string(),
    branch: z.string(),
    pr_url: z.string(),
    review_cycle: count,
    description: z.string(),
    topic: z.string(),
  })
  .meta({ id: 'Task' });
/** A task of an earlier document of the plan that the newest document lacks. */
export interface OlderTask extends z.infer<typeof olderTask> {}

/** The answer to a request for planning or implementing. */
export const accepted = z
  .object({
    status: z.literal('accepted'),
    project: z.string(),
    filename: z.string(),
    signal: signalAnswer.shape.signal,
    plan: signalAnswer.shape.plan,
    /** The parts of the request that could not be done, one line each. */
    notes: lines,
  })
  .meta({ id: 'Accepted' });
