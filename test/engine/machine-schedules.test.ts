/** Trees of a machine that begin by themselves, at the times of a schedule. */
import { expect, it } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';
import { createEngine, defineMachine, type FaultPoint } from '../../runtime/engine/engine.ts';
import { createLives } from '../support/ended-lives.ts';
import { ground, startEngine } from '../support/engine.ts';
import { type Ground, until } from '../support/ground.ts';
import { read } from '../support/killed-engine.ts';

type Schedule = NonNullable<Parameters<typeof report>[0]>;

function report(schedule: {
  cron: string;
  timezone?: string;
  missed?: 'once' | 'skip';
  overlap?: 'refuse' | 'queue' | 'allow';
}) {
  const machine = setup({
    types: {
      context: {} as { day: string },
      input: {} as { day: string },
      events: {} as { type: 'end' },
    },
  }).createMachine({
    id: 'report',
    context: ({ input }) => ({ day: input.day }),
    initial: 'open',
    states: { open: { on: { end: 'over' } }, over: { type: 'final' } },
  });
  const input = ({ at }: { at: number }) => ({ day: new Date(at).toISOString().slice(0, 10) });
  return defineMachine({
    machine,
    signals: { end: z.strictObject({}) },
    schedules: { nightly: { ...schedule, input } },
  });
}

/** An engine whose clock is put on. */
async function scheduled(schedule: Schedule, at: string) {
  const on = ground();
  let ahead = 0;
  const set = (time: string) => {
    ahead = Date.parse(time) - Date.now();
  };
  set(at);
  const clock = { nowMs: () => Date.now() + ahead };
  const start = async () => {
    const engine = await startEngine({ on, clock, intakeLookMs: 20, machines: [report(schedule)] });
    await until(() => marks(on).length > 0);
    return engine;
  };
  const first = await start();
  const ids = async ({ client }: Pick<typeof first, 'client'> = first) =>
    (await client.machineTrees({ name: 'report' })).map(({ id }) => id);
  return { on, set, start, first, ids };
}

function marks(on: Pick<Ground, 'home'>): { intake: string; reached_at: number; reason: string | null }[] {
  return read(on.home, `SELECT intake, reached_at, reason FROM intake_marks WHERE intake = 'machine:report/nightly'`);
}

async function untilReached(on: Ground, at: string): Promise<string | null> {
  await until(
    () => (marks(on)[0]?.reached_at ?? 0) >= Date.parse(at),
    () => JSON.stringify(marks(on)),
  );
  return marks(on)[0]?.reason ?? null;
}

const daily = '0 3 * * *';

it('a tree begins at each time, once, with its input; what is missed is made up for once', async () => {
  const { on, set, start, first, ids } = await scheduled({ cron: daily, overlap: 'allow' }, '2030-01-01T12:00:00Z');
  expect(await ids()).toEqual([]);
  const known = { machine: 'report', name: 'nightly', cron: daily, timezone: 'UTC', missed: 'once', overlap: 'allow' };
  expect(await first.client.machineSchedules()).toEqual([
    { ...known, next: '2030-01-02T03:00:00.000Z', last: null, passed: null, due: null, seen: true },
  ]);
  set('2030-01-02T03:00:01Z');
  await untilReached(on, '2030-01-02T03:00:00Z');
  await until(async () => (await ids()).length === 1);
  const tree = await first.client.machineTree({ name: 'report', id: 'nightly-20300102T0300Z' });
  expect(tree.context).toMatchObject({ day: '2030-01-02' });
  const [line] = await first.client.machineHistory({ name: 'report', id: 'nightly-20300102T0300Z' });
  expect(line?.origin).toBe('engine');
  const last = { at: '2030-01-02T03:00:00.000Z', id: 'nightly-20300102T0300Z' };
  expect(await first.client.machineSchedules()).toEqual([
    { ...known, next: '2030-01-03T03:00:00.000Z', last, passed: null, due: null, seen: true },
  ]);
  await first.engine.stop();
  set('2030-01-06T09:00:00Z');
  const second = await start();
  await untilReached(on, '2030-01-06T03:00:00Z');
  await until(async () => (await ids(second)).length === 2);
  expect(await ids(second)).toEqual(['nightly-20300102T0300Z', 'nightly-20300106T0300Z']);
  await second.client.deleteMachineTree({ name: 'report', id: 'nightly-20300106T0300Z', force: true });
  set('2030-01-06T10:00:00Z');
  await second.engine.stop();
  const third = await start();
  expect(await ids(third)).toEqual(['nightly-20300102T0300Z']);
});

it('what is missed can be skipped, and clocks that are put back make no second one', async () => {
  const zoned = { cron: '30 2 * * *', timezone: 'Europe/Berlin', missed: 'skip', overlap: 'allow' } as const;
  const { on, set, ids, first } = await scheduled(zoned, '2030-10-26T12:00:00Z');
  // 02:30 comes twice on that day: at 00:30 and 01:30 UTC.
  set('2030-10-27T00:30:01Z');
  await untilReached(on, '2030-10-27T00:30:00Z');
  set('2030-10-27T01:30:10Z');
  set('2030-10-28T09:00:00Z');
  expect(await untilReached(on, '2030-10-28T01:30:00Z')).toContain('it was missed');
  const passed = { at: '2030-10-28T01:30:00.000Z', reason: 'it was missed, and missed = "skip"' };
  expect(await first.client.machineSchedules()).toMatchObject([{ passed, timezone: 'Europe/Berlin' }]);
  await until(async () => (await ids()).length > 0);
  expect(await ids()).toEqual(['nightly-20301027T0030Z']);
});

it.each(['refuse', 'queue'] as const)(
  'while the one before has not ended, the next one is kept back: %s',
  async (overlap) => {
    const { on, set, first, ids } = await scheduled({ cron: daily, overlap }, '2030-01-01T12:00:00Z');
    const end = (id: string) => first.client.sendMachine({ name: 'report', id, type: 'end' });
    set('2030-01-02T03:00:01Z');
    await untilReached(on, '2030-01-02T03:00:00Z');
    await until(async () => (await ids()).length === 1);
    set('2030-01-03T03:00:01Z');
    if (overlap === 'refuse')
      expect(await untilReached(on, '2030-01-03T03:00:00Z')).toBe('report nightly-20300102T0300Z has not ended');
    set('2030-01-03T05:00:00Z');
    await end('nightly-20300102T0300Z');
    if (overlap === 'queue') await until(async () => (await ids()).length === 2);
    else {
      set('2030-01-04T03:00:01Z');
      await untilReached(on, '2030-01-04T03:00:00Z');
      await until(async () => (await ids()).length === 2);
    }
    expect((await ids()).at(-1)).toBe(overlap === 'queue' ? 'nightly-20300103T0300Z' : 'nightly-20300104T0300Z');
  },
);

it.each([
  ['a pattern of six fields', { cron: '0 0 3 * * *' }, 'cron: found "0 0 3 * * *"; accepted: '],
  ['a day that never comes', { cron: '0 3 31 2 *' }, 'cron: found "0 3 31 2 *"'],
  ['no text', { cron: 3 }, 'cron: found 3'],
  ['a time zone that is none', { cron: daily, timezone: 'Berlin' }, 'timezone: found "Berlin"; accepted: '],
  ['a mistyped key', { cron: daily, timezon: 'UTC' }, 'there is no "timezon"'],
  ['another word', { cron: daily, missed: 'twice' }, 'missed: found "twice"; accepted: "once" or "skip"'],
  [
    'a turn that would be missed',
    { cron: daily, overlap: 'queue', missed: 'skip' },
    'a time that waits for its turn would be skipped as missed',
  ],
  [
    'an input that is none',
    { cron: daily, input: {} },
    'input: found an object; accepted: a function from { at } to the input of the chart',
  ],
])('a schedule that cannot be meant is refused with its place: %s', async (_what, schedule, why) => {
  const on = ground();
  const machine = setup({}).createMachine({ id: 'report' });
  const definition = { name: 'report', machine, version: 1, schedules: { nightly: schedule } };
  const refused = createEngine({ home: on.home, env: on.env, machines: [definition as never] });
  await expect(refused).rejects.toMatchObject({
    code: 'bad_machine',
    message: expect.stringContaining(`machine "report": schedules.nightly: ${why}`) as string,
  });
});

const points = [
  'pump.before-commit',
  'pump.after-commit',
  'store.before-commit',
  'store.after-commit',
] as const satisfies readonly FaultPoint[];

const writing = setup({ actions: { write: () => {} } }).createMachine({
  id: 'report',
  initial: 'writing',
  states: { writing: { entry: 'write', on: { written: 'out' } }, out: { type: 'final' } },
});

it('each time of an engine whose life ends around it is one tree', async () => {
  const on = ground();
  const lives = createLives(on.root);
  const keys = new Set<string>();
  /** To the tree of its time, or to the nth time that it comes to the point: then the answer is true. Without a time that is due, until its times are looked at. */
  async function live(at: string, fault: { point: FaultPoint; nth: number } | null, tree: string | null) {
    const { home, end, hasEnded } = lives.next();
    let seen = 0;
    // The clock is stopped until the engine is up, so that an end falls into the time that is due.
    let isDue = tree === null;
    const ahead = Date.parse(at) - Date.now();
    const clock = { nowMs: () => (isDue ? Date.now() + ahead : Date.parse(at) - 10_000) };
    const faults = (reached: FaultPoint) => {
      if (!isDue || reached !== fault?.point) return;
      seen += 1;
      if (seen === fault.nth) end();
    };
    const write = async ({ key }: { key: string }) => {
      if (!hasEnded()) keys.add(key);
      return { type: 'written' } as const;
    };
    const machine = defineMachine({
      machine: writing,
      schedules: { nightly: { cron: daily, overlap: 'allow' } },
      effects: { write: { run: write } },
    });
    const engine = await startEngine({
      on: { ...on, home },
      ...{ clock, faults, machines: [machine], intakeLookMs: 20, serve: false, adds: false, verifies: false },
    });
    isDue = true;
    const isOver = async () =>
      tree === null
        ? marks({ home }).length > 0
        : (await engine.client.machineTrees({ name: 'report' })).some(
            ({ id, status }) => id === tree && status === 'done',
          );
    await until(async () => hasEnded() || (await isOver()));
    await engine.engine.stop();
    return hasEnded();
  }
  await live('2030-01-01T12:00:00Z', null, null);
  const ids = points.map((_point, index) => `nightly-2030010${index + 2}T0300Z`);
  let ends = 0;
  for (const [index, point] of points.entries()) {
    const at = `2030-01-0${index + 2}T03:00:01Z`;
    for (const nth of [1, 2, 3]) if (await live(at, { point, nth }, ids[index] ?? '')) ends += 1;
    expect(await live(at, null, ids[index] ?? '')).toBe(false);
  }
  expect(ends).toBeGreaterThan(points.length);
  expect([...keys].map((key) => /report:(\S+?)\//.exec(key)?.[1])).toEqual(ids);
});
