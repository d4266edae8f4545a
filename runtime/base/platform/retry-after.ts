/** How long to wait before the next try: by the header `Retry-After` of HTTP (seconds, with a fraction from some services, or a date), or by a service's message. */

const hourMs = 3_600_000;

/** The pause in ms, from 0 to `limitMs`, an hour by default; null: there is no such header, or it is invalid. */
export function retryAfterMs(header: string | undefined, nowMs: number, limitMs = hourMs): number | null {
  const said = header?.trim() ?? '';
  const ms = /^\d{1,9}(\.\d{1,9})?$/.test(said) ? Math.ceil(Number(said) * 1000) : dateOf(said) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), limitMs) : null;
}

/** `Date.parse` takes `-5` and `2` for dates too. */
function dateOf(said: string): number {
  return /[A-Za-z]{3}|\d{4}-\d\d-\d\d/.test(said) ? Date.parse(said) : Number.NaN;
}

const pauseForm =
  /^(?:\d{1,9}(?:\.\d{1,9})? ?(?:ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)(?![a-z])[ ,]*)+/;
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The pause in ms at the beginning of a text: `11.054s`, `7m12s`, `3 days 2 hours`; null: there is none. */
export function pauseMs(text: string): number | null {
  const said = pauseForm.exec(text.toLowerCase())?.[0];
  if (said === undefined) return null;
  let ms = 0;
  for (const [, count, unit = ''] of said.matchAll(/([\d.]+) ?([a-z]+)/g))
    ms += Number(count) * (unitMs[unit] ?? unitMs[unit.charAt(0)] ?? 0);
  return Math.ceil(ms);
}
