/** Plans and their journal, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { blockSources, draftStates, timestampNames } from '../../../machines/plan/context.ts';
import { landings } from '../../../machines/vocabulary/landing.ts';
import { mergeObstacles } from '../../../machines/vocabulary/plan-merge.ts';
import { forgeMergeStates } from '../../../machines/vocabulary/plan-pull.ts';
import { isolations } from '../../../machines/vocabulary/policy.ts';
import { taskStatuses } from '../../../machines/vocabulary/public-state.ts';
import { budget, count, lines, reason, refusal, status, time, usage, waiting } from './shared-shapes.ts';
import { signalAnswer } from './signals.ts';

/** An open question of an agent, or of a person. */
const question = z.object({
  /** Counts the questions of the plan, over its whole life: `plan answer <plan>#<number>`. */
  number: count,
  /** The agent that asks; null: a person asked by hand, and no agent waits for the answer. */
  title: z.string().nullable(),
  question: z.string(),
  at: time,
});

/** `scope` `tasks`: only the tasks that ask wait, and others are at work. `plan`: nothing goes on before a person acts. */
const block = z.object({
  reason: z.string(),
  source: z.enum(blockSources),
  at: time,
  scope: z.enum(['plan', 'tasks']),
  /** For the source `budget`: the limit that was reached. */
  budget: budget.optional(),
});

/** `source` `wave`: its wave is over; `permission`: an agent asks to be allowed something; else that of the block. */
const need = z.object({
  source: z.enum([...blockSources, 'wave', 'permission']),
  why: z.string(),
  since: time,
  /** When an agent's question is denied by itself; null: nothing ends it but a person. */
  until: time.nullable(),
  /** Commands, the likeliest first. */
  do: lines,
});

/** `commit` is what the plan's changes are counted from. */
const planBase = z.object({
  branch: z.string().nullable(),
  commit: z.string(),
  /** Plans that it waited for and that were not in `branch` when it began, each with the commit that it was done at. */
  on: z.array(z.object({ plan: z.string(), commit: z.string() })).readonly(),
});

/** How the branch that a plan begins from, or began from, stands beside its remote's, as far as that was fetched. */
const baseRemote = z.object({
  branch: z.string(),
  remote: z.string(),
  /** Commits of the remote's branch that the plan does not have, or would not have. */
  behind: count,
  fetched_at: time.nullable(),
  /** Why the last fetch of `base_fetch` failed. */
  fetch_failed: z.string().nullable(),
  /** All of it in words. */
  text: z.string(),
});

export const planEntry = z
  .object({
    project: z.string(),
    plan: z.string(),
    status,
    phase: z.string().nullable(),
    /** Where the work of a done plan is, as far as stator knows: a merge made with git by hand is not seen. null: it is not done. */
    landing: z.enum(landings).nullable(),
    blocked: block.nullable(),
    /** The open questions, the oldest first. */
    questions: z.array(question),
    wave: count,
    waves: count,
    tasks_done: count,
    tasks: count,
    branch: z.string(),
    topic: z.string().nullable(),
    review_cycle: count,
    paused: z.boolean(),
    waiting_for: waiting.nullable(),
    /** Whose turn it is: `agents` are at work, or `waiting` for what `waiting_for` says; `nobody`: it is not under way. */
    turn: z.enum(['person', 'agents', 'waiting', 'nobody']),
    /** Why it is a person's turn, also while agents are at work; null: it is not. */
    need: need.nullable(),
    updated_at: time,
    /** The file that it is bound to: from the repo's root with `/`, absolute where it lies outside; null: it came without one. */
    file: z.string().nullable(),
    /** The usage of all its agents. */
    usage,
    /** The limits in force; empty: there are none. */
    budget: z.array(budget),
  })
  .meta({ id: 'Plan' });
/** A plan as lists show it: its status, its phase, and what it waits for. */
export type PlanEntry = z.infer<typeof planEntry>;

const taskEntry = z.object({
  number: count,
  title: z.string(),
  status: z.enum(taskStatuses),
  /** Runs started, over all generations. */
  attempts: count,
  reason: reason.nullable(),
  /** The explanation of the reason, in one line. */
  why: z.string().nullable(),
  branch: z.string(),
  /** The numbers of the tasks of its wave that come before it. */
  after: z.array(count).readonly(),
  /** The usage of its own agent, over all attempts. */
  usage,
});

/** One run that began: what it took, and how it ended. */
const runEntry = z.object({
  run: z.string(),
  title: z.string(),
  role: z.string(),
  /** The profile that stood in for that of its role; null: none did. */
  profile: z.string().nullable(),
  attempt: count,
  state: z.string(),
  reason: reason.nullable(),
  started_at: time.nullable(),
  ended_at: time.nullable(),
  input_tokens: count.nullable(),
  output_tokens: count.nullable(),
  cost_usd: z.number().min(0).nullable(),
});

export const planShow = planEntry
  .extend({
    title: z.string().nullable(),
    goal: z.string().nullable(),
    /** Links to issues of a tracker, as its document has them. */
    issues: z.array(z.string()),
    content: z.string(),
    /** SHA-256 in hex of the file's text as it was last taken or written; the content is another where a planner worked on it. */
    file_digest: z.string().nullable(),
    /** The family of documents that its file is read as, because a person said so once; null: what it looks like. */
    file_as: z.string().nullable(),
    tasks_by_wave: z.array(
      z.object({ number: count, status: z.enum(['pending', 'running', 'failed', 'done']), tasks: z.array(taskEntry) }),
    ),
    /** What several planners wrote at its last planning, of which one is chosen; empty: one planner writes. */
    drafts: z.array(
      z.object({
        number: count,
        /** Of the planner. */
        title: z.string(),
        state: z.enum(draftStates),
        /** Why its planner failed; empty: it did not. */
        why: z.string(),
        waves: count,
        tasks: count,
        /** null: nothing was handed in. */
        content: z.string().nullable(),
      }),
    ),
    /** It is carried out by itself once its planner has finished; false: it stands planned then, until a person goes on. */
    auto_advance: z.boolean(),
    /** Runs of its agents that began, all roles and generations. */
    runs: count,
    /** The last 200 of these, in their order. */
    run_list: z.array(runEntry),
    pull_request: z
      .object({
        state: z.string(),
        url: z.string().nullable(),
        /** How far its merge without a person is; null: a person merges it. `detail`: why it was refused. */
        merge: z.object({ state: z.enum(forgeMergeStates), detail: z.string() }).nullable(),
      })
      .nullable(),
    timestamps: z.partialRecord(z.enum(timestampNames), time),
    /** `plan`: the tasks of a wave work one after the other in one worktree, on the plan's branch. */
    isolation: z.enum(isolations),
    /** What its branch was made from, and the branch that it goes into: null where that was a tag or a commit. null: it was not begun yet. */
    base: planBase.nullable(),
    /** null: there is no such branch of a remote, or it cannot be looked at. */
    base_remote: baseRemote.nullable(),
    /** Clearing up after its runs that failed, or is yet to be tried again, each with why; the plan does not wait for it. */
    left_undone: lines,
    /** Work of its agents that its branches could not take: of which attempt, and the refs that keep it. */
    set_aside: lines,
    /** `head` is the commit of the branch `into` that holds the plan. */
    merged: z.object({ at: time, head: z.string(), into: z.string() }).nullable(),
    /** Its pull request is being made, or will be in a moment. */
    creating_pr: z.boolean(),
    /** Why the last try to make it, or to push to it, changed nothing. */
    pr_refused: z.object({ at: time, detail: z.string() }).nullable(),
    /** What people wrote on the pull request that started no agent, the newest last; 20 at most. */
    pr_remarks: z.array(z.object({ author: z.string(), text: z.string(), url: z.string() })),
    /**
     * How long its open tasks may still take, of agents' time: from how long `tasks` done ones took, and the slots that it has at best and now. null: fewer
     * than two tasks are done, none is open, or it waits for a person.
     */
    estimate: z.object({ tasks: count, from_ms: count, to_ms: count }).nullable(),
    /** Whether it is being merged now, here or by its forge. */
    merging: z.boolean(),
    /** Why the last try to merge it changed nothing. */
    merge_refused: z
      .object({ at: time, why: z.enum(mergeObstacles), into: z.string().nullable(), files: lines, detail: z.string() })
      .nullable(),
  })
  .meta({ id: 'PlanWithTasks' });
/** A plan with its waves, its tasks and their agents. */
export type PlanShow = z.infer<typeof planShow>;

/** What a document would be as a plan; nothing is registered. */
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
/** What a document would be as a plan, and every problem with its line. */
export type DocumentCheck = z.infer<typeof documentCheck>;

/** A plan as it was after the line `seq` of its journal, which was written at `at`: made anew from the journal alone. */
export const planReplay = planShow.extend({ seq: count, at: time }).meta({ id: 'PlanReplay' });
/** A plan as it was after one line of its journal. What only the present knows (what it waits for, an estimate) is left out. */
export type PlanReplay = z.infer<typeof planReplay>;

export const whatIfQuestion = z.strictObject({
  /** By their names in the configuration: `max_agents`, `auto_advance_waves`, `coder.attempts`. */
  policy: z.record(z.string().min(1).max(64), z.union([z.string().max(64), z.number(), z.boolean()])).optional(),
  /** By the number of a question of the plan: what is answered as soon as it is asked. */
  answers: z.record(z.string().regex(/^[1-9]\d{0,8}$/), z.string().trim().min(1).max(65_536)).optional(),
  /** The line of its journal up to which all is as it was. Default: up to where the other inputs matter. */
  from: z.int().min(1).optional(),
});
/** Other inputs for a plan that has a past. */
export type WhatIfQuestion = z.infer<typeof whatIfQuestion>;

const journalMove = z.object({ at: time, actor: z.string(), event: z.string(), from: z.string(), to: z.string() });

const planEnding = z.object({
  status,
  /** What it stands for, where it needs a person. */
  blocked: z.string().nullable(),
  /** When it last came to stand, went on, or was over; and how long after `from` that was. */
  at: time,
  duration_ms: count,
  /** Agents at work at a time, at most; and their runs. */
  peak_agents: count,
  runs: count,
  /** null: it is not known of every run. */
  cost_usd: z.number().nullable(),
  /** That agents asked. */
  questions: count,
});

export const whatIf = z
  .object({
    project: z.string(),
    plan: z.string(),
    /** The last line of its journal that is taken as it was. */
    from: z.object({ seq: count, at: time }),
    /** Where the two ways part, with what comes next on each; null: they do not. `seq`: the first line that is not as it was; null: the journal ends before. */
    parts: z.object({ seq: count.nullable(), was: z.array(journalMove), would_be: z.array(journalMove) }).nullable(),
    was: planEnding,
    would_be: planEnding,
    /** What people said then and the plan does not take on the other way, such as the confirmation of a wave that is not reached. */
    not_taken: z.array(z.object({ type: z.string(), at: time })),
  })
  .meta({ id: 'WhatIf' });
/** Where a plan would have gone with other inputs. */
export type WhatIf = z.infer<typeof whatIf>;

export const verification = z
  .object({
    /** Whether every tree matches its journal. */
    ok: z.boolean(),
    /** Trees that were compared. */
    checked: count,
    /** `path`: the first place in the tree that differs, or which effect, signal or column of its row. `seq`: the line of the journal from which it does. */
    differs: z.array(
      z.object({ tree: z.string(), seq: count, path: z.string(), stored: z.unknown(), replayed: z.unknown() }),
    ),
    /** Trees that cannot be compared, each with why. */
    skipped: z.array(z.object({ tree: z.string(), why: z.string() })),
  })
  .meta({ id: 'Verification' });
/** Whether what is stored is what the journal leads to. */
export type Verification = z.infer<typeof verification>;

/** The remote branch of a plan after a push. */
export const planPushed = z
  .object({
    status: z.enum(['pushed', 'up_to_date']),
    project: z.string(),
    plan: z.string(),
    branch: z.string(),
    head: z.string(),
    remote: z.string(),
    /** Without a password in it. */
    url: z.string(),
  })
  .meta({ id: 'PlanPushed' });
/** Where a plan's branch was pushed to. */
export type PlanPushed = z.infer<typeof planPushed>;

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
  /** What its states say in public, before and after: names of states may change, these do not. */
  from_tags: lines,
  to_tags: lines,
  effects: lines,
  refused: refusal.nullable(),
  /** For a line of an agent or a task: the number of the attempt. */
  attempt: count.nullable(),
  /** Why that attempt did not count. */
  reason: reason.nullable(),
  /** What was said with it: the last line of a failed attempt that tells something, the first ones of a review; safe to print. */
  why: z.string().nullable(),
  /** When what it waits for is over, such as a service's limit. */
  until: time.nullable(),
  /** For an answer: the numbers of its questions. */
  questions: z.array(count),
  /** Of an agent that begins: the profile that stands in for its own, whose account is limited. */
  stands_in: z.string().nullable(),
  /** An agent that begins goes on with an attempt that was only interrupted. */
  resumed: z.boolean(),
};

export const historyEntry = z.object(journalLine).meta({ id: 'JournalLine' });
/** A line of a plan's history. */
export type HistoryEntry = z.infer<typeof historyEntry>;

/** A line of the journal of all trees, as events are streamed. */
export const factEntry = z
  .object({ ...journalLine, project: z.string().nullable(), plan: z.string().nullable() })
  .meta({ id: 'Fact' });
/** One line of the journal: what happened, when, to whom and why. `seq` grows over all plans, and is where a reader goes on. */
export type FactEntry = z.infer<typeof factEntry>;

export const explanation = z
  .object({
    plan: z.string(),
    status,
    waiting_for: waiting.nullable(),
    /** The base of its branch; null: there is no branch yet. */
    base: planBase.nullable(),
    base_remote: baseRemote.nullable(),
    accepts: lines,
    /** Every signal to the plan itself that there is: what a person may send now, and of the others why not. */
    events: z.array(
      z.object({ type: z.string(), does: z.string(), accepted: z.boolean(), why_not: z.string().nullable() }),
    ),
    /** Locks of killed git processes that block its repository, each with what to do. */
    repo_troubles: lines,
    /** What the engine does by itself and fails at, and tries again. */
    engine_troubles: lines,
    refused_last: historyEntry.nullable(),
  })
  .meta({ id: 'Explanation' });
/** Why a plan stands where it does: what it waits for, and what can be done, each way with its command. */
export type Explanation = z.infer<typeof explanation>;

const agentOfAct = { title: z.string(), role: z.string() };

export const actPreview = z
  .object({
    project: z.string(),
    plan: z.string(),
    act: z.string(),
    /** false: it would be refused, held or change nothing; all else is empty then. */
    accepted: z.boolean(),
    /** It ends work, moves a branch of the person or may cost something: a person is asked first. */
    asks: z.boolean(),
    /** The plan is done: this takes back what others may stand on, and is said with `--force`. */
    needs_force: z.boolean(),
    ends: z.array(z.object({ ...agentOfAct, state: z.string(), started_at: time.nullable() })),
    /** The agents that it starts at once, as far as that is known. `paid`: a turn of it may cost something. */
    starts: z.array(z.object({ ...agentOfAct, program: z.string(), paid: z.boolean() })),
    /** `into` moves; `total` is null where nothing is known of the change. `files`: the first of them. */
    merge: z
      .object({
        into: z.string(),
        branch: z.string(),
        total: z.object({ files: count, insertions: count, deletions: count }).nullable(),
        files: lines,
      })
      .nullable(),
    /** The branch that is put aside and begun anew. */
    archives: z.string().nullable(),
    /** Plans whose `**After:**` names this one and that are not done. */
    waiters: lines,
    /** The same as sentences for a person. */
    says: lines,
  })
  .meta({ id: 'ActPreview' });
/** What a signal would do to a plan: its status after it, agents that would start or end. Nothing was changed. */
export type ActPreview = z.infer<typeof actPreview>;

/** In which states the actors of a plan's tree are: now, or after a line of its journal. */
export const planStates = z
  .object({
    project: z.string(),
    plan: z.string(),
    /** The last line of the journal that is in it. */
    seq: count,
    at: time.nullable(),
    actors: z.array(
      z.object({
        /** Its path in the plan's tree; empty for the plan itself. */
        actor: z.string(),
        machine: z.enum(['plan', 'wave', 'task', 'agent']),
        /** The innermost states that are active, one for each region, as paths from the machine's root. */
        states: lines,
        /** What it knows of itself: names, numbers, commits and flags. null: at that moment, written by an earlier version, it is not known. */
        context: z.record(z.string(), z.unknown()).nullable(),
      }),
    ),
  })
  .meta({ id: 'PlanStates' });
/** The states and the contexts of a plan's actors, by their paths, now or at a moment of the past. */
export type PlanStates = z.infer<typeof planStates>;

/** What an agent of a plan would be told now; `source` is the path of the repo's own template, or `built-in`. */
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
export type PromptShow = z.infer<typeof promptShow>;

const diffTotal = z.object({ files: count, insertions: count, deletions: count });

/** What a plan, or one task of it, has changed: between the commits `from` and `to`. `added` and `removed` are null for a binary file. */
export const planDiff = z
  .object({
    project: z.string(),
    plan: z.string(),
    task: z.string().nullable(),
    from: z.string(),
    to: z.string(),
    /** The first 1,000; one that was moved is two. */
    files: z.array(z.object({ path: z.string(), added: z.number().nullable(), removed: z.number().nullable() })),
    /** The sum over all files. */
    total: diffTotal,
    /** As `git diff --stat` writes it, cut at 4 KiB. */
    stat: z.string(),
    /** As `git diff` writes it, at most 1 MiB. */
    diff: z.string(),
    /** How many of the files are not, or not wholly, in `diff`. */
    files_left_out: z.number(),
  })
  .meta({ id: 'PlanDiff' });
/** The changes of a plan or a task, as a diff and in numbers. */
export type PlanDiff = z.infer<typeof planDiff>;

/** Who judged the work last, and how. */
export const judgement = z
  .object({
    verdict: z.enum(['approved', 'changes_requested']),
    /** `person`, `agent:<title>`, or `engine`: a program that spoke by its exit code. */
    by: z.string(),
    at: time,
    /** The first lines of what was said. */
    why: z.string().nullable(),
  })
  .meta({ id: 'Judgement' });
/** The judgement of a reviewer, a verifier or a check. */
export type Judgement = z.infer<typeof judgement>;

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
    /** Of a plan that is done: the tasks that a person went on without. */
    left_out: z.array(z.object({ wave: count, number: count, title: z.string(), status: z.string() })),
    left_undone: lines,
    set_aside: lines,
    /** Between where its branch began and where it ended; null: nothing is committed, or it could not be asked. */
    diff: diffTotal.nullable(),
    /** The last word of a review, and of a verification, on this pass of the plan; null: there was none. */
    review: judgement.nullable(),
    verification: judgement.nullable(),
  })
  .meta({ id: 'RunFinished' });
/** A run that has ended, and how. */
export type RunFinished = z.infer<typeof runFinished>;

/** A plan in kasmos's words: `filename` is its name, an empty text what it has not. */
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
/** A task of an earlier document of the plan that the newest one has no longer. */
export type OlderTask = z.infer<typeof olderTask>;

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
