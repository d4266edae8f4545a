/** The permissions that agents ask for: in full, with the deadline, and the two answers. */
import type { InstanceEntry } from '../runtime/api/contract/runs.ts';
import { h, type View } from './dom.ts';
import { glyph, panel, timeView } from './elements.ts';
import { emptyWhenTaken, field, fieldText } from './form.ts';
import { shortTitle } from './needs.ts';
import type { PlanActions, PlanModel } from './plan-model.ts';

export function permissionsView(
  { agents, named, busy, isSteady }: PlanModel,
  actions: PlanActions,
  nowMs: number,
): View[] {
  return agents.flatMap((agent) =>
    agent.permissions.map((question) =>
      permissionView({ agent, question, plan: named.plan, isBusy: busy !== null || !isSteady }, actions, nowMs),
    ),
  );
}

interface Asked {
  readonly agent: InstanceEntry;
  readonly question: InstanceEntry['permissions'][number];
  readonly plan: string;
  readonly isBusy: boolean;
}

function permissionView({ agent, question, plan, isBusy }: Asked, actions: PlanActions, nowMs: number): View {
  const { id, tool, detail, asked_at: askedAt, until } = question;
  const { title } = agent;
  const heading = `permission-${title}-${id}`;
  const answer = (word: 'allow' | 'deny') => (event: Event) => {
    actions.permit(title, id, word, fieldText(event, 'message'), emptyWhenTaken(event));
  };
  const denial = h('span', { class: 'dim' }, 'Denied by itself ', timeView(until, nowMs, 'in'), '.');
  return panel(
    {
      key: heading,
      class: 'panel question',
      heading,
      title: [glyph('asks'), `${shortTitle(title, plan)} asks to use ${tool}`],
      count: timeView(askedAt, nowMs, 'for'),
    },
    h(
      'form',
      { on: { submit: (event) => event.preventDefault() } },
      h('pre', { class: 'asked-detail', tabindex: '0', role: 'region', 'aria-label': 'What it would do' }, detail),
      !actions.may('answer')
        ? denial
        : h(
            'div',
            { class: 'commands' },
            h(
              'button',
              {
                type: 'button',
                class: 'strong',
                'data-answer': 'allow',
                disabled: isBusy,
                on: { click: answer('allow') },
              },
              'Allow once',
            ),
            h(
              'button',
              { type: 'button', 'data-answer': 'deny', disabled: isBusy, on: { click: answer('deny') } },
              'Deny',
            ),
            field('input', `deny ${title} ${id}`, {
              name: 'message',
              placeholder: 'A word to it, where you deny',
              'aria-label': 'A word to it, where you deny',
            }),
            denial,
          ),
    ),
  );
}
