/** A person's message to a running plan: it answers the plan's question, or its agents read it. */
import { parsePlan } from '../../machines/document/plan-document.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { isDraft } from '../../machines/vocabulary/plan-status.ts';
import type { Client, PlanShow, SignalAnswer } from '../../runtime/api/client/client.ts';
import type { Call } from '../command.ts';
import { type PlanAddress, withPlan } from '../session.ts';
import { refusalLines, verdictMs } from '../verdict.ts';

/** A person's message, and the number of the last question that was put to them. */
export interface Words {
  readonly text: string;
  readonly asked: number | null;
}

/** Why no agent can get the message; null: it was accepted. */
type Trouble = string | null;

/** Throws the errors of the engine. */
export function sayToPlan(call: Call, of: PlanAddress, { text, asked }: Words): Promise<Trouble> {
  return withPlan(call, 'write', of.plan, async (client) => {
    const shown = await client.plan(of.project, of.plan);
    const send = async (type: 'answer' | 'resolve', payload: object) =>
      troubleOf(await client.send({ ...of, type, payload: { ...payload, body: text }, waitMs: verdictMs }));
    if (asked !== null && shown.questions.some(({ number }) => number === asked))
      return send('answer', { questions: [asked] });
    if (shown.blocked !== null && shown.blocked.scope !== 'tasks') return send('resolve', {});
    return sendToAgents(client, of, text);
  });
}

/** Each agent that has not finished reads it in its next turn. An agent that has ended for good refuses it. */
async function sendToAgents(client: Client, of: PlanAddress, text: string): Promise<Trouble> {
  const agents = (await client.instances(of)).filter(({ state }) => state !== 'succeeded');
  const answers = await Promise.all(agents.map(({ title }) => client.sendToInstance(of.project, title, text)));
  const isRead = answers.some((answer) => troubleOf(answer) === null);
  return isRead ? null : `no agent of ${of.plan} is at work that could read this: ${text}`;
}

function troubleOf(answer: SignalAnswer): Trouble {
  return answer.signal.status === 'failed' ? refusalLines(answer).join('\n') : null;
}

/** A text with tasks is a new plan, not a message. */
export function isPlanText(text: string): boolean {
  return parsePlan(text).document.waves.length > 0;
}

/** null: there is no such plan. */
export function findByName(call: Call, plan: string): Promise<PlanShow | null> {
  return withPlan(call, 'read', plan, (client, of) => client.plan(of.project, of.plan)).catch((thrown: unknown) => {
    if (thrown instanceof EngineError && unknown.has(thrown.code)) return null;
    throw thrown;
  });
}

/** Errors after which the plan is not registered. */
const unknown: ReadonlySet<string> = new Set(['plan_not_found', 'repo_not_found', 'usage', 'bad_repo']);

/**
 * If no planner accepts a draft, one coder carries it all out. false: the plan is not such a draft. Throws the refusal if the coder is refused too.
 */
export function beginWithoutPlanner(call: Call, plan: PlanShow) {
  if (!isDraft(plan) || plan.tasks_by_wave.length > 0) return Promise.resolve(false);
  return withPlan(call, 'write', plan.plan, async (client, of) => {
    const preview = await client.previewAct({ ...of, type: 'plan_start' });
    if (preview.accepted) return false;
    const trouble = troubleOf(await client.soloPlan(of.project, of.plan));
    if (trouble !== null)
      throw new EngineError('refused', trouble, `see what it waits for: stator plan explain ${plan}`);
    return true;
  });
}
