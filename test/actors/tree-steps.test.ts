/** What a tree answers to a signal, what a step returns beside it, and what is stored of the tree. */
import { describe, expect, it } from 'vitest';
import { assign, createMachine, fromPromise, raise, setup } from 'xstate';
import { z } from 'zod';
import { createKinds, kindsWith } from '../../actors/kinds.ts';
import { outputOf } from '../../actors/output-wait.ts';
import { kindOf } from '../../actors/own-machine.ts';
import {
  createTrees,
  type Facts,
  noRequests,
  portsInto,
  type Step,
  type Tree,
  type Trees,
  type Upgraded,
} from '../../actors/tree.ts';
import type { TreeAddress } from '../../machines/vocabulary/ids.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';
import type { AnySignal } from '../../machines/vocabulary/signal.ts';
import { plan, repo } from '../support/chaos.ts';
import { begin } from '../support/hands.ts';
import { defineRelease } from '../support/own-machine.ts';
import { copyOf, liveTree, policyWith, worldOf, worldsByState } from '../support/plan-states.ts';
import { planText } from '../support/simulation.ts';
import { trees } from '../support/trees.ts';

function word(type: string, payload: object = {}, more: Partial<AnySignal> = {}): AnySignal {
  return { type, payload, origin: 'person', actor: '', run: null, at: 9_000_000, ...more };
}

const worldIn = (state: string) => worldsByState[state]?.() ?? expect.fail(`no state ${state}`);
const running = worldIn('underway.implementing.wave.running');

/** The verdict as one text; of a refusal, what guards it. */
function said({ verdict }: Step): string {
  if (verdict.status === 'refused') return `refused: ${verdict.refusal.guard}`;
  return verdict.status === 'held' ? 'held' : `${verdict.status}: ${verdict.result}`;
}

function stepped(world: ReturnType<typeof worldOf>, signal: AnySignal, facts?: Facts): Step {
  return trees.step(copyOf(world).tree, signal, facts);
}

describe('the answer to a signal', () => {
  it('is that it was handled, and only then the tree was fed it', () => {
    const signal = word('pause');
    const step = stepped(running, signal);
    expect(said(step)).toBe('done: done');
    expect(step.inputs.map((input) => input.signal)).toEqual([signal]);
    expect(step.inputs[0]?.transitions.map(({ from, to }) => `${from} > ${to}`)).toContain('gate.open > gate.paused');
  });

  const paused = worldIn('underway.implementing.wave.running');
  const row = begin(paused, 'hello-w1-t1');
  paused.person('pause', { wait: true });
  const coder = { origin: 'agent:hello-w1-t1', run: row.effect.id } as const;
  const blocked = worldIn('underway.implementing.wave.running');
  const asking = begin(blocked, 'hello-w1-t1');
  const late = { origin: 'engine', run: `${row.effect.id}9` } as const;
  const applied = { fsm_applied: true };

  it.each([
    ['held while its state holds such signals', worldIn('cancelled.ending'), word('reopen'), 'held'],
    [
      'stale where its actor is gone',
      running,
      word('run_exited', { code: 0, cause: 'exit', detail: '' }, late),
      'done: stale',
    ],
    [
      'stale where the engine comes too late',
      worldOf(),
      word('budget_restored', {}, { origin: 'engine' }),
      'done: stale',
    ],
    ['already where a person comes too late', worldOf(), word('merge_refused'), 'done: already'],
    [
      'already where the state is there already',
      worldIn('planning.working'),
      word('plan_start', applied),
      'done: already',
    ],
    ['done where it only looks so', worldIn('planning.working'), word('plan_start'), 'done: done'],
    ['suppressed where it is without effect', running, word('implement_finished'), 'done: suppressed'],
    [
      'refused by who sent it',
      blocked,
      word('review_approved', {}, { origin: 'agent:hello-w1-t1', run: asking.effect.id }),
      'refused: not from a coder',
    ],
    [
      'refused by its receiver',
      running,
      word('agent_kill', { title: 'nobody' }),
      'refused: agent nobody is not under way',
    ],
    ['refused by the state', worldOf(), word('review_approved'), 'refused: null'],
  ])('is: %s', (_, world, signal, answer) => {
    const step = stepped(world, signal);
    expect(said(step)).toBe(answer);
    if (answer === 'done: done') return;
    expect([step.inputs, step.agents, step.released, step.requests]).toEqual([[], [], false, noRequests()]);
  });

  it('is for the engine’s own signal not that it is without effect', () => {
    expect(said(stepped(running, word('implement_finished', {}, { origin: 'engine' })))).not.toBe('done: suppressed');
  });

  it('names the state and what would be taken, where it is refused', () => {
    expect(stepped(worldOf(), word('review_approved')).verdict).toMatchObject({
      refusal: {
        by: 'plan',
        state: expect.stringContaining('ready.planned'),
        accepts: expect.arrayContaining(['implement_start', 'cancel']),
      },
    });
    expect(stepped(running, word('agent_kill', { title: 'nobody' })).verdict).toMatchObject({
      refusal: { by: 'plan' },
    });
    const { verdict } = stepped(running, word('agent_resume', { title: 'hello-w1-t1' }));
    expect(verdict).toMatchObject({ status: 'refused', refusal: { by: 'wave-1.2/task-1.1/agent', state: 'queued' } });
  });

  it('says whether signals that were held may be delivered: where one reason has gone, though others remain', () => {
    const world = worldIn('cancelled.ending');
    const { tree } = copyOf(world);
    expect(trees.step(tree, word('pause')).released).toBe(false);
    expect(stepped(paused, word('pause')).released).toBe(false);
    expect(stepped(running, word('needs_decision', { reason: 'who pays?' })).released).toBe(false);
    const { tree: both } = copyOf(paused);
    trees.step(both, word('needs_decision', { reason: 'which?' }, coder));
    const question = both.root.getSnapshot().context.questions[0].number;
    expect(trees.step(both, word('answer', { questions: [question], body: 'a' })).released).toBe(true);
  });

  it('has the agents that it touched', () => {
    const { agents } = stepped(running, word('agent_kill', { title: 'hello-w1-t1' }));
    expect(agents.map(({ path, context }) => `${path} ${context.title}`)).toEqual([
      'wave-1.2/task-1.1/agent hello-w1-t1',
    ]);
  });
});

describe('the configuration in force', () => {
  const other = policyWith([], { max_review_fix_cycles: 9 });

  it('is in the tree before the signal is handled, as an input of its own, once', () => {
    const { tree } = copyOf(running);
    const step = trees.step(tree, word('pause'), { policy: other });
    expect(step.inputs.map(({ signal }) => signal)).toEqual([
      { type: 'policy', payload: { policy: other }, origin: 'engine', actor: '', run: null, at: 9_000_000 },
      word('pause'),
    ]);
    expect(tree.root.getSnapshot().context.policy).toEqual(other);
    expect(trees.step(tree, word('resume'), { policy: other }).inputs).toHaveLength(1);
    expect(trees.step(tree, word('pause'), { policy: structuredClone(other) }).inputs).toHaveLength(1);
  });

  it('is also there where the signal is not taken', () => {
    const step = stepped(worldOf(), word('review_approved'), { policy: other });
    expect([said(step), step.inputs.length]).toEqual(['refused: null', 1]);
  });

  it('is no input where it is the one that the tree has, where none is given, and to a tree that has none', () => {
    const same = structuredClone(running.policy());
    expect(stepped(running, word('review_approved'), { policy: same }).inputs).toEqual([]);
    expect(stepped(running, word('review_approved'), {}).inputs).toEqual([]);
    const release = treesOf();
    const { tree } = release.create(address, start);
    expect(release.step(tree, word('approve'), { policy: other }).inputs).toHaveLength(1);
  });
});

const address = 'release:1.2' as TreeAddress;
const start = word('machine_started', { version: '1.2.0' });

function treesOf(parts: Parameters<typeof defineRelease>[0] = {}): Trees {
  return createTrees(kindsWith([kindOf(defineRelease(parts))]));
}

function treesWith(name: string, machine: object, more: object = {}): Trees {
  return createTrees(kindsWith([kindOf({ name, machine, version: 1, ...more } as never)]));
}

function storedText(all: Trees, tree: Tree): { stator: Record<string, unknown>; context: unknown } {
  const { text } = all.persistText(tree);
  expect(JSON.stringify(all.persist(tree).snapshot)).toBe(text);
  return JSON.parse(text);
}

describe('a tree that is created', () => {
  it('is done at once, with what it asks for, and may be fed to a replay', () => {
    const born = word('plan_opened', {
      content: planText([1]),
      branch: 'b',
      topic: null,
      generation: 0,
      policy: defaultPolicy,
    });
    const { step } = trees.create(plan, born, 7);
    expect({ ...step, requests: null, inputs: step.inputs.map(({ signal }) => signal) }).toEqual({
      ...{ verdict: { status: 'done', result: 'done' }, inputs: [born], upgrade: null, agents: [] },
      ...{ requests: null, released: false },
    });
    expect(step.inputs[0]?.transitions[0]).toMatchObject({ actor: '', event: 'begun', from: '' });
  });

  it('of a program’s own machine names its requests after the number of its signal, if that is given', () => {
    const all = treesOf();
    const numbered = all.create(address, start, 42);
    expect(numbered.step.requests.timers.map(({ id }) => id)).toEqual(['expire#42.1']);
    expect(numbered.step.inputs.map(({ signal }) => signal.id)).toEqual([42]);
    const { tree, step } = all.create(address, start);
    expect(step.requests.timers.map(({ id }) => id)).toEqual(['expire#1']);
    expect(step.inputs[0]?.signal).toEqual(start);
    expect(storedText(all, tree).stator).toMatchObject({ born: 0, count: 1 });
    const replayed = all.replay(
      address,
      numbered.step.inputs.map(({ signal }) => signal),
    );
    expect(all.persist(replayed as Tree)).toEqual(all.persist(numbered.tree));
  });

  it('has its input, its id and the time, or the names of its address', () => {
    const inputs: unknown[] = [];
    const machine = createMachine({ context: ({ input }) => ({ seen: inputs.push(input) }) });
    treesWith('job', machine).create('job:7', word('machine_started', { size: 2 }));
    treesWith('job', machine).create('job:7', word('machine_started', { id: 'own', at: 1 }));
    expect(inputs).toEqual([
      { id: '7', at: 9_000_000, size: 2 },
      { id: 'own', at: 1 },
    ]);
    const { tree } = trees.create(repo, word('repo_opened', { policy: defaultPolicy, project: 'other' }));
    expect(tree.root.getSnapshot().context).toMatchObject({ project: 'demo', at: 9_000_000 });
  });
});

describe('what is stored of a tree', () => {
  it('of the engine is byte for byte what XState would write, with its children, in every state of a plan', () => {
    for (const make of [worldsByState.done, () => paused(), () => running]) {
      const tree = liveTree(make?.() ?? worldOf());
      for (let time = 0; time < 2; time += 1)
        expect(trees.persistText(tree).text).toBe(JSON.stringify(trees.persist(tree).snapshot));
    }
    function paused() {
      const world = worldIn('underway.implementing.wave.running');
      begin(world, 'hello-w1-t2');
      world.person('pause');
      return world;
    }
  });

  it('of a program’s own machine has its memory beside it, without the tables that are empty', () => {
    const all = treesOf();
    const { tree } = all.create(address, start);
    expect(storedText(all, tree).stator).toEqual({
      ...{ born: 0, count: 1, open: { 'expire#1': 'expire' }, watches: [] },
      delayed: { 'expire#1': { source: [], target: [], id: '', event: { type: 'expired' } } },
    });
    all.step(tree, word('approve'));
    expect(storedText(all, tree).stator).toEqual({ born: 0, count: 2, open: { 'publish#2': 'publish' }, watches: [] });
    all.step(tree, word('effect_failed', { detail: 'no' }, { origin: 'engine', run: 'publish#2' }));
    expect(storedText(all, tree).stator).toMatchObject({ open: { 'expire#3': 'expire' } });
  });

  it('has the promises below the root', () => {
    const call = fromPromise(async () => 1);
    const kid = setup({ actors: { call } }).createMachine({
      invoke: { src: 'call', id: 'call' },
      initial: 'on',
      states: { on: {} },
    });
    const all = treesWith('job', setup({ actors: { kid } }).createMachine({ invoke: { src: 'kid', id: 'kid' } }));
    const { tree, step } = all.create('job:7', word('machine_started'));
    expect(step.inputs[0]?.transitions.map(({ actor, event }) => `${actor} ${event}`)).toContain('kid begun');
    expect(storedText(all, tree).stator).toMatchObject({
      open: { 'kid/call#1': 'kid/call' },
      askers: { 'kid/call#1': ['kid', 'call'] },
    });
    all.step(tree, word('promise_settled', { output: 1 }, { origin: 'engine', run: 'kid/call#1' }));
    expect(storedText(all, tree).stator).not.toHaveProperty('askers');
    expect(tree.memory.open).toEqual({});
  });

  it('has how many actors without an id were begun: the next one has another, after a restart too', () => {
    const kid = createMachine({});
    const more = assign(({ spawn }: { spawn: (src: 'kid') => unknown }) => void spawn('kid'));
    const machine = setup({ actors: { kid } }).createMachine({ on: { more: { actions: more as never } } });
    const all = treesWith('job', machine);
    const { tree } = all.create('job:7', word('machine_started'));
    all.step(tree, word('more'));
    expect(storedText(all, tree).stator).toMatchObject({ actors: 1 });
    const restored = all.restore('job:7', all.persist(tree));
    all.step(restored, word('more'));
    expect(Object.keys(restored.root.getSnapshot().children)).toEqual(['x:1', 'x:2']);
  });

  it('leaves the stored row as it is, and is no part of another tree restored from it', () => {
    const all = treesOf();
    const { tree } = all.create(address, start);
    const stored = all.persist(tree);
    const before = JSON.stringify(stored);
    for (const restored of [all.restore(address, stored), all.restore(address, stored)])
      expect(all.step(restored, word('approve')).requests.stops).toEqual([{ run: 'expire#1', stopAt: 9_000_000 }]);
    expect(JSON.stringify(stored)).toBe(before);
  });
});

describe('a tree of a program’s own machine that ends', () => {
  it('stops its requests, leaves its watches once, and answers who waits for its output once', () => {
    const all = createTrees(kindsWith([kindOf({ ...defineRelease({ watches: { project: 'demo', plan: 'login' } }) })]));
    const { tree } = all.create(address, start);
    const waiters = [1, 2].map((n) => ({ origin: `machine:order:${n}`, payload: { run: `release#${n}` } }));
    for (const waiter of waiters) {
      const step = all.step(tree, word('output_awaited', waiter.payload, { origin: waiter.origin as never }));
      expect([said(step), step.inputs.length, step.inputs[0]?.transitions]).toEqual(['done: done', 1, []]);
    }
    expect(storedText(all, tree).stator).toMatchObject({
      watches: ['demo'],
      waiters: [
        { tree: 'order:1', run: 'release#1' },
        { tree: 'order:2', run: 'release#2' },
      ],
    });
    const restored = all.restore(address, all.persist(tree));
    const { requests } = all.step(restored, word('refuse', { reason: 'no' }));
    expect(requests.stops).toEqual([{ run: 'expire#1', stopAt: 9_000_000 }]);
    expect(requests.signals).toMatchObject([
      { tree: 'release:nobody' },
      { tree: 'repo:demo', type: 'plan_unwatched', payload: { watcher: address } },
      { tree: 'order:1', type: 'promise_settled', run: 'release#1' },
      { tree: 'order:2', type: 'promise_settled', run: 'release#2' },
    ]);
    expect(storedText(all, restored).stator).toEqual({ born: 0, count: 1, open: {}, watches: [] });
    expect(all.step(restored, word('refuse', { reason: 'no' })).requests).toEqual(noRequests());
    const late = all.step(
      restored,
      word('output_awaited', { run: 'release#3' }, { origin: 'machine:order:3' as never }),
    );
    expect(late.requests.signals).toMatchObject([{ tree: 'order:3', type: 'promise_settled' }]);
  });

  it('gives up the work that is under way', () => {
    const words = setup({ actions: { call: () => {} } });
    const machine = words.createMachine({
      entry: 'call',
      on: { end: '.off' },
      initial: 'on',
      states: { on: {}, off: { type: 'final' } },
    });
    const all = treesWith('job', machine, { effects: { call: { run: async () => undefined } } });
    const { tree } = all.create('job:7', word('machine_started'));
    expect(tree.memory.open).toEqual({ 'call#1': 'call' });
    expect(all.step(tree, word('end')).requests.stops).toEqual([{ run: 'call#1', stopAt: 9_000_000 }]);
    expect(storedText(all, tree).stator).toEqual({ born: 0, count: 1, open: {}, watches: [] });
  });

  it('asks the tree whose output it waits for', () => {
    const machine = createMachine({
      invoke: { src: outputOf('payment'), input: { id: '7' }, onDone: '.paid' },
      initial: 'on',
      states: { on: {}, paid: {} },
    });
    const all = treesWith('order', machine);
    const { tree, step } = all.create('order:1', word('machine_started'));
    expect(step.requests.signals).toMatchObject([{ tree: 'payment:7', type: 'output_awaited', sender: 'order:1' }]);
    const run = Object.keys(tree.memory.open)[0] ?? '';
    const stored = all.restore('order:1', all.persist(tree));
    expect(stored.memory.open).toEqual(tree.memory.open);
    all.step(stored, word('promise_settled', { output: 1 }, { origin: 'engine', run }));
    expect(stored.root.getSnapshot().value).toBe('paid');
  });
});

function stuck(): never {
  throw new Error('it is stuck');
}

describe('a step that throws', () => {
  it('says what cannot be stored, and where; the next tree has no trace of it', () => {
    const machine = createMachine({
      context: { when: null as unknown },
      on: { date: { actions: assign({ when: () => new Date(0) }) }, throw: { actions: stuck } },
    });
    const all = treesWith('job', machine);
    const begun = () => all.create('job:7', word('machine_started')).tree;
    expect(() => all.step(begun(), word('date'))).toThrow('job:7 cannot be kept as JSON: context.when is a Date');
    expect(() => all.step(begun(), word('throw'))).toThrow('it is stuck');
    expect(all.step(begun(), word('date2')).requests).toEqual(noRequests());
  });

  it('is what it comes to if an actor is sent something outside of every step', () => {
    const machine = setup({ actors: { call: fromPromise(async () => 1) } }).createMachine({
      on: { later: { actions: raise({ type: 'x' }, { delay: 5 }) } },
    });
    const all = treesWith('job', machine);
    const { tree } = all.create('job:7', word('machine_started'));
    expect(() => tree.root.send({ type: 'later' })).toThrow('an actor was sent something outside of a step');
  });

  it('of a plain action is in the input, so that a replay throws the same, and does nothing else again', () => {
    const did: number[] = [];
    const kid = createMachine({
      entry: () => {
        did.push(did.length);
        if (did.length === 2) throw new TypeError('no');
      },
    });
    const machine = setup({ actors: { kid } }).createMachine({
      initial: 'a',
      states: {
        a: { on: { go: 'b' } },
        b: { invoke: { src: 'kid', onError: 'c' }, on: { go: { target: 'b', reenter: true } } },
        c: {},
      },
    });
    const all = treesWith('job', machine);
    const born = word('machine_started');
    const { tree } = all.create('job:7', born);
    const steps = ['go', 'go'].map((type) => all.step(tree, word(type)).inputs[0]?.signal as AnySignal);
    expect(steps).toEqual([word('go'), { ...word('go'), thrown: { 0: { name: 'TypeError', message: 'no' } } }]);
    expect(tree.root.getSnapshot().value).toBe('c');
    const replayed = all.replay('job:7', [born, ...steps]) as Tree;
    expect(replayed.root.getSnapshot().value).toBe('c');
    expect(did).toEqual([0, 1]);
  });

  it('is so too where it is the first step of the tree', () => {
    let times = 0;
    const kid = createMachine({
      entry: () => {
        times += 1;
        throw new TypeError('no');
      },
    });
    const all = treesWith(
      'job',
      setup({ actors: { kid } }).createMachine({
        initial: 'a',
        states: { a: { invoke: { src: 'kid', onError: 'b' } }, b: {} },
      }),
    );
    const { step } = all.create('job:7', word('machine_started'));
    const inputs = step.inputs.map(({ signal }) => signal);
    expect(inputs).toMatchObject([{ thrown: { 0: { name: 'TypeError', message: 'no' } } }]);
    expect(all.replay('job:7', inputs)?.root.getSnapshot().value).toBe('b');
    expect(times).toBe(1);
  });
});

describe('a replay', () => {
  const all = treesOf();
  const inputs = [
    start,
    word('approve'),
    word('effect_failed', { detail: 'no' }, { origin: 'engine', run: 'publish#2' }),
  ];
  const value = (tree: Tree | null) => (tree === null ? null : tree.root.getSnapshot().value);

  it('tells each step with its number, and stops where that is wanted', () => {
    for (const [last, there] of [
      [0, 'asking'],
      [1, 'publishing'],
      [2, 'asking'],
    ] as const) {
      const seen: string[] = [];
      const tree = all.replay(address, inputs, (step, index, { root }) => {
        seen.push(`${index} ${said(step)} ${root.getSnapshot().value}`);
        return index === last ? 'stop' : undefined;
      });
      expect([seen.length, seen.at(-1), value(tree)]).toEqual([last + 1, `${last} done: done ${there}`, there]);
    }
  });

  it('begins at the last creation, or at the last upgrade with the state that it led to', () => {
    const stored = all.replay(address, inputs.slice(0, 2)) as Tree;
    const { snapshot, version } = all.persist(stored);
    const upgraded: Upgraded = { type: 'upgraded', from: 'release:0', to: version, snapshot: snapshot as never };
    const numbers: number[] = [];
    const tree = all.replay(address, [start, upgraded, inputs[2] as AnySignal], (_, index) => numbers.push(index));
    expect([numbers, value(tree)]).toEqual([[2], 'asking']);
    expect(value(all.replay(address, [...inputs, upgraded]))).toBe('publishing');
    expect(value(all.replay(address, [...inputs, start]))).toBe('asking');
    expect(all.replay(address, inputs.slice(1))).toBeNull();
    expect(all.replay(address, [])).toBeNull();
  });

  it('of a signal that is called like an upgrade is none of one', () => {
    const machine = createMachine({ initial: 'a', states: { a: { on: { upgraded: 'b' } }, b: {} } });
    const named = treesWith('job', machine, { signals: { upgraded: z.looseObject({}) } });
    const tree = named.replay('job:7', [word('machine_started'), word('upgraded')]);
    expect(value(tree)).toBe('b');
  });

  it('from an upgrade does no side effect again', () => {
    const did: string[] = [];
    const machine = createMachine({ on: { go: { actions: () => void did.push('went') } } });
    const noting = treesWith('job', machine);
    const { tree } = noting.create('job:7', word('machine_started'));
    const { snapshot } = noting.persist(tree);
    const upgraded: Upgraded = { type: 'upgraded', from: 'job:0', to: 'job:1', snapshot: snapshot as never };
    noting.replay('job:7', [upgraded, word('go')]);
    expect(did).toEqual([]);
    noting.step(tree, word('go'));
    noting.step(noting.restore('job:7', noting.persist(tree)), word('go'));
    expect(did).toEqual(['went', 'went']);
  });
});

describe('a tree of an earlier version', () => {
  it('carries its upgrade in the first step that is stored, and in no other', () => {
    const old = treesOf();
    const stored = old.persist(old.create(address, start).tree);
    const definition = { ...defineRelease(), version: 2, upgrades: { 1: (snapshot: object) => snapshot } };
    const now = createTrees(kindsWith([kindOf(definition as never)]));
    const tree = now.restore(address, stored);
    expect(now.step(tree, word('published', {}, { run: 'publish#9' })).upgrade).toBeNull();
    const { upgrade } = now.step(tree, word('approve'));
    expect(upgrade).toEqual({
      type: 'upgraded',
      from: 'release:1',
      to: 'release:2',
      snapshot: JSON.parse(JSON.stringify(stored.snapshot)),
    });
    expect(now.step(tree, word('refuse', { reason: 'no' })).upgrade).toBeNull();
    expect(now.step(now.restore(address, now.persist(tree)), word('approve')).upgrade).toBeNull();
  });
});

describe('the trees of some kinds', () => {
  it('are of the engine’s kinds where no others are named', () => {
    expect(createTrees().kinds).toBe(kindsWith([]));
  });

  it('bind the machine of a kind once', () => {
    let bound = 0;
    const counted = kindOf(defineRelease());
    const kind = {
      ...counted,
      bind(...given: Parameters<typeof counted.bind>) {
        bound += 1;
        return counted.bind(...given);
      },
    };
    const all = createTrees(createKinds([kind]));
    for (const { tree } of [all.create(address, start), all.create(address, start)]) all.persist(tree);
    expect(bound).toBe(1);
  });

  it('refuse a tree that asks for something while it is restored', () => {
    const machine = createMachine({ context: {} });
    const base = kindOf({ name: 'job', machine, version: 1 });
    const all = createTrees(createKinds([base]));
    const stored = all.persist(all.create('job:7', word('machine_started')).tree);
    const kind = {
      ...base,
      bind: (...given: Parameters<typeof base.bind>) => {
        const made = base.bind(...given);
        const { restoreSnapshot } = made;
        return Object.assign(made, {
          restoreSnapshot: (...snapshot: never[]) => {
            given[0].stop({ run: 'x', stopAt: 1 });
            return restoreSnapshot.apply(made, snapshot as never);
          },
        });
      },
    };
    expect(() => createTrees(createKinds([kind])).restore('job:7', stored)).toThrow(
      'restoring job:7 asked for something',
    );
  });

  it('collect the requests of one step', () => {
    const requests = noRequests();
    const ports = portsInto(() => requests);
    const [effect, timer, stop, signal] = [
      { id: 'e' },
      { id: 't', dueAt: 1 },
      { run: 'r', stopAt: 2 },
      { tree: 'x:1' },
    ] as never[];
    ports.ask(effect as never);
    ports.timer(timer as never);
    ports.stop(stop as never);
    ports.sendAny(signal as never);
    ports.sendSignal(repo, 'plan_done', { plan: 'hello' });
    ports.document('# Plan');
    const told = { tree: repo, type: 'plan_done', payload: { plan: 'hello' } };
    expect(requests).toEqual({
      effects: [effect],
      timers: [timer],
      stops: [stop],
      signals: [signal, told],
      document: '# Plan',
    });
  });
});
