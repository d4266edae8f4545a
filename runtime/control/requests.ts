/** What requests to the control API may hold, and how they are read: strict, bounded, and refused with the field's name. */
import type { Context } from 'hono';
import { z } from 'zod';
import { EngineError } from '../../machines/errors.ts';
import { decodePlan } from '../../machines/plan-document.ts';
import { verdictWaitMs } from '../commands.ts';

const maxWaitMs = 60_000;

export const pathBody = z.strictObject({ path: z.string().min(1).max(4_096), trust: z.boolean().optional() });
export const planBody = z.strictObject({
  plan: z.string().min(1).max(256),
  content: z.string(),
  branch: z.string().min(1).max(200).optional(),
  topic: z.string().min(1).max(200).optional(),
});
export const contentBody = z.strictObject({ content: z.string() });
export const signalBody = z.strictObject({
  plan: z.string().max(256).default(''),
  type: z.string().min(1).max(128),
  payload: z.unknown().optional(),
  dedupe_key: z.string().min(1).max(256).optional(),
  wait_ms: z.int().min(0).max(maxWaitMs).default(verdictWaitMs),
});
export const filterQuery = z.object({
  project: z.string().max(256).optional(),
  plan: z.string().max(256).optional(),
  status: z.enum(['pending', 'held', 'done', 'failed']).optional(),
});

/** Throws `bad_request` with the first field that does not fit. */
export function check<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue === undefined || issue.path.length === 0 ? what : issue.path.join('.');
  throw new EngineError(
    'bad_request',
    `${field}: ${issue?.message ?? 'not accepted'}`,
    `see what ${what} takes in docs/control-api.md`,
  );
}

export async function jsonOf(c: Context): Promise<unknown> {
  try {
    return await c.req.json();
  } catch (cause) {
    throw new EngineError('bad_request', 'the body is not JSON', 'send an object with content-type application/json', {
      cause,
    });
  }
}

/** Throws `bad_plan`. */
export function documentOf(content: string): string {
  const decoded = decodePlan(new TextEncoder().encode(content));
  if ('problem' in decoded)
    throw new EngineError(
      'bad_plan',
      decoded.problem.message,
      'see what a document may be with: stator plan check <file>',
    );
  return decoded.content;
}

/** undefined keys are left out, so that optional properties stay optional. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  }; // as filtered
}

/** Where a stream of events is to go on: after what the client saw last. null: with what comes. Throws `bad_request`. */
export function sinceOf(c: Context): number | null {
  const text = c.req.header('last-event-id') ?? c.req.query('since');
  if (text === undefined) return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new EngineError(
    'bad_request',
    `since: "${text.slice(0, 40)}" is no sequence number`,
    'give the id of the last event that you saw, or 0',
  );
}
