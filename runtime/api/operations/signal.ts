/** The inbox: signals sent, previewed, listed and delivered again. */
import type { OperationParts } from '../commands/commands.ts';
import { admissionErrors } from '../contract/admission-errors.ts';
import type { ActPreview } from '../contract/plans.ts';
import type { SignalAnswer, SignalEntry } from '../contract/signals.ts';
import { answerOf, listOf, operationWith, type Schemas } from './operation.ts';

const operation = operationWith<OperationParts>();

const entry = answerOf<SignalEntry>(({ shapes }) => shapes.signalEntry);
const verdict = answerOf<SignalAnswer>(({ shapes }) => shapes.signalAnswer);
const which = ({ digits }: Schemas) => ({ id: digits });
const idArg = { type: 'positional', number: 'the id of a signal', description: 'the number of the signal' } as const;

const filter = ({ line, z, shapes }: Schemas) => ({
  plan: line(256).optional(),
  status: z.enum(shapes.signalStatuses).optional(),
});

export const signalOperations = {
  sendSignal: operation({
    http: 'POST /v1/repos/:project/signals',
    does: 'sends a signal and waits for the verdict: 200, 202 while it is pending, 409 refused',
    again: 'signal',
    who: 'own',
    needs: 'answer',
    sendsSignal: true,
    inRuns: true,
    input: ({ name, z, waitMs }) => ({
      project: name,
      plan: z.string().max(256).default(''),
      type: z.string().min(1).max(128),
      payload: z.unknown().optional(),
      dedupe_key: z.string().min(1).max(256).optional(),
      wait_ms: waitMs,
    }),
    answer: verdict,
    verdict: 'plan',
    errors: ['unknown_signal', 'conflict', 'branch_taken', 'limit_reached', ...admissionErrors],
    run: ({ commands }, { payload = {}, dedupe_key: dedupeKey = null, wait_ms: waitMs, ...of }, sender) =>
      commands.send({ ...of, payload, dedupeKey, waitMs, ...sender }),
  }),
  previewAct: operation({
    http: 'POST /v1/repos/:project/preview',
    does: 'what a person’s signal would do to a plan, and whether it needs a confirmation; changes nothing',
    again: 'free',
    who: 'anyone',
    input: ({ name, z }) => ({
      project: name,
      plan: z.string().max(256),
      type: z.string().min(1).max(128),
      payload: z.unknown().optional(),
    }),
    answer: answerOf<ActPreview>(({ shapes }) => shapes.actPreview),
    errors: ['unknown_signal', 'not_allowed', 'bad_payload', 'too_large', 'repo_not_found', 'plan_not_found'],
    run({ views }, { payload = {}, ...of }) {
      views.mustKnow(of.project);
      return views.previewAct({ ...of, payload });
    },
    tool: {
      name: 'task_preview',
      does: 'Says what a signal of a person would do to a plan (agents that start or end, branches that move), and changes nothing.',
      takes: {
        type: { named: 'event', as: ({ line }) => line(128) },
        payload: { as: ({ z }) => z.record(z.string(), z.unknown()).optional() },
      },
    },
  }),
  signalsOfRepo: operation({
    http: 'GET /v1/repos/:project/signals',
    does: "up to 1,000 of a repo's signals, the newest first",
    who: 'anyone',
    input: (schemas) => ({ project: schemas.name, ...filter(schemas) }),
    answer: listOf<SignalEntry>(({ shapes }) => shapes.signalEntry),
    errors: ['repo_not_found'],
    run({ views }, asked) {
      views.mustKnow(asked.project);
      return views.signals(asked);
    },
  }),
  signalOfRepo: operation({
    http: 'GET /v1/repos/:project/signals/:id',
    does: "one of a repo's signals",
    who: 'anyone',
    input: (schemas) => ({ project: schemas.name, ...which(schemas) }),
    answer: entry,
    errors: ['repo_not_found', 'not_found'],
    run({ views }, { project, id }) {
      views.mustKnow(project);
      return views.signal(id, project);
    },
  }),
  signals: operation({
    http: 'GET /v1/signals',
    does: 'up to 1,000 signals of all repos, the newest first',
    who: 'anyone',
    input: (schemas) => ({ project: schemas.line(255).optional(), ...filter(schemas) }),
    answer: listOf<SignalEntry>(({ shapes }) => shapes.signalEntry),
    run: ({ views }, filter) => views.signals(filter),
    verb: {
      name: 'list',
      listed: 'list the signals; show one',
      summary: 'List the signals of this repo; outside of a repo, and with --all, of all repos.',
      args: {
        plan: { type: 'positional', required: false, description: 'of one plan only' },
        status: {
          type: 'string',
          valueHint: 'status',
          description: 'pending, held, done or failed',
          oneOf: { values: ['pending', 'held', 'done', 'failed'], called: 'status of a signal' },
        },
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
    answer: entry,
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
    answer: verdict,
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
