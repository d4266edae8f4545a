/** Agents, addressed by title, over all their attempts. kasmos's further requests to agents are in `control/routes/instances.ts`. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { keys } from '../../../machines/vocabulary/keys.ts';
import { isFinal } from '../../../machines/vocabulary/run-state.ts';
import type { OperationParts } from '../commands/commands.ts';
import { admissionErrors } from '../contract/admission-errors.ts';
import type { MessageEntry } from '../contract/agent-messages.ts';
import type { InstanceEntry, RunLog } from '../contract/runs.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import type { WorkEntry } from '../contract/work.ts';
import {
  answerOf,
  listOf,
  operationWith,
  plainText,
  type Schemas,
  type Sender,
  toolOffset,
  toolPage,
  toolPageLength,
  type VerbWords,
} from './operation.ts';

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
const linesFromEnd = ({ z }: Schemas) => z.int().min(-999_999).max(0);

/** A change of an agent that has no other field. `done`: what its tool answers, before the title. */
function change(
  type: 'agent_pause' | 'agent_resume' | 'agent_restart' | 'agent_kill',
  { http, does, tool, verb }: ChangeWords,
) {
  const { done, ...words } = tool;
  const name = type.replace('agent_', '');
  return operation({
    ...{ http, does, errors, input: titled, answer: verdict },
    again: 'signal',
    who: 'own',
    needs: 'steer',
    verdict: type === 'agent_kill' ? 'agent_end' : 'agent',
    run: ({ commands }, at, sender) => commands.sendToAgent(at, { type, ...sender }),
    tool: {
      ...words,
      name: `instance_${name}`,
      answers: {
        shape: ({ z, shapes }) => z.object({ ...shapes.signalAnswer.shape, message: z.string() }),
        from: (answer, { title }) => ({ ...answer, message: `${done} ${title}` }),
      },
    },
    verb: {
      ...{ name, listed: verb.listed, summary: verb.summary, of: 'agent' },
      act: { type, does: verb.does ?? name },
      examples: [`stator agent ${name} login-w1-t2`, verb.example],
    },
  });
}

interface ChangeWords {
  readonly http: `POST /${string}`;
  readonly does: string;
  readonly tool: { readonly does: string; readonly done: string; readonly ends?: true };
  readonly verb: Pick<VerbWords<never, never>, 'listed' | 'summary'> & {
    readonly does?: string;
    readonly example: string;
  };
}

/** A state of stator, or of kasmos: `ready`, `loading`. */
function isInState({ state, ready, loading }: InstanceEntry, wanted: unknown): boolean {
  return wanted === 'ready' ? ready : wanted === 'loading' ? loading : state === wanted;
}

export const agentOperations = {
  work: operation({
    http: 'GET /v1/work',
    does: 'what was done from `from` to `to`, at most 31 days: the runs of all repos that were under way then, their plans as they are now, and the signals of people',
    who: 'anyone',
    input: ({ time }) => ({ from: time, to: time }),
    answer: answerOf<WorkEntry>(({ shapes }) => shapes.workEntry),
    run: ({ views }, question) => views.work(question),
  }),
  instances: operation({
    http: 'GET /v1/instances',
    does: 'the newest 1,000 agents of all repos, or those with that title; `live=1` those that are not final',
    who: 'anyone',
    input: ({ line, name, flag }) => ({
      project: line(255).optional(),
      plan: line(256).optional(),
      title: name.optional(),
      live: flag.optional(),
    }),
    answer: listOf<InstanceEntry>(({ shapes }) => shapes.instanceEntry),
    run: ({ views }, filter) => views.instances(filter),
    tool: {
      name: 'instance_list',
      does: `Lists the newest 1,000 agents, each once over all its attempts: state, plan, role, worktree, what it asks permission for, what it used. Those that have not ended come first; ${toolPageLength} at once.`,
      takes: {
        status: {
          as: ({ z, shapes }) => z.enum([...shapes.instanceEntry.shape.state.options, 'ready', 'loading']).optional(),
        },
        offset: { as: toolOffset },
        plan: '',
        title: '',
        project: '',
      },
      asks: ({ status: _, offset: __, ...of }) => of,
      answers: {
        shape: ({ z, count, shapes }) => z.object({ instances: z.array(shapes.instanceEntry), total: count }),
        from(all, { status, offset }) {
          const found = all.filter((entry) => status === undefined || isInState(entry, status));
          const sorted = found.toSorted((a, b) => Number(isFinal(a)) - Number(isFinal(b)));
          return { instances: toolPage(sorted, Number(offset)), total: found.length };
        },
      },
    },
    verb: {
      name: 'list',
      listed: 'list the agents; show one',
      summary: 'List the agents of this repo; outside of a repo, and with --all, of all repos.',
      args: { plan: { type: 'positional', required: false, description: 'of one plan only' } },
      takesAll: true,
      examples: ['stator agent list login'],
    },
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
    tool: {
      name: 'capture_pane',
      does: 'Shows the end of an agent’s output, at most 64 KiB, without control characters.',
      takes: {
        start: { as: (schemas) => linesFromEnd(schemas).describe('-50: the last 50 lines').optional() },
        end: { as: (schemas) => linesFromEnd(schemas).describe('-10: without the last 10').optional() },
        project: '',
      },
      answers: {
        shape: ({ z }) => z.object({ title: z.string(), text: z.string() }),
        from: (text, { title }) => ({ title, text }),
      },
      text: ({ text }: { readonly text: string }) => text,
    },
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
    tool: {
      name: 'instance_logs',
      does: 'Shows the log of an agent’s newest run, of all runs of one attempt, or of the checks that judged them: the last 64 KiB of each.',
      takes: {
        attempt: { as: ({ z }) => z.int().min(1).optional() },
        check: { as: ({ z }) => z.boolean().describe('of the checks instead').default(false) },
        project: '',
      },
      list: 'logs',
      text: ({ logs }: { readonly logs: readonly RunLog[] }) => logs.map(({ text }) => text).join('\n'),
    },
  }),
  words: operation({
    http: 'GET /v1/repos/:project/words',
    does: 'the messages of people to its agents, each with its state: it waits for a run, a run has it, or no agent could get it; `title`: of one agent and those that it follows',
    who: 'anyone',
    input: ({ name, line }) => ({ project: name, plan: line(256).optional(), title: line(256).optional() }),
    answer: listOf<MessageEntry>(({ shapes }) => shapes.messageEntry),
    run: ({ views }, filter) => views.words(filter),
    verb: {
      name: 'messages',
      listed: 'list what people said to agents, and who has it',
      summary: 'List what people said to agents, and where it is.',
      args: { title: { type: 'positional', required: false, description: 'as stator agent list shows it' } },
      examples: ['stator agent messages login-w1-t2'],
      more: `states: waiting (for the next run), given (a run has it), typed (its program
has not said yet that it read it), refused (no agent could get it any more)`,
    },
  }),
  pauseInstance: change('agent_pause', {
    http: 'POST /v1/repos/:project/instances/:title/pause',
    does: 'freezes the processes of an agent; it keeps its slot, and its deadline moves',
    tool: { does: 'Freezes the processes of an agent; its slot is kept.', done: 'paused' },
    verb: {
      listed: 'freeze an agent; continue it',
      summary: 'Freeze an agent with all its processes. It keeps its slot, and its deadline is moved.',
      example: 'stator agent resume login-w1-t2',
    },
  }),
  resumeInstance: change('agent_resume', {
    http: 'POST /v1/repos/:project/instances/:title/resume',
    does: 'lets a paused agent go on',
    tool: { does: 'Lets a paused agent go on.', done: 'resumed' },
    verb: { listed: { with: 'pause' }, summary: 'Continue a paused agent.', example: 'stator agent pause login-w1-t2' },
  }),
  restartInstance: change('agent_restart', {
    http: 'POST /v1/repos/:project/instances/:title/restart',
    does: 'ends the attempt and starts a new one',
    tool: { does: 'Ends an agent’s attempt and starts a new one.', done: 'restarted', ends: true },
    verb: {
      listed: 'end its attempt: start a new one, or fail its task',
      summary: 'End the attempt of an agent and start a new one, from a clean branch.',
      example: 'stator agent logs login-w1-t2 -f    # see it begin',
    },
  }),
  killInstance: change('agent_kill', {
    http: 'POST /v1/repos/:project/instances/:title/kill',
    does: 'ends the attempt, and its task has failed; if the agent has already ended, the verdict says so, and the status is 200',
    tool: { does: 'Ends an agent’s attempt; its task has failed.', done: 'ended', ends: true },
    verb: {
      listed: { with: 'restart' },
      summary: 'End the attempt of an agent; its task fails.',
      does: 'end',
      example: 'stator plan advance login retry-wave    # runs it again',
    },
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
