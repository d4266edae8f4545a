/** Why a plan needs a person, besides questions: the reason, the logs of the failure, and the possible actions. */
import { blockText } from '../machines/vocabulary/block-source.ts';
import type { PlanShow } from '../runtime/api/contract/plans.ts';
import { goOnText, logsOf, offersOf } from './acts.ts';
import { budgetForm } from './budget-form.ts';
import { h, type View } from './dom.ts';
import { glyph, panel, timesIn, timeView } from './elements.ts';
import { emptyWhenTaken, field, fieldText, sendOnEnter } from './form.ts';
import { sentence } from './format.ts';
import { outputView, whyOf } from './need-output.ts';
import { needOf, planAddress, shortTitle } from './needs.ts';
import type { PlanActions, PlanModel } from './plan-model.ts';
import { hasReport, reportView } from './verdicts-view.ts';

/** Needs for which a person can give a verdict on the work. */
const judged: ReadonlySet<string> = new Set(['review', 'cycle_limit']);

/** The panel with the reason why the plan is blocked, and the message that unblocks it. Questions have their own. */
export function needView(plan: PlanShow, model: PlanModel, actions: PlanActions, nowMs: number): View | null {
  const { blocked, questions } = plan;
  const need = needOf(plan);
  // Questions are shown above, each with a field for its answer.
  if (need === null || need.source === 'permission' || (blocked?.source === 'agent' && questions.length > 0))
    return null;
  const isReported = judged.has(need.source) && plan.status !== 'done' && hasReport(model);
  return panel(
    {
      class: 'panel question',
      heading: 'need-title',
      title: [glyph('asks'), blocked === null ? 'Needs you' : sentence(blockText(blocked.source))],
      count: timeView(need.since, nowMs, 'for'),
    },
    h('p', { class: 'asked', id: 'need-why' }, timesIn(whyOf(need, isReported), nowMs)),
    outputView(need, plan.plan),
    need.source === 'wave' ? waveWays(need, model, actions) : null,
    h(
      'div',
      { class: isReported ? 'judged' : '' },
      blocked === null || !actions.may('answer') ? null : resolveForm(plan, need, model, actions),
      isReported ? reportView(model, nowMs) : null,
    ),
    budgetForm(plan, { may: actions.may, send: actions.send, isBusy: model.busy !== null }),
  );
}

/** The buttons that let the plan continue, with a field for a message. Only signals that the plan accepts now are offered. */
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
    // The pressed button names a flag of the command, and with it the way to continue.
    const { value = likeliest.flag } = ((event as SubmitEvent).submitter ?? {}) as Partial<HTMLButtonElement>;
    const way = value === '' ? {} : { [value]: true };
    const payload = { ...(said === '' ? {} : { body: said }), ...way };
    actions.send('resolve', payload, 'It goes on.', emptyWhenTaken(event));
  };
  return h(
    'form',
    { on: { submit: resolve } },
    field('textarea', `answer ${plan.project}/${plan.plan}`, {
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

/** The logs of the failed tasks, and the possible actions. */
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

/** Whether the plan accepts that signal now from the person at this page. */
export function accepts(explain: PlanModel['explain'], type: string): boolean {
  return explain?.events.some((event) => event.type === type && event.accepted) === true;
}
