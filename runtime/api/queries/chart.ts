/** The running machines: a list, and each definition as a picture, a Mermaid state diagram or JSON. */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { actorsOf, snapshotOf } from '../../../actors/addressee.ts';
import type { AnyDefinition } from '../../../actors/definition.ts';
import type { Tree } from '../../../actors/tree.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { activeStateIds } from '../../base/charts/active-states.ts';
import { type Arrow, arrowsOf, nodesOf, wordOf } from '../../base/charts/arrows.ts';
import type { Chart } from '../../base/charts/chart.ts';
import { columnOf } from '../../base/charts/column.ts';
import { machines } from '../../base/charts/machines.ts';
import { type ChartTheme, renderChart } from '../../base/charts/render.ts';
import { type ChartName, chartNames, storedChart } from '../../base/charts/stored.ts';
import { didYouMean } from '../../base/config/nearest.ts';
import { later } from '../../base/platform/later.ts';
import type { MachineEntry } from '../contract/machines.ts';

export const machineNames = chartNames;

const loadLayout = later(() => import('../../base/charts/layout.ts'));
/** User-defined machines, by the machine. */
const layouts = new WeakMap<AnyStateMachine, Promise<Chart>>();

/** Throws `not_found` for a name that is no machine. */
export function machineNamed(name: string): ChartName {
  const known = chartNames.find((each) => each === name);
  if (known !== undefined) return known;
  const hint = `${didYouMean(name, chartNames)}the machines: ${chartNames.join(', ')}; one of your own: while an engine runs that has it`;
  throw new EngineError('not_found', `no machine is called "${name}"`, hint);
}

export function machineEntries(own: readonly AnyDefinition[]): MachineEntry[] {
  const ours = chartNames.map((name) => {
    const machine: AnyStateMachine = machines[name];
    return { name, version: machine.version ?? '1', ...sizeOf(machine), own: false };
  });
  return [
    ...ours,
    ...own.map(({ name, version, machine }) => ({ name, version: String(version), ...sizeOf(machine), own: true })),
  ];
}

function sizeOf({ root }: AnyStateMachine): Pick<MachineEntry, 'description' | 'states' | 'transitions'> {
  const nodes = nodesOf(root);
  const transitions = [root, ...nodes].flatMap(arrowsOf).length;
  return { description: root.description ?? '', states: nodes.length, transitions };
}

export type ChartFormat = 'mermaid' | 'json' | 'layout';

/** Throws `not_found` for a name that is no machine. */
export function chartOf(name: string, format: ChartFormat, own: readonly AnyDefinition[]): string {
  const brought = own.find((definition) => definition.name === name)?.machine;
  const machine: AnyStateMachine = brought ?? machines[machineNamed(name)];
  switch (format) {
    case 'mermaid':
      return mermaidOf(machine);
    case 'json':
      return `${JSON.stringify(definitionOf(machine.root), null, 2)}\n`;
    case 'layout':
      return `${JSON.stringify(brought === undefined ? storedChart(machineNamed(name)) : columnOf(brought))}\n`;
    default:
      return format satisfies never;
  }
}

export interface Picture {
  readonly theme: ChartTheme;
  /** The current states of its actors of that machine are highlighted. */
  readonly tree: Tree | null;
}

/** A machine as SVG. Throws `not_found` for a name that is no machine, `unavailable` if a user-defined machine cannot be laid out. */
export async function pictureOf(
  name: string,
  { theme, tree }: Picture,
  own: readonly AnyDefinition[],
): Promise<string> {
  const brought = own.find((definition) => definition.name === name)?.machine;
  const chart = brought === undefined ? storedChart(machineNamed(name)) : await layoutOfOwn(brought);
  const actors = tree === null ? [] : [...actorsOf(tree.root)].map(snapshotOf);
  const lit = actors
    .filter(({ machine }) => machine.id === chart.machine)
    .flatMap(({ value }) => activeStateIds(value));
  return renderChart(chart, { theme, lit: new Set(lit) });
}

function layoutOfOwn(machine: AnyStateMachine): Promise<Chart> {
  const known = layouts.get(machine);
  if (known !== undefined) return known;
  const laid = loadLayout().then(({ layoutOf }) => layoutOf(machine));
  layouts.set(machine, laid);
  laid.catch(() => layouts.delete(machine));
  return laid;
}

/** Characters that end a label in Mermaid, as Mermaid writes them in one. */
function escaped(text: string): string {
  return text.replace(/[#;:"]/g, (sign) => `#${sign.charCodeAt(0)};`).replace(/\s+/g, ' ');
}

function labelOf({ event, guard, isElse }: Arrow): string {
  const condition = isElse ? 'else' : guard === null ? null : `if ${guard}`;
  if (event === 'always') return condition ?? 'always';
  return condition === null ? wordOf(event) : `${wordOf(event)}, ${condition}`;
}

/** The machine's name as a prefix keeps every id different from Mermaid's keywords. A state's name may have signs that end an id. */
function idOf(node: AnyStateNode): string {
  return [node.machine.id, ...node.path].join('_').replace(/[^\p{L}\p{N}_]/gu, (sign) => `_${sign.codePointAt(0)}_`);
}

function isPlain(node: AnyStateNode): boolean {
  return Object.keys(node.states).length === 0;
}

function mermaidOf(machine: AnyStateMachine): string {
  const lines = ['stateDiagram-v2'];
  const write = (node: AnyStateNode, depth: number) => {
    const pad = '  '.repeat(depth);
    const children = Object.values(node.states);
    for (const child of children) {
      if (isPlain(child)) {
        lines.push(`${pad}state "${escaped(child.key)}" as ${idOf(child)}`);
        continue;
      }
      lines.push(`${pad}state "${escaped(child.key)}" as ${idOf(child)} {`);
      write(child, depth + 1);
      lines.push(`${pad}}`);
    }
    if (node.type !== 'parallel') {
      const [initial] = node.initial?.target ?? [];
      if (initial !== undefined) lines.push(`${pad}[*] --> ${idOf(initial)}`);
      for (const child of children) if (child.type === 'final') lines.push(`${pad}${idOf(child)} --> [*]`);
    }
  };
  write(machine.root, 1);
  for (const line of new Set(arrowLines(machine.root))) lines.push(`  ${line}`);
  return `${lines.join('\n')}\n`;
}

function arrowLines(node: AnyStateNode): string[] {
  const own = arrowsOf(node).flatMap((arrow) =>
    startsOf(node, arrow).map((start) => `${idOf(start.node)} --> ${idOf(start.target)} : ${escaped(labelOf(arrow))}`),
  );
  const far = undrawn(node).map((event) => `%% ${idOf(node)} takes ${event} in all of its states`);
  return [...own, ...far, ...Object.values(node.states).flatMap(arrowLines)];
}

/**
 * The states from which an arrow is drawn. Mermaid has no arrow from a composite state into itself. So it is drawn from each inner state that leaves the
 * event to the composite. If these are composites themselves, the drawing would be unreadable, and `undrawn` names the transition instead.
 */
function startsOf(node: AnyStateNode, { event, target }: Arrow): { node: AnyStateNode; target: AnyStateNode }[] {
  if (target === null) return [];
  if (!isWithin(target, node)) return [{ node, target }];
  const children = Object.values(node.states);
  if (!children.every(isPlain)) return [];
  return children
    .filter(
      (child) => child !== target && child.type !== 'history' && !answers(child, 'always') && !answers(child, event),
    )
    .map((child) => ({ node: child, target }));
}

function undrawn(node: AnyStateNode): string[] {
  if (Object.values(node.states).every(isPlain)) return [];
  const inside = arrowsOf(node).filter(({ target }) => target !== null && isWithin(target, node));
  return [...new Set(inside.map(({ event }) => wordOf(event)))];
}

/** Whether the state always handles the event itself, never its parent state. */
function answers(node: AnyStateNode, event: string): boolean {
  return arrowsOf(node).some((arrow) => arrow.event === event && arrow.guard === null);
}

function isWithin(node: AnyStateNode, outer: AnyStateNode): boolean {
  return !isPlain(outer) && outer.path.every((key, index) => node.path[index] === key);
}

function definitionOf(node: AnyStateNode): unknown {
  return {
    id: node.id,
    key: node.key,
    type: node.type,
    description: node.description ?? null,
    tags: node.tags,
    meta: node.meta ?? null,
    initial: node.initial?.target?.[0]?.key ?? null,
    transitions: arrowsOf(node).map(({ event, guard, target }) => ({ event, guard, target: target?.id ?? null })),
    states: Object.fromEntries(Object.entries(node.states).map(([key, child]) => [key, definitionOf(child)])),
  };
}
