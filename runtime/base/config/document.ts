/** From a file's text to a checked document: every problem at once, each with its key, its line, what was found and what is accepted. */
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { didYouMean, didYouMeanAfter, didYouMeanOr } from './nearest.ts';
import type { FileForm } from './schema.ts';
import { placesOf, type TomlPath, type TomlPlaces } from './toml-place.ts';
import { describeFound, dotted } from './wording.ts';

/** Where a value comes from: a file and its line; both null where it is the built-in default or was given by the program that embeds the engine. */
export interface Origin {
  readonly file: string | null;
  readonly line: number | null;
}
/** By dotted key: `max_agents`, `agents.coder.timeout`, `hooks.0.url`. */
export type Origins = Readonly<Record<string, Origin>>;

/** The origin of the value of that key: dotted, as in the files (`max_agents`, `agents.coder.timeout`, `hooks.0`). Both null: the default. */
export function originOf({ origins }: { readonly origins: Origins }, key: string): Origin {
  return (Object.hasOwn(origins, key) ? origins[key] : undefined) ?? builtIn;
}

export const builtIn: Origin = { file: null, line: null };

export interface Problem {
  readonly line: number | null;
  readonly message: string;
}

export interface CheckedDocument<Checked> {
  readonly values: Checked;
  readonly origins: Origins;
  /** Keys that are known to have no effect, one line for people each. */
  readonly notes: readonly string[];
}

/** More problems than this are counted, not shown. */
const shownLimit = 50;

/** The checked document and the origin of each of its values. Throws `bad_config` with all problems of the text. */
export function checkDocument<Checked>(form: FileForm<Checked>, file: string, text: string): CheckedDocument<Checked> {
  const whole = parseToml(file, text);
  const places = placesOf(text);
  const { raw, notes } = withoutIgnored(whole, form.ignored, (path) => `${file}, line ${places.line(path)}`);
  const left = withoutWrong({ form, raw, places }, file);
  const parsed = form.schema.safeParse(left.raw);
  if (!parsed.success) {
    // The rest is wrong: then all problems are reported.
    const { issues } = form.schema.safeParse(raw).error ?? parsed.error;
    throw problemsError(
      file,
      issues.flatMap((issue) => problemsOf(issue, { form, raw, places })),
    );
  }
  const origins: Record<string, Origin> = {};
  collectOrigins(left.raw, [], (path) => {
    origins[path.join('.')] = { file, line: places.line(left.placeOf(path)) };
  });
  return { values: parsed.data, origins, notes: [...notes, ...left.notes] };
}

interface WithoutWrong {
  readonly raw: Record<string, unknown>;
  /** Where the value at that path is in the whole document. */
  placeOf(path: TomlPath): TomlPath;
  readonly notes: readonly string[];
}

/** The document without invalid tables of its list, each with a note that says why. */
function withoutWrong<Checked>(
  { form, raw: whole, places }: { form: FileForm<Checked>; raw: Record<string, unknown>; places: TomlPlaces },
  file: string,
): WithoutWrong {
  const { apart, schema } = form;
  const list = apart === null ? null : whole[apart.key];
  if (apart === null || !Array.isArray(list)) return { raw: whole, placeOf: (path) => path, notes: [] };
  const notes: string[] = [];
  let kept = list.map((_item, index) => index);
  const placeOf = ([key, index, ...deep]: TomlPath): TomlPath =>
    key === apart.key && typeof index === 'number'
      ? [key, kept[index] ?? index, ...deep]
      : [key, index, ...deep].filter((part) => part !== undefined);
  const rest = () => ({ ...whole, [apart.key]: kept.map((index) => list[index]) });
  // Conflicts between tables, such as a common name, are found once each table is valid by itself.
  for (let round = 0; round < list.length; round += 1) {
    const issues = schema.safeParse(rest()).error?.issues ?? [];
    const own = issues
      .map((issue) => ({ ...issue, path: [...placeOf(issue.path as TomlPath)] }))
      .filter(({ path }) => path[0] === apart.key && typeof path[1] === 'number');
    if (own.length === 0) break;
    for (const { line, message } of own.flatMap((issue) => problemsOf(issue, { form, raw: whole, places }))) {
      notes.push(`this ${apart.noun} is off: ${file}${line === null ? '' : `, line ${line}`}: ${message}`);
    }
    const wrong = new Set(own.map(({ path }) => path[1]));
    kept = kept.filter((index) => !wrong.has(index));
  }
  return { raw: rest(), placeOf, notes };
}

/** Removes the keys that have no effect. */
function withoutIgnored(
  whole: Record<string, unknown>,
  ignored: FileForm<unknown>['ignored'],
  placeOf: (path: TomlPath) => string,
): { raw: Record<string, unknown>; notes: string[] } {
  const notes: string[] = [];
  const raw = Object.entries(whole).filter(([key, value]) => {
    const why = Object.hasOwn(ignored, key) ? ignored[key] : undefined;
    if (why === undefined) return true;
    const paths = isTable(value) ? Object.keys(value).map((inner) => [key, inner]) : [[key]];
    for (const path of paths) notes.push(`${placeOf(path)}: ${dotted(path)} has no effect: ${why}`);
    return false;
  });
  return { raw: Object.fromEntries(raw), notes };
}

/** The parser's own view of the text. Throws `bad_config` with line and column. */
export function parseToml(file: string, text: string): Record<string, unknown> {
  try {
    return parse(text, { unsafeKeyBehaviour: 'throw', maxDepth: 16 });
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const reason = thrown.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? '';
    throw new EngineError(
      'bad_config',
      `${file}, line ${thrown.line}, column ${thrown.column}: ${reason}`,
      'correct that place: the file is not valid TOML (https://toml.io); a text is in quotes: key = "text"',
    ); // without its cause: that one quotes the lines around, which may hold a secret
  }
}

/** One error for all problems of a file, in the order of their lines. */
export function problemsError(file: string, problems: readonly Problem[]): EngineError {
  const sorted = problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const shown = sorted.slice(0, shownLimit);
  const hint = `correct ${file}; docs/configuration.md lists every key with its default`;
  const [only] = shown;
  if (shown.length === 1 && only !== undefined) {
    const place = only.line === null ? file : `${file}, line ${only.line}`;
    return new EngineError('bad_config', `${place}: ${only.message}`, hint);
  }
  const lines = shown.map(({ line, message }) => `\n  ${line === null ? '' : `line ${line}: `}${message}`);
  const rest = sorted.length > shown.length ? `\n  and ${sorted.length - shown.length} more` : '';
  return new EngineError('bad_config', `${file} has ${sorted.length} problems:${lines.join('')}${rest}`, hint);
}

interface Place {
  readonly form: Pick<FileForm<unknown>, 'keysOf' | 'elsewhere'>;
  readonly raw: unknown;
  readonly places: TomlPlaces;
}

/** The messages for one schema issue. */
export function problemsOf(issue: z.core.$ZodIssue, { form, raw, places }: Place): Problem[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const line = places.line(path);
  const found = valueAt(raw, path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      line: places.line([...path, key]),
      message: unknownKey(form, path, { key, table: found }),
    }));
  }
  if (issue.code === 'invalid_key') {
    return [
      { line, message: `${dotted(path)} is no key here; accepted: ${issue.issues[0]?.message ?? 'another name'}` },
    ];
  }
  const words = acceptedWords(issue);
  const suggestion = typeof found === 'string' ? didYouMeanAfter(found, words, (meant) => `"${meant}"`) : '';
  return [
    { line, message: `${dotted(path)}: found ${describeFound(path, found)}; accepted: ${issue.message}${suggestion}` },
  ];
}

function unknownKey(form: Place['form'], path: TomlPath, unknown: { key: string; table: unknown }): string {
  const name = dotted([...path, unknown.key]);
  const valid = form.keysOf(path, unknown.table);
  const elsewhere = path.length === 0 ? form.elsewhere(unknown.key) : null;
  if (elsewhere !== null) return `${name} ${elsewhere}`;
  const top = path.length === 0 ? [] : form.keysOf([], null);
  const atTop = 'belongs at the top of the file, before the first [table]';
  if (top.includes(unknown.key)) return `unknown key ${name}; ${unknown.key} ${atTop}`;
  const meantAtTop = didYouMean(unknown.key, top);
  const otherwise = meantAtTop === '' ? `valid here: ${valid.join(', ')}` : `${meantAtTop}it ${atTop}`;
  return `unknown key ${name}; ${didYouMeanOr(unknown.key, valid, otherwise)}`;
}

function acceptedWords(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  return 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
}

function valueAt(raw: unknown, path: TomlPath): unknown {
  let value = raw;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part]; // an object or a list that has this key, by the line above
  }
  return value;
}

/** Calls `found` for every value and every table of an array of tables; lists of plain values count as one value. */
function collectOrigins(value: unknown, path: TomlPath, found: (path: TomlPath) => void): void {
  if (Array.isArray(value) && value.every(isTable)) {
    if (path.length > 0) found(path);
    for (const [index, item] of value.entries()) collectOrigins(item, [...path, index], found);
    return;
  }
  if (path.length > 0) found(path);
  if (!isTable(value)) return;
  for (const [key, item] of Object.entries(value)) collectOrigins(item, [...path, key], found);
}

/** The dotted names of the keys that a text of TOML sets; a list of tables is one key. */
export function keysOf(table: Record<string, unknown>, above = ''): string[] {
  return Object.entries(table).flatMap(([key, value]) =>
    isTable(value) ? keysOf(value, `${above}${key}.`) : [`${above}${key}`],
  );
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
