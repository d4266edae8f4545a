/** Durations as people write them in a configuration: one whole number and one unit. */

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof unitMs;
const unitsLargestFirst = (Object.keys(unitMs) as Unit[]).toReversed(); // the keys of the table

/** `"500ms" "90s" "30m" "1h" "7d"` in milliseconds, or null for any other text. Twelve digits at most, so the result is a safe integer. */
export function durationMs(text: string): number | null {
  const parts = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text.trim());
  const [, count, unit] = parts ?? [];
  if (count === undefined || unit === undefined) return null;
  const ms = Number(count) * unitMs[unit as Unit]; // the pattern lets only units of the table through
  return Number.isSafeInteger(ms) ? ms : null;
}

/** A duration as configuration files write it, in the largest unit without a fraction. */
export function durationText(ms: number): string {
  const unit = unitsLargestFirst.find((each) => ms > 0 && ms % unitMs[each] === 0) ?? 'ms';
  return `${ms / unitMs[unit]}${unit}`;
}
