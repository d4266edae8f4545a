/**
 * One piece of work and the git that follows it: work, commit what was left over, check, merge. A wave's task works on a branch
 * of its own and is merged; a plan's one coder and its fixers are tasks on the plan's branch itself and are not.
 */
import type { Reason } from '../vocabulary/effect.ts';
import { taskSetup } from './setup.ts';

export type { TaskContext } from './setup.ts';

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
  requeue: { description: 'nothing of it runs' },
  answered: { description: 'no question of its agent is open' },
  finish: { description: 'it is finished' },
  implement_task_finished: { description: 'it is finished' },
} as const;

/** The chart of a task: work, commit, check, merge. An XState machine without effects. */
export const taskMachine = taskSetup.createMachine({
  id: 'task',
  version: '2',
  description: 'one piece of work',
  context: ({ input: { at, ...input } }) => ({
    ...input,
    count: 0,
    work: null,
    run: null,
    changed: false,
    deletions: null,
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
        implement_task_finished: { actions: 'tellFinish' },
        finish: { actions: 'tellFinish' },
        requeue: { actions: 'tellRequeue' },
        answered: { actions: 'passAnswer' },
        child_asked: { actions: 'passQuestion' },
        question_withdrawn: { actions: 'passQuestion' },
        end: { target: 'ending', actions: 'tellEnd' },
        conclude: { target: 'ending', actions: ['noteWantsEnd', 'tellEnd'] },
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
          { guard: 'deletesMost', target: 'asking', actions: 'noteCommit' },
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
      description: 'its work deletes more than half of the files; a person says whether they are to go',
      tags: ['task:asking'],
      entry: 'askDeletions',
      on: {
        ...looking,
        answered: [
          { guard: 'saysNothing', target: 'asking', reenter: true, actions: 'noteTime' },
          { guard: 'saysNo', target: 'working', actions: ['noteTime', { type: 'reject', params: 'deletions' }] },
          { guard: 'hasCheck', target: 'checking', actions: 'noteTime' },
          { guard: 'mustMerge', target: 'merging', actions: 'noteTime' },
          { target: 'accepting', actions: 'noteTime' },
        ],
        end: { target: 'ending', actions: ['withdrawDeletions', 'tellEnd'] },
        conclude: { target: 'accepting', actions: ['withdrawDeletions', 'noteTime'] },
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
        end: { target: 'ending', actions: ['stopCheck', 'workEnded', 'tellEnd'] },
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
      description: 'the agent is told that its work counts',
      tags: ['task:merging'],
      entry: ['leaveWorktree', 'accept'],
      on: { 'xstate.done.actor.*': agentEnds },
    },
    ending: {
      description: 'its agent is being ended; its last process is awaited',
      // In a wave that runs only an edit ends a task, which begins anew.
      tags: ['task:ending', 'not_begun'],
      on: {
        'xstate.done.actor.*': [
          { guard: 'leavesWork', target: 'committing', actions: ['noteLastRun', 'forgetAgent'] },
          { target: 'cancelled', actions: ['noteEnd', 'forgetAgent'] },
        ],
        conclude: { description: 'it is being ended' },
        end: { actions: 'tellEnd' },
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
