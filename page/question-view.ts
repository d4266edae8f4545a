/** Questions of agents to a person: each with its number, its agent, and a field whose answer reaches that agent alone. */
import type { PlanEntry, PlanShow } from '../runtime/api/contract/plans.ts';
import type { Named } from './api.ts';
import { h, type View } from './dom.ts';
import { glyph, panel, timeView } from './elements.ts';
import { emptyWhenTaken, field, fieldText, sendOnEnter } from './form.ts';
import { shortTitle } from './needs.ts';
import type { PlanActions, PlanModel } from './plan-model.ts';

export function questionsView(plan: PlanShow, { busy }: PlanModel, actions: PlanActions, nowMs: number): View[] {
  return plan.questions.map((question) => questionView(plan, { question, isBusy: busy !== null }, actions, nowMs));
}

interface Asked {
  readonly question: PlanEntry['questions'][number];
  readonly isBusy: boolean;
}

function questionView(plan: PlanShow, { question, isBusy }: Asked, actions: PlanActions, nowMs: number): View {
  const { number, at } = question;
  const heading = `question-${number}`;
  return panel(
    {
      key: heading,
      class: 'panel question',
      heading,
      title: [glyph('asks'), `${askerOf(question, plan.plan)} asks (question ${number})`],
      count: timeView(at, nowMs, 'for'),
    },
    answerForm(plan, { question, isBusy }, { text: question.question, may: actions.may, send: actions.send }),
  );
}

function askerOf({ title }: Asked['question'], plan: string): string {
  return title === null ? 'A person' : shortTitle(title, plan);
}

interface AnswerParts extends Pick<PlanActions, 'may' | 'send'> {
  /** The text of the question above the field. */
  readonly text: string;
}

/** A question with a field for its answer, for those who may answer. */
export function answerForm(
  { project, plan }: Named,
  { question, isBusy }: Asked,
  { text, may, send }: AnswerParts,
): View {
  const { number, title } = question;
  const id = `asked-${project}/${plan}/${number}`;
  const answer = (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const body = fieldText(event, 'answer');
    if (body === '') {
      form.querySelector('textarea')?.focus();
      return;
    }
    // Another request is under way: the text stays in the field and is not sent.
    if (isBusy) return;
    const done = title === null ? `Question ${number} is answered.` : `Answered: ${askerOf(question, plan)} goes on.`;
    send('answer', { questions: [number], body }, done, emptyWhenTaken(event));
  };
  return h(
    'form',
    { key: `question-${number}`, class: 'answer', on: { submit: answer } },
    h('p', { class: 'asked', id }, text),
    ...(may('answer')
      ? [
          field('textarea', `answer ${project}/${plan} ${number}`, {
            name: 'answer',
            rows: '2',
            'aria-labelledby': id,
            placeholder: 'Your answer',
            on: { keydown: sendOnEnter },
          }),
          h(
            'div',
            { class: 'commands' },
            h('button', { class: 'strong', type: 'submit', disabled: isBusy }, 'Answer'),
            h('span', { class: 'dim keys' }, 'Ctrl+Enter'),
          ),
        ]
      : []),
  );
}
