/** A tree of one small user-defined machine, in memory: what it asks for, and what it does with a signal. */
import { defineMachine } from '../../actors/define-machine.ts';
import type { AnyDefinition } from '../../actors/definition.ts';
import { kindsWith } from '../../actors/kinds.ts';
import { kindOf } from '../../actors/own-machine.ts';
import { createTrees, type Step, type Tree, type Trees } from '../../actors/tree.ts';
import type { AnySignal } from '../../machines/vocabulary/signal.ts';

/** When each signal comes, in milliseconds. */
export const now = 1_000;

/** Named `chart`, and checked as an engine checks it. */
export const defined = (definition: object): AnyDefinition =>
  defineMachine({ name: 'chart', ...definition } as never) as AnyDefinition;

/** `run`: the request that it answers. */
const signal = (type: string, payload: object = {}, run: string | null = null): AnySignal => ({
  ...{ type, payload, run, actor: '', at: now },
  origin: run === null ? 'person' : 'engine',
});

export interface Play {
  readonly trees: Trees;
  readonly tree: Tree;
  /** What the beginning asked for. */
  readonly born: Step;
  send(type: string, payload?: object, run?: string): Step;
}

/** `number`: that of the signal that creates the tree. */
export function play(definition: AnyDefinition, input: object = {}, number?: number): Play {
  const trees = createTrees(kindsWith([kindOf(definition)]));
  const { tree, step: born } = trees.create('chart:1', signal('machine_started', input), number);
  return { trees, tree, born, send: (type, payload, run) => trees.step(tree, signal(type, payload, run)) };
}
