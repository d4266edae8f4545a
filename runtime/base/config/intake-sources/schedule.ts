/** `source = "schedule"`: the same work again and again, at the times of a cron pattern. */
import { isAbsolute, resolve } from 'node:path';
import { fromPackage } from '../../platform/at-first-use.ts';
import { oneOf, text } from '../schema-words.ts';
import { intakeSource, messageWords } from './source.ts';

interface Pattern {
  readonly schedule: string;
  readonly timezone: string;
}

/** The times of a schedule, as milliseconds. */
export interface ScheduleTimes {
  /** The last one that is not later than `nowMs`; null: there is none. */
  last(nowMs: number): number | null;
  /** The first one after `nowMs`; null: there is none. */
  next(nowMs: number): number | null;
}

/**
 * Where clocks are put forward, a pattern of one time a day that falls into the gap runs at its end; where they are put back, it runs once. Patterns of
 * several times a day skip the gap, and run in both of the repeated hours. Throws for a text that is no pattern of five fields.
 */
export function scheduleTimes({ schedule, timezone }: Pattern): ScheduleTimes {
  const { Cron } = croner();
  const cron = new Cron(schedule, { timezone, paused: true, mode: '5-part' });
  return {
    // It looks for times before the given one.
    last: (nowMs) => cron.previousRuns(1, new Date(nowMs + 1))[0]?.getTime() ?? null,
    next: (nowMs) => cron.nextRun(new Date(nowMs))?.getTime() ?? null,
  };
}

function croner(): typeof import('croner') {
  return fromPackage('croner') as typeof import('croner'); // its own types
}

const patternForm = 'five fields as cron has them, such as "0 3 * * 1-5"';

function isPattern(schedule: string): boolean {
  croner(); // a package that is missing is no mistake of the pattern
  try {
    // A pattern such as the 31st of February has no time at all.
    return scheduleTimes({ schedule, timezone: 'UTC' }).next(0) !== null;
  } catch {
    return false;
  }
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const timezoneForm = 'the name of a time zone, such as "Europe/Berlin"';

/** What is wrong with it, by its key, and what is accepted; null: nothing. */
export function scheduleProblem({
  schedule,
  timezone,
}: Pattern): { readonly key: keyof Pattern; readonly accepted: string } | null {
  if (typeof schedule !== 'string' || !isPattern(schedule)) return { key: 'schedule', accepted: patternForm };
  return typeof timezone === 'string' && isTimezone(timezone) ? null : { key: 'timezone', accepted: timezoneForm };
}

export const scheduleSource = intakeSource({
  source: 'schedule',
  keys: {
    schedule: text({ min: 9, max: 200, is: patternForm, where: isPattern }),
    timezone: text({
      min: 1,
      max: 100,
      is: timezoneForm,
      where: isTimezone,
    }).default('UTC'),
    missed: oneOf(['once', 'skip']).default('once'),
    overlap: oneOf(['refuse', 'queue']).default('refuse'),
    document: text({ min: 1, max: 4096, is: 'an absolute path', where: isAbsolute })
      .transform((path) => resolve(path))
      .optional(),
    message: text({ min: 1, max: 16_384, is: 'what an agent is to do' }).optional(),
  },
  words: {
    schedule: [null, 'schedule: when, as cron has it: minute, hour, day, month, day of the week; required'],
    timezone: ['"UTC"', 'schedule: the time zone of the schedule, with its summer time'],
    missed: ['"once"', 'schedule: what is missed while no engine runs: the last one is made up for once, or none'],
    overlap: [
      '"refuse"',
      'schedule: while as many of its plans as `open` says are not over, none comes; with "queue", up to so many wait for their turn',
    ],
    document: [null, 'schedule: the file of a plan, outside of every registered repo; it is read each time'],
    message: messageWords,
  },
  from: ({ schedule, timezone }) => `${schedule} ${timezone}`,
  // "refuse" means one plan at a time.
  open: ({ overlap }) => (overlap === 'refuse' ? 1 : 3),
  problem: ({ document, message }) =>
    (document === undefined) === (message === undefined)
      ? { key: 'document', accepted: 'either document or message' }
      : null,
});
