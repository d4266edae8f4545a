/** What `defineMachine` takes, and what it refuses before any part of the machine runs: each refusal names the place, and what is accepted there. */
import { describe, expect, it } from 'vitest';
import {
  type AnyStateMachine,
  and,
  assign,
  createMachine,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  or,
  raise,
  setup,
  spawnChild,
} from 'xstate';
import { z } from 'zod';
import { checkDefinition, checkedMachines, defineMachine } from '../../actors/define-machine.ts';
import type { AnyDefinition } from '../../actors/definition.ts';
import { expectFailure } from '../support/prose.ts';

const run = async () => undefined;
const upload = fromPromise(async () => 'out');
const machine = setup({
  actions: { publish: () => {}, expire: () => {}, giveUp: () => {}, count: assign({}) },
  actors: { upload },
}).createMachine({
  id: 'release',
  tags: 'old',
  states: { asking: { tags: 'needs a person' }, out: { tags: ['works', 'old'] } },
  initial: 'asking',
});
const release = { name: 'release', machine, version: 1 };

/** A chart without types, which a program in JavaScript may give. */
const chart = (config: object, parts: object = {}) =>
  createMachine({ id: 'chart', ...config } as never, parts as never) as AnyStateMachine;

const accept = (definition: unknown) => expect(() => checkDefinition(definition)).not.toThrow();

/** By the place that the refusal names. */
type Refused = readonly (readonly [place: string, definition: unknown])[];
async function expectRefused(all: Refused): Promise<void> {
  for (const [place, definition] of all) await expectFailure(() => checkDefinition(definition), 'bad_machine', place);
}
/** Each of them beside a definition that is accepted. */
const beside = (all: readonly (readonly [place: string, more: object])[]): Refused =>
  all.map(([place, more]) => [place, { ...release, ...more }]);
const inTable = (table: string, all: readonly (readonly [place: string, more: object])[]): Refused =>
  beside(all.map(([place, more]) => [place, { [table]: more }]));

describe('a definition', () => {
  it('has the name of its chart and version 1, unless it says others', () => {
    expect(defineMachine({ machine })).toEqual(release);
    expect(defineMachine({ name: 'other', machine, version: 7 })).toEqual({ name: 'other', machine, version: 7 });
  });

  it('may have every part', () => {
    const whole = {
      ...{ ...release, version: 11, upgrades: { 1: run, 10: run }, signals: { approve: z.object({}) } },
      ...{ effects: { publish: { run } }, actors: { upload: {} }, view: () => ({}), notices: { old: () => '' } },
      schedules: { nightly: { cron: '0 3 * * *' } },
    };
    accept(whole);
    expect(defineMachine(whole as never)).toEqual(whole);
  });

  it('is a table, with a name and a chart', async () => {
    await expectRefused([
      ['a machine: it is no definition', null],
      ['a machine: it is no definition', undefined],
      ['a machine: it is no definition', 'release'],
      ['a machine: it is a chart without its definition', machine],
      ['a machine: it is no definition', [release]],
      ['a machine: its name cannot be used', { machine, version: 1 }],
      ['machine "Plan Nine"', { ...release, name: 'Plan Nine' }],
      ['machine "plan"', { ...release, name: 'plan' }],
      ['machine ["release"]', { ...release, name: ['release'] }],
      ['there is no "signal"', { ...release, signal: {} }],
      ['it is no state machine', { name: 'release', version: 1 }],
      ['it is no state machine', { ...release, machine: {} }],
      ['it is no state machine', { ...release, machine: { root: machine.root } }],
      ['it is no state machine', { ...release, machine: { provide: run } }],
    ]);
    const define = defineMachine as unknown as (definition: unknown) => unknown;
    for (const [given, place] of [
      [{}, 'machine ""'],
      [null, 'a machine'],
      ['release', 'a machine'],
      [machine, 'a machine: it is a chart without its definition'],
    ] as const)
      await expectFailure(() => define(given), 'bad_machine', place);
  });

  it('has a version, and upgrades from versions before it', async () => {
    await expectRefused(
      beside([
        ['version: found 0', { version: 0 }],
        ['version: found 1.5', { version: 1.5 }],
        ['version: found "2"', { version: '2' }],
        ['upgrades["1"]', { version: 1, upgrades: { 1: run } }],
        ['upgrades["2"]', { version: 2, upgrades: { 1: run, 2: run } }],
        ['upgrades["0"]', { version: 2, upgrades: { 0: run } }],
        ['upgrades["01"]', { version: 2, upgrades: { '01': run } }],
        ['upgrades["v1"]', { version: 2, upgrades: { v1: run } }],
        ['upgrades["1a"]', { version: 2, upgrades: { '1a': run } }],
      ]),
    );
  });

  it('is given once under each name', async () => {
    const other = { ...release, name: 'other' } as AnyDefinition;
    const own = [release as AnyDefinition, other];
    expect(checkedMachines(own)).toBe(own);
    await expectFailure(() => checkedMachines([...own, { ...other }]), 'bad_machine', 'machine "other" is there twice');
    await expectFailure(() => checkedMachines([release, { ...other, version: 0 }]), 'bad_machine', 'version: found 0');
  });
});

describe('a refusal says what was found', () => {
  it.each([
    [undefined, 'nothing'],
    [run, 'a function'],
    [[1], 'a list'],
    [{ a: 1 }, 'an object'],
    [null, 'null'],
    [0, '0'],
    ['one', '"one"'],
    ['x'.repeat(101), `"${'x'.repeat(100)}"`],
  ])('%s', (version, found) => {
    const accepted = `version: found ${found}; accepted: a whole number, from 1`;
    expect(() => checkDefinition({ ...release, version })).toThrow(accepted);
  });
});

describe('the signals of a definition', () => {
  it('are its own, and names that only begin or end like those of the engine', () => {
    const names = ['approve', 'xstate.route', 'my.xstate.event', 'xstates.x', 'timer_due2', 'stator'];
    accept({ ...release, signals: Object.fromEntries(names.map((name) => [name, z.object({})])) });
  });

  it.each([
    ...['machine_started', 'effect_failed', 'message_failed', 'timer_due', 'promise_settled', 'output_awaited'],
    ...['machine_upgraded', 'tree_deleted', 'xstate.done.actor.kid', 'xstate.init', 'stator.promise.settled'],
  ])('are never what the engine alone says: %s', (type) => {
    const forged = { ...release, signals: { [type]: z.object({}) } };
    expect(() => checkDefinition(forged)).toThrow(`signals.${type}: the engine alone says this`);
  });

  it('have a schema each', async () => {
    await expectRefused(
      inTable('signals', [
        ['signals.effect_failed: the engine alone says this', { effect_failed: z.object({}) }],
        ['signals.approve: found an object', { approve: {} }],
        ['signals.approve: found nothing', { approve: undefined }],
        ['signals.approve: found a function', { approve: run }],
      ]),
    );
  });
});

describe('a schedule', () => {
  it('says when, and what about times that were missed or overlap', () => {
    const cron = '0 3 * * *';
    const overlaps = ['refuse', 'queue', 'allow'].map((overlap) => ({ cron, overlap }));
    const taken = [
      ...[{ cron }, ...overlaps, { cron, missed: 'once', overlap: 'queue' }, { cron, missed: 'skip' }],
      ...[
        { cron, missed: 'skip', overlap: 'allow' },
        { cron, timezone: 'UTC', input: () => ({}) },
      ],
    ];
    const names = ['nightly', '9', 'a'.repeat(64), 'at-3'];
    for (const schedule of taken) accept({ ...release, schedules: { nightly: schedule } });
    for (const name of names) accept({ ...release, schedules: { [name]: { cron } } });
  });

  it('is refused where it would never be what is meant', async () => {
    const cron = '0 3 * * *';
    await expectRefused(
      inTable('schedules', [
        ['schedules.Nightly', { Nightly: { cron } }],
        ['schedules.-a', { '-a': { cron } }],
        [`schedules.${'a'.repeat(65)}`, { ['a'.repeat(65)]: { cron } }],
        ['schedules.nightly: found "daily"', { nightly: 'daily' }],
        ['schedules.nightly: found null', { nightly: null }],
        ['there is no "zone"', { nightly: { cron, zone: 'UTC' } }],
        ['missed: found "all"', { nightly: { cron, missed: 'all' } }],
        ['overlap: found "wait"', { nightly: { cron, overlap: 'wait' } }],
        ['would be skipped as missed', { nightly: { cron, overlap: 'queue', missed: 'skip' } }],
        ['input: found null', { nightly: { cron, input: null } }],
        ['input: found an object', { nightly: { cron, input: {} } }],
      ]),
    );
  });
});

it('a notice is a function, by a tag that a state of the chart has', async () => {
  accept({ ...release, notices: { 'needs a person': run, works: run, old: run } });
  await expectRefused(
    inTable('notices', [
      ['no state has the tag "needs people"', { works: run, 'needs people': run }],
      ['notices["works"]: found "it works"', { works: 'it works' }],
    ]),
  );
});

describe('an effect', () => {
  it('has one of five forms', () => {
    const work = {
      lane: 'uP_-9',
      limit: 1,
      host: 'gpu.1',
      attempts: 1,
      timeoutMs: 2 ** 31 - 1,
      stoppedBy: ['giveUp', 'expire'],
    };
    const taken = [
      ...[{ run }, { run, ...work }, { run, lane: 'a'.repeat(64) }, { run, stoppedBy: [] }],
      ...[
        { afterMs: 0, event: 'e' },
        { afterMs: 1.5, event: 'e', stoppedBy: ['giveUp'] },
      ],
      ...[{ afterMs: () => 1, event: 'e' }, { send: run }, { start: run }, { watch: run }],
    ];
    for (const effect of taken) accept({ ...release, effects: { publish: effect } });
  });

  it('is refused where it has another form, or another field', async () => {
    const inEffect = (all: readonly (readonly [place: string, effect: unknown])[]) =>
      expectRefused(
        inTable(
          'effects',
          all.map(([place, effect]) => [place, { publish: effect }]),
        ),
      );
    await inEffect([
      ['effects.publish: it says nothing to do', {}],
      ['effects.publish: found null, which is no effect', null],
      ['effects.publish: found "run", which is no effect', 'run'],
      ['effects.publish: found a function, which is no effect', run],
      ['there is no "retries"', { run, retries: 3 }],
      ['there is no "event"', { send: run, event: 'e' }],
      ['there is no "limit"', { afterMs: 1, event: 'e', limit: 1 }],
      ['run: found "publish"', { run: 'publish' }],
      ['run: found 5', { run: 5 }],
      ['send: found an object', { send: { to: {} } }],
      ['afterMs: found "5"', { afterMs: '5', event: 'e' }],
      ['afterMs: found -1', { afterMs: -1, event: 'e' }],
      ['afterMs: found Infinity', { afterMs: Number.POSITIVE_INFINITY, event: 'e' }],
      ['event: found nothing', { afterMs: 1 }],
      ['event: found nothing', { afterMs: () => 1 }],
    ]);
    await inEffect([
      ['limit: found 0', { run, limit: 0 }],
      ['attempts: found 1.5', { run, attempts: 1.5 }],
      ['attempts: found "3"', { run, attempts: '3' }],
      ['timeoutMs: found -1', { run, timeoutMs: -1 }],
      ['timeoutMs: found 2592000000', { run, timeoutMs: 30 * 86_400_000 }],
      ...['', 'Lane', '9', 'a b', 'a'.repeat(65)].map((lane) => [`lane: found "${lane}"`, { run, lane }] as const),
      ['lane: found a list', { run, lane: ['a'] }],
      ['host: found "a b"', { run, host: 'a b' }],
      ['host: found 7', { run, host: 7 }],
      ['stoppedBy: found "expire"', { run, stoppedBy: 'expire' }],
      ['effects.publish.stoppedBy', { run, stoppedBy: ['expire', 'stop'] }],
      ['effects.publish.stoppedBy', { run, stoppedBy: ['count'] }],
    ]);
  });

  it('is of an action that the chart, or a machine below it, was set up with', async () => {
    const below = chart({}, { actions: { ask: () => {} } });
    const above = chart({ invoke: { src: below } }, { actions: { tell: () => {} } });
    const of = (...actions: string[]) => ({
      ...{ name: 'above', machine: above, version: 1 },
      effects: Object.fromEntries(actions.map((action) => [action, { run }])),
    });
    accept(of('ask', 'tell'));
    await expectRefused([['effects.tall: the machine has no such action', of('tall')]]);
  });

  it('has no name that a promise of the chart has', async () => {
    const of = (actors: object) => ({
      ...{ name: 'above', version: 1, effects: { ask: { run } } },
      machine: chart({}, { actions: { ask: run }, actors }),
    });
    accept(of({ below: chart({}, { actors: { ask: upload } }) }));
    await expectRefused([['effects.ask: a promise of the chart has the same name', of({ ask: upload })]]);
  });

  it('never takes the place of what XState itself does, in any machine of the chart', async () => {
    const of = (below: unknown, own: unknown) => ({
      ...{ name: 'above', version: 1, effects: { ask: { run } } },
      machine: chart(
        { invoke: { src: chart({}, { actions: { ask: below } }) } },
        { actions: { ask: own, other: () => {} } },
      ),
    });
    accept(of(run, run));
    await expectRefused([
      ['the action does something of its own', of(run, assign({}))],
      ['the action does something of its own', of(assign({}), run)],
      ['the action does something of its own', of(run, 'other')],
    ]);
  });
});

it('the settings of a promise are those of work, by the name of an actor that is one', async () => {
  const nested = chart({ invoke: { src: chart({}, { actors: { deep: upload } }) } }, { actors: { publish: upload } });
  const of = (actors: object) => ({ name: 'nested', machine: nested, version: 1, actors });
  accept(of({ publish: { lane: 'a', limit: 2, host: 'x', attempts: 3, timeoutMs: 4 }, deep: {} }));
  await expectRefused([
    ['actors.publsh: the chart has no such promise', of({ publsh: {} })],
    ['actors.eep: the chart has no such promise', of({ eep: {} })],
    ['actors.(root): the chart has no such promise', of({ '(root)': {} })],
    ['actors.publish: found "twice"', of({ publish: 'twice' })],
    ['actors.publish: found null', of({ publish: null })],
    ['attempts: found 0', of({ publish: { attempts: 0 } })],
    ['there is no "stoppedBy"', of({ publish: { stoppedBy: [] } })],
  ]);
});

it('what lives in one process only, or is no logic, is nothing that a chart may start', async () => {
  const of = (src: unknown) => ({ name: 'chart', version: 1, machine: chart({ invoke: { src } }) });
  for (const src of [upload, fromTransition((state) => state, 0), chart({})]) accept(of(src));
  await expectRefused([
    ['actor "(root):0": it is made by fromCallback', of(fromCallback(() => {}))],
    ['actor "(root):0": it is made by fromObservable', of(fromObservable(() => ({}) as never))],
    ['actor "(root):0": it is no logic of XState', of({})],
    ['actor "(root):0/(root):0": it is made by fromCallback', of(chart({ invoke: { src: fromCallback(() => {}) } }))],
  ]);
});

it('a state that holds signals lists their types', async () => {
  const of = (...metas: unknown[]) => ({
    ...{ name: 'chart', version: 1 },
    machine: chart({ meta: metas[0], initial: 'a', states: { a: { meta: metas[1] } } }),
  });
  accept(of({ holds: ['approve', 'refuse'] }, { holds: [] }));
  accept(of(null, { note: 1 }));
  await expectRefused([
    ['meta.holds of the root: found "approve"', of({ holds: 'approve' })],
    ['meta.holds of state a: found true', of({}, { holds: true })],
    ['meta.holds of state a: found a list', of({}, { holds: ['approve', 1] })],
  ]);
});

describe('what the chart names', () => {
  const of = (config: object, parts: object = {}) => ({ name: 'chart', version: 1, machine: chart(config, parts) });

  it('may be implemented, or be of XState, or be the function itself', () => {
    const marked = Object.assign(() => {}, { src: 'nobody', delay: 'never' });
    const parts = {
      actions: { ring: () => {}, later: raise({ type: 'x' }, { delay: 'short' as never }) },
      guards: {
        isOn: () => true,
        both: and(['isOn', or(['isOn', () => true])]),
        odd: Object.assign(() => true, { guards: 1 }),
      },
      delays: { short: 5 },
      actors: { publish: upload },
    };
    const acts = ['ring', spawnChild('publish' as never), { type: 'ring' }, () => {}, { type: 'xstate.raise' }, marked];
    accept(
      of(
        {
          ...{ entry: acts, exit: acts, invoke: { src: 'publish' }, after: { short: { guard: 'isOn' }, 7: {} } },
          on: { a: [{ guard: () => true }, { guard: { type: 'both' } }, { guard: null }, { guard: and(['isOn']) }] },
        },
        parts,
      ),
    );
  });

  it('is refused with its place, if nobody implements it', async () => {
    const inner = chart({ entry: 'ding' });
    const machineBelow = { actors: { bell: inner } };
    await expectRefused([
      ['the root names the action "ding"', of({ entry: 'ding' })],
      ['the root names the action "ding"', of({ exit: [() => {}, { type: 'ding' }] })],
      [
        'state a.b names the action "ding"',
        of({ initial: 'a', states: { a: { initial: 'b', states: { b: { exit: 'ding' } } } } }),
      ],
      ['the root names the action "my.xstate.act"', of({ entry: 'my.xstate.act' })],
      ['did you mean ring?', of({ entry: 'rnig' }, { actions: { walk: run, ring: run } })],
      ['there is only ring', of({ entry: 'wrong' }, { actions: { ring: run } })],
      ['did you mean RING?', of({ entry: 'ring' }, { actions: { RING: run } })],
      ['did you mean ringer?', of({ entry: 'ring' }, { actions: { ringer: run } })],
      // The nearest, not the first that is near.
      ['did you mean rings?', of({ entry: 'ring' }, { actions: { ringed: run, rings: run } })],
      ['the root names the action "ding"', of({ initial: { target: 'a', actions: 'ding' }, states: { a: {} } })],
      ['the root names the action "ding"', of({ on: { x: { actions: 'ding' } } })],
      ['the root names the guard "isOn"', of({ on: { x: { guard: 'isOn' } } })],
      ['the root names the action "ding"', of({ always: { actions: 'ding' } })],
      ['the root names the guard "isOn"', of({ always: { guard: or([() => true, 'isOn']) } })],
      ['the guard "both" names the guard "isOf"', of({}, { guards: { both: and(['isOn', 'isOf']), isOn: run } })],
      ['the root names the actor "publish"', of({ invoke: { src: 'publish' } })],
      ['the root names the delay "short"', of({ after: { short: {} } })],
      [
        'the action "late" names the delay "short"',
        of({}, { actions: { late: raise({ type: 'x' }, { delay: 'short' as never }) } }),
      ],
      ['the root names the actor "publish"', of({ entry: spawnChild('publish' as never) })],
      ['the root: spawnChild is given the logic itself', of({ entry: spawnChild(upload) })],
      ['actor "bell": the root names the action "ding"', of({}, machineBelow)],
    ]);
  });
});
