/** Puts the parts of a chart, each with a layout of its own, and its texts together. */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { pathOf } from './arrows.ts';
import type { Box, Chart, ChartEdge, ChartLabel, ChartRoute, ChartStart, ChartState } from './chart.ts';
import { type Bundle, blocksOf, endsOf, isComposite, type Lead, listOf, listSize, type Place } from './labels.ts';
import { metrics } from './metrics.ts';

export type Point = [x: number, y: number];

/** A part of a chart with a layout of its own. */
export interface Part {
  readonly boxes: Map<string, Box>;
  readonly routes: Map<string, { points: Point[]; label: Box | null }>;
  readonly starts: Map<string, Point[]>;
  readonly width: number;
  readonly height: number;
}

/** Around a chart, in pixels. */
export const margin = 8;

interface Parts {
  readonly machine: AnyStateMachine;
  readonly nodes: readonly AnyStateNode[];
  readonly named: readonly Lead[];
  readonly bundles: readonly Bundle[];
  readonly parts: readonly Part[];
  readonly offsets: readonly { x: number; y: number }[];
}

export function assemble({ machine, nodes, named, bundles, parts, offsets }: Parts): Chart {
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
    // The root has no border and no name.
    const isRoot = node.parent === undefined;
    if (!isRoot) states.push(stateOf(node, box));
    const own = listOf(node, named);
    if (own.length === 0) continue;
    const { width: w, height: h } = listSize(own);
    const x = isRoot ? box.x : isComposite(node) ? box.x + metrics.listMargin : box.x + (box.w - w) / 2;
    const y = isRoot ? box.y : box.y + metrics.headerHeight;
    edges.push(...edgesOf(own, { place: 'inState', label: labels.length, y, routeOf }));
    labels.push({ state: isRoot ? null : pathOf(node), x, y, w, h });
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
