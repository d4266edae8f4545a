/**
 * The page's elements, created and updated by Preact: a view is a function from data to elements, and equal elements are not changed, so typed text,
 * selections and scroll positions stay. All text, and that of a `title`, is set as text, without what turns or hides it, and listeners are functions:
 * nothing is ever read as HTML.
 */
import { Component, createElement, Fragment, render, type VNode } from 'preact';
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
