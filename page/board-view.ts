/** A plan's waves and tasks, and whoever else works for it. */
import type { PlanShow } from '../runtime/api/contract/plans.ts';
import type { InstanceEntry } from '../runtime/api/contract/runs.ts';
import { h, type View } from './dom.ts';
import { dollars, duration, words } from './format.ts';
import { stateOf } from './glyph.ts';
import { shortTitle } from './needs.ts';
import type { PlanActions, PlanModel } from './plan-model.ts';

export function boardView(plan: PlanShow, model: PlanModel, actions: PlanActions, nowMs: number): View {
  const others = model.agents.filter(({ title }) => !/^w\d+-t\d+$/.test(shortTitle(title, plan.plan)));
  const byTitle = new Map(model.agents.map((agent) => [agent.title, agent]));
  return h(
    'section',
    { class: 'panel board', 'aria-labelledby': 'board-title' },
    h('h2', { id: 'board-title' }, 'Waves', h('span', { class: 'count' }, `${plan.tasks_done} of ${plan.tasks} tasks`)),
    h(
      'div',
      { class: 'waves' },
      plan.tasks_by_wave.map((wave) =>
        h(
          'section',
          { key: `wave-${wave.number}`, class: 'wave', 'aria-label': `Wave ${wave.number}` },
          h('h3', null, `Wave ${wave.number}`, stateOf(wave.status)),
          h(
            'div',
            { class: 'tasks' },
            wave.tasks.map((task) => {
              const title = `${plan.plan}-w${wave.number}-t${task.number}`;
              return card(
                { title, number: String(task.number), text: task.title, state: task.status, why: task.why ?? '' },
                byTitle.get(title),
                model,
                actions,
                nowMs,
              );
            }),
          ),
        ),
      ),
      others.length === 0
        ? null
        : h(
            'section',
            { key: 'others', class: 'wave', 'aria-label': 'Other agents' },
            h('h3', null, 'Others'),
            h(
              'div',
              { class: 'tasks' },
              others.map((agent) =>
                card(
                  {
                    title: agent.title,
                    number: '',
                    text: shortTitle(agent.title, plan.plan),
                    state: agent.state,
                    why: '',
                  },
                  agent,
                  model,
                  actions,
                  nowMs,
                ),
              ),
            ),
          ),
    ),
  );
}

interface Card {
  readonly title: string;
  readonly number: string;
  readonly text: string;
  readonly state: string;
  readonly why: string;
}

function card(
  { title, number, text, state, why }: Card,
  agent: InstanceEntry | undefined,
  model: PlanModel,
  actions: PlanActions,
  nowMs: number,
): View {
  const asks = model.plan?.questions.some((each) => each.title === title) === true;
  const live = agent !== undefined && !/^(?:succeeded|failed|cancelled)$/.test(agent.state);
  const cost = agent?.usage.cost_usd ?? null;
  const detail = [
    live && agent.state !== state && agent.state !== 'running' ? words(agent.state) : '',
    agent !== undefined && agent.attempt > 1 ? `attempt ${agent.attempt}` : '',
    live && agent.started_at !== null ? duration(nowMs - Date.parse(agent.started_at)) : '',
    cost === null ? '' : dollars(cost),
  ].filter((part) => part !== '');
  return h(
    'button',
    {
      key: title,
      class: 'card',
      'data-task': title,
      'aria-pressed': String(model.chosen?.title === title),
      on: { click: () => actions.choose(title) },
    },
    h(
      'span',
      { class: 'card-title' },
      number === '' ? null : h('span', { class: 'dim' }, number),
      h('span', { class: 'clamped', title: text }, text),
    ),
    h(
      'span',
      { class: 'card-state' },
      stateOf(asks ? 'asks' : state, asks ? 'asks you' : words(state)),
      h('span', { class: 'dim' }, detail.join(' · ')),
    ),
    h('span', { class: 'said' }, why !== '' ? why : live ? (agent.last_line ?? '') : ''),
  );
}
