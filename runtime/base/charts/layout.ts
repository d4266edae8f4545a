/**
 * The positions of a machine's states and arrows. For stator's own machines they are computed before the package is built and kept in `charts/`, for a
 * user-defined machine when its picture is asked for. Arrows join states of the same parent only: a transition that crosses a border is in its source by name, and the two states
 * whose borders it crosses are joined. Otherwise a dozen arrows would run side by side. An arrow that goes back in the order of the definition
 * is laid out the other way round, so that a chart reads from top to bottom.
 */

import type { ElkExtendedEdge, ElkNode, ElkPoint, LayoutOptions } from 'elkjs/lib/elk-api.js';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { nodesOf, pathOf } from './arrows.ts';
import { assemble, margin, type Part, type Point } from './assemble.ts';
import type { Box, Chart } from './chart.ts';
import { type Bundle, blocksOf, bundlesOf, headerOf, isComposite, type Lead, leadsOf, sizeOf } from './labels.ts';
import { metrics } from './metrics.ts';

const gap = 28;
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
