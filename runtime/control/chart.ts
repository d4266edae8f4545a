/** A machine's definition, the very one that runs, as a Mermaid state diagram or as JSON. */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { agentMachine } from '../../machines/agent.ts';
import { EngineError } from '../../machines/errors.ts';
import { planMachine } from '../../machines/plan.ts';
import { repoMachine } from '../../machines/repo.ts';
import { supervisorMachine } from '../../machines/supervisor.ts';
import { taskMachine } from '../../machines/task.ts';
import { waveMachine } from '../../machines/wave.ts';

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
  const machine = machines[name];
  if (machine === undefined)
    throw new EngineError('not_found', `no machine is called "${name}"`, `the machines: ${machineNames.join(', ')}`);
  if (format === 'mermaid') return mermaidOf(machine);
  if (format === 'json') return `${JSON.stringify(definitionOf(machine.root), null, 2)}\n`;
  throw new EngineError('bad_request', `"${format}" is no format of a chart`, 'the formats: mermaid, json');
}

interface Arrow {
  event: string;
  guard: string | null;
  target: AnyStateNode | null;
}

function guardName(guard: unknown): string | null {
  if (guard === undefined || guard === null) return null;
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'object' && 'type' in guard) {
    return 'params' in guard && guard.params !== undefined
      ? `${String(guard.type)} ${String(guard.params)}`
      : String(guard.type);
  }
  if (typeof guard === 'function' && 'guards' in guard && Array.isArray(guard.guards))
    return guard.guards.map(guardName).join(' and ');
  return typeof guard === 'function' ? guard.name : null;
}

/** What leads out of a state: events first, then what it does by itself. */
function arrowsOf(node: AnyStateNode): Arrow[] {
  const onEvents = [...node.transitions.values()].flat().map(({ eventType, guard, target }) => ({
    event: eventType,
    guard: guardName(guard),
    target: target?.[0] ?? null,
  }));
  const byItself = (node.always ?? []).map(({ guard, target }) => ({
    event: 'always',
    guard: guardName(guard),
    target: target?.[0] ?? null,
  }));
  return [...onEvents, ...byItself];
}

function wordOf(event: string): string {
  return event.startsWith('xstate.done.actor') ? 'ended' : event;
}

function idOf(node: AnyStateNode): string {
  return [node.machine.id, ...node.path].join('_');
}

function mermaidOf(machine: AnyStateMachine): string {
  const lines = ['stateDiagram-v2'];
  const write = (node: AnyStateNode, depth: number) => {
    const pad = '  '.repeat(depth);
    const children = Object.values(node.states);
    for (const child of children) {
      if (Object.keys(child.states).length === 0) {
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
  const own = arrowsOf(node).flatMap(({ event, guard, target }) =>
    // Mermaid draws no arrow from a composite into itself.
    target === null || node.parent === undefined || isWithin(target, node)
      ? []
      : [`${idOf(node)} --> ${idOf(target)} : ${wordOf(event)}${guard === null ? '' : ` [${guard}]`}`],
  );
  return [...own, ...Object.values(node.states).flatMap(arrowLines)];
}

function isWithin(node: AnyStateNode, outer: AnyStateNode): boolean {
  return Object.keys(outer.states).length > 0 && outer.path.every((key, index) => node.path[index] === key);
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
