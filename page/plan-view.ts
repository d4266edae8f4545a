import type { PlanShow } from '../runtime/api/contract/plans.ts';
import { agentView } from './agent-view.ts';
import { boardView } from './board-view.ts';
import { type Child, h, type View } from './dom.ts';
import { budgetText, fact, usageFacts } from './facts.ts';
import { pauseText, progress } from './fleet.ts';
import { fieldText, sendOnEnter } from './form.ts';
import { clock, duration, since, words } from './format.ts';
import { glyph, stateOf } from './glyph.ts';
import { journalView } from './journal-view.ts';
import { needOf, shortTitles } from './needs.ts';
import { permissionsView } from './permission-view.ts';
import type { PlanActions, PlanModel, Sure } from './plan-model.ts';
import { questionsView } from './question-view.ts';

export function planView(model: PlanModel, actions: PlanActions, nowMs: number): View {
  const { plan } = model;
  return h(
    'main',
    { class: 'plan', id: 'main', tabindex: '-1' },
    plan === null ? h('p', { class: 'boot' }, '…') : head(plan, model, actions, nowMs),
    model.sure === null ? null : sureView(model.sure, actions),
    plan === null ? null : permissionsView(model, actions, nowMs),
    plan === null ? null : questionsView(plan, model, actions, nowMs),
    plan === null ? null : needView(plan, model, actions, nowMs),
    h(
      'div',
      { class: 'columns' },
      h(
        'section',
        { class: 'panel chart-panel', 'aria-label': 'Statechart' },
        moment(model, actions),
        // Each plan brings its own chart.
        h('div', {
          key: `chart of ${model.named.project}/${model.named.plan}`,
          class: 'chart-place',
          made: (element) => element.append(actions.chart),
        }),
        nowStates(model),
      ),
      h('div', { class: 'side' }, nextEvents(model, actions), journalView(model, actions)),
    ),
    plan === null
      ? null
      : h(
          'div',
          { class: model.chosen === null ? 'work' : 'work with-agent' },
          boardView(plan, model, actions, nowMs),
          model.chosen === null ? null : agentView(model.chosen, model, actions, nowMs),
        ),
  );
}

function head(plan: PlanShow, model: PlanModel, actions: PlanActions, nowMs: number): View {
  const waits = plan.waiting_for;
  // Who works is seen on the board, and who asks stands above all.
  const isWaiting = waits !== null && waits.kind !== 'agent' && plan.blocked === null;
  return h(
    'header',
    { class: 'plan-head' },
    h(
      'div',
      { class: 'plan-title' },
      h('h1', { class: 'clamped' }, plan.title ?? plan.plan),
      stateOf(
        plan.blocked === null ? (plan.paused ? 'paused' : plan.status) : 'asks',
        plan.landing === null ? plan.status : `${plan.status}, ${words(plan.landing)}`,
      ),
      plan.phase === null ? null : h('span', { class: 'dim' }, words(plan.phase)),
      progress(plan),
      commands(model, actions),
    ),
    plan.goal === null ? null : h('p', { class: 'dim goal clamped', title: plan.goal }, plan.goal),
    isWaiting
      ? h(
          'p',
          { class: 'waiting-for' },
          glyph('queued'),
          shortTitles(waits.detail.split('\n')[0] ?? '', plan.plan),
          h('span', { class: 'dim' }, since(waits.since, nowMs)),
        )
      : null,
    model.pauses.map((pause) =>
      h(
        'p',
        { key: [pause.of, pause.plan, pause.title].join('/'), class: 'waiting-for' },
        glyph('held'),
        pauseText(pause, nowMs),
        h('button', { class: 'quiet', on: { click: () => actions.resume(pause) } }, 'resume'),
      ),
    ),
    h(
      'dl',
      { class: 'facts' },
      fact('branch', plan.branch),
      fact('base', plan.base?.branch ?? ''),
      fact('after', (plan.base?.on ?? []).map((each) => each.plan).join(', ')),
      fact('runs', String(plan.runs)),
      ...usageFacts(plan.usage),
      fact('budget', budgetText(plan.budget)),
      fact(
        'left',
        plan.estimate === null
          ? ''
          : `${duration(plan.estimate.from_ms)} to ${duration(plan.estimate.to_ms)}, by ${plan.estimate.tasks} tasks`,
      ),
      fact('review cycle', plan.review_cycle === 0 ? '' : String(plan.review_cycle)),
      fact('merged', plan.merged === null ? '' : `into ${plan.merged.into}, ${clock(plan.merged.at)}`),
      fact('merge refused', plan.merge_refused === null ? '' : plan.merge_refused.detail),
      fact('pull request', pullRequest(plan)),
      fact('no pull request', plan.pr_refused === null ? '' : plan.pr_refused.detail),
      fact('left undone', plan.left_undone.join('; ')),
      fact('set aside', plan.set_aside.join('; ')),
    ),
  );
}

/** What a person is to say yes to stands above everything, and the answer that changes nothing is under the finger. */
function sureView({ type, says }: Sure, actions: PlanActions): View {
  return h(
    'section',
    {
      class: 'panel question sure',
      role: 'alertdialog',
      'aria-labelledby': 'sure-title',
      'aria-describedby': 'sure-says',
    },
    h('h2', { id: 'sure-title' }, glyph('asks'), `${words(type)}: do it?`),
    h(
      'ul',
      { id: 'sure-says' },
      says.map((line) => h('li', { key: line }, line)),
    ),
    h(
      'div',
      { class: 'commands' },
      h(
        'button',
        { class: 'quiet', made: (element) => element.focus(), on: { click: () => actions.answerSure(false) } },
        'No',
      ),
      h('button', { 'data-sure': type, on: { click: () => actions.answerSure(true) } }, `Yes, ${words(type)}`),
    ),
  );
}

/** A link only where it is one to the web: its address comes from a forge. */
function pullRequest({ pull_request: made, creating_pr: isCreated }: PlanShow): Child {
  if (made === null) return isCreated ? 'being made' : '';
  const url = made.url ?? '';
  const merge = made.merge === null ? '' : `, merge ${made.merge.state}`;
  if (!/^https?:\/\//.test(url)) return `${made.state} ${url}`.trim() + merge;
  const link = { href: url, target: '_blank', rel: 'noopener noreferrer', class: 'link' };
  return h('span', null, `${made.state} `, h('a', link, url.replace(/^https?:\/\//, '')), merge);
}

/** The words of every day, where they stand each time; what is not taken now is there and says why. */
const everyDay: readonly (readonly [type: string, text: string, done: string])[] = [
  ['plan_start', 'Plan it', 'Planning.'],
  ['implement_start', 'Implement', 'Implementing, or waiting for its turn.'],
  ['pause', 'Pause', 'Paused: what ran is stopped, and no attempt is spent.'],
  ['resume', 'Resume', 'It goes on.'],
  ['retry_wave', 'Retry', 'What failed runs again.'],
  ['advance_wave', 'Go on without', 'The next wave begins.'],
  ['merge', 'Merge', 'It is being merged.'],
  ['create_pr', 'Pull request', 'Its pull request is being made.'],
  ['cancel', 'Cancel', 'Cancelled; its branch is kept, and it can be reopened.'],
  ['reopen', 'Reopen', 'Reopened.'],
];

function commands({ explain, busy }: PlanModel, actions: PlanActions): View {
  const events = new Map((explain?.events ?? []).map((event) => [event.type, event]));
  return h(
    'div',
    { class: 'commands' },
    everyDay.flatMap(([type, text, done]) => {
      const event = events.get(type);
      if (event === undefined || !event.accepted) return [];
      return [
        h(
          'button',
          {
            key: type,
            'data-signal': type,
            title: event.does,
            disabled: busy !== null,
            on: { click: () => actions.send(type, {}, done) },
          },
          text,
        ),
      ];
    }),
  );
}

/** What needs a person beside questions: why the plan stands, and a word that lets it go on. */
function needView(plan: PlanShow, model: PlanModel, actions: PlanActions, nowMs: number): View | null {
  const { blocked, questions } = plan;
  const need = needOf(plan);
  // What is asked stands above, each question with its own answer.
  if (need === null || need.source === 'permission' || (blocked?.source === 'agent' && questions.length > 0))
    return null;
  const resolve = (event: Event) => {
    event.preventDefault();
    const said = fieldText(event, 'answer');
    actions.send('resolve', said === '' ? {} : { body: said }, 'It goes on.');
    (event.currentTarget as HTMLFormElement).reset();
  };
  return h(
    'section',
    { class: 'panel question', 'aria-labelledby': 'need-title' },
    h(
      'h2',
      { id: 'need-title' },
      glyph('asks'),
      blocked === null ? 'Needs you' : (sourceWords[blocked.source] ?? 'Needs you'),
      h('span', { class: 'count' }, `for ${since(need.since, nowMs)}`),
    ),
    blocked === null
      ? h('p', { class: 'asked' }, need.why)
      : h(
          'form',
          { on: { submit: resolve } },
          h('p', { class: 'asked', id: 'need-why' }, need.why),
          h('textarea', {
            name: 'answer',
            rows: '2',
            'aria-labelledby': 'need-why',
            placeholder: 'A word to it, where that helps',
            on: { keydown: sendOnEnter },
          }),
          h(
            'div',
            { class: 'commands' },
            h('button', { class: 'strong', type: 'submit', disabled: model.busy !== null }, 'Go on'),
            h('span', { class: 'dim' }, 'Ctrl+Enter'),
          ),
        ),
  );
}

const sourceWords: Readonly<Record<string, string>> = {
  agent: 'An agent asks',
  failed: 'Its attempts are used up',
  cycle_limit: 'Its rounds of fixing are used up',
  review: 'The review asks for changes',
  override: 'Its status was set by hand',
  fault: 'A signal could not be handled',
  no_verdict: 'A judge ended without a verdict',
  conflict: 'Its branches do not merge',
  budget: 'Its budget is used up',
};

/** Which moment is shown, and the way through all of them. */
function moment(model: PlanModel, actions: PlanActions): View {
  const { journal, at } = model;
  const index = at === null ? journal.length - 1 : journal.findIndex(({ seq }) => seq === at);
  const line = journal[index];
  return h(
    'div',
    { class: at === null ? 'moment' : 'moment past' },
    actorChoice(model, actions),
    h('input', {
      type: 'range',
      min: '0',
      max: String(Math.max(0, journal.length - 1)),
      value: String(Math.max(0, index)),
      'aria-label': 'Moment',
      'aria-valuetext': line === undefined ? 'now' : `${clock(line.at)}, ${line.event}`,
      disabled: journal.length < 2,
      on: {
        input: (event) => {
          const place = Number((event.target as HTMLInputElement).value);
          actions.goTo(place >= journal.length - 1 ? null : (journal[place]?.seq ?? null));
        },
      },
    }),
    h(
      'span',
      { class: 'when' },
      at === null ? 'now' : line === undefined ? `line ${at}` : `as of ${clock(line.at)}, after ${line.event}`,
    ),
    at === null ? null : h('button', { class: 'quiet', on: { click: () => actions.goTo(null) } }, 'back to now'),
  );
}

/** Whose chart is shown. One that is not there at this moment stays chosen, so that it is there again at another. */
function actorChoice({ states, past, at, actor: chosen }: PlanModel, actions: PlanActions): View {
  const there = ((at === null ? states : past)?.actors ?? []).map(({ actor }) => actor);
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
  const own = (at === null ? states : past)?.actors.find(({ actor }) => actor === chosen);
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
