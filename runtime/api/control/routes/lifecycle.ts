/** kasmos's signals to a plan. */
import { z } from 'zod';
import { guardTexts } from '../../../../machines/plan/guard-texts.ts';
import { instanceTitle } from '../../../../machines/vocabulary/ids.ts';
import { admissionErrors } from '../../contract/admission-errors.ts';
import { accepted } from '../../contract/plans.ts';
import { messageText, refusedAnswer, type SignalAnswer } from '../../contract/signals.ts';
import { line, planParams } from '../requests.ts';
import { type Ask, json, refused, route, sendSignal } from '../route.ts';

const acceptedAnswers = { 202: accepted, 409: refusedAnswer } as const;

export const lifecycleRoutes = [
  route(
    'POST /v1/repos/:project/plans/:plan/plan',
    {
      does: 'starts planning; the planner finds `prompt` among its messages; `program` is the planner’s configured one, or left out',
      who: 'own',
      needs: 'steer',
      params: planParams,
      body: z.strictObject({
        prompt: messageText.default(''),
        program: line(1024).or(z.literal('')).default(''),
      }),
      answers: acceptedAnswers,
      errors: admissionErrors,
    },
    async (ask) => {
      const { project, plan } = names(ask.params);
      const { prompt, program } = ask.body;
      if (program !== '') ask.core.commands.refuseOtherProgram(project, 'planner', program);
      const answer = await sendSignal(ask, { project, plan, type: 'plan_start', payload: {} });
      if (answer.signal.status === 'failed') return refused(answer);
      return acceptedOf(answer, prompt.trim() === '' ? [] : await pass(ask, { project, plan, prompt }));
    },
  ),
  route(
    'POST /v1/repos/:project/plans/:plan/implement',
    {
      does: 'starts implementing',
      who: 'own',
      needs: 'steer',
      params: planParams,
      answers: acceptedAnswers,
      errors: ['branch_taken', ...admissionErrors],
    },
    async (ask) => {
      const { project, plan } = names(ask.params);
      const answer = await sendSignal(ask, { project, plan, type: 'implement_start', payload: {} });
      if (answer.signal.status !== 'failed') return acceptedOf(answer, []);
      const reply = refused(answer);
      if (answer.signal.refused?.guard !== guardTexts.notPlannedYet) return reply;
      const error = 'task is not yet planned: run plan_start first to create a planning session';
      return json(409, { ...reply.json, error });
    },
  ),
] as const;

/** As in kasmos, a plan's name may end in `.md`. */
function names({ project, plan }: { project: string; plan: string }) {
  return { project, plan: plan.replace(/\.md$/, '') };
}

/** Stores the prompt for the planner; returns a note if there is no planner. */
async function pass(
  ask: Pick<Ask, 'core' | 'principal'>,
  { project, plan, prompt }: { project: string; plan: string; prompt: string },
): Promise<string[]> {
  const title = instanceTitle({ plan, role: 'planner', wave: null, task: null, round: 0 });
  const { signal } = await sendSignal(ask, { project, plan, type: 'agent_send', payload: { title, body: prompt } });
  return signal.status === 'failed'
    ? [`nobody reads the prompt: ${signal.refused?.guard ?? 'there is no planner'}`]
    : [];
}

function acceptedOf({ signal, plan }: SignalAnswer, notes: string[]) {
  return json(202, { status: 'accepted' as const, project: plan.project, filename: plan.plan, signal, plan, notes });
}
