/** Every feature of a chart, played by XState in memory and as a tree that is restored between every two events: both end in the same state. */
import { describe, expect, it, vi } from 'vitest';
import {
  type AnyActorRef,
  type AnyStateMachine,
  and,
  assign,
  cancel,
  createActor,
  createMachine,
  emit,
  enqueueActions,
  forwardTo,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  log,
  not,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import { z } from 'zod';
import { checkDefinition } from '../../actors/define-machine.ts';
import { eachLogic, logicKindOf, promisesOf, rejected, settled } from '../../actors/durable-logic.ts';
import { begunPromises, type Move, note, playDurably, playInMemory, work } from '../support/chart-play.ts';
import { expectFailure } from '../support/prose.ts';

const definitionOf = (machine: AnyStateMachine, more: object = {}) => ({ name: 'chart', machine, version: 1, ...more });

async function expectSame(machine: AnyStateMachine, script: readonly Move[], input: object = {}) {
  const memory = await playInMemory(machine, input, script);
  const memoryBegan = [...begunPromises()];
  const durable = await playDurably(definitionOf(machine), input, script);
  expect(durable.looks).toEqual(memory.looks);
  expect(durable.noted).toEqual(memory.noted);
  expect(durable.emitted).toEqual(memory.emitted);
  expect(begunPromises()).toEqual(memoryBegan);
  // A replay of the past ends in the same state, and repeats no side effect.
  const { trees, tree, inputs } = durable;
  const noted = [...durable.noted];
  const replayed = trees.replay(tree.address, inputs);
  expect(replayed === null ? null : trees.persist(replayed)).toEqual(trees.persist(tree));
  expect(durable.noted).toEqual(noted);
  return durable;
}

const send = (type: string, more: object = {}): Move => ({ send: { type, ...more } });

it('what a root, the machines below it and transition logic emit comes in XState’s order, once', async () => {
  const child = createMachine({
    initial: 'on',
    states: {
      on: { on: { ping: { actions: emit({ type: 'pinged' }) } }, after: { 100: 'off' } },
      off: { type: 'final' },
    },
    exit: emit({ type: 'left' }),
  });
  const counter = fromTransition((count: number, { type }: { type: string }, { emit }) => {
    emit({ type: `counted ${type}` });
    return count + 1;
  }, 0);
  const machine = setup({ actors: { child, counter } }).createMachine({
    context: { n: 1 },
    entry: emit({ type: 'born' }),
    invoke: { src: 'counter', id: 'counter' },
    initial: 'a',
    states: {
      a: {
        on: {
          go: { target: 'b', actions: emit(({ context, event }) => ({ type: 'went', n: context.n, by: event.type })) },
        },
      },
      b: {
        invoke: { src: 'child', id: 'child', onDone: 'c' },
        on: {
          ping: {
            actions: [sendTo('child', { type: 'ping' }), sendTo('counter', { type: 'ping' }), emit({ type: 'sent' })],
          },
        },
      },
      c: { entry: emit({ type: 'over' }) },
    },
  });
  const { emitted } = await expectSame(machine, ['go', 'ping', 'ping', 100]);
  expect(emitted).toMatchInlineSnapshot(`
    [
      " {"type":"born"}",
      " {"type":"went","n":1,"by":"go"}",
      "child {"type":"pinged"}",
      "counter {"type":"counted ping"}",
      " {"type":"sent"}",
      "child {"type":"pinged"}",
      "counter {"type":"counted ping"}",
      " {"type":"sent"}",
      "child {"type":"left"}",
      " {"type":"over"}",
    ]
  `);
});

describe('delays', () => {
  it('of states come on time, once, begin anew where a state is entered again, and not where it was left', async () => {
    const machine = createMachine({
      initial: 'green',
      on: { again: { target: '.green', reenter: true }, off: '.off' },
      states: {
        green: { entry: note('green'), after: { 1000: 'yellow' } },
        yellow: { after: { 200: { target: 'red', actions: note('to red') } } },
        red: { after: { 500: 'green' } },
        off: {},
      },
    });
    await expectSame(machine, [999, 1, 200, 400, 'again', 900, 'again', 999, 1, 'off', 10_000]);
  });

  it('by name and by function, in parallel states and in a child', async () => {
    const child = createMachine({
      initial: 'a',
      states: { a: { after: { 300: 'b' } }, b: { type: 'final' } },
      output: { from: 'child' },
    });
    const machine = setup({
      actors: { child },
      delays: { short: 100, computed: ({ context }) => (context as { ms: number }).ms },
    }).createMachine({
      context: { ms: 250 },
      type: 'parallel',
      states: {
        left: { initial: 'x', states: { x: { after: { short: 'y' } }, y: { after: { computed: 'z' } }, z: {} } },
        right: {
          initial: 'w',
          states: { w: { invoke: { src: 'child', id: 'kid', onDone: 'done' } }, done: { entry: note('kid done') } },
        },
      },
    });
    await expectSame(machine, [50, 50, 200, 50, 1_000]);
  });

  it('of raise and sendTo can be cancelled by id, go to a child, and do not outlive the actor that sent them', async () => {
    const child = setup({}).createMachine({
      initial: 'on',
      context: { pings: 0 },
      states: { on: { on: { ping: { actions: assign({ pings: ({ context }) => context.pings + 1 }) } } } },
    });
    const machine = setup({ actors: { child } }).createMachine({
      initial: 'idle',
      context: { heard: [] as string[] },
      invoke: { src: 'child', id: 'kid' },
      on: {
        tick: { actions: assign({ heard: ({ context }) => [...context.heard, 'tick'] }) },
        later: { actions: raise({ type: 'tick' }, { delay: 500, id: 'one' }) },
        twice: { actions: [raise({ type: 'tick' }, { delay: 100 }), raise({ type: 'tick' }, { delay: 200 })] },
        kid: { actions: sendTo('kid', { type: 'ping' }, { delay: 300, id: 'kid' }) },
        never: { actions: cancel('one') },
      },
      states: { idle: {} },
    });
    await expectSame(machine, ['later', 100, 'never', 1_000, 'twice', 'kid', 150, 200, 'later', 499, 1]);
  });

  it('for an actor that has ended are not heard by the next one of its id', async () => {
    const child = createMachine({
      context: { pings: 0 },
      on: { ping: { actions: assign({ pings: ({ context }) => context.pings + 1 }) } },
    });
    const machine = setup({ actors: { child } }).createMachine({
      initial: 'on',
      states: {
        on: {
          invoke: { src: 'child', id: 'kid' },
          on: {
            later: { actions: sendTo('kid', { type: 'ping' }, { delay: 300 }) },
            again: { target: 'on', reenter: true },
          },
        },
      },
    });
    await expectSame(machine, ['later', 100, 'again', 300, 'later', 300]);
  });

  it('under one id come each, and the id is that of the newest, until one has come or it is cancelled', async () => {
    const machine = createMachine({
      context: { ticks: 0 },
      on: {
        tick: { actions: assign({ ticks: ({ context }) => context.ticks + 1 }) },
        short: { actions: raise({ type: 'tick' }, { delay: 100, id: 'one' }) },
        long: { actions: raise({ type: 'tick' }, { delay: 300, id: 'one' }) },
        never: { actions: cancel('one') },
      },
    });
    await expectSame(machine, ['short', 'long', 'never', 'never', 500]);
    await expectSame(machine, ['short', 'long', 100, 'never', 500]);
  });

  it('of an event that no state takes any more are dropped silently', async () => {
    const machine = createMachine({
      initial: 'a',
      states: { a: { entry: raise({ type: 'late' }, { delay: 100 }), on: { go: 'b' } }, b: {} },
    });
    const { tree } = await expectSame(machine, ['go', 200]);
    expect(tree.memory.open).toEqual({});
  });
});

describe('promises', () => {
  const machine = setup({ actors: { work } }).createMachine({
    initial: 'idle',
    context: { got: null as unknown, why: null as string | null },
    states: {
      idle: { on: { go: 'working', both: 'both' } },
      working: {
        invoke: {
          src: 'work',
          id: 'job',
          input: { name: 'job' },
          onDone: { target: 'done', actions: assign({ got: ({ event }) => event.output }) },
          onError: { target: 'failed', actions: assign({ why: ({ event }) => (event.error as Error).message }) },
        },
        on: { stop: 'idle', again: { target: 'working', reenter: true } },
        after: { 5000: 'idle' },
      },
      both: {
        type: 'parallel',
        states: {
          one: {
            initial: 'w',
            states: { w: { invoke: { src: 'work', input: { name: 'one' }, onDone: 'd' } }, d: { type: 'final' } },
          },
          two: {
            initial: 'w',
            states: { w: { invoke: { src: 'work', input: { name: 'two' }, onDone: 'd' } }, d: { type: 'final' } },
          },
        },
        onDone: 'done',
      },
      done: { on: { go: 'working' } },
      failed: { on: { go: 'working' } },
    },
  });

  it('are begun once, however often the process ends, and lead on by what they answer', async () => {
    await expectSame(machine, [
      'go',
      10,
      { settle: 'job', output: { n: 42 } },
      'go',
      { fail: 'job', message: 'no luck' },
    ]);
  });

  it('are given up when their state is left, begun anew when it is entered again, and answer nobody after that', async () => {
    await expectSame(machine, [
      'go',
      'stop',
      { settle: 'job', output: 1 },
      'go',
      5_000,
      { settle: 'job' },
      'go',
      'again',
      { settle: 'job', output: 2 },
    ]);
  });

  it('side by side, in any order', async () => {
    await expectSame(machine, ['both', { settle: 'two' }, { settle: 'one' }]);
  });

  it('that are declared in the invoke itself, without a name, in a child, and spawned', async () => {
    const child = createMachine({
      initial: 'w',
      states: { w: { invoke: { src: work, input: { name: 'deep' }, onDone: 'd' } }, d: { type: 'final' } },
    });
    const parent = setup({ actors: { child, work } }).createMachine({
      initial: 'w',
      states: {
        w: { invoke: { src: work, id: 'own', input: { name: 'own' }, onDone: 'c' } as never },
        c: { invoke: { src: 'child', id: 'kid', onDone: 's' } },
        s: {
          entry: spawnChild('work', { id: 'sp', input: { name: 'spawned' } }),
          on: { 'xstate.done.actor.sp': 'end' },
        },
        end: { type: 'final' },
      },
    });
    await expectSame(parent, [{ settle: 'own' }, { settle: 'deep' }, { settle: 'spawned' }]);
  });

  it('whose failure nobody takes make the machine fail, as XState has it', async () => {
    const bare = setup({ actors: { work } }).createMachine({
      initial: 'w',
      states: { w: { invoke: { src: 'work', input: { name: 'x' } } } },
    });
    await expect(playDurably(definitionOf(bare), {}, [{ fail: 'x', message: 'no luck' }])).rejects.toThrow('no luck');
  });
});

describe('actors', () => {
  const counter = fromTransition(
    (count: number, event: { type: string; by?: number }) => (event.type === 'add' ? count + (event.by ?? 1) : count),
    0,
  );
  const kid = setup({}).createMachine({
    context: { said: [] as string[] },
    initial: 'on',
    on: {
      hear: { actions: assign({ said: ({ context }) => [...context.said, 'heard'] }) },
      tell: { actions: sendParent({ type: 'told', by: 'kid' }) },
      end: '.off',
    },
    states: { on: {}, off: { type: 'final' } },
    output: ({ context }) => context.said.length,
  });

  it('below the root are kept: transition logic, machines, refs in the context, system ids, and those that were stopped', async () => {
    const machine = setup({ actors: { counter, kid } }).createMachine({
      context: ({ spawn }) => ({
        ref: spawn('kid', { id: 'first', systemId: 'first-of-all' }),
        told: 0,
        out: null as unknown,
      }),
      invoke: { src: 'counter', id: 'count' },
      initial: 'on',
      on: {
        add: { actions: [forwardTo('count')] },
        hear: { actions: sendTo(({ context }) => context.ref, { type: 'hear' }) },
        bySystem: { actions: sendTo(({ system }) => system.get('first-of-all'), { type: 'tell' }) },
        told: { actions: assign({ told: ({ context }) => context.told + 1 }) },
        more: { actions: spawnChild('kid', { id: 'second' }) },
        less: { actions: stopChild('second') },
        endFirst: { actions: sendTo('first', { type: 'end' }) },
        'xstate.done.actor.first': {
          actions: assign({ out: ({ event }) => (event as unknown as { output: unknown }).output }),
        },
      },
      states: { on: {} },
    });
    await expectSame(machine, [
      send('add', { by: 2 }),
      'add',
      'hear',
      'bySystem',
      'more',
      'hear',
      'less',
      'endFirst',
      'add',
    ]);
  });

  it('that are spawned without an id have one of their own, after any number of restarts', async () => {
    const machine = setup({ actors: { kid } }).createMachine({
      context: { refs: [] as unknown[] },
      on: {
        more: { actions: assign({ refs: ({ context, spawn }) => [...context.refs, spawn('kid')] }) },
        hear: { actions: ({ context }) => context.refs },
      },
    });
    const { tree } = await playDurably(definitionOf(machine), {}, ['more', 'more', 'more']);
    expect(Object.keys(tree.root.getSnapshot().children)).toEqual(['x:1', 'x:2', 'x:3']);
  });

  it('that spawnChild begins without an id are all kept, though XState keeps the last one alone', async () => {
    const machine = setup({
      types: { context: {} as { got: unknown[] } },
      actors: { work, counter },
      actions: {
        keep: assign({
          got: ({ context, event }) => [...context.got, event.output ?? String((event.error as Error).message)],
        }),
      },
    }).createMachine({
      context: { got: [] },
      on: {
        work: { actions: spawnChild('work', { input: ({ event }) => ({ name: event.name }) }) },
        both: { actions: [spawnChild('counter'), spawnChild('counter')] },
        'xstate.done.actor.*': { actions: 'keep' },
        'xstate.error.actor.*': { actions: 'keep' },
      },
    });
    const script: Move[] = [
      ...[send('work', { name: 'a' }), send('work', { name: 'b' }), 'both'],
      ...[
        { settle: 'b', output: 2 },
        { fail: 'a', message: 'no' },
      ],
    ];
    const memory = await playInMemory(machine, {}, script);
    const durable = await playDurably(definitionOf(machine), {}, script);
    expect(durable.looks.map(({ context }) => context)).toEqual(memory.looks.map(({ context }) => context));
    expect(durable.looks.at(-1)?.context).toEqual({ got: [2, 'no'] });
    expect(Object.keys(durable.looks[3]?.children ?? {})).toEqual(['x:1', 'x:2', 'x:3', 'x:4']);
    expect(begunPromises()).toEqual(['a', 'b']);
  });

  it('whose plain actions throw fail alone where a state takes that, and the past says the same', async () => {
    const kid = setup({ types: { context: {} as { n: number }, input: {} as { n: number } } }).createMachine({
      context: ({ input }) => ({ n: input.n }),
      entry: ({ context }) => {
        if (context.n < 1) throw new TypeError(`the entry of ${context.n}`);
      },
      after: {
        50: {
          actions: ({ context }) => {
            if (context.n < 2) throw new Error(`later, of ${context.n}`);
          },
        },
      },
    });
    const machine = setup({
      types: { context: {} as { n: number; said: string[] } },
      actors: { kid },
    }).createMachine({
      context: { n: 0, said: [] },
      initial: 'work',
      states: {
        work: {
          invoke: {
            src: 'kid',
            input: ({ context }) => ({ n: context.n }),
            onError: {
              target: 'rest',
              actions: assign({
                n: ({ context }) => context.n + 1,
                said: ({ context, event }) => [...context.said, String(event.error)],
              }),
            },
          },
        },
        rest: { after: { 10: 'work' } },
      },
    });
    const { looks } = await expectSame(machine, [10, 50, 10, 50]);
    const said = ['TypeError: the entry of 0', 'Error: later, of 1'];
    expect(looks.at(-1)).toMatchObject({ value: 'work', context: { n: 2, said } });
  });

  it('that are notified of each snapshot of a child', async () => {
    const machine = setup({ actors: { counter } }).createMachine({
      context: { seen: [] as number[] },
      invoke: {
        src: 'counter',
        id: 'count',
        onSnapshot: {
          actions: assign({
            seen: ({ context, event }) => [...context.seen, (event.snapshot as unknown as { context: number }).context],
          }),
        },
      },
      on: { add: { actions: forwardTo('count') } },
    });
    await expectSame(machine, ['add', 'add']);
  });
});

describe('actors in a context', () => {
  interface Known {
    me?: AnyActorRef;
    nested?: { kid?: AnyActorRef };
    heard: number;
  }
  const sink = setup({
    types: { context: {} as Known },
    actions: { count: assign({ heard: ({ context }) => context.heard + 1 }) },
  }).createMachine({
    context: { heard: 0 },
    on: { heard: { actions: 'count' } },
  });
  const source = setup({
    types: { context: {} as { to: AnyActorRef }, input: {} as { to: AnyActorRef } },
    actions: { tell: sendTo(({ context }) => context.to, { type: 'heard' }) },
  }).createMachine({
    context: ({ input }) => ({ to: input.to }),
    on: { go: { actions: 'tell' } },
    after: { 100: { actions: 'tell' } },
  });

  it('are found again where they are the parent, a sibling or the machine itself', async () => {
    const machine = setup({
      types: { context: {} as Known },
      actors: { sink, source },
      actions: { count: assign({ heard: ({ context }) => context.heard + 1 }) },
    }).createMachine({
      context: ({ spawn, self }) => ({ me: self, nested: { kid: spawn('sink', { id: 'sink' }) }, heard: 0 }),
      invoke: [
        { src: 'source', id: 'up', input: ({ self }) => ({ to: self }) },
        { src: 'source', id: 'across', input: ({ context }) => ({ to: context.nested?.kid as AnyActorRef }) },
      ],
      on: {
        heard: { actions: 'count' },
        up: { actions: sendTo('up', { type: 'go' }) },
        across: { actions: sendTo('across', { type: 'go' }) },
        me: { actions: sendTo(({ context }) => context.me as AnyActorRef, { type: 'heard' }) },
      },
    });
    const { looks } = await expectSame(machine, ['up', 'across', 100, 'me', 'across']);
    expect(looks.at(-1)).toMatchObject({ context: { heard: 3 }, children: { sink: { context: { heard: 3 } } } });
  });

  it('receive nothing after they were stopped, and events for them do not reach the machine itself', async () => {
    // XState warns about an event to an actor that has ended.
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const machine = setup({
      types: { context: {} as Known },
      actors: { sink },
      actions: { count: assign({ heard: ({ context }) => context.heard + 1 }) },
    }).createMachine({
      context: ({ spawn }) => ({ nested: { kid: spawn('sink', { id: 'sink' }) }, heard: 0 }),
      on: {
        heard: { actions: 'count' },
        tell: { actions: sendTo(({ context }) => context.nested?.kid as AnyActorRef, { type: 'heard' }) },
        stop: { actions: stopChild(({ context }) => context.nested?.kid as AnyActorRef) },
      },
    });
    const { looks } = await expectSame(machine, ['tell', 'stop', 'tell', 'stop', 'tell']);
    expect(looks.at(-1)).toMatchObject({ context: { heard: 0 } });
  });

  it('whose id another one has taken leave that one none of their timers', async () => {
    const kid = createMachine({ initial: 'new', states: { new: { after: { 1000: 'old' } }, old: {} } });
    const machine = setup({ actors: { kid } }).createMachine({
      on: { begin: { actions: [stopChild('kid'), spawnChild('kid', { id: 'kid' })] } },
    });
    const script = ['begin', 600, 'begin', 600, 400];
    const { looks } = await expectSame(machine, script);
    expect(looks.slice(-2)).toMatchObject([
      { children: { kid: { value: 'new' } } },
      { children: { kid: { value: 'old' } } },
    ]);
  });
});

describe('a state that is left in the first step of its machine', () => {
  const waiting = setup({ actors: { work } }).createMachine({
    context: { entered: 0 },
    initial: 'loading',
    states: {
      loading: {
        entry: assign({ entered: ({ context }) => context.entered + 1 }),
        invoke: { src: 'work', id: 'load', input: { name: 'load' }, onDone: 'loaded' },
        always: { guard: ({ context }) => context.entered < 3, target: 'loading', reenter: true },
      },
      loaded: { type: 'final' },
    },
    output: ({ context }) => context.entered,
  });

  it('and entered again has the actor of its last entry, in a root and in a machine below it', async () => {
    const settled = [{ settle: 'load', output: 1 }];
    await expectSame(waiting, settled);
    await expectSame(createMachine({ invoke: { id: 'below', src: waiting } }), settled);
  });

  it('with a machine that throws as it begins leaves its error as JSON', async () => {
    const broken = createMachine({
      context: () => {
        throw new Error('no context');
      },
    });
    const machine = createMachine({
      invoke: { id: 'broken', src: broken },
      initial: 'over',
      states: { over: { type: 'final' } },
    });
    await expectSame(machine, ['go']);
  });
});

it('an actor whose message makes its parent begin it anew is followed by another of its id, with timers of its own', async () => {
  const below = setup({ actors: { work } }).createMachine({
    invoke: { src: 'work', id: 'deep', input: { name: 'deep' } },
    initial: 'on',
    states: {
      on: { after: { 100: { target: 'late', actions: [sendParent({ type: 'again' }), note('asked')] } } },
      late: { entry: note('late') },
    },
  });
  const machine = createMachine({
    context: { begun: 0 },
    initial: 'on',
    states: {
      on: {
        entry: assign({ begun: ({ context }) => context.begun + 1 }),
        invoke: { src: below, id: 'below' },
        on: { again: { guard: ({ context }) => context.begun < 3, target: 'on', reenter: true } },
      },
    },
  });
  const { looks } = await expectSame(machine, [100, { settle: 'deep', output: 1 }, 50, 50, 100]);
  expect(looks.at(-1)?.context).toEqual({ begun: 3 });
});

describe('states', () => {
  it('of history, shallow and deep, and transitions without an event', async () => {
    const machine = setup({ guards: { isFull: ({ context }) => (context as { n: number }).n >= 2 } }).createMachine({
      context: { n: 0 },
      initial: 'work',
      on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
      states: {
        work: {
          initial: 'a',
          on: { pause: 'paused' },
          states: {
            a: { initial: 'a1', states: { a1: { on: { next: 'a2' } }, a2: {} }, on: { over: 'b' } },
            b: { always: { guard: and(['isFull']), target: 'c' }, entry: note('b') },
            c: { entry: note('c') },
            shallow: { type: 'history' },
            deep: { type: 'history', history: 'deep' },
          },
        },
        paused: { on: { shallow: 'work.shallow', deep: 'work.deep' } },
      },
    });
    await expectSame(machine, ['next', 'pause', 'deep', 'pause', 'shallow', 'over', 'add', 'pause', 'shallow', 'add']);
  });

  it('of an actor that the first step begins and stops again', async () => {
    const kid = createMachine({ initial: 'a', states: { a: { after: { 10: 'b' } }, b: {} } });
    const spawns = setup({ types: { context: {} as { kid: AnyActorRef | null } }, actors: { kid } });
    const machine = spawns.createMachine({
      context: { kid: null },
      entry: [assign({ kid: ({ spawn }) => spawn('kid', { id: 'kid' }) }), stopChild('kid')],
      on: { go: { actions: assign({ kid: ({ spawn }) => spawn('kid', { id: 'kid' }) }) } },
    });
    await expectSame(machine, [20, 'go', 20]);
    const { looks } = await playDurably(definitionOf(machine), {}, [20, 'go', 20], () => false);
    expect(looks.at(-1)?.children).toMatchObject({ kid: { value: 'b' } });
  });

  it('of history beside the regions of a parallel state', async () => {
    const machine = createMachine({
      initial: 'off',
      states: {
        off: { on: { power: 'on.past' } },
        on: {
          type: 'parallel',
          on: { power: 'off' },
          states: {
            left: { initial: 'a', states: { a: { on: { next: 'b' } }, b: {} } },
            right: { initial: 'a', states: { a: {}, b: {} } },
            past: { type: 'history', history: 'deep' },
          },
        },
      },
    });
    const { looks } = await expectSame(machine, ['power', 'next', 'power', 'power']);
    expect(looks.at(-1)).toMatchObject({ value: { on: { left: 'b', right: 'a' } } });
  });

  it('with actions of every kind, in XState’s order', async () => {
    const machine = createMachine({
      context: { n: 0 },
      initial: 'a',
      entry: [note('root'), log('said')],
      states: {
        a: {
          exit: note('leave a'),
          on: {
            go: {
              target: 'b',
              actions: enqueueActions(({ enqueue, check }) => {
                enqueue(note('first'));
                if (check(() => true)) enqueue.raise({ type: 'inner' });
                enqueue.assign({ n: 1 });
                enqueue(note('second'));
              }),
            },
          },
        },
        b: { entry: note('enter b'), on: { inner: { actions: note('inner') } } },
      },
    });
    await expectSame(machine, ['go']);
  });

  it('that are final end it with its output, and leave no timer and no promise', async () => {
    const machine = setup({ actors: { work } }).createMachine({
      initial: 'a',
      invoke: { src: 'work', input: { name: 'endless' } },
      states: { a: { after: { 9000: 'b' }, on: { end: 'b' } }, b: { type: 'final' } },
      output: { all: 'well' },
    });
    const { tree } = await expectSame(machine, ['end']);
    expect([tree.memory.open, tree.memory.delayed, tree.memory.askers]).toEqual([{}, {}, {}]);
  });
});

describe('what cannot be kept is refused', () => {
  it('at the door, by its name, with the way out', async () => {
    const callback = setup({ actors: { ws: fromCallback(() => {}) } }).createMachine({ invoke: { src: 'ws' } });
    const observable = setup({
      actors: { all: fromObservable(() => ({ subscribe: () => ({ unsubscribe() {} }) }) as never) },
    }).createMachine({});
    const nested = setup({ actors: { inner: callback } }).createMachine({ invoke: { src: 'inner' } });
    const misspelt = setup({ actions: { notify: () => {} } }).createMachine({ entry: 'notfy' as never });
    const guard = createMachine({ on: { go: { guard: 'isReady', actions: note('x') } } });
    const delay = setup({ delays: { short: 1 } }).createMachine({
      entry: raise({ type: 'x' }, { delay: 'shrt' as never }),
    });
    const actor = createMachine({ invoke: { src: 'nobody' } });
    const promise = setup({ actors: { work } }).createMachine({ invoke: { src: 'work', input: { name: '' } } });
    const inPlace = createMachine({ on: { go: { actions: spawnChild(createMachine({}), { id: 'kid' }) } } });
    const begins = createMachine({
      initial: 'a',
      states: { a: { initial: { target: 'x', actions: 'notfy' }, states: { x: {} } } },
    });
    const delayInside = setup({
      delays: { short: 1 },
      actions: { later: raise({ type: 'x' }, { delay: 'shrt' as never }) },
    }).createMachine({ entry: 'later' });
    const guardInside = setup({ guards: { isOn: () => true, isOff: not('isOnn' as never) } }).createMachine({});
    const forged = { 'xstate.done.actor.kid': z.strictObject({}) };
    const wrong: [object, string][] = [
      [definitionOf(callback), '"ws"'],
      [definitionOf(observable), '"all"'],
      [definitionOf(nested), '"inner/ws"'],
      [definitionOf(misspelt), 'did you mean notify?'],
      [definitionOf(guard), '"isReady"'],
      [definitionOf(delay), 'did you mean short?'],
      [definitionOf(actor), '"nobody"'],
      [definitionOf(promise, { actors: { wrk: {} } }), 'did you mean work?'],
      [definitionOf(promise, { actors: { work: { attempts: 0 } } }), 'attempts: found 0'],
      [definitionOf(promise, { actors: { work: { retries: 2 } } }), '"retries"'],
      [definitionOf(inPlace), 'spawnChild is given the logic itself'],
      [definitionOf(begins), 'state a names the action "notfy"'],
      [definitionOf(delayInside), 'the action "later" names the delay "shrt"'],
      [definitionOf(guardInside), 'did you mean isOn?'],
      [definitionOf(createMachine({}), { signals: forged }), 'the engine alone says this'],
    ];
    for (const [definition, place] of wrong)
      await expectFailure(() => checkDefinition(definition), 'bad_machine', place);
  });

  it('in its step, by its name, where only the step can tell', async () => {
    const inline = createMachine({
      on: { go: { actions: assign({ ref: ({ spawn }) => spawn(fromTransition((s: number) => s, 0)) }) } },
    });
    const dynamic = createMachine({
      on: { go: { actions: enqueueActions(({ enqueue }) => enqueue('nobody' as never)) } },
    });
    const emitting = createMachine({ on: { go: { actions: emit({ type: 'news', at: new Date(0) }) } } });
    const emitsWithoutEnd = createMachine({
      on: {
        go: {
          actions: enqueueActions(({ enqueue }) => {
            for (let n = 0; n < 10_001; n += 1) enqueue.emit({ type: 'news' });
          }),
        },
      },
    });
    const listening = createMachine({ on: { go: { actions: ({ self }) => void self.on('news', () => {}) } } });
    const child = fromTransition((state: number) => state, 0);
    const observing = setup({ actors: { child } }).createMachine({
      invoke: { src: 'child', id: 'kid' },
      on: { go: { actions: ({ self }) => void self.getSnapshot().children.kid?.subscribe(() => {}) } },
    });
    const observingFirst = setup({ actors: { child } }).createMachine({
      context: {},
      on: {
        go: {
          actions: assign({
            ref: ({ spawn }) => {
              const ref = spawn('child', { id: 'kid', syncSnapshot: true });
              ref.subscribe(() => {});
              return ref;
            },
          }),
        },
      },
    });
    const circle = createMachine({
      initial: 'a',
      states: { a: { on: { go: 'b' } }, b: { always: 'c' }, c: { always: 'b' } },
    });
    const date = createMachine({ on: { go: { actions: assign({ when: () => new Date(0) }) } } });
    const loop: unknown[] = [];
    loop.push(loop);
    const holds = (part: () => unknown) => createMachine({ on: { go: { actions: assign({ part }) } } });
    const spawns = setup({ actors: { child } });
    const twice = spawns.createMachine({
      context: { refs: [] as unknown[] },
      entry: spawnChild('child', { id: 'kid' }),
      on: {
        go: { actions: assign({ refs: ({ context, spawn }) => [...context.refs, spawn('child', { id: 'kid' })] }) },
      },
    });
    const bothInOneStep = spawns.createMachine({
      on: { go: { actions: [spawnChild('child', { id: 'kid' }), spawnChild('child', { id: 'kid' })] } },
    });
    const below = setup({ actors: { twice } }).createMachine({
      invoke: { src: 'twice', id: 'mid' },
      on: { go: { actions: forwardTo('mid') } },
    });
    /** XState takes the first of two actors with one id by its ref, and forgets the second one. */
    const stopsByRef = setup({
      actors: {
        child: createMachine({ on: { end: '.end' }, initial: 'on', states: { on: {}, end: { type: 'final' } } }),
      },
    }).createMachine({
      context: ({ spawn }) => ({ first: spawn('child', { id: 'kid' }) }),
      on: {
        end: { actions: sendTo('kid', { type: 'end' }) },
        next: { actions: spawnChild('child', { id: 'kid' }) },
        go: { actions: stopChild(({ context }) => context.first) },
      },
    });
    const history = setup({ actors: { child } }).createMachine({
      initial: 'a',
      states: {
        a: {
          initial: 'x',
          states: {
            x: { invoke: { src: 'child', id: 'kid' }, on: { go: 'last' } },
            last: { type: 'history' },
          },
          on: { leave: 'b' },
        },
        b: { on: { back: 'a' } },
      },
    });
    const within: AnyStateMachine = setup({ actors: { within: createMachine({}) } }).createMachine({
      entry: spawnChild('within', { id: 'kid' }),
    });
    within.implementations.actors.within = within; // without end
    const usesSelf = setup({ actors: { p: fromPromise(async ({ self }) => self.id) } }).createMachine({
      initial: 'a',
      states: {
        a: {
          invoke: {
            src: 'p',
            onError: { target: 'b', actions: assign({ why: ({ event }) => (event.error as Error).message }) },
          },
        },
        b: {},
      },
    });
    for (const [machine, words] of [
      [inline, 'inline child actor'],
      [dynamic, '"nobody"'],
      [emitting, 'the emitted event "news" cannot be kept as JSON: at is a Date'],
      [emitsWithoutEnd, 'without end'],
      [listening, 'a listener for "news"'],
      [observing, 'an observer of the actor "kid"'],
      [observingFirst, 'an observer of the actor "kid"'],
      [circle, 'does not come to rest'],
      [date, 'when is a Date'],
      [holds(() => [{ loop }]), 'context.part[0].loop[0][0]'],
      [holds(() => ({ ref: createActor(date) })), 'context.part.ref is a Actor (an actor that createActor made'],
      [twice, 'an actor "kid" lives already'],
      [bothInOneStep, 'an actor "kid" lives already'],
      [below, 'an actor "mid/kid" lives already'],
    ] as const)
      await expect(playDurably(definitionOf(machine as AnyStateMachine), {}, ['go']), words).rejects.toThrow(words);
    await expect(playDurably(definitionOf(stopsByRef), {}, ['end', 'next', 'go'])).rejects.toThrow(
      'an actor "kid" lives',
    );
    await expect(playDurably(definitionOf(history), {}, ['leave', 'back', 'go'])).rejects.toThrow(
      'needs "reenter: true"',
    );
    const born = createMachine({ initial: 'b', states: { b: { always: 'c' }, c: { always: 'b' } } });
    await expect(playDurably(definitionOf(within), {}, [])).rejects.toThrow('nested deeper than 20 machines');
    await expect(playDurably(definitionOf(born), {}, [])).rejects.toThrow('does not come to rest');
    const { looks } = await playDurably(definitionOf(usesSelf), {}, []);
    expect(looks.at(-1)).toMatchObject({ value: 'b', context: { why: expect.stringContaining('has no self') } });
  });
});

it('logic is told apart by what it does', () => {
  expect(
    [
      work,
      fromTransition((s: number) => s, 0),
      fromCallback(() => {}),
      fromObservable(() => ({}) as never),
      createMachine({}),
      {},
      null,
      { transition: 1 },
      'transition',
      undefined,
      { transition: () => {}, root: 1 },
      { transition: () => {}, getInitialSnapshot: () => ({}), start: () => {} },
    ].map(logicKindOf),
  ).toEqual([
    ...['promise', 'transition', 'callback', 'observable', 'machine', 'unknown', 'unknown', 'unknown', 'unknown'],
    ...['unknown', 'unknown', 'unknown'],
  ]);
});

/** What is stored of a promise that runs names it by its label: a chart that is unchanged must give the same ones. */
it('each logic has a label that follows from its place', () => {
  const inner = createMachine({ invoke: { src: work } });
  const chart = setup({
    actors: { named: work, machine: inner, plain: fromTransition((s: number) => s, 0) },
  }).createMachine({
    invoke: [{ src: work }, { src: 'named' }, { src: work }],
    initial: 'a',
    states: { a: { initial: 'b', states: { b: { invoke: { src: inner } } } }, c: { invoke: { src: work } } },
  } as never) as unknown as AnyStateMachine;
  const labels: string[] = [];
  eachLogic(chart, (_, label) => labels.push(label));
  expect(labels).toEqual([
    ...['named', 'machine', 'machine/(root):0', 'plain', '(root):0', '(root):2', 'a.b:0', 'a.b:0/(root):0', 'c:0'],
  ]);
  expect([...promisesOf(chart).keys()]).toEqual(
    labels.filter((label) => !['machine', 'plain', 'a.b:0'].includes(label)),
  );
  expect([...promisesOf(chart).values()].every((one) => typeof one === 'function')).toBe(true);
});

it('the engine and a stored tree know a promise’s end by the same words', () => {
  expect([settled, rejected]).toEqual(['stator.promise.settled', 'stator.promise.rejected']);
});
