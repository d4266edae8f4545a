/** Hooks and what they were told, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { hookEvents } from '../../../machines/vocabulary/hook-event.ts';
import { count, time } from './shared-shapes.ts';

/** Of a machine of one's own it is `<machine>.<tag>`. */
const toldEvent = z.union([z.enum(hookEvents), z.templateLiteral([z.string(), '.', z.string()])]);

export const deliveryStates = ['pending', 'delivered', 'dead'] as const;

export const hookEntry = z
  .object({
    project: z.string(),
    hook: z.string(),
    type: z.enum(['webhook', 'command', 'notify', 'function']),
    /** The origin of an address, or the command; null: it has none. */
    target: z.string().nullable(),
    /** Empty: all. */
    events: z.array(toldEvent),
    /** `off`: it was switched off, for `reason`. `disabled`: by its configuration. */
    state: z.enum(['on', 'failing', 'off', 'disabled']),
    reason: z.string().nullable(),
    /** Since when it is as its state says; null: it is on, or nobody knows. */
    since: time.nullable(),
    pending: count,
    delivered: count,
    dead: count,
  })
  .meta({ id: 'Hook' });
/** A hook as it is configured, whether it is on, and how its deliveries stand. */
export type HookEntry = z.infer<typeof hookEntry>;

export const deliveryEntry = z
  .object({
    id: z.string(),
    hook: z.string(),
    project: z.string(),
    plan: z.string(),
    event: toldEvent,
    state: z.enum(deliveryStates),
    attempts: count,
    /** When it is tried again; null: it is not, or as soon as its turn comes. */
    next_at: time.nullable(),
    /** HTTP status, or exit code of a command. */
    last_status: z.int().nullable(),
    last_error: z.string().nullable(),
    sequence: count,
    created_at: time,
    finished_at: time.nullable(),
  })
  .meta({ id: 'Delivery' });
/** An event that a hook is told, or was told: its state, its tries, and when the next one comes. */
export type DeliveryEntry = z.infer<typeof deliveryEntry>;

export const deliveryShow = deliveryEntry
  .extend({
    /** The body of the request, or the standard input of the command. */
    body: z.string(),
    /** The end of what a command wrote. */
    output: z.string().nullable(),
  })
  .meta({ id: 'DeliveryShow' });
/** A delivery with its body and every try. */
export type DeliveryShow = z.infer<typeof deliveryShow>;

export const hookSwitched = z
  .object({
    status: z.enum(['enabled', 'disabled']),
    project: z.string(),
    hook: z.string(),
    /** false: the hook was in that state already. */
    changed: z.boolean(),
    /** Deliveries that are given up until `hook redeliver`. */
    dead: count,
  })
  .meta({ id: 'HookSwitched' });
/** A hook that was switched on or off. */
export type HookSwitched = z.infer<typeof hookSwitched>;

export const hookTested = z
  .object({
    project: z.string(),
    hook: z.string(),
    delivered: z.boolean(),
    status: z.int().nullable(),
    error: z.string().nullable(),
    output: z.string().nullable(),
  })
  .meta({ id: 'HookTested' });
/** The result of a hook's test. */
export type HookTested = z.infer<typeof hookTested>;
