/**
 * The building blocks of both files' schemas. Each message is only the *accepted form*, as the documentation has it; `document.ts` adds the found value, the
 * key and the line.
 */
import { isAbsolute, normalize } from 'node:path';
import { z } from 'zod';
import { amountLimit } from '../../../machines/vocabulary/budget.ts';
import { sizeBytes } from '../platform/size.ts';
import { durationMs } from './duration.ts';

export const flag = z.boolean({ error: 'true or false' });

export function wholeNumber(min: number, max: number) {
  const error = `a whole number from ${min} to ${max}`;
  // One check for all, so that one mistake is one problem.
  return z.number({ error }).refine((value) => Number.isInteger(value) && value >= min && value <= max, { error });
}

/** A number above 0, with or without a fraction; the empty text means "none", so that a nearer file can remove a farther file's value. */
export function amountOrNone() {
  const error = `a number above 0, or "" for none`;
  return z
    .union([z.literal(''), z.number()], { error })
    .refine((value) => value === '' || (value > 0 && value <= amountLimit), { error })
    .transform((value) => (value === '' ? null : value));
}

/** A share such as `"20%"`, as a number between 0 and 1. */
export function shareOrNone() {
  const error = 'a share such as "20%", from 1% to 99%, or "" for none';
  return z
    .string({ error })
    .regex(/^(?:|[1-9]\d?%)$/, { error })
    .transform((value) => (value === '' ? null : Number(value.slice(0, -1)) / 100));
}

export function oneOf<const Words extends readonly string[]>(words: Words) {
  return z.enum(words, { error: `one of ${words.map((word) => `"${word}"`).join(', ')}` });
}

interface TextForm {
  readonly min: number;
  readonly max: number;
  /** The accepted form, for people. */
  readonly is: string;
  readonly where?: (value: string) => boolean;
}

/** A text without NUL, which no program's argument can carry. One check for all, so that one mistake is one problem. */
export function text({ min, max, is, where = () => true }: TextForm) {
  const error = `${is}, ${min === 0 ? 'at most' : `${min} to`} ${max} characters`;
  return z
    .string({ error })
    .refine((value) => value.length >= min && value.length <= max && !value.includes('\0') && where(value), { error });
}

/** A text whose empty value means "none", so that a nearer file can remove a farther file's value. */
export function textOrNone(form: Omit<TextForm, 'min'>) {
  return text({ ...form, min: 0, is: `${form.is} ("" for none)` }).transform((value) => (value === '' ? null : value));
}

interface ListForm {
  readonly max: number;
  readonly is: string;
}

export function listOf<Item extends z.ZodType>(item: Item, { max, is }: ListForm) {
  const error = `${is}, at most ${max}`;
  // Not `max`: it also checks the length of a text that is no list.
  return z.array(item, { error }).refine((list) => list.length <= max, { error });
}

/** The name of a table, as people choose it. */
export const tableName = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Tables by names that people choose, such as `[intake.inbox]`. `called`: what they are. */
export function namedTables<Table extends z.ZodType>(
  table: Table,
  { max, is, called = 'tables' }: ListForm & { readonly called?: string },
) {
  const name = z.string().regex(tableName, { error: 'a name in small letters, digits, ".", "_" and "-"' });
  return z
    .record(name, table, { error: is })
    .refine((tables) => Object.keys(tables).length <= max, { error: `at most ${max} ${called}` });
}

interface DurationForm {
  readonly minMs: number;
  readonly maxMs: number;
  /** The limits as people write them. */
  readonly limits: string;
}

/** A duration in milliseconds, from `"90s"` and the like. */
export function duration({ minMs, maxMs, limits }: DurationForm) {
  const error = `a duration such as "500ms", "90s", "30m", "1h" or "7d", ${limits}`;
  return z.string({ error }).transform((value, context) => {
    const ms = durationMs(value);
    if (ms !== null && ms >= minMs && ms <= maxMs) return ms;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
}

interface SizeForm {
  readonly minBytes: number;
  readonly maxBytes: number;
  /** The limits as people write them. */
  readonly limits: string;
}

/** The engine chooses the limit for the machine, as without a setting. */
const auto = 'auto';

/** A size in bytes, from `"4GiB"` and the like; null for `""`, `auto` for what the engine chooses. */
export function sizeOrNone({ minBytes, maxBytes, limits }: SizeForm) {
  const error = `a size such as "512MiB" or "4GiB", ${limits}, "auto", or "" for none`;
  return z.string({ error }).transform((value, context) => {
    if (value === auto) return auto;
    const bytes = value === '' ? null : sizeBytes(value);
    if (value === '' || (bytes !== null && bytes >= minBytes && bytes <= maxBytes)) return bytes;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
}

/** A duration; empty: none. */
export function durationOrNone(form: DurationForm) {
  return z.union([z.literal('').transform(() => null), duration(form)], {
    error: `a duration such as "90s", "30m", "1h" or "7d", ${form.limits}, or "" for none`,
  });
}

/** A whole number; null for `""`, or `auto`. */
export function wholeNumberOrNone(min: number, max: number) {
  const error = `a whole number from ${min} to ${max}, "auto", or "" for none`;
  return z.union([z.literal('').transform(() => null), z.literal(auto), wholeNumber(min, max)], { error });
}

/** Whether walls are around an agent or a hook: where they can, always, or never. */
export const sandboxModes = ['auto', 'bwrap', 'off'] as const;
export type SandboxMode = (typeof sandboxModes)[number];

/** What a program may do beyond the defaults of the sandbox. */
export function wallWords({
  sandbox,
  writable = [],
  readable = [],
}: {
  readonly sandbox?: SandboxMode | undefined;
  readonly writable?: readonly string[] | undefined;
  readonly readable?: readonly string[] | undefined;
}): string[] {
  return [
    ...(sandbox === 'off' ? ['without walls'] : []),
    ...(writable.length === 0 ? [] : [`may write ${writable.join(' ')}`]),
    ...(readable.length === 0 ? [] : [`may read ${readable.join(' ')}`]),
  ];
}

/** Files and folders of this machine that are visible inside walls, beside the working folder. */
export function placesInWalls() {
  const is = 'an absolute path or one that begins with ~/, neither / nor ~ itself';
  return listOf(text({ min: 2, max: 4096, is, where: isPlaceInWalls }), { max: 100, is: 'a list of paths' }).optional();
}

function isPlaceInWalls(path: string): boolean {
  const plain = normalize(path).replace(/\/+$/, '');
  return plain.startsWith('~/') || (isAbsolute(path) && plain !== '');
}

/** An http or https address without a password. */
export function isWebAddress(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, username, password } = new URL(url);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

/** Whether git could have a branch of that name; empty: there is none. */
export function isBranchName(name: string): boolean {
  return /^(?!-)(?!.*\.\.)[^\s~^:?*[\\\0-\x1f\x7f]*$/.test(name);
}
