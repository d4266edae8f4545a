/** A source of items as a table of daemon.toml names it: one value in a file of its own. */
import { z } from 'zod';
import { amountOrNone, flag, text, wholeNumber } from '../schema-words.ts';

/** The keys that the table of every source has, beside `source`. */
export const commonKeys = {
  project: text({ min: 1, max: 255, is: 'the name of a registered repo' }),
  enabled: flag.optional(),
  start: flag.optional(),
  per_hour: wholeNumber(1, 1000).optional(),
  open: wholeNumber(1, 1000).optional(),
  budget: amountOrNone().optional(),
};

/** The default as TOML, or null if there is none; then the description. */
export type KeyWords = readonly [string | null, string];

export const messageWords: KeyWords = [
  null,
  'schedule: instead of `document`: what one agent is to do, as `stator issue start` has it; issues: the same beside the issue',
];

interface SourceTable<Name extends string, Keys extends z.ZodRawShape> {
  readonly source: Name;
  /** Its own keys, which are the same in code. */
  readonly keys: Keys;
  readonly words: { readonly [key in keyof Keys]: KeyWords };
  /** Where its items come from, for people. */
  readonly from: (own: z.output<z.ZodObject<Keys>>) => string;
  /** The default of `open`. */
  readonly open?: (own: z.output<z.ZodObject<Keys>>) => number;
  /** A mistake in the combination of keys; null: none. */
  readonly problem?: (
    own: z.output<z.ZodObject<Keys>>,
  ) => { readonly key: keyof Keys & string; readonly accepted: string } | null;
}

export function intakeSource<const Name extends string, Keys extends z.ZodRawShape>(table: SourceTable<Name, Keys>) {
  const { source, keys, problem = () => null } = table;
  const schema = z.strictObject({ ...commonKeys, source: z.literal(source), ...keys }).superRefine((value, context) => {
    const found = problem(value as z.output<z.ZodObject<Keys>>); // the common keys are no keys of its own
    if (found !== null) context.addIssue({ code: 'custom', path: [found.key], message: found.accepted });
  });
  return { ...table, schema };
}
