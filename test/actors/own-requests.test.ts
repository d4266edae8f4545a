/** What a named action of a user-defined machine asks for, by its effect: work, an event later, a message, another tree, or the end of plans. */
import { describe, expect, it } from 'vitest';
import { assign, createMachine, enqueueActions, fromPromise, setup, spawnChild } from 'xstate';
import { outputOf } from '../../actors/output-wait.ts';
import type { Requests } from '../../actors/ports.ts';
import { defined, now, play } from '../support/one-chart.ts';

const run = async () => undefined;
const done: string[] = [];
const parts = setup({
  types: { context: {} as { n: number }, events: {} as { type: string; with?: unknown } },
  actions: { act: (_, _params: unknown) => void done.push('act'), other: () => {}, halt: () => {}, stay: () => {} },
});
const chart = parts.createMachine({
  context: { n: 7 },
  on: {
    go: { actions: { type: 'act', params: ({ event }: { event: { with?: unknown } }) => event.with } },
    plain: { actions: 'act' as never },
    more: { actions: 'other' },
    halt: { actions: 'halt' },
    stay: { actions: 'stay' },
  },
});

/** `act`: the effect of the action that `go` calls. */
const begin = (act: object, more: object = {}, number?: number) =>
  play(defined({ machine: chart, effects: { act, ...more } }), {}, number);
/** The kinds of requests that a step made. */
const made = ({ requests }: { requests: Requests }) =>
  Object.fromEntries(Object.entries(requests).filter(([, all]) => all.length > 0));
const asked = (act: object, params: unknown = { x: 1 }) => made(begin(act).send('go', { with: params }));

describe('work', () => {
  it('is an effect with its params, in the lane of its action or another', () => {
    const effect = { kind: 'machine.effect', id: 'act#1', machine: 'chart', effect: 'act', lane: 'act' };
    expect(asked({ run })).toEqual({ effects: [{ ...effect, input: { x: 1 } }] });
    expect(asked({ run, lane: 'slow' })).toEqual({ effects: [{ ...effect, lane: 'slow', input: { x: 1 } }] });
    expect(made(begin({ run }).send('plain'))).toEqual({ effects: [{ ...effect, input: null }] });
    expect(() => asked({ run }, { when: new Date(0) })).toThrow(
      'the params of the action act cannot be kept as JSON: when is a Date',
    );
  });

  it('has an id of its own, with the number of the signal that created its tree', () => {
    const ids = ({ requests }: { requests: Requests }) => requests.effects.map((effect) => 'id' in effect && effect.id);
    const numbered = begin({ run }, {}, 42);
    expect([...ids(numbered.send('go')), ...ids(numbered.send('go'))]).toEqual(['act#42.1', 'act#42.2']);
    const again = numbered.trees.restore('chart:1', numbered.trees.persist(numbered.tree));
    expect(ids(numbered.trees.step(again, numbered.born.inputs[0]?.signal as never))).toEqual([]);
    expect(again.memory).toMatchObject({ born: 42, count: 2, open: { 'act#42.1': 'act', 'act#42.2': 'act' } });
  });

  it('comes after what the function of the action itself does, once', () => {
    done.length = 0;
    begin({ run }).send('go');
    expect(done).toEqual(['act']);
  });

  it('is stopped by each action that it names, and by no other', () => {
    const both = { act: { run, stoppedBy: ['halt', 'stay'] }, other: { run, stoppedBy: ['halt'] }, stay: { run } };
    const stops = (...types: string[]) => {
      const { send } = play(defined({ machine: chart, effects: both }));
      return types.map((type) => send(type)).at(-1)?.requests.stops;
    };
    expect(stops('go', 'more', 'halt')).toEqual([
      { run: 'act#1', stopAt: now },
      { run: 'other#2', stopAt: now },
    ]);
    expect(stops('go', 'more', 'stay')).toEqual([{ run: 'act#1', stopAt: now }]);
    expect(stops('go', 'more', 'go')).toEqual([]);
    expect(stops('go', 'halt', 'halt')).toEqual([]);
  });

  it('of a machine below the root is remembered with its actor, also when it is stopped', () => {
    const below = setup({ actions: { act: () => {}, halt: () => {} } }).createMachine({
      on: { go: { actions: 'act' }, halt: { actions: 'halt' } },
    });
    const machine = setup({ actors: { below } }).createMachine({
      invoke: { src: 'below', id: 'kid' },
      on: { '*': { actions: ({ self, event }) => void self.getSnapshot().children.kid?.send(event as never) } },
    });
    const { tree, send } = play(defined({ machine, effects: { act: { run, stoppedBy: ['halt'] } } }));
    expect(send('go').requests.effects).toMatchObject([{ id: 'act#1', effect: 'act' }]);
    expect(tree.memory).toMatchObject({ open: { 'act#1': 'act' }, askers: { 'act#1': ['kid'] } });
    expect(send('halt').requests.stops).toEqual([{ run: 'act#1', stopAt: now }]);
    expect(tree.memory).toMatchObject({ open: {}, askers: {} });
    const { tree: plain, send: tell } = begin({ run });
    tell('go');
    expect(plain.memory.askers).toEqual({});
  });
});

describe('an event later', () => {
  it('comes after milliseconds, or after what the chart says', () => {
    const afterMs = (ms: unknown) => asked({ afterMs: ms, event: 'late' });
    expect(afterMs(250)).toEqual({ timers: [{ id: 'act#1', dueAt: now + 250 }] });
    expect(afterMs(0.6)).toEqual({ timers: [{ id: 'act#1', dueAt: now + 1 }] });
    const said: unknown[] = [];
    const byChart = (...given: unknown[]) => {
      said.push(...given);
      return -5;
    };
    expect(afterMs(byChart)).toEqual({ timers: [{ id: 'act#1', dueAt: now }] });
    const event = expect.objectContaining({ type: 'go', with: { x: 1 } });
    expect(said).toEqual([{ context: { n: 7 }, event, at: now }, { x: 1 }]);
    expect(() => afterMs(() => Number.NaN)).toThrow('the action act asks for an event after NaN ms');
  });

  it('is stored with its event, and stopped like work', () => {
    const { tree, send } = begin({ afterMs: 5, event: 'late', stoppedBy: ['halt'] });
    send('go');
    expect(tree.memory).toMatchObject({
      open: { 'act#1': 'act' },
      delayed: { 'act#1': { source: [], target: [], id: '', event: { type: 'late' } } },
    });
    expect(made(send('halt'))).toEqual({ stops: [{ run: 'act#1', stopAt: now }] });
    expect(tree.memory).toMatchObject({ open: {}, delayed: {} });
  });
});

describe('a message', () => {
  const message = (to: object, type: string, payload?: object) =>
    asked({ send: () => ({ to, type, ...(payload === undefined ? {} : { payload }) }) });
  const own = { machine: 'other', id: '2' };
  const plan = { project: 'demo', plan: 'login' };

  it('to a user-defined machine goes as it is: that machine checks it', () => {
    expect(message(own, 'news', { x: 1 })).toEqual({
      signals: [{ tree: 'other:2', type: 'news', payload: { x: 1 }, sender: 'chart:1' }],
    });
    expect(message(own, 'news')).toMatchObject({ signals: [{ payload: {} }] });
  });

  it('to a plan or a repo is a signal that a person could send', () => {
    expect(message(plan, 'cancel')).toEqual({
      signals: [{ tree: 'plan:demo/login', type: 'cancel', payload: {}, sender: 'chart:1' }],
    });
    expect(message({ project: 'demo' }, 'repo_paused')).toEqual({
      signals: [{ tree: 'repo:demo', type: 'repo_paused', payload: {}, sender: 'chart:1' }],
    });
    const asked = { body: 'no' };
    expect(message(plan, 'review_changes', asked)).toMatchObject({
      signals: [{ type: 'review_changes_requested', payload: asked }],
    });
  });

  it('is given the moment and the params of the action', () => {
    const said: unknown[] = [];
    asked({
      send: (...given: unknown[]) => {
        said.push(...given);
        return { to: own, type: 'news' };
      },
    });
    const event = expect.objectContaining({ type: 'go' });
    expect(said).toEqual([{ context: { n: 7 }, event, at: now }, { x: 1 }]);
  });

  it.each([
    [own, 'machine_started', {}, 'a message does not begin a tree ("machine_started")'],
    [own, 'output_awaited', {}, '"output_awaited" is no message: a chart waits for an output with outputOf'],
    [{ machine: 'other', id: 'a b' }, 'news', {}, '"a b" cannot be the id of a other'],
    [own, 'news', { when: new Date(0) }, 'what the action act sends cannot be kept as JSON: when is a Date'],
    [plan, 'shout', {}, '"shout" is no signal that a plan takes from a person'],
    [plan, 'timer_due', {}, '"timer_due" is no signal that a plan takes from a person'],
    [plan, 'cancel', { why: 1 }, 'the payload of cancel is not what it takes: '],
    [{ project: 'demo' }, 'cancel', {}, 'cancel is for a plan, and none is named'],
  ])('that nobody could take is a fault of the chart: %j %s', (to, type, payload, fault) => {
    expect(() => message(to, type, payload)).toThrow(fault);
  });
});

describe('another tree', () => {
  const start = (given: object) => asked({ start: () => given });

  it('is begun with its input', () => {
    const signal = { tree: 'other:b', type: 'machine_started', payload: { n: 1 }, sender: 'chart:1' };
    expect(start({ machine: 'other', id: 'b', input: { n: 1 } })).toEqual({ signals: [signal] });
    expect(start({ machine: 'other', id: 'b' })).toEqual({ signals: [{ ...signal, payload: {} }] });
    const byMoment = ({ context }: { context: { n: number } }, { x }: { x: number }) => ({
      ...{ machine: 'other', id: `${context.n}-${x}` },
    });
    expect(asked({ start: byMoment })).toMatchObject({ signals: [{ tree: 'other:7-1' }] });
  });

  it('has an id that an address can have, and an input that can be stored', () => {
    expect(() => start({ machine: 'other', id: '' })).toThrow('"" cannot be the id of a other');
    const input = { when: new Date(0) };
    expect(() => start({ machine: 'other', id: 'b', input })).toThrow('the input that the action act gives cannot be');
  });
});

it.each([
  ['send', null, 'send returned null; accepted: { to, type, payload }'],
  ['send', Promise.resolve(), 'send returned a promise; accepted: { to, type, payload }'],
  ['start', undefined, 'start returned a value of type undefined; accepted: { machine, id, input }'],
  ['watch', 'demo', 'watch returned a value of type string; accepted: a list of { project, plan }'],
])('%s that returns %j is named, with what it may return', (part, answer, fault) => {
  expect(() => asked({ [part]: () => answer })).toThrow(`effects.act: ${fault}`);
});

it('the repo of each plan that it watches is notified, and each project is remembered once', () => {
  const plans = [
    { project: 'demo', plan: 'login' },
    { project: 'demo', plan: 'logout' },
    { project: 'shop', plan: 'cart' },
  ];
  const { tree, send } = begin({ watch: ({ at }: { at: number }) => (at === now ? plans : []) });
  const told = plans.map(({ project, plan }) => ({
    ...{ tree: `repo:${project}`, type: 'plan_watched', payload: { plan, watcher: 'chart:1' }, sender: 'chart:1' },
  }));
  expect(made(send('go'))).toEqual({ signals: told });
  expect(tree.memory.watches).toEqual(['demo', 'shop']);
});

describe('a promise of the chart', () => {
  const work = fromPromise(run);
  const invoking = (src: object, invoke: object, actors: object = {}) =>
    play(defined({ machine: setup({ actors: { work: src as never } }).createMachine({ invoke } as never), actors }));

  it('is an effect too, by its label', () => {
    const effect = { kind: 'machine.effect', id: 'work#1', machine: 'chart', effect: 'work', lane: 'work' };
    expect(made(invoking(work, { src: 'work', input: { x: 1 } }).born)).toEqual({
      effects: [{ ...effect, input: { x: 1 } }],
    });
    expect(made(invoking(work, { src: 'work' }, { work: { lane: 'slow' } }).born)).toEqual({
      effects: [{ ...effect, lane: 'slow', input: null }],
    });
  });

  it('of another tree’s output asks that tree, and is stopped with its state', () => {
    const input = { id: '9' };
    const { born, tree } = invoking(outputOf('other'), { src: 'work', id: 'paid', input });
    const wait = { tree: 'other:9', type: 'output_awaited', payload: { run: 'work#1' }, sender: 'chart:1' };
    expect(made(born)).toEqual({ signals: [wait] });
    expect(tree.memory).toMatchObject({ open: { 'work#1': 'work' }, askers: { 'work#1': ['paid'] } });
  });

  it('is stopped, and a delay is, when the state that began it is left', () => {
    const machine = setup({ actors: { work } }).createMachine({
      initial: 'a',
      states: { a: { invoke: { src: 'work' }, after: { 50: 'b' }, on: { go: 'b' } }, b: {} },
    });
    const { born, send } = play(defined({ machine }));
    expect(made(born)).toMatchObject({
      effects: [{ id: 'work#1' }],
      timers: [{ id: 'delay#2', dueAt: now + 50 }],
    });
    expect(send('go').requests.stops).toEqual(
      expect.arrayContaining([
        { run: 'work#1', stopAt: now },
        { run: 'delay#2', stopAt: now },
      ]),
    );
  });
});

it('an action without an effect may end effects, and does what it did', () => {
  const machine = setup({
    actions: { act: () => {}, halt: () => void done.push('halt'), note: assign({}) },
  }).createMachine({ entry: 'act', on: { halt: { actions: ['note', 'halt'] } } });
  done.length = 0;
  const { send } = play(defined({ machine, effects: { act: { run, stoppedBy: ['halt'] } } }));
  expect(made(send('halt'))).toEqual({ stops: [{ run: 'act#1', stopAt: now }] });
  expect(done).toEqual(['halt']);
});

it('an action that one machine of the chart has is no action of another', () => {
  const below = createMachine({ entry: enqueueActions(({ enqueue }) => enqueue('act' as never)) });
  const machine = setup({ actions: { act: () => {} }, actors: { below } }).createMachine({
    entry: 'act',
    on: { go: { actions: spawnChild('below') } },
  });
  const { born, send } = play(defined({ machine, effects: { act: { run } } }));
  expect(made(born)).toMatchObject({ effects: [{ id: 'act#1' }] });
  expect(() => send('go')).toThrow('the action "act" of machine "(machine)" is implemented nowhere');
});
