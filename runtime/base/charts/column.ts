/**
 * The positions of a machine's states in one column, in the order of the definition, computed at once and without a library: the page shows machines of users,
 * and must not delay the engine. An arrow to the next state goes straight down; every other arrow has a lane beside the column, on the right if it leads down,
 * on the left if it leads up. The words of all transitions are in the states that they leave.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { nodesOf, pathOf } from './arrows.ts';
import { assemble, margin, type Part, type Point } from './assemble.ts';
import type { Chart } from './chart.ts';
import { type Bundle, bundlesOf, headerOf, isComposite, leadsOf, listOf, listSize } from './labels.ts';

/** In pixels. */
const gap = 26;
const padding = 12;
/** From a state to its first lane: an arrow's head and its round corner. */
const toLane = 15;
const laneWidth = 10;
/** The first arrow at the side of a state is that far below its top, and each further one below the one before. */
const portHeight = 10;
/** The dot with which a state begins, above its first one. */
const startHeight = 16;

/** An arrow between two states of one parent, by their places in its order. */
interface Between {
  readonly id: string;
  readonly from: number;
  readonly to: number;
}

interface Lane extends Between {
  /** 0: beside the states. */
  readonly lane: number;
}

/** A state and what is in it, before it has a place. */
interface Block {
  readonly node: AnyStateNode;
  readonly inner: readonly Block[];
  readonly straight: readonly Between[];
  readonly right: readonly Lane[];
  readonly left: readonly Lane[];
  /** The height of its name and its words, which are above its inner states. */
  readonly head: number;
  readonly width: number;
  readonly height: number;
}

export function columnOf(machine: AnyStateMachine): Chart {
  const { root } = machine;
  const nodes = nodesOf(root);
  const named = [root, ...nodes].flatMap(leadsOf);
  const bundles = bundlesOf(named, 0);
  const words = listOf(root, named);
  const size = listSize(words);
  const above = words.length === 0 ? { width: 0, height: 0 } : size;
  const block = blockOf(root, bundles, (node) => (node === root ? above : headerOf(node, named)));
  const part = { boxes: new Map(), routes: new Map(), starts: new Map(), width: block.width, height: block.height };
  placeInner(block, { x: 0, y: 0, width: block.width }, part);
  if (words.length > 0) part.boxes.set('', { x: 0, y: 0, w: size.width, h: size.height });
  const shown = words.length > 0 ? [root, ...nodes] : nodes;
  return assemble({ machine, nodes: shown, named, bundles, parts: [part], offsets: [{ x: margin, y: margin }] });
}

function blockOf(
  node: AnyStateNode,
  bundles: readonly Bundle[],
  headOf: (node: AnyStateNode) => { width: number; height: number },
): Block {
  const head = headOf(node);
  const children = Object.values(node.states);
  const here = bundles.flatMap(({ id, from, to }): Between[] =>
    from.parent === node ? [{ id, from: children.indexOf(from), to: children.indexOf(to) }] : [],
  );
  const right = lanesOf(here.filter(({ from, to }) => to > from + 1));
  const left = lanesOf(here.filter(({ from, to }) => to < from));
  const inner = children.map((child, index) => {
    const block = blockOf(child, bundles, headOf);
    const most = Math.max(portsOf(right, index).length, portsOf(left, index).length);
    return { ...block, height: Math.max(block.height, portHeight * (most + 1)) };
  });
  const pad = paddingOf(node);
  const sides = spaceOf(left) + spaceOf(right) + 2 * pad;
  const column = inner.reduce((sum, { height }) => sum + height, Math.max(0, inner.length - 1) * gap);
  return {
    ...{ node, inner, right, left, head: head.height, straight: here.filter(({ from, to }) => to === from + 1) },
    width: Math.max(head.width, sides + Math.max(0, ...inner.map(({ width }) => width))),
    height: isComposite(node) ? head.height + spaceAbove(node) + column + pad : head.height,
  };
}

/** The root has no border. */
function paddingOf({ parent }: AnyStateNode): number {
  return parent === undefined ? 0 : padding;
}

function spaceAbove(node: AnyStateNode): number {
  return node.type === 'parallel' ? padding : padding + startHeight;
}

function spaceOf(lanes: readonly Lane[]): number {
  return lanes.length === 0 ? 0 : toLane + laneWidth * (1 + Math.max(...lanes.map(({ lane }) => lane)));
}

/** The shortest are the nearest; two that are beside the same states have different lanes. */
function lanesOf(arrows: readonly Between[]): Lane[] {
  const span = ({ from, to }: Between) => [Math.min(from, to), Math.max(from, to)] as const;
  const length = (arrow: Between) => Math.abs(arrow.to - arrow.from);
  const placed: Lane[] = [];
  for (const arrow of arrows.toSorted((a, b) => length(a) - length(b))) {
    const [low, high] = span(arrow);
    const beside = placed.filter((other) => span(other)[0] < high && low < span(other)[1]);
    const taken = new Set(beside.map(({ lane }) => lane));
    let lane = 0;
    while (taken.has(lane)) lane += 1;
    placed.push({ ...arrow, lane });
  }
  return placed;
}

/** The arrows at one side of a state, from the top: those from above first, the inner ones before the outer; then those from below, the outer ones first. So none crosses another there. */
function portsOf(lanes: readonly Lane[], index: number): Lane[] {
  const here = lanes.filter(({ from, to }) => from === index || to === index);
  const isDown = ({ from, to }: Lane) => Math.min(from, to) === index;
  const byLane = here.toSorted((a, b) => a.lane - b.lane);
  return [...byLane.filter((lane) => !isDown(lane)), ...byLane.filter(isDown).reverse()];
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

function placeInner({ node, inner, straight, right, left, head }: Block, { x, y, width }: Place, part: Part): void {
  const pad = paddingOf(node);
  const inside = { x: x + pad + spaceOf(left), width: width - 2 * pad - spaceOf(left) - spaceOf(right) };
  const tops: number[] = [];
  let top = y + head + spaceAbove(node);
  for (const block of inner) {
    tops.push(top);
    part.boxes.set(pathOf(block.node), { x: inside.x, y: top, w: inside.width, h: block.height });
    placeInner(block, { ...inside, y: top }, part);
    top += block.height + gap;
  }
  const topOf = (index: number) => tops[index] ?? 0;
  const route = (id: string, points: Point[]) => part.routes.set(id, { points, label: null });
  const middle = inside.x + inside.width / 2;
  for (const { id, from, to } of straight)
    route(id, [
      [middle, topOf(from) + (inner[from]?.height ?? 0)],
      [middle, topOf(to)],
    ]);
  const beside = (lanes: readonly Lane[], edge: number, outward: 1 | -1) => {
    const portOf = (lane: Lane, index: number) => topOf(index) + portHeight * (1 + portsOf(lanes, index).indexOf(lane));
    for (const lane of lanes) {
      const out = edge + outward * (toLane + lane.lane * laneWidth);
      const [begin, end] = [portOf(lane, lane.from), portOf(lane, lane.to)];
      route(lane.id, [
        [edge, begin],
        [out, begin],
        [out, end],
        [edge, end],
      ]);
    }
  };
  beside(right, inside.x + inside.width, 1);
  beside(left, inside.x, -1);
  const initial = node.type === 'parallel' ? undefined : node.initial?.target?.[0];
  if (initial === undefined || initial.parent !== node) return;
  const [startX, startY] = [inside.x + 18, topOf(inner.findIndex((block) => block.node === initial))];
  part.starts.set(pathOf(initial), [
    [startX, startY - startHeight],
    [startX, startY],
  ]);
}
