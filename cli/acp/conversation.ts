/** One conversation of an editor. It has at most one plan at a time, which `stator run` carries out, and it passes messages to that plan. */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { messageOf } from '../../machines/vocabulary/errors.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { isOver } from '../../machines/vocabulary/plan-status.ts';
import type { PlanShow, RunFinished } from '../../runtime/api/client/client.ts';
import { homeFolder } from '../../runtime/base/platform/home.ts';
import { attach } from '../../runtime/engine/attach.ts';
import type { Rpc } from '../../runtime/work/agents/relay/json-rpc.ts';
import type { Call } from '../command.ts';
import { askedText } from '../run/questions.ts';
import type { PlanAddress } from '../session.ts';
import { plainLines } from '../text.ts';
import { verdictMs } from '../verdict.ts';
import { type PlanRun, type RunEnded, startRun } from './plan-run.ts';
import { nameOfText, type Prompt, withTitle } from './prompt.ts';
import { createShownPlan, type Question } from './shown-plan.ts';
import { beginWithoutPlanner, findByName, isPlanText, sayToPlan, type Words } from './words.ts';

/** `refusal`: the prompt changed nothing, and the next one does not continue it. */
type StopReason = 'end_turn' | 'cancelled' | 'refusal';

export interface Conversation {
  /** Returns why the turn ended. */
  prompt(prompt: Prompt): Promise<StopReason>;
  cancel(): void;
  /** Called when the editor has gone: running plans are paused. */
  end(): Promise<void>;
}

interface Parts {
  /** The call, in the folder of the conversation. */
  readonly call: Call;
  readonly rpc: Rpc;
  readonly sessionId: string;
  /** Whether the editor shows forms. */
  readonly hasForms: boolean;
}

/** The plan of the last prompt, which a further prompt may continue. */
interface Handed {
  readonly prompt: Prompt;
  /** The name of the plan that was made from a text; null: a file names its own plan. */
  readonly name: string | null;
  of: PlanAddress | null;
}

interface Left {
  readonly question: Question | null;
  readonly wasPaused: boolean;
}

const interruptedCode = 130;

export function createConversation({ call, rpc, sessionId, hasForms }: Parts): Conversation {
  let handed: Handed | null = null;
  let running: PlanRun | null = null;
  /** The number of the question that the next prompt answers. */
  let asked: number | null = null;
  /** The numbers of answered questions. A response of the engine that was under way before the answer may still list them. */
  const answered = new Set<number>();
  /** Whether a message was accepted since the run began. If so, the run may have ended only because that message was missing. */
  let isTold = false;
  let isTurn = false;
  /** Cancels the last turn. */
  let cancelled = new AbortController();
  const isCancelled = () => cancelled.signal.aborted;
  const update = (one: Readonly<Record<string, unknown>>) => rpc.notify('session/update', { sessionId, update: one });
  const say = (text: string) =>
    update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: `${plainLines(text)}\n` } });

  function take(prompt: Prompt): Handed {
    const name = prompt.kind === 'file' ? null : nameOfText(prompt.text, randomUUID().slice(0, 6));
    return { prompt, name, of: null };
  }

  async function start(one: Handed): Promise<PlanRun> {
    const { prompt, name, of } = one;
    // If a planner has changed the text, that is no edit of a person.
    const known = of === null || name === null ? null : await findByName(call, name);
    isTold = false;
    return startRun({
      call,
      shown: createShownPlan({ call, rpc, sessionId, update }),
      words: prompt.kind === 'file' ? [prompt.path] : ['-', '--name', name ?? ''],
      input: prompt.kind === 'file' ? '' : (known?.content ?? withTitle(prompt.text)),
      onPlan: (plan) => {
        one.of = plan;
      },
      say,
    });
  }

  /** Runs until the plan has ended, needs a person, or one of its agents asks a question. */
  async function turn(one: Handed): Promise<StopReason> {
    for (;;) {
      running ??= await start(one);
      const { shown, ended, hasEnded } = running;
      shown.again();
      const over = ended.then(() => null);
      const shownQuestion = await Promise.race([over, shown.question((number) => !answered.has(number))]);
      if (shownQuestion === null && ((await goesOnAlone(one, await ended)) || (await goesOnTold(one)))) continue;
      const question = shownQuestion ?? (await unshownQuestion(one));
      if (question === null) return end(one, await ended);
      const answer = hasForms ? await answerInTime(one, question, over) : null;
      if (answer !== null) {
        await tell(one, { text: answer, asked: question.number });
      } else if (isCancelled()) {
        await over;
      } else if (hasEnded()) {
        return end(one, await ended);
      } else {
        put(question);
        return 'end_turn';
      }
    }
  }

  /** A run may end before its last question was shown. A form can still answer that question. */
  async function unshownQuestion(one: Handed): Promise<Question | null> {
    return hasForms && !isCancelled() ? openQuestion(await planOf(one)) : null;
  }

  function put(question: Question): void {
    asked = question.number;
    say(`${askedText(question)}\nyour next prompt is the answer`);
  }

  /** A run ends by itself if all of its agents wait; the form stays open while the question is open. null: no answer. */
  async function answerInTime(one: Handed, question: Question, over: Promise<null>): Promise<string | null> {
    const form = answerInForm(question);
    const cancel = isCancelled() ? null : once(cancelled.signal, 'abort').then(() => null);
    const gone = over.then(async () => (openQuestion(await planOf(one)) === null ? null : form));
    return Promise.race([form, gone, cancel]);
  }

  /** null: the person did not fill it in. */
  async function answerInForm(question: Question): Promise<string | null> {
    const requestedSchema = {
      type: 'object',
      properties: { answer: { type: 'string', title: 'Answer', minLength: 1 } },
      required: ['answer'],
    };
    const form = { sessionId, mode: 'form', message: plainLines(askedText(question)), requestedSchema };
    const filled = await rpc.request('elicitation/create', form).catch(() => ({}));
    const { action, content } = filled as { action?: unknown; content?: { readonly answer?: unknown } | null }; // looked at below
    const answer = action === 'accept' ? content?.answer : null;
    return typeof answer === 'string' && answer.trim() !== '' ? answer : null;
  }

  /** A message that no agent can receive is returned to its author. */
  async function tell({ of }: Handed, words: Words): Promise<void> {
    if (words.text === '') return;
    if (words.asked !== null) answered.add(words.asked);
    const nobody = `there is no plan yet that could take this: ${words.text}`;
    const trouble = of === null ? nobody : await sayToPlan(call, of, words).catch(messageOf);
    isTold ||= trouble === null;
    if (trouble === null) return;
    if (words.asked !== null) answered.delete(words.asked);
    say(trouble);
  }

  /** Whether one coder carries out a whole text because no planner accepts it. The plan is already known. */
  async function goesOnAlone(one: Handed, { code }: RunEnded): Promise<boolean> {
    if (one.name === null || code === 0) return false;
    const plan = await findByName(call, one.name).catch(() => null);
    if (plan === null) return false;
    one.of = { project: plan.project, plan: plan.plan };
    if (isCancelled() || !(await beginWithoutPlanner(call, plan).catch(() => false))) return false;
    running = null;
    return true;
  }

  /** Whether an answer arrived while a run was ending because the answer was missing: then the plan continues in a new run. */
  async function goesOnTold(one: Handed): Promise<boolean> {
    const plan = isTold && !isCancelled() ? await planOf(one) : null;
    if (plan === null || plan.blocked !== null || plan.paused || isOver(plan.status)) return false;
    running = null;
    return true;
  }

  async function end(one: Handed, ended: RunEnded): Promise<StopReason> {
    const { question, wasPaused } = await leave(one, ended);
    if (question !== null) put(question);
    if (isCancelled() || wasPaused) return 'cancelled';
    return ended.code !== 0 && one.of === null ? 'refusal' : 'end_turn';
  }

  /** The state after a run. The plan is read again, because a run may end before its last questions were read. */
  async function leave(one: Handed, { code, trouble, finished }: RunEnded): Promise<Left> {
    running = null;
    const plan = code === 0 ? null : await planOf(one);
    const question = openQuestion(plan);
    const wasPaused = plan?.paused ?? code === interruptedCode;
    if (finished !== null) say(endText(finished));
    if (wasPaused) say(one.of === null ? 'nothing was started' : 'paused; your next prompt goes on with it');
    else if (code !== 0 && question === null && trouble !== '') say(trouble);
    if (code === 0 || one.of === null) handed = null;
    return { question, wasPaused };
  }

  /** null: the plan does not exist yet, or cannot be read. */
  async function planOf({ of }: Handed): Promise<PlanShow | null> {
    return of === null ? null : findByName(call, of.plan).catch(() => null);
  }

  /** The first question that waits for an answer. */
  function openQuestion(plan: PlanShow | null): Question | null {
    if (plan === null || plan.paused || isOver(plan.status)) return null;
    return plan.questions.find(({ number }) => !answered.has(number)) ?? null;
  }

  async function pause(): Promise<void> {
    const now = running;
    const of = handed?.of ?? null;
    // A run that only watches a daemon's plan detaches, and the plan would continue.
    const client = of === null ? null : await attach(homeFolder(call.env), call.env).catch(() => null);
    if (client !== null && of !== null) {
      await client.send({ ...of, type: 'pause', waitMs: verdictMs }).catch(() => {});
      await client.close();
    }
    now?.interrupt();
  }

  /** Reads what changed since the last turn: a plan that was waiting for an answer may have ended, or may be paused. */
  async function catchUp(one: Handed): Promise<void> {
    if (running === null || !(running.hasEnded() || isCancelled())) return;
    await leave(one, await running.ended);
  }

  /** Whether a prompt contains a new plan, and not a message to the present one. */
  function isAnother(one: Handed, prompt: Prompt): boolean {
    if (prompt.kind === 'file') return one.prompt.kind !== 'file' || one.prompt.path !== prompt.path;
    return asked === null && isPlanText(prompt.text);
  }

  async function converse(prompt: Prompt): Promise<StopReason> {
    if (handed !== null) await catchUp(handed);
    cancelled = new AbortController();
    if (handed !== null && isAnother(handed, prompt)) {
      if (running !== null) return refuse();
      say(`${handed.of?.plan ?? 'the plan before'} stays as it is`);
      handed = null;
    }
    if (handed === null) handed = take(prompt);
    else await tell(handed, { text: prompt.text, asked });
    asked = null;
    return turn(handed);
  }

  function refuse(): StopReason {
    say('a plan of this conversation is at work; cancel first, which pauses it');
    return 'refusal';
  }

  return {
    async prompt(prompt) {
      if (isTurn) return refuse();
      isTurn = true;
      try {
        return await converse(prompt);
      } finally {
        isTurn = false;
      }
    },
    cancel() {
      cancelled.abort();
      void pause();
    },
    async end() {
      const ended = running?.ended;
      if (ended === undefined) return;
      cancelled.abort();
      await pause();
      await ended;
    },
  };
}

function endText({ plan, status, tasks_done: done, tasks_failed: failed, diff }: RunFinished): string {
  const lines = diff === null ? '' : `; ${counted(diff.files, 'file')}, +${diff.insertions} -${diff.deletions}`;
  return `${plan} is ${status}: ${counted(done, 'task')} done${failed === 0 ? '' : `, ${failed} failed`}${lines}`;
}
