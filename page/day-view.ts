/** A day: what was done, what it cost, what failed and why, by repo; slots, tokens and cost over time; and who did what. */
import { actText } from '../machines/vocabulary/act-text.ts';
import { counted, sumOfKnown } from '../machines/vocabulary/numbers.ts';
import { reasonText } from '../machines/vocabulary/reason-text.ts';
import { isFailure } from '../machines/vocabulary/run-state.ts';
import { localDay } from '../machines/vocabulary/time-text.ts';
import type { WorkEntry } from '../runtime/api/contract/work.ts';
import { type Run, type Step, slotsOver, spentOver, sumsOf, tokensOf } from './day.ts';
import { h, type View } from './dom.ts';
import { glyph, panel, timesIn, timeView } from './elements.ts';
import { amount, dollars } from './format.ts';
import { subjectLink } from './machine-view.ts';
import { planAddress, repoAddress, shortTitle } from './needs.ts';
import { type Range, scaleOf, ticksOf } from './time-scale.ts';

const listedMost = 200;

export interface DayModel {
  /** `2026-11-27`, in the time zone of the browser. */
  readonly day: string;
  readonly range: Range;
  /** null: not read yet. */
  readonly work: WorkEntry | null;
}

export function dayAddress(day: string): string {
  return `#/day/${day}`;
}

/** `by`: the number of days. A day has 23 or 25 hours when summer time begins or ends. */
export function dayBeside(day: string, by: number): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return localDay(new Date(year, month - 1, date + by));
}

export function dayView({ day, range, work }: DayModel, nowMs: number): View {
  const link = (by: number, text: string) => h('a', { class: 'link', href: dayAddress(dayBeside(day, by)) }, text);
  return h(
    'main',
    { class: 'plan day', id: 'main', tabindex: '-1' },
    h(
      'header',
      { class: 'plan-head' },
      h(
        'div',
        { class: 'plan-title' },
        h('h1', null, day),
        h(
          'span',
          { class: 'commands' },
          link(-1, 'the day before'),
          range.toMs > nowMs ? null : link(1, 'the day after'),
        ),
      ),
      work === null ? null : h('p', { class: 'dim' }, wholeText(work)),
      work?.is_cut === true
        ? h('p', { class: 'notice' }, 'More was done: earlier runs or acts of this day are neither listed nor counted.')
        : null,
    ),
    ...(work === null ? [h('p', { class: 'boot' }, '…')] : [chartView(work, range, nowMs), ...lists(work, nowMs)]),
  );
}

function wholeText({ runs }: WorkEntry): string {
  const [tokens, cost] = [sumOfKnown(runs.map(tokensOf)), sumOfKnown(runs.map(({ cost_usd }) => cost_usd))];
  const known = [tokens === null ? '' : `${amount(tokens)} tokens`, cost === null ? '' : dollars(cost)];
  return [counted(runs.length, 'run'), counted(runs.filter(isFailure).length, 'failure'), ...known]
    .filter((part) => part !== '')
    .join(', ');
}

function lists(work: WorkEntry, nowMs: number): View[] {
  const failures = work.runs.filter(isFailure).toReversed();
  return [
    panel(
      { key: 'repos', class: 'panel', heading: 'day-repos', title: 'By repo', count: sumsOf(work.runs).length },
      list(
        sumsOf(work.runs).map(({ project, runs, done, failed, plans, tokens, cost }) =>
          h(
            'li',
            { key: project },
            h('a', { class: 'link', href: repoAddress(project) }, project),
            h('span', null, `${counted(runs, 'run')}: ${done} done, ${failed} failed`),
            tokens === null && cost === null
              ? null
              : h('span', { class: 'dim' }, `${amount(tokens)} tokens, ${dollars(cost)}`),
            h(
              'span',
              { class: 'day-plans' },
              plans.map((plan) => h('a', { key: plan, class: 'link', href: planAddress({ project, plan }) }, plan)),
            ),
          ),
        ),
        'Nothing ran.',
      ),
    ),
    panel(
      { key: 'failed', class: 'panel', heading: 'day-failed', title: 'What failed', count: failures.length },
      list(
        failures.slice(0, listedMost).map((run) => failureRow(run, nowMs)),
        'Nothing.',
      ),
    ),
    panel(
      { key: 'acts', class: 'panel', heading: 'day-acts', title: 'Who did what', count: work.acts.length },
      list(
        work.acts
          .slice(0, listedMost)
          .map(({ project, plan, tree, type, by, status, at }, index) =>
            h(
              'li',
              { key: `${index} ${at}` },
              h('span', { class: 'dim' }, timeView(at, nowMs)),
              h('b', null, by === 'person' ? 'the owner' : by.slice('person:'.length)),
              h('span', null, actText(type), status === 'failed' ? ': refused' : ''),
              subjectLink({ project, plan, tree }, `${project}/${plan}`),
            ),
          ),
        'Nobody did anything.',
      ),
    ),
  ];
}

function list(rows: readonly View[], none: string): View {
  return h('ul', { class: 'repo-plans' }, rows.length === 0 ? h('li', { class: 'dim' }, none) : null, rows);
}

function failureRow({ project, plan, title, attempt, reason, why, ended_at: endedAt }: Run, nowMs: number): View {
  return h(
    'li',
    { key: `${title} ${attempt} ${endedAt}` },
    h('span', { class: 'dim' }, endedAt === null ? '' : timeView(endedAt, nowMs)),
    glyph('failed'),
    h(
      'a',
      { class: 'link', href: `${planAddress({ project, plan })}/${encodeURIComponent(title)}` },
      `${project}/${plan} ${shortTitle(title, plan)}`,
    ),
    h(
      'span',
      null,
      timesIn([reason === null ? null : reasonText(reason), why].filter((part) => part !== null).join(': '), nowMs),
    ),
  );
}

const height = 100;

/** Three lines on one time axis. Each is scaled to its own maximum. */
function chartView({ runs }: WorkEntry, range: Range, nowMs: number): View {
  const scale = scaleOf(range, []);
  const endMs = Math.min(range.toMs, nowMs);
  const lines = [
    { name: 'agents at work', look: 'slots', steps: slotsOver(runs, range.fromMs, range.toMs), text: String },
    { name: 'tokens', look: 'tokens', steps: spentOver(runs, tokensOf, range.fromMs), text: amount },
    { name: 'cost', look: 'spent', steps: spentOver(runs, ({ cost_usd: cost }) => cost, range.fromMs), text: dollars },
  ].map((line) => ({ ...line, most: Math.max(0, ...line.steps.map(({ value }) => value)) }));
  const path = (steps: readonly Step[], most: number) => {
    const y = (value: number) => height - (value / most) * (height - 6);
    return [
      `M0 ${height}`,
      ...steps.map(({ ms, value }) => `H${scale.at(ms)}V${y(value)}`),
      `H${scale.at(endMs)}`,
    ].join('');
  };
  const known = lines.filter(({ most }) => most > 0);
  return panel(
    { key: 'chart', class: 'panel day-chart', heading: 'day-chart', title: 'Over the day' },
    h(
      'svg',
      {
        role: 'img',
        'aria-label': known.map(({ name, most, text }) => `${name}: at most ${text(most)}`).join('; ') || 'nothing ran',
        width: '100%',
        height: '140',
        viewBox: `0 0 100 ${height}`,
        preserveAspectRatio: 'none',
      },
      known.map(({ look, steps, most }) => h('path', { key: look, class: look, d: path(steps, most) })),
    ),
    h(
      'svg',
      { class: 'day-axis', 'aria-hidden': 'true', width: '100%', height: '22' },
      // The last midnight belongs to the next day, so it gets no tick.
      ticksOf({ ...range, toMs: range.toMs - 1 }, scale).map(({ percent, text }) =>
        h(
          'text',
          {
            key: text,
            x: `${percent}%`,
            y: '15',
            'text-anchor': percent < 5 ? 'start' : percent > 95 ? 'end' : 'middle',
          },
          text,
        ),
      ),
    ),
    h(
      'ul',
      { class: 'day-legend' },
      known.map(({ name, look, most, text }) =>
        h(
          'li',
          { key: look },
          h('span', { class: `swatch ${look}`, 'aria-hidden': 'true' }),
          `${name}, at most ${text(most)}`,
        ),
      ),
    ),
  );
}
