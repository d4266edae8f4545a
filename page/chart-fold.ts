/** A chart with folded states: the states inside a folded one are left out, and the chart is less high. */
import type { Box, Chart, ChartState } from '../runtime/base/charts/chart.ts';
import { metrics } from '../runtime/base/charts/metrics.ts';

/** The height around a bend of an arrow, in pixels: its round corner, its head and the distance to the next arrow. */
const bendPx = 10;

type Span = readonly [from: number, to: number];

/** The states that can be folded: they contain states, and none of those is active. `active`: the active states and all states around them. */
export function foldable({ states }: Pick<Chart, 'states'>, active: ReadonlySet<string>): ChartState[] {
  return states.filter(
    ({ id }) => id.includes('.') && !active.has(id) && states.some((other) => isInside(other.id, id)),
  );
}

/** The states keep their order and their columns. A folded state is as high as its name, or as the states and labels beside it need. */
export function foldChart(chart: Chart, folded: ReadonlySet<string>): Chart {
  if (folded.size === 0) return chart;
  const isHidden = (id: string) => [...folded].some((outer) => isInside(id, outer));
  const states = chart.states.filter(({ id }) => !isHidden(id));
  const routes = chart.routes.filter(({ source, target }) => !isHidden(source) && !isHidden(target));
  const starts = chart.starts.filter(({ target }) => !isHidden(target));
  const labels = chart.labels.filter((label, index) => {
    if (label.state !== null) return !folded.has(label.state) && !isHidden(label.state);
    const own = chart.edges.filter(({ label: of }) => of === index);
    // The labels of the root belong to no arrow.
    return own.some(({ source, route }) => source === '' || (route !== null && isIn(routes, chart.routes[route])));
  });
  const moved = withoutSpans(freeSpans({ ...chart, states, routes, starts, labels }, folded));
  const box = <T extends Box>(of: T): T => ({ ...of, y: moved(of.y), h: moved(of.y + of.h) - moved(of.y) });
  const line = <T extends { readonly points: Chart['starts'][number]['points'] }>(of: T): T => ({
    ...of,
    points: of.points.map(([x, y]) => [x, moved(y)] as const),
  });
  const edges = chart.edges.flatMap((edge) => {
    const label = chart.labels[edge.label];
    const route = edge.route === null ? undefined : chart.routes[edge.route];
    // An arrow that leads out of a folded state stays, without its label.
    if (!isIn(labels, label) && !isIn(routes, route)) return [];
    const own = {
      label: isIn(labels, label) ? labels.indexOf(label) : -1,
      route: isIn(routes, route) ? routes.indexOf(route) : null,
    };
    return [{ ...edge, ...own, y: moved(edge.y) }];
  });
  return {
    ...chart,
    height: moved(chart.height),
    ...{ edges, states: states.map(box), labels: labels.map(box), routes: routes.map(line), starts: starts.map(line) },
  };
}

/** The transitions out of each folded state that is shown, one per line: the event, its guard, and the target. */
export function leaving({ edges }: Pick<Chart, 'edges'>, folded: ReadonlySet<string>): Map<string, string[]> {
  const isWithin = (id: string, outer: string) => id === outer || isInside(id, outer);
  // The transitions of a folded state inside another folded state are listed at the outer one.
  const outermost = [...folded].filter((id) => ![...folded].some((other) => isInside(id, other)));
  return new Map(
    outermost.map((outer) => {
      const out = edges.filter(({ source, target }) => isWithin(source, outer) && !isWithin(target, outer));
      const lines = out.map(
        ({ event, guard, target }) => `${event}${guard === null ? '' : ` [${guard}]`} → ${target.split('.').at(-1)}`,
      );
      return [outer, [...new Set(lines)]];
    }),
  );
}

/** The vertical ranges inside folded states in which nothing is drawn any more. */
function freeSpans({ states, labels, routes, starts }: Chart, folded: ReadonlySet<string>): Span[] {
  const isOpen = ({ id }: ChartState) => states.some((other) => isInside(other.id, id));
  const taken: Span[] = [
    ...states.flatMap((state): Span[] => {
      const { y, h } = state;
      if (!folded.has(state.id) && !isOpen(state)) return [[y - bendPx, y + h + bendPx]];
      return [
        [y - bendPx, y + metrics.headerHeight],
        [y + h - 1, y + h + bendPx],
      ];
    }),
    ...labels.map(({ y, h }): Span => [y - bendPx, y + h + bendPx]),
    ...[...routes, ...starts].flatMap(({ points }) => points.map(([, y]): Span => [y - bendPx, y + bendPx])),
  ];
  return states
    .filter(({ id }) => folded.has(id))
    .flatMap(({ y, h }) =>
      taken.reduce<Span[]>((left, span) => left.flatMap((each) => without(each, span)), [[y, y + h]]),
    );
}

function without([from, to]: Span, [a, b]: Span): Span[] {
  const parts: Span[] = [
    [from, Math.min(to, a)],
    [Math.max(from, b), to],
  ];
  return parts.filter(([start, stop]) => start < stop);
}

/** The y coordinate of a point after those ranges are removed. */
function withoutSpans(spans: readonly Span[]): (y: number) => number {
  const apart: [number, number][] = [];
  for (const [from, to] of spans.toSorted(([a], [b]) => a - b)) {
    const last = apart.at(-1);
    if (last === undefined || from > last[1]) apart.push([from, to]);
    else last[1] = Math.max(last[1], to);
  }
  return (y) => y - apart.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(y, to) - from), 0);
}

function isInside(inner: string, outer: string): boolean {
  return inner.startsWith(`${outer}.`);
}

function isIn<T>(all: readonly T[], one: T | undefined): one is T {
  return one !== undefined && all.includes(one);
}

export interface Folds {
  readonly folded: ReadonlySet<string>;
  /** The transitions out of each folded state, as `leaving` returns them. */
  readonly words: ReadonlyMap<string, readonly string[]>;
  toggle(id: string): void;
  /** The pointer or the focus is at that state or at its arrows; null: at none. */
  say(id: string | null): void;
}

/**
 * Draws the buttons that open and close these states, each on the line of the state's name. The arrows out of a folded state lead to its list of
 * transitions.
 */
export function drawFolds(
  svg: SVGSVGElement,
  states: readonly ChartState[],
  { folded, words, toggle, say }: Folds,
): void {
  const make = (name: string, attributes: Readonly<Record<string, string | number>>) => {
    const made = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
    return made;
  };
  // A screen reader does not find buttons inside of an image.
  svg.setAttribute('role', 'group');
  const listen = (element: Element, id: string) => {
    for (const type of ['pointerenter', 'focus', 'pointerdown']) element.addEventListener(type, () => say(id));
    for (const type of ['pointerleave', 'blur']) element.addEventListener(type, () => say(null));
  };
  for (const route of svg.querySelectorAll('.route')) {
    const id = route.getAttribute('data-from') ?? '';
    const line = route.querySelector('path');
    if (!words.has(id) || line === null) continue;
    // A line of one pixel is hard to hit with a pointer.
    const wide = make('path', { class: 'reach', d: line.getAttribute('d') ?? '' });
    route.append(wide);
    listen(route, id);
  }
  for (const { id, x, y, w } of states) {
    const isFolded = folded.has(id);
    const button = make('g', {
      ...{ class: 'fold', role: 'button', tabindex: 0, 'data-fold': id },
      ...{ 'aria-expanded': String(!isFolded), 'aria-label': [`States in ${id}`, ...(words.get(id) ?? [])].join('; ') },
    });
    const sign = make('text', { x: x + w - 20, y: y + 20, 'aria-hidden': 'true' });
    sign.textContent = isFolded ? '▸' : '▾';
    button.append(make('rect', { x, y, width: w, height: metrics.headerHeight, rx: 8 }), sign);
    if (isFolded) listen(button, id);
    button.addEventListener('click', () => toggle(id));
    button.addEventListener('keydown', (event) => {
      if (!(event instanceof KeyboardEvent) || (event.key !== 'Enter' && event.key !== ' ')) return;
      event.preventDefault();
      toggle(id);
    });
    svg.append(button);
  }
}
