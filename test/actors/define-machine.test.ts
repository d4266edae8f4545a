/** What `defineMachine` accepts, and with which words it refuses the rest: each bound of a number, each form of a name, and each thing that a chart may name. */
import { describe, expect, it } from 'vitest';
import {
  and,
  assign,
  createMachine,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  not,
  raise,
  sendTo,
  setup,
  spawnChild,
} from 'xstate';
import { z } from 'zod';
import { checkDefinition, checkedMachines, defineMachine } from '../../actors/define-machine.ts';
import type { AnyDefinition } from '../../actors/definition.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';

const run = async () => undefined;
const machine = setup({
  actions: { mail: () => {}, later: () => {}, halt: () => {}, note: assign({}) },
  actors: { pay: fromPromise(async () => 1) },
}).createMachine({
  id: 'job',
  initial: 'open',
  states: {
    open: { tags: ['busy'], invoke: { src: 'pay' }, on: { go: { actions: ['mail', 'later', 'halt', 'note'] } } },
  },
} as never);

const whole = (parts: object) => ({ name: 'job', version: 1, machine, ...parts });
const accepts = (parts: object) => checkDefinition(whole(parts));

/** The message and the hint of the refusal. */
function refusal(check: () => void): string {
  try {
    check();
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || thrown.code !== 'bad_machine') throw thrown;
    return `${thrown.message}\n${thrown.hint}`;
  }
  return 'accepted';
}

describe('a definition', () => {
  it('has the id of its chart as its name, and version 1, if it says nothing else', () => {
    expect(defineMachine({ machine } as never)).toEqual({ name: 'job', version: 1, machine });
    expect(defineMachine({ machine, name: 'other', version: 4 } as never)).toMatchObject({ name: 'other', version: 4 });
    expect(refusal(() => void defineMachine({} as never))).toMatch(/^machine "": its name cannot be used/);
    for (const none of [null, undefined, 'job'])
      expect(refusal(() => void defineMachine(none as never))).toMatch(/^a machine: it is no definition/);
  });

  it.each([
    [
      'every part',
      { upgrades: {}, signals: {}, effects: {}, actors: {}, view: () => ({}), schedules: {}, notices: {} },
    ],
    ['upgrades from each earlier version', { version: 12, upgrades: { 1: run, 10: run, 11: run } }],
    ['a route from outside', { signals: { 'xstate.route': z.object({}), 'my.xstate.word': z.object({}) } }],
    [
      'the bounds of limits',
      { effects: { mail: { run, limit: 1, attempts: 1, timeoutMs: 1, lane: `a${'B'.repeat(62)}-`, host: 'big-1' } } },
    ],
    [
      'each form of an effect',
      {
        effects: { mail: { send: run }, later: { afterMs: 0, event: 'x', stoppedBy: ['halt'] }, halt: { start: run } },
      },
    ],
    [
      'a delay that is computed, and a watch',
      { effects: { later: { afterMs: run, event: 'x' }, mail: { watch: run } } },
    ],
    ['limits of a promise', { actors: { pay: { lane: 'money', limit: 2, attempts: 3, timeoutMs: 4, host: 'big' } } }],
    ['a notice of a tag', { notices: { busy: () => 'it is' } }],
    [
      'schedules',
      {
        schedules: {
          '0night-ly': { cron: '0 3 * * *', timezone: 'UTC', missed: 'skip', overlap: 'refuse', input: run },
          a: { cron: '', missed: 'once', overlap: 'queue' },
          ['b'.repeat(64)]: { cron: '', missed: 'skip', overlap: 'allow' },
        },
      },
    ],
  ])('with %s is accepted', (_, parts) => {
    expect(() => accepts(parts)).not.toThrow();
  });

  it.each([
    ['no name', { name: 7 }],
    ['the name of a machine of stator', { name: 'plan' }],
    ['no machine', { machine: undefined }],
    ['a machine of other code', { machine: { provide: run } }],
    ['a root alone', { machine: { root: {} } }],
    ['version one and a half', { version: 1.5 }],
    ['no version', { version: undefined }],
    ['an unknown part', { effect: {} }],
    ['an upgrade from its own version', { version: 2, upgrades: { 2: run } }],
    ['an upgrade from version 01', { version: 20, upgrades: { '01': run } }],
    ['an upgrade from version 0', { version: 20, upgrades: { 0: run } }],
    ['an upgrade from a word', { version: 20, upgrades: { '1x': run } }],
    ['a signal without a schema', { signals: { go: undefined } }],
    ['a schema that checks nothing', { signals: { go: { safeParse: true } } }],
    ...['machine_started', 'effect_failed', 'message_failed', 'timer_due', 'promise_settled', 'output_awaited'].map(
      (type): [string, object] => [`a signal ${type}`, { signals: { [type]: z.object({}) } }],
    ),
    ...['machine_upgraded', 'tree_deleted', 'xstate.done', 'stator.promise.settled'].map((type): [string, object] => [
      `a signal ${type}`,
      { signals: { [type]: z.object({}) } },
    ]),
    ['a notice of no tag', { notices: { busi: () => 'x' } }],
    ['a notice that is a text', { notices: { busy: 'x' } }],
    ['an effect of no action', { effects: { mial: { run } } }],
    ['an effect of an action of XState', { effects: { note: { run } } }],
    ...[null, undefined, 'run', ['run'], run, 7].map((effect): [string, object] => [
      `an effect that is ${JSON.stringify(effect) ?? typeof effect}`,
      { effects: { mail: effect } },
    ]),
    ['an effect that does nothing', { effects: { mail: { lane: 'a' } } }],
    ['an effect with a field of another form', { effects: { mail: { send: run, lane: 'a' } } }],
    ['a run that is a text', { effects: { mail: { run: 'echo' } } }],
    ['a long text for a function', { effects: { mail: { run: 'x'.repeat(300) } } }],
    ['a send that is a number', { effects: { mail: { send: 5 } } }],
    ['a delay before now', { effects: { later: { afterMs: -1, event: 'x' } } }],
    ['a delay without its event', { effects: { later: { afterMs: 1, event: 7 } } }],
    ...(
      [
        ['limit', 0],
        ['limit', 1.5],
        ['attempts', '2'],
        ['timeoutMs', 0],
      ] as const
    ).map(([key, value]): [string, object] => [
      `${key} ${JSON.stringify(value)}`,
      { effects: { mail: { run, [key]: value } } },
    ]),
    ...['A', '1a', 'a b', '', `a${'b'.repeat(64)}`, 7].map((lane): [string, object] => [
      `lane ${JSON.stringify(lane)}`,
      { effects: { mail: { run, lane } } },
    ]),
    ...['a b', '', 7].map((host): [string, object] => [
      `host ${JSON.stringify(host)}`,
      { effects: { mail: { run, host } } },
    ]),
    ['stoppedBy that is no list', { effects: { later: { afterMs: 1, event: 'x', stoppedBy: 'halt' } } }],
    ['stoppedBy of no action', { effects: { later: { afterMs: 1, event: 'x', stoppedBy: ['hold'] } } }],
    ['settings of no promise', { actors: { pai: {} } }],
    ['settings of the end of a name', { actors: { ay: {} } }],
    ['settings that are a number', { actors: { pay: 3 } }],
    ['settings that are null', { actors: { pay: null } }],
    ['settings of another kind', { actors: { pay: { run } } }],
    ['settings with a limit of none', { actors: { pay: { limit: 0 } } }],
    ...['Night', '-a', 'a_b', 'a'.repeat(65), ''].map((name): [string, object] => [
      `a schedule named ${JSON.stringify(name)}`,
      { schedules: { [name]: { cron: '' } } },
    ]),
    ['a schedule that is null', { schedules: { night: null } }],
    ['a schedule that is a text', { schedules: { night: 'daily' } }],
    ['a schedule with an unknown part', { schedules: { night: { cron: '', zone: 'UTC' } } }],
    ['a schedule that misses wrongly', { schedules: { night: { cron: '', missed: 'never' } } }],
    ['a schedule that overlaps wrongly', { schedules: { night: { cron: '', overlap: 'wait' } } }],
    ['a schedule that waits and skips', { schedules: { night: { cron: '', overlap: 'queue', missed: 'skip' } } }],
    ['a schedule with an input that is a value', { schedules: { night: { cron: '', input: {} } } }],
  ] as [string, object][])('with %s is refused', (_, parts) => {
    expect(refusal(() => accepts(parts))).toMatchSnapshot();
  });

  it('of one name is taken once among those of an engine, and each is checked', () => {
    const [a, b] = [whole({}), whole({ name: 'other' })] as unknown as AnyDefinition[];
    expect(checkedMachines([a, b] as never)).toEqual([a, b]);
    expect(refusal(() => void checkedMachines([b, a, a] as never))).toBe(
      'machine "job" is there twice\nleave one of them out',
    );
    expect(refusal(() => void checkedMachines([a, { ...b, version: 0 }] as never))).toMatch(
      /^machine "other": version/,
    );
  });
});

describe('a chart', () => {
  const deep = setup({ actions: { dive: () => {} }, actors: { read: fromPromise(async () => 1) } }).createMachine({
    invoke: { src: 'read' },
    entry: 'dive',
  } as never);
  const parent = setup({ actors: { deep } }).createMachine({ id: 'job', invoke: { src: 'deep' } } as never);

  it('may have effects and settings for what the machines below it do, by name or by path', () => {
    const parts = { machine: parent, effects: { dive: { run } }, actors: { read: { limit: 1 } } };
    expect(() => accepts(parts)).not.toThrow();
    expect(() => accepts({ ...parts, actors: { 'deep/read': { limit: 1 } } })).not.toThrow();
    expect(refusal(() => accepts({ ...parts, actors: { ead: {} } }))).toContain(
      'actors.ead: the chart has no such promise',
    );
    expect(refusal(() => accepts({ ...parts, effects: { dove: { run } } }))).toContain('there is only dive');
  });

  it('decides with its own action where a machine below has one of the same name', () => {
    const below = setup({ actions: { dive: assign({}) } }).createMachine({ entry: 'dive' } as never);
    const outer = setup({ actors: { below }, actions: { dive: () => {} } }).createMachine({
      invoke: { src: 'below' },
      entry: 'dive',
    } as never);
    expect(() => accepts({ machine: outer, effects: { dive: { run } } })).not.toThrow();
    const inner = setup({ actors: { below: deep }, actions: { dive: assign({}) } }).createMachine({
      invoke: { src: 'below' },
      entry: 'dive',
    } as never);
    expect(refusal(() => accepts({ machine: inner, effects: { dive: { run } } }))).toContain(
      'does something of its own',
    );
  });

  it.each([
    ['an action on entry', { entry: 'mial' }],
    ['an action on exit', { exit: { type: 'mial', params: {} } }],
    ['an action of a transition', { on: { go: { actions: 'mial' } } }],
    ['an action of an initial transition', { initial: { target: 'a', actions: 'mial' }, states: { a: {} } }],
    ['a guard', { on: { go: { guard: 'isLat', actions: 'mail' } } }],
    ['a guard in another one', { on: { go: { guard: and(['isLate', not('isLat')]), actions: 'mail' } } }],
    ['a guard with parameters', { on: { go: { guard: { type: 'isLat', params: {} }, actions: 'mail' } } }],
    ['an actor', { invoke: { src: 'pya' } }],
    ['a delay of a state', { after: { soom: '.a' }, initial: 'a', states: { a: {} } }],
    ['a delay of an event', { entry: raise({ type: 'x' }, { delay: 'soom' as never }) }],
    ['a delay of a message', { entry: sendTo('x', { type: 'x' }, { delay: 'soom' as never }) }],
    ['an actor to spawn', { entry: spawnChild('pya') }],
    [
      'something deep in its states',
      { initial: 'a', states: { a: { initial: 'b', states: { b: { entry: 'far' } } } } },
    ],
    ['logic to spawn', { entry: spawnChild(fromPromise(async () => 1)) }],
  ])('that names %s which nobody implements is refused with the place and what is near', (_, config) => {
    const chart = setup({
      actions: { mail: () => {}, 'send it': () => {} },
      guards: { isLate: () => true },
      actors: { pay: fromPromise(async () => 1) },
      delays: { soon: 5 },
    }).createMachine({ id: 'job', ...config } as never);
    expect(refusal(() => accepts({ machine: chart }))).toMatchSnapshot();
  });

  it.each([
    ['an action in an action', { actions: { both: raise({ type: 'x' }, { delay: 'soom' as never }) } }],
    ['a guard in a guard', { guards: { both: and(['isLat']) } }],
  ])('that implements %s by a name which nobody implements is refused', (_, parts) => {
    const chart = setup(parts as never).createMachine({ id: 'job' });
    expect(refusal(() => accepts({ machine: chart }))).toMatchSnapshot();
  });

  it('may use what is implemented, and what XState itself brings', () => {
    const chart = setup({
      actions: { mail: () => {} },
      guards: { isLate: () => true, both: and(['isLate', not('isLate')]) },
      delays: { soon: 5 },
      actors: { pay: fromPromise(async () => 1), count: fromTransition((state) => state, 0) },
    }).createMachine({
      id: 'job',
      initial: 'a',
      invoke: [{ src: 'pay' }, { src: 'count' }],
      states: {
        a: {
          entry: [
            'mail',
            spawnChild('pay'),
            raise({ type: 'x' }, { delay: 'soon' as never }),
            raise({ type: 'x' }, { delay: 5 }),
          ],
          after: { soon: 'b', 10: 'b' },
          on: { go: { guard: and(['isLate', 'both']), actions: () => {} } },
        },
        b: {},
      },
    } as never);
    expect(() => accepts({ machine: chart })).not.toThrow();
  });

  it.each([
    ['a callback', fromCallback(() => {})],
    ['an observable', fromObservable(() => ({ subscribe: () => ({ unsubscribe: () => {} }) }) as never)],
    ['no logic', { transition: () => ({}) }],
  ])('that may start %s is refused, also in a machine below it', (_, logic) => {
    const chart = setup({ actors: { bad: logic as never } }).createMachine({
      id: 'job',
      invoke: { src: 'bad' },
    } as never);
    expect(refusal(() => accepts({ machine: chart }))).toMatchSnapshot();
    const outer = setup({ actors: { chart } }).createMachine({ id: 'job', invoke: { src: 'chart' } } as never);
    expect(refusal(() => accepts({ machine: outer }))).toContain('actor "chart/bad": it is ');
  });

  it('is also refused for what a machine below it names', () => {
    const below = createMachine({ entry: 'gone' });
    const outer = setup({ actors: { below } }).createMachine({ id: 'job', invoke: { src: 'below' } } as never);
    expect(refusal(() => accepts({ machine: outer }))).toBe(
      'machine "job": actor "below": the root names the action "gone", which nobody implements\nthere are none',
    );
  });
});
