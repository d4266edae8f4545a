/**
 * One piece of work and the git that follows it: work, commit what was left over, check, merge. A wave's task works on a branch
 * of its own and is merged; a plan's one coder and its fixers are tasks on the plan's branch itself and are not.
 */
import { assertEvent, assign, sendParent, sendTo, setup, stopChild } from 'xstate';
import { agentMachine } from '../agent/machine.ts';
import type { Reason } from '../vocabulary/effect.ts';
import {
  type AgentInput,
  type AgentOrder,
  type AgentOutput,
  type Asked,
  type Delivered,
  type DoneEvent,
  isYes,
  type QuestionWithdrawn,
  type TaskOrder,
  type TaskOutput,
} from '../vocabulary/family.ts';
import { childPath, requestId } from '../vocabulary/ids.ts';
import type { TaskTag } from '../vocabulary/public-state.ts';
import type { SignalEvent } from '../vocabulary/signal.ts';

export interface TaskInput {
  path: string;
  /** null: the whole plan's work, or a fix of it. */
  wave: number | null;
  number: number | null;
  message: string;
  hasCheck: boolean;
  requireChange: boolean;
  agent: Omit<AgentInput, 'path'>;
}

export interface TaskContext extends TaskInput {
  count: number;
  /** The name of the commit, check or merge that is under way. */
  work: string | null;
  /** The run whose work is being committed, checked or merged. */
  run: string | null;
  changed: boolean;
  /** The last commit of that run; null: it has not committed yet, or an earlier version did not keep it. */
  committed: string | null;
  /** The question about the files that it deletes; null: none. */
  deletions: string | null;
  /** The same for what it adds. Absent: none. */
  additions?: { readonly question: string; readonly accepts: readonly string[] } | null;
  /** The commit of the plan's branch at which this task began. */
  head: string | null;
  /** A person or a parent wants it ended; a merge that runs is awaited first. */
  wantsEnd: boolean;
  /** Why there was nothing to change, as that run says; null: a person or a file says it. Absent: nothing was said. */
  unchanged?: { readonly run: string | null; readonly why: string };
  outcome: TaskOutput['outcome'];
  last: AgentOutput | null;
  at: number;
}

export type TaskEvent =
  | SignalEvent<
      | 'implement_task_finished'
      | 'work_committed'
      | 'work_merged'
      | 'work_conflicted'
      | 'check_passed'
      | 'check_failed'
      | 'effect_failed'
    >
  | TaskOrder
  | Delivered
  | Asked
  | QuestionWithdrawn
  | DoneEvent<AgentOutput>;

/** The one child of a task, over all its attempts. */
const taskAgentId = 'agent';
/** The longest list of files or piece of output that a rejection carries. */
const detailLimit = 4_096;

function timeOf(context: TaskContext, event: TaskEvent): number {
  if ('at' in event) return event.at;
  return 'output' in event ? event.output.at : context.at;
}

/** Why this attempt did not count, for the prompt of the next one. */
function objection(context: TaskContext, event: TaskEvent): string {
  switch (event.type) {
    case 'work_conflicted':
      return `conflict in ${event.files.join(', ')}`.slice(0, detailLimit);
    case 'check_failed':
    case 'effect_failed':
      return event.detail.slice(-detailLimit);
    case 'work_committed':
      return (event.aside ?? event.detail ?? `the run changed nothing since ${event.base.slice(0, 12)}`).slice(
        0,
        detailLimit,
      );
    case 'answered':
      return `${questionIn(context)}\na person says: ${event.answer.trim()}`.slice(-detailLimit);
    default:
      return '';
  }
}

/** The questions to a person about the work. */
function questionIn({ deletions, additions }: TaskContext): string {
  return [deletions, additions?.question].filter((each) => each != null).join('\n');
}

/** A person's answer; empty: none, or the event is no answer. */
function answerIn(event: TaskEvent): string {
  return event.type === 'answered' ? event.answer.trim() : '';
}

/** The name under which its parent knows a task. */
function idOf({ path }: TaskContext): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Why there was nothing for its run to change; null: it did not say so. */
function unchangedIn({ unchanged, run }: TaskContext): string | null {
  return unchanged === undefined || ![null, run].includes(unchanged.run) ? null : unchanged.why;
}

/** A plan's one coder and its fixers work where the plan's branch is checked out; what they commit is on it. */
function isOnPlanBranch({ agent: { branch, from } }: TaskContext): boolean {
  return branch === from;
}

const base = setup({
  types: {
    context: {} as TaskContext,
    events: {} as TaskEvent,
    input: {} as TaskInput & { at: number },
    output: {} as TaskOutput,
    tags: {} as TaskTag,
    children: {} as { agent: 'agent' },
  },
  actors: { agent: agentMachine },
  actions: {
    askCommit: () => {},
    askCheck: () => {},
    stopCheck: () => {},
    askMerge: () => {},
    askRemoval: () => {},
    askClearing: () => {},
    askUndo: () => {},
    nextWork: assign(({ context }) => ({ count: context.count + 1, work: requestId(context.path, context.count + 1) })),
    nextId: assign(({ context }) => ({ count: context.count + 1 })),
    workEnded: assign({ work: null }),
    noteDelivered: assign(({ event }) => {
      assertEvent(event, 'agent_delivered');
      return { run: event.run, at: event.at };
    }),
    noteCommit: assign(({ context, event }) => {
      assertEvent(event, 'work_committed');
      const head = isOnPlanBranch(context) ? event.head : context.head;
      const { at, changed, head: committed, deletions = null, additions = null } = event;
      return { changed, committed, deletions, additions, head, work: null, at };
    }),
    noteMerge: assign(({ event }) => {
      assertEvent(event, 'work_merged');
      return { head: event.head, work: null, at: event.at };
    }),
    noteEnd: assign(({ event }) => {
      assertEvent(event, 'xstate.done.actor.*');
      return { last: event.output, at: event.output.at };
    }),
    /** The same, with the run whose work is stored although it does not count as done. */
    noteLastRun: assign(({ event }) => {
      assertEvent(event, 'xstate.done.actor.*');
      return { last: event.output, run: event.output.run, at: event.output.at };
    }),
    noteTime: assign(({ context, event }) => ({ at: timeOf(context, event) })),
    noteUnchanged: assign(({ event }) => {
      assertEvent(event, ['implement_task_finished', 'finish']);
      const { no_change: why, run = null } = event;
      return why === undefined ? {} : { unchanged: { run, why: why.slice(0, detailLimit) } };
    }),
    noteWantsEnd: assign({ wantsEnd: true }),
    noteOutcome: assign((_, outcome: TaskOutput['outcome']) => ({ outcome })),
    sendFinish: sendTo(
      taskAgentId,
      ({ context, event }): AgentOrder => ({ type: 'finish', at: timeOf(context, event) }),
    ),
    sendEnd: sendTo(taskAgentId, ({ context, event }): AgentOrder => ({ type: 'end', at: timeOf(context, event) })),
    sendRequeue: sendTo(
      taskAgentId,
      ({ context, event }): AgentOrder => ({ type: 'requeue', at: timeOf(context, event) }),
    ),
    accept: sendTo(taskAgentId, ({ context, event }): AgentOrder => ({ type: 'accept', at: timeOf(context, event) })),
    reject: sendTo(
      taskAgentId,
      ({ context, event }, reason: Reason): AgentOrder => ({
        type: 'reject',
        at: timeOf(context, event),
        reason,
        detail: objection(context, event),
      }),
    ),
    askPerson: sendParent(({ context }): Asked => {
      const { at, agent, run, additions } = context;
      return {
        type: 'child_asked',
        at,
        id: idOf(context),
        title: agent.title,
        run: run ?? '',
        question: questionIn(context),
        ...(additions == null ? {} : { accepts: additions.accepts }),
      };
    }),
    withdrawQuestion: sendParent(
      ({ context, event }): QuestionWithdrawn => ({
        type: 'question_withdrawn',
        at: timeOf(context, event),
        id: idOf(context),
        run: context.run ?? '',
      }),
    ),
    forgetAgent: stopChild(taskAgentId),
  },
  guards: {
    agentSucceeded: ({ event }) => 'output' in event && event.output.outcome === 'succeeded',
    agentFailed: ({ event }) => 'output' in event && event.output.outcome === 'failed',
    changedNothing: ({ context, event }) =>
      event.type === 'work_committed' &&
      !event.changed &&
      context.requireChange &&
      !context.hasCheck &&
      unchangedIn(context) === null,
    wasSetAside: ({ event }) => event.type === 'work_committed' && event.aside !== undefined,
    isAskedOf: ({ event }) =>
      event.type === 'work_committed' && (event.deletions !== undefined || event.additions !== undefined),
    saysNothing: ({ event }) => answerIn(event) === '',
    /** Only a bare yes accepts it: any further text is for the next attempt. */
    saysNo: ({ event }) => !isYes(answerIn(event)),
    saysNoToAdded: ({ context, event }) => context.additions != null && !isYes(answerIn(event)),
    hasCheck: ({ context }) => context.hasCheck,
    mustMerge: ({ context, event }) =>
      !isOnPlanBranch(context) && (event.type === 'work_committed' ? event.changed : context.changed),
    wantsEnd: ({ context }) => context.wantsEnd,
    /** Its agent has ended, and only uncommitted files must be stored. */
    isConcluded: ({ context }) => context.wantsEnd && context.last !== null,
    leavesWork: ({ context, event }) =>
      context.wantsEnd && isOnPlanBranch(context) && 'output' in event && event.output.run !== null,
    couldNotStart: ({ context: { last } }) => last?.reason === 'start-failed' && last.run !== null,
    hasOwnWorktree: ({ context }) => !isOnPlanBranch(context),
    /** The next task of the wave works where this one did, and must not find work that did not count. */
    leftWorkToOthers: ({ context }) => isOnPlanBranch(context) && context.wave !== null && context.last?.run != null,
  },
});

const taskSetup = base.extend({
  actions: {
    passAnswer: base.enqueueActions(({ event, enqueue }) => {
      assertEvent(event, 'answered');
      enqueue.sendTo(taskAgentId, event);
    }),
    /** Its agent's open question, or its withdrawal. */
    passQuestion: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['child_asked', 'question_withdrawn']);
      const report: Asked | QuestionWithdrawn = { ...event, id: idOf(context) };
      enqueue.sendParent(report);
    }),
    spawnAgent: base.spawnChild('agent', {
      id: taskAgentId,
      input: ({ context, event }) => ({
        ...context.agent,
        path: childPath(context.path, taskAgentId),
        at: timeOf(context, event),
      }),
    }),
    takeBack: base.enqueueActions(({ enqueue, check }) => {
      if (!check('leftWorkToOthers')) return;
      enqueue('nextId');
      enqueue('askUndo');
    }),
    /** A task that could not be started has no work; the work of earlier attempts is stored. */
    leaveNothing: base.enqueueActions(({ enqueue, check }) => {
      if (!check('couldNotStart')) return;
      enqueue('nextId');
      enqueue('askClearing');
    }),
    /** The plan's own worktree stays; in a task's worktree everything is merged. */
    leaveWorktree: base.enqueueActions(({ enqueue, check }) => {
      if (!check('hasOwnWorktree')) return;
      enqueue('nextId');
      enqueue('askRemoval');
    }),
  },
});

const agentEnds = [
  { guard: 'agentSucceeded', target: 'done', actions: ['noteEnd', 'forgetAgent'] },
  { guard: 'agentFailed', target: 'failed', actions: ['noteEnd', 'forgetAgent'] },
  { target: 'cancelled', actions: ['noteEnd', 'forgetAgent'] },
] as const;
function sentBack(reason: Reason) {
  return { target: 'working', actions: ['workEnded', { type: 'reject', params: reason }] } as const;
}
const cancelled = { target: 'ending', actions: ['workEnded', 'sendEnd'] } as const;
/** Events that a task ignores while it commits, checks or merges its run's work. */
const looking = {
  requeue: { description: 'none of its runs is alive' },
  answered: { description: 'no question of its agent is open' },
  finish: { description: 'it is finished' },
  implement_task_finished: { description: 'it is finished' },
} as const;

const made = taskSetup.createMachine({
  id: 'task',
  version: '1',
  description: 'one piece of work',
  context: ({ input: { at, ...input } }) => ({
    ...input,
    count: 0,
    work: null,
    run: null,
    changed: false,
    committed: null,
    deletions: null,
    head: null,
    wantsEnd: false,
    outcome: 'cancelled',
    last: null,
    at,
  }),
  output: ({ context }) => {
    const { at, outcome, last, head, run, changed, committed } = context;
    const unchanged = outcome === 'succeeded' && !changed ? unchangedIn(context) : null;
    return {
      at,
      outcome,
      head: outcome === 'succeeded' ? head : null,
      commit: outcome === 'succeeded' && changed ? committed : null,
      ...(unchanged === null ? {} : { unchanged }),
      run: last?.run ?? run,
      runs: last?.runs ?? 0,
      reason: last?.reason ?? null,
      detail: last?.detail ?? '',
    };
  },
  initial: 'pending',
  states: {
    pending: {
      description: 'waits for its turn',
      tags: ['task:pending', 'not_begun'],
      on: {
        start: { target: 'working', actions: ['spawnAgent', 'noteTime'] },
        end: { target: 'cancelled', actions: 'noteTime' },
        conclude: { target: 'cancelled', actions: 'noteTime' },
        requeue: { description: 'nothing runs' },
        answered: { description: 'nobody asked' },
        finish: { description: 'nothing was begun' },
      },
    },
    working: {
      description: 'its agent has the work, over all attempts',
      tags: ['task:working'],
      on: {
        agent_delivered: { target: 'committing', actions: 'noteDelivered' },
        implement_task_finished: { actions: ['noteUnchanged', 'sendFinish'] },
        finish: { actions: ['noteUnchanged', 'sendFinish'] },
        requeue: { actions: 'sendRequeue' },
        answered: { actions: 'passAnswer' },
        child_asked: { actions: 'passQuestion' },
        question_withdrawn: { actions: 'passQuestion' },
        end: { target: 'ending', actions: 'sendEnd' },
        conclude: { target: 'ending', actions: ['noteWantsEnd', 'sendEnd'] },
        'xstate.done.actor.*': agentEnds,
      },
    },
    committing: {
      description: 'what the run left over is committed',
      tags: ['task:committing'],
      entry: ['nextWork', 'askCommit'],
      on: {
        work_committed: [
          { guard: 'isConcluded', target: 'cancelled', actions: 'noteCommit' },
          { guard: 'wantsEnd', target: 'accepting', actions: 'noteCommit' },
          {
            guard: 'wasSetAside',
            target: 'working',
            actions: ['noteCommit', { type: 'reject', params: 'set-aside' }],
          },
          {
            guard: 'changedNothing',
            target: 'working',
            actions: ['noteCommit', { type: 'reject', params: 'no-change' }],
          },
          { guard: 'isAskedOf', target: 'asking', actions: 'noteCommit' },
          { guard: 'hasCheck', target: 'checking', actions: 'noteCommit' },
          { guard: 'mustMerge', target: 'merging', actions: 'noteCommit' },
          { target: 'accepting', actions: 'noteCommit' },
        ],
        effect_failed: [
          { guard: 'isConcluded', target: 'cancelled', actions: 'workEnded' },
          { guard: 'wantsEnd', ...cancelled },
          sentBack('merge-failed'),
        ],
        end: [{ guard: 'isConcluded', description: 'what it did is kept first' }, cancelled],
        conclude: { actions: 'noteWantsEnd', description: 'what it did is kept first' },
        ...looking,
      },
    },
    asking: {
      description:
        'its work deletes more than half of the files, or adds what a person is asked about, who says whether that is meant',
      tags: ['task:asking'],
      entry: 'askPerson',
      on: {
        ...looking,
        answered: [
          { guard: 'saysNothing', target: 'asking', reenter: true, actions: 'noteTime' },
          { guard: 'saysNoToAdded', target: 'working', actions: ['noteTime', { type: 'reject', params: 'additions' }] },
          { guard: 'saysNo', target: 'working', actions: ['noteTime', { type: 'reject', params: 'deletions' }] },
          { guard: 'hasCheck', target: 'checking', actions: 'noteTime' },
          { guard: 'mustMerge', target: 'merging', actions: 'noteTime' },
          { target: 'accepting', actions: 'noteTime' },
        ],
        end: { target: 'ending', actions: ['withdrawQuestion', 'sendEnd'] },
        conclude: { target: 'accepting', actions: ['withdrawQuestion', 'noteTime'] },
      },
    },
    checking: {
      description: 'the checks of the document run in the worktree',
      tags: ['task:checking'],
      entry: ['nextWork', 'askCheck'],
      on: {
        check_passed: [
          { guard: 'mustMerge', target: 'merging', actions: 'workEnded' },
          { target: 'accepting', actions: 'workEnded' },
        ],
        check_failed: sentBack('check-failed'),
        effect_failed: sentBack('check-failed'),
        end: { target: 'ending', actions: ['stopCheck', 'workEnded', 'sendEnd'] },
        conclude: { target: 'accepting', actions: ['stopCheck', 'workEnded'] },
        ...looking,
      },
    },
    merging: {
      description: "the branch is merged into the plan's",
      tags: ['task:merging'],
      entry: ['nextWork', 'askMerge'],
      on: {
        work_merged: { target: 'accepting', actions: 'noteMerge' },
        work_conflicted: [{ guard: 'wantsEnd', ...cancelled }, sentBack('conflict')],
        effect_failed: [{ guard: 'wantsEnd', ...cancelled }, sentBack('merge-failed')],
        end: { actions: 'noteWantsEnd', description: 'a merge that runs ends first' },
        conclude: { description: 'a merge that runs ends first' },
        ...looking,
      },
    },
    accepting: {
      description: 'the agent learns that its work counts',
      tags: ['task:merging'],
      entry: ['leaveWorktree', 'accept'],
      on: { 'xstate.done.actor.*': agentEnds },
    },
    ending: {
      description: 'its agent is being ended; its last process is awaited',
      // In a running wave only an edit ends a task, which then starts again.
      tags: ['task:ending', 'not_begun'],
      on: {
        'xstate.done.actor.*': [
          { guard: 'leavesWork', target: 'committing', actions: ['noteLastRun', 'forgetAgent'] },
          { target: 'cancelled', actions: ['noteEnd', 'forgetAgent'] },
        ],
        conclude: { description: 'it is being ended' },
        end: { actions: 'sendEnd' },
        child_asked: { description: 'nobody will answer' },
        question_withdrawn: { actions: 'passQuestion' },
        agent_delivered: { description: 'it is no longer wanted' },
        ...looking,
      },
    },
    done: {
      type: 'final',
      description: 'the work counts',
      tags: ['task:done'],
      entry: { type: 'noteOutcome', params: 'succeeded' },
    },
    failed: {
      type: 'final',
      description: 'no attempt is left',
      tags: ['task:failed'],
      entry: [{ type: 'noteOutcome', params: 'failed' }, 'takeBack', 'leaveNothing'],
    },
    cancelled: {
      type: 'final',
      description: 'the work is no longer wanted',
      tags: ['task:cancelled'],
      entry: { type: 'noteOutcome', params: 'cancelled' },
    },
  },
});

/** A named type: types that contain this one refer to it by name and do not repeat it. */
export interface TaskMachine extends Made {}
type Made = typeof made;

/** The chart of a task: work, commit, check, merge. An XState machine without effects. */
export const taskMachine: TaskMachine = made;
