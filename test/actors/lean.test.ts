/** The replacements for parts of XState do the same at a lower cost: a new version of XState that changes these parts fails here. */

import { describe, expect, it } from 'vitest';
import {
  type AnyStateMachine,
  assign,
  createActor,
  createMachine,
  type InspectionEvent,
  setup,
  stopChild,
} from 'xstate';
import { leanActions } from '../../actors/xstate-internals.ts';
import { supervisorTree } from '../../machines/vocabulary/ids.ts';
import { trees } from '../support/trees.ts';

interface Counts {
  count: number;
  word: string;
}

function counter() {
  const base = setup({
    types: { context: {} as Counts, events: {} as { type: 'add'; by: number } | { type: 'say' } },
    actions: {
      add: assign(({ context, event }) => (event.type === 'add' ? { count: context.count + event.by } : {})),
      say: assign({ word: (_, params: { word: string }) => params.word, count: 0 }),
    },
  });
  const more = base.extend({
    actions: {
      both: base.enqueueActions(({ enqueue }) => {
        enqueue.assign({ count: 40 });
        enqueue('add');
      }),
    },
  });
  return more.createMachine({
    id: 'counter',
    context: { count: 1, word: '' },
    initial: 'low',
    states: {
      low: {
        tags: 'below',
        on: {
          add: { actions: 'add', target: 'high' },
          say: { actions: { type: 'say', params: { word: 'hello' } } },
        },
      },
      high: { tags: 'above', on: { add: { actions: 'both' } } },
    },
  });
}

/** With three children; each event ends one of them. */
function parent() {
  const base = setup({
    types: { context: {} as Counts, events: {} as { type: 'one' | 'two' | 'three' } },
    actors: { child: createMachine({ id: 'child', initial: 'idle', states: { idle: {} } }) },
    actions: { count: assign({ count: ({ context }) => context.count + 1 }), endA: stopChild('a') },
  });
  const more = base.extend({
    actions: {
      begin: base.enqueueActions(({ enqueue }) => {
        for (const id of ['a', 'b', 'c']) enqueue.spawnChild('child', { id });
      }),
      endB: base.enqueueActions(({ enqueue, self }) => {
        const ref = self.getSnapshot().children.b;
        if (ref !== undefined) enqueue.stopChild(ref);
      }),
      endC: base.stopChild(() => 'c'),
    },
  });
  return more.createMachine({
    id: 'parent',
    context: { count: 0, word: '' },
    entry: 'begin',
    initial: 'here',
    states: {
      here: {
        on: {
          one: { actions: ['endA', 'count'] },
          two: { actions: ['endB', 'count'] },
          three: { actions: ['endC', 'endA'] },
        },
      },
    },
  });
}

/** Every snapshot on the way, as it is persisted, with its tags, and whether it would accept a signal. */
function wayOf(machine: AnyStateMachine, types: readonly string[] = []) {
  const actor = createActor(machine);
  const way: unknown[] = [];
  actor.subscribe((snapshot) => {
    way.push([
      actor.getPersistedSnapshot(),
      [...snapshot.tags],
      snapshot.can({ type: 'say' }),
      snapshot.matches('high'),
    ]);
  });
  actor.start();
  const events = [{ type: 'say' }, { type: 'add', by: 2 }, { type: 'add', by: 3 }];
  for (const event of types.length === 0 ? events : types.map((type) => ({ type }))) actor.send(event);
  return way;
}

describe('an action that is made lean', () => {
  it('changes the context as ever, by itself and among enqueued actions, and nothing else', () => {
    const plain = wayOf(counter());
    expect(wayOf(leanActions(counter()))).toEqual(plain);
    expect(plain.at(-1)).toMatchObject([{ context: { count: 43, word: 'hello' } }, ['above'], false, true]);
  });

  it('ends a child as ever, by its name or by itself, in an action of its own and among enqueued ones', () => {
    const plain = wayOf(parent(), ['one', 'two', 'three']);
    expect(wayOf(leanActions(parent()), ['one', 'two', 'three'])).toEqual(plain);
    const children = plain.map((seen) => Object.keys((seen as [{ children: object }])[0].children));
    expect(children).toEqual([['a', 'b', 'c'], ['b', 'c'], ['c'], []]);
  });

  it('leaves the machine that it was made of as it was', () => {
    const machine = counter();
    const resolverOf = ({ implementations }: AnyStateMachine) =>
      (implementations.actions.add as { resolve?: unknown }).resolve;
    const before = resolverOf(machine);
    const lean = leanActions(machine);
    expect(resolverOf(machine)).toBe(before);
    expect(resolverOf(lean)).not.toBe(before);
  });

  it('is refused where the actions have not the form that is known', () => {
    const machine = createMachine({ id: 'strange' }, { actions: { mute: () => {} } });
    expect(() => leanActions(machine)).toThrow('no assign of machine "strange"');
  });
});

it('the inspection events sent in a tree are those that the option `inspect` receives', () => {
  const seen: InspectionEvent['type'][] = [];
  createActor(counter(), { inspect: ({ type }) => void seen.push(type) })
    .start()
    .send({ type: 'say' });
  const mine: InspectionEvent['type'][] = [];
  const actor = createActor(counter());
  Object.assign(actor.system, { _sendInspectionEvent: ({ type }: InspectionEvent) => void mine.push(type) });
  actor.start().send({ type: 'say' });
  expect(mine).toEqual(seen.filter((type) => type !== '@xstate.actor'));
  expect(mine.length).toBeGreaterThan(2);
});

it('a tree is written byte for byte as XState would write it', () => {
  const { tree } = trees.create(supervisorTree, {
    type: 'supervisor_opened',
    payload: {},
    origin: 'engine',
    actor: '',
    run: null,
    at: 7,
  });
  expect(trees.persistText(tree).text).toBe(JSON.stringify(trees.persist(tree).snapshot));
});
