/** What needs a person in a plan, besides questions: why, the logs of what failed, and what can be done about it. */
import { localDay } from '../machines/vocabulary/time-text.ts';
import type { PlanShow } from '../runtime/api/contract/plans.ts';
import { goOnText, logsOf, offersOf } from './acts.ts';
import { h, type View } from './dom.ts';
import { fieldText, sendOnEnter } from './form.ts';
import { since } from './format.ts';
import { glyph } from './glyph.ts';
import { outputView, whyOf } from './need-output.ts';
import { needOf, planAddress, shortTitle } from './needs.ts';
import { panel } from './panel.ts';
import type { PlanActions, PlanModel } from './plan-model.ts';

/** What needs a person beside questions: why the plan is blocked, and a message that lets it go on. */
export function needView(plan: PlanShow, model: PlanModel, actions: PlanActions, nowMs: number): View | null {
  const { blocked, questions } = plan;
  const need = needOf(plan);
  // Questions are above, each with its own answer.
  if (need === null || need.source === 'permission' || (blocked?.source === 'agent' && questions.length > 0))
    return null;
  return panel(
    {
      class: 'panel question',
      heading: 'need-title',
      title: [glyph('asks'), blocked === null ? 'Needs you' : (sourceWords[blocked.source] ?? 'Needs you')],
      count: `for ${since(need.since, nowMs)}`,
    },
    h('p', { class: 'asked', id: 'need-why', title: need.why }, whyOf(need)),
    outputView(need, plan.plan),
    need.source === 'wave' ? waveWays(need, model, actions) : null,
    blocked === null || !actions.may('answer') ? null : resolveForm(plan, need, model, actions),
    blocked === null || !actions.may('steer') ? null : budgetForm(blocked, model, actions),
  );
}

/** What lets it go on, with a text to it; only the ways that the plan takes now. */
function resolveForm(
  plan: PlanShow,
  need: NonNullable<PlanShow['need']>,
  { explain, busy }: PlanModel,
  actions: PlanActions,
): View | null {
  const offers = (flag: 'accept' | 'restore') => need.do.some((command) => command.endsWith(` --${flag}`));
  const ways = [
    ...(accepts(explain, 'resolve') ? [{ flag: '', text: goOnText(plan) }] : []),
    ...(offers('restore') ? [{ flag: 'restore', text: 'Bring it back' }] : []),
    ...(offers('accept')
      ? [{ flag: 'accept', text: need.source === 'lost_work' ? 'Go on without it' : 'Accept it as it is' }]
      : []),
  ];
  const [likeliest] = ways;
  if (likeliest === undefined) return null;
  const resolve = (event: Event) => {
    event.preventDefault();
    const said = fieldText(event, 'answer');
    // By the button that was pressed: its ways are those of the command.
    const { value = likeliest.flag } = ((event as SubmitEvent).submitter ?? {}) as Partial<HTMLButtonElement>;
    const way = value === '' ? {} : { [value]: true };
    actions.send('resolve', { ...(said === '' ? {} : { body: said }), ...way }, 'It goes on.');
    (event.currentTarget as HTMLFormElement).reset();
  };
  return h(
    'form',
    { on: { submit: resolve } },
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
      ways.map((way) =>
        h(
          'button',
          {
            ...{ key: way.flag, class: way === likeliest ? 'strong' : 'quiet' },
            ...{ type: 'submit', value: way.flag, disabled: busy !== null },
          },
          way.text,
        ),
      ),
      h('span', { class: 'dim keys' }, 'Ctrl+Enter'),
    ),
  );
}

/** A limit for all of it, in place of the one that is used up. */
function budgetForm(
  { budget, at }: NonNullable<PlanShow['blocked']>,
  model: PlanModel,
  actions: PlanActions,
): View | null {
  if (budget === undefined || !accepts(model.explain, 'raise_budget')) return null;
  const { scope, measure, limit, spent } = budget;
  const { unit, more, step } = measures[measure];
  const raise = (event: Event) => {
    event.preventDefault();
    const day = scope === 'day' ? { day: localDay(new Date()) } : {};
    actions.send('raise_budget', { scope, [measure]: Number(fieldText(event, 'limit')), ...day }, 'It goes on.');
  };
  const least = (Math.floor(spent / step) + 1) * step;
  return h(
    'form',
    { key: at, on: { submit: raise } },
    h(
      'div',
      { class: 'commands' },
      h(
        'label',
        null,
        `${unit} ${scopeWords[scope]} `,
        h('input', {
          ...{
            name: 'limit',
            type: 'number',
            required: true,
            step: String(step),
            min: String(Number(least.toFixed(2))),
          },
          made: (element) => {
            (element as HTMLInputElement).value = String(Number((Math.max(limit, spent) + more).toFixed(2)));
          },
        }),
      ),
      h('button', { class: 'strong', type: 'submit', disabled: model.busy !== null }, 'Raise the budget'),
    ),
  );
}

/** `more`: how much more is proposed. `step`: the smallest difference. */
const measures = {
  usd: { unit: 'US dollars', more: 5, step: 0.01 },
  tokens: { unit: 'Tokens', more: 500_000, step: 1 },
  agent_minutes: { unit: 'Minutes', more: 60, step: 1 },
} as const;

const scopeWords = {
  plan: 'for the whole plan',
  day: 'for the repo today',
  attempt: 'for each run',
} as const;

/** The logs of what failed, and what can be done about it. */
function waveWays(
  need: NonNullable<PlanShow['need']>,
  { plan, named, busy, explain }: PlanModel,
  actions: PlanActions,
): View {
  return h(
    'div',
    { class: 'commands' },
    ...(plan === null ? [] : offersOf(plan))
      .filter(({ type }) => accepts(explain, type))
      .map(({ type, payload, text, done }) =>
        h(
          'button',
          { key: type, disabled: busy !== null, on: { click: () => actions.send(type, payload, done) } },
          text,
        ),
      ),
    ...logsOf(need).map((title) =>
      h(
        'a',
        { key: title, class: 'link', href: `${planAddress(named)}/${encodeURIComponent(title)}` },
        `log of ${shortTitle(title, plan?.plan ?? '')}`,
      ),
    ),
  );
}

/** Whether the plan takes that signal now, from the person who looks at it. */
export function accepts(explain: PlanModel['explain'], type: string): boolean {
  return explain?.events.some((event) => event.type === type && event.accepted) === true;
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
  choice: 'Choose one of its drafts',
  lost_work: 'Work was lost from its branch',
};
