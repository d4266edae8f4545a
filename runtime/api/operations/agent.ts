/** Agents, addressed by title, over all their attempts. What kasmos asks of them besides is in `control/routes/instances.ts`. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { keys } from '../../../machines/vocabulary/keys.ts';
import type { SignalType } from '../../../machines/vocabulary/signal.ts';
import type { OperationParts } from '../commands/commands.ts';
import { admissionErrors } from '../contract/admission-errors.ts';
import type { InstanceEntry, RunLog } from '../contract/runs.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import type { WordEntry } from '../contract/words.ts';
import type { WorkEntry } from '../contract/work.ts';
import { operationWith, type Sender } from './operation.ts';
import { answerOf, listOf, plainText, type Schemas } from './shape.ts';

const operation = operationWith<OperationParts>();

const person: Sender = { origin: 'person', run: null };
const titled = ({ name }: Schemas) => ({ project: name, title: name });
const verdict = answerOf<SignalAnswer>(({ shapes }) => shapes.signalAnswer);
const errors = ['not_found', ...admissionErrors] as const;

/** A line counted from the end: -50 is the fiftieth from there, 0 the end itself. */
const lineFromEnd = ({ z }: Schemas) =>
  z
    .string()
    .regex(/^(0|-\d{1,6})$/, 'is neither 0 nor a negative number of lines')
    .transform(Number);

/** A change of an agent that has no other field. */
function change(type: SignalType, { http, does }: { readonly http: `POST /${string}`; readonly does: string }) {
  return operation({
    ...{ http, does, errors, input: titled, answer: verdict },
    again: 'signal',
    who: 'own',
    needs: 'steer',
    verdict: type === 'agent_kill' ? 'agent_end' : 'agent',
    run: ({ commands }, at, sender) => commands.sendToAgent(at, { type, ...sender }),
  });
}

export const agentOperations = {
  work: operation({
    http: 'GET /v1/work',
    does: 'what was done from `from` to `to`, at most 31 days: the runs of all repos that were under way then, and the signals of people',
    who: 'anyone',
    input: ({ time }) => ({ from: time, to: time }),
    answer: answerOf<WorkEntry>(({ shapes }) => shapes.workEntry),
    run: ({ views }, question) => views.work(question),
  }),
  instances: operation({
    http: 'GET /v1/instances',
    does: 'the agents of all repos; `live=1` those that are not final',
    who: 'anyone',
    input: ({ line, flag }) => ({
      project: line(255).optional(),
      plan: line(256).optional(),
      live: flag.optional(),
    }),
    answer: listOf<InstanceEntry>(({ shapes }) => shapes.instanceEntry),
    run: ({ views }, filter) => views.instances(filter),
  }),
  instancesOfRepo: operation({
    http: 'GET /v1/repos/:project/instances',
    does: 'the agents of a repo; an empty list if the repo is not registered',
    who: 'anyone',
    input: ({ name }) => ({ project: name }),
    answer: listOf<InstanceEntry>(({ shapes }) => shapes.instanceEntry),
    run: ({ views }, { project }) => views.instances({ project }),
  }),
  capture: operation({
    http: 'GET /v1/repos/:project/instances/:title/capture',
    does: 'the end of its log, at most 64 KiB, without control characters; `start=-50` the last 50 lines, `end=-10` without the last 10',
    who: 'anyone',
    input: (schemas) => ({
      ...titled(schemas),
      start: lineFromEnd(schemas).optional(),
      end: lineFromEnd(schemas).optional(),
    }),
    answer: plainText,
    errors: ['not_found'],
    run: ({ views }, asked) => views.capture(asked),
  }),
  runLogs: operation({
    http: 'GET /v1/repos/:project/instances/:title/logs',
    does: 'the log of its newest run; `attempt=2` of every run of that attempt, the oldest first; `check=1` of the checks that judged them instead: at most 20 logs, each the last 64 KiB',
    who: 'anyone',
    input: (schemas) => ({
      ...titled(schemas),
      attempt: schemas.digits.optional(),
      check: schemas.flag.optional(),
    }),
    answer: listOf<RunLog>(({ shapes }) => shapes.runLog),
    errors: ['not_found'],
    run: ({ views }, asked) => views.runLogs(asked),
  }),
  words: operation({
    http: 'GET /v1/repos/:project/words',
    does: 'the messages of people to its agents, each with its state: it waits for a run, a run has it, or no agent could get it; `title`: of one agent and those that it follows',
    who: 'anyone',
    input: ({ name, line }) => ({ project: name, plan: line(256).optional(), title: line(256).optional() }),
    answer: listOf<WordEntry>(({ shapes }) => shapes.wordEntry),
    run: ({ views }, filter) => views.words(filter),
  }),
  pauseInstance: change('agent_pause', {
    http: 'POST /v1/repos/:project/instances/:title/pause',
    does: 'freezes the processes of an agent; it keeps its slot, and its deadline moves',
  }),
  resumeInstance: change('agent_resume', {
    http: 'POST /v1/repos/:project/instances/:title/resume',
    does: 'lets a paused agent go on',
  }),
  restartInstance: change('agent_restart', {
    http: 'POST /v1/repos/:project/instances/:title/restart',
    does: 'ends the attempt and starts a new one',
  }),
  killInstance: change('agent_kill', {
    http: 'POST /v1/repos/:project/instances/:title/kill',
    does: 'ends the attempt, and its task has failed; if the agent has already ended, the verdict says so, and the status is 200',
  }),
  allowPermission: operation({
    http: 'POST /v1/repos/:project/instances/:title/allow',
    does: 'allows an agent’s permission request; `permission` names the question, and is required if several are open',
    again: 'signal',
    who: 'person',
    needs: 'answer',
    input: (schemas) => ({ ...titled(schemas), permission: schemas.shapes.questionId.optional() }),
    answer: verdict,
    verdict: 'agent',
    errors,
    run: ({ commands }, asked) => commands.sendToAgent(asked, { type: 'agent_allow', ...person }),
  }),
  denyPermission: operation({
    http: 'POST /v1/repos/:project/instances/:title/deny',
    does: 'denies an agent’s permission request, with a message to it; `permission` as for allow',
    again: 'signal',
    who: 'person',
    needs: 'answer',
    input: (schemas) => ({
      ...titled(schemas),
      permission: schemas.shapes.questionId.optional(),
      message: schemas.shapes.messageText.optional(),
    }),
    answer: verdict,
    verdict: 'agent',
    errors,
    run: ({ commands }, asked) => commands.sendToAgent(asked, { type: 'agent_deny', ...person }),
  }),
  typeToInstance: operation({
    http: 'POST /v1/repos/:project/instances/:title/type',
    does: 'types a line of `text` to an agent that reads while it works, or presses a `key` in its terminal (`terminal = true`)',
    again: 'signal',
    who: 'person',
    needs: 'steer',
    input: (schemas) => ({
      ...titled(schemas),
      text: schemas.shapes.messageText.optional(),
      key: schemas.z.enum(keys).optional(),
    }),
    answer: verdict,
    verdict: 'agent',
    errors,
    run({ commands }, asked) {
      if ((asked.text === undefined) !== (asked.key === undefined))
        return commands.sendToAgent(asked, { type: 'agent_type', ...person });
      throw new EngineError(
        'bad_request',
        'text is required, and only one of text and key',
        'see what the body takes in docs/control-api.md',
      );
    },
  }),
};
