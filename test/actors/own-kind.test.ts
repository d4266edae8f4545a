/** A user-defined machine as a kind of tree: its lanes, what each kind of action asks for, whom an answer is for, and what is refused with which words. */
import { describe, expect, it } from 'vitest';
import { assign, createMachine, fromPromise, setup } from 'xstate';
import { z } from 'zod';
import type { AnyDefinition } from '../../actors/definition.ts';
import { kindsWith } from '../../actors/kinds.ts';
import { outputOf } from '../../actors/output-wait.ts';
import {
  awaitedOutputs,
  kindOf,
  laneLimit,
  lanesOf,
  machineUpgraded,
  mayBeTaken,
  tagsOfMachine,
  treeDeleted,
  viewOf,
  workOf,
} from '../../actors/own-machine.ts';
import { createTrees, type Tree } from '../../actors/tree.ts';
import type { AnySignal } from '../../machines/vocabulary/signal.ts';

const address = 'job:1';
const signal = (type: string, payload: object = {}, run: string | null = null): AnySignal => ({
  type,
  payload,
  origin: run === null ? 'person' : 'engine',
  actor: '',
  run,
  at: 1_000,
});

/** As `checkDefinition` returns it. */
const defined = (parts: object): AnyDefinition => ({ name: 'job', version: 1, ...parts }) as AnyDefinition; // a definition of no particular chart

/** A tree of the definition, and the signals that it takes one after the other. */
function begun(parts: object, payload: object = {}) {
  const definition = defined(parts);
  const trees = createTrees(kindsWith([kindOf(definition)]));
  const { tree, step } = trees.create(address, signal('machine_started', payload));
  const stepped = (...given: Parameters<typeof signal>) => trees.step(tree, signal(...given));
  return { definition, trees, tree, step, stepped, snapshot: () => tree.root.getSnapshot() };
}

/** A chart that heeds `go` with the action of that name, and remembers what else it receives. */
const going = setup({
  types: { context: {} as { heard: object[] } },
  actions: { go: () => {}, halt: () => {}, hear: assign({ heard: ({ context, event }) => [...context.heard, event] }) },
}).createMachine({
  id: 'job',
  context: { heard: [] },
  on: { go: { actions: { type: 'go', params: { of: 'it' } } }, halt: { actions: 'halt' }, '*': { actions: 'hear' } },
});
const heard = ({ root }: Tree) => root.getSnapshot().context.heard;
const goingWith = (go: object) => begun({ machine: going, effects: { go } });

it('the names of what the engine itself sends and writes are the stored ones', () => {
  expect([machineUpgraded, treeDeleted]).toEqual(['machine_upgraded', 'tree_deleted']);
});

describe('the lanes of a machine', () => {
  const run = async () => undefined;
  const promising = setup({
    actors: {
      pay: fromPromise(async () => 1),
      read: fromPromise(async () => 2),
      other: outputOf('release'),
      below: setup({ actors: { deep: fromPromise(async () => 3) } }).createMachine({ invoke: { src: 'deep' } }),
    },
  }).createMachine({ invoke: [{ src: 'pay' }, { src: 'read' }, { src: 'other' }, { src: 'below' }] } as never);
  const definition = defined({
    machine: promising,
    effects: {
      mail: { run },
      print: { run, lane: 'paper', limit: 3 },
      fax: { run, lane: 'paper', limit: 2 },
      copy: { run, lane: 'paper' },
      later: { afterMs: 1, event: 'x' },
      gone: undefined,
    },
    actors: { pay: { lane: 'money', limit: 1 }, deep: { lane: 'depth', limit: 7 }, none: undefined },
  });

  it('are those of its effects and promises, each once, but none of timers and of outputs that it waits for', () => {
    expect(lanesOf(definition)).toEqual(['mail', 'paper', 'money', 'read', 'depth']);
    expect(lanesOf(defined({ machine: going }))).toEqual([]);
  });

  it.each([
    ['paper', 2],
    ['mail', 4],
    ['money', 1],
    ['depth', 7],
    ['later', 4],
    ['unknown', 4],
  ])('of %s run %i at a time: the lowest limit that one of them has, and 4 without one', (lane, limit) => {
    expect(laneLimit(definition, lane)).toBe(limit);
  });

  it('of a machine without effects run 4 at a time', () => {
    expect(laneLimit(defined({ machine: going }), 'go')).toBe(4);
  });
});

it('the tags of a machine are those of all its states, each once', () => {
  const machine = createMachine({
    tags: 'top',
    initial: 'a',
    states: { a: { tags: ['x', 'y'], initial: 'b', states: { b: { tags: 'deep' } } }, c: { tags: 'x' } },
  });
  expect(tagsOfMachine(defined({ machine }))).toEqual(['top', 'x', 'y', 'deep']);
});

describe('the work behind a name', () => {
  const seen: unknown[] = [];
  const machine = setup({
    actors: {
      pay: fromPromise(async (given) => {
        seen.push(given);
        return (given.input as { amount?: number } | undefined)?.amount;
      }),
      below: setup({ actors: { deep: fromPromise(async () => 3) } }).createMachine({ invoke: { src: 'deep' } }),
    },
  }).createMachine({ invoke: [{ src: 'pay' }, { src: 'below' }] } as never);
  const mail = { run: async () => undefined, attempts: 3 };
  const definition = defined({
    machine,
    effects: { mail, later: { afterMs: 1, event: 'x' } },
    actors: { pay: { attempts: 2, timeoutMs: 9 }, deep: { timeoutMs: 5 } },
  });
  const runOf = (asked: string, input: unknown) =>
    workOf(definition, asked)?.run({ input, signal: new AbortController().signal } as never);

  it('is an effect as it is defined, or a promise with its settings, which is tried once by default', () => {
    expect(workOf(definition, 'mail')).toBe(mail);
    expect(workOf(definition, 'pay')).toMatchObject({ attempts: 2, timeoutMs: 9 });
    expect(workOf(definition, 'below/deep')).toMatchObject({ attempts: 1, timeoutMs: 5 });
    expect(workOf(defined({ machine }), 'pay')).toMatchObject({ attempts: 1 });
  });

  it('does not exist for a timer, for another name, and without the machine', () => {
    expect([workOf(definition, 'later'), workOf(definition, 'none'), workOf(undefined, 'mail')]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it('of a promise has its input, with errors as errors, and answers with its output, if there is one', async () => {
    expect(await runOf('pay', { amount: 3 })).toEqual({ type: 'promise_settled', output: 3 });
    expect(await runOf('pay', null)).toEqual({ type: 'promise_settled' });
    expect(seen.map((given) => (given as { input: unknown }).input)).toEqual([{ amount: 3 }, undefined]);
  });

  it.each([
    ['self', (given: { self: unknown }) => given.self],
    ['system', (given: { system: unknown }) => given.system],
    ['emit', (given: { emit(event: object): void }) => given.emit({ type: 'x' })],
  ])('of a promise has no %s, and using it fails for good', async (name, use) => {
    const using = setup({ actors: { one: fromPromise(async (given) => use(given as never)) } }).createMachine({
      invoke: { src: 'one' },
    } as never);
    const work = workOf(defined({ machine: using }), 'one');
    const failure = await Promise.resolve()
      .then(() => work?.run({ input: null, signal: new AbortController().signal } as never))
      .catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({
      code: 'effect_failed',
      message: `a promise of a durable chart has no ${name}: give it what it needs as its input`,
    });
  });
});

describe('an action with an effect', () => {
  it('asks for work with its params, in the lane of its name or its own', () => {
    const { stepped, tree } = goingWith({ run: async () => undefined });
    const asked = { kind: 'machine.effect', machine: 'job', effect: 'go', input: { of: 'it' } };
    expect(stepped('go').requests.effects).toEqual([{ ...asked, id: 'go#1', lane: 'go' }]);
    expect(tree.memory).toMatchObject({ open: { 'go#1': 'go' }, askers: {} });
    const laned = goingWith({ run: async () => undefined, lane: 'post' });
    expect(laned.stepped('go').requests.effects).toEqual([{ ...asked, id: 'go#1', lane: 'post' }]);
  });

  it.each([
    [250, 1_250],
    [0, 1_000],
    [-5, 1_000],
    [1.6, 1_002],
    [() => 40, 1_040],
  ])('asks for an event after %s ms, in whole milliseconds and not before now', (afterMs, dueAt) => {
    const { stepped, tree } = goingWith({ afterMs, event: 'due' });
    expect(stepped('go').requests.timers).toEqual([{ id: 'go#1', dueAt }]);
    expect(tree.memory.delayed).toEqual({ 'go#1': { source: [], target: [], id: '', event: { type: 'due' } } });
    stepped('timer_due', {}, 'go#1');
    expect(heard(tree)).toEqual([{ type: 'due', at: 1_000 }]);
  });

  it('computes a delay from the moment and its params, and fails for none', () => {
    const moments: unknown[] = [];
    const timed = goingWith({ afterMs: (...given: unknown[]) => moments.push(given), event: 'due' });
    timed.stepped('go');
    expect(moments).toEqual([
      [{ context: { heard: [] }, event: expect.objectContaining({ type: 'go' }), at: 1_000 }, { of: 'it' }],
    ]);
    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const { stepped } = goingWith({ afterMs: () => ms, event: 'due' });
      expect(() => stepped('go')).toThrow(`the action go asks for an event after ${ms} ms`);
    }
  });

  it('starts a tree with its input, and refuses an id that no tree can have', () => {
    const { stepped } = goingWith({ start: () => ({ machine: 'release', id: '7', input: { a: 1 } }) });
    expect(stepped('go').requests.signals).toEqual([
      { tree: 'release:7', type: 'machine_started', payload: { a: 1 }, sender: address },
    ]);
    const bare = goingWith({ start: () => ({ machine: 'release', id: '7' }) });
    expect(bare.stepped('go').requests.signals).toMatchObject([{ payload: {} }]);
    const odd = goingWith({ start: () => ({ machine: 'release', id: 'a b' }) });
    expect(() => odd.stepped('go')).toThrow('"a b" cannot be the id of a release');
    const unlike = goingWith({ start: () => ({ machine: 'release', id: '7', input: { at: new Date(0) } }) });
    expect(() => unlike.stepped('go')).toThrow('the input that the action go gives');
  });

  it('watches plans, and each project is remembered once', () => {
    const plans = [
      { project: 'shop', plan: 'a' },
      { project: 'shop', plan: 'b' },
    ];
    const { stepped, tree } = goingWith({ watch: () => plans });
    expect(stepped('go').requests.signals).toEqual(
      plans.map(({ project, plan }) => ({
        tree: `repo:${project}`,
        type: 'plan_watched',
        payload: { plan, watcher: address },
        sender: address,
      })),
    );
    expect(tree.memory.watches).toEqual(['shop']);
  });

  it('also does what the chart gives the action itself, with its arguments, which stays outside of the step', () => {
    const calls: unknown[] = [];
    const machine = going.provide({ actions: { go: ({ event }, params) => void calls.push([event.type, params]) } });
    const { stepped } = begun({ machine, effects: { go: { run: async () => undefined } } });
    expect(stepped('go').requests.effects).toHaveLength(1);
    expect(calls).toEqual([['go', { of: 'it' }]]);
  });
});

describe('a message', () => {
  const sending = (to: object, type: string, payload?: object) =>
    goingWith({ send: () => ({ to, type, ...(payload === undefined ? {} : { payload }) }) });
  const sent = (to: object, type: string, payload?: object) =>
    sending(to, type, payload).stepped('go').requests.signals;
  const refused = (to: object, type: string, payload?: object) => {
    const { stepped } = sending(to, type, payload);
    return () => stepped('go');
  };

  it('goes to a tree of a machine as it is, and to a plan or a repo as its signal', () => {
    expect(sent({ machine: 'release', id: '2' }, 'ready', { a: 1 })).toEqual([
      { tree: 'release:2', type: 'ready', payload: { a: 1 }, sender: address },
    ]);
    expect(sent({ machine: 'release', id: '2' }, 'ready')).toMatchObject([{ payload: {} }]);
    expect(sent({ project: 'shop', plan: 'a' }, 'cancel')).toEqual([
      { tree: 'plan:shop/a', type: 'cancel', payload: {}, sender: address },
    ]);
    expect(sent({ project: 'shop', plan: 'a' }, 'architect_finished')).toMatchObject([
      { tree: 'plan:shop/a', type: 'elaborator_finished' },
    ]);
    expect(sent({ project: 'shop' }, 'repo_paused')).toMatchObject([{ tree: 'repo:shop', type: 'repo_paused' }]);
  });

  it.each([
    [{ machine: 'release', id: '2' }, 'machine_started', {}, 'a message does not begin a tree ("machine_started")'],
    [{ machine: 'release', id: '2' }, 'output_awaited', {}, '"output_awaited" is no message: a chart waits for'],
    [{ machine: 'release', id: 'a b' }, 'ready', {}, '"a b" cannot be the id of a release'],
    [{ project: 'shop', plan: 'a' }, 'no_such', {}, '"no_such" is no signal that a plan takes from a person'],
    [{ project: 'shop', plan: 'a' }, 'run_exited', {}, '"run_exited" is no signal that a plan takes from a person'],
    [{ project: 'shop', plan: 'a' }, 'cancel', { why: 1 }, 'the payload of cancel is not what it takes: '],
    [{ project: 'shop' }, 'cancel', {}, 'cancel is for a plan, and none is named'],
    [{ machine: 'release', id: '2' }, 'ready', { at: new Date(0) }, 'what the action go sends'],
  ])('to %j of type %s with %j is refused', (to, type, payload, words) => {
    expect(refused(to, type, payload)).toThrow(words);
  });
});

describe('an action that stops others', () => {
  const run = async () => undefined;
  const machine = setup({ actions: { one: () => {}, two: () => {}, halt: () => {} } }).createMachine({
    on: { one: { actions: 'one' }, two: { actions: 'two' }, halt: { actions: 'halt' } },
  });
  const effects = {
    one: { run, stoppedBy: ['halt'] },
    two: { afterMs: 5, event: 'x', stoppedBy: ['halt', 'one'] },
  };

  it('ends all that they have open, of each kind, and later answers are stale', () => {
    const { stepped, tree } = begun({ machine, effects });
    stepped('two');
    stepped('two');
    expect(stepped('one').requests.stops).toEqual([
      { run: 'two#1', stopAt: 1_000 },
      { run: 'two#2', stopAt: 1_000 },
    ]);
    expect(tree.memory).toMatchObject({ open: { 'one#3': 'one' }, delayed: {} });
    expect(stepped('two').requests.stops).toEqual([]);
    expect(stepped('halt').requests.stops).toEqual([
      { run: 'one#3', stopAt: 1_000 },
      { run: 'two#4', stopAt: 1_000 },
    ]);
    expect(stepped('done', {}, 'one#3').verdict).toEqual({ status: 'done', result: 'stale' });
  });
});

it('the ids of a tree have the number of the signal that created it, so that none is that of an earlier tree', () => {
  const trees = createTrees(
    kindsWith([kindOf(defined({ machine: going, effects: { go: { run: async () => undefined } } }))]),
  );
  const { tree } = trees.create(address, signal('machine_started'), 12);
  expect(trees.step(tree, signal('go')).requests.effects).toMatchObject([{ id: 'go#12.1' }]);
});

it('a delay of the chart itself is a timer of its tree', () => {
  const machine = createMachine({ initial: 'a', states: { a: { after: { 30: 'b' } }, b: {} } });
  const { step, stepped, snapshot } = begun({ machine });
  const [timer] = step.requests.timers;
  expect(timer).toMatchObject({ dueAt: 1_030 });
  stepped('timer_due', {}, timer?.id);
  expect(snapshot().value).toBe('b');
});

describe('the rules say whom a signal is for', () => {
  const child = setup({ actors: { deep: fromPromise(async () => 1) }, actions: { go: () => {} } }).createMachine({
    invoke: { src: 'deep' },
    entry: 'go',
    on: { hi: {} },
  } as never);
  const machine = setup({ actors: { child } }).createMachine({
    initial: 'on',
    states: { on: { invoke: { src: 'child', id: 'kid' }, on: { leave: 'off' }, after: { 30: 'off' } }, off: {} },
  } as never);
  const parts = { machine, effects: { go: { run: async () => undefined } } };

  it('the root, one below it, or nobody any more; what the chart itself requested is taken in any state', () => {
    const { definition, tree, stepped } = begun(parts);
    const { rules } = kindOf(definition);
    const { kid } = tree.root.getSnapshot().children;
    const forOf = (type: string, run: string | null = null) =>
      rules.addresseeOf(tree.root, signal(type, {}, run), tree.memory);
    const [timer] = Object.keys(tree.memory.delayed);
    const promise = Object.entries(tree.memory.open).find(([, label]) => label === 'child/deep')?.[0] ?? '';
    const effect = Object.entries(tree.memory.open).find(([, label]) => label === 'go')?.[0] ?? '';
    expect(forOf('hi')).toEqual({ kind: 'actor', ref: tree.root });
    expect(forOf('machine_upgraded')).toEqual({ kind: 'actor', ref: tree.root, isItsOwn: true });
    expect(forOf('output_awaited', 'x#9')).toEqual({ kind: 'actor', ref: tree.root, isItsOwn: true });
    expect(forOf('done', 'x#9')).toEqual({ kind: 'gone' });
    expect(forOf('done', effect)).toEqual({ kind: 'actor', ref: kid });
    expect(forOf('promise_settled', promise)).toMatchObject({ kind: 'actor', isItsOwn: true });
    expect(forOf('timer_due', timer)).toEqual({ kind: 'actor', ref: tree.root, isItsOwn: true });
    stepped('leave');
    expect(stepped('done', {}, effect).verdict).toEqual({ status: 'done', result: 'stale' });
    const memory = { ...tree.memory, open: { [effect]: 'go' }, askers: { [effect]: ['kid'] } };
    expect(rules.addresseeOf(tree.root, signal('done', {}, effect), memory)).toEqual({ kind: 'gone' });
  });

  it('is held while a state holds it', () => {
    const holding = createMachine({ initial: 'a', states: { a: { meta: { holds: ['pay'] } } } });
    const { definition, tree } = begun({ machine: holding });
    const { rules } = kindOf(definition);
    expect(['pay', 'go'].map((type) => rules.isHeld(tree.root, signal(type), { kind: 'gone' }))).toEqual([true, false]);
    expect(rules.obstacleTo(tree.root, signal('go'))).toBeNull();
  });

  it('an action that has the name of a promise has its answers as events', () => {
    const same = setup({
      actions: { pay: () => {} },
      actors: { pay: fromPromise(async () => 1) },
      types: { context: {} as { heard: object[] } },
    }).createMachine({
      context: { heard: [] },
      on: {
        go: { actions: 'pay' },
        '*': { actions: assign({ heard: ({ context, event }) => [...context.heard, event] }) },
      },
      initial: 'a',
      states: { a: { on: { never: 'b' } }, b: { invoke: { src: 'pay' } } },
    });
    const { stepped, tree } = begun({ machine: same, effects: { pay: { run: async () => undefined } } });
    stepped('go');
    stepped('promise_settled', { output: 1 }, 'pay#1');
    expect(heard(tree)).toEqual([{ type: 'promise_settled', output: 1, at: 1_000 }]);
  });
});

describe('an answer', () => {
  const child = setup({ actions: { go: () => {} } }).createMachine({
    context: { heard: [] as object[] },
    entry: 'go',
    on: { '*': { actions: assign({ heard: ({ context, event }) => [...context.heard, event] }) } },
  } as never);
  const parent = (more: object = {}) =>
    begun({
      machine: setup({ actors: { child }, actions: { go: () => {} } }).createMachine({
        context: { heard: [] as object[] },
        invoke: { src: 'child', id: 'kid' },
        on: { '*': { actions: assign({ heard: ({ context, event }) => [...context.heard, event] as never }) } },
      } as never),
      effects: { go: { run: async () => undefined } },
      ...more,
    });

  it('is for the actor that asked, while that is there', () => {
    const { tree, stepped, step } = parent();
    expect(step.requests.effects).toMatchObject([{ id: 'go#1' }]);
    expect(tree.memory.askers).toEqual({ 'go#1': ['kid'] });
    stepped('mailed', { to: 'x', at: 7 }, 'go#1');
    const { kid } = tree.root.getSnapshot().children;
    expect(kid.getSnapshot().context.heard).toEqual([{ type: 'mailed', to: 'x', at: 7 }]);
    expect(heard(tree)).toEqual([]);
  });

  it('that an effect failed has its name, and every other signal is for the root', () => {
    const { tree, stepped } = goingWith({ run: async () => undefined });
    stepped('go');
    stepped('effect_failed', { detail: 'no', effect: 'mine', type: 'x' }, 'go#1');
    stepped('hello', { type: 'other', a: 1 });
    expect(heard(tree)).toEqual([
      { type: 'effect_failed', detail: 'no', effect: 'go', at: 1_000 },
      { type: 'hello', a: 1, at: 1_000 },
    ]);
  });

  it.each([
    ['promise_settled', { output: 5 }, 'out', 5],
    ['effect_failed', { detail: 'it broke' }, 'failed', expect.objectContaining({ message: 'it broke' })],
    ['effect_failed', { detail: 'no', error: { code: 4 } }, 'failed', { code: 4 }],
  ])('%s with %j settles the promise that it is of', (type, payload, state, result) => {
    const machine = setup({
      types: { context: {} as { result: unknown } },
      actors: { pay: fromPromise(async () => 1) },
    }).createMachine({
      context: { result: null },
      initial: 'paying',
      states: {
        paying: {
          invoke: {
            src: 'pay',
            onDone: { target: 'out', actions: assign({ result: ({ event }) => event.output }) },
            onError: { target: 'failed', actions: assign({ result: ({ event }) => event.error }) },
          },
        },
        out: {},
        failed: {},
      },
    });
    const { step, stepped, snapshot } = begun({ machine });
    expect(step.requests.effects).toEqual([
      { kind: 'machine.effect', id: 'pay#1', machine: 'job', effect: 'pay', lane: 'pay', input: null },
    ]);
    stepped(type, payload, 'pay#1');
    expect(snapshot().value).toBe(state);
    expect(snapshot().context.result).toEqual(result);
  });
});

describe('the output of another tree', () => {
  const machine = setup({ actors: { other: outputOf('release') } }).createMachine({
    initial: 'waiting',
    states: {
      waiting: { invoke: { src: 'other', input: { id: '7' }, onDone: 'out' }, on: { leave: 'left' } },
      out: {},
      left: {},
    },
  } as never);

  it('is asked of that tree, and the wait is known until it comes or is left', () => {
    const { definition, step, stepped, tree, snapshot } = begun({ machine });
    const waits = () => awaitedOutputs(definition, tree);
    expect(step.requests.signals).toEqual([
      { tree: 'release:7', type: 'output_awaited', payload: { run: 'other#1' }, sender: address },
    ]);
    expect(step.requests.effects).toEqual([]);
    expect(waits()).toEqual([{ machine: 'release', id: '7' }]);
    stepped('promise_settled', {}, 'other#1');
    expect([snapshot().value, waits()]).toEqual(['out', []]);
    const left = begun({ machine });
    expect(left.stepped('leave').requests.stops).toEqual([{ run: 'other#1', stopAt: 1_000 }]);
    expect(awaitedOutputs(left.definition, left.tree)).toEqual([]);
  });

  it('may be asked by an actor below the root, as long as that is there', () => {
    const outer = setup({ actors: { below: machine } }).createMachine({
      initial: 'on',
      states: { on: { invoke: { src: 'below', id: 'kid' }, on: { leave: 'off' } }, off: {} },
    } as never);
    const { definition, tree, stepped } = begun({ machine: outer });
    expect(awaitedOutputs(definition, tree)).toEqual([{ machine: 'release', id: '7' }]);
    const open = { ...tree.memory };
    stepped('leave');
    expect(awaitedOutputs(definition, { root: tree.root, memory: open })).toEqual([]);
  });

  it('is no work of this tree, and other work is no output', () => {
    const { definition, tree, stepped } = goingWith({ run: async () => undefined });
    stepped('go');
    expect(awaitedOutputs(definition, tree)).toEqual([]);
  });

  it('that others wait for is remembered, for a thousand of them', () => {
    const { tree, trees } = begun({ machine: going });
    const awaited = (run: string) =>
      trees.step(tree, { ...signal('output_awaited', { run }), origin: 'machine:release:1' });
    awaited('other#1');
    expect(tree.memory.waiters).toEqual([{ tree: 'release:1', run: 'other#1' }]);
    expect(heard(tree)).toEqual([]);
    for (let run = 2; run <= 1_000; run += 1) awaited(`other#${run}`);
    expect(() => awaited('other#1001')).toThrow('1000 trees wait for the output of job:1');
    expect(tree.memory.waiters).toHaveLength(1_000);
  });
});

describe('as a kind of tree', () => {
  const machine = createMachine({
    initial: 'shut',
    states: { shut: { tags: 'closed', on: { open: 'open' } }, open: { type: 'final' } },
  });
  const parts = {
    machine,
    version: 3,
    signals: { open: z.strictObject({}) },
    upgrades: { 1: (snapshot: object) => snapshot, 2: (snapshot: object) => snapshot },
    notices: {
      closed: (snapshot: { value: unknown }) => `it is ${snapshot.value}`,
      broken: () => {
        throw new Error('no words');
      },
    },
  };
  const kind = kindOf(defined(parts));

  it('has its versions, its signals from people, its place in messages, and rules of its own', () => {
    expect(kind).toMatchObject({
      name: 'job',
      birth: 'machine_started',
      place: null,
      keepsMemory: true,
      isStrict: false,
    });
    expect(kind.versionOf(machine)).toBe('job:3');
    expect(Object.entries(kind.upgrades).map(([from, { to }]) => [from, to])).toEqual([
      ['job:1', 'job:2'],
      ['job:2', 'job:3'],
    ]);
    expect(Object.keys(kind.signals)).toEqual(['open']);
    expect(kind.signals.open).toMatchObject({ from: ['person', 'machine'] });
    expect(kind.signalsAreIn).toBe('the definition of job');
    expect(kindOf(defined({ machine })).signals).toEqual({});
    expect([
      kind.rules.isPreApplied(null as never, signal('x')),
      kind.rules.isSuppressed(null as never, signal('x')),
    ]).toEqual([false, false]);
  });

  it('has its own chart at the root, and no known one below it', () => {
    expect(kind.chartAt('')).toBe(machine);
    expect(kind.chartAt('kid').config).toEqual({});
  });

  it('is over when its machine is, and its notices are the texts of the definition', () => {
    const { tree, stepped } = begun(parts);
    expect(kind.statusOf(tree.root)).toMatchObject({ isEnded: false });
    expect(kind.notices.closed?.(tree.root)).toBe('it is shut');
    expect(kind.notices.broken?.(tree.root)).toBe('its notice threw: no words');
    stepped('open');
    expect(kind.statusOf(tree.root)).toMatchObject({ isEnded: true });
  });

  it('shows what its view makes of a snapshot, or the error of that view', () => {
    const { snapshot } = begun(parts);
    expect(viewOf(defined(parts), snapshot())).toEqual({});
    expect(viewOf(defined({ ...parts, view: ({ value }: { value: unknown }) => ({ value }) }), snapshot())).toEqual({
      value: 'shut',
    });
    const broken = () => {
      throw new Error('no eyes');
    };
    expect(viewOf(defined({ ...parts, view: broken }), snapshot())).toEqual({ error: 'its view threw: no eyes' });
  });
});

describe('what a state does not take', () => {
  const machine = setup({ guards: { isLate: () => false, isDear: () => false } }).createMachine({
    id: 'shop',
    initial: 'open',
    on: { buy: { guard: 'isDear', actions: () => {} }, 'card.*': { actions: () => {} } },
    states: {
      open: {
        on: {
          rent: { guard: { type: 'isDear', params: { by: 2 } }, actions: () => {} },
          buy: { guard: 'isLate', actions: () => {} },
          ask: { guard: () => false, actions: () => {} },
        },
      },
    },
  } as never);
  const anything = z.looseObject({});
  const signals = {
    buy: anything,
    rent: anything,
    ask: anything,
    sell: anything,
    'card.paid': anything,
    card: anything,
    cards: anything,
  };

  it.each([
    ['buy', 'isLate'],
    ['rent', 'isDear'],
    ['ask', null],
    ['sell', null],
  ])('is refused with the state, the innermost guard, and what would be taken: %s', (type, guard) => {
    const { stepped } = begun({ machine, signals });
    expect(stepped(type).verdict).toMatchObject({
      status: 'refused',
      refusal: { by: 'shop', state: 'open', guard, accepts: ['buy', 'rent', 'ask', 'card.paid', 'card'] },
    });
  });

  it('is nothing where a state takes every event, and everything once it has ended', () => {
    const every = begun({ machine: createMachine({ on: { '*': {} } }) });
    expect(mayBeTaken(every.snapshot(), 'whatever')).toBe(true);
    const some = begun({ machine: createMachine({ on: { buy: {} } }) });
    expect(['buy', 'buyer', 'sell'].map((type) => mayBeTaken(some.snapshot(), type))).toEqual([true, false, false]);
    const over = begun({
      machine: createMachine({ initial: 'end', on: { a: {} }, states: { end: { type: 'final' } } }),
    });
    expect(mayBeTaken(over.snapshot(), 'a')).toBe(false);
  });
});
