/** The queue for slots. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { OperationParts } from '../commands/commands.ts';
import type { QueueCleared, QueueEntry, QueueStats, QueueSwitched } from '../contract/runs.ts';
import { answerOf, listOf, operationWith, type Schemas } from './operation.ts';

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
    verb: {
      name: 'list',
      listed: 'list or count its agents; drop ended ones',
      summary: 'List working, waiting and ended agents of all repos or that of --project, with what they wait for.',
      takesProject: true,
      examples: ['stator queue list', "stator queue list --json | jq '.[].waiting_for.detail'"],
      more:
        'Each agent has one line for all its attempts. It is pending while it waits for a slot, its next attempt, a service or an answer, and error ' +
        'only when it has failed for good. The position is its place among the agents that wait for a slot.',
    },
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
      listed: { with: 'list' },
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
    verb: {
      name: 'pause',
      listed: 'stop starting agents; start them again',
      summary:
        'Start no agents until the pause ends: none at all, or none of a repo, of a plan, or one agent. Running agents continue.',
      of: 'queue_part',
      examples: [
        'stator queue pause',
        'stator queue pause --project shop     # of that repo',
        'stator queue pause --plan login       # of a plan of this repo',
      ],
      more:
        'The pause outlives the engine. A paused agent loses no attempt; stator queue list, stator status and stator plan explain name the ' +
        'pause. An agent starts when neither it, its plan, its repo nor the whole queue is paused.',
    },
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
    verb: {
      name: 'resume',
      listed: { with: 'pause' },
      summary: 'End a pause of the queue: of the whole queue, a repo, a plan or one agent.',
      of: 'queue_part',
      args: { all: { type: 'boolean', description: 'end all pauses' } },
      check({ all, plan, agent }, project) {
        if (all === true && (plan ?? agent ?? project) !== undefined)
          throw new EngineError(
            'usage',
            '--all ends every pause, so it takes no --project, --plan or --agent',
            'leave out --all, or the names beside it',
          );
      },
      examples: ['stator queue resume --plan login      # ends only that pause'],
    },
  }),
  clearQueue: operation({
    http: 'POST /v1/queue/clear',
    does: 'takes ended agents off the list',
    again: 'free',
    who: 'person',
    needs: 'steer',
    answer: answerOf<QueueCleared>(({ shapes }) => shapes.queueCleared),
    run: ({ commands }) => commands.clearQueue(),
    verb: {
      name: 'clear',
      listed: { with: 'list' },
      summary: 'Remove ended agents from the list; waiting and running agents stay.',
      check(_typed, project) {
        if (project !== undefined)
          throw new EngineError(
            'usage',
            'queue clear takes no --project: it clears the list of all repos',
            'leave out --project',
          );
      },
      examples: ['stator queue clear'],
    },
  }),
};
