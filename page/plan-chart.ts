/** A plan's statechart with its active states, the events that it takes next, and its journal. */
import type { PlanShow } from '../runtime/api/contract/plans.ts';
import { h, type View } from './dom.ts';
import { fieldText } from './form.ts';
import { words } from './format.ts';
import { journalView } from './journal-view.ts';
import type { PlanActions, PlanModel } from './plan-model.ts';

export function planChartView(model: PlanModel, actions: PlanActions): View {
  return h(
    'div',
    { key: 'chart', class: 'columns' },
    h(
      'section',
      { class: 'panel chart-panel', 'aria-label': 'Statechart' },
      h('div', { class: 'chart-whose' }, actorChoice(model, actions)),
      // Each plan brings its own chart.
      h('div', {
        key: `chart of ${model.named.project}/${model.named.plan}`,
        class: 'chart-place',
        made: (element) => element.append(actions.chart),
      }),
      nowStates(model),
    ),
    h('div', { class: 'side' }, nextEvents(model, actions), journalView(model, actions)),
  );
}

/** Whose chart is shown. One that is not there at this moment stays chosen, so that it is there again at another. */
function actorChoice({ states, past, at, actor: chosen }: PlanModel, actions: PlanActions): View {
  const there = ((at === null ? states : past?.states)?.actors ?? []).map(({ actor }) => actor);
  const all = there.includes(chosen) ? there : [...there, chosen];
  return h(
    'select',
    {
      'aria-label': 'Whose chart',
      value: chosen,
      on: { change: (event) => actions.showActor((event.target as HTMLSelectElement).value) },
    },
    all.map((actor) => h('option', { key: actor, value: actor }, actorText(actor, there.includes(actor)))),
  );
}

function actorText(actor: string, isThere: boolean): string {
  const name = actor === '' ? 'plan' : actor.replaceAll('/', ' › ');
  return isThere ? name : `${name} (not now)`;
}

/** The active states as text. */
function nowStates({ states, past, at, actor: chosen }: PlanModel): View {
  const own = (at === null ? states : past?.states)?.actors.find(({ actor }) => actor === chosen);
  return h(
    'ul',
    { class: 'now-states', 'aria-label': 'Active states' },
    (own?.states ?? []).map((state) => {
      // Of all machines only the plan's has regions side by side.
      const [region = '', ...rest] = own?.machine === 'plan' ? state.split('.') : ['state', ...state.split('.')];
      return h('li', { key: region, 'data-active': state }, h('span', { class: 'dim' }, region), rest.join(' › '));
    }),
  );
}

/** Those that are offered as buttons above all others stand there. */
function nextEvents({ explain, plan, busy, at }: PlanModel, actions: PlanActions): View {
  const events = explain?.events ?? [];
  const taken = events.filter(({ accepted }) => accepted);
  const others = events.filter(({ accepted }) => !accepted);
  const send = (type: string) => (event: Event) => {
    actions.send(type, payloadOf(type, fieldText(event, 'words'), plan), `${words(type)}: done.`);
    (event.currentTarget as HTMLElement).closest('form')?.reset();
  };
  return h(
    'section',
    { class: 'panel events', 'aria-labelledby': 'events-title' },
    h('h2', { id: 'events-title' }, 'Next events', at === null ? null : h('span', { class: 'count' }, 'as of now')),
    h(
      'form',
      { on: { submit: (event) => event.preventDefault() } },
      h(
        'ul',
        null,
        taken.map(({ type, does }) =>
          h(
            'li',
            { key: type },
            h(
              'button',
              { type: 'button', 'data-event': type, disabled: busy !== null, on: { click: send(type) } },
              h('code', null, type),
            ),
            h('span', { class: 'dim' }, does),
          ),
        ),
      ),
      h('textarea', {
        name: 'words',
        rows: '1',
        placeholder: 'with these words',
        'aria-label': 'Words that go with the event',
      }),
    ),
    h(
      'details',
      null,
      h('summary', null, `not now (${others.length})`),
      h(
        'ul',
        null,
        others.map(({ type, why_not: why }) =>
          h('li', { key: type }, h('code', { class: 'dim' }, type), h('span', { class: 'dim' }, why ?? '')),
        ),
      ),
    ),
  );
}

function payloadOf(type: string, text: string, plan: PlanShow | null): Record<string, unknown> {
  if (type === 'planner_draft_finished') return { planner_id: text };
  if (type === 'implement_wave') return { wave_number: Number(/^\d{1,4}$/.exec(text)?.[0] ?? (plan?.wave ?? 0) + 1) };
  if (type === 'needs_decision') return { reason: text };
  const isBare = type === 'retry_wave' || type === 'advance_wave' || type === 'elaborator_finished';
  return text === '' || isBare ? {} : { body: text };
}
