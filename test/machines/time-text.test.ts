/** The texts of times are defined in one file, which every surface uses. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  age,
  ago,
  duration,
  localStamp,
  localTime,
  minutesText,
  timeOfDayMs,
  untilText,
  withLocalTimes,
} from '../../machines/vocabulary/time-text.ts';

const [s, m, h, d] = [1_000, 60_000, 3_600_000, 86_400_000];

it('a day and its time of day are of one place', () => {
  const zone = process.env.TZ;
  try {
    process.env.TZ = 'Pacific/Auckland';
    expect(localStamp('2026-11-27T20:10:05.000Z')).toBe('2026-11-28 09:10:05');
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
});

it('a time of day is the last one that has passed', () => {
  const now = new Date(2026, 10, 30, 7, 0).getTime();
  expect(timeOfDayMs('6:59:30', now)).toBe(now - 30 * s);
  expect(timeOfDayMs('14:30', now)).toBe(new Date(2026, 10, 29, 14, 30).getTime());
  expect([timeOfDayMs('25:00', now), timeOfDayMs('yesterday', now)]).toEqual([null, null]);
});

it('a duration has two units, or one where it is seldom redrawn or is in a list', () => {
  const said = [0, 7 * s, m, 3 * m + 7 * s, h, 2 * h + 14 * m, d, 3 * d + 4 * h].map((ms) => [
    duration(ms),
    minutesText(ms),
    age(ms),
  ]);
  expect(said).toEqual([
    ['0s', '<1m', '<1m'],
    ['7s', '<1m', '<1m'],
    ['1m 00s', '1m', '1m'],
    ['3m 07s', '3m', '3m'],
    ['1h 00m', '1h 00m', '1h'],
    ['2h 14m', '2h 14m', '2h'],
    ['1d 0h', '1d', '1d'],
    ['3d 4h', '3d', '3d'],
  ]);
});

it('a moment is said as the time of day where the person is, with its date on another day, or by how long ago it was', () => {
  const at = new Date(2026, 10, 20, 14, 3, 59);
  expect(localTime(at.toISOString(), new Date(2026, 10, 20, 23, 0).getTime())).toBe('14:03');
  expect(localTime(at.toISOString(), new Date(2026, 10, 21, 0, 1).getTime())).toBe('2026-11-20 14:03');
  expect(localTime('some time', 0)).toBe('some time');
  expect(untilText(at.toISOString(), at.getTime() - 2 * h)).toBe('until 14:03, in 2h 00m');
  expect(ago(at.toISOString(), at.getTime() + 9 * s)).toBe('just now');
  expect(ago(at.toISOString(), at.getTime() + 2 * d)).toBe('2d ago');
  expect([ago('x', 0), untilText('x', 0)]).toEqual(['', '']);
});

it('the ISO times of a text of the engine are said as they are read', () => {
  const at = new Date(2026, 10, 20, 14, 3).getTime();
  const iso = (ms: number) => new Date(ms).toISOString();
  expect(withLocalTimes(`it waits until ${iso(at + 2 * h)}; off since ${iso(at)}, revoked at ${iso(at - d)}`, at)).toBe(
    'it waits until 16:03, in 2h 00m; off since 14:03, revoked at 2026-11-19 14:03',
  );
  expect(withLocalTimes('until then, at 2026', at)).toBe('until then, at 2026');
});

/** These write for files, the log and agents, in ISO form. */
const forOthers = ['issue-document.ts', 'signal-files/files.ts', 'platform/log.ts'];

it('a text of the engine says its times in ISO behind a word by which they are found', () => {
  const files = ['actors', 'machines', 'runtime'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !forOthers.some((other) => name.endsWith(other)))
      .map((name) => join(folder, name)),
  );
  const found = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/(.{0,8})\$\{[^{}]*(?:toISOString\(\)|\btimeText\([^()]*\))\}/g)]
      .filter(([, before = '']) => !/\b(until|at|since) $/.test(before))
      .map(([text]) => `${file}: ${text}`),
  );
  expect(found).toEqual([]);
});

it('no other file words a time', () => {
  const own =
    /toLocale(?:Time|Date)?String|\.get(?:Hours|Minutes)\(|\/ ?(?:60|3_?600)\b[^;]*`|\$\{[^}]*\/ ?(?:60_000|3_600_000|86_400_000)\b[^}]*\}/;
  const files = ['actors', 'cli', 'machines', 'page', 'runtime'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name)),
  );
  expect(files.length).toBeGreaterThan(500);
  const found = files.filter((file) => !file.endsWith('time-text.ts') && own.test(readFileSync(file, 'utf8')));
  expect(found).toEqual([]);
});
