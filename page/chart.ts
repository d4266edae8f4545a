/**
 * A machine's chart in the page: drawn once for each choice of folded states, then only highlighted. It shows the whole chart or a part of it, and
 * text stays readable unless a person zooms out.
 */
import type { Box, Chart, ChartEdge, ChartState } from '../runtime/base/charts/chart.ts';
import { chartStyle, renderChart } from '../runtime/base/charts/render.ts';
import { drawFolds, foldable, foldChart, leaving } from './chart-fold.ts';
import { createMap } from './chart-map.ts';

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

/** Text of a chart is 11 pixels high; slightly smaller text can still be read. */
const legible = 0.8;
/** The scale at which the page shows a chart by itself. */
const usual = 1.1;
const most = 3;
const least = 0.1;
const marginPx = 14;
const moveMs = 220;

interface Rules {
  createHTML(text: string): string;
}

/** Only markup that this package draws is accepted. Browsers without trusted types accept any text. */
const { trustedTypes } = window as unknown as { trustedTypes?: { createPolicy(name: string, rules: Rules): Rules } };
const policy = trustedTypes?.createPolicy('stator-chart', { createHTML: (text) => text });

function svgOf(chart: Chart): SVGSVGElement {
  const text = renderChart(chart, { theme: 'none' });
  const parsed = new DOMParser().parseFromString(policy?.createHTML(text) ?? text, 'image/svg+xml');
  return document.importNode(parsed.documentElement, true) as unknown as SVGSVGElement; // written as one
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(chartStyle('none'));

export function createChartView(): ChartView {
  if (!document.adoptedStyleSheets.includes(sheet))
    document.adoptedStyleSheets = [sheet, ...document.adoptedStyleSheets];

  const element = document.createElement('div');
  element.className = 'chart-view';
  const bar = document.createElement('div');
  bar.className = 'chart-bar';
  const stage = document.createElement('div');
  stage.className = 'chart-stage';
  stage.tabIndex = 0;
  stage.setAttribute('role', 'group');
  stage.setAttribute(
    'aria-label',
    'Statechart. Plus and minus zoom, arrows move, 0 shows the whole, f the states that are active.',
  );
  /** The transitions out of a folded state, shown while the pointer is at it. */
  const tip = document.createElement('ul');
  tip.className = 'chart-tip';
  tip.hidden = true;
  const map = createMap((x, y) => {
    cancelAnimationFrame(animation);
    apply({ ...view, x: x - view.w / 2, y: y - view.h / 2 });
    turn(false);
  });
  const body = document.createElement('div');
  body.className = 'chart-body';
  body.append(stage, map.element);
  element.append(bar, body);

  let given: Chart | null = null;
  /** The chart as drawn, with its folded states. */
  let chart: Chart | null = null;
  let drawn = '';
  const opened = new Set<string>();
  let svg: SVGSVGElement | null = null;
  let lit: string[] = [];
  let view: Box = { x: 0, y: 0, w: 1, h: 1 };
  let isFollowing = true;
  let animation = 0;
  let lastSeq = 0;
  let lighting: Lighting = { states: [], last: null };

  new ResizeObserver(() => {
    if (chart === null) return;
    draw();
    if (isFollowing) follow(false);
    else apply(fittedAgain(view));
  }).observe(stage);

  /**
   * If the whole chart would be too small to read, states that are not active are folded until a person opens them. The last transition stays
   * visible.
   */
  function draw(): void {
    if (given === null) return;
    const fits = scaleOf({ x: 0, y: 0, w: given.width, h: given.height }) >= legible;
    const found = fits
      ? []
      : foldable(given, new Set([...lit, lighting.last?.from ?? ''].flatMap((id) => [...prefixes(id)])));
    const folded = new Set(found.map(({ id }) => id).filter((id) => !opened.has(id)));
    const next = [fits, ...found.map(({ id }) => id), '', ...folded].join(' ');
    if (next === drawn) return;
    drawn = next;
    const focused = document.activeElement?.getAttribute('data-fold');
    const shown = foldChart(given, folded);
    chart = shown;
    svg = svgOf(shown);
    svg.removeAttribute('width');
    svg.removeAttribute('height');
    const buttons = shown.states.filter(({ id }) => found.some((each) => each.id === id));
    const words = leaving(given, folded);
    drawFolds(svg, buttons, {
      ...{ folded, words },
      toggle(id) {
        if (!opened.delete(id)) opened.add(id);
        turn(false);
        draw();
      },
      say: (id) => {
        const said = id === null ? [] : (words.get(id) ?? []);
        tip.hidden = said.length === 0;
        tip.replaceChildren(...said.map(lineOf));
      },
    });
    tip.hidden = true;
    stage.replaceChildren(svg, tip);
    map.draw(shown);
    apply(view);
    light(lighting);
    if (focused) svg.querySelector<SVGElement>(`[data-fold="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  /** Pixels of the screen for each pixel of the chart. */
  function scaleOf(box: Box): number {
    return Math.min(stage.clientWidth / box.w, stage.clientHeight / box.h);
  }

  /** The same part of the chart, widened to the proportions of the stage. */
  function fitted(box: Box): Box {
    const scale = Math.min(scaleOf(box), usual);
    const [w, h] = [stage.clientWidth / scale, stage.clientHeight / scale];
    const all = whole();
    return { x: within(box.x + box.w / 2, w, all.x, all.w), y: within(box.y + box.h / 2, h, all.y, all.h), w, h };
  }

  /** Where a window of this size around that middle begins. It stays inside the chart. */
  function within(middle: number, size: number, from: number, length: number): number {
    if (size >= length) return from + length / 2 - size / 2;
    return Math.min(Math.max(middle - size / 2, from), from + length - size);
  }

  /** The same part at the same scale, after the stage has changed its size. */
  function fittedAgain(box: Box): Box {
    const scale = Math.min(Math.max(scaleOf(box), least), most);
    const [w, h] = [stage.clientWidth / scale, stage.clientHeight / scale];
    return { x: box.x + box.w / 2 - w / 2, y: box.y + box.h / 2 - h / 2, w, h };
  }

  function look(box: Box, isSmooth = true): void {
    if (svg === null || stage.clientWidth === 0) return;
    const goal = fitted(box);
    cancelAnimationFrame(animation);
    if (!isSmooth || matchMedia('(prefers-reduced-motion: reduce)').matches) {
      apply(goal);
      return;
    }
    const from = view;
    const begun = performance.now();
    const step = (now: number) => {
      const t = Math.min(1, Math.max(0, now - begun) / moveMs);
      const part = 1 - (1 - t) ** 3;
      const between = (key: keyof Box) => from[key] + (goal[key] - from[key]) * part;
      apply({ x: between('x'), y: between('y'), w: between('w'), h: between('h') });
      if (t < 1) animation = requestAnimationFrame(step);
    };
    animation = requestAnimationFrame(step);
  }

  function apply(box: Box): void {
    view = box;
    map.frame(box);
    svg?.setAttribute('viewBox', `${box.x} ${box.y} ${box.w} ${box.h}`);
  }

  function whole(): Box {
    return grown({ x: 0, y: 0, w: chart?.width ?? 1, h: chart?.height ?? 1 });
  }

  function stateAt(id: string): ChartState | undefined {
    return chart?.states.find((state) => state.id === id);
  }

  /** Shows the largest part around the active states whose text can still be read. */
  function follow(isSmooth = true): void {
    if (chart === null) return;
    const [leaf = ''] = lit;
    const outward = [...prefixes(leaf)].reverse().map(stateAt);
    const boxes = [
      whole(),
      ...outward
        .filter((state) => state !== undefined)
        .reverse()
        .map(grown),
    ];
    const found = boxes.find((box) => scaleOf(box) >= legible);
    if (found !== undefined) look(found, isSmooth);
    else {
      // Even the surroundings of one state are too large, so the state itself is in the middle.
      const state = stateAt(leaf);
      const box = state ?? whole();
      const [w, h] = [stage.clientWidth / legible, stage.clientHeight / legible];
      look({ x: box.x + box.w / 2 - w / 2, y: box.y + box.h / 2 - h / 2, w, h }, isSmooth);
    }
  }

  function turn(isOn: boolean): void {
    isFollowing = isOn;
    drawBar();
  }

  function zoom(factor: number, at: { x: number; y: number } | null = null): void {
    const [cx, cy] = at === null ? [view.x + view.w / 2, view.y + view.h / 2] : [at.x, at.y];
    const scale = Math.min(most, Math.max(least, (stage.clientWidth / view.w) * factor));
    const [w, h] = [stage.clientWidth / scale, stage.clientHeight / scale];
    const [px, py] = [(cx - view.x) / view.w, (cy - view.y) / view.h];
    cancelAnimationFrame(animation);
    apply({ x: cx - px * w, y: cy - py * h, w, h });
    turn(false);
  }

  function move(dx: number, dy: number): void {
    cancelAnimationFrame(animation);
    apply({ ...view, x: view.x + dx * view.w, y: view.y + dy * view.h });
    turn(false);
  }

  const keys: Readonly<Record<string, () => void>> = {
    '+': () => zoom(1.25),
    '=': () => zoom(1.25),
    '-': () => zoom(0.8),
    ArrowLeft: () => move(-0.1, 0),
    ArrowRight: () => move(0.1, 0),
    ArrowUp: () => move(0, -0.1),
    ArrowDown: () => move(0, 0.1),
    '0': () => showWhole(),
    f: () => followAgain(),
  };
  stage.addEventListener('keydown', (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  });
  stage.addEventListener(
    'wheel',
    (event) => {
      // Without Ctrl or Cmd the wheel scrolls the page, as everywhere.
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 300), pointAt(event));
    },
    { passive: false },
  );
  let grabbed: { x: number; y: number; view: Box } | null = null;
  stage.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || foldOf(event)) return;
    grabbed = { x: event.clientX, y: event.clientY, view };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener('pointermove', (event) => {
    if (grabbed === null) return;
    const [dx, dy] = [event.clientX - grabbed.x, event.clientY - grabbed.y];
    if (isFollowing && Math.hypot(dx, dy) < 4) return;
    cancelAnimationFrame(animation);
    const scale = stage.clientWidth / grabbed.view.w;
    apply({ ...grabbed.view, x: grabbed.view.x - dx / scale, y: grabbed.view.y - dy / scale });
    if (isFollowing) turn(false);
  });
  for (const type of ['pointerup', 'pointercancel'] as const)
    stage.addEventListener(type, () => {
      grabbed = null;
    });
  stage.addEventListener('dblclick', (event) => {
    if (foldOf(event)) return;
    const { x, y } = pointAt(event);
    const inside = chart?.states.filter((state) => isIn(x, y, state) && isComposite(state)).at(-1);
    if (inside === undefined) showWhole();
    else showRegion(inside);
  });

  // The chart moves to a button that the Tab key reaches.
  stage.addEventListener('focusin', (event) => {
    const id = foldOf(event)?.getAttribute('data-fold');
    const state = id == null ? undefined : stateAt(id);
    if (state === undefined || isIn(state.x, state.y, view)) return;
    turn(false);
    apply({ ...view, x: state.x - marginPx, y: state.y - marginPx });
  });

  function pointAt(event: MouseEvent): { x: number; y: number } {
    const rect = stage.getBoundingClientRect();
    return {
      x: view.x + ((event.clientX - rect.left) / rect.width) * view.w,
      y: view.y + ((event.clientY - rect.top) / rect.height) * view.h,
    };
  }

  function isComposite({ id }: ChartState): boolean {
    return chart?.states.some((other) => other.id.startsWith(`${id}.`)) === true;
  }

  function showWhole(): void {
    turn(false);
    look(whole());
  }

  function showRegion(state: ChartState): void {
    turn(false);
    look(grown(state));
  }

  function followAgain(): void {
    turn(true);
    follow();
  }

  /** The regions around the active state, from the whole chart inward, and the scale. */
  function drawBar(): void {
    const [leaf = ''] = lit;
    const button = (text: string, label: string, act: () => void, isPressed: boolean | null = null) => {
      const made = document.createElement('button');
      made.type = 'button';
      made.textContent = text;
      made.title = label;
      if (!/\p{L}/u.test(text)) made.setAttribute('aria-label', label);
      if (isPressed !== null) made.setAttribute('aria-pressed', String(isPressed));
      made.addEventListener('click', act);
      return made;
    };
    const path = document.createElement('div');
    path.className = 'chart-path';
    path.append(button(chart?.machine ?? '', 'Show the whole chart', showWhole));
    for (const id of prefixes(leaf)) {
      const state = stateAt(id);
      if (state !== undefined && isComposite(state))
        path.append(button(state.key, `Show ${id}`, () => showRegion(state)));
    }
    const tools = document.createElement('div');
    tools.className = 'chart-tools';
    tools.append(
      button('follow', 'Follow the states that are active', followAgain, isFollowing),
      button('−', 'Zoom out', () => zoom(0.8)),
      button('+', 'Zoom in', () => zoom(1.25)),
    );
    bar.replaceChildren(path, tools);
  }

  function light({ states, last }: Lighting): void {
    const active = new Set(states.flatMap((id) => [...prefixes(id)]));
    for (const node of svg?.querySelectorAll('[data-state]') ?? [])
      node.classList.toggle('lit', active.has(node.getAttribute('data-state') ?? ''));
    map.light(active, new Set(states));
    const fired = new Set(last === null || given === null ? [] : edgesOf(given.edges, last));
    for (const node of svg?.querySelectorAll('[data-edge]') ?? [])
      node.classList.toggle('fired', fired.has(node.getAttribute('data-edge') ?? ''));
    for (const node of svg?.querySelectorAll('[data-edges]') ?? [])
      node.classList.toggle(
        'fired',
        (node.getAttribute('data-edges') ?? '').split(' ').some((id) => fired.has(id)),
      );
    const isNew = last !== null && last.seq !== lastSeq;
    lastSeq = last?.seq ?? 0;
    if (isNew) for (const node of svg?.querySelectorAll('.route.fired path') ?? []) run(node);
  }

  return {
    element,
    show(next, shown) {
      const isOther = next !== given;
      const isMoved = shown.states.join() !== lit.join();
      lighting = shown;
      lit = [...shown.states];
      if (isOther) {
        given = next;
        drawn = '';
        opened.clear();
        isFollowing = true;
      }
      draw();
      light(shown);
      if (!isOther && !isMoved) return;
      drawBar();
      if (isFollowing) follow(!isOther);
    },
  };
}

function grown({ x, y, w, h }: Box): Box {
  return { x: x - marginPx, y: y - marginPx, w: w + 2 * marginPx, h: h + 2 * marginPx };
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
 * state.
 */
function edgesOf(edges: readonly ChartEdge[], { event, from, to }: Move): string[] {
  const word = (name: string) => (name.startsWith('xstate.done.actor') ? 'ended' : name);
  const out = edges.filter((edge) => word(edge.event) === event && isWithin(from, edge.source));
  const inward = out.filter(({ target }) => isWithin(to, target));
  return (inward.length > 0 ? inward : out.slice(0, 1)).map(({ id }) => id);
}

/** Animates a dash along the arrow, once. */
function run(path: Element): void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
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
