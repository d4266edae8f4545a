/** Foreign text inside a prompt: cut to a size, made harmless, and fenced so that nothing in it can end its own fence. */
import { safeText } from '../../../base/platform/terminal-text.ts';

/** Feedback, outputs and questions: what an agent reads beside its task. */
export const quotationLimitBytes = 16 * 1024;
/** Documents and task bodies: the work itself, cut only where it would drown an agent. */
export const documentLimitBytes = 256 * 1024;
/** What a document says outside of its tasks: read beside the task, so less of it. */
export const notesLimitBytes = 64 * 1024;
/** For what should be a line: nothing in a document keeps a title or a path from being a novel. */
const lineCharacters = 300;

export interface Cut {
  readonly limitBytes: number;
  /** Outputs end with what matters, other texts begin with it. */
  readonly keep: 'start' | 'end';
  /** Where the whole text can be read, as the end of a sentence. */
  readonly rest: string;
}

/** The text, fit for a reader, or its start or end with a line that says how much is missing and where it is. */
export function excerpt(text: string, { limitBytes, keep, rest }: Cut): string {
  // In an output a lone carriage return overwrites its line, in a document it ends one.
  const whole = safeText(keep === 'end' ? text : text.replace(/\r\n?/g, '\n')).trim();
  const bytes = Buffer.from(whole); // half a character of two, as a cut elsewhere leaves it, becomes U+FFFD
  if (bytes.length <= limitBytes) return bytes.toString();
  const kept = keep === 'start' ? bytes.subarray(0, limitBytes) : bytes.subarray(bytes.length - limitBytes);
  // A character that the cut went through is dropped.
  const shown = new TextDecoder().decode(kept).replace(keep === 'start' ? /\uFFFD{1,3}$/ : /^\uFFFD{1,3}/, '');
  const note = `[${bytes.length - limitBytes} of ${bytes.length} bytes are left out ${keep === 'start' ? 'here' : 'before this'}; the whole text: ${rest}]`;
  return keep === 'start' ? `${shown}\n${note}` : `${note}\n${shown}`;
}

/** A name, a title or a path on one line, at most 300 characters. */
export function oneLine(text: string): string {
  const start = safeText(text.slice(0, 4 * lineCharacters).replace(/\r/g, '\n')).replace(
    /[\p{Cc}\p{Zl}\p{Zp}]+/gu,
    ' ',
  );
  const characters = Array.from(Buffer.from(start).toString().trim());
  const isCut = characters.length > lineCharacters || text.length > 4 * lineCharacters;
  return isCut ? `${characters.slice(0, lineCharacters).join('')}…` : characters.join('');
}

/** A fenced block whose fence is longer than any run of its character in it. */
export function fenced(text: string, language = '', character: '`' | '~' = '`'): string {
  let longest = 2;
  for (const [run] of text.matchAll(character === '`' ? /`+/g : /~+/g)) longest = Math.max(longest, run.length);
  const fence = character.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}
