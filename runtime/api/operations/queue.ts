/** The queue for slots. */
import type { OperationParts } from '../commands/commands.ts';
import type { QueueCleared, QueueEntry, QueueStats, QueueSwitched } from '../contract/runs.ts';
import { operationWith } from './operation.ts';
import { answerOf, listOf, type Schemas } from './shape.ts';

const operation = operationWith<OperationParts>();

const which = ({ line }: Schemas) => ({ project: line(255).optional(), plan: line(256).optional() });
/** Empty: the whole queue. */
const part = (schemas: Schemas) => ({ ...which(schemas), title: schemas.line(512).optional() });
const partErrors = ['repo_not_found', 'plan_not_found', 'not_found'] as const;

export const queueOperations = {
  queue: operation({
    http: 'GET /v1/queue',
    does: 'the agents that work, wait or have ended, each once over all its attempts; the last 500 of those that have ended',
    who: 'anyone',
    input: which,
    answer: listOf<QueueEntry>(({ shapes }) => shapes.queueEntry),
    run: ({ views }, asked) => views.queue(asked),
  }),
  queueStats: operation({
    http: 'GET /v1/queue/stats',
    does: 'the number of agents in each state, the pauses, and the agents that wait for them',
    who: 'anyone',
    input: which,
    answer: answerOf<QueueStats>(({ shapes }) => shapes.queueStats),
    run: ({ views }, asked) => views.queueStats(asked),
    verb: {
      name: 'stats',
      listed: 'count its agents',
      summary: 'Print how many agents wait, work and have ended, and what is paused.',
      takesProject: true,
      examples: ['stator queue stats', 'stator queue stats --json'],
    },
  }),
  pauseQueue: operation({
    http: 'POST /v1/queue/pause',
    does: 'pauses the whole queue, a repo, a plan or the agent of a title: none of its agents starts until it is resumed; running agents go on',
    again: 'free',
    who: 'person',
    needs: 'steer',
    input: part,
    answer: answerOf<QueueSwitched>(({ shapes }) => shapes.queueSwitched),
    errors: partErrors,
    run: ({ commands }, asked) => commands.pauseQueue(asked),
  }),
  resumeQueue: operation({
    http: 'POST /v1/queue/resume',
    does: 'ends that pause, or with `all` every pause; other pauses stay',
    again: 'free',
    who: 'person',
    needs: 'steer',
    input: (schemas) => ({ ...part(schemas), all: schemas.z.boolean().optional() }),
    answer: answerOf<QueueSwitched>(({ shapes }) => shapes.queueSwitched),
    errors: partErrors,
    run: ({ commands }, asked) => commands.resumeQueue(asked),
  }),
  clearQueue: operation({
    http: 'POST /v1/queue/clear',
    does: 'takes ended agents off the list',
    again: 'free',
    who: 'person',
    needs: 'steer',
    answer: answerOf<QueueCleared>(({ shapes }) => shapes.queueCleared),
    run: ({ commands }) => commands.clearQueue(),
  }),
};
