/** Times, numbers and names as people read them. */

/** `3 s`, `12 min`, `2 h 5 min`, `4 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d`;
}

/** Of a list: one unit, so that it is short and seldom another. */
export function age(iso: string, nowMs: number): string {
  const ms = nowMs - Date.parse(iso);
  const hours = Math.floor(ms / 3_600_000);
  return hours >= 1 && hours < 24 ? `${hours} h` : duration(ms);
}

export function since(iso: string | null, nowMs: number): string {
  return iso === null ? '' : duration(nowMs - Date.parse(iso));
}

/** `3 min ago`, `just now`. */
export function ago(iso: string, nowMs: number): string {
  const ms = nowMs - Date.parse(iso);
  return ms < 10_000 ? 'just now' : `${age(iso, nowMs)} ago`;
}

/** `14:03:22` of today, with its date where it is another day. */
export function clock(iso: string): string {
  const at = new Date(iso);
  const time = at.toLocaleTimeString('en-GB');
  return at.toDateString() === new Date().toDateString() ? time : `${iso.slice(0, 10)} ${time}`;
}

/** `940`, `12.3k`, `4.1M`; a dash where nobody said it. */
export function amount(value: number | null): string {
  if (value === null) return '–';
  if (value < 1_000) return String(value);
  if (value < 1_000_000) return `${(value / 1_000).toFixed(value < 100_000 ? 1 : 0)}k`;
  return `${(value / 1_000_000).toFixed(1)}M`;
}

export function dollars(value: number | null): string {
  return value === null ? '–' : `$${value.toFixed(value >= 100 ? 0 : 2)}`;
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function words(name: string): string {
  return name.replaceAll('_', ' ');
}

const bidi = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const controls =
  /\u001b\[[0-9;:?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b\n]*(?:\u0007|\u001b\\)?|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Without what only a terminal understands, and with what turns the direction of writing named: an output must not look like another one. */
export function plain(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(controls, '')
    .replace(bidi, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** For what a person is to judge by, a change above all: nothing is left out, and what would not be seen is named. */
export function literal(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/(?![\n\t ])[\p{Cc}\p{Cf}\p{Cs}\p{Zs}\p{Zl}\p{Zp}]/gu, (found) => {
    const code = (found.codePointAt(0) ?? 0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`;
  });
}
