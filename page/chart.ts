/**
 * A machine's chart in the page: drawn once for each choice of folded states, then only highlighted. It shows the whole chart or a part of it, and
 * text stays readable unless a person zooms out.
 */
import type { Box, Chart, ChartEdge, ChartState } from '../runtime/base/charts/chart.ts';
import { chartStyle, renderChart } from '../runtime/base/charts/render.ts';
import { drawFolds, foldable, foldChart, leaving } from './chart-fold.ts';
import { type ChartMap, createMap } from './chart-map.ts';
import { createViewport, isStill, letDrag, type Point, type Viewport } from './chart-viewport.ts';

/** The highlighted states, and the last transition. */
export interface Lighting {
  /** The innermost active states, as paths from the root. */
  readonly states: readonly string[];
  readonly last: Move | null;
}

export interface Move {
  readonly seq: number;
  readonly event: string;
  readonly from: string;
  readonly to: string;
}

export interface ChartView {
  readonly element: HTMLElement;
  show(chart: Chart, lighting: Lighting): void;
}
const marginPx = 14;

interface Rules {
  createHTML(text: string): string;
}

/** Trusted Types need a policy, which is used for charts that this package draws alone. Browsers without Trusted Types need none. */
const { trustedTypes } = window as unknown as { trustedTypes?: { createPolicy(name: string, rules: Rules): Rules } };
const policy = trustedTypes?.createPolicy('stator-chart', { createHTML: (text) => text });

function svgOf(chart: Chart): SVGSVGElement {
  const text = renderChart(chart, { theme: 'none' });
  const parsed = new DOMParser().parseFromString(policy?.createHTML(text) ?? text, 'image/svg+xml');
  const svg = document.importNode(parsed.documentElement, true) as unknown as SVGSVGElement; // renderChart writes an svg element
  svg.removeAttribute('width');
  svg.removeAttribute('height');
  return svg;
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(chartStyle('none'));
/** What a person may do with a chart. */
interface Acts {
  zoom(factor: number, at?: Point): void;
  move(dx: number, dy: number): void;
  showWhole(): void;
  showRegion(state: ChartState): void;
  /** The chart shows its active states again. */
  follow(): void;
}

export function createChartView(): ChartView {
  if (!document.adoptedStyleSheets.includes(sheet))
    document.adoptedStyleSheets = [sheet, ...document.adoptedStyleSheets];

  const { element, bar, body, stage, hint } = createElements();
  const map = createMap((x, y) => personally(() => viewport.centerAt({ x, y })));
  body.append(stage, map.element);

  let given: Chart | null = null;
  /** The chart as drawn, with its folded states. */
  let chart: Chart | null = null;
  let drawn = '';
  const opened = new Set<string>();
  let svg: SVGSVGElement | null = null;
  let isFollowing = true;
  let lastSeq = 0;
  let lighting: Lighting = { states: [], last: null };

  const viewport = createViewport({
    stage,
    whole: () => wholeOf(chart),
    draw(box) {
      map.frame(box);
      svg?.setAttribute('viewBox', `${box.x} ${box.y} ${box.w} ${box.h}`);
    },
  });
  const acts: Acts = {
    zoom: (factor, at) => personally(() => viewport.zoom(factor, at)),
    move: (dx, dy) => personally(() => viewport.move(dx, dy)),
    showWhole: () => personally(() => viewport.look(wholeOf(chart))),
    showRegion: (state) => personally(() => viewport.look(grown(state))),
    follow() {
      turn(true);
      follow();
    },
  };

  new ResizeObserver(() => {
    if (chart === null) return;
    draw();
    if (isFollowing) follow(false);
    else viewport.fitAgain();
  }).observe(stage);
  listenToKeys(stage, acts);
  letDrag(stage, viewport, {
    mayDrag: (event) => foldOf(event) === null,
    isFollowing: () => isFollowing,
    dragged: () => turn(false),
  });
  listenToPointer(stage, viewport, { chart: () => chart, acts, personally });

  function draw(): void {
    if (given === null) return;
    const isLegible = viewport.isLegible({ x: 0, y: 0, w: given.width, h: given.height });
    const { found, folded } = foldsOf(given, { isLegible, opened, lighting });
    const next = [isLegible, ...found, '', ...folded].join(' ');
    if (next === drawn) return;
    drawn = next;
    const focused = document.activeElement?.getAttribute('data-fold');
    chart = foldChart(given, folded);
    svg = svgOf(chart);
    const buttons = chart.states.filter(({ id }) => found.has(id));
    const words = leaving(given, folded);
    drawFolds(svg, buttons, {
      ...{ folded, words },
      toggle(id) {
        if (!opened.delete(id)) opened.add(id);
        turn(false);
        draw();
      },
      say: (id) => showLines(hint, id === null ? [] : (words.get(id) ?? [])),
    });
    hint.hidden = true;
    stage.replaceChildren(svg, hint);
    map.draw(chart);
    viewport.redraw();
    light();
    if (focused) svg.querySelector<SVGElement>(`[data-fold="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  /** Shows the largest part around the first active state whose text can still be read. */
  function follow(isSmooth = true): void {
    if (chart === null) return;
    const [leaf = ''] = lighting.states;
    const around = [...prefixes(leaf)].flatMap((id) => stateIn(chart, id) ?? []);
    const found = [wholeOf(chart), ...around.map(grown)].find(viewport.isLegible);
    if (found !== undefined) viewport.look(found, isSmooth);
    // Even the surroundings of one state are too large, so the state itself is in the middle.
    else viewport.lookIntoMiddle(stateIn(chart, leaf) ?? wholeOf(chart), isSmooth);
  }

  function turn(isOn: boolean): void {
    isFollowing = isOn;
    drawBar(bar, { chart, leaf: lighting.states[0] ?? '', isFollowing }, acts);
  }

  /** A person moves the chart, which then no longer follows its active states. */
  function personally(act: () => void): void {
    act();
    turn(false);
  }

  function light(): void {
    if (svg === null || given === null) return;
    lightChart(svg, map, { given, lighting });
    const { last } = lighting;
    const isNew = last !== null && last.seq !== lastSeq;
    lastSeq = last?.seq ?? 0;
    if (isNew) for (const node of svg.querySelectorAll('.route.fired path')) run(node);
  }

  return {
    element,
    show(next, shown) {
      const isOther = next !== given;
      const isMoved = shown.states.join() !== lighting.states.join();
      lighting = { ...shown, states: [...shown.states] };
      if (isOther) {
        given = next;
        drawn = '';
        opened.clear();
        isFollowing = true;
      }
      draw();
      light();
      if (!isOther && !isMoved) return;
      turn(isFollowing);
      if (isFollowing) follow(!isOther);
    },
  };
}

function createElements() {
  const element = elementOf('div', 'chart-view');
  const bar = elementOf('div', 'chart-bar');
  const body = elementOf('div', 'chart-body');
  const stage = elementOf('div', 'chart-stage');
  stage.tabIndex = 0;
  stage.setAttribute('role', 'group');
  stage.setAttribute(
    'aria-label',
    'Statechart. Plus and minus zoom, arrows move, 0 shows the whole, f the states that are active.',
  );
  /** The transitions out of a folded state, shown while the pointer is at it. */
  const hint = elementOf('ul', 'chart-hint');
  hint.hidden = true;
  element.append(bar, body);
  return { element, bar, body, stage, hint };
}

function elementOf<Tag extends 'div' | 'ul'>(tag: Tag, className: string): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}

function listenToKeys(stage: HTMLElement, acts: Acts): void {
  const keys: Readonly<Record<string, () => void>> = {
    '+': () => acts.zoom(1.25),
    '=': () => acts.zoom(1.25),
    '-': () => acts.zoom(0.8),
    ArrowLeft: () => acts.move(-0.1, 0),
    ArrowRight: () => acts.move(0.1, 0),
    ArrowUp: () => acts.move(0, -0.1),
    ArrowDown: () => acts.move(0, 0.1),
    '0': acts.showWhole,
    f: acts.follow,
  };
  stage.addEventListener('keydown', (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  });
}

interface PointerParts {
  /** The chart as drawn. */
  chart(): Chart | null;
  readonly acts: Acts;
  personally(act: () => void): void;
}

/** The wheel zooms, a double click shows the region at its place, and the chart moves to a button that the Tab key reaches, not to one that is clicked. */
function listenToPointer(stage: HTMLElement, viewport: Viewport, { chart, acts, personally }: PointerParts): void {
  const zoom = (event: WheelEvent) => {
    // Without Ctrl or Cmd the wheel scrolls the page, as everywhere.
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    acts.zoom(Math.exp(-event.deltaY / 300), viewport.pointAt(event));
  };
  stage.addEventListener('wheel', zoom, { passive: false });
  stage.addEventListener('dblclick', (event) => {
    if (foldOf(event)) return;
    const { x, y } = viewport.pointAt(event);
    const inside = chart()?.states.filter((state) => isIn(x, y, state) && isComposite(chart(), state));
    const innermost = inside?.at(-1);
    if (innermost === undefined) acts.showWhole();
    else acts.showRegion(innermost);
  });
  stage.addEventListener('focusin', (event) => {
    const id = foldOf(event)?.getAttribute('data-fold');
    const state = id == null ? undefined : stateIn(chart(), id);
    const view = viewport.view();
    if (state === undefined || isIn(state.x, state.y, view)) return;
    if (stage.querySelector(':focus-visible') === null) return;
    personally(() => viewport.jump({ ...view, x: state.x - marginPx, y: state.y - marginPx }));
  });
}

interface FoldParts {
  readonly isLegible: boolean;
  /** The states that a person opened. */
  readonly opened: ReadonlySet<string>;
  readonly lighting: Lighting;
}

/**
 * If the whole chart would be too small to read, states that are not active are folded until a person opens them. The last transition stays
 * visible. `found`: all that could be folded.
 */
function foldsOf(chart: Chart, { isLegible, opened, lighting: { states, last } }: FoldParts) {
  const active = new Set([...states, last?.from ?? ''].flatMap((id) => [...prefixes(id)]));
  const found = new Set(isLegible ? [] : foldable(chart, active).map(({ id }) => id));
  return { found, folded: new Set([...found].filter((id) => !opened.has(id))) };
}

interface LitChart {
  /** The chart with all states. */
  readonly given: Chart;
  readonly lighting: Lighting;
}

function lightChart(svg: SVGSVGElement, map: ChartMap, { given, lighting: { states, last } }: LitChart): void {
  const active = new Set(states.flatMap((id) => [...prefixes(id)]));
  const fired = new Set(last === null ? [] : edgesOf(given.edges, last));
  map.light(active, new Set(states));
  const toggle = (attribute: string, name: string, isOn: (value: string) => boolean) => {
    for (const node of svg.querySelectorAll(`[${attribute}]`))
      node.classList.toggle(name, isOn(node.getAttribute(attribute) ?? ''));
  };
  toggle('data-state', 'lit', (id) => active.has(id));
  toggle('data-edge', 'fired', (id) => fired.has(id));
  toggle('data-edges', 'fired', (ids) => ids.split(' ').some((id) => fired.has(id)));
}

interface BarState {
  readonly chart: Chart | null;
  readonly leaf: string;
  readonly isFollowing: boolean;
}

/** Draws the regions around the active state, from the whole chart inward, and the scale. */
function drawBar(bar: HTMLElement, { chart, leaf, isFollowing }: BarState, acts: Acts): void {
  const path = elementOf('div', 'chart-path');
  path.append(buttonOf(chart?.machine ?? '', 'Show the whole chart', acts.showWhole));
  for (const id of prefixes(leaf)) {
    const state = stateIn(chart, id);
    if (state !== undefined && isComposite(chart, state))
      path.append(buttonOf(state.key, `Show ${id}`, () => acts.showRegion(state)));
  }
  const tools = elementOf('div', 'chart-tools');
  tools.append(
    buttonOf('follow', 'Follow the states that are active', acts.follow, isFollowing),
    buttonOf('−', 'Zoom out', () => acts.zoom(0.8)),
    buttonOf('+', 'Zoom in', () => acts.zoom(1.25)),
  );
  const focused = bar.querySelector<HTMLButtonElement>('button:focus')?.title;
  bar.replaceChildren(path, tools);
  // A button that a key pressed is pressed again.
  if (focused !== undefined)
    [...bar.querySelectorAll('button')].find(({ title }) => title === focused)?.focus({ preventScroll: true });
}

function buttonOf(text: string, label: string, act: () => void, isPressed: boolean | null = null): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = text;
  made.title = label;
  if (!/\p{L}/u.test(text)) made.setAttribute('aria-label', label);
  if (isPressed !== null) made.setAttribute('aria-pressed', String(isPressed));
  made.addEventListener('click', act);
  return made;
}

function stateIn(chart: Chart | null, id: string): ChartState | undefined {
  return chart?.states.find((state) => state.id === id);
}

function isComposite(chart: Chart | null, { id }: ChartState): boolean {
  return chart?.states.some((other) => other.id.startsWith(`${id}.`)) === true;
}

function wholeOf(chart: Chart | null): Box {
  return grown({ x: 0, y: 0, w: chart?.width ?? 1, h: chart?.height ?? 1 });
}

function grown({ x, y, w, h }: Box): Box {
  return { x: x - marginPx, y: y - marginPx, w: w + 2 * marginPx, h: h + 2 * marginPx };
}

function showLines(list: HTMLElement, texts: readonly string[]): void {
  list.hidden = texts.length === 0;
  list.replaceChildren(...texts.map(lineOf));
}

function lineOf(text: string): HTMLElement {
  const line = document.createElement('li');
  line.textContent = text;
  return line;
}

/** The button of a foldable state at which the event happened. */
function foldOf({ target }: Event): Element | null {
  return target instanceof Element ? target.closest('.fold') : null;
}

function isIn(x: number, y: number, box: Box): boolean {
  return x >= box.x && x <= box.x + box.w && y >= box.y && y <= box.y + box.h;
}

/** The ids of a state and of all states around it: `a`, `a.b`, `a.b.c` for `a.b.c`. */
function* prefixes(id: string): Generator<string> {
  const keys = id === '' ? [] : id.split('.');
  for (let length = 1; length <= keys.length; length += 1) yield keys.slice(0, length).join('.');
}

function isWithin(inner: string, outer: string): boolean {
  return outer === '' || inner === outer || inner.startsWith(`${outer}.`);
}

/**
 * The arrows that a line of the journal followed: those of its event out of the previous state. If there are several, those that lead into the next
 * state, or else the first.
 */
function edgesOf(edges: readonly ChartEdge[], { event, from, to }: Move): string[] {
  const word = (name: string) => (name.startsWith('xstate.done.actor') ? 'ended' : name);
  const out = edges.filter((edge) => word(edge.event) === event && isWithin(from, edge.source));
  const inward = out.filter(({ target }) => isWithin(to, target));
  return (inward.length > 0 ? inward : out.slice(0, 1)).map(({ id }) => id);
}

/** Animates a dash along the arrow, once. */
function run(path: Element): void {
  if (isStill()) return;
  path.animate(
    [
      { strokeDasharray: '10 6', strokeDashoffset: 160 },
      { strokeDasharray: '10 6', strokeDashoffset: 0 },
    ],
    {
      duration: 1_200,
      easing: 'ease-out',
    },
  );
}
