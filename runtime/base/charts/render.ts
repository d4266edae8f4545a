/** A chart as SVG text. Nothing of Node and nothing of a browser is used, so the command line, the documents and a page draw the same. */
import type { Box, Chart, ChartEdge, ChartLabel, ChartRoute, ChartState } from './chart.ts';
import { metrics } from './metrics.ts';

/** `both`: as the reader's system has it. `none`: without a style of its own, for a page that brings `chartStyle`. */
export type ChartTheme = 'light' | 'dark' | 'both' | 'none';

export interface Drawing {
  readonly theme: ChartTheme;
  /** The ids of the active states, as `activeStateIds` has them. */
  readonly lit?: ReadonlySet<string> | undefined;
}

const colours = {
  light: {
    page: '#ffffff',
    panel: '#f6f8fa',
    inner: '#ffffff',
    node: '#ffffff',
    line: '#c9d1d9',
    border: '#afb8c1',
    arrow: '#8c959f',
    text: '#1f2328',
    dim: '#57606a',
    accent: '#0550ae',
    glow: '#ddf4ff',
    path: '#54aeff',
    fire: '#bc4c00',
    ember: '#fff1e5',
  },
  dark: {
    page: '#0d1117',
    panel: '#12171f',
    inner: '#161b22',
    node: '#1c222b',
    line: '#30363d',
    border: '#444c56',
    arrow: '#6e7681',
    text: '#e6edf3',
    dim: '#9198a1',
    accent: '#a5c8ff',
    glow: '#1f3a68',
    path: '#4e8ef0',
    fire: '#f0a45c',
    ember: '#3d2a17',
  },
} as const;

function variables(theme: 'light' | 'dark'): string {
  return Object.entries(colours[theme])
    .map(([name, value]) => `--c-${name}:${value}`)
    .join(';');
}

function themeVariables(theme: ChartTheme): string {
  const light = `.chart{${variables('light')}}`;
  const dark = `.chart{${variables('dark')}}`;
  if (theme === 'light') return light;
  if (theme === 'dark') return dark;
  return `${light}\n@media (prefers-color-scheme:dark){${dark}}`;
}

/** The style of a chart, for a page's own sheet. */
export function chartStyle(theme: ChartTheme): string {
  const { labelSize, nameSize } = metrics;
  return `${themeVariables(theme)}
.chart{background:var(--c-page)}
.chart text{font:${labelSize}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:var(--c-dim)}
.chart .name{font:600 ${nameSize}px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;fill:var(--c-text)}
.chart .state>rect{fill:var(--c-node);stroke:var(--c-border)}
.chart .composite>rect{fill:var(--c-panel);stroke:var(--c-line)}
.chart .composite.even>rect{fill:var(--c-inner)}
.chart .final>rect.ring{fill:none;stroke:var(--c-border)}
.chart .route path{fill:none;stroke:var(--c-arrow)}
.chart .head{fill:var(--c-arrow);stroke:none}
.chart .start path{fill:none;stroke:var(--c-arrow)}
.chart .start circle{fill:var(--c-dim)}
.chart .label>rect{fill:var(--c-panel);stroke:var(--c-line)}
.chart .event{fill:var(--c-text)}
.chart .guard{font-style:italic}
.chart .lit>rect{stroke:var(--c-path);stroke-width:1.75}
.chart .lit.atomic>rect,.chart .lit.final>rect{fill:var(--c-glow);stroke-width:2.5}
.chart .lit>.name{fill:var(--c-accent)}
.chart .fired path{stroke:var(--c-fire);stroke-width:2}
.chart .fired .head{fill:var(--c-fire)}
.chart .fired>rect{fill:var(--c-ember);stroke:var(--c-fire)}
.chart .fired>text{fill:var(--c-fire)}
`;
}

/** An `<svg>` element. `data-state` and `data-edge` carry the ids; a lit state has the class `lit`. `chartStyle` also knows `fired`, which a page gives to the edges that were just taken. */
export function renderChart(chart: Chart, { theme, lit = new Set() }: Drawing): string {
  const { width, height } = chart;
  const onRoute = chart.routes.map((_, index) => chart.edges.filter(({ route }) => route === index));
  const inLabel = chart.labels.map((_, index) => chart.edges.filter(({ label }) => label === index));
  const active = chart.states.filter(({ id }) => lit.has(id));
  const leaves = active.filter(({ id }) => !active.some((other) => other.id.startsWith(`${id}.`)));
  const title = `${chart.machine}${leaves.length === 0 ? '' : `: ${leaves.map(({ id }) => id).join(', ')}`}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}" data-machine="${escaped(chart.machine)}">`,
    ...(theme === 'none' ? [] : [`<style>${chartStyle(theme)}</style>`]),
    ...chart.states.filter(isComposite(chart)).map((state) => stateText(state, chart, lit)),
    ...chart.starts.map(({ target, points }) => startText(target, points)),
    ...chart.routes.map((route, index) => routeText(route, onRoute[index] ?? [])),
    ...chart.states.filter((state) => !isComposite(chart)(state)).map((state) => stateText(state, chart, lit)),
    ...chart.labels.map((label, index) => labelText(label, inLabel[index] ?? [])),
    '</svg>\n',
  ].join('\n');
}

function isComposite({ states }: Chart): (state: ChartState) => boolean {
  return ({ id, kind }) =>
    kind === 'compound' || kind === 'parallel' || states.some((other) => other.id.startsWith(`${id}.`));
}

function stateText(state: ChartState, chart: Chart, lit: ReadonlySet<string>): string {
  const { id, key, kind, description, x, y, w, h } = state;
  const composite = isComposite(chart)(state);
  const hasList = chart.labels.some((label) => label.state === id);
  const depth = id.split('.').length;
  const classes = ['state', composite ? 'composite' : kind === 'final' ? 'final' : 'atomic'];
  if (composite && depth % 2 === 0) classes.push('even');
  if (lit.has(id)) classes.push('lit');
  const name = composite
    ? `<text class="name" x="${x + metrics.namePadX}" y="${y + 20}">${escaped(key)}</text>`
    : `<text class="name" x="${x + w / 2}" y="${hasList ? y + 20 : y + h / 2 + 4.5}" text-anchor="middle">${escaped(key)}</text>`;
  const ring =
    kind === 'final' ? `<rect class="ring" x="${x + 3}" y="${y + 3}" width="${w - 6}" height="${h - 6}" rx="5"/>` : '';
  const words = description === '' ? id : `${id}: ${description}`;
  return `<g class="${classes.join(' ')}" data-state="${escaped(id)}"><title>${escaped(words)}</title>${rect({ x, y, w, h }, composite ? 10 : 8)}${ring}${name}</g>`;
}

function rect({ x, y, w, h }: Box, radius: number): string {
  return `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="${radius}"/>`;
}

function startText(target: string, points: readonly (readonly [number, number])[]): string {
  const [x = 0, y = 0] = points[0] ?? [];
  const dot = `<circle cx="${x}" cy="${y - metrics.startRadius}" r="${metrics.startRadius}"/>`;
  return `<g class="start" data-start="${escaped(target)}">${dot}<path d="${pathOf(points)}"/>${headText(points)}</g>`;
}

function routeText({ source, target, points }: ChartRoute, edges: readonly ChartEdge[]): string {
  const ids = edges.map(({ id }) => id).join(' ');
  return `<g class="route" data-from="${escaped(source)}" data-to="${escaped(target)}" data-edges="${escaped(ids)}"><path d="${pathOf(points)}"/>${headText(points)}</g>`;
}

const corner = 6;

/** Straight lines with round corners. */
function pathOf(points: readonly (readonly [number, number])[]): string {
  return points
    .map(([x, y], index) => {
      const before = points[index - 1];
      const after = points[index + 1];
      if (before === undefined) return `M${x} ${y}`;
      if (after === undefined) return `L${x} ${y}`;
      const [ax, ay] = towards([x, y], before);
      const [bx, by] = towards([x, y], after);
      return `L${ax} ${ay}Q${x} ${y} ${bx} ${by}`;
    })
    .join('');
}

/** A point near the first one on its way to the second. */
function towards([x, y]: readonly [number, number], [toX, toY]: readonly [number, number]): [number, number] {
  const length = Math.hypot(toX - x, toY - y);
  const part = length === 0 ? 0 : Math.min(corner, length / 2) / length;
  return [round(x + (toX - x) * part), round(y + (toY - y) * part)];
}

function headText(points: readonly (readonly [number, number])[]): string {
  const [x = 0, y = 0] = points.at(-1) ?? [];
  const [fromX = x, fromY = y] = points.at(-2) ?? [];
  const length = Math.hypot(x - fromX, y - fromY) || 1;
  const [dx, dy] = [(x - fromX) / length, (y - fromY) / length];
  const corners = [
    [x, y],
    [x - 7 * dx - 3.5 * dy, y - 7 * dy + 3.5 * dx],
    [x - 7 * dx + 3.5 * dy, y - 7 * dy - 3.5 * dx],
  ];
  return `<polygon class="head" points="${corners.map(([a = 0, b = 0]) => `${round(a)},${round(b)}`).join(' ')}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function labelText({ state, ...box }: ChartLabel, edges: readonly ChartEdge[]): string {
  const isCentred = state === null;
  const x = isCentred ? box.x + box.w / 2 : box.x + metrics.labelPadX;
  const texts = edges.map((edge) => edgeText(edge, x, isCentred)).join('');
  return `<g class="${isCentred ? 'label' : 'label list'}">${rect(box, Math.min(9, box.h / 2))}${texts}</g>`;
}

function edgeText({ id, source, target, lines, y }: ChartEdge, x: number, isCentred: boolean): string {
  const spans = lines.map((line, index) => {
    const place = `x="${x}" y="${y + index * metrics.labelLine + 11}"`;
    const words = line.map(([kind, text]) => `<tspan class="${kind}">${escaped(text)}</tspan>`);
    return `<tspan ${place}>${words.join(' ')}</tspan>`;
  });
  const anchor = isCentred ? ' text-anchor="middle"' : '';
  const title = `<title>${escaped(`${source} → ${target}`)}</title>`;
  return `<g class="edge" data-edge="${escaped(id)}">${title}<text${anchor}>${spans.join('')}</text></g>`;
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
