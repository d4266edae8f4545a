/**
 * One piece of work and the git that follows it: work, commit what was left over, check, merge. A wave's task works on a branch
 * of its own and is merged; a plan's one coder and its fixers are tasks on the plan's branch itself and are not.
 */
import { assign, sendParent, sendTo, setup, stopChild } from 'xstate';
import { agentMachine } from './agent.ts';
import type { Reason } from './effect.ts';
import type {
  AgentInput,
  AgentOrder,
  AgentOutput,
  Asked,
  Delivered,
  DoneEvent,
  TaskOrder,
  TaskOutput,
} from './family.ts';
import { childPath, wishId } from './ids.ts';
import type { SignalEvent } from './signal.ts';

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
  /** The wish in git or of a check that is under way. */
  work: string | null;
  /** The run whose work is being looked at. */
  run: string | null;
  changed: boolean;
  /** Where this task left the plan's branch. */
  head: string | null;
  /** A person or a parent wants it ended; a merge that runs is awaited first. */
  wantsEnd: boolean;
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
  | DoneEvent<AgentOutput>;

/** The one child of a task, over all its attempts. */
export const taskAgentId = 'agent';
/** The longest list of files or piece of output that a rejection carries. */
const detailLimit = 4_096;

function timeOf(context: TaskContext, event: TaskEvent): number {
  if ('at' in event) return event.at;
  return 'output' in event ? event.output.at : context.at;
}

/** What the next attempt is told of why this one did not count. */
function objection(event: TaskEvent): string {
  switch (event.type) {
    case 'work_conflicted':
      return `conflict in ${event.files.join(', ')}`.slice(0, detailLimit);
    case 'check_failed':
    case 'effect_failed':
      return event.detail.slice(-detailLimit);
    case 'work_committed':
      return `the run changed nothing since ${event.base.slice(0, 12)}`;
    default:
      return '';
  }
}

/** A plan's one coder and its fixers work where the plan's branch is checked out; what they commit is on it. */
function isOnPlanBranch({ agent: { branch, from } }: TaskContext): boolean {
  return branch === from;
}

const words = setup({
  types: {
    context: {} as TaskContext,
    events: {} as TaskEvent,
    input: {} as TaskInput & { at: number },
    output: {} as TaskOutput,
    children: {} as { agent: 'agent' },
  },
  actors: { agent: agentMachine },
  actions: {
    askCommit: () => {},
    askCheck: () => {},
    askMerge: () => {},
    askRemoval: () => {},
    nextWork: assign(({ context }) => ({ count: context.count + 1, work: wishId(context.path, context.count + 1) })),
    nextWish: assign(({ context }) => ({ count: context.count + 1 })),
    workEnded: assign({ work: null }),
    noteDelivered: assign(({ context, event }) =>
      event.type === 'agent_delivered' ? { run: event.run, at: event.at } : { at: context.at },
    ),
    noteCommit: assign(({ context, event }) => {
      if (event.type !== 'work_committed') return {};
      const head = isOnPlanBranch(context) ? event.head : context.head;
      return { changed: event.changed, head, at: event.at };
    }),
    noteMerge: assign(({ event }) => (event.type === 'work_merged' ? { head: event.head, at: event.at } : {})),
    noteEnd: assign(({ event }) => ('output' in event ? { last: event.output, at: event.output.at } : {})),
    noteTime: assign(({ context, event }) => ({ at: timeOf(context, event) })),
    noteWantsEnd: assign({ wantsEnd: true }),
    noteOutcome: assign((_, outcome: TaskOutput['outcome']) => ({ outcome })),
    tellFinish: sendTo(
      taskAgentId,
      ({ context, event }): AgentOrder => ({ type: 'finish', at: timeOf(context, event) }),
    ),
    tellEnd: sendTo(taskAgentId, ({ context, event }): AgentOrder => ({ type: 'end', at: timeOf(context, event) })),
    tellRest: sendTo(taskAgentId, ({ context, event }): AgentOrder => ({ type: 'rest', at: timeOf(context, event) })),
    tellAnswer: sendTo(
      taskAgentId,
      ({ context, event }): AgentOrder => ({
        type: 'answered',
        at: timeOf(context, event),
        answer: event.type === 'answered' ? event.answer : '',
      }),
    ),
    accept: sendTo(taskAgentId, ({ context, event }): AgentOrder => ({ type: 'accept', at: timeOf(context, event) })),
    reject: sendTo(
      taskAgentId,
      ({ context, event }, reason: Reason): AgentOrder => ({
        type: 'reject',
        at: timeOf(context, event),
        reason,
        detail: objection(event),
      }),
    ),
    reportAsked: sendParent(({ context, event }): Asked => {
      const id = context.path.slice(context.path.lastIndexOf('/') + 1);
      if (event.type === 'child_asked') return { ...event, id };
      return { type: 'child_asked', at: context.at, id, title: context.agent.title, question: '' };
    }),
    forgetAgent: stopChild(taskAgentId),
  },
  guards: {
    agentSucceeded: ({ event }) => 'output' in event && event.output.outcome === 'succeeded',
    agentFailed: ({ event }) => 'output' in event && event.output.outcome === 'failed',
    changedNothing: ({ context, event }) =>
      event.type === 'work_committed' && !event.changed && context.requireChange && !context.hasCheck,
    hasCheck: ({ context }) => context.hasCheck,
    mustMerge: ({ context, event }) =>
      !isOnPlanBranch(context) && (event.type === 'work_committed' ? event.changed : context.changed),
    wantsEnd: ({ context }) => context.wantsEnd,
    hasOwnWorktree: ({ context }) => !isOnPlanBranch(context),
  },
});

const base = words.extend({
  actions: {
    spawnAgent: words.spawnChild('agent', {
      id: taskAgentId,
      input: ({ context, event }) => ({
        ...context.agent,
        path: childPath(context.path, taskAgentId),
        at: timeOf(context, event),
      }),
    }),
    /** The plan's own worktree stays; a task's has nothing left that is not merged. */
    leaveWorktree: words.enqueueActions(({ enqueue, check }) => {
      if (!check('hasOwnWorktree')) return;
      enqueue('nextWish');
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
const cancelled = { target: 'ending', actions: ['workEnded', 'tellEnd'] } as const;
/** Words that a task has no use for while what its run left is being looked at. */
const looking = {
  rest: { description: 'nothing of it runs' },
  answered: { description: 'no question of its agent is open' },
  finish: { description: 'it is finished' },
  implement_task_finished: { description: 'it is finished' },
} as const;

export const taskMachine = base.createMachine({
  id: 'task',
  version: '1',
  description: 'one piece of work',
  context: ({ input: { at, ...input } }) => ({
    ...input,
    count: 0,
    work: null,
    run: null,
    changed: false,
    head: null,
    wantsEnd: false,
    outcome: 'cancelled',
    last: null,
    at,
  }),
  output: ({ context: { at, outcome, last, head, run } }) => ({
    at,
    outcome,
    head: outcome === 'succeeded' ? head : null,
    run: last?.run ?? run,
    runs: last?.runs ?? 0,
    reason: last?.reason ?? null,
    detail: last?.detail ?? '',
  }),
  initial: 'pending',
  states: {
    pending: {
      description: 'waits for its turn',
      on: {
        start: { target: 'working', actions: ['spawnAgent', 'noteTime'] },
        end: { target: 'cancelled', actions: 'noteTime' },
        rest: { description: 'nothing runs' },
        answered: { description: 'nobody asked' },
        finish: { description: 'nothing was begun' },
      },
    },
    working: {
      description: 'its agent has the work, over all attempts',
      on: {
        agent_delivered: { target: 'committing', actions: 'noteDelivered' },
        implement_task_finished: { actions: 'tellFinish' },
        finish: { actions: 'tellFinish' },
        rest: { actions: 'tellRest' },
        answered: { actions: 'tellAnswer' },
        child_asked: { actions: 'reportAsked' },
        end: { target: 'ending', actions: 'tellEnd' },
        'xstate.done.actor.*': agentEnds,
      },
    },
    committing: {
      description: 'what the run left over is committed',
      entry: ['nextWork', 'askCommit'],
      on: {
        work_committed: [
          {
            guard: 'changedNothing',
            target: 'working',
            actions: ['noteCommit', 'workEnded', { type: 'reject', params: 'no-change' }],
          },
          { guard: 'hasCheck', target: 'checking', actions: ['noteCommit', 'workEnded'] },
          { guard: 'mustMerge', target: 'merging', actions: ['noteCommit', 'workEnded'] },
          { target: 'accepting', actions: ['noteCommit', 'workEnded'] },
        ],
        effect_failed: sentBack('merge-failed'),
        end: cancelled,
        ...looking,
      },
    },
    checking: {
      description: 'the checks of the document run in the worktree',
      entry: ['nextWork', 'askCheck'],
      on: {
        check_passed: [
          { guard: 'mustMerge', target: 'merging', actions: 'workEnded' },
          { target: 'accepting', actions: 'workEnded' },
        ],
        check_failed: sentBack('check-failed'),
        effect_failed: sentBack('check-failed'),
        end: cancelled,
        ...looking,
      },
    },
    merging: {
      description: "the branch is merged into the plan's",
      entry: ['nextWork', 'askMerge'],
      on: {
        work_merged: { target: 'accepting', actions: ['noteMerge', 'workEnded'] },
        work_conflicted: [{ guard: 'wantsEnd', ...cancelled }, sentBack('conflict')],
        effect_failed: [{ guard: 'wantsEnd', ...cancelled }, sentBack('merge-failed')],
        end: { actions: 'noteWantsEnd', description: 'a merge that runs ends first' },
        ...looking,
      },
    },
    accepting: {
      description: 'the agent is told that its work counts',
      entry: ['leaveWorktree', 'accept'],
      on: { 'xstate.done.actor.*': agentEnds },
    },
    ending: {
      description: 'its agent is being ended; its last process is awaited',
      on: {
        'xstate.done.actor.*': { target: 'cancelled', actions: ['noteEnd', 'forgetAgent'] },
        end: { actions: 'tellEnd' },
        child_asked: { description: 'nobody will answer' },
        agent_delivered: { description: 'it is no longer wanted' },
        ...looking,
      },
    },
    done: { type: 'final', description: 'the work counts', entry: { type: 'noteOutcome', params: 'succeeded' } },
    failed: { type: 'final', description: 'no attempt is left', entry: { type: 'noteOutcome', params: 'failed' } },
    cancelled: {
      type: 'final',
      description: 'the work is no longer wanted',
      entry: { type: 'noteOutcome', params: 'cancelled' },
    },
  },
});
