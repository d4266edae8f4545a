/**
 * What agents ask while a plan runs, put to the person at the terminal, each agent's own question after the other. With node:readline, unlike the other
 * questions: one must go away when somebody else answers it, when the engine goes, and at Ctrl-C, and consola's prompt takes no signal to abort it.
 */

import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, PlanShow } from '../../runtime/client/client.ts';
import { canAsk } from '../ask.ts';
import type { Call } from '../command.ts';
import { plainLines } from '../text.ts';
import { refusalLines, verdictMs } from '../verdict.ts';
import type { Display } from './display.ts';

export interface Questions {
  readonly call: Call;
  readonly client: Client;
  readonly display: Display;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
}

/** Whether somebody else has answered meanwhile is looked at this often. */
const lookMs = 1_000;

/** The answer function of one watch. It remembers what the person did not want to answer now. */
export function createQuestions(questions: Questions): (plan: PlanShow) => Promise<boolean> {
  const { call, display } = questions;
  const isTerminal = canAsk(call) && !call.out.quiet;
  let leftFor: string | null = null;
  return async (plan) => {
    if (!isTerminal || !isAsking(plan) || keyOf(plan) === leftFor) return false;
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
      const text = await ask(questions, { ...next, signal });
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

interface Asked {
  readonly title: string;
  readonly question: string;
  readonly signal: AbortSignal;
}

/** null: not now (Ctrl-D). An empty line asks again. */
async function ask({ call }: Questions, { title, question, signal }: Asked): Promise<string | null> {
  const { stderr } = call.out;
  // Before the question can be seen: a Ctrl-D that came sooner would end standard input for good.
  const reader = createInterface({ input: call.stdin, output: process.stderr });
  stderr.write(`\n${plainLines(`${title} asks: ${question}`)}\n`);
  // On a terminal readline takes Ctrl-C for itself; it is to do what it always does.
  reader.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const closed = new Promise<null>((resolve) => reader.once('close', () => resolve(null)));
  try {
    for (;;) {
      const asked = reader.question('answer (Ctrl-D: later)> ', { signal }).catch(() => null); // aborted, or the terminal is gone
      const said = await Promise.race([asked, closed]);
      if (said === null || said.trim() !== '') return said?.trim() ?? null;
    }
  } finally {
    reader.close();
    stderr.write('\n');
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
