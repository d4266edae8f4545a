/**
 * The positions of a machine's states and arrows. For stator's own machines they are computed before the package is built and kept in `charts/`, for a
 * user-defined machine when its picture is asked for. Arrows join states of the same parent only: a transition that crosses a border is in its source by name, and the two states
 * whose borders it crosses are joined. Otherwise a dozen arrows would run side by side. An arrow that goes back in the order of the definition
 * is laid out the other way round, so that a chart reads from top to bottom.
 */

import type { ElkExtendedEdge, ElkNode, ElkPoint, LayoutOptions } from 'elkjs/lib/elk-api.js';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type Arrow, arrowsOf, nodesOf, pathOf, wordOf } from './arrows.ts';
import type { Box, Chart, ChartEdge, ChartLabel, ChartRoute, ChartStart, ChartState, ChartWords } from './chart.ts';
import { metrics } from './metrics.ts';

type Point = [x: number, y: number];

/** An arrow with a target. */
interface Lead {
  readonly arrow: Arrow;
  readonly source: AnyStateNode;
  readonly target: AnyStateNode;
}

/** All transitions from one state, or from within it, to another state of the same parent, or into it, drawn as one arrow. */
interface Bundle {
  readonly id: string;
  readonly from: AnyStateNode;
  readonly to: AnyStateNode;
  /** The labels on it: transitions that leave `from` itself, unless there are too many. All other transitions are in their source by name. */
  readonly label: readonly Lead[];
}

/** A part of a chart with a layout of its own. */
interface Part {
  readonly boxes: Map<string, Box>;
  readonly routes: Map<string, { points: Point[]; label: Box | null }>;
  readonly starts: Map<string, Point[]>;
  readonly width: number;
  readonly height: number;
}

const margin = 8;
const gap = 28;
/** Widths in letters, on an arrow and in a state. */
const longestLine = { onArrow: 26, inState: 40 } as const;
/**
 * How many lines an arrow may have; if its labels are longer, they are in the state that it leaves. And whether states of one rank are placed below one another
 * if the page is too narrow. The next entry is tried if a part of the chart is wider than a page.
 */
const attempts = [
  ...[8, 6, 4, 2, 0].map((tallest) => ({ tallest, strategy: 'NETWORK_SIMPLEX' })),
  { tallest: 0, strategy: 'STRETCH_WIDTH' },
] as const;
/** A page that people read, in pixels. */
const widest = 1280;
const startPrefix = 'start ';

const options: LayoutOptions = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'SEPARATE_CHILDREN',
  'elk.separateConnectedComponents': 'false',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.thoroughness': '20',
  // The best of the seeds that were tried: its charts are the narrowest.
  'elk.randomSeed': '5',
};
/** Nested graphs do not inherit these: each gets them. */
const spacing: LayoutOptions = {
  'elk.spacing.nodeNode': '18',
  'elk.spacing.edgeNode': '10',
  'elk.spacing.edgeEdge': '9',
  'elk.spacing.edgeLabel': '4',
  'elk.layered.spacing.nodeNodeBetweenLayers': '22',
  'elk.layered.spacing.edgeNodeBetweenLayers': '10',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '8',
};

/** Not installed with stator: eight megabytes that most people never use. */
async function loadElk() {
  try {
    return (await import('elkjs/lib/elk.bundled.js')).default;
  } catch (cause) {
    const hint = 'install it beside stator (npm install elkjs), or ask for mermaid, which other programs draw';
    throw new EngineError(
      'unavailable',
      'to draw a machine of your own needs the package elkjs, which is not installed',
      hint,
      { cause },
    );
  }
}

/**
 * The result is the same for the same machine at any time and place. For each part the first layout that fits a page is used, otherwise the narrowest. Throws
 * `unavailable`.
 */
export async function layoutOf(machine: AnyStateMachine): Promise<Chart> {
  const nodes = nodesOf(machine.root);
  const regions = Object.values(machine.root.states);
  const groups =
    machine.root.type === 'parallel'
      ? regions.map((region) => ({ parent: null, roots: [region] }))
      : [{ parent: machine.root, roots: regions }];
  const laid = await Promise.all(groups.map(narrowPart));
  const parts = laid.map(({ part }) => part);
  const bundles = laid.flatMap((one) => one.bundles);
  const named = laid.flatMap((one) => one.named);
  return assemble({ machine, nodes, named, bundles, parts, offsets: offsetsOf(parts) });
}

interface Group {
  /** The state around the roots, for its start; null: they have none. */
  readonly parent: AnyStateNode | null;
  readonly roots: readonly AnyStateNode[];
}

async function narrowPart({ parent, roots }: Group) {
  const leads = roots.flatMap((root) => [root, ...nodesOf(root)]).flatMap(leadsOf);
  const tried: { part: Part; bundles: Bundle[]; named: Lead[] }[] = [];
  for (const { tallest, strategy } of attempts) {
    const bundles = bundlesOf(leads, tallest);
    const onArrows = new Set(bundles.flatMap(({ label }) => label));
    const named = leads.filter((lead) => !onArrows.has(lead));
    const part = await partOf({ parent, roots, bundles, named, strategy });
    if (part.width + 2 * margin <= widest) return { part, bundles, named };
    tried.push({ part, bundles, named });
  }
  return tried.reduce((narrowest, one) => (one.part.width < narrowest.part.width ? one : narrowest));
}

/** The first part is on top or on the left; the others are beside it if the page is wide enough, otherwise in rows below. */
function offsetsOf(parts: readonly Part[]): { x: number; y: number }[] {
  const [first, ...others] = parts;
  if (first === undefined) return [];
  const offsets = [{ x: margin, y: margin }];
  const side = Math.max(0, ...others.map(({ width }) => width));
  const isBeside = first.width + gap + side + 2 * margin <= widest;
  let x = isBeside ? margin + first.width + gap : margin;
  let y = isBeside ? margin : margin + first.height + gap;
  let rowHeight = 0;
  for (const part of others) {
    if (!isBeside && x > margin && x + part.width + margin > widest) {
      x = margin;
      y += rowHeight + gap;
      rowHeight = 0;
    }
    offsets.push({ x, y });
    rowHeight = Math.max(rowHeight, part.height);
    if (isBeside) y += part.height + gap;
    else x += part.width + gap;
  }
  return offsets;
}

function isComposite(node: AnyStateNode): boolean {
  return Object.keys(node.states).length > 0;
}

function isWithin(node: AnyStateNode, outer: AnyStateNode): boolean {
  return node.path.length >= outer.path.length && outer.path.every((key, index) => node.path[index] === key);
}

function leadsOf(source: AnyStateNode): Lead[] {
  return arrowsOf(source).flatMap((arrow) => (arrow.target === null ? [] : [{ arrow, source, target: arrow.target }]));
}

/** The two children, below the innermost common parent, that contain the two states; null: one state contains the other. */
function endsOf({ source, target }: Lead): { from: AnyStateNode; to: AnyStateNode } | null {
  if (isWithin(target, source) || isWithin(source, target)) return null;
  const shared = source.path.findIndex((key, index) => key !== target.path[index]);
  return { from: ancestor(source, shared + 1), to: ancestor(target, shared + 1) };
}

function ancestor(node: AnyStateNode, depth: number): AnyStateNode {
  return node.path.length <= depth || node.parent === undefined ? node : ancestor(node.parent, depth);
}

function bundlesOf(leads: readonly Lead[], tallestLabel: number): Bundle[] {
  const bundles = new Map<string, { from: AnyStateNode; to: AnyStateNode; leads: Lead[] }>();
  for (const lead of leads) {
    const ends = endsOf(lead);
    if (ends === null) continue;
    const id = `${pathOf(ends.from)} ${pathOf(ends.to)}`;
    const bundle = bundles.get(id) ?? { ...ends, leads: [] };
    bundle.leads.push(lead);
    bundles.set(id, bundle);
  }
  return [...bundles].map(([id, { from, to, leads: bundled }]) => {
    const own = bundled.filter(({ source }) => source === from);
    const height = blocksOf(own, 'onArrow').flatMap(({ lines }) => lines).length;
    return { id, from, to, label: height > tallestLabel ? [] : own };
  });
}

function eventLine({ arrow }: Lead): string {
  return arrow.event === 'always' ? '' : wordOf(arrow.event);
}

function guardText({ arrow }: Lead): string {
  if (arrow.isElse) return '[else]';
  return arrow.guard === null ? '' : `[${arrow.guard}]`;
}

/** The target, named relative to the common parent of both ends; empty if the arrow shows it already. */
function targetText(lead: Lead, place: Place): string {
  const { source, target } = lead;
  const ends = endsOf(lead);
  if (ends !== null && place === 'onArrow') {
    return ends.to === target ? '' : `→ ${target.path.slice(ends.to.path.length).join('.')}`;
  }
  return `→ ${target.path.slice(ends === null ? source.path.length : ends.to.path.length - 1).join('.')}`;
}

type Place = keyof typeof longestLine;
type Line = readonly ChartWords[];

/** The labels of transitions that are side by side, one block of lines each; text that repeats the label before is left out. */
function blocksOf(leads: readonly Lead[], place: Place): { lead: Lead; lines: Line[] }[] {
  return leads.map((lead, index) => {
    const [before, after] = [leads[index - 1], leads[index + 1]];
    const isSame = (other: Lead | undefined) => other !== undefined && eventLine(other) === eventLine(lead);
    const target = isSame(after) && after?.target === lead.target ? '' : targetText(lead, place);
    const lines = linesOf({ event: isSame(before) ? '' : eventLine(lead), guard: guardText(lead), target }, place);
    return { lead, lines };
  });
}

/** A short label is on one line. */
function linesOf({ event, guard, target }: { event: string; guard: string; target: string }, place: Place): Line[] {
  const length = longestLine[place];
  const first: Line = event === '' ? [] : [['event', event]];
  const last: Line = target === '' ? [] : [['target', target]];
  const whole: Line = [...first, ...(guard === '' ? [] : [['guard', guard] as const]), ...last];
  if (lengthOf(whole) <= length && (place === 'inState' || guard === '')) return [whole];
  const guards = wrapped(guard, length).map((text): Line => [['guard', text]]);
  const lines = [first, ...guards].filter((line) => line.length > 0);
  const end: Line = [...(lines.pop() ?? []), ...last];
  return lengthOf(end) <= length ? [...lines, end] : [...lines, end.slice(0, -1), last];
}

function lengthOf(line: Line): number {
  return line.map(([, text]) => text).join(' ').length;
}

function wrapped(text: string, length: number): string[] {
  const lines: string[] = [];
  for (const piece of text === '' ? [] : text.split(/ (?=and )/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + piece.length <= length) lines[lines.length - 1] = `${last} ${piece}`;
    else lines.push(piece);
  }
  return lines;
}

function sizeOf(lines: readonly Line[]): { width: number; height: number } {
  const longest = Math.max(0, ...lines.map(lengthOf));
  return {
    width: Math.ceil(longest * metrics.labelAdvance + 2 * metrics.labelPadX),
    height: lines.length * metrics.labelLine + 2 * metrics.labelPadY,
  };
}

/** The transitions that are listed in a state by name. */
function listOf(node: AnyStateNode, named: readonly Lead[]): Lead[] {
  return named.filter(({ source }) => source === node);
}

function listSize(list: readonly Lead[]): { width: number; height: number } {
  return sizeOf(blocksOf(list, 'inState').flatMap(({ lines }) => lines));
}

/** The name of a state and its content. */
function headerOf(node: AnyStateNode, named: readonly Lead[]): { width: number; height: number } {
  const list = listOf(node, named);
  const width = node.key.length * metrics.nameAdvance + 2 * metrics.namePadX;
  if (list.length === 0) return { width: Math.ceil(width), height: metrics.stateHeight };
  const size = listSize(list);
  return {
    width: Math.ceil(Math.max(width, size.width + 2 * metrics.listMargin)),
    height: metrics.headerHeight + size.height + metrics.listMargin,
  };
}

function elkNode(node: AnyStateNode, named: readonly Lead[], layered: LayoutOptions): ElkNode {
  const id = pathOf(node);
  const { width, height } = headerOf(node, named);
  if (!isComposite(node)) return { id, width, height };
  return {
    id,
    layoutOptions: {
      ...layered,
      ...spacing,
      'elk.padding': `[top=${height + 8},left=12,bottom=12,right=12]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width}, 10)`,
    },
    children: [...startNode(node), ...Object.values(node.states).map((child) => elkNode(child, named, layered))],
  };
}

function startNode(node: AnyStateNode): ElkNode[] {
  if (node.type === 'parallel') return [];
  const size = 2 * metrics.startRadius;
  return [{ id: startPrefix + pathOf(node), width: size, height: size }];
}

function startEdges(node: AnyStateNode): ElkExtendedEdge[] {
  const [initial] = node.type === 'parallel' ? [] : (node.initial?.target ?? []);
  const here =
    initial === undefined
      ? []
      : [{ id: startPrefix + pathOf(initial), sources: [startPrefix + pathOf(node)], targets: [pathOf(initial)] }];
  return [...here, ...Object.values(node.states).filter(isComposite).flatMap(startEdges)];
}

function elkEdge({ id, from, to, label: leads }: Bundle, isBack: boolean): ElkExtendedEdge {
  const lines = blocksOf(leads, 'onArrow').flatMap((block) => block.lines);
  const label = {
    id: `label ${id}`,
    text: id,
    ...sizeOf(lines),
    layoutOptions: { 'elk.edgeLabels.inline': 'true' },
  };
  const [first, second] = isBack ? [to, from] : [from, to];
  return { id, sources: [pathOf(first)], targets: [pathOf(second)], labels: lines.length === 0 ? [] : [label] };
}

/**
 * A state to which no arrow leads would be above all others. An arrow that is not drawn ties it to where its parent begins; a composite
 * that no arrow leaves either, to the state before its last neighbour with an arrow, since these are as tall.
 */
function tiesOf(node: AnyStateNode, bundles: readonly Bundle[]): ElkExtendedEdge[] {
  const [initial] = node.type === 'parallel' ? [] : (node.initial?.target ?? []);
  if (initial === undefined) return [];
  const children = Object.values(node.states);
  const lone = children.filter((child) => child !== initial && bundles.every(({ to }) => to !== child));
  const before = (child: AnyStateNode) => bundles.findLast(({ from, to }) => to === child && from.order < child.order);
  const neighbour = children
    .filter(isComposite)
    .flatMap((child) => before(child) ?? [])
    .at(-1);
  return lone.map((child) => {
    const id = `tie ${pathOf(child)}`;
    const isAlone = bundles.every(({ from }) => from !== child);
    if (isComposite(child) && isAlone && neighbour !== undefined)
      return { ...elkEdge({ ...neighbour, to: child }, false), id };
    return { id, sources: [startPrefix + pathOf(node)], targets: [pathOf(child)] };
  });
}

interface PartOptions extends Group {
  readonly bundles: readonly Bundle[];
  readonly named: readonly Lead[];
  /** ELK uses these to place states in the same row. */
  readonly strategy: string;
}

async function partOf({ parent, roots, bundles, named, strategy }: PartOptions): Promise<Part> {
  const order = new Map(roots.flatMap((root) => [root, ...nodesOf(root)]).map((node, index) => [node, index]));
  const here = new Map(bundles.filter(({ from }) => order.has(from)).map((bundle) => [bundle.id, bundle]));
  const isBack = ({ from, to }: Bundle) => (order.get(from) ?? 0) > (order.get(to) ?? 0);
  const starts = parent === null ? roots.filter(isComposite).flatMap(startEdges) : startEdges(parent);
  const ties = [...(parent === null ? [] : [parent]), ...order.keys()].flatMap((node) =>
    tiesOf(node, [...here.values()]),
  );
  const layered = { ...options, 'elk.layered.layering.strategy': strategy };
  const laidOut: ElkNode = await new (await loadElk()).default().layout({
    id: ' root',
    layoutOptions: { ...layered, ...spacing, 'elk.padding': '[top=0,left=0,bottom=0,right=0]' },
    children: [...(parent === null ? [] : startNode(parent)), ...roots.map((root) => elkNode(root, named, layered))],
    edges: [...[...here.values()].map((bundle) => elkEdge(bundle, isBack(bundle))), ...starts, ...ties],
  });
  const part: Part = {
    boxes: new Map(),
    routes: new Map(),
    starts: new Map(),
    width: Math.ceil(laidOut.width ?? 0),
    height: Math.ceil(laidOut.height ?? 0),
  };
  const collect = ({ children = [] }: ElkNode) => {
    for (const child of children) {
      part.boxes.set(child.id, boxOf(child));
      collect(child);
    }
  };
  collect(laidOut);
  for (const edge of laidOut.edges ?? []) {
    const points = pointsOf(edge);
    const bundle = here.get(edge.id);
    if (edge.id.startsWith(startPrefix)) part.starts.set(edge.id.slice(startPrefix.length), points);
    if (bundle === undefined) continue;
    const [label] = edge.labels ?? [];
    part.routes.set(edge.id, {
      points: isBack(bundle) ? points.reverse() : points,
      label: label === undefined ? null : boxOf(label),
    });
  }
  return part;
}

function boxOf({
  x = 0,
  y = 0,
  width = 0,
  height = 0,
}: {
  x?: number;
  y?: number;
  width?: number;
  height?: number;
}): Box {
  return { x: round(x), y: round(y), w: round(width), h: round(height) };
}

function pointsOf({ sections = [] }: ElkExtendedEdge): Point[] {
  return sections
    .flatMap(({ startPoint, bendPoints = [], endPoint }): ElkPoint[] => [startPoint, ...bendPoints, endPoint])
    .map(({ x, y }) => [round(x), round(y)]);
}

function round(value: number): number {
  return Math.round(value * 2) / 2;
}

interface Parts {
  readonly machine: AnyStateMachine;
  readonly nodes: readonly AnyStateNode[];
  readonly named: readonly Lead[];
  readonly bundles: readonly Bundle[];
  readonly parts: readonly Part[];
  readonly offsets: readonly { x: number; y: number }[];
}

function assemble({ machine, nodes, named, bundles, parts, offsets }: Parts): Chart {
  const states: ChartState[] = [];
  const edges: ChartEdge[] = [];
  const labels: ChartLabel[] = [];
  const routes: ChartRoute[] = [];
  const starts: ChartStart[] = [];
  const places = new Map<string, Box>();
  const arrowLabels: { box: Box; leads: readonly Lead[] }[] = [];
  let [width, height] = [0, 0];
  for (const [index, part] of parts.entries()) {
    const { x: dx, y: dy } = offsets[index] ?? { x: 0, y: 0 };
    const moved = (box: Box): Box => ({ ...box, x: box.x + dx, y: box.y + dy });
    const movedPoints = (points: readonly Point[]) => points.map(([x, y]): Point => [x + dx, y + dy]);
    width = Math.max(width, dx + part.width + margin);
    height = Math.max(height, dy + part.height + margin);
    for (const [id, box] of part.boxes) places.set(id, moved(box));
    for (const { id, from, to, label } of bundles) {
      const found = part.routes.get(id);
      if (found === undefined) continue;
      routes.push({ source: pathOf(from), target: pathOf(to), points: movedPoints(found.points) });
      if (found.label !== null) arrowLabels.push({ box: moved(found.label), leads: label });
    }
    for (const [target, points] of part.starts) starts.push({ target, points: movedPoints(points) });
  }
  const routeOf = (lead: Lead) => {
    const ends = endsOf(lead);
    if (ends === null) return null;
    return routes.findIndex(({ source, target }) => source === pathOf(ends.from) && target === pathOf(ends.to));
  };
  for (const node of nodes) {
    const box = places.get(pathOf(node));
    if (box === undefined) throw new Error(`${machine.id}: ${pathOf(node)} has no place`);
    states.push(stateOf(node, box));
    const own = listOf(node, named);
    if (own.length === 0) continue;
    const { width: w, height: h } = listSize(own);
    const x = isComposite(node) ? box.x + metrics.listMargin : box.x + (box.w - w) / 2;
    const y = box.y + metrics.headerHeight;
    edges.push(...edgesOf(own, { place: 'inState', label: labels.length, y, routeOf }));
    labels.push({ state: pathOf(node), x, y, w, h });
  }
  for (const { box, leads: own } of arrowLabels) {
    edges.push(...edgesOf(own, { place: 'onArrow', label: labels.length, y: box.y, routeOf }));
    labels.push({ state: null, ...box });
  }
  return { machine: machine.id, version: machine.version ?? '1', width, height, states, edges, labels, routes, starts };
}

function stateOf(node: AnyStateNode, box: Box): ChartState {
  return {
    id: pathOf(node),
    key: node.key,
    kind: node.type,
    description: node.description ?? '',
    tags: [...node.tags],
    initial: node.parent?.type !== 'parallel' && node.parent?.initial?.target?.[0] === node,
    ...box,
  };
}

interface LabelPlace {
  readonly place: Place;
  readonly label: number;
  readonly y: number;
  routeOf(lead: Lead): number | null;
}

/** The edges of one label, from top to bottom. */
function edgesOf(leads: readonly Lead[], { place, label, y, routeOf }: LabelPlace): ChartEdge[] {
  let top = y + metrics.labelPadY;
  return blocksOf(leads, place).map(({ lead, lines }) => {
    const { arrow, source, target } = lead;
    const edge = {
      id: arrow.id,
      source: pathOf(source),
      target: pathOf(target),
      event: arrow.event,
      guard: arrow.isElse ? 'else' : arrow.guard,
      label,
      y: top,
      lines,
      route: routeOf(lead),
    };
    top += lines.length * metrics.labelLine;
    return edge;
  });
}
