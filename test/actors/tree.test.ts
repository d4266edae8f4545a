/** A stored tree comes back exactly, or is refused loudly and left as it is. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMachine, fromPromise, type StateValue, setup } from 'xstate';
import { snapshotOf } from '../../actors/addressee.ts';
import { compatibleSnapshot, logicOf, type PersistedTree, versionOf } from '../../actors/compatibility.ts';
import type { Kind, Kinds } from '../../actors/kind.ts';
import { createKinds, kindsWith } from '../../actors/kinds.ts';
import { createTrees, type Tree, treesOf } from '../../actors/tree.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { Signal } from '../../machines/vocabulary/signal.ts';
import { plan } from '../support/chaos.ts';
import { liveTree, worldOf, worldsByState } from '../support/plan-states.ts';
import { trees } from '../support/trees.ts';

function stored(): PersistedTree {
  const world = worldsByState['underway.implementing.wave.running']?.() ?? worldOf();
  return JSON.parse(JSON.stringify(world.trees.persist(liveTree(world))));
}

/** The stored tree with one piece of its text replaced. */
function changed(from: string, to: string): PersistedTree {
  const text = JSON.stringify(stored());
  if (!text.includes(from)) throw new Error(`nothing is stored as ${from}`);
  return JSON.parse(text.replace(from, to));
}

function refusal(row: PersistedTree): EngineError {
  const before = JSON.stringify(row);
  try {
    trees.restore(plan, row);
  } catch (thrown) {
    expect(JSON.stringify(row)).toBe(before);
    if (thrown instanceof EngineError) return thrown;
    throw thrown;
  }
  throw new Error('it was restored');
}

function step(tree: Tree, trees: ReturnType<typeof createTrees>, type: Signal['type'], payload: object = {}) {
  return trees.step(tree, { type, payload, origin: 'person', actor: '', run: null, at: 9_000_000 } as Signal);
}

/** The kinds of every engine, plans with other upgrades. */
function planUpgradedBy(upgrades: Kind['upgrades']): Kinds {
  return createKinds(kindsWith([]).all.map((kind) => (kind.name === 'plan' ? { ...kind, upgrades } : kind)));
}

describe('a stored tree', () => {
  it('is restored without asking for anything, and goes on', () => {
    const row = stored();
    const tree = trees.restore(plan, row);
    expect(JSON.stringify(trees.persist(tree))).toBe(JSON.stringify(row));
    const { verdict, requests } = step(tree, trees, 'cancel');
    expect(verdict).toEqual({ status: 'done', result: 'done' });
    expect(requests.stops).toHaveLength(2);
    expect(requests.effects).toEqual([]);
  });

  it('whose agent lost the id of its run is thrown away at the next step, and asks for nothing', () => {
    const row = stored();
    const text = JSON.stringify(row.snapshot).replaceAll(/"run":"[^"]+"/g, '"run":null');
    const tree = trees.restore(plan, { ...row, snapshot: JSON.parse(text) });
    expect(() => step(tree, trees, 'cancel')).toThrow('before it gave it an id');
  });

  const version = '"version":"agent:1 plan:1 task:1 wave:1"';
  const broken: Record<string, [from: string, to: string, message: RegExp]> = {
    'of another machine': ['"machine":"plan"', '"machine":"repo"', /it is of machine "repo", expected "plan"/],
    'of another version': [version, '"version":"plan:99"', /it is of version "plan:99", expected ".*plan:1/],
    'in a state that is gone': ['"gate":"open"', '"gate":"ajar"', /machine "plan" has no state "gate.ajar"/],
    'without one of its regions': ['"attention":"clear",', '', /machine "plan" has no state "attention"/],
    'in a state that has states of its own since': [
      '"lifecycle":{"underway":{"implementing":{"wave":"running"}}}',
      '"lifecycle":"underway"',
      /machine "plan" has no state "lifecycle.underway"/,
    ],
    'with a child of an unknown kind': [
      '"src":"wave"',
      '"src":"stage"',
      /child wave-1.*"stage" is nothing that "plan" may spawn/,
    ],
    'with a child in a state that is gone': [
      '"value":"running"',
      '"value":"resting"',
      /child wave-1.*machine "wave" has no state "resting"/,
    ],
    'with a grandchild in a state that is gone': [
      '"value":"working"',
      '"value":"dreaming"',
      /child wave-1.*child task-1.*machine "task" has no state "dreaming"/,
    ],
  };

  for (const [what, [from, to, message]] of Object.entries(broken)) {
    it(`${what} is refused, with the place and what to do`, () => {
      const error = refusal(changed(from, to));
      expect(error.code).toBe('snapshot_unknown');
      expect(error.message).toMatch(message);
      expect(error.hint).toContain('the row is untouched');
    });
  }

  it('that a newer stator wrote names the version that can read it', () => {
    const error = refusal({ ...changed(version, '"version":"plan:99"'), stator: '9.8.7' });
    expect(error.hint).toBe(
      'the row is untouched; install stator 9.8.7, which wrote it, or a newer one that can upgrade it',
    );
  });

  it('that is no snapshot at all is refused', () => {
    for (const snapshot of [null, 'a text', { context: {} }, { value: 'ready' }]) {
      const row = { ...stored(), snapshot } as unknown as PersistedTree; // as a damaged row would read
      expect(refusal(row).message).toContain('it is no snapshot of a machine');
      expect(refusal(row).hint).toContain('install the version of stator that wrote it, or a newer one');
    }
  });

  it('that was refused leaves no trace in the trees that live on', () => {
    const row = stored();
    const tree = trees.restore(plan, row);
    expect(() => trees.restore(plan, changed(version, '"version":"plan:99"'))).toThrow(EngineError);
    expect(JSON.stringify(trees.persist(tree))).toBe(JSON.stringify(row));
    expect(step(tree, trees, 'pause').requests.stops).toHaveLength(2);
  });

  it('of an older version is upgraded step by step', () => {
    const old = JSON.parse(
      readFileSync(new URL('../support/fixtures/plan-0.json', import.meta.url), 'utf8'),
    ) as PersistedTree;
    expect(refusal(old).message).toContain('it is of version "agent:1 plan:0 task:1 wave:1"');
    const trees = createTrees(
      planUpgradedBy({
        // A plan knew no passed waves and no numbers of requests, and called a document that parses `parsed`.
        'agent:1 plan:0 task:1 wave:1': {
          to: 'agent:1 plan:0.5 task:1 wave:1',
          upgrade: (snapshot) => {
            const { context, value, ...rest } = snapshot as { context: object; value: { lifecycle: object } };
            return {
              ...rest,
              value: { ...value, lifecycle: { ready: 'planned' }, merge: 'none', pullRequest: { none: 'idle' } },
              context,
            };
          },
        },
        'agent:1 plan:0.5 task:1 wave:1': {
          to: 'agent:1 plan:1 task:1 wave:1',
          upgrade: (snapshot) => {
            const { context, ...rest } = snapshot as { context: object };
            return {
              ...rest,
              context: {
                ...context,
                passed: 0,
                request: 0,
                reviewedSha: null,
                questions: [],
                questionCount: 0,
                words: [],
                wordCount: 0,
                liveChildren: {},
                activeChildId: null,
                stopCause: null,
              },
            };
          },
        },
      }),
    );
    const tree = trees.restore(plan, old);
    expect(snapshotOf(tree.root).matches({ lifecycle: { ready: 'planned' } })).toBe(true);
    expect(step(tree, trees, 'implement_start').requests.signals).toMatchObject([
      { tree: 'repo:demo', type: 'implement_requested', payload: { plan: 'hello', request: 1 } },
    ]);
    expect(trees.persist(tree).version).toBe('agent:1 plan:1 task:1 wave:1');
  });

  it('that an upgrade leads in a circle is refused as well', () => {
    const same = { to: 'plan:99', upgrade: (snapshot: unknown) => snapshot };
    const trees = createTrees(planUpgradedBy({ 'plan:99': same }));
    expect(() => trees.restore(plan, changed(version, '"version":"plan:99"'))).toThrow(/plan:99/);
  });
});

it('an actor is started by the name of its logic, or by the invoke of its state that holds the logic', () => {
  const [named, own] = [fromPromise(async () => 1), fromPromise(async () => 2)];
  const machine = setup({ actors: { named, 'my.xstate.invoke.1.m.a': named } }).createMachine({
    ...{ id: 'm', initial: 'a' },
    states: { a: { invoke: [{ src: 'named' }, { src: own }] }, b: {} },
  });
  const known = { named, 'my.xstate.invoke.1.m.a': named, 'xstate.invoke.1.m.a': own };
  for (const [src, logic] of Object.entries(known)) expect([src, logicOf(machine, src) === logic]).toEqual([src, true]);
  for (const src of [
    'other',
    ...['0.m.a', '10.m.a', '0.m.b', '0.m.gone', 'x.m.a'].map((end) => `xstate.invoke.${end}`),
  ])
    expect([src, logicOf(machine, src)]).toEqual([src, undefined]);
});

it('a snapshot fits the states of its machine now; a machine without a version is of version 0', () => {
  const machine = createMachine({
    ...{ id: 'm', type: 'parallel' },
    states: { a: { initial: 'x', states: { x: {}, y: {} } }, b: {}, last: { type: 'history' } },
  });
  const [name, version, readableBy] = ['m', versionOf(machine), () => 'wait'];
  expect(version).toBe('m:0');
  const read = (value: StateValue, stored = version) => {
    const row = { machine: name, version: stored, snapshot: { value, context: {} } as never };
    return compatibleSnapshot('m:1', row, { name, machine, version, upgrades: {}, readableBy }).value;
  };
  for (const value of [
    { a: 'y', b: {} },
    { a: { x: {} }, b: {} },
  ])
    expect(read(value)).toEqual(value);
  expect(() => read({ a: {}, b: {} })).toThrow('has no state "a"');
  expect(() => read({ a: 'x', b: {}, c: {} })).toThrow('has no state "c"');
  expect(() => read({ a: 'x', b: {} }, 'm:1')).toThrow('it is of version "m:1", expected "m:0"');
});

describe('the trees of a process', () => {
  it('are the same for the same kinds, and no step has what another one asked for', () => {
    const shared = treesOf();
    expect(treesOf(kindsWith([]))).toBe(shared);
    expect(treesOf(createKinds(kindsWith([]).all))).not.toBe(shared);
    for (const tree of [shared.restore(plan, stored()), shared.restore(plan, stored())])
      expect(step(tree, shared, 'pause').requests.stops).toHaveLength(2);
  });
});
