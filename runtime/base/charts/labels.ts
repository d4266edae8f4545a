/**
 * Groups the transitions of a chart into bundles, each drawn as one arrow, and decides for the label of each transition whether it is written on that arrow or
 * listed in the state that the transition leaves.
 */
import type { AnyStateNode } from 'xstate';
import { type Arrow, arrowsOf, pathOf, wordOf } from './arrows.ts';
import type { ChartWords } from './chart.ts';
import { metrics } from './metrics.ts';

/** An arrow with a target. */
export interface Lead {
  readonly arrow: Arrow;
  readonly source: AnyStateNode;
  readonly target: AnyStateNode;
}

/** All transitions from one state, or from within it, to another state of the same parent, or into it, drawn as one arrow. */
export interface Bundle {
  readonly id: string;
  readonly from: AnyStateNode;
  readonly to: AnyStateNode;
  /** The labels on it: transitions that leave `from` itself, unless there are too many. All other transitions are in their source by name. */
  readonly label: readonly Lead[];
}

/** Widths in letters, on an arrow and in a state. */
const longestLine = { onArrow: 26, inState: 40 } as const;
export function isComposite(node: AnyStateNode): boolean {
  return Object.keys(node.states).length > 0;
}

function isWithin(node: AnyStateNode, outer: AnyStateNode): boolean {
  return node.path.length >= outer.path.length && outer.path.every((key, index) => node.path[index] === key);
}

export function leadsOf(source: AnyStateNode): Lead[] {
  return arrowsOf(source).flatMap((arrow) => (arrow.target === null ? [] : [{ arrow, source, target: arrow.target }]));
}

/** The two children, below the innermost common parent, that contain the two states; null: one state contains the other. */
export function endsOf({ source, target }: Lead): { from: AnyStateNode; to: AnyStateNode } | null {
  if (isWithin(target, source) || isWithin(source, target)) return null;
  const shared = source.path.findIndex((key, index) => key !== target.path[index]);
  return { from: ancestor(source, shared + 1), to: ancestor(target, shared + 1) };
}

function ancestor(node: AnyStateNode, depth: number): AnyStateNode {
  return node.path.length <= depth || node.parent === undefined ? node : ancestor(node.parent, depth);
}

export function bundlesOf(leads: readonly Lead[], tallestLabel: number): Bundle[] {
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
  const inner = target.path.slice(ends === null ? source.path.length : ends.to.path.length - 1).join('.');
  return `→ ${source === target ? 'itself' : inner || target.key}`;
}

export type Place = keyof typeof longestLine;
type Line = readonly ChartWords[];

/** The labels of transitions that are side by side, one block of lines each. The event is left out if the label above has it, the target if the label below has it. */
export function blocksOf(leads: readonly Lead[], place: Place): { lead: Lead; lines: Line[] }[] {
  return leads.map((lead, index) => {
    const [before, after] = [leads[index - 1], leads[index + 1]];
    const isSame = (other: Lead | undefined) => other !== undefined && eventLine(other) === eventLine(lead);
    const target = isSame(after) && after?.target === lead.target ? '' : targetText(lead, place);
    const lines = linesOf({ event: isSame(before) ? '' : eventLine(lead), guard: guardText(lead), target }, place);
    return { lead, lines };
  });
}

/** A label that fits is on one line, unless it is on an arrow and has a guard. */
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

export function sizeOf(lines: readonly Line[]): { width: number; height: number } {
  const longest = Math.max(0, ...lines.map(lengthOf));
  return {
    width: Math.ceil(longest * metrics.labelAdvance + 2 * metrics.labelPadX),
    height: lines.length * metrics.labelLine + 2 * metrics.labelPadY,
  };
}

/** The transitions that are listed in a state by name. */
export function listOf(node: AnyStateNode, named: readonly Lead[]): Lead[] {
  return named.filter(({ source }) => source === node);
}

export function listSize(list: readonly Lead[]): { width: number; height: number } {
  return sizeOf(blocksOf(list, 'inState').flatMap(({ lines }) => lines));
}

/** The size of a state's name with its list of transitions. */
export function headerOf(node: AnyStateNode, named: readonly Lead[]): { width: number; height: number } {
  const list = listOf(node, named);
  const width = node.key.length * metrics.nameAdvance + 2 * metrics.namePadX;
  if (list.length === 0) return { width: Math.ceil(width), height: metrics.stateHeight };
  const size = listSize(list);
  return {
    width: Math.ceil(Math.max(width, size.width + 2 * metrics.listMargin)),
    height: metrics.headerHeight + size.height + metrics.listMargin,
  };
}
