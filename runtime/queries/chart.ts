/** A machine's definition, the very one that runs, as a Mermaid state diagram or as JSON. */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { agentMachine } from '../../machines/agent/machine.ts';
import { planMachine } from '../../machines/plan/machine.ts';
import { repoMachine } from '../../machines/repo/machine.ts';
import { supervisorMachine } from '../../machines/supervisor/machine.ts';
import { taskMachine } from '../../machines/task/machine.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { waveMachine } from '../../machines/wave/machine.ts';
import { type Arrow, arrowsOf, wordOf } from '../charts/arrows.ts';

const machines: Readonly<Record<string, AnyStateMachine>> = {
  supervisor: supervisorMachine,
  repo: repoMachine,
  plan: planMachine,
  wave: waveMachine,
  task: taskMachine,
  agent: agentMachine,
};
export const machineNames = Object.keys(machines);

/** Throws `not_found` for a name that is no machine, `bad_request` for a format that is none. */
export function chartOf(name: string, format: string): string {
  const machine = Object.hasOwn(machines, name) ? machines[name] : undefined;
  if (machine === undefined)
    throw new EngineError('not_found', `no machine is called "${name}"`, `the machines: ${machineNames.join(', ')}`);
  if (format === 'mermaid') return mermaidOf(machine);
  if (format === 'json') return `${JSON.stringify(definitionOf(machine.root), null, 2)}\n`;
  throw new EngineError('bad_request', `"${format}" is no format of a chart`, 'the formats: mermaid, json');
}

/** Words only: in a label Mermaid reads a colon, a semicolon or a hash as the end of it. */
function labelOf({ event, guard, isElse }: Arrow): string {
  const condition = isElse ? 'else' : guard === null ? null : `if ${guard}`;
  if (event === 'always') return condition ?? 'always';
  return condition === null ? wordOf(event) : `${wordOf(event)}, ${condition}`;
}

/** The machine's name in front keeps every id away from the words of the language. */
function idOf(node: AnyStateNode): string {
  return [node.machine.id, ...node.path].join('_');
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
        lines.push(`${pad}state "${child.key}" as ${idOf(child)}`);
        continue;
      }
      lines.push(`${pad}state "${child.key}" as ${idOf(child)} {`);
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
    startsOf(node, arrow).map((start) => `${idOf(start.node)} --> ${idOf(start.target)} : ${labelOf(arrow)}`),
  );
  const far = undrawn(node).map((event) => `%% ${idOf(node)} takes ${event} in all of its states`);
  return [...own, ...far, ...Object.values(node.states).flatMap(arrowLines)];
}

/**
 * Where an arrow is drawn from. Mermaid has none from a composite into itself: it is drawn from each of the states inside that rest and
 * leave the event to the composite. Where these are composites in turn nobody could read it any more, and `undrawn` names it instead.
 */
function startsOf(node: AnyStateNode, { event, target }: Arrow): { node: AnyStateNode; target: AnyStateNode }[] {
  if (target === null || node.parent === undefined) return [];
  if (!isWithin(target, node)) return [{ node, target }];
  const children = Object.values(node.states);
  if (!children.every(isPlain)) return [];
  return children
    .filter((child) => child !== target && !answers(child, 'always') && !answers(child, event))
    .map((child) => ({ node: child, target }));
}

function undrawn(node: AnyStateNode): string[] {
  if (node.parent === undefined || Object.values(node.states).every(isPlain)) return [];
  const inside = arrowsOf(node).filter(({ target }) => target !== null && isWithin(target, node));
  return [...new Set(inside.map(({ event }) => wordOf(event)))];
}

/** The state never leaves that event to the one around it. */
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
