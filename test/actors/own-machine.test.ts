/** User-defined machines as kinds of tree: what is refused before it runs, how one is upgraded, and that a replay leads to the same states. */
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';
import { kindsWith } from '../../actors/kinds.ts';
import { kindOf } from '../../actors/own-machine.ts';
import { createTrees, type Tree, type Trees } from '../../actors/tree.ts';
import type { AnySignal } from '../../machines/vocabulary/signal.ts';
import { defineRelease, releaseMachine } from '../support/own-machine.ts';

const address = 'release:1.2';
const word = (type: string, payload: object = {}, run: string | null = null): AnySignal => ({
  type,
  payload,
  origin: run === null ? 'person' : 'engine',
  actor: '',
  run,
  at: 1_000,
});
const start = word('machine_started', { version: '1.2.0' });

function treesOf(definition = defineRelease()): Trees {
  return createTrees(kindsWith([kindOf(definition)]));
}

describe('a tree of a user-defined machine', () => {
  it('asks for its effects by ids of its own, which it has again in the next engine', () => {
    const trees = treesOf();
    const { tree, step } = trees.create(address, start);
    expect(step.requests.timers).toEqual([{ id: 'expire#1', dueAt: 3_601_000 }]);
    const asked = trees.step(tree, word('approve')).requests;
    expect(asked.effects).toMatchObject([
      { kind: 'machine.effect', id: 'publish#2', effect: 'publish', input: { version: '1.2.0' } },
    ]);
    expect(asked.stops).toEqual([{ run: 'expire#1', stopAt: 1_000 }]);
    const again = trees.restore(address, trees.persist(tree));
    expect(trees.step(again, word('published', { url: 'x' }, 'publish#1')).verdict).toEqual({
      status: 'done',
      result: 'stale',
    });
    trees.step(again, word('effect_failed', { detail: 'no' }, 'publish#2'));
    expect(trees.step(again, word('approve')).requests.effects).toMatchObject([{ id: 'publish#4' }]);
  });

  it('tells the repo of a plan that it watched when it ends', () => {
    const trees = treesOf(defineRelease({ watches: { project: 'demo', plan: 'login' } }));
    const { tree } = trees.create(address, start);
    const again = trees.restore(address, trees.persist(tree));
    expect(trees.step(again, word('refuse', { reason: 'no' })).requests.signals).toContainEqual({
      tree: 'repo:demo',
      type: 'plan_unwatched',
      payload: { watcher: address },
    });
  });

  it('is led by a replay where its steps led', () => {
    const trees = treesOf();
    const inputs = [start, word('approve'), word('effect_failed', { detail: 'no' }, 'publish#2'), word('approve')];
    const { tree } = trees.create(address, start);
    for (const input of inputs.slice(1)) trees.step(tree, input);
    const replayed = trees.replay(address, inputs) as Tree;
    expect(trees.persist(replayed)).toEqual(trees.persist(tree));
  });

  it('leaves the machine that it was given as it was', () => {
    const before = { ...releaseMachine.implementations.actions };
    treesOf().create(address, start);
    expect(releaseMachine.implementations.actions).toEqual(before);
  });

  it('with a context that JSON cannot carry is refused where it would be stored', () => {
    const machine = setup({ types: { context: {} as { at: Date } } }).createMachine({
      id: 'dated',
      context: { at: new Date(0) },
    });
    const trees = createTrees(kindsWith([kindOf({ name: 'dated', machine, version: 1 })]));
    expect(() => trees.create('dated:1', word('machine_started'))).toThrow('at is a Date');
  });

  it('is upgraded from the version that stored it', () => {
    const old = treesOf();
    const stored = old.persist(old.create(address, start).tree);
    expect(stored.version).toBe('release:1');
    const second = {
      ...defineRelease(),
      version: 3,
      upgrades: {
        1: ({ context, ...rest }: { context: object }) => ({ ...rest, context: { ...context, heard: ['from 1'] } }),
        2: ({ context, ...rest }: { context: { heard: string[] } }) => ({
          ...rest,
          context: { ...context, heard: [...context.heard, 'from 2'] },
        }),
      },
    };
    const trees = createTrees(kindsWith([kindOf(second)]));
    const tree = trees.restore(address, stored);
    expect(tree.root.getSnapshot().context.heard).toEqual(['from 1', 'from 2']);
    const { requests, upgrade } = trees.step(tree, word('approve'));
    expect(requests.effects).toMatchObject([{ id: 'publish#2' }]);
    expect(upgrade).toMatchObject({ from: 'release:1', to: 'release:3' });
    expect(() => old.restore(address, trees.persist(tree))).toThrow('it is of version "release:3"');
  });

  it.each([
    ['throws', () => JSON.parse('{'), 'machine release threw: '],
    ['gives back nothing', () => undefined, 'gave back no snapshot'],
    ['forgets what a snapshot has', () => ({ heard: [] }), 'gave back no snapshot'],
  ])('by a function that %s, it is said as the definition’s, and as no bug of stator', (_, upgrade, said) => {
    const old = treesOf();
    const stored = old.persist(old.create(address, start).tree);
    const trees = createTrees(kindsWith([kindOf({ ...defineRelease(), version: 2, upgrades: { 1: upgrade } })]));
    expect(() => trees.restore(address, stored)).toThrow(
      expect.objectContaining({
        code: 'snapshot_unknown',
        message: expect.stringContaining(said),
        hint: expect.stringContaining('mend upgrades[1] of the definition of release'),
      }),
    );
  });
});

describe('a stored tree that its definition cannot restore says what to do to the definition', () => {
  const chart = (states: Record<string, object>) => setup({}).createMachine({ id: 'door', initial: 'shut', states });
  const before = chart({ shut: { on: { open: 'open' } }, open: {} });
  const after = chart({ shut: { on: { open: 'ajar' } }, ajar: {} });
  const signals = { open: z.looseObject({}) };

  it.each([
    [
      'whose state is gone, without a new version',
      { version: 1, machine: after },
      'machine "door" has no state "open"',
      'put back into the chart of door what it has lost, or make the definition version 2, with upgrades[1] that turns such a snapshot into one of the present chart',
    ],
    [
      'whose upgrade is missing',
      { version: 3, machine: after, upgrades: { 1: (snapshot: object) => snapshot } },
      'it is of version "door:1", expected "door:3"',
      'give the definition of door upgrades[1] to upgrades[2], leading to states of the present chart',
    ],
    [
      'whose upgrade leads to a state that is gone',
      { version: 2, machine: after, upgrades: { 1: (snapshot: object) => snapshot } },
      'machine "door" has no state "open"',
      'give the definition of door upgrades[1], leading to states of the present chart',
    ],
    [
      'that a newer definition wrote',
      { version: 0, machine: after },
      'it is of version "door:1", expected "door:0"',
      'start the engine with version 1 of the definition of door, which wrote it, or a newer one',
    ],
  ])('%s', (_, changed, message, hint) => {
    const old = createTrees(kindsWith([kindOf({ name: 'door', version: 1, machine: before, signals })]));
    const { tree } = old.create('door:1', word('machine_started'));
    old.step(tree, word('open'));
    const trees = createTrees(kindsWith([kindOf({ name: 'door', signals, ...changed })]));
    expect(() => trees.restore('door:1', old.persist(tree))).toThrow(
      expect.objectContaining({
        code: 'snapshot_unknown',
        message: `the stored state of door:1 cannot be restored: ${message}`,
        hint: `the row is untouched; ${hint}`,
      }),
    );
  });
});
