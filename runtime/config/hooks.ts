/** `[[hooks]]`: what a user wants done after a lifecycle event, as configured; running them is the effect handler's. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { listOf, text } from './schema-words.ts';

export const hookTypes = ['webhook', 'command', 'notify'] as const;

/** The lifecycle events of a plan, then those about its waves, tasks and runs. */
export const hookEvents = [
  'plan_start',
  'planner_finished',
  'implement_start',
  'implement_finished',
  'review_approved',
  'review_changes_requested',
  'verify_approved',
  'verify_failed',
  'verification_stale',
  'start_over',
  'reimplement',
  'request_review',
  'mark_done',
  'cancel',
  'reopen',
  'blocked',
  'resolved',
  'wave_started',
  'wave_finished',
  'wave_failed',
  'task_failed',
  'run_failed',
  'pr_created',
] as const;
export type HookEvent = (typeof hookEvents)[number];

const eventSchema = z.enum(hookEvents, { error: `one of ${hookEvents.join(', ')}` });

const common = {
  name: text({ min: 1, max: 100, is: 'a name' }).optional(),
  events: listOf(eventSchema, { max: hookEvents.length, is: 'a list of events; empty: all' }).optional(),
};
const headerText = text({
  min: 0,
  max: 4096,
  is: 'a text on one line, or "env:NAME"',
  where: (value) => /^(?:env:[A-Za-z_][A-Za-z0-9_]*|(?!env:)[^\r\n]*)$/.test(value),
});

const webhookSchema = z.strictObject({
  type: z.literal('webhook'),
  ...common,
  url: text({ min: 8, max: 2048, is: 'an http:// or https:// address', where: isWebAddress }),
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}$/, { error: 'a header name such as Authorization' }),
      headerText,
      { error: 'a table of header names and texts' },
    )
    .refine((headers) => Object.keys(headers).length <= 50, { error: 'at most 50 headers' })
    .optional(),
  secret: text({
    min: 1,
    max: 4096,
    is: 'a secret, or "env:NAME"',
    where: (value) => /^(?:env:[A-Za-z_][A-Za-z0-9_]*|(?!env:).+)$/s.test(value),
  }).optional(),
  allow_private: z.boolean({ error: 'true or false' }).optional(),
});
const commandSchema = z.strictObject({
  type: z.literal('command'),
  ...common,
  command: text({ min: 1, max: 8192, is: 'a shell command' }),
});
const notifySchema = z.strictObject({ type: z.literal('notify'), ...common });

export const hookTableSchema = z.discriminatedUnion('type', [webhookSchema, commandSchema, notifySchema], {
  error: 'webhook, command or notify',
});
export type HookTable = z.infer<typeof hookTableSchema>;

/** The keys that a hook of that type may have; all of them where the type is unknown. */
export function hookKeysOf(type: unknown): string[] {
  if (type === 'command') return Object.keys(commandSchema.shape);
  if (type === 'notify') return Object.keys(notifySchema.shape);
  return Object.keys(type === 'webhook' ? webhookSchema.shape : { ...webhookSchema.shape, ...commandSchema.shape });
}

/** A hook as configured, defaults filled in. `env:NAME` values are kept as written and read when the hook runs. An empty list of events is all. */
export type HookConfig = {
  /** What its deliveries belong to: the configured name, or one made of type, target and events. */
  readonly name: string;
  readonly events: readonly HookEvent[];
} & (
  | {
      readonly type: 'webhook';
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly secret: string | null;
      readonly allowPrivate: boolean;
    }
  | { readonly type: 'command'; readonly command: string }
  | { readonly type: 'notify' }
);

/** The hook of a checked table. */
export function hookOf(table: HookTable): HookConfig {
  const events = [...new Set(table.events ?? [])];
  const name = table.name ?? unnamed(table, events);
  switch (table.type) {
    case 'webhook':
      return {
        name,
        events,
        type: 'webhook',
        url: table.url,
        headers: { ...table.headers },
        secret: table.secret ?? null,
        allowPrivate: table.allow_private ?? false,
      };
    case 'command':
      return { name, events, type: 'command', command: table.command };
    case 'notify':
      return { name, events, type: 'notify' };
  }
}

/** Stable over reloads and over the order of the events, so that a delivery finds its hook again. */
function unnamed(table: HookTable, events: readonly string[]): string {
  const target = table.type === 'webhook' ? table.url : table.type === 'command' ? table.command : '';
  const hash = createHash('sha256').update(JSON.stringify([table.type, target, [...events].sort()]));
  return `${table.type}-${hash.digest('hex').slice(0, 8)}`;
}

function isWebAddress(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}
