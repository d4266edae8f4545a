/**
 * Finds damaged lines of a program's output that may have been, or may contain, the end of its run. Another process wrote into them, or they are too long.
 * With such a line, a verdict may not be the program's own, so none counts.
 */
import type { JsonObject } from './json-line.ts';

/** An event that ends a run or a step, and a pattern that recognizes its line even if it cannot be parsed. */
export interface End {
  readonly form: RegExp;
  is(event: JsonObject): boolean;
  /** Whether another kind of event may contain that pattern. */
  readonly isQuoted?: boolean;
}

/** The overlap between two pieces of a line. */
const overlapLength = 200;

export interface SpoiltLines {
  /** `event`: the parsed event of the line; null: none. */
  line(text: string, event: JsonObject | null): void;
  /** A piece of a line that is too long to be parsed. */
  leftOut(piece: Buffer): void;
  isAny(): boolean;
}

export function createSpoiltLines({ form: end, is: isEnd, isQuoted = false }: End): SpoiltLines {
  const endOrVerdict = new RegExp(`${end.source}|stator verdict:`, 'i');
  let isAny = false;
  let before = '';
  return {
    line(text, event) {
      // Quotes in texts inside an event are escaped, so a match is a part of the event itself.
      if (event === null) isAny ||= text.startsWith('{') || endOrVerdict.test(text);
      else if (!isEnd(event)) isAny ||= !isQuoted && end.test(text);
    },
    leftOut(piece) {
      const text = before + piece.toString('latin1');
      isAny ||= end.test(text);
      before = text.slice(-overlapLength);
    },
    isAny: () => isAny,
  };
}

export function ofTypes(...types: readonly string[]): End {
  const names = types.map((type) => type.replace('.', '\\.')).join('|');
  return { form: new RegExp(`"type"\\s*:\\s*"(?:${names})"`), is: ({ type }) => types.includes(String(type)) };
}
