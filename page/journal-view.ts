/** The journal of a plan. Each line links to the chart after that line. */
import type { HistoryEntry } from '../runtime/api/contract/plans.ts';
import type { Move } from './chart.ts';
import { h, type View } from './dom.ts';
import { panel, timesIn, timeText, timeView } from './elements.ts';
import type { PlanActions, PlanModel } from './plan-model.ts';

/** The number of lines around the selected one. */
const linesShown = 200;

type Moments = Pick<PlanActions, 'goTo'>;

export function journalView({ journal, at }: Pick<PlanModel, 'journal' | 'at'>, actions: Moments, nowMs: number): View {
  const index = at === null ? journal.length - 1 : journal.findIndex(({ seq }) => seq === at);
  const end = Math.min(journal.length, Math.max(linesShown, index + linesShown / 2));
  const shown = journal.slice(Math.max(0, end - linesShown), end);
  return panel(
    { class: 'panel journal', heading: 'journal-title', title: 'Journal', count: journal.length },
    h(
      'ol',
      { tabindex: '0', 'aria-label': 'Journal, the newest first' },
      // New lines are added at the top, so that the text being read does not move down.
      shown.toReversed().map((line) => lineView(line, line.seq === at, actions, nowMs)),
    ),
  );
}

const made = new WeakMap<HistoryEntry, { isShown: boolean; time: string; actions: Moments; view: View }>();

function lineView(line: HistoryEntry, isShown: boolean, actions: Moments, nowMs: number): View {
  const time = timeText(line.at, nowMs);
  const before = made.get(line);
  if (before?.time === time && before.isShown === isShown && before.actions === actions) return before.view;
  const { seq, at, actor, event, from, to, refused, why } = line;
  const view = h(
    'li',
    { key: String(seq) },
    h(
      'button',
      {
        class: refused === null ? 'line' : 'line refused',
        'data-seq': String(seq),
        'aria-current': isShown ? 'step' : null,
        on: { click: () => actions.goTo(seq) },
      },
      h('span', { class: 'dim' }, timeView(at, nowMs)),
      h('span', { class: 'event' }, event, actor === '' ? null : h('span', { class: 'dim' }, ` ${actor}`)),
      h(
        'span',
        { class: 'move' },
        refused === null ? moveText(from, to) : `refused${refused.guard === null ? '' : `: ${refused.guard}`}`,
      ),
      why === null ? null : h('span', { class: 'said' }, timesIn(why, nowMs)),
    ),
  );
  made.set(line, { isShown, time, actions, view });
  return view;
}

/** The part of the two state paths that differs. */
export function moveText(from: string, to: string): string {
  if (from === to) return '';
  const [a, b] = [from.split('.'), to.split('.')];
  let same = 0;
  while (same < a.length - 1 && same < b.length - 1 && a[same] === b[same]) same += 1;
  const [before, after] = [a.slice(same).join('.'), b.slice(same).join('.')];
  return before === '' ? `→ ${after}` : `${before} → ${after}`;
}

/** The last transition of an actor at or before the selected line. */
export function lastMove({ journal, at }: Pick<PlanModel, 'journal' | 'at'>, shown: string): Move | null {
  return (
    journal.findLast(
      ({ seq, actor, refused, from, to }) =>
        actor === shown && refused === null && from !== '' && from !== to && (at === null || seq <= at),
    ) ?? null
  );
}
