/**
 * What a view looks like, and the elements made to look so. A view is a function from what is known to nodes; `patch` changes what differs and leaves
 * the rest alone, so what is being typed, selected or scrolled stays. All that is written comes through `textContent`, attributes by name and
 * functions as listeners: nothing is ever read as HTML.
 */

type Listener = (event: Event) => void;

export interface Props {
  /** Which of its siblings it is, where these come and go. */
  readonly key?: string;
  readonly class?: string;
  /** Of a field whose value is the page's to say; one without keeps what is typed. */
  readonly value?: string;
  readonly disabled?: boolean;
  readonly open?: boolean;
  readonly checked?: boolean;
  /** By the name of the event. */
  readonly on?: Readonly<Record<string, Listener>>;
  /** Called once, when the element is there. */
  readonly made?: (element: HTMLElement) => void;
  /** Any other attribute; null and undefined: it is not there. */
  readonly [attribute: string]: unknown;
}

export type Child = Node_ | string | number | null | undefined | false;

interface Node_ {
  readonly tag: string;
  readonly props: Props;
  readonly children: readonly (Node_ | string)[];
}
export type View = Node_;

export function h(tag: string, props: Props | null, ...children: readonly (Child | readonly Child[])[]): View {
  const all = children.flat().filter((child) => child !== null && child !== undefined && child !== false);
  return { tag, props: props ?? {}, children: all.map((child) => (typeof child === 'object' ? child : String(child))) };
}

/** Made from it; the node itself: where the same one comes again, nothing in it is looked at. */
const shown = new WeakMap<Node, View>();

/** Makes the children of an element look like these. */
export function patch(parent: Element, views: readonly Child[]): void {
  patchChildren(
    parent,
    views
      .filter((child) => child !== null && child !== undefined && child !== false)
      .map((child) => (typeof child === 'object' ? child : String(child))),
  );
}

function patchChildren(parent: Element, children: readonly (View | string)[]): void {
  const keyed = new Map<string, Element>();
  for (const node of parent.children) {
    const key = shown.get(node)?.props.key;
    if (key !== undefined) keyed.set(key, node);
  }
  let place: ChildNode | null = parent.firstChild;
  for (const child of children) {
    const found = fitting(child, place, keyed);
    if (found === null) {
      parent.insertBefore(made(child), place);
      continue;
    }
    if (found === place) place = place.nextSibling;
    else parent.insertBefore(found, place);
    if (typeof child === 'string') {
      if (found.textContent !== child) found.textContent = child;
    } else update(found as HTMLElement, child); // fitting says so
  }
  while (place !== null) {
    const next: ChildNode | null = place.nextSibling;
    place.remove();
    place = next;
  }
}

/** The node that is to become this; null: there is none, and it is made. */
function fitting(child: View | string, place: ChildNode | null, keyed: Map<string, Element>): ChildNode | null {
  if (typeof child === 'string') return place instanceof Text ? place : null;
  const { key } = child.props;
  const candidate = key === undefined ? place : (keyed.get(key) ?? null);
  if (candidate === null) return null;
  const before = shown.get(candidate);
  return before !== undefined && before.tag === child.tag && before.props.key === key ? candidate : null;
}

function made(child: View | string): Node {
  if (typeof child === 'string') return document.createTextNode(child);
  const element = document.createElement(child.tag);
  setProps(element, {}, child.props);
  patchChildren(element, child.children);
  setValue(element, child.props);
  shown.set(element, child);
  child.props.made?.(element);
  return element;
}

function update(element: HTMLElement, view: View): void {
  const before = shown.get(element);
  if (before === view) return;
  setProps(element, before?.props ?? {}, view.props);
  // What another module draws into it is its own business.
  if (view.props.made === undefined || view.children.length > 0) patchChildren(element, view.children);
  setValue(element, view.props);
  shown.set(element, view);
}

const own: ReadonlySet<string> = new Set(['key', 'class', 'value', 'disabled', 'open', 'checked', 'on', 'made']);

function setProps(element: HTMLElement, before: Props, after: Props): void {
  const name = after.class ?? '';
  if ((before.class ?? '') !== name) element.className = name;
  for (const each of ['disabled', 'open', 'checked'] as const)
    if ((before[each] ?? false) !== (after[each] ?? false)) Object.assign(element, { [each]: after[each] ?? false });
  setListeners(element, before.on ?? {}, after.on ?? {});
  for (const attribute of Object.keys(before))
    if (!own.has(attribute) && (after[attribute] ?? null) === null) element.removeAttribute(attribute);
  for (const [attribute, value] of Object.entries(after))
    if (!own.has(attribute) && value !== before[attribute] && value !== null && value !== undefined)
      element.setAttribute(attribute, String(value));
}

/** Last of all: what a field may hold is said by its attributes and its options. */
function setValue(element: HTMLElement, { value }: Props): void {
  if (value !== undefined && 'value' in element && element.value !== value) element.value = value;
}

function setListeners(
  element: HTMLElement,
  before: Readonly<Record<string, Listener>>,
  after: Readonly<Record<string, Listener>>,
): void {
  for (const [type, listener] of Object.entries(before))
    if (after[type] !== listener) element.removeEventListener(type, listener);
  for (const [type, listener] of Object.entries(after))
    if (before[type] !== listener) element.addEventListener(type, listener);
}
