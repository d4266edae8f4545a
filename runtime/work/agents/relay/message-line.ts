/** A person's message to a working agent, as a line of the run's input file. Pure, and without zod, because a relay must start fast. */
import { objectOf, textAt } from '../reports/json-line.ts';

export interface TypedMessage {
  /** A UUID of version 8, which no program generates itself: a line with this id is about a person's message. */
  readonly id: string;
  readonly text: string;
  /** The plan's number of the message; missing: a line of an earlier version. */
  readonly word?: number;
}

const typedIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function isTypedId(id: string | null): id is string {
  return id !== null && typedIdPattern.test(id);
}

export function messageLine({ id, text, word }: TypedMessage): string {
  return `${JSON.stringify({ id, text, word })}\n`;
}

/** null: the line is no such message. */
export function readMessageLine(line: string): TypedMessage | null {
  const value = objectOf(line);
  if (value === null) return null;
  const id = textAt(value, 'id');
  const text = textAt(value, 'text');
  const { word } = value;
  if (!isTypedId(id) || text === null) return null;
  return typeof word === 'number' && Number.isSafeInteger(word) ? { id, text, word } : { id, text };
}

/** The line of the input file that ends the program's turn, in its protocol's way. */
export const cancelLine = '{"cancel":true}\n';

export function isCancelLine(line: string): boolean {
  return objectOf(line)?.cancel === true;
}
