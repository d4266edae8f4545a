/** Random charts with a script each: any mixture of XState's features. They are drawn as JSON, so that a failing one can be read. */
import fc from 'fast-check';
import { type AnyStateMachine, assign, cancel, emit, enqueueActions, fromTransition, sendParent, setup } from 'xstate';
import { type Move, note, work } from './chart-play.ts';

/** The unit of every delay and every wait. */
export const clockStepMs = 50;

const events = ['go', 'back', 'other'] as const;
const jobs = ['one', 'two'] as const;
const targets = ['#a', '#a1', '#b', '#b2', '#c', '#d', '#last', '#deep'] as const;

type Act = readonly [
  kind: 'note' | 'emit' | 'count' | 'raise' | 'cancel' | 'self' | 'spawn' | 'stop' | 'ping',
  more?: string,
  delay?: number,
];

interface Transition {
  readonly target?: string;
  readonly actions: readonly Act[];
  /** The transition is taken if the count (of four) is at least this. */
  readonly from: number;
  readonly reenter: boolean;
}

interface State {
  readonly entry: readonly Act[];
  readonly exit: readonly Act[];
  readonly on: Readonly<Record<string, Transition>>;
  readonly after: Readonly<Record<string, Transition>>;
  readonly invoke: {
    readonly job?: string;
    readonly kid?: true;
    readonly counter?: true;
    readonly onDone: Transition;
    readonly onError: Transition;
  } | null;
}

export interface DrawnChart {
  readonly states: readonly State[];
  readonly on: Readonly<Record<string, Transition>>;
  readonly isFinal: boolean;
  /** `c` is left at once if the count is a multiple of it; 0: never. */
  readonly always: number;
}

const steps = fc.integer({ min: 1, max: 6 }).map((count) => count * clockStepMs);
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.constantFrom<Act>(
    ['note', 'x'],
    ['note', 'y'],
    ['emit'],
    ['count'],
    ['count'],
    ['spawn', 'kid'],
    ['stop', 'kid'],
    ['ping', 'kid'],
  ),
  fc.tuple(fc.constant('raise' as const), fc.constantFrom(...events), steps),
  fc.constantFrom(...events).map((type): Act => ['cancel', type]),
  fc.tuple(fc.constant('self' as const), fc.constantFrom(...events), steps),
  fc.tuple(fc.constant('ping' as const), fc.constant('kid'), steps),
);
const acts = fc.array(act, { maxLength: 3 });
const transition: fc.Arbitrary<Transition> = fc
  .record({
    target: fc.option(fc.constantFrom(...targets), { nil: undefined }),
    actions: acts,
    from: fc.nat({ max: 2 }),
    reenter: fc.boolean(),
  })
  .map(({ target, ...rest }) => ({ ...rest, ...(target === undefined ? {} : { target }) }));
const transitions = (keys: fc.Arbitrary<string>, maxKeys: number) =>
  fc.dictionary(keys, transition, { maxKeys, noNullPrototype: true });
const invoke: fc.Arbitrary<State['invoke']> = fc.option(
  fc
    .tuple(
      fc.oneof(
        fc.constantFrom(...jobs).map((job) => ({ job })),
        fc.constantFrom({ kid: true as const }, { counter: true as const }),
      ),
      transition,
      transition,
    )
    .map(([what, onDone, onError]) => ({ ...what, onDone, onError })),
  { nil: null },
);
const state: fc.Arbitrary<State> = fc.record({
  entry: acts,
  exit: acts,
  on: transitions(fc.constantFrom(...events), 3),
  after: transitions(steps.map(String), 2),
  invoke,
});

export const drawnCharts: fc.Arbitrary<DrawnChart> = fc.record({
  states: fc.array(state, { minLength: 9, maxLength: 9 }),
  on: transitions(fc.constantFrom(...events), 1),
  isFinal: fc.boolean(),
  always: fc.constantFrom(0, 2, 3, 5),
});

export const scripts: fc.Arbitrary<Move[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<Move>(...events) },
    { weight: 4, arbitrary: steps },
    { weight: 2, arbitrary: fc.constantFrom(...jobs, 'kid').map((name): Move => ({ settle: name, output: name })) },
    { weight: 1, arbitrary: fc.constantFrom(...jobs, 'kid').map((name): Move => ({ fail: name, message: 'no' })) },
  ),
  { minLength: 1, maxLength: 14 },
);

const kid = setup({ actors: { work } }).createMachine({
  context: { heard: 0 },
  initial: 'on',
  on: {
    ping: { actions: [assign({ heard: ({ context }) => context.heard + 1 }), emit({ type: 'pinged' })] },
    go: { actions: sendParent({ type: 'other' }) },
  },
  states: {
    on: { after: { 100: 'busy' } },
    busy: { invoke: { src: 'work', input: { name: 'kid' }, onDone: 'off', onError: 'on' }, on: { ping: 'on' } },
    off: { type: 'final' },
  },
  output: ({ context }) => context.heard,
});
const counter = fromTransition((count: number, { type }: { type: string }, { emit }) => {
  emit({ type: `counted ${type}` });
  return type === 'ping' ? count + 1 : count;
}, 0);

interface Counted {
  readonly context: { readonly n: number };
}

const count = assign({ n: ({ context }: Counted) => context.n + 1 } as never);

/** The limit of delayed events in one play: if each starts two more, there would be no end. */
const delayedLimit = 12;

type Enqueue = Parameters<Parameters<typeof enqueueActions>[0]>[0]['enqueue'];

function bounded(act: (enqueue: Enqueue, self: unknown) => void): unknown {
  return enqueueActions(({ context, enqueue, self }) => {
    if (context.delayed >= delayedLimit) return;
    act(enqueue as never, self);
    enqueue.assign({ delayed: context.delayed + 1 });
  });
}

function actionOf([kind, more = '', delay]: Act): unknown {
  const later = delay === undefined ? {} : { delay };
  switch (kind) {
    case 'note':
      return note(more);
    case 'emit':
      return emit(({ context }) => ({ type: 'news', n: context.n }));
    case 'count':
      return count;
    case 'raise':
      return bounded((enqueue) => enqueue.raise({ type: more } as never, { ...later, id: `later ${more}` } as never));
    case 'cancel':
      return cancel(`later ${more}`);
    case 'self':
      return bounded((enqueue, self) => enqueue.sendTo(self as never, { type: more } as never, later));
    case 'spawn':
      return enqueueActions(({ context, enqueue }) => {
        if (context.hasSpawned === true) return;
        enqueue.spawnChild('kid' as never, { id: 'spawned' } as never);
        enqueue.assign({ hasSpawned: true });
      });
    case 'stop':
      return enqueueActions(({ context, enqueue }) => {
        if (context.hasSpawned === true) enqueue.stopChild('spawned');
        enqueue.assign({ hasSpawned: false });
      });
    case 'ping':
      return enqueueActions(({ context, enqueue }) => {
        if (context.hasSpawned === true) enqueue.sendTo('spawned' as never, { type: 'ping' } as never, later);
      });
  }
}

function transitionOf({ target, actions, from, reenter }: Transition): object {
  return {
    ...(target === undefined ? {} : { target }),
    ...(from === 0 ? {} : { guard: ({ context }: Counted) => context.n % 4 >= from }),
    actions: actions.map(actionOf),
    // If it did not leave them first, XState would enter a history's states twice, and what they invoke would exist twice, one of them in no
    // snapshot.
    reenter: reenter || target === '#last' || target === '#deep',
  };
}

function transitionsOf(drawn: Readonly<Record<string, Transition>>): object {
  return Object.fromEntries(Object.entries(drawn).map(([key, each]) => [key, transitionOf(each)]));
}

function partsOf({ entry, exit, on, after, invoke }: State): object {
  const source = invoke?.job !== undefined ? 'work' : invoke?.kid === true ? 'kid' : 'counter';
  return {
    entry: entry.map(actionOf),
    exit: exit.map(actionOf),
    on: transitionsOf(on),
    after: transitionsOf(after),
    ...(invoke === null
      ? {}
      : {
          invoke: {
            src: source,
            input: { name: invoke.job },
            onDone: transitionOf(invoke.onDone),
            onError: transitionOf(invoke.onError),
          },
        }),
  };
}

/** `a` has substates and a history, `b` two regions and a state without substates, `c` an eventless transition, and `d` may be final. */
export function chartOf({ states, on, isFinal, always }: DrawnChart): AnyStateMachine {
  const [a = {}, a1 = {}, a2 = {}, b = {}, b1 = {}, b2 = {}, b3 = {}, c = {}, d = {}] = states.map(partsOf);
  const isDue = ({ context }: Counted) => context.n % always === 0;
  const config = {
    context: { n: 0, hasSpawned: false, delayed: 0 },
    initial: 'a',
    on: transitionsOf(on),
    output: ({ context }: Counted) => context.n,
    states: {
      a: {
        id: 'a',
        ...a,
        initial: 'a1',
        states: {
          a1: { id: 'a1', ...a1 },
          a2,
          last: { id: 'last', type: 'history' },
          deep: { id: 'deep', type: 'history', history: 'deep' },
        },
      },
      b: {
        id: 'b',
        ...b,
        type: 'parallel',
        states: {
          left: { initial: 'b1', states: { b1, b2: { id: 'b2', ...b2 } } },
          right: { initial: 'b3', states: { b3, b4: { type: 'final' } } },
          alone: {},
        },
      },
      c: { id: 'c', ...c, ...(always === 0 ? {} : { always: { guard: isDue, target: '#d', actions: count } }) },
      d: isFinal ? { id: 'd', type: 'final', entry: note('ended') } : { id: 'd', ...d },
    },
  };
  const machine: unknown = setup({ actors: { work, kid, counter } }).createMachine(config as never); // drawn: no type knows it
  return machine as AnyStateMachine;
}
