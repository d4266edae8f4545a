/** The text of a schema's issue for people. */
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

const formatWords: Readonly<Record<string, string>> = {
  url: 'address such as https://example.com',
  datetime: 'time such as 2026-05-01T12:00:00Z',
  uuid: 'uuid',
  email: 'e-mail address',
};

const sizeWords: Readonly<Record<string, string>> = { string: 'characters', array: 'entries', set: 'entries' };

/** The place and text of the first issue; `whole` where it is about the whole value. */
export function firstIssueText(error: { readonly issues: readonly z.core.$ZodIssue[] }, whole = 'it'): string {
  const [issue] = error.issues;
  if (issue === undefined) return `${whole} is not accepted`;
  return `${issue.path.length === 0 ? whole : issue.path.map(String).join('.')} ${issueText(issue)}`;
}

/** An issue as the rest of a sentence that begins with the field's name: `must be one of done, failed`. A message of our own, which begins with no capital, stays as it is. */
export function issueText(issue: z.core.$ZodIssue): string {
  if (/^[^A-Z]/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${typeWords[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}`;
    case 'too_big':
      return `must ${bound(issue.origin, `at most ${issue.maximum}`)}`;
    case 'too_small':
      return `must ${bound(issue.origin, `at least ${issue.minimum}`)}`;
    case 'unrecognized_keys':
      return `has unknown keys: ${issue.keys.join(', ')}`;
    case 'invalid_union':
      return 'has none of the accepted forms';
    case 'invalid_format':
      return `is no ${formatWords[issue.format] ?? 'text of the accepted form'}`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_key':
      return 'has a key that is not accepted';
    case 'invalid_element':
      return 'has an entry that is not accepted';
    // The schema's own texts begin in lower case; the library's own English is not meant for users.
    default:
      return 'is not accepted';
  }
}

function bound(origin: string, limit: string): string {
  const size = sizeWords[origin];
  return size === undefined ? `be ${limit}` : `have ${limit} ${size}`;
}
