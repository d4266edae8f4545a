/** The elements that many views have: a panel, a state with its shape, a time, and a link with a long name. */
import { age, ago, clockTime, duration, localDay, sentenceTimes } from '../machines/vocabulary/time-text.ts';
import { type Child, h, type View } from './dom.ts';

export interface PanelHead {
  readonly key?: string;
  /** Default: `panel`. */
  readonly class?: string;
  /** The id of the heading. */
  readonly heading: string;
  readonly title: Child | readonly Child[];
  /** A count or a duration beside the heading. */
  readonly count?: Child | readonly Child[];
  /** Further content in the line of the heading. */
  readonly more?: Child | readonly Child[];
}

/** A section of a view with a heading, which also names it for screen readers. */
export function panel(
  { heading, title, count, more, ...own }: PanelHead,
  ...content: readonly (Child | readonly Child[])[]
): View {
  return h(
    'section',
    { class: 'panel', ...own, 'aria-labelledby': heading },
    h(
      'h2',
      { id: heading },
      title,
      count == null ? null : h('span', { class: 'count' }, typeof count === 'number' ? String(count) : count),
      more,
    ),
    ...content,
  );
}

/** Shapes for states, so that no state is shown by its colour alone. The name is always beside the shape. */
export type Shape = 'empty' | 'working' | 'waiting' | 'done' | 'bad' | 'asks' | 'off' | 'held';

const shapes: Readonly<Record<string, Shape>> = {
  ready: 'empty',
  pending: 'empty',
  planning: 'working',
  implementing: 'working',
  reviewing: 'working',
  verifying: 'working',
  working: 'working',
  running: 'working',
  starting: 'working',
  stopping: 'working',
  ending: 'working',
  committing: 'working',
  asking: 'asks',
  checking: 'working',
  merging: 'working',
  queued: 'waiting',
  backing_off: 'waiting',
  waiting: 'asks',
  paused: 'held',
  done: 'done',
  succeeded: 'done',
  failed: 'bad',
  cancelled: 'off',
  asks: 'asks',
  held: 'held',
};

/** The shape of a state, hidden from screen readers. */
export function glyph(state: string): View {
  return h('span', { class: `glyph ${shapes[state] ?? 'empty'}`, 'aria-hidden': 'true' });
}

/** The text of a state, with its shape. */
export function stateOf(state: string, text: Child | readonly Child[] = state.replaceAll('_', ' ')): View {
  return h('span', { class: `state-word ${shapes[state] ?? 'empty'}` }, glyph(state), h('span', null, text));
}

/** `ago`: a past time. `in`: a future time. `for`: a state since then. `another`: a state until then. */
export type TimeForm = 'ago' | 'in' | 'for' | 'another';

const minuteMs = 60_000;

/** `3m ago`, `just now`; `in 2h`, `in 40s`; `for 3d`; `for another 2h`. As plain text, for attributes; elsewhere use `timeView`. */
export function timeText(iso: string, nowMs: number, form: TimeForm = 'ago'): string {
  const passedMs = nowMs - Date.parse(iso);
  switch (form) {
    case 'ago':
      return ago(iso, nowMs);
    case 'in':
      return `in ${leftText(-passedMs)}`;
    case 'for':
      return `for ${age(passedMs)}`;
    case 'another':
      return `for another ${leftText(-passedMs)}`;
    default:
      return form satisfies never;
  }
}

/** In the last minute each second counts. */
function leftText(ms: number): string {
  return ms < minuteMs ? duration(ms) : age(ms);
}

/** `2026-11-27 14:03:22`, in the time zone of the browser. */
export function exactTime(iso: string): string {
  return `${localDay(new Date(iso))} ${clockTime(iso)}`;
}

/** The one form of a time on the page: its distance from now, with the exact time as a tooltip. */
export function timeView(iso: string, nowMs: number, form: TimeForm = 'ago'): View {
  return h('time', { datetime: iso, title: exactTime(iso) }, timeText(iso, nowMs, form));
}

/** A sentence of the engine, in which times are in ISO form after `until`, `at` or `since`. */
export function timesIn(text: string, nowMs: number): Child[] {
  const parts: Child[] = [];
  let end = 0;
  for (const { 0: whole, 1: word = '', 2: iso = '', index } of text.matchAll(sentenceTimes)) {
    parts.push(text.slice(end, index), timeView(iso, nowMs, formOf(word, iso, nowMs)));
    end = index + whole.length;
  }
  return [...parts, text.slice(end)].filter((part) => part !== '');
}

function formOf(word: string, iso: string, nowMs: number): TimeForm {
  if (word === 'until') return 'another';
  if (word === 'since') return 'for';
  return Date.parse(iso) > nowMs ? 'in' : 'ago';
}

/** The number of characters at the end that are always visible. */
const endLength = 12;
/** A shorter name is cut at its end. */
const leastLength = endLength + 4;

/**
 * A link with a long name on one line. A name that does not fit is cut in its middle, because its end distinguishes it from similar names. `before`: a prefix
 * that is no part of the name, such as its project. A screen reader reads the whole name, and the tooltip shows it.
 */
export function nameLink(href: string, name: string, before = ''): View {
  const dim = before === '' ? null : h('span', { class: 'dim' }, before);
  if (name.length < leastLength) return h('a', { href }, dim, name);
  const whole = `${before}${name}`;
  return h(
    'a',
    { href, class: 'long-name', title: whole, 'aria-label': whole },
    h('span', null, dim, name.slice(0, -endLength)),
    h('span', null, name.slice(-endLength)),
  );
}
