/** The plans that need a person, at the top of the page: why, the text of the failure, and the actions that are possible here. */
import { withLocalTimes } from '../machines/vocabulary/time-text.ts';
import type { PlanEntry } from '../runtime/api/contract/plans.ts';
import { landingOffers, logsOf, type Offer, offersOf } from './acts.ts';
import { budgetForm } from './budget-form.ts';
import { h, type View } from './dom.ts';
import { glyph, nameLink, panel, timesIn, timeView } from './elements.ts';
import type { FleetActions, FleetView } from './fleet-model.ts';
import { outputView, whyOf } from './need-output.ts';
import { needOf, planAddress, shortTitle } from './needs.ts';
import type { PlanActions } from './plan-model.ts';
import { answerForm } from './question-view.ts';

/** How many rows are drawn until a person asks for all. */
const needsShown = 10;

/** `asking`: plans that need a person. `unmerged`: done plans that only wait for a decision about their merge. */
export interface Needs {
  readonly asking: readonly PlanEntry[];
  readonly unmerged: readonly PlanEntry[];
}

export function needsView({ asking, unmerged }: Needs, view: FleetView, actions: FleetActions, nowMs: number): View {
  const bySince = asking.toSorted((a, b) => (a.need?.since ?? '').localeCompare(b.need?.since ?? ''));
  const all = [...bySince, ...unmerged];
  const shown = view.isWholeNeeds ? all : all.slice(0, needsShown);
  return panel(
    {
      class: asking.length === 0 ? 'panel needs none' : 'panel needs',
      heading: 'needs-title',
      title: 'Needs you',
      count: unmerged.length === 0 ? asking.length : `${asking.length}, and ${unmerged.length} to merge`,
    },
    h(
      'ul',
      { 'aria-labelledby': 'needs-title' },
      all.length === 0 ? h('li', { class: 'dim' }, glyph('done'), 'Nothing.') : null,
      shown.map((plan) => (plan.need === null ? unmergedRow : askingRow)(plan, view, actions, nowMs)),
    ),
    shown.length < all.length
      ? h(
          'button',
          { class: 'quiet more', on: { click: () => actions.show({ isWholeNeeds: true }) } },
          `all ${all.length}`,
        )
      : null,
  );
}

function planLink({ project, plan, title }: PlanEntry): View {
  return h(
    'span',
    { class: 'who' },
    nameLink(planAddress({ project, plan }), plan, `${project}/`),
    title === null ? null : h('span', { class: 'dim' }, title),
  );
}

/** Actions that need more than a button, so they link to the page of the plan. */
const linkWords: Readonly<Record<string, string>> = { choice: 'choose a draft' };

function askingRow(plan: PlanEntry, view: FleetView, actions: FleetActions, nowMs: number): View {
  const need = needOf(plan);
  if (need === null) return h('li', null);
  const offers = offersOf(plan);
  const logs = logsOf(need);
  const isAnswered = plan.questions.length > 0 && actions.may('answer');
  const isBusy = view.busy !== null || !view.isSteady;
  const send: PlanActions['send'] = (type, payload, done, taken) =>
    actions.act(plan, { type, payload, done, text: '' }, taken);
  const budget = budgetForm(plan, { may: actions.may, send, isBusy });
  return h(
    'li',
    { key: `${plan.project}/${plan.plan}` },
    glyph('asks'),
    planLink(plan),
    h(
      'span',
      { class: 'acts' },
      ...logs.map((title) =>
        h(
          'a',
          { key: title, class: 'link', href: `${planAddress(plan)}/${encodeURIComponent(title)}` },
          `log of ${shortTitle(title, plan.plan)}`,
        ),
      ),
      offers.length === 0 && !isAnswered && budget === null
        ? h('a', { class: 'link', href: planAddress(plan) }, linkWords[need.source] ?? 'answer')
        : null,
      ...offers.map((offer) => offerButton(plan, offer, view, actions)),
    ),
    h('span', { class: 'dim time' }, timeView(need.since, nowMs, 'for')),
    // A need that consists of questions only: each is shown above the field for its answer.
    isAnswered && need.source === 'agent'
      ? null
      : h('p', { class: 'why', title: withLocalTimes(need.why, nowMs) }, timesIn(whyOf(need), nowMs)),
    outputView(need, plan.plan),
    budget,
    isAnswered ? answers(plan, { isBusy, send, may: actions.may }) : null,
  );
}

interface AnswerParts extends Pick<PlanActions, 'may' | 'send'> {
  readonly isBusy: boolean;
}

function answers(plan: PlanEntry, { isBusy, ...parts }: AnswerParts): View {
  return h(
    'div',
    { key: 'answers', class: 'question' },
    plan.questions.map((question) => {
      const text = `question ${question.number}${question.title === null ? '' : ` of ${shortTitle(question.title, plan.plan)}`}: ${question.question}`;
      return answerForm(plan, { question, isBusy }, { text, ...parts });
    }),
  );
}

function unmergedRow(plan: PlanEntry, view: FleetView, actions: FleetActions, nowMs: number): View {
  return h(
    'li',
    { key: `${plan.project}/${plan.plan}` },
    glyph('done'),
    planLink(plan),
    h(
      'span',
      { class: 'acts' },
      h('a', { class: 'link', href: `${planAddress(plan)}/changes` }, 'changes'),
      ...landingOffers
        .filter(({ type }) => plan.accepts.includes(type))
        .map((offer) => offerButton(plan, offer, view, actions)),
    ),
    h('span', { class: 'dim time' }, timeView(plan.updated_at, nowMs, 'for')),
    h('p', { class: 'why' }, 'done, not merged'),
  );
}

function offerButton(plan: PlanEntry, offer: Offer, view: FleetView, actions: FleetActions): View | null {
  if (!actions.maySend(offer.type)) return null;
  return h(
    'button',
    {
      key: offer.text,
      class: 'small',
      'aria-label': `${offer.text}: ${plan.plan}`,
      disabled: view.busy !== null || !view.isSteady,
      on: { click: () => actions.act(plan, offer) },
    },
    offer.text,
  );
}
