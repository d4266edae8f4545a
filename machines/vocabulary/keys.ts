/** The keys that a person may press in the terminal of an agent, beside text, and the bytes that a terminal sends for each. */

const bytesOf = {
  enter: '\r',
  tab: '\t',
  escape: '\x1b',
  backspace: '\x7f',
  up: '\x1b[A',
  down: '\x1b[B',
  right: '\x1b[C',
  left: '\x1b[D',
  'ctrl-c': '\x03',
  'ctrl-d': '\x04',
  'ctrl-l': '\x0c',
  'ctrl-u': '\x15',
} as const;

type Key = keyof typeof bytesOf;
export const keys = Object.keys(bytesOf) as [Key, ...Key[]]; // the keys of the table above

/** A line of text ends with Enter, and so does each line in it. */
export type Typed = { readonly text: string } | { readonly key: Key };

/** What the terminal gets for what a person typed. */
export function typedBytes(typed: Typed): string {
  return 'key' in typed ? bytesOf[typed.key] : `${typed.text.replaceAll('\n', '\r')}\r`;
}
