/**
 * The page's elements, created and updated by Preact: a view is a function from data to elements, and equal elements are not changed, so typed text,
 * selections and scroll positions stay. All text, and that of a `title`, is set as text, without what turns or hides it, and listeners are functions:
 * nothing is ever read as HTML. And the elements that many views have: a panel, a state with its shape, a time, a link with a long name.
 */
import { Component, createElement, Fragment, render, type VNode } from 'preact';
import { age, ago, clockTime, duration, localDay, sentenceTimes } from '../machines/vocabulary/time-text.ts';
import { plain } from './format.ts';

type Listener = (event: Event) => void;

export interface Props {
  /** The key that identifies the element among its siblings, if these may change. */
  readonly key?: string;
  readonly class?: string;
  /** The value of a field that the page sets. A field without it keeps the typed text. */
  readonly value?: string;
  readonly disabled?: boolean;
  readonly open?: boolean;
  readonly checked?: boolean;
  readonly on?: Readonly<Record<string, Listener>>;
  /** Called once, after the element was created. */
  readonly made?: (element: HTMLElement) => void;
  /** Any other attribute; null and undefined: it is not there. */
  readonly [attribute: string]: unknown;
}

export type Child = View | string | number | null | undefined | false;
export type View = VNode;

export function h(tag: string, props: Props | null, ...children: readonly (Child | readonly Child[])[]): View {
  const { on, made, ...attributes } = props ?? {};
  const given: Record<string, unknown> = attributes;
  if (typeof given.title === 'string') given.title = plain(given.title);
  for (const [type, listener] of Object.entries(on ?? {})) given[`on${type}`] = listener;
  if (made !== undefined) given.ref = once(made);
  const shown = (child: Child) => (typeof child === 'string' ? plain(child) : child);
  const inside = children.map((child) => (isList(child) ? child.map(shown) : shown(child)));
  return createElement<Record<string, unknown>>(tag, given, ...inside) as View;
}

function isList(child: Child | readonly Child[]): child is readonly Child[] {
  return Array.isArray(child);
}

interface Drawn {
  readonly state: string;
  readonly of: object;
  draw(): View;
}

class Memo extends Component<Drawn> {
  override shouldComponentUpdate({ state, of }: Drawn): boolean {
    return state !== this.props.state || of !== this.props.of;
  }
  override render({ draw }: Drawn): View {
    return draw();
  }
}

/**
 * The view that `draw` makes of `of`. It is drawn again only if `state` or `of` has changed. A caller that stored the view itself would keep a whole
 * page in memory.
 */
export function memo(key: string, drawn: Drawn): View {
  return createElement(Memo, { key, ...drawn }) as View;
}

/**
 * Updates the children of an element to these views. If the focused one goes with that, such as a button whose act is done, the nearest element around
 * it that stays is focused: the keyboard goes on from there, and not from the top of the page.
 */
export function patch(parent: Element, views: readonly Child[]): void {
  const path = pathOf(document.activeElement);
  render(createElement(Fragment, null, ...views), parent);
  if (document.activeElement !== document.body) return;
  const stays = path.find((element) => element !== parent && parent.contains(element));
  if (stays === undefined) return;
  if (stays.tabIndex < 0) stays.tabIndex = -1; // so that an element that is no control takes it
  stays.focus({ preventScroll: true });
}

/** The element, and those around it from the inside out. */
function pathOf(element: Element | null): (HTMLElement | SVGElement)[] {
  const path: (HTMLElement | SVGElement)[] = [];
  for (let at = element; at instanceof HTMLElement || at instanceof SVGElement; at = at.parentElement) path.push(at);
  return path;
}

const known = new WeakMap<HTMLElement, true>();

function once(made: (element: HTMLElement) => void): (element: HTMLElement | null) => void {
  return (element) => {
    if (element === null || known.has(element)) return;
    known.set(element, true);
    made(element);
  };
}

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
