/** An overview of a plan's chart: its statuses, and the signals of people and agents between them. */
import { type AnyStateMachine, type AnyStateNode, createMachine } from 'xstate';
import { planMachine } from '../machines/index.ts';
import { publicSignalTypes } from '../machines/vocabulary/signal.ts';
import { arrowsOf } from '../runtime/base/charts/arrows.ts';

interface Config {
  initial?: string;
  on: Record<string, { target: string }[]>;
  states?: Record<string, Config>;
}

const words: readonly string[] = publicSignalTypes;

function isStatus(node: AnyStateNode): boolean {
  return node.tags.some((tag) => tag.startsWith('status:'));
}

function hasStatus(node: AnyStateNode): boolean {
  return isStatus(node) || Object.values(node.states).some(hasStatus);
}

/** The status that contains the state, or the state itself if it contains several statuses. */
function statusOf(node: AnyStateNode): AnyStateNode {
  const { parent } = node;
  return isStatus(node) || parent === undefined || hasStatus(node) ? node : statusOf(parent);
}

function below(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(below)];
}

function configOf(node: AnyStateNode, top: AnyStateNode): Config {
  const on: Config['on'] = {};
  for (const { event, target } of (isStatus(node) ? below(node) : [node]).flatMap(arrowsOf)) {
    if (target === null || !words.includes(event)) continue;
    const status = statusOf(target);
    const path = `#overview.${status.path.slice(top.path.length).join('.')}`;
    if (status === node || status.parent === undefined || on[event]?.some((known) => known.target === path)) continue;
    on[event] = [...(on[event] ?? []), { target: path }];
  }
  if (isStatus(node)) return { on };
  const children = Object.values(node.states).filter(hasStatus);
  const [initial] = node.initial?.target ?? [];
  return {
    on: node === top ? {} : on,
    initial: (initial !== undefined && children.includes(initial) ? initial : children[0])?.key ?? '',
    states: Object.fromEntries(children.map((child) => [child.key, configOf(child, top)])),
  };
}

/** A machine for drawing only, derived from the real one. */
export function planOverview(): AnyStateMachine {
  const lifecycle: AnyStateNode | undefined = planMachine.root.states.lifecycle;
  if (lifecycle === undefined) throw new Error('a plan has no lifecycle');
  return createMachine({ id: 'overview', version: planMachine.version ?? '1', ...configOf(lifecycle, lifecycle) });
}
