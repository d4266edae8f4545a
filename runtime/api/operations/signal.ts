/** The inbox: signals listed and delivered again. */
import type { OperationParts } from '../commands/commands.ts';
import type { SignalAnswer, SignalEntry } from '../contract/signals.ts';
import { operationWith } from './operation.ts';
import { answerOf, listOf, type Schemas } from './shape.ts';

const operation = operationWith<OperationParts>();

const which = ({ digits }: Schemas) => ({ id: digits });
const idArg = { type: 'positional', number: 'the id of a signal', description: 'the number of the signal' } as const;

export const signalOperations = {
  signals: operation({
    http: 'GET /v1/signals',
    does: 'up to 1,000 signals of all repos, the newest first',
    who: 'anyone',
    input: ({ z, line, shapes }) => ({
      project: line(255).optional(),
      plan: line(256).optional(),
      status: z.enum(shapes.signalStatuses).optional(),
    }),
    answer: listOf<SignalEntry>(({ shapes }) => shapes.signalEntry),
    run: ({ views }, filter) => views.signals(filter),
    verb: {
      name: 'list',
      listed: 'list the signals; show one',
      summary: 'List the signals of this repo; outside of a repo, and with --all, of all repos.',
      args: {
        plan: { type: 'positional', required: false, description: 'of one plan only' },
        status: { type: 'string', valueHint: 'status', description: 'pending, held, done or failed' },
      },
      takesAll: true,
      examples: ['stator signal list login --status failed'],
    },
  }),
  signal: operation({
    http: 'GET /v1/signals/:id',
    does: 'one signal',
    who: 'anyone',
    input: which,
    answer: answerOf<SignalEntry>(({ shapes }) => shapes.signalEntry),
    errors: ['not_found'],
    run: ({ views }, { id }) => views.signal(id),
    verb: {
      name: 'show',
      listed: { with: 'list' },
      summary: 'Show one signal with its payload and its result.',
      args: { id: idArg },
      examples: ['stator signal show 42 --json'],
    },
  }),
  retrySignal: operation({
    http: 'POST /v1/signals/:id/retry',
    does: 'delivers a failed signal again; 409 if it did not fail',
    again: 'never',
    who: 'person',
    needs: 'steer',
    input: which,
    answer: answerOf<SignalAnswer>(({ shapes }) => shapes.signalAnswer),
    errors: ['not_found', 'conflict'],
    run: ({ commands }, { id }) => commands.retry(id),
    verb: {
      name: 'retry',
      listed: 'deliver a failed signal again',
      summary: 'Deliver a failed signal again.',
      args: { id: idArg },
      examples: ['stator signal retry 42'],
    },
  }),
};
