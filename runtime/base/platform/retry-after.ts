/** The header `Retry-After` of HTTP: seconds, with a fraction from some services, or a date. */

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
