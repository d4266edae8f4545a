/** A stage of a plan: its tasks run side by side, and it settles when every task is final; a retry runs only what is not done. */
import { assertEvent, assign, enqueueActions, sendParent, setup, stopChild } from 'xstate';
import { taskMachine } from '../task/machine.ts';
import {
  type Asked,
  type CommonOrder,
  type DoneEvent,
  isSameWork,
  markedResult,
  type Previous,
  type QuestionWithdrawn,
  type TaskOrder,
  type TaskOutline,
  type TaskOutput,
  type TaskResult,
  type WaveFailed,
  type WaveOrder,
  type WaveOutput,
} from '../vocabulary/family.ts';
import { createClaims, overlapOf } from '../vocabulary/file-claims.ts';
import { childOfRequest, childPath, instanceTitle, taskBranch } from '../vocabulary/ids.ts';
import type { Isolation, RolePolicy } from '../vocabulary/policy.ts';
import type { WaveTag } from '../vocabulary/public-state.ts';
import { taskAgent } from '../vocabulary/task-agent.ts';

export interface WaveInput {
  path: string;
  plan: string;
  number: number;
  /** The plan's branch, from which the tasks' branches begin and into which they are merged. */
  branch: string;
  tasks: TaskOutline[];
  /** The results of earlier generations of this wave: done tasks are not run again, and the count of runs continues. */
  results: Record<number, TaskResult>;
  requireChange: boolean;
  /** `plan`: its tasks share the plan's worktree and branch, so that they run one after the other. Waves of earlier versions have none. */
  isolation?: Isolation;
  coder: RolePolicy;
  feedback: string | null;
}

export interface WaveContext extends WaveInput {
  /** Counts the generations: a task that is run again is another child. */
  count: number;
  /** The children that are not final: id to task number. */
  liveChildren: Record<string, number>;
  started: number[];
  head: string | null;
  outcome: WaveOutput['outcome'];
  at: number;
}

export type WaveEvent = WaveOrder | Asked | QuestionWithdrawn | DoneEvent<TaskOutput>;

function timeOf(context: WaveContext, event: WaveEvent): number {
  if ('at' in event) return event.at;
  return 'output' in event ? event.output.at : context.at;
}

/**
 * The tasks that may start now: the tasks before them are done, and their files overlap with those of no running task. Where they share a worktree, one at a
 * time: the next begins when the one before is final, its commit and its check included.
 */
function startable({ tasks, results, liveChildren, started, isolation }: WaveContext): number[] {
  if (isolation === 'plan' && started.length > 0) return [];
  const here = new Set(Object.values(liveChildren));
  const begun = new Set(started);
  const due = tasks.filter(
    (task) =>
      here.has(task.number) &&
      !begun.has(task.number) &&
      task.after.every((number) => results[number]?.status === 'done'),
  );
  if (due.length === 0) return [];
  const claims = createClaims();
  claims.add(tasks.filter((task) => begun.has(task.number) && here.has(task.number)).flatMap((task) => task.files));
  const free: number[] = [];
  for (const task of due) {
    if (claims.takenOf(task.files) !== null) continue;
    free.push(task.number);
    claims.add(task.files);
    if (isolation === 'plan') break;
  }
  return free;
}

/** The running task whose files overlap with those of a task that could begin otherwise; null: there is none. */
export function fileHolderOf(
  context: Pick<WaveContext, 'tasks' | 'results' | 'liveChildren' | 'started'>,
  number: number,
): { task: number; path: string } | null {
  const { tasks, results, liveChildren, started } = context;
  const here = new Set(Object.values(liveChildren));
  const own = tasks.find((task) => task.number === number);
  if (own === undefined || started.includes(number) || results[number] !== undefined) return null;
  if (!own.after.every((before) => results[before]?.status === 'done')) return null;
  for (const task of tasks) {
    const path = here.has(task.number) && started.includes(task.number) ? overlapOf(own.files, task.files) : null;
    if (path !== null) return { task: task.number, path };
  }
  return null;
}

function taskInput(context: WaveContext, task: TaskOutline, id: string) {
  const found = taskAgent(task, context.coder.small);
  const title = instanceTitle({ plan: context.plan, role: 'coder', wave: context.number, task: task.number, round: 1 });
  return {
    path: childPath(context.path, id),
    wave: context.number,
    number: task.number,
    message: `${task.title} (${context.plan} w${context.number} t${task.number})`,
    hasCheck: task.hasCheck,
    requireChange: context.requireChange,
    agent: {
      title,
      role: 'coder' as const,
      wave: context.number,
      task: task.number,
      branch: context.isolation === 'plan' ? context.branch : taskBranch(context.branch, context.number, task.number),
      from: context.branch,
      attempts: context.coder.attempts,
      timeoutMs: context.coder.timeoutMs,
      idleMs: context.coder.idleMs,
      speaksByExit: false,
      ...(found === null ? {} : { agent: found.agent }),
      feedback: context.feedback,
      previous: previousOf(context.results[task.number]),
    },
  };
}

/** The results of tasks that an edit marks as done. Marking a task that no agent works on means that none should begin it. */
function markedIn({ started, results }: WaveContext, tasks: readonly TaskOutline[]): Record<number, TaskResult> {
  const isMarked = ({ number, isDone }: TaskOutline) =>
    isDone === true && !started.includes(number) && results[number]?.status !== 'done';
  return Object.fromEntries(tasks.filter(isMarked).map(({ number }) => [number, markedResult]));
}

/** A child for each of these tasks, which waits for `start`. */
function newChildren(context: WaveContext, tasks: TaskOutline[], at: number) {
  const count = context.count + 1;
  const inputs = tasks.map((task) => {
    const id = `task-${task.number}.${count}`;
    return { id, input: { ...taskInput(context, task, id), at } };
  });
  const liveChildren = Object.fromEntries(inputs.map(({ id, input }) => [id, input.number]));
  return { count, liveChildren: { ...context.liveChildren, ...liveChildren }, inputs };
}

/** The reason of the earlier generation's failure, for the agent of a retry. */
function previousOf(result: TaskResult | undefined): Previous | null {
  if (result === undefined || result.status === 'done' || result.run === null || result.reason === null) return null;
  const { run, reason, detail } = result;
  return { run, reason, detail };
}

const words = setup({
  types: {
    context: {} as WaveContext,
    events: {} as WaveEvent,
    input: {} as WaveInput & { at: number },
    output: {} as WaveOutput,
    tags: {} as WaveTag,
  },
  actors: { task: taskMachine },
  actions: {
    recordResult: assign(({ context, event }) => {
      assertEvent(event, 'xstate.done.actor.*');
      const number = context.liveChildren[event.actorId];
      if (number === undefined) return {};
      const { [event.actorId]: _, ...liveChildren } = context.liveChildren;
      const { outcome, runs, reason, detail, run, head, commit = null, unchanged, at } = event.output;
      const status = outcome === 'succeeded' ? 'done' : outcome;
      const before = context.results[number]?.runs ?? 0;
      return {
        liveChildren,
        at,
        head: head ?? context.head,
        started: context.started.filter((started) => started !== number),
        results: {
          ...context.results,
          [number]: {
            status,
            runs: before + runs,
            reason,
            detail,
            run,
            ...(commit === null ? {} : { commit }),
            ...(unchanged === undefined ? {} : { unchanged }),
          } as const,
        },
      };
    }),
    forgetTask: stopChild(({ event }) => ('actorId' in event ? event.actorId : '')),
    setTasks: assign(({ context, event }) => {
      assertEvent(event, 'extend');
      return { tasks: event.tasks, results: { ...context.results, ...markedIn(context, event.tasks) } };
    }),
    /** In a running wave, a task that has not begun is ended if its work was changed or removed. Its turn is reserved until it has ended. */
    takeTasks: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'extend');
      const taskOf = (tasks: TaskOutline[], number: number) => tasks.find((task) => task.number === number);
      const marked = markedIn(context, event.tasks);
      const changed = Object.entries(context.liveChildren).filter(([, number]) => {
        const before = taskOf(context.tasks, number);
        return before !== undefined && (number in marked || !isSameWork(before, taskOf(event.tasks, number)));
      });
      for (const [id] of changed) enqueue.sendTo(id, { type: 'end', at: event.at } satisfies TaskOrder);
      const started = [...new Set([...context.started, ...changed.map(([, number]) => number)])];
      enqueue.assign({ tasks: event.tasks, started, results: { ...context.results, ...marked } });
    }),
    noteOutcome: assign((_, outcome: WaveOutput['outcome']) => ({ outcome })),
    noteTime: assign(({ context, event }) => ({ at: timeOf(context, event) })),
    sendToAll: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['end', 'requeue']);
      const order: CommonOrder = event;
      for (const id of Object.keys(context.liveChildren)) enqueue.sendTo(id, order);
    }),
    /** The text of a task that still waits for its turn may be outdated: a retry starts it again. */
    endPending: enqueueActions(({ context, event, enqueue }) => {
      for (const id of Object.keys(context.liveChildren))
        enqueue.sendTo(id, { type: 'end', at: timeOf(context, event) } satisfies TaskOrder);
    }),
    /** To the task whose agent asked, and to no other. */
    passAnswer: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'answered');
      const id = childOfRequest(context.path, event.run);
      if (id in context.liveChildren) enqueue.sendTo(id, event);
    }),
    /** An open question of a task's agent, or its withdrawal. */
    passQuestion: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['child_asked', 'question_withdrawn']);
      const report: Asked | QuestionWithdrawn = { ...event, id: context.path };
      enqueue.sendParent(report);
    }),
    reportFailed: sendParent(
      ({ context: { at, path, head, results } }): WaveFailed => ({ type: 'wave_failed', at, id: path, head, results }),
    ),
  },
  guards: {
    isSettled: ({ context }) => context.started.length === 0,
    allDone: ({ context }) =>
      Object.keys(context.liveChildren).length === 0 &&
      context.tasks.every((task) => context.results[task.number]?.status === 'done'),
    hasNoChildren: ({ context }) => Object.keys(context.liveChildren).length === 0,
    /** Only an edit ends a task of a running wave. */
    wasEndedForEdit: ({ event }) => 'output' in event && event.output.outcome === 'cancelled',
  },
});

const base = words.extend({
  actions: {
    /** Every task that is not done and has no child gets one; an edit begins nothing that has failed. */
    spawnTasks: words.enqueueActions(({ context, event, enqueue }) => {
      const here = new Set(Object.values(context.liveChildren));
      const missing = context.tasks.filter(({ number }) => {
        const result = context.results[number];
        return !here.has(number) && (event.type === 'extend' ? result === undefined : result?.status !== 'done');
      });
      const at = timeOf(context, event);
      const { inputs, count, liveChildren } = newChildren(context, missing, at);
      for (const { id, input } of inputs) enqueue.spawnChild('task', { id, input });
      enqueue.assign({ count, liveChildren, at });
    }),
    /** A task that was ended for its edit gets another child, where the document still has it. The results of earlier generations stay. */
    replaceTask: words.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'xstate.done.actor.*');
      const number = context.liveChildren[event.actorId];
      const { [event.actorId]: _, ...others } = context.liveChildren;
      const { at } = event.output;
      const edited = context.tasks.filter(
        (task) => task.number === number && context.results[number]?.isMarked !== true,
      );
      const { inputs, count, liveChildren } = newChildren({ ...context, liveChildren: others }, edited, at);
      for (const { id, input } of inputs) enqueue.spawnChild('task', { id, input });
      const started = context.started.filter((each) => each !== number);
      enqueue.assign({ count, liveChildren, started, at });
    }),
    startReady: words.enqueueActions(({ context, event, enqueue }) => {
      const free = new Set(startable(context));
      const order: TaskOrder = { type: 'start', at: timeOf(context, event) };
      for (const [id, number] of Object.entries(context.liveChildren)) {
        if (free.has(number)) enqueue.sendTo(id, order);
      }
      enqueue.assign({ started: [...context.started, ...free] });
    }),
  },
});

/** A wave is finished by its tasks, never by a signal. */
const finish = { description: 'its tasks say when it is finished' } as const;
const ended = { actions: ['recordResult', 'forgetTask'] } as const;

const made = base.createMachine({
  id: 'wave',
  version: '1',
  description: 'a stage of a plan',
  context: ({ input: { at, ...input } }) => ({
    ...input,
    count: 0,
    liveChildren: {},
    started: [],
    head: null,
    outcome: 'ended',
    at,
  }),
  output: ({ context: { at, outcome, head, results } }) => ({ at, outcome, head, results }),
  initial: 'running',
  states: {
    running: {
      description: 'its tasks run',
      tags: ['wave:running'],
      entry: ['spawnTasks', 'startReady'],
      on: {
        'xstate.done.actor.*': [
          { guard: 'wasEndedForEdit', actions: ['replaceTask', 'forgetTask', 'startReady'] },
          { actions: ['recordResult', 'forgetTask', 'startReady'] },
        ],
        child_asked: { actions: 'passQuestion' },
        question_withdrawn: { actions: 'passQuestion' },
        retry: { description: 'it runs' },
        extend: { actions: ['takeTasks', 'spawnTasks', 'startReady'] },
        requeue: { actions: 'sendToAll' },
        answered: { actions: 'passAnswer' },
        finish,
        end: { target: 'ending', actions: 'sendToAll' },
      },
      always: [
        { guard: 'allDone', target: 'succeeded' },
        { guard: 'isSettled', target: 'settled' },
      ],
    },
    settled: {
      description: 'it ended with failures; a person says what follows',
      tags: ['wave:failed'],
      entry: 'reportFailed',
      on: {
        retry: { target: 'running', actions: 'noteTime' },
        extend: { actions: ['setTasks', 'endPending'] },
        'xstate.done.actor.*': ended,
        end: [
          { guard: 'hasNoChildren', target: 'ended', actions: 'noteTime' },
          { target: 'ending', actions: ['sendToAll', 'noteTime'] },
        ],
        requeue: { description: 'nothing runs' },
        answered: { description: 'nobody asked' },
        finish,
      },
    },
    ending: {
      description: 'its tasks are being ended',
      on: {
        'xstate.done.actor.*': ended,
        child_asked: { description: 'nobody will answer' },
        question_withdrawn: { actions: 'passQuestion' },
        extend: { description: 'nothing new is begun' },
        requeue: { description: 'everything is being stopped' },
        answered: { description: 'nobody will go on' },
        end: { description: 'it is being ended' },
        retry: { description: 'nothing new is begun' },
        finish,
      },
      always: { guard: 'hasNoChildren', target: 'ended' },
    },
    succeeded: {
      type: 'final',
      description: 'every task is done',
      tags: ['wave:done'],
      entry: { type: 'noteOutcome', params: 'succeeded' },
    },
    ended: { type: 'final', description: 'it is over, done or not', entry: { type: 'noteOutcome', params: 'ended' } },
  },
});

/** A named type: types that contain this one refer to it by name and do not repeat it. */
export interface WaveMachine extends Made {}
type Made = typeof made;

/** The chart of a wave, whose tasks run side by side. An XState machine without effects. */
export const waveMachine: WaveMachine = made;
