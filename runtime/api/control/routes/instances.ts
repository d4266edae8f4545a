/** Routes of agents, addressed by title, over all their attempts. */
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { planNameOf } from '../../../../machines/vocabulary/ids.ts';
import { keys } from '../../../../machines/vocabulary/keys.ts';
import type { SignalType } from '../../../../machines/vocabulary/signal.ts';
import { permissionId, signalBodyLimitBytes } from '../../../../machines/vocabulary/signal-kind.ts';
import { tailOf } from '../../../work/agents/output-log.ts';
import { readableLog } from '../../../work/agents/reports/readable-log.ts';
import { runFolderAt } from '../../../work/agents/run-folder.ts';
import { instanceEntry, runLog } from '../../contract/runs.ts';
import { time } from '../../contract/shared-shapes.ts';
import { signalAnswer } from '../../contract/signals.ts';
import { wordEntry } from '../../contract/words.ts';
import { digits, given, line, projectParams, titleParams } from '../requests.ts';
import { type Ask, empty, json, route, text } from '../route.ts';
import { doorErrors, refused, refusedAnswer, sendAndAnswer, sendSignal } from '../verdicts.ts';

/** kasmos's field for success, with the verdict. */
const done = signalAnswer.extend({ status: z.literal('ok') }).meta({ id: 'InstanceVerdict' });

const wordAnswers = { 200: done, 202: signalAnswer, 409: refusedAnswer } as const;

/** A line counted from the end: -50 is the fiftieth from there, 0 the end itself. */
const lineFromEnd = z
  .string()
  .regex(/^(0|-\d{1,6})$/, 'is neither 0 nor a negative number of lines')
  .transform(Number);

const message = z
  .strictObject({
    prompt: z.string().max(signalBodyLimitBytes).optional(),
    message: z.string().max(signalBodyLimitBytes).optional(),
  })
  .refine(({ prompt, message }) => (prompt === undefined) !== (message === undefined), {
    error: 'is required, and only one of message and prompt',
    path: ['message'],
  });

/** The signal's schema defines keys and lines. */
const typed = z
  .strictObject({ text: z.string().max(signalBodyLimitBytes).optional(), key: z.enum(keys).optional() })
  .refine(({ text, key }) => (text === undefined) !== (key === undefined), {
    error: 'is required, and only one of text and key',
    path: ['text'],
  });

export const instanceRoutes = [
  route(
    'GET /v1/instances',
    {
      does: 'the agents of all repos; `live=1` those that are not final',
      who: 'anyone',
      query: z.strictObject({
        project: line(255).optional(),
        plan: line(256).optional(),
        live: z
          .enum(['0', '1'])
          .transform((text) => text === '1')
          .optional(),
      }),
      answers: { 200: z.array(instanceEntry) },
    },
    async ({ core, query }) => json(200, await core.views.instances(given(query))),
  ),
  route(
    'GET /v1/repos/:project/instances',
    {
      does: 'the agents of a repo; an empty list if the repo is not registered',
      who: 'anyone',
      params: projectParams,
      answers: { 200: z.array(instanceEntry) },
    },
    async ({ core, params }) => json(200, await core.views.instances(params)),
  ),
  route(
    'GET /v1/repos/:project/instances/:title/capture',
    {
      does: 'the end of its log, at most 64 KiB, without control characters; `start=-50` the last 50 lines, `end=-10` without the last 10',
      who: 'anyone',
      params: titleParams,
      query: z.strictObject({ start: lineFromEnd.optional(), end: lineFromEnd.optional() }),
      answers: { 200: 'text' },
      errors: ['not_found'],
    },
    async ({ core, params: { project, title }, query }) => {
      const { log, preset } = await core.views.instance(project, title);
      core.views.mustBeHere(project);
      if (log === null) return text(200, '');
      const folder = dirname(log);
      return text(200, linesOf(readableLog(preset, tailOf(runFolderAt(dirname(folder), basename(folder)))), query));
    },
  ),
  route(
    'GET /v1/repos/:project/instances/:title/logs',
    {
      does: 'the log of its newest run; `attempt=2` of every run of that attempt, the oldest first; `check=1` of the checks that judged them instead: at most 20 logs, each the last 64 KiB',
      who: 'anyone',
      params: titleParams,
      query: z.strictObject({
        attempt: digits.optional(),
        check: z
          .enum(['0', '1'])
          .transform((text) => text === '1')
          .optional(),
      }),
      answers: { 200: z.array(runLog) },
      errors: ['not_found'],
    },
    async ({ core, params, query }) => json(200, await core.views.runLogs({ ...params, ...query })),
  ),
  route(
    'GET /v1/repos/:project/words',
    {
      does: 'the messages of people to its agents, each with its state: it waits for a run, a run has it, or no agent could get it; `title`: of one agent and those that it follows',
      who: 'anyone',
      params: projectParams,
      query: z.strictObject({ plan: line(256).optional(), title: line(256).optional() }),
      answers: { 200: z.array(wordEntry) },
    },
    async ({ core, params, query }) => json(200, await core.views.words({ ...params, ...given(query) })),
  ),
  route(
    'POST /v1/repos/:project/instances/:title/pause',
    {
      does: 'freezes the processes of an agent; it keeps its slot, and its deadline moves',
      again: 'signal',
      who: 'own',
      needs: 'steer',
      params: titleParams,
      answers: wordAnswers,
      errors: ['not_found', ...doorErrors],
    },
    (ask) => word(ask, 'agent_pause'),
  ),
  route(
    'POST /v1/repos/:project/instances/:title/resume',
    {
      does: 'lets a paused agent go on',
      again: 'signal',
      who: 'own',
      needs: 'steer',
      params: titleParams,
      answers: wordAnswers,
      errors: ['not_found', ...doorErrors],
    },
    (ask) => word(ask, 'agent_resume'),
  ),
  route(
    'POST /v1/repos/:project/instances/:title/restart',
    {
      does: 'ends the attempt and starts a new one',
      again: 'signal',
      who: 'own',
      needs: 'steer',
      params: titleParams,
      answers: wordAnswers,
      errors: ['not_found', ...doorErrors],
    },
    (ask) => word(ask, 'agent_restart'),
  ),
  route(
    'POST /v1/repos/:project/instances/:title/kill',
    {
      does: 'ends the attempt, and its task has failed; if the agent has already ended, the verdict says so, and the status is 200',
      again: 'signal',
      who: 'own',
      needs: 'steer',
      params: titleParams,
      answers: { 200: done, 202: signalAnswer },
      errors: ['not_found', ...doorErrors],
    },
    async (ask) => {
      const reply = await word(ask, 'agent_kill');
      if (reply.status !== 409) return reply;
      const { signal, plan } = reply.json;
      return json(200, { status: 'ok' as const, signal, plan });
    },
  ),
  route(
    'POST /v1/repos/:project/instances/:title/allow',
    {
      does: 'allows an agent’s permission request; `permission` names the question, and is required if several are open',
      again: 'signal',
      who: 'person',
      needs: 'answer',
      params: titleParams,
      body: z.strictObject({ permission: permissionId.optional() }),
      answers: wordAnswers,
      errors: ['not_found', ...doorErrors],
    },
    (ask) => word(ask, 'agent_allow', given(ask.body)),
  ),
  route(
    'POST /v1/repos/:project/instances/:title/deny',
    {
      does: 'denies an agent’s permission request, with a message to it; `permission` as for allow',
      again: 'signal',
      who: 'person',
      needs: 'answer',
      params: titleParams,
      body: z.strictObject({
        permission: permissionId.optional(),
        message: z.string().max(signalBodyLimitBytes).optional(),
      }),
      answers: wordAnswers,
      errors: ['not_found', ...doorErrors],
    },
    (ask) => word(ask, 'agent_deny', given(ask.body)),
  ),
  route(
    'POST /v1/repos/:project/instances/:title/permission',
    {
      does: 'kasmos’s answer to a permission request: `choice` 0 allows it once, 2 denies it',
      again: 'free',
      who: 'person',
      needs: 'answer',
      params: titleParams,
      body: z.strictObject({
        choice: z.literal([0, 2], {
          error: 'is 0 (once) or 2 (no); what is always allowed stands in the configuration: permissions = "skip"',
        }),
      }),
      answers: { 204: 'empty', 202: signalAnswer, 409: refusedAnswer },
      errors: ['not_found', ...doorErrors],
    },
    async (ask) => {
      const reply = await word(ask, ask.body.choice === 0 ? 'agent_allow' : 'agent_deny');
      return reply.status === 200 ? empty(204) : reply;
    },
  ),
  route(
    'GET /v1/repos/:project/instances/:title/presentation',
    {
      does: 'whether the turns of an agent can be shown one by one, as for kasmos’s SDK agents: no agent of stator has them, and `capture` shows its output',
      who: 'anyone',
      params: titleParams,
      answers: { 200: z.object({ supported: z.literal(false), turns: z.null(), captured_at: time }) },
      errors: ['not_found'],
    },
    async ({ core, params: { project, title } }) => {
      await core.views.instance(project, title);
      return json(200, { supported: false as const, turns: null, captured_at: new Date(core.nowMs()).toISOString() });
    },
  ),
  route(
    'POST /v1/repos/:project/instances/solo',
    {
      does: 'starts one agent without a planner: for `prompt`, in a session named `title`; or for the draft `task_file`. `program` is the role’s configured one, or left out; returns the title of the agent',
      who: 'person',
      needs: 'steer',
      params: projectParams,
      body: z
        .strictObject({
          title: line(200),
          program: line(1024).or(z.literal('')).default(''),
          prompt: z.string().max(signalBodyLimitBytes).default(''),
          solo_agent: z.literal(true).optional(),
          task_file: line(256).optional(),
        })
        .refine(({ prompt, task_file: file }) => prompt.trim() !== '' || file !== undefined, {
          error: 'is required where no task_file is named',
          path: ['prompt'],
        }),
      answers: { 202: z.object({ title: z.string() }), 409: refusedAnswer },
      errors: ['bad_plan', 'conflict', 'agent_unusable', 'untrusted', 'branch_taken', 'unavailable', ...doorErrors],
    },
    async ({ core: { commands, views }, params: { project }, body: { title, program, prompt, task_file: file } }) => {
      views.mustKnow(project);
      const role = file === undefined ? 'session' : 'coder';
      if (program !== '') commands.refuseOtherProgram(project, role, program);
      if (file === undefined) {
        const name = planNameOf(title);
        if (name === null)
          throw new EngineError('bad_request', 'title gives no name', 'begin it with a letter or a digit');
        return json(202, { title: await commands.startWork({ project, name, message: prompt }) });
      }
      const plan = file.replace(/\.md$/, '');
      const { answer, title: agent } = await commands.soloPlan({ project, plan, words: prompt });
      return answer.signal.status === 'failed' ? refused(answer) : json(202, { title: agent });
    },
  ),
  route(
    'POST /v1/repos/:project/instances/:title/send',
    {
      does: 'leaves a message for the agent’s next turn',
      again: 'signal',
      who: 'own',
      needs: 'steer',
      params: titleParams,
      body: message,
      answers: { 204: 'empty', 202: signalAnswer, 409: refusedAnswer },
      errors: ['not_found', ...doorErrors],
    },
    async (ask) => {
      const { project, title } = ask.params;
      const { plan } = await ask.core.views.instance(project, title);
      const body = ask.body.message ?? ask.body.prompt ?? '';
      const reply = await sendAndAnswer(ask, { project, plan, type: 'agent_send', payload: { title, body } });
      return reply.status === 200 ? empty(204) : reply;
    },
  ),
  route(
    'POST /v1/repos/:project/instances/:title/type',
    {
      does: 'types a line of `text` to an agent that reads while it works, or presses a `key` in its terminal (`terminal = true`)',
      again: 'signal',
      who: 'person',
      needs: 'steer',
      params: titleParams,
      body: typed,
      answers: wordAnswers,
      errors: ['not_found', ...doorErrors],
    },
    (ask) => word(ask, 'agent_type', given(ask.body)),
  ),
] as const;

type Titled = Pick<Ask, 'core' | 'principal'> & { readonly params: { project: string; title: string } };

/** Sends a signal to the agent with that title. Throws `not_found`. */
async function word(ask: Titled, type: SignalType, more: object = {}) {
  const { project, title } = ask.params;
  const { plan } = await ask.core.views.instance(project, title);
  const answer = await sendSignal(ask, { project, plan, type, payload: { title, ...more } });
  const { status } = answer.signal;
  if (status === 'failed') return refused(answer);
  return status === 'pending' ? json(202, answer) : json(200, { status: 'ok' as const, ...answer });
}

/** The lines between two line numbers that count from the end. */
function linesOf(whole: string, { start, end }: { start?: number | undefined; end?: number | undefined }): string {
  if ((start ?? 0) === 0 && (end ?? 0) === 0) return whole;
  const lines = whole.replace(/\n$/, '').split('\n');
  const kept = lines.slice((start ?? 0) === 0 ? 0 : start, (end ?? 0) === 0 ? undefined : end);
  return kept.length === 0 ? '' : `${kept.join('\n')}\n`;
}
