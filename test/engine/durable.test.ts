/** The engine of `stator/durable`: user-defined machines in a file or in memory, without a home. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { assign, createMachine, emit, fromPromise, setup } from 'xstate';
import { z } from 'zod';
import { systemCode } from '../../runtime/base/platform/system-code.ts';
import {
  createEngine,
  type DurableOptions,
  defineMachine,
  EngineError,
  FatalError,
  outputOf,
} from '../../runtime/engine/durable.ts';
import { openDurableCore } from '../../runtime/engine/durable-core.ts';
import { createEngine as createAny, defineMachine as defineAny } from '../../runtime/engine/engine.ts';
import { createMachines } from '../../runtime/engine/machines.ts';
import { afterwards } from '../support/engine.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-durable-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const gate = defineMachine({
  name: 'gate',
  version: 1,
  machine: setup({
    types: {
      context: {} as { opened: number; seen: string[] },
      events: {} as { type: 'open' } | { type: 'close' } | { type: 'fault' } | { type: 'end' },
    },
    actors: { ring: fromPromise(async () => 'rung') },
    actions: {
      fault: () => {
        throw new Error('the gate is stuck');
      },
    },
  }).createMachine({
    context: { opened: 0, seen: [] },
    initial: 'closed',
    on: { end: '.ended', fault: { actions: 'fault' } },
    states: {
      closed: { on: { open: { target: 'ringing', actions: assign({ opened: ({ context }) => context.opened + 1 }) } } },
      ringing: {
        invoke: {
          src: 'ring',
          onDone: { target: 'opened', actions: assign({ seen: ({ event }) => [event.output] }) },
        },
      },
      opened: { after: { 60000: 'closed' }, on: { close: 'closed' } },
      ended: { type: 'final' },
    },
  }),
  signals: { open: z.strictObject({}), close: z.strictObject({}), fault: z.strictObject({}), end: z.strictObject({}) },
});

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function open(options: Omit<DurableOptions, 'log'> = { file: ':memory:' }) {
  const engine = await createEngine({ ...options, log: quiet, machines: [gate] });
  afterwards(() => engine.stop());
  return engine;
}

async function untilIn(engine: Awaited<ReturnType<typeof open>>, id: string, state: string): Promise<void> {
  for await (const { to } of engine.machines.gate.facts(id)) if (to === state) return;
}

/** What a call throws. */
async function failureOf(call: Promise<unknown>): Promise<EngineError> {
  const thrown = await call.then(
    () => null,
    (failure: unknown) => failure,
  );
  expect(thrown).toBeInstanceOf(EngineError);
  return thrown as EngineError; // as it is expected to be
}

describe('an engine of durable actors', () => {
  it('carries a chart on in memory, and answers what it is asked', async () => {
    const engine = await open();
    const { gate: gates } = engine.machines;
    expect((await gates.start('north')).value).toBe('closed');
    expect(await gates.send('north', { type: 'open' })).toMatchObject({ type: 'open', status: 'done' });
    await untilIn(engine, 'north', 'opened');
    expect(await gates.get('north')).toMatchObject({ value: 'opened', context: { opened: 1, seen: ['rung'] } });
    expect(await gates.list()).toMatchObject([{ id: 'north', status: 'active' }]);
    expect((await gates.explain('north')).timers).toHaveLength(1);
    expect((await gates.history('north')).map(({ event }) => event).slice(0, 2)).toEqual(['begun', 'open']);
    await gates.delete('north', { force: true });
    expect(await gates.list()).toEqual([]);
  });

  it('takes a chart as it is: the name is its id, and the version 1', async () => {
    const timer = defineMachine({ machine: setup({}).createMachine({ id: 'timer', on: { tick: {} } }) });
    expect(timer).toMatchObject({ name: 'timer', version: 1 });
    const engine = await createEngine({ file: ':memory:', log: quiet, machines: [timer] });
    afterwards(() => engine.stop());
    expect((await engine.machines.timer.start('one')).status).toBe('active');
    const noName = () => defineMachine({ machine: setup({}).createMachine({}) });
    expect(noName).toThrow('machine "(machine)": its name cannot be used');
  });

  it('is made by createEngine of stator too, where a file is given', async () => {
    const file = join(folder, 'app.db');
    const timer = defineAny({ machine: setup({}).createMachine({ id: 'timer', on: { tick: {} } }) });
    const engine = await createAny({ file, log: quiet, machines: [timer] });
    afterwards(() => engine.stop());
    expect((await engine.machines.timer.start('one')).status).toBe('active');
    expect(existsSync(file)).toBe(true);
    const withHome = { file, home: file, machines: [timer] };
    await expect(createAny(withHome)).rejects.toMatchObject({ code: 'bad_request' });
    const { code, hint } = await failureOf(createAny({ file: folder, log: quiet, machines: [timer] }));
    expect([code, hint]).toEqual(['store_unreadable', expect.stringContaining('give createEngine another one')]);
  });

  it('has a chart wait for the output of another tree', async () => {
    const chart = setup({ actors: { vote: outputOf('gate') } }).createMachine({
      initial: 'waiting',
      states: { waiting: { invoke: { src: 'vote', input: { id: 'north' }, onDone: 'over' } }, over: {} },
    });
    const waits = defineMachine({ name: 'waits', version: 1, machine: chart });
    const engine = await createEngine({ file: ':memory:', log: quiet, machines: [gate, waits] });
    afterwards(() => engine.stop());
    await engine.machines.gate.start('north');
    await engine.machines.waits.start('one');
    expect((await engine.machines.waits.get('one')).value).toBe('waiting');
    expect((await engine.machines.waits.explain('one')).outputs).toEqual([{ machine: 'gate', id: 'north' }]);
    await engine.machines.gate.send('north', { type: 'end' });
    for await (const { to } of engine.machines.waits.facts('one')) if (to === 'over') break;
    expect((await engine.machines.waits.get('one')).value).toBe('over');
    expect((await engine.machines.waits.explain('one')).outputs).toEqual([]);
  });

  it('goes on in its file with the next engine, which another program may read meanwhile', async () => {
    const file = join(folder, 'goes-on.db');
    const first = await open({ file });
    await first.machines.gate.start('north');
    await first.machines.gate.send('north', { type: 'open' });
    await untilIn(first, 'north', 'opened');
    const reader = new BetterSqlite3(file, { readonly: true });
    expect(reader.prepare('SELECT count(*) FROM trees').pluck().get()).toBe(1);
    reader.close();
    await first.stop();
    const second = await open({ file });
    expect(await second.machines.gate.get('north')).toMatchObject({ value: 'opened', context: { opened: 1 } });
    await second.machines.gate.send('north', { type: 'close' });
    expect((await second.machines.gate.get('north')).value).toBe('closed');
  });

  it('begins nothing of a paused machine or lane, over restarts, until it is resumed', async () => {
    const file = join(folder, 'paused.db');
    const first = await open({ file });
    await first.pause({ machine: 'gate', lane: 'ring' });
    await first.machines.gate.start('north');
    // The signal is taken all the same.
    await first.machines.gate.send('north', { type: 'open' });
    await first.pause({ machine: 'gate' });
    await first.stop();
    const second = await open({ file });
    const { gate: gates } = second.machines;
    const shown = async () =>
      (await gates.explain('north')).effects.map(({ effect, status, paused }) => [effect, status, paused]);
    expect(await shown()).toEqual([['ring', 'queued', true]]);
    expect(await gates.list()).toMatchObject([{ id: 'north', paused: true }]);
    expect((await second.pauses()).map(({ machine, lane }) => [machine, lane])).toEqual([
      ['gate', null],
      ['gate', 'ring'],
    ]);
    await second.resume({ machine: 'gate' });
    expect(await shown()).toEqual([['ring', 'queued', true]]);
    expect((await gates.list())[0]).not.toHaveProperty('paused');
    await second.resume({ machine: 'gate', lane: 'ring' });
    await untilIn(second, 'north', 'opened');
    expect(await second.pauses()).toEqual([]);
  });

  it('refuses by name to pause what there is not, and to serve a page', async () => {
    const engine = await open();
    const failures = [
      await failureOf(engine.pause({ machine: 'gate', lane: 'rnig' })),
      await failureOf(engine.pause({ machine: 'gaet' } as never)),
      await failureOf(engine.resume({ machine: 'gate', lanes: 'ring' } as never)),
      await failureOf(engine.inspect()),
    ];
    expect(failures.map(({ code, hint }) => [code, hint])).toEqual([
      ['bad_request', expect.stringContaining('there is only ring')],
      ['machine_unknown', expect.stringContaining('there is only gate')],
      ['bad_request', expect.any(String)],
      ['unavailable', expect.stringContaining('package stator')],
    ]);
  });

  it('lets one engine work with a file at a time, and waits for the other one where it is to', async () => {
    const file = join(folder, 'one.db');
    const first = await open({ file });
    const taken = await failureOf(createEngine({ file, machines: [gate] }));
    expect([taken.code, taken.hint]).toEqual(['owner_taken', expect.stringContaining('await engine.stop()')]);
    const second = open({ file, waitMs: 10_000 });
    await first.stop();
    expect(await (await second).machines.gate.list()).toEqual([]);
    expect((await failureOf(first.machines.gate.list())).code).toBe('stopped');
    expect(first.loss()?.code).toBe('stopped');
    const under = await failureOf(createEngine({ file: join(file, 'below-a-file.db'), machines: [gate] }));
    expect([under.code, under.hint]).toEqual(['home_unusable', expect.stringContaining('can make and write')]);
  });

  it('is one for a file, by whichever link it is opened', async () => {
    mkdirSync(join(folder, 'real'));
    symlinkSync(join(folder, 'real'), join(folder, 'linked'));
    symlinkSync(join('real', 'own.db'), join(folder, 'own.db'));
    const first = await open({ file: join(folder, 'own.db') });
    for (const file of [join(folder, 'real', 'own.db'), join(folder, 'linked', 'own.db'), join(folder, 'own.db')])
      expect((await failureOf(open({ file }))).code).toBe('owner_taken');
    await first.stop();
    const missing = await open({ file: join(folder, 'linked', 'deep', 'new.db') });
    expect(existsSync(join(folder, 'real', 'deep', 'new.db.owner'))).toBe(true);
    await missing.stop();
  });

  it('keeps what is for a tree that a definition cannot read, for one that can', async () => {
    const chart = setup({ actors: { work: fromPromise(async () => 7) } }).createMachine({
      type: 'parallel',
      states: {
        timer: { initial: 'a', states: { a: { after: { 50: 'b' } }, b: {} } },
        promise: { initial: 'a', states: { a: { invoke: { src: 'work', onDone: 'b' } }, b: {} } },
      },
    });
    const file = join(folder, 'unreadable.db');
    const warned: string[] = [];
    const log = { ...quiet, error: (message: string) => void warned.push(message) };
    const opened = (definition: object) =>
      createEngine({ file, log, machines: [defineMachine({ name: 'job', machine: chart, ...definition })] });
    const paused = await opened({});
    await paused.pause({ machine: 'job' });
    await paused.machines.job.start('one');
    await paused.stop();
    const forgetful = await opened({ version: 2 });
    await forgetful.resume({ machine: 'job' });
    await vi.waitFor(() => expect(warned).toHaveLength(3), { timeout: 10_000 });
    expect((await failureOf(forgetful.machines.job.get('one'))).code).toBe('snapshot_unknown');
    await forgetful.stop();
    const mended = await opened({ version: 2, upgrades: { 1: (stored: object) => stored } });
    afterwards(() => mended.stop());
    await vi.waitFor(
      async () => expect((await mended.machines.job.get('one')).value).toMatchObject({ timer: 'b', promise: 'b' }),
      { timeout: 10_000 },
    );
    expect((await mended.machines.job.explain('one')).set_aside).toEqual([]);
    expect(warned.every((line) => line.endsWith('waits until the tree can be read'))).toBe(true);
  });

  it('says why it does nothing any more, with what its program can do', async () => {
    const file = join(folder, 'deleted.db');
    const engine = await open({ file });
    await engine.machines.gate.start('north');
    rmSync(file);
    await vi.waitFor(() => expect(engine.loss()).not.toBeNull(), { timeout: 10_000 });
    const { code, hint } = engine.loss() ?? {};
    expect([code, hint]).toEqual(['store_unreadable', expect.stringContaining('give createEngine another one')]);
    await engine.stop();
  });

  it('gives what is its program’s own: a change there changes no actor', async () => {
    const engine = await open();
    await engine.machines.gate.start('north');
    const tree = await engine.machines.gate.get('north');
    (tree.context as { opened: number }).opened = 99;
    tree.tags.push('none' as never);
    expect(await engine.machines.gate.get('north')).toMatchObject({ context: { opened: 0 }, tags: [] });
  });

  it('says in calls of its program what can be done, never in commands', async () => {
    const engine = await open();
    const { gate: gates } = engine.machines;
    await gates.start('north');
    const failures = [
      await failureOf(gates.get('south')),
      await failureOf(gates.start('a b')),
      await failureOf(gates.delete('north')),
      await failureOf(gates.send('north', { type: 'close' })),
      await failureOf(gates.send('north', { type: 'opne' } as never)),
      await failureOf(gates.send('north', { type: 'open', wide: true } as never)),
      await failureOf(gates.send('north', { type: 'fault' })),
      await failureOf(engine.retry(999)),
    ];
    expect(failures.map(({ code }) => code)).toEqual([
      ...['not_found', 'bad_request', 'conflict', 'refused', 'unknown_signal', 'bad_payload', 'refused', 'not_found'],
    ]);
    expect(failures.filter(({ hint }) => /\bstator [a-z]|daemon\.toml/.test(hint))).toEqual([]);
    const { set_aside: aside } = await gates.explain('north');
    expect(aside).toMatchObject([{ type: 'fault', error: expect.stringContaining('the gate is stuck') }]);
    // It throws again, and is set aside again.
    await engine.retry(aside[0]?.id ?? 0);
    expect((await gates.explain('north')).set_aside).toHaveLength(1);
  });

  it('lets a program leave facts before their first look at the journal is over', async () => {
    const { gate: gates } = (await open()).machines;
    await gates.start('north');
    const [begun] = await gates.history('north');
    const facts = gates.facts('north', { after: begun?.seq ?? 0 })[Symbol.asyncIterator]();
    const next = facts.next();
    await facts.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('explains which signals a wildcard transition accepts, and accepts them when they are sent', async () => {
    const signals = { poke: z.strictObject({}), 'card.paid': z.strictObject({}) };
    const states = { any: { on: { 'card.*': 'none' } }, none: { on: { poke: {} } } };
    const chart = setup({}).createMachine({ initial: 'any', states, on: {} });
    const listener = defineMachine({ name: 'listener', version: 1, machine: chart, signals });
    const engine = await createEngine({ file: ':memory:', log: quiet, machines: [listener] });
    afterwards(() => engine.stop());
    const { listener: trees } = engine.machines;
    await trees.start('one');
    const accepted = async () => (await trees.explain('one')).events.filter((each) => each.accepted);
    expect((await accepted()).map(({ type }) => type)).toEqual(['card.paid']);
    await trees.send('one', { type: 'card.paid' });
    // It changes nothing, and is not refused.
    expect((await accepted()).map(({ type }) => type)).toEqual(['poke']);
    expect(await trees.send('one', { type: 'poke' })).toMatchObject({ status: 'done' });
  });

  it('names regions without states of their own by their names alone', async () => {
    const signals = { flip: z.strictObject({}), stop: z.strictObject({}) };
    const lamp = { initial: 'dark', states: { dark: { on: { flip: 'lit' } }, lit: {} } };
    const states = { on: { type: 'parallel', states: { clock: {}, lamp } }, off: { on: { stop: 'on' } } } as const;
    const chart = createMachine({ id: 'room', initial: 'on', states });
    const file = join(folder, 'room.db');
    const open = () =>
      createEngine({ file, log: quiet, machines: [defineMachine({ name: 'room', machine: chart, signals })] });
    const first = await open();
    await first.machines.room.start('one');
    await first.stop();
    const engine = await open();
    afterwards(() => engine.stop());
    const { room } = engine.machines;
    await room.send('one', { type: 'flip' });
    expect((await room.get('one')).value).toEqual({ on: { clock: {}, lamp: 'lit' } });
    expect((await room.history('one')).at(-1)).toMatchObject({ from: 'on.clock lamp.dark', to: 'on.clock lamp.lit' });
    await expect(room.send('one', { type: 'stop' })).rejects.toThrow('it is in on.clock lamp.lit');
  });

  it('shows the value of a rejection that no state handles, though it is not an Error', async () => {
    const refuses = fromPromise(() => Promise.reject({ code: 402, of: 'the bank' }));
    const chart = setup({ actors: { refuses } }).createMachine({ invoke: { src: 'refuses' } });
    const payment = defineMachine({ name: 'payment', version: 1, machine: chart });
    const engine = await createEngine({ file: ':memory:', log: quiet, machines: [payment] });
    afterwards(() => engine.stop());
    await engine.machines.payment.start('one');
    for await (const { event } of engine.machines.payment.facts('one')) if (event === 'set_aside') break;
    const { set_aside: aside } = await engine.machines.payment.explain('one');
    expect(aside.map(({ error }) => error)).toEqual(['{"code":402,"of":"the bank"}']);
  });

  it('gives a chart the errors of its promises with their fields, and events and inputs as they were sent', async () => {
    class Declined extends Error {
      override readonly name = 'Declined';
      readonly code = 402;
      readonly request = { token: 'secret' };
    }
    const chart = setup({
      types: { context: {} as { input: unknown; at: unknown; error: unknown; isError: boolean } },
      actors: {
        pay: fromPromise(async () => {
          throw new Declined('no money');
        }),
      },
    }).createMachine({
      context: ({ input }) => ({ input, at: null, error: null, isError: false }),
      initial: 'idle',
      states: {
        idle: { on: { pay: { target: 'paying', actions: assign({ at: ({ event }) => event.at }) } } },
        paying: {
          invoke: { src: 'pay', onError: { target: 'over', actions: assign({ error: ({ event }) => event.error }) } },
        },
        over: { on: { look: { actions: assign({ isError: ({ context }) => context.error instanceof Error }) } } },
      },
    });
    const signals = { pay: z.strictObject({ at: z.string() }), look: z.strictObject({}) };
    const payment = defineMachine({ name: 'payment', version: 1, machine: chart, signals });
    const file = join(folder, 'errors.db');
    const first = await createEngine({ file, log: quiet, machines: [payment] });
    await first.machines.payment.start('one', { id: 'customer-7', at: 'dawn' });
    await first.machines.payment.send('one', { type: 'pay', at: 'noon' });
    for await (const { to } of first.machines.payment.facts('one')) if (to === 'over') break;
    await first.stop();
    const second = await createEngine({ file, log: quiet, machines: [payment] });
    afterwards(() => second.stop());
    await second.machines.payment.send('one', { type: 'look' });
    expect((await second.machines.payment.get('one')).context).toEqual({
      input: { id: 'customer-7', at: 'dawn' },
      at: 'noon',
      error: { stator$$type: 'error', name: 'Declined', message: 'no money', code: 402 },
      isError: true,
    });
  });

  it('takes values and errors of another realm, which Node gives a program in Jest', async () => {
    const failed: unknown = runInNewContext("Object.assign(new Error('none'), { code: 'ENOENT' })");
    const read = fromPromise(() => Promise.reject(failed));
    const chart = setup({ actors: { read } }).createMachine({
      context: ({ input }) => ({ ...(input as object), said: '' }),
      initial: 'reading',
      states: {
        reading: {
          invoke: {
            src: 'read',
            onError: { target: 'over', actions: assign({ said: ({ event }) => `${event.error}` }) },
          },
        },
        over: { type: 'final' },
      },
    });
    const reader = defineMachine({ name: 'reader', machine: chart });
    const engine = await createEngine({ file: ':memory:', log: quiet, machines: [reader] });
    afterwards(() => engine.stop());
    await engine.machines.reader.start('one', runInNewContext('({ of: [{ a: 1 }] })'));
    for await (const _ of engine.machines.reader.facts('one'));
    expect((await engine.machines.reader.get('one')).context).toMatchObject({ of: [{ a: 1 }], said: 'Error: none' });
    expect(systemCode(failed)).toBe('ENOENT');
  });

  it('refuses what a chart would get as something else than was sent, with its place', async () => {
    const signals = { book: z.object({ when: z.coerce.date() }), say: z.looseObject({}) };
    const chart = setup({ types: { input: {} as { of?: unknown } } }).createMachine({ on: { book: {}, say: {} } });
    const diary = defineMachine({ name: 'diary', version: 1, machine: chart, signals: signals as never });
    const engine = await createEngine({ file: ':memory:', log: quiet, machines: [diary] });
    afterwards(() => engine.stop());
    const trees = engine.machines.diary;
    await trees.start('one');
    const failures = await Promise.all([
      failureOf(trees.start('two', { of: new Map() })),
      failureOf(trees.send('one', { type: 'say', at: [{ when: new Date(0) }] } as never)),
      failureOf(trees.send('one', { type: 'say', sum: 1n } as never)),
      failureOf(trees.send('one', { type: 'book', when: '2030-01-01' } as never)),
    ]);
    expect(failures.map(({ code, message }) => [code, message])).toEqual([
      ['bad_payload', 'the input of diary cannot be kept as JSON: of is a Map'],
      ['bad_payload', 'the payload of say cannot be kept as JSON: at[0].when is a Date'],
      ['bad_payload', 'the payload of say cannot be kept as JSON: sum is a bigint'],
      ['bad_payload', 'the payload of book, as its schema reads it, cannot be kept as JSON: when is a Date'],
    ]);
  });

  it('refuses a list with holes, a text in place of an event, and options that it would not carry out', async () => {
    const trees = (await open()).machines.gate;
    await trees.start('one');
    const failures = await Promise.all([
      failureOf(trees.send('one', { type: 'open', at: new Array(2) } as never)),
      failureOf(trees.send('one', {} as never)),
      failureOf(trees.send('one', 'open' as never)),
      failureOf(trees.send('one', { type: 'open' }, { dedupe: 'a' } as never)),
    ]);
    expect(failures.map(({ code, message }) => [code, message])).toEqual([
      ['bad_payload', 'the payload of open cannot be kept as JSON: at[0] is undefined'],
      ['bad_request', 'send takes an event, which has a type'],
      ['bad_request', 'send takes an event, which has a type'],
      ['bad_request', 'send has no option "dedupe"'],
    ]);
  });

  it('refuses ids and values of options that a program without types may pass, with what is accepted', async () => {
    const trees = (await open()).machines.gate;
    await trees.start('one');
    const odd = trees as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
    const asked: [string, ...unknown[]][] = [
      ['start'],
      ['start', 5],
      ['get'],
      ['get', {}],
      ['send', undefined, { type: 'open' }],
      ['send', 'one', { type: 'open' }, { dedupeKey: '' }],
      ['send', 'one', { type: 'open' }, { waitMs: -3 }],
      ['list', { after: 5 }],
      ['list', { limit: 5 }],
      ['history', 'one', { after: -1 }],
      ['delete', 'one', { force: 'yes' }],
      ['on', 'one', 'opened'],
    ];
    const refused = await Promise.all(
      asked.map(async ([call, ...given]) => failureOf(Promise.resolve(odd[call]?.(...given)))),
    );
    expect(refused.map(({ code, message, hint }) => [code, `${message}; ${hint}`])).toEqual([
      ['bad_request', 'the id of a gate: found nothing; accepted: the id of a tree, a text'],
      ['bad_request', 'the id of a gate: found 5; accepted: the id of a tree, a text'],
      ['bad_request', 'the id of a gate: found nothing; accepted: the id of a tree, a text'],
      ['bad_request', 'the id of a gate: found an object; accepted: the id of a tree, a text'],
      ['bad_request', 'the id of a gate: found nothing; accepted: the id of a tree, a text'],
      ['bad_request', 'send: dedupeKey: found ""; accepted: a text of 1 to 256 characters'],
      ['bad_request', 'send: waitMs: found -3; accepted: whole milliseconds from 0'],
      ['bad_request', 'list: after: found 5; accepted: a text that is not empty'],
      ['bad_request', 'list has no option "limit"; the options: after'],
      ['bad_request', 'history: after: found -1; accepted: a whole number from 0'],
      ['bad_request', 'delete: force: found "yes"; accepted: true or false'],
      ['bad_request', 'the listener: found nothing; accepted: a function'],
    ]);
    expect((await trees.list()).map(({ id }) => id)).toEqual(['one']);
    for (const [options, message] of [
      [{ file: 5 }, 'createEngine: file: found 5'],
      [{ file: ':memory:', waitMs: 'soon' }, 'createEngine: waitMs: found "soon"'],
      [{ file: ':memory:', keepEndedMs: -1 }, 'createEngine: keepEndedMs: found -1'],
      [{ file: ':memory:', machines: gate }, 'createEngine: machines: found an object'],
      [{ file: ':memory:', log: { warn() {} } }, 'createEngine: log: found an object'],
    ] as const)
      expect(await failureOf(createEngine({ machines: [gate], ...options } as never))).toMatchObject({
        code: 'bad_request',
        message,
      });
  });

  it('a refusal names the state and the guard, as far as there are any', async () => {
    const types = { events: {} as { type: 'pay' } | { type: 'ask' } };
    const guards = { isPaid: () => false };
    const on = { pay: { guard: 'isPaid', actions: () => {} }, ask: { guard: () => false, actions: () => {} } } as const;
    const signals = { pay: z.strictObject({}), ask: z.strictObject({}) };
    const stateless = setup({ types, guards }).createMachine({ id: 'bill', on });
    const other = setup({ types, guards }).createMachine({
      id: 'cart',
      initial: 'open',
      states: { open: { on } },
    });
    const engine = await createEngine({
      file: ':memory:',
      machines: [defineMachine({ machine: stateless, signals }), defineMachine({ machine: other, signals })],
      log: quiet,
    });
    afterwards(() => engine.stop());
    const refusalOf = async (machine: 'bill' | 'cart', type: 'pay' | 'ask') => {
      await engine.machines[machine].start('one');
      return (await failureOf(engine.machines[machine].send('one', { type }))).message;
    };
    expect(await refusalOf('bill', 'pay')).toBe('pay was not taken: its guard isPaid refuses it');
    expect(await refusalOf('bill', 'ask')).toBe('ask was not taken: a guard refuses it');
    expect(await refusalOf('cart', 'pay')).toBe('pay was not taken: it is in open, and its guard isPaid refuses it');
    expect(await refusalOf('cart', 'ask')).toBe('ask was not taken: it is in open');
  });

  it('an event that is to come later than any date comes at the last one', async () => {
    const chart = setup({ actions: { remind: () => {} } }).createMachine({
      initial: 'waiting',
      entry: 'remind',
      on: { reminded: '.over' },
      states: { waiting: { after: { 1e18: 'over' } }, over: {} },
    });
    const far = defineMachine({
      name: 'far',
      machine: chart,
      effects: { remind: { afterMs: 1e300, event: 'reminded' } },
    });
    const engine = await createEngine({ file: ':memory:', machines: [far], log: quiet });
    afterwards(() => engine.stop());
    expect((await engine.machines.far.start('one')).value).toBe('waiting');
    const { timers } = await engine.machines.far.explain('one');
    expect(timers.map((timer) => timer.due_at.slice(0, 11))).toEqual(['+275760-09-', '+275760-09-']);
  });

  it('says of a result that cannot be used where it came from, and that it is not tried again', async () => {
    const chart = setup({
      types: { context: {} as { said: string[] } },
      actions: { ask: () => {} },
      actors: { read: fromPromise(async () => new Map()) },
    }).createMachine({
      context: { said: [] },
      initial: 'reading',
      states: {
        reading: {
          invoke: {
            src: 'read',
            onError: { target: 'asking', actions: assign({ said: ({ event }) => [String(event.error)] }) },
          },
        },
        asking: {
          entry: 'ask',
          on: {
            effect_failed: {
              target: 'over',
              actions: assign({ said: ({ context, event }) => [...context.said, String(event.detail)] }),
            },
          },
        },
        over: { type: 'final' },
      },
    });
    const effects = { ask: { run: () => 'an answer' as never } };
    const reads = defineMachine({ name: 'reads', machine: chart, effects });
    const engine = await createEngine({ file: ':memory:', log: quiet, machines: [reads] });
    afterwards(() => engine.stop());
    await engine.machines.reads.start('one');
    for await (const _ of engine.machines.reads.facts('one'));
    expect((await engine.machines.reads.get('one')).context.said).toEqual([
      'EngineError: reads: actors.read: the event cannot be kept as JSON: output is a Map',
      'reads: effects.ask: run answered something that is no event\ncorrect what it returns: it is not tried again',
    ]);
  });

  const below = createMachine({ id: 'below', initial: 'on', states: { on: {} } });
  const counting = setup({ actions: { count: () => {} }, actors: { below } });
  it.each([
    ['without states', counting.createMachine({ on: { tick: { actions: 'count' } } }), ['begun', 'tick']],
    [
      'that starts a machine as it begins',
      counting.createMachine({
        invoke: { src: 'below', id: 'below' },
        initial: 'a',
        states: { a: { on: { tick: 'a' } } },
      }),
      ['begun', 'below begun', 'tick'],
    ],
    [
      'that emits as it begins',
      counting.createMachine({ entry: emit({ type: 'hello' }), initial: 'a', states: { a: { on: { tick: 'a' } } } }),
      ['begun', 'hello', 'tick'],
    ],
  ])('begins a journal anew for each tree of a chart %s', async (_, machine, lines) => {
    const counter = defineMachine({ name: 'counter', machine, signals: { tick: z.looseObject({}) } });
    const engine = await createEngine({ file: ':memory:', log: quiet, machines: [counter] });
    afterwards(() => engine.stop());
    const trees = engine.machines.counter;
    for (const isSecond of [false, true]) {
      if (isSecond) await trees.delete('a', { force: true });
      await trees.start('a');
      await trees.send('a', { type: 'tick' });
    }
    const textOf = ({ actor, event }: { actor: string; event: string }) => `${actor} ${event}`.trim();
    expect((await trees.history('a')).map(textOf)).toEqual(lines);
    const facts = trees.facts('a')[Symbol.asyncIterator]();
    for (const line of lines) expect(textOf((await facts.next()).value as never)).toBe(line); // it goes on
    const next = facts.next();
    await trees.delete('a', { force: true });
    expect((await next).value?.event).toBe('tree_deleted');
  });

  it('refuses options and definitions that it would not carry out', async () => {
    const codes = await Promise.all(
      [
        createEngine({ machines: [gate] }),
        createEngine({ machines: [gate], file: 'a.db', store: 'postgresql://here:5432/a' }),
        createEngine({ machines: [gate], file: ':memory:', host: 'a' }),
        createEngine({ machines: [gate], fil: 'a.db' } as never),
        createEngine({ machines: [gate, gate], file: ':memory:' }),
        createEngine({
          machines: [
            { ...gate, notices: {} },
            { ...gate, name: 'told', notices: { x: () => '' } },
          ],
          file: ':memory:',
        } as never),
        createEngine({
          machines: [{ ...gate, schedules: { nightly: { cron: '0 3 * * *' } } }],
          file: ':memory:',
        } as never),
        createEngine({ machines: [gate], store: 'mysql://here/a' }),
      ].map(async (made) => (await failureOf(made)).code),
    );
    expect(codes).toEqual([
      ...[
        'bad_request',
        'bad_request',
        'bad_request',
        'bad_request',
        'bad_machine',
        'bad_machine',
        'bad_machine',
        'bad_config',
      ],
    ]);
    const watching = { fault: { watch: () => [{ project: 'a', plan: 'b' }] } };
    expect(() => defineMachine({ ...gate, effects: watching } as never)).toThrow(EngineError);
    expect(new FatalError('no')).toBeInstanceOf(EngineError);
  });

  it('says of a tree that begins later, on a busy machine, that it will, and not that there is none', async () => {
    const { client, stop } = await openDurableCore([gate], { file: ':memory:', log: quiet });
    afterwards(stop);
    // What an engine answers that has not come to it within the wait.
    const signal = { id: 1, type: 'begun', status: 'pending', result: null, refused: null } as const;
    const late = createMachines({ ...client, startMachine: async () => ({ signal, tree: null }) }, [gate]);
    await expect(late.gate?.start('1')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('takes away what ended long ago, and nothing else', async () => {
    let nowMs = Date.UTC(2030, 0, 1);
    const file = join(folder, 'clears.db');
    const options = { file, log: quiet, clearAfterMs: 20, keepEndedMs: 2 * 86_400_000, clock: { nowMs: () => nowMs } };
    const first = await openDurableCore([gate], { ...options, clearAfterMs: 3_600_000 });
    for (const id of ['ended', 'going-on']) await first.client.startMachine({ name: 'gate', id });
    await first.client.sendMachine({ name: 'gate', id: 'ended', type: 'end' });
    await first.stop();
    nowMs += 3 * 86_400_000;
    const second = await openDurableCore([gate], options);
    afterwards(() => second.stop());
    const ids = async () => (await second.client.machineTrees({ name: 'gate' })).map(({ id }) => id);
    await expect.poll(ids).toEqual(['going-on']);
  });
});
