/** How a tree of a user-defined machine takes a signal: which actor it is for, as which event, and why it is refused, held or remembered. */
import { describe, expect, it } from 'vitest';
import { and, assign, createMachine, fromPromise, not, raise, setup } from 'xstate';
import { z } from 'zod';
import { outputAwaited, waitersLimit } from '../../actors/output-wait.ts';
import { kindOf, machineUpgraded, mayBeTaken, treeDeleted } from '../../actors/own-machine.ts';
import { defined, now, play } from '../support/one-chart.ts';

const run = async () => undefined;
/** Notes each event that it gets. */
const noting = setup({
  types: { context: {} as { heard: object[] } },
  actions: {
    ask: () => {},
    later: () => {},
    note: assign({ heard: ({ context, event }) => [...context.heard, event] }),
  },
});
const hearing = { context: { heard: [] as object[] }, on: { '*': { actions: 'note' as const } } };
const askingChart = noting.createMachine({ ...hearing, entry: ['ask', 'later'] });
const asking = (machine: object = askingChart) =>
  defined({ machine, effects: { ask: { run }, later: { afterMs: 9, event: 'late' } } });
const done = { status: 'done', result: 'done' };
const stale = { status: 'done', result: 'stale' };

describe('an event', () => {
  it('has the fields of the signal, and its time unless a field says another', () => {
    const { tree, send } = play(asking());
    const heard = () => tree.root.getSnapshot().context.heard.at(-1);
    expect(send('news', { x: 1 }).verdict).toEqual(done);
    expect(heard()).toEqual({ type: 'news', x: 1, at: now });
    send('news', { at: 5, type: 'other' });
    expect(heard()).toEqual({ type: 'news', at: 5 });
  });

  it('comes from an effect: what it returned, or its failure by the name of the action', () => {
    const { tree, send } = play(asking());
    const heard = () => tree.root.getSnapshot().context.heard.at(-1);
    expect(send('effect_failed', { detail: 'no', effect: 'forged' }, 'ask#1').verdict).toEqual(done);
    expect(heard()).toEqual({ type: 'effect_failed', effect: 'ask', detail: 'no', at: now });
    expect(tree.memory.open).toEqual({ 'later#2': 'later' });
    const other = play(asking());
    other.send('told', { x: 1 }, 'ask#1');
    expect(other.tree.root.getSnapshot().context.heard).toEqual([{ type: 'told', x: 1, at: now }]);
  });

  it('of a failed effect has its error as JSON, which is the same after a restart', () => {
    const failed = play(asking());
    const error = { stator$$type: 'error', name: 'TypeError', message: 'odd', code: 7 };
    failed.send('effect_failed', { detail: 'odd', error }, 'ask#1');
    const plain = { name: 'TypeError', message: 'odd', code: 7 };
    expect(failed.tree.root.getSnapshot().context.heard).toMatchObject([{ detail: 'odd', error: plain }]);
    expect(JSON.stringify(failed.tree.root.getPersistedSnapshot())).not.toContain('stator$$type');
  });

  it('comes from a timer, once', () => {
    const { tree, send } = play(asking());
    expect(send('timer_due', {}, 'later#2').verdict).toEqual(done);
    expect(tree.root.getSnapshot().context.heard).toEqual([{ type: 'late', at: now }]);
    expect(tree.memory).toMatchObject({ open: { 'ask#1': 'ask' }, delayed: {} });
    expect(send('timer_due', {}, 'later#2').verdict).toEqual(stale);
    expect(send('told', {}, 'ask#9').verdict).toEqual(stale);
  });

  it('goes to the actor that asked, and to nobody once that has ended', () => {
    const below = noting.createMachine({ ...hearing, entry: ['ask', 'later'] });
    const machine = setup({ actors: { below } }).createMachine({
      initial: 'a',
      states: { a: { invoke: { src: 'below', id: 'kid' }, on: { leave: 'b' } }, b: {} },
    });
    const { tree, send } = play(asking(machine));
    const { kid } = tree.root.getSnapshot().children;
    send('told', { x: 1 }, 'ask#1');
    send('timer_due', {}, 'later#2');
    expect(kid?.getSnapshot().context.heard).toEqual([
      { type: 'told', x: 1, at: now },
      { type: 'late', at: now },
    ]);
    expect(send('news').verdict).toMatchObject({ status: 'refused' });

    const ended = noting.createMachine({ ...hearing, entry: 'ask', initial: 'a', states: { a: { type: 'final' } } });
    const above = setup({ actors: { below: ended } }).createMachine({ invoke: { src: 'below', id: 'kid' } });
    expect(play(asking(above)).send('told', {}, 'ask#1').verdict).toEqual(stale);
  });

  it('of a promise is its end, with its output or its error', () => {
    const work = fromPromise(run);
    const machine = setup({ types: { context: {} as { got: unknown } }, actors: { work } }).createMachine({
      context: { got: null },
      initial: 'a',
      states: {
        a: {
          invoke: {
            src: 'work',
            onDone: { target: 'b', actions: assign({ got: ({ event }) => event.output }) },
            onError: { target: 'c', actions: assign({ got: ({ event }) => event.error }) },
          },
        },
        ...{ b: {}, c: {} },
      },
    });
    const endedBy = (type: string, payload: object) => {
      const { tree, send } = play(defined({ machine }));
      expect(send(type, payload, 'work#1').verdict).toEqual(done);
      const { value, context } = tree.root.getSnapshot();
      return [value, context.got];
    };
    expect(endedBy('promise_settled', { output: { x: 1 } })).toEqual(['b', { x: 1 }]);
    const error = { stator$$type: 'error', name: 'TypeError', message: 'odd', code: 7 };
    expect(endedBy('effect_failed', { detail: 'no', error })).toEqual([
      'c',
      expect.objectContaining({ name: 'TypeError', message: 'odd', code: 7 }),
    ]);
    expect(endedBy('effect_failed', { detail: 'no', error: 'thrown text' })).toEqual(['c', 'thrown text']);
    expect(endedBy('effect_failed', { detail: 'no' })).toEqual(['c', new Error('no')]);
  });

  it('of a delay of the chart is its own: no state need name it', () => {
    const machine = createMachine({ initial: 'a', states: { a: { after: { 50: 'b' } }, b: {} } });
    const { tree, send } = play(defined({ machine }));
    expect(send('timer_due', {}, 'delay#1').verdict).toEqual(done);
    expect(tree.root.getSnapshot().value).toBe('b');
    const raising = createMachine({ entry: raise({ type: 'nobody' }, { delay: 5 }) });
    expect(play(defined({ machine: raising })).send('timer_due', {}, 'delay#1').verdict).toEqual(done);
    const deaf = createMachine({ initial: 'a', states: { a: { entry: 'later' as never } } });
    const { send: tell } = play(asking(deaf.provide({ actions: { later: () => {}, ask: () => {} } } as never)));
    expect(tell('timer_due', {}, 'later#1').verdict).toMatchObject({ status: 'refused' });
  });
});

describe('a refusal', () => {
  const machine = setup({
    guards: { isPaid: () => false, isLate: () => false, isOpen: () => false },
  }).createMachine({
    id: 'shop',
    initial: 'open',
    on: { pay: { guard: 'isOpen', actions: () => {} }, any: { guard: not('isOpen') } },
    states: {
      open: {
        initial: 'empty',
        on: { send: { guard: { type: 'isPaid' }, target: 'sent' }, 'ask.*': 'sent' },
        states: {
          empty: {
            on: {
              pay: [
                { guard: () => false, target: 'full' },
                { guard: 'isLate', target: 'full' },
              ],
              odd: { guard: and([() => false]), target: 'full' },
            },
          },
          full: { on: { '*': { target: 'empty', guard: 'isPaid' } } },
        },
      },
      sent: { type: 'final' },
    },
  });
  const accepted = ['pay', 'send', 'ask.price', 'ask', 'odd', 'never', 'asked'];
  const signals = Object.fromEntries(accepted.map((type) => [type, z.looseObject({})]));
  const shop = defined({ machine, signals });
  const refusalOf = (type: string) => {
    const { verdict } = play(shop).send(type);
    return verdict.status === 'refused' ? verdict.refusal : verdict;
  };

  it('says the state, the guard that failed, and what is taken now', () => {
    const accepts = ['pay', 'send', 'ask.price', 'ask', 'odd'];
    const refusal = { by: 'shop', state: 'open.empty', accepts };
    expect(refusalOf('send')).toEqual({ ...refusal, guard: 'isPaid' });
    expect(refusalOf('pay')).toEqual({ ...refusal, guard: 'isLate' });
    expect(refusalOf('odd')).toEqual({ ...refusal, guard: null });
    expect(refusalOf('never')).toEqual({ ...refusal, guard: null });
  });

  it('is no verdict about a payload: a state takes what it has a transition for', () => {
    const { tree, send } = play(shop);
    const takes = (type: string) => mayBeTaken(tree.root.getSnapshot(), type);
    const taken = ['pay', 'send', 'ask', 'ask.price', 'ask.price.now', 'any', 'odd'];
    expect([...taken, 'asked', 'price', 'sen', 'xstate.init', '*'].filter(takes)).toEqual(taken);
    send('ask.price');
    expect(tree.root.getSnapshot().status).toBe('done');
    expect(taken.filter(takes)).toEqual([]);
    const any = play(defined({ machine: createMachine({ on: { '*': {} } }) }));
    expect(mayBeTaken(any.tree.root.getSnapshot(), 'whatever')).toBe(true);
  });
});

it('a state holds the signals that its meta names, until it is left', () => {
  const machine = createMachine({
    initial: 'busy',
    states: {
      busy: { meta: { holds: ['news'] }, on: { news: 'told', rest: 'free', stay: {} } },
      free: { on: { news: 'told' } },
      told: {},
    },
  });
  const { send } = play(defined({ machine }));
  expect(send('news')).toMatchObject({ verdict: { status: 'held' }, released: false });
  expect(send('rest')).toMatchObject({ verdict: done, released: true });
  expect(send('news')).toMatchObject({ verdict: done, released: false });
});

it('the message about a new version is taken by every state, and what is possible now is done', () => {
  const old = createMachine({ initial: 'a', states: { a: {}, b: {} }, context: { isReady: true } });
  const { trees, tree } = play(defined({ machine: old }));
  const newer = createMachine({
    ...{ initial: 'a', context: { isReady: true } },
    states: { a: { always: { guard: ({ context }) => context.isReady, target: 'b' } }, b: {} },
  });
  const { trees: next } = play(defined({ machine: newer }));
  const again = next.restore('chart:1', trees.persist(tree));
  expect(again.root.getSnapshot().value).toBe('a');
  const upgraded = { type: machineUpgraded, payload: {}, origin: 'engine', actor: '', run: null, at: now } as const;
  expect(next.step(again, upgraded).verdict).toEqual(done);
  expect(again.root.getSnapshot().value).toBe('b');
});

describe('a tree that waits for the output', () => {
  const machine = createMachine({
    output: { sum: 3 },
    initial: 'a',
    states: { a: { on: { end: 'b' } }, b: { type: 'final' } },
  });
  const wait = (number: number) => ({
    ...{ type: outputAwaited, payload: { run: `work#${number}` }, actor: '', run: null, at: now },
    origin: 'machine:other:1' as const,
  });

  it('is remembered, and answered at the end', () => {
    const { trees, tree, send } = play(defined({ machine }));
    expect(trees.step(tree, wait(1)).verdict).toEqual(done);
    expect(tree.memory.waiters).toEqual([{ tree: 'other:1', run: 'work#1' }]);
    expect(send('end').requests.signals).toEqual([
      { tree: 'other:1', type: 'promise_settled', payload: { output: { sum: 3 } }, run: 'work#1' },
    ]);
  });

  it('is no event of the chart, even of one that takes any', () => {
    const { trees, tree } = play(asking());
    expect(trees.step(tree, wait(1)).verdict).toEqual(done);
    expect(tree.root.getSnapshot().context.heard).toEqual([]);
  });

  it('is one of at most a thousand', () => {
    const { trees, tree } = play(defined({ machine }));
    for (let number = 1; number <= waitersLimit; number += 1) trees.step(tree, wait(number));
    expect(() => trees.step(tree, wait(0))).toThrow('1000 trees wait for the output of chart:1');
    expect(tree.memory.waiters).toHaveLength(1_000);
  });
});

it('the engine’s own lines in a journal have the names that journals have', () => {
  expect([machineUpgraded, treeDeleted]).toEqual(['machine_upgraded', 'tree_deleted']);
});

it('nothing is applied before its signal, or refused by its sender', () => {
  const { rules } = kindOf(asking());
  const { tree } = play(asking());
  const news = {
    type: 'news',
    payload: { fsm_applied: true },
    origin: 'person',
    actor: '',
    run: null,
    at: now,
  } as const;
  expect([rules.isPreApplied, rules.isSuppressed, rules.obstacleTo].map((rule) => rule(tree.root, news))).toEqual([
    ...[false, false, null],
  ]);
});
