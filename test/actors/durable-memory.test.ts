/** What a tree remembers of a chart: its delays, its promises and the work of its actors, and when each is given up. */
import { describe, expect, it } from 'vitest';
import {
  type AnyActorRef,
  type AnyStateMachine,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  fromPromise,
  fromTransition,
  raise,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import { actorsOf } from '../../actors/addressee.ts';
import type { AnyDefinition } from '../../actors/definition.ts';
import { logicKindOf, promisesOf } from '../../actors/durable-logic.ts';
import { kindsWith } from '../../actors/kinds.ts';
import { kindOf } from '../../actors/own-machine.ts';
import { createTrees } from '../../actors/tree.ts';
import type { AnySignal } from '../../machines/vocabulary/signal.ts';

function word(type: string, payload: object = {}, run: string | null = null): AnySignal {
  return { type, payload, origin: run === null ? 'person' : 'engine', actor: '', run, at: 1_000 };
}

/** A tree of that chart, restored before each event. */
function playing(machine: AnyStateMachine, more: Partial<AnyDefinition> = {}) {
  const all = createTrees(kindsWith([kindOf({ name: 'job', machine, version: 1, ...more } as AnyDefinition)]));
  const born = word('machine_started');
  let { tree, step } = all.create('job:7', born);
  const inputs = step.inputs.map(({ signal }) => signal);
  return {
    all,
    inputs,
    first: step.requests,
    tree: () => tree,
    memory: () => tree.memory,
    look: () => tree.root.getSnapshot(),
    send(type: string, payload: object = {}, run: string | null = null) {
      tree = all.restore('job:7', JSON.parse(JSON.stringify(all.persist(tree))));
      step = all.step(tree, word(type, payload, run));
      inputs.push(...step.inputs.map(({ signal }) => signal));
      return step.requests;
    },
  };
}

const call = fromPromise(async () => 1);
const ear = createMachine({
  context: { heard: 0 },
  on: { ping: { actions: assign({ heard: ({ context }) => context.heard + 1 }) } },
});

describe('a delayed event', () => {
  const own = createMachine({ on: { later: { actions: raise({ type: 'x' }, { delay: 50, id: 'one' }) } } });
  const machine = setup({ actors: { ear, own } }).createMachine({
    invoke: [
      { src: 'ear', id: 'ear' },
      { src: 'own', id: 'own' },
    ],
    on: {
      unnamed: { actions: raise({ type: 'x' }, { delay: 100 }) },
      one: { actions: raise({ type: 'x' }, { delay: 100, id: 'one' }) },
      two: { actions: raise({ type: 'x' }, { delay: 100, id: 'two' }) },
      ping: { actions: sendTo('ear', { type: 'ping' }, { delay: 100 }) },
      later: { actions: sendTo('own', { type: 'later' }) },
      cancelOne: { actions: cancel('one') },
      endEar: { actions: stopChild('ear') },
      endOwn: { actions: stopChild('own') },
    },
  });
  const root = { source: [], target: [], event: { type: 'x' }, isChart: true };

  it('is remembered with its sender and its receiver, and with the id that the chart gave it, if any', () => {
    const { send, memory } = playing(machine);
    expect(send('unnamed').timers).toEqual([{ id: 'delay#1', dueAt: 1_100 }]);
    send('one');
    send('ping');
    expect(send('later').timers).toEqual([{ id: 'delay#4', dueAt: 1_050 }]);
    expect(memory().delayed).toEqual({
      'delay#1': { ...root, id: '' },
      'delay#2': { ...root, id: 'one', isNamed: true },
      'delay#3': { source: [], target: ['ear'], id: '', event: { type: 'ping' }, isChart: true },
      'delay#4': { source: ['own'], target: ['own'], id: 'one', event: { type: 'x' }, isChart: true, isNamed: true },
    });
    expect(memory().open).toEqual(Object.fromEntries([1, 2, 3, 4].map((n) => [`delay#${n}`, 'delay'])));
  });

  it('is cancelled by its id, and no other one is: of another id, without one, or of another actor', () => {
    const { send, memory } = playing(machine);
    for (const type of ['unnamed', 'one', 'two', 'later']) send(type);
    expect(send('cancelOne').stops).toEqual([{ run: 'delay#2', stopAt: 1_000 }]);
    expect(Object.keys(memory().delayed)).toEqual(['delay#1', 'delay#3', 'delay#4']);
    expect(Object.keys(memory().open)).toEqual(['delay#1', 'delay#3', 'delay#4']);
  });

  it('leaves its id to a newer one of the same actor alone', () => {
    const { send, memory } = playing(machine);
    for (const type of ['one', 'two', 'later', 'one']) send(type);
    const named = Object.entries(memory().delayed).flatMap(([run, { isNamed }]) => (isNamed === true ? [run] : []));
    expect(named).toEqual(['delay#2', 'delay#3', 'delay#4']);
    send('timer_due', {}, 'delay#1');
    expect(memory().delayed['delay#4']).not.toHaveProperty('isNamed');
    expect(send('cancelOne').stops).toEqual([]);
  });

  it('is given up at once where its sender or its receiver ends, and no other one is', () => {
    const { send, memory } = playing(machine);
    for (const type of ['unnamed', 'ping', 'later']) send(type);
    expect(send('endEar').stops).toEqual([{ run: 'delay#2', stopAt: 1_000 }]);
    expect(send('endOwn').stops).toEqual([{ run: 'delay#3', stopAt: 1_000 }]);
    expect([Object.keys(memory().delayed), memory().open]).toEqual([['delay#1'], { 'delay#1': 'delay' }]);
  });

  it('comes at a whole millisecond, at once where its time is over, and never at no time', () => {
    const delays = [12.6, -5, Number.NaN, Number.POSITIVE_INFINITY];
    const timed = createMachine({
      on: {
        go: {
          actions: raise({ type: 'x' }, { delay: ({ event }) => delays[(event as unknown as { n: number }).n] ?? 0 }),
        },
      },
    });
    const { send } = playing(timed);
    expect([send('go', { n: 0 }).timers, send('go', { n: 1 }).timers]).toEqual([
      [{ id: 'delay#1', dueAt: 1_013 }],
      [{ id: 'delay#2', dueAt: 1_000 }],
    ]);
    expect(() => send('go', { n: 2 })).toThrow('"x" is to come after NaN ms');
    expect(() => playing(timed).send('go', { n: 3 })).toThrow('"x" is to come after Infinity ms');
  });
});

describe('what an actor below the root has asked for', () => {
  const kid = setup({ actors: { call }, actions: { publish: () => {}, remind: () => {} } }).createMachine({
    initial: 'on',
    states: { on: { invoke: { src: 'call', id: 'call' }, entry: ['publish', 'remind'] } },
  });
  const machine = setup({ actors: { kid }, types: { context: {} as { first: AnyActorRef } } }).createMachine({
    context: ({ spawn }) => ({ first: spawn('kid', { id: 'kid' }) }),
    invoke: { src: 'kid', id: 'kid2' },
    on: {
      end: { actions: stopChild('kid') },
      begin: { actions: spawnChild('kid', { id: 'kid' }) },
      late: { actions: sendTo(({ context }) => context.first, { type: 'late' }, { delay: 100 }) },
    },
  });
  const effects = { publish: { run: async () => undefined }, remind: { afterMs: 5, event: 'reminded' } };

  it('is not for the next actor of its id: it is given up when that one begins, and nothing of any other actor is', () => {
    const { send, memory } = playing(machine, { effects });
    const runsOf = (id: string) =>
      Object.entries(memory().open).flatMap(([run]) => {
        const path = memory().delayed[run]?.source ?? memory().askers[run] ?? [];
        return path[0] === id ? [run] : [];
      });
    const [first, other] = [runsOf('kid'), runsOf('kid2')];
    expect([first.length, other.length]).toEqual([3, 3]);
    const ended = send('end').stops.map(({ run }) => run);
    expect(first).toEqual(expect.arrayContaining(ended));
    const [work] = first.filter((run) => run.startsWith('publish'));
    expect(memory().open).toHaveProperty([work ?? ''], 'publish');
    send('late');
    const late = Object.keys(memory().delayed).find((run) => run.startsWith('delay')) ?? '';
    const stops = send('begin').stops.map(({ run }) => run);
    expect(stops).toEqual([work, late]);
    expect([memory().askers[work ?? ''], memory().delayed[late], memory().open[late]]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(runsOf('kid2')).toEqual(other);
    expect(runsOf('kid')).toHaveLength(3);
  });
});

describe('a promise', () => {
  const machine = setup({ actors: { call } }).createMachine({
    invoke: { src: 'call', id: 'call', input: { of: 1 } },
    on: { ping: { actions: sendTo('call', { type: 'ping' }) } },
  });

  it('is asked for once, and goes on where it is sent an event that it cannot take', () => {
    const { first, send, memory } = playing(machine);
    expect(first.effects).toMatchObject([{ id: 'call#1', effect: 'call', input: { of: 1 } }]);
    expect(send('ping')).toMatchObject({ effects: [], stops: [] });
    expect([memory().open, memory().askers]).toEqual([{ 'call#1': 'call' }, { 'call#1': ['call'] }]);
  });

  it('of a chart that lies twenty charts deep is known by its label, and a chart that lies deeper is refused', () => {
    const nested = (depth: number): AnyStateMachine => {
      if (depth === 0) return setup({ actors: { call } }).createMachine({ invoke: { src: 'call', id: 'call' } });
      return setup({ actors: { in: nested(depth - 1) } }).createMachine({ invoke: { src: 'in', id: 'in' } }) as never;
    };
    const label = `${'in/'.repeat(20)}call`;
    expect([...promisesOf(nested(20)).keys()]).toEqual([label]);
    expect(playing(nested(20)).first.effects).toMatchObject([{ effect: label }]);
    expect(() => playing(nested(21))).toThrow('nested deeper than 20 machines');
  });
});

describe('a replay of the past', () => {
  it('throws again what a plain action threw, by its number in the step, and a text as an error with that text', () => {
    const did: string[] = [];
    const kid = createMachine({
      entry: [
        () => void did.push('first'),
        () => {
          throw 'no luck';
        },
      ],
    });
    const machine = setup({ actors: { kid } }).createMachine({
      context: { why: '' },
      initial: 'a',
      states: {
        a: { on: { go: 'b' } },
        b: {
          invoke: {
            src: 'kid',
            onError: { target: 'c', actions: assign({ why: ({ event }) => String(event.error) }) },
          },
        },
        c: {},
      },
    });
    const { all, inputs, send, look } = playing(machine);
    send('go');
    expect(inputs.at(-1)?.thrown).toEqual({ 1: { name: 'Error', message: 'no luck' } });
    expect([look().value, did]).toEqual(['c', ['first']]);
    const replayed = all.replay('job:7', inputs)?.root.getSnapshot();
    expect([replayed?.value, replayed?.context, did]).toEqual(['c', { why: 'Error: no luck' }, ['first']]);
  });
});

describe('an error', () => {
  it('of an actor may be kept in the context of its parent, and is an error after a restart', () => {
    class NoMoney extends Error {
      override readonly name = 'NoMoney';
    }
    const kid = createMachine({
      entry: () => {
        throw Object.assign(new NoMoney('none left'), { code: 402 });
      },
    });
    const machine = setup({ actors: { kid } }).createMachine({
      context: { why: null as unknown },
      initial: 'a',
      states: {
        a: { on: { go: 'b' } },
        b: { invoke: { src: 'kid', onError: { target: 'c', actions: assign({ why: ({ event }) => event.error }) } } },
        c: {},
      },
    });
    const { send, look } = playing(machine);
    send('go');
    send('nothing');
    expect(String(look().context.why)).toBe('NoMoney: none left');
    expect(look().context.why).toMatchObject({ code: 402 });
  });
});

describe('code that listens to an actor', () => {
  const child = fromTransition((state: number) => state, 0);
  const spawning = (listen: (ref: AnyActorRef) => void, options: object = {}) =>
    setup({ actors: { child } }).createMachine({
      context: {},
      on: {
        go: {
          actions: assign({
            ref: ({ spawn }) => {
              const ref = spawn('child', { id: 'kid', ...options });
              listen(ref as never);
              return ref;
            },
          }),
        },
      },
    });

  it('is refused before the actor begins and after, however it listens', () => {
    expect(() => playing(spawning((ref) => void ref.on('news', () => {}))).send('go')).toThrow(
      'a listener for "news" of the actor "kid"',
    );
    expect(() => playing(spawning((ref) => void ref.subscribe(() => {}))).send('go')).toThrow(
      'an observer of the actor "kid"',
    );
    const selecting = setup({ actors: { child } }).createMachine({
      invoke: { src: 'child', id: 'kid' },
      on: {
        go: {
          actions: ({ self }) =>
            void (self.getSnapshot().children.kid as AnyActorRef).select((s) => s).subscribe(() => {}),
        },
      },
    });
    expect(() => playing(selecting).send('go')).toThrow('an observer of the actor "kid"');
  });

  it('may be XState itself, for the parent of the actor', () => {
    const { send, look } = playing(spawning(() => {}, { syncSnapshot: true }));
    send('go');
    send('nothing');
    expect(Object.keys(look().children)).toEqual(['kid']);
  });
});

it('a tree is stored the same after a restart, in whichever order its states of history were entered', () => {
  const machine = createMachine({
    initial: 'on',
    states: {
      on: {
        type: 'parallel',
        on: { off: 'off' },
        states: {
          b: { initial: 'x', states: { x: { on: { b: 'y' } }, y: {} } },
          a: { initial: 'x', states: { x: { on: { a: 'y' } }, y: {} } },
          past: { type: 'history', history: 'deep' },
        },
      },
      off: { on: { on: 'on.past' } },
    },
  });
  const texts = [
    ['a', 'b', 'off'],
    ['b', 'a', 'off'],
    ['b', 'a', 'off', 'on', 'off'],
  ].map((types) => {
    const { all, tree, send } = playing(machine);
    for (const type of types) send(type);
    return all.persistText(tree()).text;
  });
  expect(new Set(texts).size).toBe(1);
});

it('each actor of a restored tree is one of its own for XState', () => {
  const machine = setup({ actors: { ear } }).createMachine({
    invoke: [
      { src: 'ear', id: 'one' },
      { src: 'ear', id: 'two' },
    ],
  });
  const { send, tree } = playing(machine);
  send('nothing');
  const sessions = [...actorsOf(tree().root)].map(({ sessionId }) => sessionId);
  expect(new Set(sessions).size).toBe(3);
});

it('a chart may emit a thousand and one events as it begins', () => {
  const machine = createMachine({
    entry: enqueueActions(({ enqueue }) => {
      for (let n = 0; n < 1_001; n += 1) enqueue(emit({ type: 'news' }) as never);
    }),
  });
  expect(playing(machine).look().status).toBe('active');
});

it('logic of another library is no promise, though it is built like one', () => {
  const alike = (transition: () => unknown) => ({
    config: () => {},
    start: () => {},
    getInitialSnapshot: () => ({}),
    transition,
  });
  expect(
    [alike(() => ({ status: 'active' })), alike(() => undefined), alike(() => ({ status: 'done' }))].map(logicKindOf),
  ).toEqual(['callback', 'callback', 'promise']);
});

it('a chart whose invokes are one, several or none is bound as it was written', () => {
  const inner = createMachine({ initial: 'a', states: { a: {} } });
  const machine = createMachine({
    initial: 'none',
    states: {
      none: { on: { go: 'one' } },
      one: { invoke: { src: inner, id: 'i1' } as never, on: { go: 'many' } },
      many: {
        invoke: [
          { src: inner, id: 'i2' },
          { src: call, id: 'i3' },
        ] as never,
      },
    },
  });
  const { send, look } = playing(machine);
  const children = () => Object.keys(look().children);
  const seen = [children()];
  for (const type of ['go', 'go']) {
    send(type);
    seen.push(children());
  }
  expect(seen).toEqual([[], ['i1'], ['i2', 'i3']]);
});
