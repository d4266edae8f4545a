/** kasmos's requests to agents. */
import { z } from 'zod';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { planNameOf } from '../../../../machines/vocabulary/ids.ts';
import type { SignalType } from '../../../../machines/vocabulary/signal.ts';
import { admissionErrors } from '../../contract/admission-errors.ts';
import { time } from '../../contract/shared-shapes.ts';
import { messageText, refusedAnswer, signalAnswer } from '../../contract/signals.ts';
import { line, projectParams, titleParams } from '../requests.ts';
import { type Ask, empty, json, refused, route, sendAndAnswer } from '../route.ts';

const message = z
  .strictObject({
    prompt: messageText.optional(),
    message: messageText.optional(),
  })
  .refine(({ prompt, message }) => (prompt === undefined) !== (message === undefined), {
    error: 'is required, and only one of message and prompt',
    path: ['message'],
  });

export const instanceRoutes = [
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
          error: 'is 0 (once) or 2 (no); the configuration says what is always allowed: permissions = "skip"',
        }),
      }),
      answers: { 204: 'empty', 202: signalAnswer, 409: refusedAnswer },
      errors: ['not_found', ...admissionErrors],
    },
    (ask) => sendTo(ask, ask.body.choice === 0 ? 'agent_allow' : 'agent_deny'),
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
          prompt: messageText.default(''),
          solo_agent: z.literal(true).optional(),
          task_file: line(256).optional(),
        })
        .refine(({ prompt, task_file: file }) => prompt.trim() !== '' || file !== undefined, {
          error: 'is required where no task_file is named',
          path: ['prompt'],
        }),
      answers: { 202: z.object({ title: z.string() }), 409: refusedAnswer },
      errors: ['bad_plan', 'conflict', 'agent_unusable', 'branch_taken', 'unavailable', ...admissionErrors],
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
      errors: ['not_found', ...admissionErrors],
    },
    (ask) => sendTo(ask, 'agent_send', { body: ask.body.message ?? ask.body.prompt ?? '' }),
  ),
] as const;

type Titled = Pick<Ask, 'core' | 'principal'> & { readonly params: { project: string; title: string } };

/** Sends a signal to the agent with that title; success has no answer. Throws `not_found`. */
async function sendTo(ask: Titled, type: SignalType, more: object = {}) {
  const { project, title } = ask.params;
  const { plan } = await ask.core.views.instance(project, title);
  const reply = await sendAndAnswer(ask, { project, plan, type, payload: { title, ...more } });
  return reply.status === 200 ? empty(204) : reply;
}
