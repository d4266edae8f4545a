/** Small charts with everyday features of XState, one feature each, with a script. Each gives the same result in memory and as a tree. */
import {
  type ActorRefFrom,
  type AnyActorRef,
  and,
  assertEvent,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  forwardTo,
  fromPromise,
  fromTransition,
  log,
  not,
  or,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stateIn,
  stopChild,
} from 'xstate';
import { type Move, note, work } from './chart-play.ts';
import type { Workflow } from './workflow-charts.ts';

const send = (type: string, more: object = {}): Move => ({ send: { type, ...more } });
const settle = (name: string, output?: unknown): Move => ({ settle: name, output });
const fail = (name: string, message: string): Move => ({ fail: name, message });

export type UsualChart = Omit<Workflow, 'end'>;

const base = setup({ actors: { work } });
const counter = setup({
  types: { context: {} as { n: number } },
  actions: { add: assign({ n: ({ context }) => context.n + 1 }) },
}).createMachine({
  context: { n: 0 },
  on: { ping: { actions: ['add', emit({ type: 'pinged' })] }, stop: '.over' },
  initial: 'on',
  states: { on: {}, over: { type: 'final' } },
  output: ({ context }) => context.n,
});
const toggle = fromTransition((on: boolean, { type }: { type: string }) => (type === 'flip' ? !on : on), false);

class Declined extends Error {
  override readonly name = 'Declined';
  readonly code = 402;
}
const declining = fromPromise(async () => {
  throw new Declined('no money');
});
const thrown: readonly unknown[] = ['a text', { code: 5 }, 7, false, null];
const throwing = fromPromise<unknown, number>(async ({ input }) => {
  throw thrown[input];
});
const broken = createMachine({
  on: {
    go: {
      actions: () => {
        throw new TypeError('broken');
      },
    },
  },
});

export const usualCharts = {
  'typed params, of actions and of guards': {
    machine: setup({
      types: { context: {} as { list: string[] }, events: {} as { type: 'say'; words: string } },
      guards: { isLong: (_, { min }: { min: number; words: string }) => _.event.words.length >= min },
      actions: {
        keep: assign({ list: ({ context }, { words }: { words: string }) => [...context.list, words] }),
        tell: (_, { of }: { of: number }) => note(`told of ${of}`)(),
      },
    }).createMachine({
      context: { list: [] },
      on: {
        say: [
          {
            guard: { type: 'isLong', params: ({ event }) => ({ min: 4, words: event.words }) },
            actions: [
              { type: 'keep', params: ({ event }) => ({ words: event.words }) },
              { type: 'tell', params: ({ context }) => ({ of: context.list.length }) },
            ],
          },
          { actions: { type: 'tell', params: { of: -1 } } },
        ],
      },
    }),
    script: [send('say', { words: 'hi' }), send('say', { words: 'hello' }), send('say', { words: 'world' })],
  },
  'a promise that looks at its signal': {
    machine: setup({
      actors: {
        fetching: fromPromise<string, { of: string }>(async ({ input, signal }) => {
          signal.throwIfAborted();
          return `${input.of}: ${signal.aborted}`;
        }),
      },
    }).createMachine({
      context: { got: '' },
      initial: 'idle',
      states: {
        idle: { on: { go: 'a' } },
        a: {
          invoke: {
            src: 'fetching',
            input: { of: 'a' },
            onDone: { target: 'b', actions: assign({ got: ({ event }) => event.output }) },
          },
        },
        b: {},
      },
    }),
    script: ['go', 1],
  },
  'assertEvent in actions and wildcards of events': {
    machine: setup({
      types: {
        context: {} as { seen: string[] },
        events: {} as
          | { type: 'card.paid'; sum: number }
          | { type: 'card.paid.late' }
          | { type: 'cash' }
          | { type: 'x' },
      },
      actions: {
        paid: assign({
          seen: ({ context, event }) => {
            assertEvent(event, 'card.paid');
            return [...context.seen, `paid ${event.sum}`];
          },
        }),
        seen: assign({ seen: ({ context, event }) => [...context.seen, event.type] }),
      },
    }).createMachine({
      context: { seen: [] },
      initial: 'a',
      on: { '*': { actions: 'seen' } },
      states: {
        a: { on: { 'card.paid': { actions: 'paid' }, 'card.*': { actions: 'seen' }, x: undefined, cash: {} } },
      },
    }),
    script: [send('card.paid', { sum: 3 }), 'card.paid.late', 'card', 'x', 'cash', 'any'],
  },
  'everything that can be enqueued, after a check': {
    machine: setup({
      types: { context: {} as { n: number } },
      actors: { counter, work },
      guards: { isEven: ({ context }) => context.n % 2 === 0, above: ({ context }, than: number) => context.n > than },
      delays: { soon: 10 },
    }).createMachine({
      context: { n: 0 },
      on: {
        go: {
          actions: enqueueActions(({ enqueue, check, context, self }) => {
            if (check(not({ type: 'above', params: 0 }))) enqueue.spawnChild('counter', { id: 'kid', systemId: 'kid' });
            if (check({ type: 'above', params: 0 })) enqueue.sendTo('kid', { type: 'ping' });
            if (check(and(['isEven', not({ type: 'above', params: 3 })]))) enqueue(note('even and low'));
            enqueue.assign({ n: ({ context: now }) => now.n + 1 });
            enqueue.raise({ type: 'raised' }, { delay: 'soon', id: 'raised' });
            enqueue.sendTo(self, { type: 'mine' }, { delay: 5, id: 'mine' });
            enqueue.emit({ type: `went ${context.n}` });
            if (context.n === 2) {
              enqueue.cancel('raised');
              enqueue.stopChild('kid');
            }
          }),
        },
        raised: { actions: note('raised') },
        mine: { actions: note('mine') },
      },
    }),
    script: ['go', 7, 'go', 20, 'go', 20],
  },
  'events to an actor of the system, by its name and by a function': {
    machine: setup({ actors: { counter } }).createMachine({
      invoke: { src: 'counter', systemId: 'count', id: 'c' },
      context: { seen: 0 },
      on: {
        go: { actions: sendTo(({ system }) => system.get('count') as AnyActorRef, { type: 'ping' }) },
        look: {
          actions: assign({
            seen: ({ system }) => (system.get('count') as ActorRefFrom<typeof counter>).getSnapshot().context.n,
          }),
        },
      },
    }),
    script: ['go', 'go', 'look', 'go'],
  },
  'an actor of the system from below it': {
    machine: setup({
      actors: {
        counter,
        caller: createMachine({
          on: { call: { actions: sendTo(({ system }) => system.get('count') as AnyActorRef, { type: 'ping' }) } },
        }),
      },
    }).createMachine({
      invoke: [
        { src: 'counter', systemId: 'count', id: 'c' },
        { src: 'caller', id: 'caller' },
      ],
      on: { '*': { actions: forwardTo('caller') } },
    }),
    script: ['call', 'call'],
  },
  'delays in parallel regions, some of them left': {
    machine: setup({ delays: { long: 300 }, guards: { isThere: stateIn({ a: 'y' }) } }).createMachine({
      type: 'parallel',
      states: {
        a: { initial: 'x', states: { x: { after: { 100: 'y' } }, y: { after: { long: 'x' } } } },
        b: {
          initial: 'x',
          states: {
            x: { after: { 100: [{ guard: 'isThere', target: 'z' }, { target: 'y' }] }, on: { skip: 'y' } },
            y: { after: { 100: { target: 'y', reenter: true, actions: note('again') } } },
            z: {},
          },
        },
      },
    }),
    script: [50, 50, 100, 'skip', 100, 100, 100, 100],
  },
  'a delay of the root, and one of nothing': {
    machine: createMachine({
      after: { 500: { actions: note('root') } },
      initial: 'a',
      states: { a: { after: { 0: 'b' } }, b: { after: { 100: { guard: () => false, target: 'a' } } } },
    }),
    script: [1, 100, 1_000],
  },
  'actors that are begun and stopped by what the context says': {
    machine: setup({
      types: { context: {} as { refs: ActorRefFrom<typeof counter>[]; made: number } },
      actors: { counter },
    }).createMachine({
      context: { refs: [], made: 0 },
      on: {
        add: {
          actions: assign({
            refs: ({ context, spawn }) => [...context.refs, spawn('counter', { id: `c${context.made}` })],
            made: ({ context }) => context.made + 1,
          }),
        },
        ping: {
          actions: enqueueActions(({ context, enqueue }) => {
            for (const ref of context.refs) enqueue.sendTo(ref, { type: 'ping' });
          }),
        },
        drop: {
          actions: [
            stopChild(({ context }) => context.refs[0] as AnyActorRef),
            assign({ refs: ({ context }) => context.refs.slice(1) }),
          ],
        },
      },
    }),
    script: ['add', 'ping', 'add', 'ping', 'drop', 'ping', 'add', 'ping'],
  },
  'actors that are begun with the context': {
    machine: setup({
      types: { context: {} as { ref: AnyActorRef; by: string } },
      actors: { counter },
    }).createMachine({
      context: ({ spawn, self }) => ({ ref: spawn('counter', { id: 'first' }), by: self.id === '' ? '' : 'root' }),
      on: { ping: { actions: sendTo(({ context }) => context.ref, { type: 'ping' }) } },
    }),
    script: ['ping', 'ping'],
  },
  'snapshots of children that are told to their parent': {
    machine: setup({ actors: { counter, toggle, work } }).createMachine({
      context: { seen: [] as unknown[] },
      entry: [
        spawnChild('counter', { id: 'kid', syncSnapshot: true }),
        spawnChild('toggle', { id: 'switch', syncSnapshot: true }),
        spawnChild('work', { id: 'job', syncSnapshot: true, input: { name: 'job' } }),
      ],
      on: {
        'xstate.snapshot.*': {
          actions: assign({
            seen: ({ context, event }) => [...context.seen, [event.type, event.snapshot.context ?? null]],
          }),
        },
        'xstate.done.actor.*': { actions: note('done') },
        ping: { actions: sendTo('kid', { type: 'ping' }) },
        flip: { actions: sendTo('switch', { type: 'flip' }) },
        stop: { actions: sendTo('kid', { type: 'stop' }) },
      },
    }),
    script: ['ping', 'flip', settle('job', 3), 'stop', 'flip'],
  },
  'onSnapshot of an invoked machine and of transition logic': {
    machine: setup({ actors: { counter, toggle } }).createMachine({
      context: { n: 0, on: null as unknown },
      invoke: [
        {
          src: 'counter',
          id: 'kid',
          onSnapshot: { actions: assign({ n: ({ event }) => event.snapshot.context.n }) },
          onDone: { actions: note('kid done') },
        },
        { src: 'toggle', id: 'switch', onSnapshot: { actions: assign({ on: ({ event }) => event.snapshot.context }) } },
      ],
      on: {
        ping: { actions: sendTo('kid', { type: 'ping' }) },
        flip: { actions: sendTo('switch', { type: 'flip' }) },
        stop: { actions: sendTo('kid', { type: 'stop' }) },
      },
    }),
    script: ['ping', 'flip', 'ping', 'stop', 'flip'],
  },
  'final states with outputs, of regions and of the root': {
    machine: createMachine({
      context: { got: null as unknown },
      initial: 'both',
      states: {
        both: {
          type: 'parallel',
          states: {
            a: {
              initial: 'x',
              states: { x: { on: { a: 'y' } }, y: { type: 'final', output: ({ event }) => event.type } },
            },
            b: { initial: 'x', states: { x: { on: { b: 'y' } }, y: { type: 'final', output: { of: 'b' } } } },
          },
          onDone: { target: 'one', actions: note('both done') },
        },
        one: {
          initial: 'x',
          states: { x: { on: { c: 'y' } }, y: { type: 'final', output: ({ context }) => ({ was: context.got }) } },
          onDone: { target: 'over', actions: assign({ got: ({ event }) => event.output }) },
        },
        over: { type: 'final', entry: note('over'), output: { from: 'over' } },
      },
      output: ({ context, event }) => ({ got: context.got, last: event.output }),
    }),
    script: ['b', 'a', 'c'],
  },
  'transitions that enter again, and those that stay inside': {
    machine: createMachine({
      initial: 'a',
      states: {
        a: {
          entry: note('in a'),
          exit: note('out of a'),
          initial: 'x',
          on: {
            self: { target: 'a', reenter: true },
            inside: { target: '.y' },
            again: { target: '.y', reenter: true },
            stay: { target: 'a' },
            only: { actions: note('only') },
          },
          states: {
            x: { entry: note('in x'), exit: note('out of x') },
            y: { entry: note('in y'), exit: note('out of y') },
          },
        },
      },
    }),
    script: ['self', 'inside', 'again', 'stay', 'only'],
  },
  'guards of guards, and states that others are in': {
    machine: setup({
      types: { context: {} as { n: number } },
      guards: {
        isOne: ({ context }) => context.n === 1,
        isHigh: ({ context }) => context.n > 1,
      },
    }).createMachine({
      context: { n: 0 },
      type: 'parallel',
      states: {
        light: { initial: 'off', states: { off: { on: { flip: 'on' } }, on: { id: 'on', on: { flip: 'off' } } } },
        gate: {
          initial: 'shut',
          on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
          states: {
            shut: {
              on: {
                open: {
                  guard: and([or(['isOne', 'isHigh']), stateIn('#on'), ({ context }) => context.n < 9]),
                  target: 'open',
                },
              },
            },
            open: { always: { guard: not(or([stateIn({ light: 'on' }), 'isHigh'])), target: 'shut' } },
          },
        },
      },
    }),
    script: ['open', 'add', 'open', 'flip', 'open', 'flip', 'add'],
  },
  'the input of machines and promises, by functions': {
    machine: setup({
      types: { context: {} as { who: string; got: unknown }, input: {} as { who: string } },
      actors: {
        work,
        child: setup({
          types: {
            context: {} as { of: string; parent: AnyActorRef },
            input: {} as { of: string; parent: AnyActorRef },
          },
        }).createMachine({
          context: ({ input }) => input,
          on: {
            tell: {
              actions: sendTo(
                ({ context }) => context.parent,
                ({ context }) => ({ type: 'told', of: context.of }),
              ),
            },
          },
        }),
      },
    }).createMachine({
      context: ({ input }) => ({ who: input.who, got: null }),
      initial: 'a',
      states: {
        a: { on: { go: 'b' } },
        b: {
          invoke: [
            {
              src: 'child',
              id: 'child',
              input: ({ context, event, self }) => ({ of: `${context.who} ${event.type}`, parent: self }),
            },
            {
              src: 'work',
              input: ({ context }) => ({ name: context.who }),
              onDone: { actions: assign({ got: ({ event }) => event.output }) },
            },
          ],
          on: {
            tell: { actions: sendTo('child', { type: 'tell' }) },
            told: { actions: assign({ got: ({ event }) => event.of }) },
          },
        },
      },
    }),
    input: { who: 'Ada' },
    script: ['go', 'tell', settle('Ada', [1, 2]), 'tell'],
  },
  'errors of actors that are taken by their events': {
    machine: setup({
      actors: {
        work,
        broken,
      },
    }).createMachine({
      context: { why: '' },
      invoke: [
        { src: 'broken', id: 'broken' },
        { src: 'work', id: 'job', input: { name: 'job' } },
      ],
      on: {
        'xstate.error.actor.broken': { actions: assign({ why: ({ event }) => (event.error as Error).message }) },
        'xstate.error.*': { actions: assign({ why: ({ event }) => `any: ${(event.error as Error).message}` }) },
        go: { actions: sendTo('broken', { type: 'go' }) },
      },
    }),
    script: [fail('job', 'no'), 'go', 'go'],
  },
  'errors that the context keeps, and that are errors still': {
    machine: setup({
      types: { context: {} as { error: unknown; said: string[] } },
      actors: { work, declining, broken },
      guards: { isError: ({ event }) => event.error instanceof Error },
      actions: {
        keep: assign({ error: ({ event }) => event.error }),
        say: assign({
          said: ({ context }) => {
            const { error } = context as { error: Partial<Declined> };
            return [
              ...context.said,
              error instanceof Error ? `${error} ${error.name} ${error.code ?? ''}` : JSON.stringify(error),
            ];
          },
        }),
      },
    }).createMachine({
      context: { error: null, said: [] },
      initial: 'asking',
      on: { say: { actions: 'say' }, late: { actions: ['keep', 'say'] } },
      states: {
        asking: {
          invoke: {
            src: 'work',
            input: { name: 'job' },
            onError: { guard: 'isError', target: 'declining', actions: ['keep', 'say'] },
          },
        },
        declining: {
          invoke: { src: 'declining', onError: { guard: 'isError', target: 'breaking', actions: ['keep', 'say'] } },
        },
        breaking: {
          invoke: {
            src: 'broken',
            id: 'broken',
            onError: {
              guard: 'isError',
              actions: ['keep', 'say', raise(({ event }) => ({ type: 'late', error: event.error }), { delay: 10 })],
            },
          },
          on: { go: { actions: sendTo('broken', { type: 'go' }) }, end: 'thrown' },
        },
        thrown: { invoke: { src: 'work', input: { name: 'last' }, onError: { actions: ['keep', 'say'] } } },
      },
    }),
    script: ['say', fail('job', 'no'), 'say', 'go', 'say', 10, 'end', fail('last', 'none'), 'say'],
  },
  'routes to states, by their ids': {
    machine: createMachine({
      initial: 'a',
      states: {
        a: { id: 'a', route: {} },
        b: {
          id: 'b',
          route: { guard: () => true },
          initial: 'x',
          states: { x: {}, y: { id: 'y', route: { actions: note('to y') } } },
        },
      },
    } as never),
    script: [
      send('xstate.route', { to: '#y' }),
      send('xstate.route', { to: '#a' }),
      send('xstate.route', { to: '#b' }),
    ],
  },
  'two promises of one name, and one that is begun anew': {
    machine: base.createMachine({
      initial: 'a',
      context: { got: [] as unknown[] },
      states: {
        a: {
          invoke: [
            {
              src: 'work',
              id: 'one',
              input: { name: 'one' },
              onDone: { actions: assign({ got: ({ context, event }) => [...context.got, event.output] }) },
            },
            {
              src: 'work',
              id: 'two',
              input: { name: 'two' },
              onDone: [{ guard: ({ event }) => event.output === 7, target: 'b' }, { actions: note('no 7') }],
            },
          ],
          on: { again: { target: 'a', reenter: true } },
        },
        b: { type: 'final' },
      },
    }),
    script: [settle('one', 1), 'again', settle('two', 3), 'again', settle('two', 7)],
  },
  'events that an action sends by itself, in the step': {
    machine: createMachine({
      on: {
        go: { actions: [({ self }) => self.send({ type: 'next' }), note('went')] },
        next: { actions: [note('next'), raise({ type: 'last' })] },
        last: { actions: [note('last'), log('last')] },
      },
    }),
    script: ['go', 'go'],
  },
  'history with a default, of a parallel state, deep': {
    machine: createMachine({
      initial: 'on',
      states: {
        on: {
          type: 'parallel',
          states: {
            a: {
              initial: 'x',
              states: { x: { on: { a: 'y' } }, y: { initial: 'p', states: { p: { on: { a: 'q' } }, q: {} } } },
            },
            b: { initial: 'x', states: { x: { on: { b: 'y' } }, y: {}, back: { type: 'history', target: 'y' } } },
            hist: { type: 'history', history: 'deep' },
          },
          on: { off: 'off' },
        },
        off: {
          on: {
            on: '#(machine).on.hist',
            on2: '#(machine).on.b.back',
            both: { target: ['#(machine).on.a.y.q', '#(machine).on.b.y'] },
          },
        },
      },
    }),
    script: ['off', 'on2', 'a', 'a', 'off', 'on', 'off', 'both', 'off', 'on'],
  },
  'an initial transition with actions, and an entry that raises': {
    machine: createMachine({
      initial: 'a',
      states: {
        a: {
          initial: { target: 'x', actions: note('initial') },
          states: {
            x: { entry: raise({ type: 'next' }), on: { next: 'y' } },
            y: { entry: [note('y'), raise(({ event }) => ({ type: 'from', of: event.type }))] },
          },
          on: { from: { actions: ({ event }) => note(`from ${event.of}`)() } },
        },
      },
    }),
    script: ['next'],
  },
  'actors whose ids hold the signs that paths are written with': {
    machine: setup({
      actors: {
        kid: createMachine({
          entry: raise({ type: 'late' }, { delay: 100, id: 'late' }),
          on: {
            late: { actions: sendParent(({ self }) => ({ type: 'told', by: self.id })) },
            quit: { actions: cancel('late') },
          },
        }),
        outer: setup({
          actors: {
            kid: createMachine({
              entry: raise({ type: 'late' }, { delay: 100, id: 'late' }),
              on: { late: { actions: note('inner late') }, quit: { actions: cancel('late') } },
            }),
          },
        }).createMachine({ invoke: { src: 'kid', id: 'b' }, on: { quit: { actions: forwardTo('b') } } }),
      },
    }).createMachine({
      entry: [spawnChild('kid', { id: 'a/b' }), spawnChild('outer', { id: 'a' }), spawnChild('kid', { id: 'x.y#1:2' })],
      on: {
        told: { actions: ({ event }) => note(`told by ${event.by}`)() },
        quit: { actions: sendTo('a/b', { type: 'quit' }) },
        end: { actions: stopChild('a/b') },
        anew: { actions: [stopChild('a/b'), spawnChild('kid', { id: 'a/b' })] },
      },
    }),
    script: [50, 'quit', 50, 'anew', 50, 'end', 100],
  },
  'an id of the system that is free again': {
    machine: setup({ actors: { counter } }).createMachine({
      initial: 'a',
      states: {
        a: { invoke: { src: 'counter', id: 'one', systemId: 'it' }, on: { go: 'b' } },
        b: { invoke: { src: 'counter', id: 'two', systemId: 'it' }, on: { go: 'a' } },
      },
      on: { ping: { actions: sendTo(({ system }) => system.get('it') as AnyActorRef, { type: 'ping' }) } },
    }),
    script: ['ping', 'go', 'ping', 'go', 'ping'],
  },
  'loops without events that come to rest': {
    machine: createMachine({
      context: { n: 0 },
      initial: 'a',
      states: {
        a: { on: { go: 'b' } },
        b: { always: [{ guard: ({ context }) => context.n < 50, target: 'c' }, { target: 'a' }] },
        c: { entry: assign({ n: ({ context }) => context.n + 1 }), always: 'b' },
      },
    }),
    script: ['go', 'go'],
  },
  'delays that are cancelled by a name from the context, and begun again under it': {
    machine: setup({ types: { context: {} as { id: string } } }).createMachine({
      context: { id: 'one' },
      on: {
        go: {
          actions: raise(({ event }) => ({ type: 'late', of: event.type }), {
            id: 'one',
            delay: ({ context }) => context.id.length * 100,
          }),
        },
        not: { actions: cancel(({ context }) => context.id) },
        late: { actions: note('late') },
      },
    }),
    script: ['go', 200, 'not', 200, 'go', 'go', 300, 'not', 100],
  },
  'delayed events for a parent and for a sibling': {
    machine: setup({
      actors: {
        counter,
        kid: createMachine({
          entry: [
            sendParent({ type: 'later' }, { delay: 100 }),
            sendTo(({ system }) => system.get('count') as AnyActorRef, { type: 'ping' }, { delay: 150 }),
          ],
        }),
      },
    }).createMachine({
      invoke: { src: 'counter', id: 'c', systemId: 'count' },
      initial: 'a',
      states: { a: { on: { go: 'b' } }, b: { invoke: { src: 'kid', id: 'kid' }, on: { back: 'a' } } },
      on: { later: { actions: note('later') } },
    }),
    script: ['go', 120, 40, 'back', 'go', 110, 'back', 100],
  },
  'children that end, stay, and are stopped': {
    machine: setup({ actors: { counter, work } }).createMachine({
      entry: [spawnChild('counter', { id: 'kid' }), spawnChild('work', { id: 'job', input: { name: 'job' } })],
      context: { outs: [] as unknown[] },
      on: {
        stop: { actions: sendTo('kid', { type: 'stop' }) },
        'xstate.done.actor.kid': { actions: assign({ outs: ({ context, event }) => [...context.outs, event.output] }) },
        'xstate.done.actor.job': {
          actions: [assign({ outs: ({ context, event }) => [...context.outs, event.output] }), stopChild('job')],
        },
        anew: { actions: spawnChild('counter', { id: 'kid' }) },
      },
    }),
    script: ['stop', settle('job', { ok: true }), 'anew', 'stop'],
  },
  'ids that are free again: after an end, an error, a stop in the same step, and in the next state': {
    machine: setup({
      types: { context: {} as { got: unknown[] } },
      actors: { counter, work, broken },
      actions: { keep: assign({ got: ({ context, event }) => [...context.got, event.output ?? 'failed'] }) },
    }).createMachine({
      context: { got: [] },
      entry: [spawnChild('work', { id: 'job', input: { name: 'job' } }), spawnChild('broken', { id: 'broken' })],
      on: {
        'xstate.done.actor.job': {
          guard: ({ context }) => context.got.length < 3,
          actions: ['keep', spawnChild('work', { id: 'job', input: { name: 'job' } })],
        },
        'xstate.error.actor.broken': { actions: ['keep', spawnChild('broken', { id: 'broken' })] },
        go: { actions: sendTo('broken', { type: 'go' }) },
        anew: { actions: [stopChild('job'), spawnChild('work', { id: 'job', input: { name: 'job' } })] },
        ping: { actions: sendTo('kid', { type: 'ping' }) },
      },
      initial: 'a',
      states: {
        a: { invoke: { src: 'counter', id: 'kid' }, on: { next: 'b' } },
        b: { invoke: { src: 'counter', id: 'kid' }, on: { next: 'a' } },
      },
    }),
    script: [
      ...[settle('job', 1), 'go', 'ping', 'next', 'ping', 'anew', settle('job', 2)],
      ...['go', 'next', settle('job', 3)],
    ],
  },
  'regions without states of their own': {
    machine: setup({ actors: { counter } }).createMachine({
      initial: 'on',
      states: {
        on: {
          type: 'parallel',
          states: {
            clock: { after: { 100: { actions: note('tick') } }, exit: note('clock stops') },
            child: {
              invoke: { src: 'counter', id: 'kid' },
              on: { ping: { actions: sendTo('kid', { type: 'ping' }) } },
            },
            lamp: { initial: 'dark', states: { dark: { on: { flip: 'lit' } }, lit: {} } },
          },
          on: { off: 'off' },
        },
        off: { on: { on: 'on' } },
      },
    }),
    script: ['ping', 'flip', 100, 'off', 'on', 'ping', 100],
  },
  'a root whose regions have no states of their own': {
    machine: createMachine({
      type: 'parallel',
      states: {
        a: { entry: raise({ type: 'late' }, { delay: 100, id: 'late' }), on: { go: { actions: note('a') } } },
        b: { on: { go: { actions: note('b') }, not: { actions: cancel('late') }, late: { actions: note('late') } } },
      },
    }),
    script: ['go', 100, 'go'],
  },
  'promises that are rejected with what is no error': {
    machine: setup({ actors: { throwing } }).createMachine({
      context: { got: [] as unknown[] },
      initial: 'off',
      states: {
        on: {
          invoke: {
            src: 'throwing',
            input: ({ context }) => context.got.length,
            onError: [
              {
                guard: ({ context }) => context.got.length < thrown.length,
                target: 'on',
                reenter: true,
                actions: assign({ got: ({ context, event }) => [...context.got, event.error] }),
              },
              { target: 'off' },
            ],
          },
        },
        off: { on: { go: 'on' } },
      },
    }),
    script: ['go', 1],
  },
  'refs to actors whose ids others have by now': {
    machine: setup({
      types: { context: {} as { refs: AnyActorRef[]; heard: number } },
      actors: {
        counter,
        teller: setup({
          types: { context: {} as { to: AnyActorRef }, input: {} as { to: AnyActorRef } },
        }).createMachine({
          context: ({ input }) => input,
          on: { tell: { actions: sendTo(({ context }) => context.to, { type: 'ping' }) } },
        }),
      },
    }).createMachine({
      context: ({ spawn }) => ({ refs: [spawn('counter', { id: 'kid' })], heard: 0 }),
      invoke: { src: 'teller', id: 'teller', input: ({ context }) => ({ to: context.refs[0] as AnyActorRef }) },
      on: {
        first: { actions: sendTo(({ context }) => context.refs[0] as AnyActorRef, { type: 'ping' }) },
        last: { actions: sendTo(({ context }) => context.refs.at(-1) as AnyActorRef, { type: 'ping' }) },
        tell: { actions: sendTo('teller', { type: 'tell' }) },
        end: { actions: sendTo('kid', { type: 'stop' }) },
        drop: { actions: stopChild('kid') },
        next: {
          actions: assign({ refs: ({ context, spawn }) => [...context.refs, spawn('counter', { id: 'kid' })] }),
        },
      },
    }),
    script: [
      ...['first', 'end', 'first', 'next', 'first', 'last', 'tell'],
      ...['drop', 'last', 'tell', 'next', 'tell', 'first', 'last'],
    ],
  },
  'time limits for promises, by the chart': {
    machine: base.createMachine({
      initial: 'asking',
      context: { tries: 0 },
      states: {
        asking: {
          entry: assign({ tries: ({ context }) => context.tries + 1 }),
          invoke: { src: 'work', input: { name: 'job' }, onDone: 'done', onError: 'waiting' },
          after: { 1000: 'waiting' },
        },
        waiting: {
          after: { 500: [{ guard: ({ context }) => context.tries < 3, target: 'asking' }, { target: 'failed' }] },
        },
        done: { type: 'final' },
        failed: {},
      },
    }),
    script: [1000, settle('job', 1), 500, fail('job', 'no'), 499, 1, settle('job', 2)],
  },
  'events and inputs with fields that the engine also has words for': {
    machine: setup({
      types: { context: {} as { input: unknown; events: unknown[] } },
    }).createMachine({
      context: ({ input }) => ({ input, events: [] }),
      on: {
        book: {
          actions: [
            assign({
              events: ({ context, event }) => [...context.events, { when: event.at, id: event.id, run: event.run }],
            }),
            raise(({ event }) => ({ type: 'late', at: event.at }), { delay: 100 }),
          ],
        },
        late: { actions: assign({ events: ({ context, event }) => [...context.events, { late: event.at }] }) },
      },
    }),
    input: { id: 'customer-7', at: 'noon', run: 1 },
    script: [send('book', { at: 'noon', id: 3, run: 'x' }), 100],
  },
  'emit by params, and by named actions': {
    machine: setup({
      types: { emitted: {} as { type: 'said'; words: string } },
      actions: { say: emit((_, { words }: { words: string }) => ({ type: 'said', words })) },
    }).createMachine({
      on: {
        go: {
          actions: [
            { type: 'say', params: { words: 'hi' } },
            { type: 'say', params: ({ event }) => ({ words: event.type }) },
          ],
        },
      },
    }),
    script: ['go'],
  },
} satisfies Record<string, UsualChart>;
