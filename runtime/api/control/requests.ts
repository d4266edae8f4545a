/** Parses requests to the control API: strict and bounded. An unknown field is refused with its name and the nearest known one. */
import type { Context } from 'hono';
import { z } from 'zod';
import { familyNames } from '../../../machines/document/read-plan.ts';
import { EngineError, errorClasses } from '../../../machines/vocabulary/errors.ts';
import { issueText } from '../../../machines/vocabulary/schema-issue.ts';
import { didYouMean } from '../../base/config/nearest.ts';
import { verdictWaitMs } from '../commands/signal-sender.ts';

/** No request of ours nests JSON deeper than this; deeper JSON would overflow the stack when it is serialized again. */
const maxDepth = 64;

/** A text of one line: it cannot break a path, a command line or a line of the log. */
const printable = /^\P{Cc}*$/u;
export const line = (max: number) => z.string().min(1).max(max).regex(printable, 'holds a control character');

export const name = line(255).regex(/^[^/]*$/, 'holds a slash');

export const projectParams = z.strictObject({ project: name });
export const planParams = z.strictObject({ project: name, plan: name });
export const titleParams = z.strictObject({ project: name, title: name });

/** A whole number in a path or a query. */
export const digits = z
  .string()
  .regex(/^\d{1,15}$/, 'is no whole number of at most 15 digits')
  .transform(Number);

export const flag = z.enum(['0', '1']).transform((value) => value === '1');

export const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/i, { error: 'must be the 64 hex digits that `stator repo trust --show` prints' });

/** A point in time of a journal: after its line `to`, or at the time `at`; neither: now. */
export const pointInTimeQuery = z.strictObject({
  to: digits.optional(),
  at: z.iso.datetime({ offset: true }).optional(),
});

export const waitMs = z.int().min(0).max(60_000).default(verdictWaitMs);

/**
 * Throws `bad_request` with the first field that does not fit. `what` names the whole if no field is at fault; `hint`: what is
 * accepted; default: where it is documented.
 */
export function check<T>(
  schema: z.ZodType<T>,
  value: unknown,
  what: string,
  hint = `see what ${what} takes in docs/control-api.md`,
): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') throw unknownField(schema, issue.keys[0] ?? '', what);
  const field = issue === undefined || issue.path.length === 0 ? what : issue.path.join('.');
  throw new EngineError('bad_request', `${field}${problemOf(issue, value)}`, hint);
}

/** The second half of a sentence that begins with the field's name. */
function problemOf(issue: z.core.$ZodIssue | undefined, value: unknown): string {
  if (issue?.code === 'too_small' && issue.origin === 'string' && issue.minimum === 1) return ' is empty';
  if (issue === undefined) return ' is not accepted';
  if (issue.code === 'invalid_type' && issue.path.length > 0 && valueAt(value, issue.path) === undefined)
    return ' is required';
  return ` ${issueText(issue)}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let inner = value;
  for (const key of path) {
    if (typeof inner !== 'object' || inner === null) return undefined;
    inner = (inner as Record<PropertyKey, unknown>)[key]; // an object with any values
  }
  return inner;
}

function unknownField(schema: z.ZodType, key: string, what: string): EngineError {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const takes = known.length === 0 ? 'takes no field' : `takes: ${known.join(', ')}`;
  return new EngineError(
    'bad_request',
    `unknown field "${key.slice(0, 100)}" in ${what}`,
    `${didYouMean(key, known)}${what} ${takes}`,
  );
}

/** For a route that takes no fields: one that somebody sends is meant to have an effect, such as a limit to one repo. */
export const nothing = z.strictObject({});

/** The fields of a query. Throws `bad_request` for a field that is there twice: the answer could only be for one of its values. */
export function queryOf(c: Context): Record<string, string> {
  const fields = Object.entries(c.req.queries());
  const twice = fields.find(([, values]) => values.length > 1)?.[0];
  if (twice === undefined) return Object.fromEntries(fields.map(([key, [value = '']]) => [key, value]));
  throw new EngineError(
    'bad_request',
    `the query has the field "${twice.slice(0, 100)}" twice`,
    'send it once, with one value; for a second value ask again',
  );
}

/** The body of a request; an empty body is `{}`. Throws `bad_request` if it is not JSON, or nests deeper than 64. */
export async function jsonOf(c: Context): Promise<unknown> {
  const bytes = await c.req.arrayBuffer();
  // An empty body is an object without fields, so that the error names a required field.
  if (bytes.byteLength === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw notJson('the body is not JSON', cause);
  }
  if (isDeeper(value, maxDepth)) throw notJson(`the body nests deeper than ${maxDepth}`);
  if (isTorn(value)) throw notJson('a text of the body ends in the middle of a character (a lone surrogate)');
  return value;
}

/** `application/json`, or one of its kind such as `application/merge-patch+json`. */
export function isJsonType(type: string): boolean {
  return /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type);
}

/**
 * A browser sends a page's form to any address without a preflight request, but never with a JSON type. So a body with another type is refused before it is
 * read. Throws `unsupported_media_type`.
 */
export function mustBeJson(method: string, type: string | undefined): void {
  if (type === undefined || method === 'GET' || method === 'HEAD' || isJsonType(type)) return;
  throw new EngineError(
    'unsupported_media_type',
    `the body is said to be ${type.slice(0, 100)}, and JSON is taken`,
    'send it with content-type application/json (curl: --json)',
  );
}

/** The error answer of a request that reaches no app. */
export function errorResponse(error: EngineError): Response {
  return Response.json(error.toJSON(), { status: errorClasses[error.code].status });
}

function notJson(message: string, cause?: unknown): EngineError {
  return new EngineError('bad_request', message, 'send an object with content-type application/json', { cause });
}

function isDeeper(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return left === 0 || Object.values(value).some((inner) => isDeeper(inner, left - 1));
}

/** Whether a text has half of a surrogate pair: UTF-8 cannot hold that, so the store would return another text. The value is no deeper than `maxDepth`. */
function isTorn(value: unknown): boolean {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value);
  return typeof value === 'object' && value !== null && Object.entries(value).flat().some(isTorn);
}

/** The document family that a text is read as; missing: recognized from the text. */
export const family: z.ZodType<string> = z.enum(familyNames as readonly [string, ...string[]]);

/** undefined keys are left out, so that optional properties stay optional. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  }; // as filtered
}
