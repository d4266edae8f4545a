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

type Editor = ReturnType<typeof createEditor>;

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
  let hasNewMessage = false;
  let isTurn = false;
  /** Cancels the last turn. */
  let cancelled = new AbortController();
  const isCancelled = () => cancelled.signal.aborted;
  const editor = createEditor(call, rpc, sessionId);
  const { say } = editor;

  /** Runs until the plan has ended, needs a person, or one of its agents asks a question. */
  async function turn(one: Handed): Promise<StopReason> {
    for (;;) {
      if (running === null) {
        hasNewMessage = false;
        running = await startHanded(editor, one);
      }
      const { shown, ended, hasEnded } = running;
      shown.again();
      const over = ended.then(() => null);
      const shownQuestion = await Promise.race([over, shown.question((number) => !answered.has(number))]);
      if (shownQuestion === null && (await goesOn(one, await ended))) {
        running = null;
        continue;
      }
      // A run may end before its last question was shown. A form can still answer that question.
      const question = shownQuestion ?? (hasForms && !isCancelled() ? await readQuestion(one) : null);
      if (question === null) return end(one, await ended);
      const until = { over, cancelled: cancelled.signal, read: () => readQuestion(one) };
      const answer = hasForms ? await answerInTime(editor, question, until) : null;
      if (answer !== null) await deliver(one, { text: answer, asked: question.number });
      else if (isCancelled()) await over;
      else if (hasEnded()) return end(one, await ended);
      else {
        put(question);
        return 'end_turn';
      }
    }
  }

  const readQuestion = async (one: Handed) => openQuestion(await planOf(call, one), answered);

  function put(question: Question): void {
    asked = question.number;
    say(`${askedText(question)}\nyour next prompt is the answer`);
  }

  /** A message that no agent can receive is returned to its author. */
  async function deliver({ of }: Handed, words: Words): Promise<void> {
    if (words.text === '') return;
    if (words.asked !== null) answered.add(words.asked);
    const nobody = `there is no plan yet that could take this: ${words.text}`;
    const trouble = of === null ? nobody : await sayToPlan(call, of, words).catch(messageOf);
    hasNewMessage ||= trouble === null;
    if (trouble === null) return;
    if (words.asked !== null) answered.delete(words.asked);
    say(trouble);
  }

  /** Whether the plan continues in a new run, also because an answer arrived while the run was ending without it. */
  async function goesOn(one: Handed, ended: RunEnded): Promise<boolean> {
    if (await goesOnAlone(call, one, { ...ended, isCancelled })) return true;
    const plan = hasNewMessage && !isCancelled() ? await planOf(call, one) : null;
    return plan !== null && plan.blocked === null && !plan.paused && !isOver(plan.status);
  }

  async function end(one: Handed, ended: RunEnded): Promise<StopReason> {
    const { question, wasPaused } = await leave(one, ended);
    if (question !== null) put(question);
    if (isCancelled() || wasPaused) return 'cancelled';
    return ended.code !== 0 && one.of === null ? 'refusal' : 'end_turn';
  }

  /** The state after a run. The plan is read again, because a run may end before its last questions were read. */
  async function leave(one: Handed, ended: RunEnded): Promise<Left> {
    running = null;
    if (isCancelled()) await pauseLeft(call, one, ended);
    const plan = ended.code === 0 ? null : await planOf(call, one);
    const question = openQuestion(plan, answered);
    const wasPaused = plan?.paused ?? ended.code === interruptedCode;
    for (const text of textsAfter(one, ended, { question, wasPaused })) say(text);
    if (ended.code === 0 || one.of === null) handed = null;
    return { question, wasPaused };
  }

  async function pauseNow(): Promise<void> {
    const now = running;
    if (handed?.of != null) await pausePlan(call, handed.of);
    now?.interrupt();
  }

  /** Reads what changed since the last turn: a plan that was waiting for an answer may have ended, or may be paused. */
  async function catchUp(one: Handed): Promise<void> {
    if (running === null || !(running.hasEnded() || isCancelled())) return;
    await leave(one, await running.ended);
  }

  async function converse(prompt: Prompt): Promise<StopReason> {
    if (handed !== null) await catchUp(handed);
    cancelled = new AbortController();
    if (handed !== null && isAnother(handed, prompt, asked)) {
      if (running !== null) return refuse();
      say(`${handed.of?.plan ?? 'the plan before'} stays as it is`);
      handed = null;
    }
    if (handed === null) handed = take(prompt);
    else await deliver(handed, { text: prompt.text, asked });
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
      void pauseNow();
    },
    async end() {
      const [one, ended] = [handed, running?.ended];
      if (one === null || ended === undefined) return;
      cancelled.abort();
      await pauseNow();
      await pauseLeft(call, one, await ended);
    },
  };
}

/** The editor's side of the conversation. */
function createEditor(call: Call, rpc: Rpc, sessionId: string) {
  const update = (one: Readonly<Record<string, unknown>>) => rpc.notify('session/update', { sessionId, update: one });
  const say = (text: string) =>
    update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: `${plainLines(text)}\n` } });
  return { call, rpc, sessionId, update, say };
}

function take(prompt: Prompt): Handed {
  const name = prompt.kind === 'file' ? null : nameOfText(prompt.text, randomUUID().slice(0, 6));
  return { prompt, name, of: null };
}

async function startHanded({ call, rpc, sessionId, update, say }: Editor, one: Handed): Promise<PlanRun> {
  const { prompt, name, of } = one;
  // If a planner has changed the text, that is no edit of a person.
  const known = of === null || name === null ? null : await findByName(call, name);
  const shown = createShownPlan({ call, rpc, sessionId, update });
  // The run may end before it reads a fact.
  if (of !== null) shown.watch(of);
  return startRun({
    call,
    shown,
    words: prompt.kind === 'file' ? [prompt.path] : ['-', '--name', name ?? ''],
    input: prompt.kind === 'file' ? '' : (known?.content ?? withTitle(prompt.text)),
    onPlan: (plan) => {
      one.of = plan;
    },
    say,
  });
}

/** Whether one coder carries out a whole text because no planner accepts it. The plan is already known. */
async function goesOnAlone(
  call: Call,
  one: Handed,
  { code, isCancelled }: RunEnded & { isCancelled(): boolean },
): Promise<boolean> {
  if (one.name === null || code === 0) return false;
  const plan = await findByName(call, one.name).catch(() => null);
  if (plan === null) return false;
  one.of = { project: plan.project, plan: plan.plan };
  return !isCancelled() && (await beginWithoutPlanner(call, plan).catch(() => false));
}

/** A run ends by itself if all of its agents wait; the form stays open while the question is open. null: no answer. */
async function answerInTime(
  editor: Editor,
  question: Question,
  { over, cancelled, read }: { over: Promise<null>; cancelled: AbortSignal; read(): Promise<Question | null> },
): Promise<string | null> {
  const form = answerInForm(editor, question);
  const cancel = cancelled.aborted ? null : once(cancelled, 'abort').then(() => null);
  const gone = over.then(async () => ((await read()) === null ? null : form));
  return Promise.race([form, gone, cancel]);
}

/** null: the person did not fill it in. */
async function answerInForm({ rpc, sessionId }: Editor, question: Question): Promise<string | null> {
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

/** null: the plan does not exist yet, or cannot be read. */
async function planOf(call: Call, { of }: Handed): Promise<PlanShow | null> {
  return of === null ? null : findByName(call, of.plan).catch(() => null);
}

/** The first question that waits for an answer. */
function openQuestion(plan: PlanShow | null, answered: ReadonlySet<number>): Question | null {
  if (plan === null || plan.paused || isOver(plan.status)) return null;
  return plan.questions.find(({ number }) => !answered.has(number)) ?? null;
}

/** Whether a prompt contains a new plan, and not a message to the present one. */
function isAnother(one: Handed, prompt: Prompt, asked: number | null): boolean {
  if (prompt.kind === 'file') return one.prompt.kind !== 'file' || one.prompt.path !== prompt.path;
  return asked === null && isPlanText(prompt.text);
}

/** A run that only watches a daemon's plan detaches when it is interrupted, and the plan would continue. */
async function pausePlan(call: Call, { project, plan }: PlanAddress): Promise<void> {
  const client = await attach(homeFolder(call.env), call.env).catch(() => null);
  if (client === null) return;
  await client.send({ project, plan, type: 'pause', waitMs: verdictMs }).catch(() => {});
  await client.close();
}

/** A cancel may come before the run has said which plan it has, with which a daemon goes on. */
async function pauseLeft(call: Call, { of, name }: Handed, { finished }: RunEnded): Promise<void> {
  const known = of?.plan ?? name ?? finished?.plan;
  const plan = known === undefined ? null : await findByName(call, known).catch(() => null);
  if (plan !== null && !plan.paused && !isOver(plan.status)) await pausePlan(call, plan);
}

function textsAfter({ of }: Handed, { code, trouble, finished }: RunEnded, { question, wasPaused }: Left): string[] {
  const result = finished === null ? [] : [endText(finished)];
  if (wasPaused) return [...result, of === null ? 'nothing was started' : 'paused; your next prompt goes on with it'];
  return code !== 0 && question === null && trouble !== '' ? [...result, trouble] : result;
}

function endText({ plan, status, tasks_done: done, tasks_failed: failed, diff }: RunFinished): string {
  const lines = diff === null ? '' : `; ${counted(diff.files, 'file')}, +${diff.insertions} -${diff.deletions}`;
  return `${plan} is ${status}: ${counted(done, 'task')} done${failed === 0 ? '' : `, ${failed} failed`}${lines}`;
}
