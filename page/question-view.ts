/** Questions of agents to a person: each with its number, its agent, and an answer that reaches that agent alone. */
import type { PlanShow } from '../runtime/api/contract/plans.ts';
import { h, type View } from './dom.ts';
import { fieldText, sendOnEnter } from './form.ts';
import { since } from './format.ts';
import { glyph } from './glyph.ts';
import { shortTitle } from './needs.ts';
import { panel } from './panel.ts';
import type { PlanActions, PlanModel } from './plan-model.ts';

export function questionsView(plan: PlanShow, { busy }: PlanModel, actions: PlanActions, nowMs: number): View[] {
  return plan.questions.map((question) => questionView(plan, { question, isBusy: busy !== null }, actions, nowMs));
}

interface Asked {
  readonly question: PlanShow['questions'][number];
  readonly isBusy: boolean;
}

function questionView(plan: PlanShow, { question, isBusy }: Asked, actions: PlanActions, nowMs: number): View {
  const { number, title, at } = question;
  const heading = `question-${number}`;
  const asker = title === null ? 'A person' : shortTitle(title, plan.plan);
  const answer = (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const body = fieldText(event, 'answer');
    if (body === '') {
      form.querySelector('textarea')?.focus();
      return;
    }
    const done = title === null ? `Question ${number} is answered.` : `Answered: ${asker} goes on.`;
    actions.send('answer', { questions: [number], body }, done);
    form.reset();
  };
  return panel(
    {
      key: heading,
      class: 'panel question',
      heading,
      title: [glyph('asks'), `${asker} asks (question ${number})`],
      count: `for ${since(at, nowMs)}`,
    },
    h(
      'form',
      { on: { submit: answer } },
      h('p', { class: 'asked', id: `asked-${number}` }, question.question),
      ...(actions.may('answer')
        ? [
            h('textarea', {
              name: 'answer',
              rows: '2',
              'aria-labelledby': `asked-${number}`,
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
    ),
  );
}
