/** Machines that a program brings: started, sent to, carried out, stopped, kept over restarts, and explained. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { assign, createMachine, setup } from 'xstate';
import { z } from 'zod';
import { verificationLines } from '../../cli/verification.ts';
import type { MachineEvent } from '../../machines/vocabulary/hook-event.ts';
import type { Clock } from '../../runtime/base/platform/clock.ts';
import { storeFile } from '../../runtime/base/platform/home.ts';
import { createEngine, defineMachine, EngineError, FatalError, RetryAtError } from '../../runtime/engine/engine.ts';
import { days, laterClock, rowsOf } from '../support/cleaning.ts';
import { afterwards, begin, ground, planText, startEngine, untilStatus } from '../support/engine.ts';
import { type Ground, until } from '../support/ground.ts';
import { defineRelease, type ReleaseParts } from '../support/own-machine.ts';
import { expectFailure } from '../support/prose.ts';

async function startWith(parts: ReleaseParts = {}, on: Ground = ground(), clock?: Clock) {
  mkdirSync(on.home, { recursive: true, mode: 0o700 });
  const log: string[] = [];
  const note = (message: string) => void log.push(message);
  const engine = await createEngine({
    home: on.home,
    env: on.env,
    machines: [defineRelease(parts)],
    ...(clock === undefined ? {} : { clock }),
    log: { debug: () => {}, info: note, warn: note, error: note },
  });
  afterwards(() => engine.stop());
  const { release } = engine.machines;
  const untilValue = (id: string, value: string) => until(async () => (await release.get(id)).value === value);
  return { on, engine, release, log, untilValue };
}

/** A handler that waits until it is let go. */
function gate() {
  const open: (() => void)[] = [];
  const waits = () => new Promise<void>((resolve) => void open.push(resolve));
  return { waits, waiting: () => open.length, open: () => void open.splice(0).map((go) => go()) };
}

describe('a user-defined machine', () => {
  it('has effects for a host of a name or label, which others leave, and it says so', async () => {
    const on = ground();
    const first = await startWith({ host: 'gpu' }, on);
    await first.release.start('1.2', { version: '1.2.0' });
    await first.release.send('1.2', { type: 'approve' });
    expect(await first.release.explain('1.2')).toMatchObject({
      effects: [{ effect: 'publish', status: 'queued', tries: 0, host: 'gpu' }],
    });
    await first.engine.stop();
    writeFileSync(join(on.home, 'daemon.toml'), '[host]\nlabels = ["gpu"]\n');
    const second = await startWith({ host: 'gpu' }, on);
    await second.untilValue('1.2', 'out');
    expect(() => defineRelease({ host: 'no host' })).toThrow('host: found "no host"');
  });

  it('is started, sent to, carries out what it asks for and ends, and every step of it can be read', async () => {
    const { release, log } = await startWith({
      publish: async ({ input, key, attempt, log }) => {
        log(`publishes ${input.version} as ${key}, try ${attempt}`);
        return { type: 'published', url: `https://${input.version}` };
      },
    });
    const begun = await release.start('1.2', { version: '1.2.0' });
    expect(begun).toMatchObject({
      id: '1.2',
      status: 'active',
      value: 'asking',
      tags: ['needs a person'],
      context: { version: '1.2.0', url: null },
      view: { version: '1.2.0' },
    });
    expect(await release.explain('1.2')).toMatchObject({
      events: [
        { type: 'approve', accepted: true },
        { type: 'refuse', accepted: true },
      ],
      timers: [{ timer: 'expire' }],
      effects: [],
    });
    const seen: string[] = [];
    const listening = (async () => {
      for await (const { event, to } of release.facts('1.2')) seen.push(`${event}: ${to}`);
    })();
    expect(await release.send('1.2', { type: 'approve' })).toMatchObject({ status: 'done' });
    await listening;
    expect(seen).toEqual(['begun: asking', 'approve: publishing', 'published: out']);
    expect(await release.get('1.2')).toMatchObject({ status: 'done', value: 'out', context: { url: 'https://1.2.0' } });
    expect((await release.history('1.2')).map(({ event, origin }) => [event, origin])).toEqual([
      ['begun', 'person'],
      ['approve', 'person'],
      ['published', 'engine'],
    ]);
    expect(await release.list()).toMatchObject([{ id: '1.2', status: 'done', view: { version: '1.2.0' } }]);
    expect(log.find((line) => line.includes('publishes'))).toMatch(
      /^release (release:1\.2\/publish#\d+\.2): publishes 1\.2\.0 as \1, try 1$/,
    );
    expect((await release.explain('1.2')).timers).toEqual([]);
  });

  it('that is started again stays as it is', async () => {
    const { release } = await startWith();
    await release.start('1.2', { version: '1.2.0' });
    await release.send('1.2', { type: 'refuse', reason: 'no' });
    expect(await release.start('1.2', { version: '9' })).toMatchObject({
      value: 'refused',
      context: { version: '1.2.0' },
    });
  });

  it('has its failed effects tried again, under the same key, and is notified when no try is left', async () => {
    const tries: string[] = [];
    const { release, untilValue } = await startWith({
      attempts: 2,
      publish: async ({ key, attempt }) => {
        tries.push(`${key} ${attempt}`);
        throw new Error('the registry is not there');
      },
    });
    await release.start('1.2', { version: '1.2.0' });
    await release.send('1.2', { type: 'approve' });
    await until(async () => tries.length === 2);
    await untilValue('1.2', 'asking');
    const [key] = tries[0]?.split(' ') ?? [];
    expect(key).toMatch(/^release:1\.2\/publish#\d+\.2$/);
    expect(tries).toEqual([`${key} 1`, `${key} 2`]);
    expect((await release.get('1.2')).context.why).toBe('the registry is not there');
  });

  it('is notified at once of a fatal error, and waiting until a given time uses up no try', async () => {
    const tries: number[] = [];
    const { release, untilValue } = await startWith({
      attempts: 1,
      publish: async ({ attempt }) => {
        tries.push(attempt);
        if (tries.length === 1) throw new RetryAtError('the registry rests', Date.now() + 50);
        throw new FatalError('no such version');
      },
    });
    await release.start('1.2', { version: '1.2.0' });
    await release.send('1.2', { type: 'approve' });
    await until(async () => tries.length === 2);
    await untilValue('1.2', 'asking');
    expect(tries).toEqual([1, 1]);
    expect((await release.get('1.2')).context.why).toContain('no such version');
  });

  it('stops an effect that it wants no more, and what that answers then is not heard', async () => {
    const aborted: string[] = [];
    const { release, untilValue } = await startWith({
      publish: ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            aborted.push(String(signal.aborted));
            resolve({ type: 'published', url: 'late' });
          });
        }),
    });
    await release.start('1.2', { version: '1.2.0' });
    await release.send('1.2', { type: 'approve' });
    await until(async () => (await release.explain('1.2')).effects[0]?.status === 'running');
    await release.send('1.2', { type: 'refuse', reason: 'no' });
    await untilValue('1.2', 'refused');
    await until(async () => aborted.length === 1 && (await release.explain('1.2')).effects.length === 0);
    expect((await release.get('1.2')).context.url).toBe(null);
  });

  it('has a try ended that takes too long', async () => {
    const { release, untilValue } = await startWith({
      attempts: 1,
      timeoutMs: 50,
      publish: () => new Promise(() => {}),
    });
    await release.start('1.2', { version: '1.2.0' });
    await release.send('1.2', { type: 'approve' });
    await until(async () => (await release.get('1.2')).context.why !== null);
    await untilValue('1.2', 'asking');
    expect((await release.get('1.2')).context.why).toContain('was not done in 50 ms');
  });

  it('has no more effects of a lane at a time than its limit', async () => {
    const gates = gate();
    let most = 0;
    let now = 0;
    const { release } = await startWith({
      limit: 2,
      publish: async () => {
        now += 1;
        most = Math.max(most, now);
        await gates.waits();
        now -= 1;
        return { type: 'published', url: '' };
      },
    });
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      await release.start(id, { version: id });
      await release.send(id, { type: 'approve' });
    }
    await until(async () => gates.waiting() === 2);
    await until(async () => {
      gates.open();
      return (await release.list()).every(({ status }) => status === 'done');
    });
    expect(most).toBe(2);
  });

  it('is sent its late event', async () => {
    const { release, untilValue } = await startWith({ expireMs: 20 });
    await release.start('1.2', { version: '1.2.0' });
    await untilValue('1.2', 'refused');
    expect((await release.history('1.2')).at(-1)).toMatchObject({ event: 'expired', to: 'refused' });
  });

  it('goes on in the next engine: an effect under way runs again under its key, and a late event is not lost', async () => {
    const keys: string[] = [];
    const first = await startWith({
      publish: ({ key }) => {
        keys.push(key);
        return new Promise(() => {});
      },
    });
    await first.release.start('1.2', { version: '1.2.0' });
    await first.release.send('1.2', { type: 'approve' });
    await first.release.start('1.3', { version: '1.3.0' });
    await until(async () => keys.length === 1);
    await first.engine.stop();
    const next = await startWith(
      {
        publish: async ({ key }) => {
          keys.push(key);
          return { type: 'published', url: 'https://1.2.0' };
        },
      },
      first.on,
    );
    await next.untilValue('1.2', 'out');
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    expect((await next.release.explain('1.3')).timers).toMatchObject([{ timer: 'expire' }]);
  });

  it('waits, with all that came for it, where an engine was not given it', async () => {
    const first = await startWith();
    await first.release.start('1.2', { version: '1.2.0' });
    await first.engine.stop();
    const without = await startEngine({ on: first.on });
    await expect(without.client.machineTree({ name: 'release', id: '1.2' })).rejects.toMatchObject({
      code: 'machine_unknown',
    });
    expect(await without.client.verify()).toMatchObject({
      ok: false,
      differs: [],
      skipped: [{ tree: 'release', why: 'this engine was not given the machine, so it cannot replay its tree' }],
    });
    await without.engine.stop();
    // More than one list of signals has, for a machine that the next engine is not given either.
    const others = Array.from({ length: 1_001 }, (_, number) => `other:${number}`);
    const db = new Database(storeFile(first.on.home));
    const hold = db.prepare(
      "INSERT INTO signals (project, type, status, tree, is_checked, seal) VALUES ('', 'approve', 'held', ?, 1, (SELECT seal FROM inbox_seal))",
    );
    db.transaction(() => ['release:1.2', ...others].map((tree) => hold.run(tree)))();
    db.close();
    const next = await startWith({}, first.on);
    await next.untilValue('1.2', 'out');
  });
});

it('a machine whose children ask for effects and timers: the results go to the actor that asked', async () => {
  const { home, env } = ground();
  const child = setup({
    types: { events: {} as { type: 'worked'; by: string } | { type: 'late' } },
    actions: { work: (_, _params: { name: string }) => {}, later: () => {} },
  }).createMachine({
    initial: 'working',
    states: {
      working: { entry: { type: 'work', params: { name: 'child' } }, on: { worked: 'resting' } },
      resting: { entry: 'later', on: { late: 'ended' } },
      ended: { type: 'final' },
    },
  });
  const parent = defineMachine({
    name: 'parent',
    machine: setup({ actors: { child } }).createMachine({
      initial: 'on',
      states: { on: { invoke: { src: 'child', onDone: 'off' } }, off: { type: 'final' } },
    }),
    version: 1,
    signals: {},
    effects: { work: { run: async ({ key }) => ({ type: 'worked', by: key }) }, later: { afterMs: 10, event: 'late' } },
  });
  const engine = await createEngine({ home, env, serve: false, machines: [parent] });
  afterwards(() => engine.stop());
  await engine.machines.parent.start('1');
  const seen: string[] = [];
  for await (const { event, to } of engine.machines.parent.facts('1')) seen.push(`${event}: ${to}`);
  expect(seen).toEqual(['begun: on', 'begun: working', 'worked: resting', 'late: ended', 'ended: off']);
});

it('a machine begins other trees in the commit of its own step, and receives their results', async () => {
  const { home, env } = ground();
  const part = defineMachine({
    name: 'part',
    machine: setup({
      types: { context: {} as { of: string }, input: {} as { of?: string }, events: {} as { type: 'go' } },
      actions: { tell: () => {} },
    }).createMachine({
      context: ({ input: { of } }) => {
        if (of === undefined) throw new Error('it is part of nothing');
        return { of };
      },
      initial: 'on',
      states: { on: { entry: 'tell', always: 'off' }, off: { type: 'final' } },
    }),
    version: 1,
    effects: { tell: { send: ({ context }) => ({ to: { machine: 'whole', id: context.of }, type: 'part_done' }) } },
  });
  const whole = defineMachine({
    name: 'whole',
    machine: setup({
      types: {
        context: {} as { done: number; failed: string[] },
        events: {} as { type: 'part_done' } | { type: 'message_failed'; to: string },
      },
      actions: {
        startPart: (_, _params: { id: string }) => {},
        startNobody: () => {},
        count: assign({ done: ({ context }) => context.done + 1 }),
        noteFailure: assign({
          failed: ({ context, event }) =>
            event.type === 'message_failed' ? [...context.failed, event.to] : context.failed,
        }),
      },
    }).createMachine({
      context: { done: 0, failed: [] },
      entry: [
        { type: 'startPart', params: { id: 'one' } },
        { type: 'startPart', params: { id: 'two' } },
        { type: 'startPart', params: { id: 'two' } },
        'startNobody',
      ],
      initial: 'waiting',
      on: { part_done: { actions: 'count' }, message_failed: { actions: 'noteFailure' } },
      states: {
        waiting: {
          always: { guard: ({ context }) => context.done === 2 && context.failed.length === 1, target: 'ended' },
        },
        ended: { type: 'final' },
      },
      output: ({ context }) => context,
    }),
    version: 1,
    signals: { part_done: z.strictObject({}) },
    effects: {
      startPart: { start: (_, { id }) => ({ machine: 'part', id, input: { of: 'all' } }) },
      startNobody: { start: () => ({ machine: 'part', id: 'nobody', input: {} }) },
    },
  });
  const engine = await createEngine({ home, env, serve: false, machines: [part, whole] });
  afterwards(() => engine.stop());
  await engine.machines.whole.start('all');
  for await (const _ of engine.machines.whole.facts('all'));
  expect((await engine.machines.whole.get('all')).output).toEqual({ done: 2, failed: ['part:nobody'] });
  expect((await engine.machines.part.list()).map(({ id }) => id)).toEqual(['one', 'two']);
});

it('whose new version has a way on without an event takes it when the engine begins, once, and its journal says so', async () => {
  const { home, env } = ground();
  const versions = [
    defineMachine({
      name: 'own',
      machine: createMachine({
        initial: 'waiting',
        states: { waiting: { on: { go: 'ended' } }, ended: { type: 'final' } },
      }),
      version: 1,
    }),
    defineMachine({
      name: 'own',
      machine: createMachine({
        initial: 'waiting',
        states: { waiting: { always: 'ended' }, ended: { type: 'final' } },
      }),
      version: 2,
      upgrades: { 1: (stored: object) => stored },
    }),
  ];
  for (const definition of versions) {
    const engine = await createEngine({ home, env, serve: false, machines: [definition] });
    afterwards(() => engine.stop());
    const { own } = engine.machines;
    if (definition.version === 1) await own.start('1');
    else {
      await until(async () => (await own.get('1')).status === 'done');
      expect((await own.history('1')).map(({ event, to }) => `${event}: ${to}`)).toEqual([
        'begun: waiting',
        'upgraded: own:2',
        'machine_upgraded: ended',
      ]);
      expect(await engine.client.verify()).toMatchObject({ ok: true });
    }
    await engine.stop();
  }
});

it('shows in its journal whose line was changed afterwards, and by its line', async () => {
  const { on, engine, release } = await startWith();
  await release.start('1.2', { version: '1.2.0' });
  await release.send('1.2', { type: 'refuse', reason: 'late' });
  expect(await engine.client.verifyMachine({ name: 'release', id: '1.2' })).toMatchObject({ ok: true, checked: 1 });
  const db = new Database(storeFile(on.home));
  db.prepare("UPDATE journal SET origin = 'person:eve' WHERE tree = 'release:1.2' AND seq = 3").run();
  db.close();
  const found = await engine.client.verifyMachine({ name: 'release', id: '1.2' });
  expect(found).toMatchObject({ ok: false, differs: [{ tree: 'release:1.2', seq: 3, path: 'journal[3].hash' }] });
  expect(verificationLines(found)[0]).toBe(
    'release:1.2: line 3 of its journal does not fit the line before it: it was changed, or lines are gone',
  );
  await expect(engine.client.verifyMachine({ name: 'release', id: 'none' })).rejects.toMatchObject({
    code: 'not_found',
    hint: expect.stringContaining('stator machine list release'),
  });
});

it('whose code changed since is not called a fault of the store alone', () => {
  const differs = [{ tree: 'own:1', seq: 4, path: 'snapshot.value', stored: 'a', replayed: 'b' }];
  const last = (found: typeof differs) =>
    verificationLines({ ok: false, checked: 1, differs: found, skipped: [] }).at(-1);
  expect(last(differs)).toBe(
    '1 difference; code of the machine that changed since, or that reads a clock or draws a number in a step, leads to another state too; if neither is so, keep the store as it is and report it: stator store backup',
  );
  const plain = '1 difference; keep the store as it is and report it: stator store backup';
  expect(last(differs.map((found) => ({ ...found, tree: 'plan:demo/p' })))).toBe(plain);
  expect(last(differs.map((found) => ({ ...found, path: 'journal[4].hash' })))).toBe(plain);
});

it('whose chart changed under the same version is said once, where trees of it are stored', async () => {
  const on = ground();
  const chartOf = (delay: number, more: object = {}) =>
    setup({ actions: { note: () => {} } }).createMachine({
      initial: 'waiting',
      states: { waiting: { after: { [delay]: 'over' }, ...more }, over: { type: 'final' } },
    });
  const said: string[] = [];
  const log = { debug: () => {}, info: () => {}, warn: (line: string) => void said.push(line), error: () => {} };
  const lives = [
    { machine: chartOf(1e9), tells: 0 },
    { machine: chartOf(1e9), tells: 0 },
    { machine: chartOf(2e9), tells: 1 },
    { machine: chartOf(2e9), tells: 0 },
    { machine: chartOf(2e9, { description: 'it waits' }), tells: 0 },
    { machine: chartOf(2e9, { entry: 'note' }), tells: 1 },
    { machine: chartOf(3e9), version: 2, upgrades: { 1: (stored: object) => stored }, tells: 0 },
  ];
  for (const { tells, ...life } of lives) {
    const definition = defineMachine({ name: 'own', version: 1, signals: {}, ...life });
    const engine = await createEngine({ home: on.home, env: on.env, serve: false, machines: [definition], log });
    afterwards(() => engine.stop());
    await engine.machines.own.start('1');
    const told = said.splice(0).filter((line) => line.includes('the chart of machine own changed'));
    expect(told).toHaveLength(tells);
    await engine.stop();
  }
});

it('a machine whose schema throws reports the message of that error', async () => {
  const { home, env } = ground();
  const schema = z.looseObject({}).refine(() => {
    throw new TypeError('no such customer');
  });
  const machine = createMachine({ on: { go: {} } });
  const own = defineMachine({ name: 'own', machine, version: 1, signals: { go: schema } });
  const engine = await createEngine({ home, env, serve: false, machines: [own] });
  afterwards(() => engine.stop());
  await engine.machines.own.start('1');
  await expectFailure(engine.machines.own.send('1', { type: 'go' }), 'bad_payload', 'no such customer', 'own');
});

describe('an effect that is open and has no definition any more', () => {
  it('waits, and is reported when the engine begins', async () => {
    const began = gate();
    const first = await startWith({
      publish: async ({ signal }) => {
        void began.waits();
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        return undefined;
      },
    });
    await first.release.start('1.2', { version: '1.2.0' });
    await first.release.send('1.2', { type: 'approve' });
    await until(async () => began.waiting() === 1);
    await first.engine.stop();
    const without = await startEngine({ on: first.on });
    expect(without.log.join()).toContain('1 tree of machine release is stored, and no machine of that name was given');
    expect(without.log.join()).toMatch(
      /release: effects\.publish is open and has no definition here, so release:1\.2\/publish#\S+ will wait/,
    );
  });
});

describe('what is left of a tree', () => {
  const ask = { dry: false, overrides: [] } as const;

  it('that goes on stays whole, however old it is; one that ended long ago is cleared away with its journal', async () => {
    const clock = laterClock();
    const { engine, release } = await startWith({ expireMs: 365 * days }, ground(), clock);
    await release.start('goes-on', { version: '1' });
    await release.start('ended', { version: '2' });
    await release.send('ended', { type: 'refuse', reason: 'no' });
    // Nobody takes what it says last.
    await until(async () => (await release.history('ended')).length === 3);
    const history = await release.history('goes-on');
    clock.pass(91 * days);
    await release.start('ended-now', { version: '3' });
    await release.send('ended-now', { type: 'refuse', reason: 'no' });
    const preview = rowsOf((await engine.client.gc({ ...ask, dry: true })).items);
    expect(preview.trees).toBe(1);
    expect(preview.journal).toBeGreaterThanOrEqual(3);
    expect((await release.get('ended')).status).toBe('done');
    expect(rowsOf((await engine.client.gc(ask)).items)).toEqual(preview);
    expect((await release.list()).map(({ id }) => id)).toEqual(['ended-now', 'goes-on']);
    await expect(release.get('ended')).rejects.toMatchObject({ code: 'not_found' });
    expect(await release.history('goes-on')).toEqual(history);
    expect((await release.history('ended-now')).map(({ event }) => event).slice(0, 2)).toEqual(['begun', 'refuse']);
    await release.send('goes-on', { type: 'approve' });
  });

  it('of an engine that was not given its machine goes too', async () => {
    const clock = laterClock();
    const first = await startWith({}, ground(), clock);
    await first.release.start('1.2', { version: '1' });
    await first.release.send('1.2', { type: 'refuse', reason: 'no' });
    await first.engine.stop();
    clock.pass(91 * days);
    const without = await startEngine({ on: first.on, clock, adds: false });
    expect(rowsOf((await without.client.gc(ask)).items)).toMatchObject({ trees: 1 });
  });

  it('that has ended can be deleted, and one that goes on only where somebody gives up what it waits for', async () => {
    const aborted: string[] = [];
    const { release } = await startWith({
      publish: ({ signal, key }) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            aborted.push(key);
            resolve({ type: 'published', url: 'late' });
          }),
        ),
    });
    await release.start('ended', { version: '1' });
    await release.send('ended', { type: 'refuse', reason: 'no' });
    await release.delete('ended');
    await expectFailure(release.get('ended'), 'not_found', 'ended');
    await expectFailure(release.delete('ended'), 'not_found', 'ended');
    await release.start('1.2', { version: '1.2.0' });
    await release.send('1.2', { type: 'approve' });
    await until(async () => (await release.explain('1.2')).effects[0]?.status === 'running');
    await expectFailure(release.delete('1.2'), 'conflict', '1.2', '--force');
    await release.delete('1.2', { force: true });
    await until(async () => aborted.length === 1);
    expect(await release.list()).toEqual([]);
  });

  it('that could not begin, or went on without a signal, is warned of until it is deleted', async () => {
    const machine = setup({
      types: { input: {} as { parts: string[] }, context: {} as { count: number }, events: {} as { type: 'go' } },
      actions: {
        fail: assign(() => {
          throw new Error('no such part');
        }),
      },
    }).createMachine({
      context: ({ input }) => ({ count: input.parts.length }),
      initial: 'idle',
      states: { idle: { on: { go: { actions: 'fail' } } } },
    });
    const on = ground();
    mkdirSync(on.home, { recursive: true, mode: 0o700 });
    const parcel = defineMachine({ name: 'parcel', machine, version: 1, signals: { go: z.object({}) } });
    const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const engine = await createEngine({ home: on.home, env: on.env, machines: [parcel], log: silent });
    afterwards(() => engine.stop());
    const { parcel: parcels } = engine.machines;
    const warnings = async () => (await engine.client.warnings()).filter((line) => line.includes('parcel:'));
    await expect(parcels.start('7', {} as { parts: string[] })).rejects.toMatchObject({ code: 'refused' });
    expect(await warnings()).toEqual([
      expect.stringMatching(
        /^parcel:7 did not begin, by signal \d+: .*; deliver it again with: stator signal retry \d+; or give it up with: stator machine delete parcel 7$/,
      ),
    ]);
    await parcels.delete('7');
    expect(await warnings()).toEqual([]);
    await expectFailure(parcels.delete('7'), 'not_found', '7');
    await expect(parcels.start('8', {} as { parts: string[] })).rejects.toMatchObject({ code: 'refused' });
    await parcels.start('8', { parts: ['a'] });
    expect(await warnings()).toEqual([]);
    expect(await parcels.explain('8')).toMatchObject({ set_aside: [] });
    await expect(parcels.send('8', { type: 'go' })).rejects.toMatchObject({ code: 'refused' });
    expect(await warnings()).toEqual([expect.stringMatching(/^parcel:8 did not take signal \d+ \(go\): no such part/)]);
    await parcels.delete('8', { force: true });
    expect(await warnings()).toEqual([]);
  });

  it('is not mixed with what is begun anew under its id: another journal, other keys', async () => {
    const keys: string[] = [];
    const { release, untilValue } = await startWith({
      publish: async ({ key }) => {
        keys.push(key);
        return { type: 'published', url: '' };
      },
    });
    for (const version of ['1', '2']) {
      if (version === '2') await release.delete('1.2');
      await release.start('1.2', { version });
      await release.send('1.2', { type: 'approve' });
      await untilValue('1.2', 'out');
      expect((await release.history('1.2')).map(({ event }) => event)).toEqual(['begun', 'approve', 'published']);
      const seen: string[] = [];
      for await (const { event } of release.facts('1.2')) seen.push(event);
      expect(seen).toEqual(['begun', 'approve', 'published']);
      expect((await release.get('1.2')).context.version).toBe(version);
    }
    expect(new Set(keys).size).toBe(2);
  });
});

describe('its hooks', () => {
  it('receive the public states that a tree enters, in order, also where a repo names them', async () => {
    const on = ground();
    const heard: string[] = [];
    const file = join(on.root, 'heard');
    mkdirSync(join(on.repo, '.stator'), { recursive: true });
    writeFileSync(
      join(on.repo, '.stator', 'config.toml'),
      `[[hooks]]\ntype = "command"\nname = "log"\nsandbox = "off"\ncommand = "cat >> ${file}"\nevents = ["release.works", "release.wurks"]\n`,
    );
    const engine = await startEngine({
      on,
      machines: [defineRelease()],
      hooks: {
        watch: {
          on: ['release.needs a person', 'release.works'],
          run: ({ event, machine, tree, sequence, project }) =>
            void heard.push(`${event} ${machine} ${tree} ${sequence} ${project}`),
        },
        usual: { run: ({ event }) => void heard.push(event) },
      },
    });
    const { release } = engine.engine.machines as unknown as Awaited<
      ReturnType<typeof startWith>
    >['engine']['machines'];
    await release.start('1.2', { version: '1.2.0' });
    await release.send('1.2', { type: 'approve' });
    await until(async () => {
      const told = await engine.client.deliveries({});
      return told.length === 3 && told.every(({ state }) => state === 'delivered');
    });
    expect(heard).toEqual(['release.needs a person release 1.2 1 ', 'release.works release 1.2 2 ']);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      event: 'release.works',
      project: 'demo',
      plan_file: null,
      from_status: null,
      machine: 'release',
      tree: '1.2',
      tag: 'works',
      sequence: 1,
      hook: 'log',
    });
    const told = await engine.client.deliveries({});
    expect(told.map(({ hook, project, event }) => [hook, project, event])).toEqual([
      ['log', 'demo', 'release.works'],
      ['watch', '', 'release.works'],
      ['watch', '', 'release.needs a person'],
    ]);
    expect((await engine.client.hooks()).map(({ hook, project }) => [project, hook])).toContainEqual(['', 'watch']);
    expect((await engine.client.status()).warnings).toEqual([expect.stringMatching(/log.*release\.wurks.*works/)]);
  });

  it('that name an unknown tag or machine are refused, with the existing ones', async () => {
    const start = (event: MachineEvent) =>
      createEngine({ home: ground().home, machines: [defineRelease()], hooks: { h: { on: [event], run: () => {} } } });
    await expectFailure(start('release.wurks'), 'bad_request', 'wurks', 'works');
    await expectFailure(start('relase.works'), 'bad_request', 'relase', 'release');
  });
});

describe('between trees', () => {
  it('a machine is notified once that a plan is done, also if it was done before', async () => {
    const on = ground();
    const engine = await startEngine({
      on,
      machines: [defineRelease({ watches: { project: 'demo', plan: 'login' } })],
    });
    const { release } = engine.engine.machines as unknown as Awaited<
      ReturnType<typeof startWith>
    >['engine']['machines'];
    await release.start('before', { version: '1' });
    await begin(engine, 'login', planText(['echo a > a.txt']));
    await untilStatus(engine, 'login', 'done');
    await until(async () => (await release.get('before')).context.heard.length > 0);
    await release.start('after', { version: '2' });
    await until(async () => (await release.get('after')).context.heard.length > 0);
    expect((await release.get('before')).context.heard).toEqual(['login']);
    expect((await release.get('after')).context.heard).toEqual(['login']);
  });

  it('a deleted machine stops watching its plan', async () => {
    const watches = { project: 'demo', plan: 'login' };
    const engine = await startEngine({ machines: [defineRelease({ watches })] });
    const tree = { machine: 'release', id: '1.2' };
    await engine.client.startMachine({ name: 'release', id: '1.2', input: { version: '1' } });
    const waitsFor = async () => (await engine.client.machineExplanation({ name: tree.machine, id: tree.id })).plans;
    await until(async () => (await waitsFor()).length === 1);
    await engine.client.deleteMachineTree({ name: 'release', id: '1.2', force: true });
    const told = await engine.client.signals({ project: 'demo' });
    expect(told.filter(({ type }) => type === 'plan_unwatched')).toMatchObject([
      { payload: { watcher: 'release:1.2' } },
    ]);
  });

  it('a machine cancels a plan, which takes it as the word of a person and says whose it was', async () => {
    const engine = await startEngine({ machines: [defineRelease({ notifies: { project: 'demo', plan: 'login' } })] });
    const { release } = engine.engine.machines as unknown as Awaited<
      ReturnType<typeof startWith>
    >['engine']['machines'];
    await engine.client.registerPlan({ project: 'demo', plan: 'login', content: planText(['true']) });
    await release.start('1.2', { version: '1' });
    await release.send('1.2', { type: 'refuse', reason: 'no' });
    await untilStatus(engine, 'login', 'cancelled');
    const [line] = (await engine.client.history('demo', 'login')).filter(({ event }) => event === 'cancel');
    expect(line?.origin).toBe('machine:release:1.2');
  });

  it('a machine may say to another what a person may, and nothing that is its engine’s to say', async () => {
    const says = async (type: string, payload: Record<string, unknown>, id = 'other') => {
      const { release, engine } = await startWith({ notifies: { machine: 'release', id }, says: { type, payload } });
      await release.start('other', { version: '1' });
      await release.start('1.2', { version: '1' });
      await release.send('1.2', { type: 'refuse', reason: 'no' });
      const sentSignal = async () =>
        (await engine.client.signals({})).find((row) => row.type === type && row.origin === 'machine:release:1.2');
      await until(async () => (await sentSignal())?.processed_at != null);
      return {
        code: ((await sentSignal())?.result as { code?: string } | null)?.code,
        value: (await release.get('other')).value,
        release,
      };
    };
    expect(await says('refuse', { reason: 'late' })).toMatchObject({ code: undefined, value: 'refused' });
    expect(await says('refuse', { reason: '' })).toMatchObject({ code: 'bad_payload', value: 'asking' });
    expect(await says('published', { url: 'x' })).toMatchObject({ code: 'unknown_signal', value: 'asking' });
  });

  it('a message does not begin a tree: that step fails, and says what does', async () => {
    const { release } = await startWith({
      notifies: { machine: 'release', id: 'new' },
      says: { type: 'machine_started', payload: { version: '2' } },
    });
    await release.start('1.2', { version: '1' });
    await expectFailure(
      release.send('1.2', { type: 'refuse', reason: 'no' }),
      'refused',
      'machine_started',
      '{ start }',
    );
    expect((await release.list()).map(({ id }) => id)).toEqual(['1.2']);
  });

  it('a message that nobody takes is told to who sent it', async () => {
    const { release } = await startWith({ notifies: { machine: 'release', id: 'nobody' } });
    await release.start('other', { version: '1' });
    await release.start('1.2', { version: '1' });
    await release.send('1.2', { type: 'approve' });
    await until(async () => (await release.get('1.2')).status === 'done');
    const answer = release.send('1.2', { type: 'refuse', reason: 'late' });
    await expect(answer).rejects.toMatchObject({ code: 'refused' });
    await release.send('other', { type: 'refuse', reason: 'no' });
    const refused = async () => (await release.explain('other')).refused_last;
    await until(async () => (await refused()) !== null);
    expect(await refused()).toMatchObject({ event: 'message_failed' });
  });
});

it('what cannot be sent is refused with its place, and with what is taken', async () => {
  const { engine, release } = await startWith();
  await release.start('1.2', { version: '1.2.0' });
  await expectFailure(release.send('9.9', { type: 'approve' }), 'not_found', '9.9');
  await expectFailure(release.send('1.2', { type: 'aprove' } as never), 'unknown_signal', 'aprove', 'approve');
  await expectFailure(release.send('1.2', { type: 'published', url: 'x' } as never), 'unknown_signal', 'published');
  await expectFailure(release.send('1.2', { type: 'refuse', reason: '' }), 'bad_payload', 'reason');
  await expectFailure(release.send('1.2', { type: 'approve', extra: 1 } as never), 'bad_payload', 'extra');
  await expectFailure(release.start('no/slash', { version: '1' }), 'bad_request', 'no/slash');
  await expectFailure(engine.client.startMachine({ name: 'relase', id: '1' }), 'machine_unknown', 'relase', 'release');
  await expectFailure(
    engine.client.startMachine({ name: 'release', id: '1', input: 'text' }),
    'bad_payload',
    'release',
  );
  const ownKey = { dedupeKey: 'release:1.2/publish#2:done' };
  await expectFailure(release.send('1.2', { type: 'approve' }, ownKey), 'bad_request', 'release:');
  // A key counts for all trees: what another signal has is not taken for sent.
  const key = { dedupeKey: 'once' };
  const { id } = await release.send('1.2', { type: 'refuse', reason: 'no' }, key);
  expect((await release.send('1.2', { type: 'refuse', reason: 'again' }, key)).id).toBe(id);
  await expectFailure(release.send('1.2', { type: 'approve' }, key), 'conflict', `signal ${id}`, 'refuse');
  await release.start('1.3', { version: '1.3' });
  await expectFailure(release.send('1.3', { type: 'refuse', reason: 'no' }, key), 'conflict', 'release:1.2');
  await expectFailure(release.send('1.2', { type: 'approve' }), 'refused', 'refused');
});

it('a machine file that daemon.toml names is refused with its path if it is missing or invalid', async () => {
  const on = ground();
  mkdirSync(on.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(on.home, 'daemon.toml'), '[machines]\nrelease = "./release.mjs"\n');
  const options = { home: on.home, env: on.env };
  const steady = async () => {
    try {
      await createEngine(options);
    } catch (thrown) {
      const { code, message, hint } = thrown as EngineError; // the only thing that it throws
      throw new EngineError(code, message.replaceAll(on.home, '<home>'), hint);
    }
  };
  await expectFailure(steady(), 'bad_machine', 'release.mjs');
  writeFileSync(join(on.home, 'release.mjs'), 'export default { name: "other" };\n');
  await expectFailure(steady(), 'bad_machine', 'release.mjs');
});
