import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { type ScheduleTimes, scheduleTimes } from '../../runtime/base/config/config.ts';
import { dueNow } from '../../runtime/work/intake/sources/schedule.ts';
import {
  gate,
  ground,
  openGate,
  planText,
  startEngine,
  type TestEngine,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { type Ground, until } from '../support/ground.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** The first `count` times after `from`. */
function timesFrom(times: ScheduleTimes, from: string, count: number): string[] {
  const found: string[] = [];
  let at = Date.parse(from);
  while (found.length < count) {
    at = times.next(at) ?? Number.NaN;
    found.push(new Date(at).toISOString());
  }
  return found;
}

describe('the times of a schedule where clocks change', () => {
  const cases = [
    [
      'a time in the gap of spring is at its end',
      '30 2 * * *',
      '2026-03-28T12:00:00Z',
      ['2026-03-29T01:00', '2026-03-30T00:30'],
    ],
    [
      'a time that autumn has twice is once',
      '30 2 * * *',
      '2026-10-24T12:00:00Z',
      ['2026-10-25T00:30', '2026-10-26T01:30'],
    ],
    [
      'each hour of autumn, the repeated one twice',
      '30 * * * *',
      '2026-10-25T00:00:00Z',
      ['2026-10-25T00:30', '2026-10-25T01:30', '2026-10-25T02:30'],
    ],
    [
      'each hour of spring, without the missing one',
      '30 * * * *',
      '2026-03-29T00:00:00Z',
      ['2026-03-29T00:30', '2026-03-29T01:30'],
    ],
    ['working days only', '0 3 * * 1-5', '2026-10-23T12:00:00Z', ['2026-10-26T02:00', '2026-10-27T02:00']],
  ] as const;
  for (const [title, schedule, from, expected] of cases)
    it(title, () => {
      const times = scheduleTimes({ schedule, timezone: 'Europe/Berlin' });
      const found = timesFrom(times, from, expected.length);
      expect(found).toEqual(expected.map((at) => `${at}:00.000Z`));
      // The backward search finds the same times, at the time itself and just before the next one.
      for (const at of found) expect(times.last(Date.parse(at))).toBe(Date.parse(at));
      for (const [index, at] of found.slice(1).entries())
        expect(times.last(Date.parse(at) - 1)).toBe(Date.parse(found[index] ?? ''));
    });

  it('looked at each minute of two days with a change, each time is found once', () => {
    for (const day of ['2026-03-28T12:00:00Z', '2026-10-24T12:00:00Z']) {
      const times = scheduleTimes({ schedule: '*/20 1-3 * * *', timezone: 'Europe/Berlin' });
      const begin = Date.parse(day);
      const found: number[] = [];
      let reachedAt = begin;
      for (let nowMs = begin; nowMs < begin + 48 * hourMs; nowMs += minuteMs) {
        const room = { items: 1, reason: '' };
        const due = dueNow({ lastMs: times.last(nowMs), reachedAt, nowMs, missed: 'skip', room });
        if (due.kind === 'none') continue;
        reachedAt = due.atMs;
        found.push(due.atMs);
      }
      const expected = timesFrom(times, day, found.length + 1);
      expect(found.map((at) => new Date(at).toISOString())).toEqual(expected.slice(0, -1));
      expect(Date.parse(expected.at(-1) ?? '')).toBeGreaterThanOrEqual(begin + 48 * hourMs);
    }
  });
});

it.each([
  ['no time yet', { lastMs: null }, { kind: 'none' }],
  ['looked at before', { lastMs: 1_000 }, { kind: 'none' }],
  ['before the last look, as the clock was put back', { lastMs: 500 }, { kind: 'none' }],
  ['due now', { lastMs: 2_000 }, { kind: 'due', atMs: 2_000 }],
  ['missed for an hour, made up for', { lastMs: 2_000, nowMs: hourMs }, { kind: 'due', atMs: 2_000 }],
  ['missed for an hour, skipped', { lastMs: 2_000, nowMs: hourMs, missed: 'skip' }, { kind: 'passed', atMs: 2_000 }],
  ['a little late, not missed', { lastMs: 2_000, nowMs: 30_000, missed: 'skip' }, { kind: 'due', atMs: 2_000 }],
  ['no room', { lastMs: 2_000, room: { items: 0, reason: 'full' } }, { kind: 'passed', atMs: 2_000, reason: 'full' }],
] as const)('the result for a scheduled time: %s', (_title, given, expected) => {
  const room = { items: 1, reason: '' };
  expect(dueNow({ reachedAt: 1_000, nowMs: 3_000, missed: 'once', room, ...given })).toMatchObject(expected);
});

/** A clock that starts at a given time, runs, and can be set. */
function clockFrom(day: string) {
  let ahead = Date.parse(day) - Date.now();
  return {
    nowMs: () => Date.now() + ahead,
    set: (at: string) => {
      ahead = Date.parse(at) - Date.now();
    },
  };
}

interface Nightly {
  readonly on: Ground;
  readonly clock: ReturnType<typeof clockFrom>;
  readonly document: string;
  start(): Promise<TestEngine>;
}

/** A schedule for 03:00 each day; it is 12:00 on 2 January 2030. */
function nightly(keys = '', table?: string): Nightly {
  const on = ground();
  const document = join(on.root, 'nightly.md');
  const clock = clockFrom('2030-01-02T12:00:00Z');
  const own = table ?? `document = "${document}"\n`;
  const daemon = `${waves}[intake.nightly]\nsource = "schedule"\nproject = "demo"\nschedule = "0 3 * * *"\n${own}${keys}`;
  // The clock is set days ahead while an agent works: the agent's time limits must be longer.
  const agents = { default: { preset: 'sh', attempts: 1, timeout: '30d', idle_timeout: '30d' } } as const;
  return { on, clock, document, start: () => startEngine({ on, clock, intakeLookMs: 50, daemon, agents }) };
}

const shown = ({ client }: TestEngine) => client.intake({ name: 'nightly' });
const itemsOf = async (engine: TestEngine) => (await shown(engine)).items.map(({ item }) => item).sort();

/** The engine has checked the schedule for the first time. */
async function untilSeen({ on }: Nightly, engine: TestEngine): Promise<void> {
  await until(async () => (await engine.engine.client.tryIntake({ name: 'nightly' })).items.length > 0);
  await until(() => handledUntil(on) !== null);
}

/** The time up to which the schedule's times are handled; null: it was not looked at yet. */
function handledUntil({ home }: Ground): number | null {
  const db = new BetterSqlite3(join(home, 'taskstore.db'), { readonly: true });
  try {
    const row = db.prepare('SELECT reached_at FROM intake_marks').get() as { reached_at: number } | undefined;
    return row?.reached_at ?? null;
  } finally {
    db.close();
  }
}

async function untilItems(engine: TestEngine, count: number): Promise<void> {
  await until(
    async () => (await itemsOf(engine)).length === count,
    async () => JSON.stringify(await shown(engine)),
  );
}

/** Waits until that many of its plans have started, or wait for a person. */
async function untilStarted(engine: TestEngine, count: number): Promise<void> {
  await until(
    async () => (await shown(engine)).items.filter((item) => item.started_at !== null).length === count,
    async () => JSON.stringify(await shown(engine)),
  );
}

async function untilPassed(engine: TestEngine, at: string): Promise<void> {
  await until(
    async () => Date.parse((await shown(engine)).passed?.at ?? '') === Date.parse(at),
    async () => JSON.stringify(await shown(engine)),
  );
}

it('a plan comes when it is due, and not before the schedule was there', async () => {
  const night = nightly();
  writeFileSync(night.document, planText(['echo 1 > one.txt']));
  const engine = await night.start();
  await untilSeen(night, engine);
  rmSync(night.document);
  const missing = await engine.client.tryIntake({ name: 'nightly' });
  expect(missing.items).toMatchObject([
    {
      state: 'waits',
      reason: expect.stringMatching(
        /^it is not due yet, and as it is now nothing would come: .*cannot be read/,
      ) as string,
    },
  ]);
  writeFileSync(night.document, planText(['echo 1 > one.txt']));
  const tried = await engine.client.tryIntake({ name: 'nightly' });
  expect(tried.items).toEqual([
    {
      ...{ title: 'nightly of 2030-01-03 03:00 UTC', plan: 'nightly-2030-01-03-0300' },
      ...{ state: 'waits', reason: 'it is not due yet', allow: null },
    },
  ]);
  expect(await itemsOf(engine)).toEqual([]);
  night.clock.set('2030-01-03T03:00:01Z');
  await untilStarted(engine, 1);
  await untilStatus(engine, 'nightly-2030-01-03-0300', 'done');
  writeFileSync(night.document, planText(['echo 2 > two.txt']));
  night.clock.set('2030-01-04T03:00:01Z');
  await untilStarted(engine, 2);
  await untilStatus(engine, 'nightly-2030-01-04-0300', 'done');
  expect(await itemsOf(engine)).toEqual(['2030-01-03T03:00:00.000Z', '2030-01-04T03:00:00.000Z']);
  expect(await engine.client.intakes()).toMatchObject([
    { source: 'schedule', from: '0 3 * * * UTC', open: 0, taken: 2 },
  ]);
});

it('what was missed while no engine ran comes once, and again only when it is due again', async () => {
  const night = nightly('start = false\nopen = 9\n');
  writeFileSync(night.document, planText(['true']));
  const first = await night.start();
  await untilSeen(night, first);
  await first.engine.stop();
  night.clock.set('2030-01-09T12:00:00Z');
  const second = await night.start();
  await untilItems(second, 1);
  await second.engine.stop();
  const third = await night.start();
  night.clock.set('2030-01-10T03:00:01Z');
  await untilItems(third, 2);
  expect(await itemsOf(third)).toEqual(['2030-01-09T03:00:00.000Z', '2030-01-10T03:00:00.000Z']);
});

it('goes on at its times after a clock that was far ahead has been set right', async () => {
  const night = nightly('start = false\nopen = 9\n');
  writeFileSync(night.document, planText(['true']));
  const engine = await night.start();
  await untilSeen(night, engine);
  night.clock.set('2041-05-01T03:00:01Z');
  await untilItems(engine, 1);
  night.clock.set('2030-01-02T12:00:00Z');
  await until(() => (handledUntil(night.on) ?? 0) < Date.parse('2030-01-03T00:00:00Z'));
  night.clock.set('2030-01-03T03:00:01Z');
  await untilItems(engine, 2);
  night.clock.set('2041-05-01T03:00:02Z');
  await until(() => handledUntil(night.on) === Date.parse('2041-05-01T03:00:00Z'));
  expect(await itemsOf(engine)).toEqual(['2030-01-03T03:00:00.000Z', '2041-05-01T03:00:00.000Z']);
});

it('what was missed is skipped where that is said', async () => {
  const night = nightly('missed = "skip"\nstart = false\n');
  writeFileSync(night.document, planText(['true']));
  const first = await night.start();
  await untilSeen(night, first);
  await first.engine.stop();
  night.clock.set('2030-01-09T12:00:00Z');
  const second = await night.start();
  await untilPassed(second, '2030-01-09T03:00:00Z');
  expect((await shown(second)).passed?.reason).toBe('it was missed, and missed = "skip"');
  expect(await itemsOf(second)).toEqual([]);
  night.clock.set('2030-01-10T03:00:01Z');
  await untilItems(second, 1);
});

it('none comes while the one before it is not over', async () => {
  const night = nightly();
  const goes = join(night.on.root, 'goes');
  writeFileSync(night.document, planText([`${gate(goes)}; echo 1 > one.txt`]));
  const engine = await night.start();
  await untilSeen(night, engine);
  night.clock.set('2030-01-03T03:00:01Z');
  await untilStarted(engine, 1);
  night.clock.set('2030-01-04T03:00:01Z');
  await untilPassed(engine, '2030-01-04T03:00:00Z');
  expect((await shown(engine)).passed?.reason).toBe('1 of its plans are not over, and open = 1');
  openGate(goes);
  await untilStatus(engine, 'nightly-2030-01-03-0300', 'done');
  night.clock.set('2030-01-05T03:00:01Z');
  await untilItems(engine, 2);
  expect(await itemsOf(engine)).toEqual(['2030-01-03T03:00:00.000Z', '2030-01-05T03:00:00.000Z']);
});

it('the next one waits for its turn where that is said', async () => {
  const night = nightly('overlap = "queue"\n');
  const goes = join(night.on.root, 'goes');
  writeFileSync(night.document, planText([`${gate(goes)}; date > "$(git rev-parse HEAD).txt"`]));
  const engine = await night.start();
  await untilSeen(night, engine);
  for (const [index, day] of ['03', '04', '05'].entries()) {
    night.clock.set(`2030-01-${day}T03:00:01Z`);
    await untilItems(engine, index + 1);
  }
  const waits = async () => (await shown(engine)).items.filter(({ reason }) => reason !== null);
  await until(async () => (await waits()).length === 2);
  expect((await waits()).map(({ reason, started_at: at }) => [reason, at])).toEqual([
    ['it waits until the one before it is over', null],
    ['it waits until the one before it is over', null],
  ]);
  // Three plans wait, which is the limit.
  night.clock.set('2030-01-06T03:00:01Z');
  await untilPassed(engine, '2030-01-06T03:00:00Z');
  openGate(goes);
  await untilStarted(engine, 3);
  for (const day of ['03', '04', '05']) await untilStatus(engine, `nightly-2030-01-${day}-0300`, 'done');
  const starts = (await shown(engine)).items.map(({ item, started_at: at }) => `${at} ${item}`);
  expect(starts.toSorted()).toEqual(starts.toReversed());
});

it('a schedule that is off misses nothing', async () => {
  const night = nightly('start = false\n');
  writeFileSync(night.document, planText(['true']));
  const engine = await night.start();
  await untilSeen(night, engine);
  const file = join(night.on.home, 'daemon.toml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, `${text}enabled = false\n`);
  await engine.client.reload();
  night.clock.set('2030-01-09T12:00:00Z');
  const tried = async () => (await engine.client.tryIntake({ name: 'nightly' })).items;
  // If the skipped time were not stored, it would be used now.
  await until(async () => (await tried()).length === 1);
  writeFileSync(file, text);
  await engine.client.reload();
  await untilSeen(night, engine);
  night.clock.set('2030-01-10T03:00:01Z');
  await untilItems(engine, 1);
  expect(await itemsOf(engine)).toEqual(['2030-01-10T03:00:00.000Z']);
});

it('a message becomes a session of one agent', async () => {
  const night = nightly('', 'message = """\n```sh\necho 1 > one.txt\n```\n"""\n');
  const engine = await night.start();
  await untilSeen(night, engine);
  night.clock.set('2030-01-03T03:00:01Z');
  await untilStarted(engine, 1);
  const [session] = await engine.client.issues({ project: 'demo' });
  expect(session).toMatchObject({
    plan: 'nightly-2030-01-03-0300',
    branch: 'fix/nightly-2030-01-03-0300',
    reference: null,
  });
  await untilStatus(engine, 'nightly-2030-01-03-0300', 'done');
});

it('a document that others could write starts nothing, and the status says so', async () => {
  const night = nightly();
  writeFileSync(night.document, planText(['true']));
  chmodSync(night.document, 0o666);
  const engine = await night.start();
  await untilSeen(night, engine);
  night.clock.set('2030-01-03T03:00:01Z');
  const warned = /^intake nightly does not work: .*may be written by other users; chmod go-w /;
  await until(async () => (await engine.client.warnings()).some((line) => warned.test(line)));
  expect(await engine.client.plans('demo')).toEqual([]);
  chmodSync(night.document, 0o644);
  await untilItems(engine, 1);
});

it('a schedule that cannot be is refused with the line', async () => {
  const refused = async (table: string) =>
    startEngine({ daemon: `[intake.n]\nsource = "schedule"\nproject = "demo"\n${table}` }).then(
      () => 'accepted',
      ({ code, message }) => `${code} ${message}`,
    );
  const message = 'message = "go"\n';
  expect(await refused(`schedule = "61 3 * * *"\n${message}`)).toMatch(/^bad_config .*schedule.*five fields/s);
  expect(await refused(`schedule = "0 3 31 2 *"\n${message}`)).toMatch(/^bad_config .*schedule.*five fields/s);
  expect(await refused(`schedule = "0 3 * * *"\ntimezone = "Mars/Base"\n${message}`)).toMatch(
    /^bad_config .*timezone/s,
  );
  expect(await refused('schedule = "0 3 * * *"\n')).toMatch(/^bad_config .*either document or message/s);
  expect(await refused(`schedule = "0 3 * * *"\ndocument = "/a.md"\n${message}`)).toMatch(/either document or message/);
  expect(await refused(`schedule = "0 3 * * *"\nfolder = "/a"\n${message}`)).toMatch(/^bad_config .*folder/s);
});
