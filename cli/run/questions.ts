/** What agents ask while a plan runs, put to the person at the terminal, each agent's own question after the other. */
import { setTimeout as delay } from 'node:timers/promises';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { InstanceEntry, PlanShow } from '../../runtime/client/client.ts';
import { canAsk } from '../ask.ts';
import { refusalLines, verdictMs } from '../verdict.ts';
import { createPermissionQuestions } from './permissions.ts';
import { lookMs, promptLine, type Questions } from './prompt-line.ts';

/** The answer function of one watch. It remembers what the person did not want to answer now. */
export function createQuestions(questions: Questions) {
  const { call, display } = questions;
  const isTerminal = canAsk(call) && !call.out.quiet;
  const permissionAnswered = createPermissionQuestions(questions);
  let leftFor: string | null = null;
  return async (plan: PlanShow, agents: readonly InstanceEntry[]): Promise<boolean> => {
    if (!isTerminal) return false;
    // First, since they have a deadline.
    if (await permissionAnswered(plan, agents)) return true;
    if (!isAsking(plan) || keyOf(plan) === leftFor) return false;
    display.suspend();
    const answers = await askAll(questions, plan);
    if (answers === 'later') {
      leftFor = keyOf(plan);
      call.out.note(`answer later with: stator plan resolve ${shellWord(plan.plan)} "<your answer>"`);
      return false;
    }
    if (answers !== 'gone') await tell(questions, plan, answers);
    return true;
  };
}

function isAsking({ blocked, paused, status }: PlanShow): boolean {
  return blocked?.source === 'agent' && !paused && status !== 'done' && status !== 'cancelled';
}

/** A further question is another one. */
function keyOf({ blocked, questions }: PlanShow): string {
  return JSON.stringify([blocked, questions]);
}

export type Answers = readonly { readonly title: string; readonly text: string }[];

/** What a `resolve` with answers says: to each agent its own. */
export function answersPayload(answers: Answers) {
  const [only] = answers;
  const body =
    answers.length === 1 && only !== undefined
      ? only.text
      : answers.map(({ title, text }) => `${title}: ${text}`).join('\n');
  return { body, answers: Object.fromEntries(answers.map(({ title, text }) => [title, text])) };
}

async function askAll(questions: Questions, plan: PlanShow): Promise<Answers | 'later' | 'gone'> {
  const gone = new AbortController();
  const signal = AbortSignal.any([questions.interrupted, gone.signal]);
  const watched = untilAnswered(questions, plan, gone);
  const answers: { title: string; text: string }[] = [];
  try {
    for (
      let next = nextQuestion(plan, answers);
      next !== undefined;
      next = nextQuestion(await look(questions, plan), answers)
    ) {
      const text = await promptLine(questions.call, {
        question: `${next.title} asks: ${next.question}`,
        prompt: 'answer (Ctrl-D: later)> ',
        signal,
        read: (line) => (line === '' ? null : line),
      });
      if (signal.aborted) return 'gone';
      if (text === null) return 'later';
      answers.push({ title: next.title, text });
    }
    return answers;
  } finally {
    gone.abort();
    await watched;
  }
}

/** The first question that is not answered yet: others may have asked meanwhile. One that no agent waits with came from a person or a file. */
export function nextQuestion(
  { plan, questions, blocked }: Pick<PlanShow, 'plan' | 'questions' | 'blocked'>,
  answers: Answers,
) {
  const reason = blocked === null || answers.length > 0 ? [] : [{ title: plan, question: blocked.reason }];
  const open = questions.length > 0 ? questions : reason;
  return open.find(({ title }) => !answers.some((answer) => answer.title === title));
}

function look({ client }: Questions, { project, plan }: PlanShow): Promise<PlanShow> {
  return client.plan(project, plan);
}

/** Aborts as soon as the plan is no longer blocked as it was, or cannot be asked. */
async function untilAnswered({ client }: Questions, { project, plan, blocked }: PlanShow, gone: AbortController) {
  while (!gone.signal.aborted) {
    await delay(lookMs, null, { signal: gone.signal }).catch(() => {}); // it ends early with the answer
    if (gone.signal.aborted) return;
    const now = await client.plan(project, plan).catch(() => null); // whoever watches finds out what is wrong
    // A further question changes the reason, and takes nothing away from the person who is typing.
    if (now === null || !isAsking(now) || now.blocked?.at !== blocked?.at) gone.abort();
  }
}

async function tell({ call, client }: Questions, { project, plan }: PlanShow, answers: Answers): Promise<void> {
  const answer = await client.send({
    project,
    plan,
    type: 'resolve',
    payload: answersPayload(answers),
    waitMs: verdictMs,
  });
  if (answer.signal.status === 'failed') call.out.note(refusalLines(answer).join('\n'));
}
