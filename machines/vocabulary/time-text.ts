/** Times as people read them, everywhere: how long something takes, how long ago it was, and when it is. Pure. */

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** `7s`, `3m 07s`, `2h 14m`, `3d 4h`: two units, so that it stays short and keeps its width. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3600)}h`;
}

/** `<1m`, `3m`, `2h 10m`, `4d`: for a display that is drawn again once a minute at most. */
export function minutesText(ms: number): string {
  const count = Math.max(0, Math.floor(ms / minuteMs));
  if (count < 1) return '<1m';
  if (count < 60) return `${count}m`;
  return count < 1_440 ? `${Math.floor(count / 60)}h ${two(count % 60)}m` : `${Math.floor(count / 1_440)}d`;
}

/** `just now`, `3m ago`, `2h ago`, `5d ago`: for a time that has passed. Empty where it is no time. */
export function ago(time: string, nowMs: number): string {
  const ms = nowMs - Date.parse(time);
  if (Number.isNaN(ms)) return '';
  return ms < minuteMs ? 'just now' : `${age(ms)} ago`;
}

/** `<1m`, `3m`, `2h`, `5d`: one unit. */
export function age(ms: number): string {
  const minutes = Math.floor(ms / minuteMs);
  return minutes < 60 || minutes >= 1_440 ? minutesText(ms) : `${Math.floor(minutes / 60)}h`;
}

/** `16:05:09`: the time of day where this process is. Empty where it is no time. */
export function clockTime(time: string | null): string {
  const at = new Date(time ?? Number.NaN);
  if (Number.isNaN(at.getTime())) return '';
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
}

/** `2026-11-22`: the day of that time. */
export function localDay(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The last time at which a clock here showed this time of day, `9:05` or `14:30:10`, in milliseconds; null: it is no time of day. */
export function timeOfDayMs(text: string, nowMs: number): number | null {
  if (!/^\d\d?:\d\d(:\d\d)?$/.test(text)) return null;
  const at = (daysAgo: number) => {
    const day = new Date(nowMs);
    day.setDate(day.getDate() - daysAgo); // a day of 23 or 25 hours is one too
    return new Date(`${localDay(day)}T${text.padStart(text.length + 2 - text.indexOf(':'), '0')}`).getTime();
  };
  const today = at(0);
  if (Number.isNaN(today)) return null;
  return today < nowMs ? today : at(1);
}

/** `2026-11-22 16:05:09`: both where this process is. */
export function localStamp(time: string): string {
  return `${localDay(new Date(time))} ${clockTime(time)}`;
}

/** The time of day, to the minute; with its date where that is another day than `nowMs`. A text that is no time is returned as it is. */
export function localTime(time: string, nowMs: number): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return time;
  const ofDay = clockTime(time).slice(0, 5);
  const day = localDay(at);
  return day === localDay(new Date(nowMs)) ? ofDay : `${day} ${ofDay}`;
}

/** `until 16:05, in 2h 03m`; with its date where it is not within a day. Empty where it is no time. */
export function untilText(time: string, nowMs: number): string {
  const leftMs = Date.parse(time) - nowMs;
  if (Number.isNaN(leftMs)) return '';
  const day = leftMs < dayMs ? '' : `${localDay(new Date(time))} `;
  return `until ${day}${clockTime(time).slice(0, 5)}, in ${duration(leftMs)}`;
}

/** The times in a sentence of the engine, each with the word before it. */
export const sentenceTimes = /\b(until|at|since) (\d{4}-\d\d-\d\dT[\d:.]+Z)/g;

/**
 * A text of the engine as a person reads it. The engine does not know the reader's time zone, so the times in it are in ISO form, after `until`, `at` or
 * `since`.
 */
export function withLocalTimes(text: string, nowMs: number): string {
  return text.replace(sentenceTimes, (_, word: string, time: string) =>
    word === 'until' ? untilText(time, nowMs) : `${word} ${localTime(time, nowMs)}`,
  );
}

/** `2m to 6m`, `under a minute to 3m`: rounded, the one down and the other up, since it is not known to the second. */
export function rangeText(fromMs: number, toMs: number): string {
  const from = roughly(fromMs, Math.floor);
  const to = roughly(Math.max(fromMs, toMs), Math.ceil);
  return from === to ? to : `${from} to ${to}`;
}

/** To 10 s under two minutes, to a minute under 20, to 5 under three hours, then to an hour. */
function roughly(ms: number, round: (value: number) => number): string {
  const seconds = ms / 1000;
  const steps = [
    [120, 10],
    [1_200, 60],
    [10_800, 300],
  ] as const;
  const step = steps.find(([below]) => seconds < below)?.[1] ?? 3_600;
  const rounded = Math.round(round(seconds / step) * step);
  if (rounded < 60) return rounded === 0 ? 'a moment' : `${rounded}s`;
  if (rounded < 3_600) return rounded % 60 === 0 ? `${rounded / 60}m` : `${Math.floor(rounded / 60)}m ${rounded % 60}s`;
  const minutes = Math.round((rounded % 3_600) / 60);
  return `${Math.floor(rounded / 3_600)}h${minutes === 0 ? '' : ` ${String(minutes).padStart(2, '0')}m`}`;
}

/** `3h14m22s`: the form of kasmos, which programs read. */
export function uptimeText(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (h > 0) return `${h}h${m}m${s}s`;
  return m > 0 ? `${m}m${s}s` : `${s}s`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
