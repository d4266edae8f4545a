/** What an engine reads of the definition of a user-defined machine: its lanes, the work of each, its tags, and what people see of a tree. */
import { describe, expect, it } from 'vitest';
import {
  type AnyActorLogic,
  type AnyMachineSnapshot,
  assign,
  createMachine,
  fromPromise,
  fromTransition,
  type PromiseActorLogic,
  setup,
} from 'xstate';
import { z } from 'zod';
import { actorsOf } from '../../actors/addressee.ts';
import { kindsWith } from '../../actors/kinds.ts';
import { outputOf } from '../../actors/output-wait.ts';
import { awaitedOutputs, kindOf, laneLimit, lanesOf, tagsOfMachine, viewOf, workOf } from '../../actors/own-machine.ts';
import { createTrees } from '../../actors/tree.ts';
import { shownActors } from '../../runtime/api/queries/shown-actor.ts';
import { defined, play } from '../support/one-chart.ts';

const run = async () => undefined;
const echo: PromiseActorLogic<unknown, unknown> = fromPromise(async ({ input }) => ({ echoed: input }));
const below = setup({ actors: { deep: echo, deeper: echo } }).createMachine({});
const machine = setup({
  actions: { ask: () => {}, tell: () => {}, later: () => {}, note: () => {} },
  actors: { echo, below, paid: outputOf('payment') },
}).createMachine({
  id: 'chart',
  tags: 'always',
  initial: 'a',
  states: { a: { tags: ['busy', 'always'], initial: 'b', states: { b: { tags: 'deep' } } } },
});
const chart = defined({
  machine,
  effects: {
    ask: { run },
    tell: { run, lane: 'talk', limit: 3 },
    note: { run, lane: 'talk', limit: 2 },
    later: { afterMs: 1, event: 'late' },
  },
  actors: { deep: { limit: 1 }, 'below/deeper': { lane: 'talk', attempts: 3 } },
});
const bare = defined({ machine: createMachine({}) });

describe('a lane', () => {
  it('is that of each effect and promise: its own name, or the one that it is given', () => {
    expect(lanesOf(chart)).toEqual(['ask', 'talk', 'echo', 'below/deep']);
    expect(lanesOf(bare)).toEqual([]);
  });

  it('has the lowest limit that one of its works has, or 4', () => {
    const limits = ['ask', 'talk', 'echo', 'below/deep', 'nobody'].map((lane) => laneLimit(chart, lane));
    expect(limits).toEqual([4, 2, 4, 1, 4]);
    const many = defined({ machine, effects: { ask: { run, limit: 9 } }, actors: { echo: { lane: 'ask', limit: 8 } } });
    expect([laneLimit(many, 'ask'), laneLimit(many, 'below/deep'), laneLimit(bare, 'ask')]).toEqual([8, 4, 4]);
  });
});

describe('the work', () => {
  it('of an action is its effect, if that is work', () => {
    expect(workOf(chart, 'tell')).toEqual({ run, lane: 'talk', limit: 3 });
    expect(['later', 'nobody', ''].map((asked) => workOf(chart, asked))).toEqual([null, null, null]);
    expect(workOf(undefined, 'tell')).toBeNull();
    expect(workOf(bare, 'tell')).toBeNull();
  });

  it('of a promise is its function, tried once unless it says otherwise', () => {
    expect(workOf(chart, 'echo')).toEqual({ attempts: 1, run: expect.any(Function) });
    expect(workOf(chart, 'below/deep')).toMatchObject({ attempts: 1, limit: 1 });
    expect(workOf(chart, 'below/deeper')).toMatchObject({ attempts: 3, lane: 'talk' });
  });

  const { signal } = new AbortController();
  const call = (input: unknown) => ({ input: input as never, key: 'k', attempt: 1, signal, log: () => {} });
  const played = (create: (given: never) => unknown, input: unknown) =>
    workOf(
      defined({ machine: createMachine({ invoke: { src: fromPromise(async (given) => create(given as never)) } }) }),
      '(root):0',
    )?.run(call(input));

  it('of a promise answers with its output, and is given its input and how it is aborted', async () => {
    await expect(played((given) => given, { x: 1 })).resolves.toEqual({
      type: 'promise_settled',
      output: expect.objectContaining({ input: { x: 1 }, signal }),
    });
    const given = async (input: unknown) => {
      const got: { input: unknown }[] = [];
      await played((call) => void got.push(call), input);
      return got[0]?.input;
    };
    expect(await given(null)).toBeUndefined();
    expect(await given(0)).toBe(0);
    const error = { stator$$type: 'error', name: 'Error', message: 'odd' };
    expect(await given({ error })).toEqual({ error: new Error('odd') });
    expect(await played(() => undefined, null)).toEqual({ type: 'promise_settled' });
    expect(await played(() => null, null)).toEqual({ type: 'promise_settled', output: null });
  });

  it.each(['self', 'system', 'emit'])('of a promise has no %s, and is not tried again without it', async (part) => {
    const uses = (given: { emit: () => void } & Record<string, unknown>) =>
      part === 'emit' ? given.emit() : given[part];
    await expect(played(uses, null)).rejects.toMatchObject({
      ...{ code: 'effect_failed' },
      message: `a promise of a durable chart has no ${part}: give it what it needs as its input`,
    });
  });
});

it('its tags are those of all of its states, each once', () => {
  expect(tagsOfMachine(chart)).toEqual(['always', 'busy', 'deep']);
});

describe('its kind', () => {
  const shop = defined({
    machine: setup({ types: { context: {} as { n: number } } }).createMachine({
      id: 'shop',
      context: { n: 2 },
      initial: 'open',
      states: { open: { tags: 'busy', on: { end: 'shut' } }, shut: { type: 'final' } },
    }),
    version: 3,
    signals: { end: z.strictObject({}) },
    notices: {
      busy: ({ context }: { context: { n: number } }) => `${context.n} wait`,
    },
  });

  it('takes its signals from people and other machines', () => {
    const { signals, name, birth, signalsAreIn, place, keepsMemory, isStrict } = kindOf(shop);
    expect(signals).toEqual({ end: { payload: shop.signals?.end, from: ['person', 'machine'] } });
    expect({ name, birth, signalsAreIn, place, keepsMemory, isStrict }).toEqual({
      ...{ name: 'chart', birth: 'machine_started', signalsAreIn: 'the definition of chart', place: null },
      ...{ keepsMemory: true, isStrict: false },
    });
    expect(kindOf(bare).signals).toEqual({});
  });

  it('says what people see of a tree that enters a state, and of one whose text cannot be made', () => {
    const { tree } = play(shop);
    expect(kindOf(shop).notices.busy?.(tree.root)).toBe('2 wait');
    const broken = (text: () => unknown) =>
      kindOf({ ...shop, notices: { busy: text as never } }).notices.busy?.(tree.root);
    expect(broken(() => JSON.parse('{'))).toMatch(/^its notice threw: /);
    expect(broken(() => 7)).toBe('7');
    expect(kindOf(bare).notices).toEqual({});
  });

  it('says of a stored tree whether it has ended', () => {
    const { trees, tree, send } = play(shop);
    const active = { isEnded: false, keepsJournal: true, state: null, reason: null };
    expect(trees.persistText(tree).status).toEqual(active);
    send('end');
    expect(trees.persistText(tree).status).toEqual({ ...active, isEnded: true });
  });

  it('has a public text for moves of its root, and none for those of an actor below', () => {
    const { chartAt } = kindOf(shop);
    expect(chartAt('')).toBe(shop.machine);
    expect(chartAt('kid')).not.toBe(shop.machine);
    const { moveOf } = kindsWith([kindOf(shop)]);
    const move = { tree: 'chart:1', from: 'open', to: 'shut' };
    expect([moveOf({ ...move, actor: '' }), moveOf({ ...move, actor: 'kid' })]).toMatchInlineSnapshot(`
      [
        {
          "after": Set {},
          "before": Set {
            "busy",
          },
          "enters": [Function],
          "isBirth": false,
        },
        {
          "after": Set {},
          "before": Set {},
          "enters": [Function],
          "isBirth": false,
        },
      ]
    `);
  });

  it('names the version where the function of an upgrade throws or gives back no snapshot', () => {
    const old = play(bare);
    const stored = { ...old.trees.persist(old.tree), version: 'chart:1' };
    const upgradeTo = (given: unknown) => {
      const trees = createTrees(kindsWith([kindOf({ ...bare, version: 2, upgrades: { 1: () => given as object } })]));
      return () => trees.restore('chart:1', stored);
    };
    for (const given of [null, 'text', { value: {} }, { context: {} }, undefined, { value: {}, context: new Map() }])
      expect(upgradeTo(given)).toThrow('the upgrade from version 1 of machine chart gave back no snapshot');
    expect(upgradeTo(stored.snapshot)).not.toThrow();
    const cause = new Error('odd');
    const throwing = {
      1: () => {
        throw cause;
      },
    };
    const trees = createTrees(kindsWith([kindOf({ ...bare, version: 2, upgrades: throwing })]));
    expect(() => trees.restore('chart:1', stored)).toThrow(
      expect.objectContaining({ cause, code: 'snapshot_unknown' }),
    );
  });
});

it('a tree is not restored where the chart starts something of another kind under a name', () => {
  const logics = {
    'a machine': createMachine({}),
    'a promise': fromPromise(async () => 1),
    'transition logic': fromTransition((state: number) => state, 0),
  };
  const treesWith = (part: AnyActorLogic) => {
    const chart = setup({ actors: { part } }).createMachine({ id: 'chart', invoke: { src: 'part', id: 'kid' } });
    const definition = defined({ machine: chart });
    return { definition, trees: createTrees(kindsWith([kindOf(definition)])) };
  };
  for (const [kind, logic] of Object.entries(logics)) {
    const { trees, tree } = play(treesWith(logic).definition);
    for (const [other, now] of Object.entries(logics)) {
      const restore = () => treesWith(now).trees.restore('chart:1', trees.persist(tree));
      if (other === kind) expect(restore).not.toThrow();
      else expect(restore).toThrow(expect.objectContaining({ code: 'snapshot_unknown' }));
      if (other !== 'a machine' && other !== kind) expect(restore).toThrow(`it is ${kind}, and "part" is ${other} now`);
    }
  }
});

it('pictures and the inspector show the machines of a tree, and none of its promises', () => {
  const kid = createMachine({ id: 'kid', initial: 'on', states: { on: {} } });
  const count = fromTransition((state: number) => state, 0);
  const chart = setup({ actors: { echo, kid, count } }).createMachine({
    id: 'chart',
    invoke: [{ src: 'echo' }, { src: 'count' }, { src: 'kid', id: 'kid' }],
    initial: 'busy',
    states: { busy: {} },
  });
  const definition = defined({ machine: chart, view: ({ value }: AnyMachineSnapshot) => ({ value }) });
  const { tree } = play(definition);
  expect(shownActors(tree.root, definition)).toMatchObject([
    { path: '', value: 'busy', context: { value: 'busy' } },
    { path: 'kid', value: 'on', context: {} },
  ]);
  expect([...actorsOf(tree.root)]).toHaveLength(2);
});

it('a view shows what it makes of a tree, or its error', () => {
  const snapshot = play(chart).tree.root.getSnapshot();
  expect(viewOf(chart, snapshot)).toEqual({});
  expect(viewOf({ ...chart, view: ({ value }: { value: unknown }) => ({ value }) } as never, snapshot)).toEqual({
    value: { a: 'b' },
  });
  const broken = { ...chart, view: () => JSON.parse('{') };
  expect(viewOf(broken, snapshot)).toEqual({ error: expect.stringMatching(/^its view threw: /) });
  const huge = { ...chart, view: () => ({ cents: 1n }) };
  expect(viewOf(huge, snapshot)).toEqual({ error: expect.stringMatching(/^its view threw: .*BigInt/) });
});

it('the outputs that a tree waits for are named by machine and id, while the actor that waits is there', () => {
  const waiting = setup({
    actions: { ask: () => {}, note: assign({}) },
    actors: { paid: outputOf('payment'), echo },
  }).createMachine({
    entry: 'ask',
    invoke: [
      { src: 'paid', id: 'paid', input: { id: '9' } },
      { src: 'echo', id: 'echo', input: { id: '8' } },
    ],
  });
  const definition = defined({ machine: waiting, effects: { ask: { run } } });
  const { tree } = play(definition);
  expect(Object.keys(tree.memory.open)).toEqual(['paid#1', 'echo#2', 'ask#3']);
  expect(awaitedOutputs(definition, tree)).toEqual([{ machine: 'payment', id: '9' }]);
  const { open } = tree.memory;
  const without = { ...tree, memory: { ...tree.memory, askers: { 'paid#1': ['gone'] }, open } };
  expect(awaitedOutputs(definition, without)).toEqual([]);
});
