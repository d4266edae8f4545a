/** A message that a person typed to an agent that works, as a line of the run's input file. Pure, and without zod: a relay is to start fast. */
import { objectOf, textAt } from '../reports/json-line.ts';

export interface TypedMessage {
  /** A UUID of version 8, which no program makes by itself: what it says of this id is about a typed message. */
  readonly id: string;
  readonly text: string;
}

const typedIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function isTypedId(id: string | null): id is string {
  return id !== null && typedIdPattern.test(id);
}

export function messageLine({ id, text }: TypedMessage): string {
  return `${JSON.stringify({ id, text })}\n`;
}

/** null: it is no such line. */
export function readMessageLine(line: string): TypedMessage | null {
  const value = objectOf(line);
  if (value === null) return null;
  const id = textAt(value, 'id');
  const text = textAt(value, 'text');
  return isTypedId(id) && text !== null ? { id, text } : null;
}
