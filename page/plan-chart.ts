/** A plan's statechart with its active states, the events that it takes next, and its journal. */
import type { PlanShow, PlanStates } from '../runtime/api/contract/plans.ts';
import { h, type View } from './dom.ts';
import { panel } from './elements.ts';
import { fact, valueText } from './facts.ts';
import { emptyWhenTaken, field, fieldText } from './form.ts';
import { words } from './format.ts';
import { journalView, moveText } from './journal-view.ts';
import { notNow } from './not-now.ts';
import type { PlanActions, PlanModel } from './plan-model.ts';

export function planChartView(model: PlanModel, actions: PlanActions, nowMs: number): View {
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
      contextView(model),
    ),
    h(
      'div',
      { class: 'side' },
      model.at === null ? nextEvents(model, actions) : stepView(model),
      journalView(model, actions, nowMs),
    ),
  );
}

/** The actors at the selected line. */
function actorsShown({ states, past, at }: PlanModel): PlanStates['actors'] {
  return (at === null ? states : past?.states)?.actors ?? [];
}

/**
 * Chooses the actor whose chart is shown. An actor that does not exist at the selected line stays chosen, and is shown again at a line at which it
 * exists.
 */
function actorChoice(model: PlanModel, actions: PlanActions): View {
  const { actor: chosen } = model;
  const there = actorsShown(model).map(({ actor }) => actor);
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
function nowStates(model: PlanModel): View {
  const own = actorsShown(model).find(({ actor }) => actor === model.actor);
  return h(
    'ul',
    { class: 'now-states', 'aria-label': 'Active states' },
    (own?.states ?? []).map((state) => {
      // Only the plan's machine has regions side by side.
      const [region = '', ...rest] = own?.machine === 'plan' ? state.split('.') : ['state', ...state.split('.')];
      return h('li', { key: region, 'data-active': state }, h('span', { class: 'dim' }, region), rest.join(' › '));
    }),
  );
}

/** The context of the actor whose chart is shown. */
function contextView(model: PlanModel): View | null {
  const own = actorsShown(model).find(({ actor }) => actor === model.actor);
  if (own === undefined) return null;
  const known = Object.entries(own.context ?? {}).filter(([, value]) => value !== null);
  return h(
    'details',
    { class: 'context', open: true },
    h('summary', null, 'Context'),
    own.context === null
      ? h('p', { class: 'dim' }, 'An earlier version of stator wrote this line: what was known then is not.')
      : h(
          'dl',
          { class: 'facts' },
          known.map(([name, value]) => fact(name, valueText(value))),
        ),
  );
}

/** The step of the selected line: the signal, the actors that changed, and their effects. */
function stepView({ journal, at }: PlanModel): View | null {
  const line = journal.find(({ seq }) => seq === at);
  if (line === undefined) return null;
  const { signal, origin } = line;
  const step = signal === null ? [line] : journal.filter((each) => each.signal === signal);
  return panel(
    {
      class: 'panel step',
      heading: 'step-title',
      title: 'What happened',
      count: `from ${origin}${signal === null ? '' : `, signal ${signal}`}`,
    },
    h(
      'ol',
      null,
      step.map(({ seq, actor, event, from, to, effects, refused }) =>
        h(
          'li',
          { key: String(seq), 'aria-current': seq === at ? 'step' : null },
          h('code', null, event),
          h('span', null, actor === '' ? 'plan' : actor.replaceAll('/', ' › ')),
          h('span', { class: 'move' }, refused === null ? moveText(from, to) : 'refused'),
          effects.length === 0 ? null : h('span', { class: 'dim' }, `asks for ${effects.join(', ')}`),
        ),
      ),
    ),
  );
}

/** Events that a plain text cannot carry: they need a form, or a command of the command line. */
const otherwise: Readonly<Record<string, string>> = {
  raise_budget: 'it takes an amount, which is asked for where a budget is used up',
};

/** The next events, without those that have a button at the top of the page. */
function nextEvents({ explain, plan, busy, named }: PlanModel, actions: PlanActions): View {
  const events = explain?.events ?? [];
  const isButton = ({ type, accepted }: (typeof events)[number]) => accepted && otherwise[type] === undefined;
  const taken = events.filter(isButton);
  const others = events.filter((event) => !isButton(event));
  const send = (type: string) => (event: Event) => {
    const payload = payloadOf(type, fieldText(event, 'words'), plan);
    actions.send(type, payload, `${words(type)}: done.`, emptyWhenTaken(event));
  };
  return panel(
    { class: 'panel events', heading: 'events-title', title: 'Next events' },
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
      field('textarea', `event ${named.project}/${named.plan}`, {
        name: 'words',
        rows: '1',
        placeholder: 'with these words',
        'aria-label': 'Words that go with the event',
      }),
    ),
    notNow(others.map((event) => ({ ...event, why_not: event.why_not ?? otherwise[event.type] ?? null }))),
  );
}

function payloadOf(type: string, text: string, plan: PlanShow | null): Record<string, unknown> {
  if (type === 'planner_draft_finished') return { planner_id: text };
  if (type === 'choose') return { draft: Number(/^\d{1,4}$/.exec(text)?.[0] ?? 0) };
  if (type === 'implement_wave') return { wave_number: Number(/^\d{1,4}$/.exec(text)?.[0] ?? (plan?.wave ?? 0) + 1) };
  if (type === 'needs_decision') return { reason: text };
  if (type === 'answer') return { questions: (plan?.questions ?? []).map(({ number }) => number), body: text };
  const isBare = type === 'retry_wave' || type === 'advance_wave' || type === 'elaborator_finished';
  return text === '' || isBare ? {} : { body: text };
}
