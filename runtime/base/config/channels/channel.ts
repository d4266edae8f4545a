/** A channel of hooks, for the configuration: one value in a file of its own. `work/effects/hook-senders.ts` sends to each. */
import { z } from 'zod';
import { hookEvents, isNotifiedEvent, type NotifiedEvent } from '../../../../machines/vocabulary/hook-event.ts';
import type { KeyWords } from '../intake-sources/source.ts';
import { didYouMeanAfter } from '../nearest.ts';
import { duration, flag, listOf, text, textOrNone } from '../schema-words.ts';

const eventSchema = z.custom<NotifiedEvent>(isNotifiedEvent, {
  error: ({ input }) => {
    const suggestion = typeof input === 'string' ? didYouMeanAfter(input, hookEvents, (meant) => `"${meant}"`) : '';
    return `one of ${hookEvents.join(', ')}, or <machine>.<tag> of a machine of your own${suggestion}`;
  },
});

/** The keys that the table of every hook has, beside `type`. */
const commonKeys = {
  name: text({ min: 1, max: 100, is: 'a name' }).optional(),
  events: listOf(eventSchema, {
    max: 2 * hookEvents.length,
    is: 'a list of events; empty: all but the notifications',
  }).optional(),
  enabled: flag.optional(),
  /** The longest time that one delivery may hold back the hook's next one. */
  timeout: duration({ minMs: 100, maxMs: 600_000, limits: 'from "100ms" to "10m"' }).optional(),
};

/** Variables that are read when the hook is delivered, and not stored. */
export const envFile = textOrNone({ max: 4096, is: 'the path of a file of NAME=VALUE lines' }).optional();
export const envFileWords: KeyWords = [
  null,
  'webhook, command: where "env:NAME" is looked for first; a command is given all of it',
];

/** The settings of every hook. */
export interface HookBase {
  /** The key of its deliveries: the configured name, or one made of type, target and events. */
  readonly name: string;
  /** Empty: all but the notifications. */
  readonly events: readonly NotifiedEvent[];
  /** false: the hook is off. */
  readonly enabled: boolean;
  readonly timeoutMs: number;
}

/** The programs that a hook starts on this machine, and the files that it reads. */
export interface HookOpens {
  /** A shell command; its environment has all of the env file. Default: it starts nothing. */
  readonly command?: string;
  /** As configured: relative to the repo unless absolute. */
  readonly envFile?: string | null;
  /** Other places, as configured. */
  readonly places?: readonly string[];
}

interface Channel<Type extends string, Keys extends z.ZodRawShape, Own extends object> {
  readonly type: Type;
  /** Its description for people. */
  readonly is: string;
  readonly keys: Keys;
  readonly words: { readonly [Key in keyof Keys]: KeyWords };
  /** Its own settings, with the defaults filled in. */
  readonly settings: (table: z.output<z.ZodObject<Keys>>) => Own;
  /** The target of its deliveries; default: none. Names a hook that has no name of its own. */
  readonly target?: (own: Own) => string;
  /** The same as lists show it, without secrets. Default: as `target`. */
  readonly shown?: (own: Own) => string;
  /** The description that a person trusts. Default: as `is`. */
  readonly trusted?: (own: Own) => string;
  readonly opens?: (own: Own) => HookOpens;
  /** Why it could never be delivered with these settings; null: it can. */
  readonly problem?: (own: Own) => string | null;
  /** The variables that must be set in the engine's environment. */
  readonly variables?: (own: Own) => readonly string[];
}

export function channel<const Type extends string, Keys extends z.ZodRawShape, Own extends object>(
  given: Channel<Type, Keys, Own>,
) {
  return { ...given, schema: z.strictObject({ type: z.literal(given.type), ...commonKeys, ...given.keys }) };
}

/** The settings of a hook of that channel. */
export type HookOf<C> =
  C extends Channel<infer Type, infer _, infer Own> ? HookBase & { readonly type: Type } & Own : never;

/** A channel without the types of its settings; it is called only with hooks of its own type. */
export type AnyChannel = Channel<string, z.ZodRawShape, never> & { readonly schema: z.ZodObject };
