/** Times as they are where this process is. Pure. */

/** `2026-11-22`: the day of that time. */
export function localDay(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The time of day, to the minute; with its date where that is another day than `nowMs`. What is no time is given as it is. */
export function localTime(time: string, nowMs: number): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return time;
  const ofDay = `${two(at.getHours())}:${two(at.getMinutes())}`;
  const day = localDay(at);
  return day === localDay(new Date(nowMs)) ? ofDay : `${day} ${ofDay}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
