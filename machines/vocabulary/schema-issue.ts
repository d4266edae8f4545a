/** What a schema's issue says to people. */
import type { z } from 'zod';

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  null: 'null',
};

const sizeWords: Readonly<Record<string, string>> = { string: 'characters', array: 'entries', set: 'entries' };

/** An issue as the rest of a sentence that begins with the field's name: `must be one of done, failed`. A message of our own, in lower case, stays as it is. */
export function issueText(issue: z.core.$ZodIssue): string {
  if (/^[a-z]/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${typeWords[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}`;
    case 'too_big':
      return `must ${bound(issue.origin, `at most ${issue.maximum}`)}`;
    case 'too_small':
      return `must ${bound(issue.origin, `at least ${issue.minimum}`)}`;
    default:
      return `is not accepted: ${issue.message}`;
  }
}

function bound(origin: string, limit: string): string {
  const size = sizeWords[origin];
  return size === undefined ? `be ${limit}` : `have ${limit} ${size}`;
}
