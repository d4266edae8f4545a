/** Numbers and names as people read them. */

/** `940`, `12.3k`, `4.1M`; a dash for an unknown value. */
export function amount(value: number | null): string {
  if (value === null) return '–';
  if (value < 1_000) return String(value);
  if (value < 1_000_000) return `${(value / 1_000).toFixed(value < 100_000 ? 1 : 0)}k`;
  return `${(value / 1_000_000).toFixed(1)}M`;
}

export function dollars(value: number | null): string {
  return value === null ? '–' : `$${value.toFixed(value >= 100 ? 0 : 2)}`;
}

export function words(name: string): string {
  return name.replaceAll('_', ' ');
}

/** The text with a capital first letter, for a heading. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const bidi = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const controls =
  /\u001b\[[0-9;:?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b\n]*(?:\u0007|\u001b\\)?|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * Text without terminal escape sequences. Characters that change the direction of writing are shown by name, so that one output cannot imitate
 * another.
 */
export function plain(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(controls, '')
    .replace(bidi, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** For text on which a person bases a decision, such as a change: nothing is left out, and invisible characters are shown by name. */
export function literal(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/(?![\n\t ])[\p{Cc}\p{Cf}\p{Cs}\p{Zs}\p{Zl}\p{Zp}]/gu, (found) => {
    const code = (found.codePointAt(0) ?? 0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`;
  });
}
