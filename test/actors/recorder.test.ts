/** What a step changed, as the journal has it: one line for each region of each actor; and what a recorder refuses. */
import { describe, expect, it } from 'vitest';
import {
  type AnyActorRef,
  type AnyEventObject,
  type AnyStateMachine,
  assign,
  createActor,
  createMachine,
  fromTransition,
  sendParent,
  sendTo,
  setup,
} from 'xstate';
import {
  createRecorder,
  emission,
  publicMove,
  regionsOf,
  silentMove,
  stateText,
  tagged,
  tagsOf,
  tagsOfValue,
} from '../../actors/recorder.ts';

const traffic = createMachine({
  id: 'traffic',
  tags: 'of-all',
  type: 'parallel',
  states: {
    light: {
      tags: 'lit',
      initial: 'red',
      states: { red: { tags: ['stop', 'at:red'] }, green: { initial: 'new', states: { new: { tags: 'at:green' } } } },
    },
    bell: { initial: 'off', states: { off: {}, on: { tags: 'loud' } } },
  },
});

describe('the tags', () => {
  it('of a state are its own and those of all states around it', () => {
    const table = ['', 'light', 'light.red', 'light.green.new', 'bell.on'].map((state) => [
      state,
      [...tagsOf(traffic, state)].join(' '),
    ]);
    expect(table).toEqual([
      ['', 'of-all'],
      ['light', 'of-all lit'],
      ['light.red', 'of-all lit stop at:red'],
      ['light.green.new', 'of-all lit at:green'],
      ['bell.on', 'of-all loud'],
    ]);
  });

  it('of a state that the chart no longer has are those of what is left of its path', () => {
    expect([...tagsOf(traffic, 'light.amber.new')]).toEqual(['of-all', 'lit']);
    expect([...tagsOf(traffic, 'gone')]).toEqual(['of-all']);
  });

  it('of a state are asked of a chart once, and no other chart’s states of the same names have them', () => {
    expect(tagsOf(traffic, 'light.red')).toBe(tagsOf(traffic, 'light.red'));
    const other = createMachine({
      initial: 'light',
      states: { light: { initial: 'red', states: { red: { tags: 'other' } } } },
    });
    expect([...tagsOf(other, 'light.red')]).toEqual(['other']);
  });

  it('of an actor are those of all states in which it is', () => {
    const value = { light: { green: 'new' }, bell: 'on' };
    expect([...tagsOfValue(traffic, value)]).toEqual(['of-all', 'lit', 'at:green', 'loud']);
    expect([...tagsOfValue(traffic, 'light')]).toEqual(['of-all', 'lit']);
    expect([...tagsOfValue(traffic, { bell: undefined })]).toEqual(['of-all']);
  });

  it('with a prefix say what follows it, the first one alone', () => {
    expect(tagged(new Set(['lit', 'at:red', 'at:green']), 'at:')).toBe('red');
    expect([tagged(new Set(['lit', 'not-at:']), 'at:'), tagged(new Set(), 'at:')]).toEqual([null, null]);
  });
});

describe('a move in public', () => {
  it.each([
    [
      'to another state',
      'light.red',
      'light.green.new',
      { 'at:green': true, 'at:red': false, lit: false, loud: false },
    ],
    ['into the state where it began', 'light.red', 'light.red', { 'at:red': true, lit: true, loud: false }],
    ['of an actor that begins', '', 'light.red', { 'at:red': true, lit: true, loud: false }],
  ])('%s enters what it is in only after it', (_, from, to, entered) => {
    const move = publicMove(traffic, { from, to });
    expect(Object.fromEntries(Object.keys(entered).map((tag) => [tag, move.enters(tag)]))).toEqual(entered);
    expect(move.isBirth).toBe(from === '');
    expect(move.before).toEqual(from === '' ? new Set() : tagsOf(traffic, from));
    expect(move.after).toEqual(tagsOf(traffic, to));
  });

  it('of a tree that nobody knows is silent', () => {
    const { before, after, isBirth, enters } = silentMove;
    expect([before.size, after.size, isBirth, enters('lit')]).toEqual([0, 0, false, false]);
  });
});

it('a state is one text, and the regions of a parallel root are read apart', () => {
  expect(stateText('idle')).toBe('idle');
  expect(stateText({ work: { review: 'open' } })).toBe('work.review.open');
  expect(stateText({ work: { left: 'a', right: { b: 'c' } } })).toBe('work.left.a right.b.c');
  expect(stateText({ work: {}, rest: undefined })).toBe('work rest');
  expect(regionsOf(traffic, { light: { green: 'new' }, bell: 'off' })).toEqual({ light: 'green.new', bell: 'off' });
  expect(regionsOf(traffic, 'light')).toEqual({ '': 'light' });
  expect(regionsOf(createMachine({}), { work: { left: 'a', right: 'b' } })).toEqual({ '': 'work.left.a right.b' });
});

interface Watched {
  readonly root: AnyActorRef;
  readonly recorder: ReturnType<typeof createRecorder>;
  /** The lines since the last call. */
  lines(): string[];
  /** The lines that the event leads to. */
  linesOf(event: string | AnyEventObject): string[];
}

function watched(
  machine: AnyStateMachine,
  { isStrict = false, isByIds = false, snapshot = null as unknown } = {},
): Watched {
  const recorder = createRecorder({ isStrict, isByIds });
  const root = createActor(machine, snapshot === null ? {} : { snapshot: snapshot as never });
  Object.assign(root.system, { _sendInspectionEvent: recorder.inspect });
  root.subscribe({ error: () => {} });
  root.start();
  const lines = () =>
    recorder
      .take()
      .transitions.map(({ actor, event, from, to, emitted }) =>
        [`${actor}| ${event}: ${from} > ${to}`, ...(emitted === undefined ? [] : [JSON.stringify(emitted)])].join(' '),
      );
  return {
    root,
    recorder,
    lines,
    linesOf(event) {
      root.send(typeof event === 'string' ? { type: event } : event);
      return lines();
    },
  };
}

describe('the journal of a step', () => {
  const crossing = createMachine({
    id: 'crossing',
    type: 'parallel',
    states: {
      light: {
        initial: 'red',
        states: {
          red: { on: { go: 'amber', blink: 'amber', all: 'green', both: 'amber' } },
          amber: { always: 'green' },
          green: {
            initial: 'new',
            on: { go: 'red', blink: 'red', all: 'red' },
            states: { new: { on: { age: 'old' } }, old: {} },
          },
        },
      },
      bell: {
        initial: 'wake',
        states: { wake: { always: 'off' }, off: { on: { all: 'on', both: 'ring' } }, ring: { always: 'on' }, on: {} },
      },
    },
  });

  it('has one line for each region of an actor that begins: where it comes to rest', () => {
    expect(watched(crossing).lines()).toEqual(['| begun:  > light.red', '| begun:  > bell.off']);
  });

  it('has one line for each region that an event moves, however many steps that takes, and none for the others', () => {
    const { linesOf, lines } = watched(crossing);
    lines();
    expect(linesOf('go')).toEqual(['| go: light.red > light.green.new']);
    expect(linesOf('age')).toEqual(['| age: light.green.new > light.green.old']);
    expect(linesOf('all')).toEqual(['| all: light.green.old > light.red', '| all: bell.off > bell.on']);
    expect(linesOf('other')).toEqual([]);
    expect(linesOf('both')).toEqual(['| both: light.red > light.green.new']);
    const fresh = watched(crossing);
    fresh.lines();
    expect(fresh.linesOf('both')).toEqual(['| both: light.red > light.green.new', '| both: bell.off > bell.on']);
  });

  it('has a line for each of two actors that take one event, though one begins where the other ends', () => {
    const kid = createMachine({ initial: 'a', states: { a: { always: 'b' }, b: { on: { go: 'c' } }, c: {} } });
    const machine = setup({ actors: { kid } }).createMachine({
      invoke: { src: 'kid', id: 'kid' },
      initial: 'a',
      states: { a: { on: { go: { target: 'b', actions: sendTo('kid', { type: 'go' }) } } }, b: {} },
    });
    const { linesOf, lines } = watched(machine, { isByIds: true });
    expect(lines()).toEqual(['kid| begun:  > b', '| begun:  > a']);
    expect(linesOf('go')).toEqual(['| go: a > b', 'kid| go: b > c']);
  });

  it('has a line for each of two events in one step', () => {
    const { root, linesOf, lines } = watched(crossing);
    lines();
    root.send({ type: 'go' });
    root.send({ type: 'blink' });
    expect(linesOf('go')).toEqual([
      '| go: light.red > light.green.new',
      '| blink: light.green.new > light.red',
      '| go: light.red > light.green.new',
    ]);
  });

  it('goes on from the state of a tree that was stored', () => {
    const before = watched(crossing);
    before.root.send({ type: 'go' });
    const { linesOf, lines } = watched(crossing, { snapshot: before.root.getPersistedSnapshot() });
    lines();
    expect(linesOf('go')).toEqual(['| go: light.green.new > light.red']);
  });

  it('of a chart whose states lie in one another is one line, with the dotted names', () => {
    const flow = createMachine({
      initial: 'idle',
      states: {
        idle: { on: { go: 'work', both: 'both', other: 'rest' } },
        rest: {},
        work: { initial: 'x', states: { x: { always: 'y' }, y: { on: { back: '#idle' } } } },
        both: { type: 'parallel', states: { l: { initial: 'a', states: { a: {} } }, r: {} } },
        again: { id: 'idle', always: 'idle' },
      },
    });
    const { linesOf, lines } = watched(flow);
    expect(lines()).toEqual(['| begun:  > idle']);
    expect([...linesOf('go'), ...linesOf('back'), ...linesOf('both')]).toEqual([
      '| go: idle > work.y',
      '| back: work.y > idle',
      '| both: idle > both.l.a r',
    ]);
    expect(watched(flow).linesOf('other')).toEqual(['| begun:  > idle', '| other: idle > rest']);
  });

  const worker = createMachine({
    id: 'agent',
    context: { path: 'task-1/agent', done: 0 },
    initial: 'on',
    states: {
      on: {
        tags: 'busy',
        on: { stop: 'off', ping: { actions: assign({ done: ({ context }) => context.done + 1 }) } },
      },
      off: { type: 'final' },
    },
  });
  const boss = setup({ actors: { worker } }).createMachine({
    id: 'boss',
    initial: 'a',
    states: {
      a: {
        invoke: { src: 'worker', id: 'kid', onDone: 'b' },
        on: {
          stop: { actions: sendTo('kid', { type: 'stop' }) },
          ping: { actions: sendTo('kid', { type: 'ping' }) },
        },
      },
      b: {},
    },
  });

  it('has the lines of all actors in their order, each called as its context says, else not at all', () => {
    const { linesOf, lines } = watched(boss);
    expect(lines()).toEqual(['task-1/agent| begun:  > on', '| begun:  > a']);
    expect(linesOf('stop')).toEqual(['task-1/agent| stop: on > off', '| ended: a > b']);
  });

  it('of a user-defined machine calls them by the ids from the root down', () => {
    const { root, recorder, linesOf, lines } = watched(
      setup({ actors: { boss } }).createMachine({ invoke: { src: 'boss', id: 'mid' } }),
      {
        isByIds: true,
      },
    );
    expect(lines()).toEqual(['mid/kid| begun:  > on', 'mid| begun:  > a', '| begun:  > (machine)']);
    expect(linesOf('other')).toEqual([]);
    const kid = root.getSnapshot().children.mid?.getSnapshot().children.kid;
    recorder.inspect({ type: emission, actorRef: kid, event: { type: 'news' } });
    expect(lines()).toEqual(['mid/kid| news:  >  {"type":"news"}']);
  });

  it('tells which agents a step touched, and how they are after it', () => {
    const { root, recorder } = watched(boss);
    const agents = () => recorder.take().agents.map(({ path, tags, context }) => ({ path, tags: [...tags], context }));
    const agent = (done: number, tags: string[]) => [
      { path: 'task-1/agent', tags, context: { path: 'task-1/agent', done } },
    ];
    expect(agents()).toEqual(agent(0, ['busy']));
    root.send({ type: 'ping' });
    root.send({ type: 'ping' });
    expect(agents()).toEqual(agent(2, ['busy']));
    root.send({ type: 'stop' });
    expect(agents()).toEqual(agent(2, []));
    root.send({ type: 'stop' });
    expect(agents()).toEqual([]);
    expect(watched(boss, { isByIds: true }).recorder.take().agents).toEqual([]);
  });

  it('has what an actor emits beside the moves, and no line is joined across it', () => {
    const plain = setup({ actors: { plain: fromTransition((n: number) => n, 0) } }).createMachine({
      invoke: { src: 'plain', id: 'plain' },
      initial: 'a',
      states: { a: { on: { go: 'b' } }, b: { on: { go: 'c' } }, c: {} },
    });
    const { root, recorder, linesOf, lines } = watched(plain, { isByIds: true });
    lines();
    root.send({ type: 'go' });
    const news = { type: 'go', n: 1 };
    const kid = root.getSnapshot().children.plain;
    for (const actorRef of [root, kid]) recorder.inspect({ type: emission, actorRef, event: news });
    root.send({ type: 'go' });
    const { transitions } = recorder.take();
    expect(transitions.map(({ actor, event, from, to, emitted }) => ({ actor, event, from, to, emitted }))).toEqual([
      { actor: '', event: 'go', from: 'a', to: 'b', emitted: undefined },
      { actor: '', event: 'go', from: '', to: '', emitted: news },
      { actor: 'plain', event: 'go', from: '', to: '', emitted: news },
      { actor: '', event: 'go', from: 'b', to: 'c', emitted: undefined },
    ]);
    expect(transitions.map(({ chart }) => chart === root.getSnapshot().machine)).toEqual([true, true, false, true]);
    expect(linesOf('go')).toEqual([]);
  });
});

describe('an event between actors without a transition', () => {
  const kid = createMachine({
    id: 'kid',
    context: ({ input }) => ({ path: input }),
    initial: 'on',
    states: {
      on: {
        on: {
          tell: { actions: sendParent({ type: 'told' }) },
          twice: { actions: [sendParent({ type: 'one' }), sendParent({ type: 'two' })] },
        },
      },
    },
  });
  const machine = setup({ actors: { kid } }).createMachine({
    id: 'chief',
    invoke: { src: 'kid', id: 'kid', input: 'the kid' },
    initial: 'a',
    on: {
      tell: { actions: sendTo('kid', { type: 'tell' }) },
      twice: { actions: sendTo('kid', { type: 'twice' }) },
      deaf: { actions: sendTo('kid', { type: 'deaf' }) },
    },
    states: { a: {}, b: { on: { told: 'a' } } },
  });

  it('is a broken invariant in a strict tree, with the first such event, and gone with its step', () => {
    const { root, lines, linesOf } = watched(machine, { isStrict: true });
    lines();
    root.send({ type: 'tell' });
    expect(lines).toThrow('an event between actors has no transition: chief in a has no transition for "told"');
    root.send({ type: 'twice' });
    expect(lines).toThrow('chief in a has no transition for "one"');
    root.send({ type: 'deaf' });
    expect(lines).toThrow('the kid in on has no transition for "deaf"');
    expect(linesOf('other')).toEqual([]);
  });

  it('is allowed from outside, and where the tree is not strict', () => {
    const strict = watched(machine, { isStrict: true });
    strict.root.send({ type: 'told' });
    expect(strict.lines).not.toThrow();
    const lenient = watched(machine);
    lenient.root.send({ type: 'tell' });
    expect(lenient.lines).not.toThrow();
  });
});

describe('a step without end', () => {
  const ping = { type: 'ping' };

  it('is stopped after ten thousand events of a user-defined machine, counted anew in each step', () => {
    const { root, recorder } = watched(createMachine({}), { isByIds: true });
    recorder.take();
    const emit = (times: number) => {
      for (let time = 0; time < times; time += 1) recorder.inspect({ type: emission, actorRef: root, event: ping });
    };
    emit(10_000);
    expect(recorder.take().transitions).toHaveLength(10_000);
    emit(9_999);
    root.send(ping);
    expect(() => emit(1)).toThrow('its actors send or emit events without end (more than 10000 in one step)');
    const { root: trusted, recorder: ofTrusted } = watched(createMachine({}));
    for (let time = 0; time < 10_001; time += 1) trusted.send(ping);
    expect(ofTrusted.take().transitions).toHaveLength(0);
  });

  it('is stopped after a thousand transitions without an event, counted anew for each event', () => {
    const counter = (isMore: (n: number) => boolean) =>
      createMachine({
        context: { n: 0 },
        initial: 'a',
        states: {
          a: { on: { go: 'b' } },
          b: { always: [{ guard: ({ context }) => isMore(context.n), target: 'c' }, { target: 'a' }] },
          c: { entry: assign({ n: ({ context }) => context.n + 1 }), always: 'b' },
        },
      });
    const some = watched(
      counter((n) => n % 400 < 399),
      { isByIds: true },
    );
    expect(some.linesOf('go').at(-1)).toBe('| go: a > a');
    some.root.send({ type: 'go' });
    expect(some.root.getSnapshot().status).toBe('active');
    const many = counter((n) => n < 501);
    const stopped = watched(many, { isByIds: true });
    stopped.root.send({ type: 'go' });
    expect(String(stopped.root.getSnapshot().error)).toContain('does not come to rest (more than 1000)');
    const trusted = watched(many);
    trusted.root.send({ type: 'go' });
    expect(trusted.root.getSnapshot().status).toBe('active');
  });
});
