/** Asks the person at the terminal the questions of agents while a plan runs, one after the other. The picture of the plan continues to change. */

import { answerCommand } from '../../machines/plan/advice.ts';
import { isOver } from '../../machines/vocabulary/plan-status.ts';
import type { Client, InstanceEntry, PlanShow } from '../../runtime/api/client/client.ts';
import type { Call } from '../command.ts';
import { canAsk } from '../sure.ts';
import { refusalLines, verdictMs } from '../verdict.ts';
import type { Display } from './display.ts';
import { askedPermissions } from './permissions.ts';
import type { Asked } from './prompt-line.ts';

export interface Questions {
  readonly call: Call;
  readonly client: Client;
  readonly display: Display;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
}

export interface Asking {
  /** Shows the open question; true: a person is answering one. Throws the error of an answer that was sent. */
  look(plan: PlanShow, agents: readonly InstanceEntry[]): boolean;
  /** Closes an open question. */
  stop(): void;
}

/** Remembers the questions that the person did not want to answer now. */
export function createQuestions(questions: Questions): Asking {
  const { call, client, display } = questions;
  const isTerminal = canAsk(call) && !call.out.quiet;
  const left = new Set<string>();
  let open: { readonly key: string; readonly gone: AbortController } | null = null;
  let failure: { readonly thrown: unknown } | null = null;

  function begin(asked: Asked): void {
    const gone = new AbortController();
    open = { key: asked.key, gone };
    put(questions, asked, gone.signal)
      .then((isLeft) => {
        if (isLeft) left.add(asked.key);
      })
      .catch((thrown: unknown) => {
        failure = { thrown };
      })
      .finally(() => {
        open = null;
      });
  }

  /** In a pipe the line of the journal shows the question, and this line shows how to answer it. */
  function printOnce(all: readonly Asked[]): void {
    for (const { key, name, command } of all) if (!left.has(key)) display.say(`answer ${name} with: ${command}`);
    for (const { key } of all) left.add(key);
  }

  return {
    look(plan, agents) {
      if (failure !== null) {
        const { thrown } = failure;
        failure = null;
        throw thrown;
      }
      if (!isTerminal) {
        printOnce(askedQuestions(client, plan));
        return false;
      }
      // Permissions come first, since they have a deadline. A question with a partly typed answer is not replaced by another one.
      const all = [...askedPermissions(client, plan, agents), ...askedQuestions(client, plan)];
      const next = all.find(({ key }) => !left.has(key));
      if (open === null && next !== undefined) begin(next);
      else if (open !== null && !all.some(({ key }) => key === open?.key)) open.gone.abort();
      return open !== null;
    },
    stop: () => open?.gone.abort(),
  };
}

/** Whether the person left the question for later. */
async function put({ call, display, interrupted }: Questions, asked: Asked, gone: AbortSignal): Promise<boolean> {
  const signal = AbortSignal.any([interrupted, gone]);
  const { question, form } = asked;
  const line = await display.ask(call, {
    question,
    prompt: `${form} (Ctrl-D: later)> `,
    signal,
    takes: (said) => asked.answerBy(said) !== null,
  });
  const send = line === null ? null : asked.answerBy(line);
  if (send !== null) {
    const answer = await send();
    if (answer.signal.status === 'failed') display.say(refusalLines(answer).join('\n'));
    return false;
  }
  if (signal.aborted) return false;
  display.say(`answer later with: ${asked.command}`);
  return true;
}

export function askedQuestions(client: Client, { project, plan, questions, paused, status }: PlanShow): Asked[] {
  if (paused || isOver(status)) return [];
  return questions.map((question) => ({
    key: `question ${question.number}`,
    question: askedText(question),
    name: `#${question.number}`,
    form: 'answer',
    command: answerCommand(plan, question.number),
    answerBy: (line) => {
      if (line === '') return null;
      const payload = { questions: [question.number], body: line };
      return () => client.send({ project, plan, type: 'answer', payload, waitMs: verdictMs });
    },
  }));
}

/** `question 2, login-w1-t1 asks: which port?` */
export function askedText({ number, title, question }: PlanShow['questions'][number]): string {
  return `question ${number}${title === null ? '' : `, ${title} asks`}: ${question}`;
}
