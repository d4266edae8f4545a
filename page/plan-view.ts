/** One plan: its goal, its need for a person, and the selected section. */
import type { PlanShow } from '../runtime/api/contract/plans.ts';
import { landingOffers, offersOf } from './acts.ts';
import { h, type View } from './dom.ts';
import { draftsView } from './drafts-view.ts';
import { glyph, panel, stateOf, timesIn, timeText, timeView } from './elements.ts';
import { pauseText, progress } from './fleet.ts';
import { emptyWhenTaken, field, fieldText, sendOnEnter } from './form.ts';
import { words } from './format.ts';
import { planAddress, shapeOf, shortTitles } from './needs.ts';
import { permissionsView } from './permission-view.ts';
import { changesView } from './plan-changes.ts';
import { planChartView } from './plan-chart.ts';
import { type PlanActions, type PlanModel, type Section, sections } from './plan-model.ts';
import { accepts, needView } from './plan-need.ts';
import { timelineView } from './plan-timeline.ts';
import { workView } from './plan-work.ts';
import { questionsView } from './question-view.ts';
import { firstLineOf, planWords } from './state-words.ts';
import { sureView } from './sure-view.ts';
import { reportView } from './verdicts-view.ts';

export function planView(model: PlanModel, actions: PlanActions, nowMs: number): View {
  const { plan, past, at } = model;
  const shown = at === null || plan === null ? plan : (past?.plan ?? plan);
  // For a past state ages are relative to that time.
  const shownMs = at === null ? nowMs : Date.parse(model.journal.find(({ seq }) => seq === at)?.at ?? '') || nowMs;
  return h(
    'main',
    { class: 'plan', id: 'main', tabindex: '-1' },
    plan === null || shown === null ? h('p', { class: 'boot' }, '…') : head(shown, model, actions, shownMs),
    model.sure === null ? null : sureView(model.sure, actions.answerSure),
    plan === null ? null : permissionsView(model, actions, nowMs),
    plan === null ? null : questionsView(plan, model, actions, nowMs),
    plan === null ? null : needView(plan, model, actions, nowMs),
    plan === null ? null : reviewView(plan, model, actions, nowMs),
    shown === null ? null : draftsView(shown, model, actions),
    h('div', { key: 'sections', class: 'panel sections' }, sectionLinks(model), moment(model, actions, nowMs)),
    shown === null ? null : sectionView(shown, model, actions, shownMs),
  );
}

function sectionView(plan: PlanShow, model: PlanModel, actions: PlanActions, nowMs: number): View {
  switch (model.section) {
    case 'work':
      return workView(plan, model, actions, nowMs);
    case 'changes':
      return changesView(plan, model, actions);
    case 'timeline':
      return timelineView(model, actions, nowMs);
    case 'chart':
      return planChartView(model, actions, nowMs);
    default:
      return model.section satisfies never;
  }
}

const sectionNames: Readonly<Record<Section, string>> = {
  work: 'Work',
  changes: 'Changes',
  timeline: 'Timeline',
  chart: 'Statechart',
};

function sectionLinks({ named, section: shown }: PlanModel): View {
  return h(
    'nav',
    { 'aria-label': 'Parts of the plan' },
    sections.map((section) =>
      h(
        'a',
        {
          key: section,
          href: section === 'work' ? planAddress(named) : `${planAddress(named)}/${section}`,
          'aria-current': section === shown ? 'page' : null,
        },
        sectionNames[section],
      ),
    ),
  );
}

function head(plan: PlanShow, model: PlanModel, actions: PlanActions, nowMs: number): View {
  const waits = plan.waiting_for;
  // The board shows the agents that work, and what needs a person is below.
  const isWaiting = waits !== null && waits.kind !== 'agent' && plan.need === null;
  return h(
    'header',
    { class: 'plan-head' },
    h(
      'div',
      { class: 'plan-title' },
      h('h1', { class: 'clamped' }, plan.title ?? plan.plan),
      stateOf(shapeOf(plan), plan.landing === null ? planWords(plan) : `${planWords(plan)}, ${words(plan.landing)}`),
      progress(plan),
      commands(model, actions),
    ),
    plan.goal === null ? null : h('p', { class: 'dim goal clamped', title: plan.goal }, plan.goal),
    plan.issues.length === 0
      ? null
      : h(
          'p',
          { class: 'dim clamped' },
          ...plan.issues.map((link) => h('a', { href: link, target: '_blank', rel: 'noopener noreferrer' }, link)),
        ),
    isWaiting
      ? h(
          'p',
          { class: 'waiting-for' },
          glyph('queued'),
          h('span', null, timesIn(shortTitles(firstLineOf(waits), plan.plan), nowMs)),
          waits.since === null ? null : h('span', { class: 'dim' }, timeView(waits.since, nowMs, 'for')),
        )
      : null,
    model.pauses.map((pause) =>
      h(
        'p',
        { key: [pause.of, pause.plan, pause.title].join('/'), class: 'waiting-for' },
        glyph('held'),
        h('span', null, timesIn(pauseText(pause), nowMs)),
        actions.may('steer')
          ? h('button', { class: 'quiet', on: { click: () => actions.resume(pause) } }, 'resume')
          : null,
      ),
    ),
  );
}

/** The most common actions, always in the same order. Those that are not accepted now are not offered. */
const everyDay: readonly (readonly [type: string, text: string, done: string])[] = [
  ['plan_start', 'Plan it', 'Planning.'],
  ['implement_start', 'Implement', 'Implementing, or waiting for its turn.'],
  ['pause', 'Pause', 'Paused: what ran is stopped, and no attempt is spent.'],
  ['resume', 'Resume', 'It goes on.'],
  ['retry_wave', 'Retry', 'What failed runs again.'],
  ['advance_wave', 'Go on without', 'The next wave begins.'],
  ...landingOffers.map(({ type, text, done }) => [type, text, done] as const),
  ['cancel', 'Cancel', 'Cancelled; its branch is kept, and it can be reopened.'],
  ['reopen', 'Reopen', 'Reopened.'],
];

function commands({ explain, busy, plan }: PlanModel, actions: PlanActions): View {
  const events = new Map((explain?.events ?? []).map((event) => [event.type, event]));
  return h(
    'div',
    { class: 'commands' },
    everyDay.flatMap(([type, text, done]) => {
      const event = events.get(type);
      if (event === undefined || !event.accepted || isIdle(type, plan) || isOfNeed(type, plan)) return [];
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

/** The chart accepts the signal, but it would change nothing. */
function isIdle(type: string, plan: PlanShow | null): boolean {
  return type === 'pause' && plan?.turn === 'nobody';
}

/** The actions for a failed wave are shown beside its failures. */
function isOfNeed(type: string, plan: PlanShow | null): boolean {
  return plan?.need?.source === 'wave' && offersOf(plan).some((offer) => offer.type === type);
}

/** A person may judge the work in place of the reviewer, whichever agent works on it. */
function reviewView(plan: PlanShow, model: PlanModel, actions: PlanActions, nowMs: number): View | null {
  const { explain, busy } = model;
  if (plan.status !== 'reviewing' || plan.blocked !== null || !accepts(explain, 'review_approved')) return null;
  const judge = (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const body = fieldText(event, 'review');
    const { value = '' } = ((event as SubmitEvent).submitter ?? {}) as Partial<HTMLButtonElement>;
    const isApproved = value === 'review_approved';
    if (!isApproved && body === '') {
      form.querySelector('textarea')?.focus();
      return;
    }
    actions.send(
      isApproved ? 'review_approved' : 'review_changes_requested',
      body === '' ? {} : { body },
      isApproved ? 'Approved.' : 'Changes are requested, with your words.',
      emptyWhenTaken(event),
    );
  };
  const button = (type: string, look: string, text: string) =>
    accepts(explain, type)
      ? h('button', { class: look, type: 'submit', value: type, disabled: busy !== null }, text)
      : null;
  return panel(
    { class: 'panel question offered', heading: 'review-title', title: [glyph('reviewing'), 'In review'] },
    h(
      'div',
      { class: 'judged' },
      h(
        'form',
        { on: { submit: judge } },
        h('p', { class: 'asked', id: 'review-says' }, reviewText(plan)),
        field('textarea', `review ${plan.project}/${plan.plan}`, {
          name: 'review',
          rows: '2',
          'aria-labelledby': 'review-says',
          placeholder: 'What is to change, or why it is good',
          on: { keydown: sendOnEnter },
        }),
        h(
          'div',
          { class: 'commands' },
          button('review_changes_requested', 'strong', 'Request changes'),
          button('review_approved', '', 'Approve'),
          h('a', { class: 'link', href: `${planAddress(plan)}/changes` }, 'Read the changes'),
        ),
      ),
      reportView(model, nowMs),
    ),
  );
}

function reviewText({ turn, waiting_for: wait }: PlanShow): string {
  if (wait?.kind === 'agent' || turn === 'agents') return 'A reviewer is at it. Your own verdict counts in its place.';
  return 'Your own verdict counts in place of a reviewer’s.';
}

/** The selected line of the journal, and the controls to move through it. */
function moment(model: PlanModel, actions: PlanActions, nowMs: number): View {
  const { journal, at } = model;
  const index = at === null ? journal.length - 1 : journal.findIndex(({ seq }) => seq === at);
  const line = journal[index];
  return h(
    'div',
    { class: at === null ? 'moment' : 'moment past' },
    h('input', {
      type: 'range',
      min: '0',
      max: String(Math.max(0, journal.length - 1)),
      value: String(Math.max(0, index)),
      'aria-label': 'Moment',
      'aria-valuetext': line === undefined ? 'now' : `${timeText(line.at, nowMs)}, ${line.event}`,
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
      at === null
        ? 'now'
        : line === undefined
          ? `line ${at}`
          : ['as of ', timeView(line.at, nowMs), `, after ${line.event}`],
    ),
    at === null ? null : h('button', { class: 'quiet', on: { click: () => actions.goTo(null) } }, 'back to now'),
  );
}
