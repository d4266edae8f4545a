/** The output of a verb: the answer on standard output, everything else on standard error, in the terminal's width and colours. */
import { styleText } from 'node:util';
import type { ConsolaInstance, LogObject } from 'consola/core';
import { EngineError } from '../machines/vocabulary/errors.ts';
import { withLocalTimes } from '../machines/vocabulary/time-text.ts';
import { didYouMean } from '../runtime/base/config/nearest.ts';
import { createConsola } from '../runtime/base/platform/consola.ts';
import { withoutSecrets } from '../runtime/base/platform/secrets.ts';
import { colouredText, escapedJson } from '../runtime/base/platform/terminal-text.ts';
import { cut, cutMiddle, padded, plain, plainLines, wideBlocks, widthOf, withProject } from './text.ts';

export type Tone = 'plain' | 'strong' | 'dim' | 'good' | 'bad' | 'busy' | 'attention';

const styles = {
  strong: 'bold',
  dim: 'dim',
  good: 'green',
  bad: 'red',
  busy: 'cyan',
  attention: 'yellow',
} as const;

export type Paint = (tone: Tone, text: string) => string;

export const noPaint: Paint = (_tone, text) => text;

const ansiPaint: Paint = (tone, text) => {
  if (tone === 'plain' || text === '') return text;
  return styleText(styles[tone], text, { validateStream: false }); // paintFor has checked the stream
};

/** Colours on a terminal only, unless NO_COLOR (https://no-color.org) is set or the terminal is a dumb one. */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): Paint {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb' ? ansiPaint : noPaint;
}

export interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** The size of a terminal. A terminal that does not know its size reports 0, for example over a serial line: then the usual size is assumed. */
export function sizeOf({ columns, rows }: Stream): { width: number; height: number } {
  return { width: columns || 80, height: rows || 24 };
}

/** null: a pipe, where nothing is cut. */
export function tableWidth({ stdout }: Pick<OutputOptions, 'stdout'>): number | null {
  return stdout.isTTY === true ? sizeOf(stdout).width : null;
}

export interface OutputOptions extends MessagesOptions {
  readonly stdout: Stream;
  /** Under --json: prints only these fields of the document, or of each entry of a list. */
  readonly fields?: readonly string[];
  readonly stderr: Stream;
}

export interface Output extends OutputOptions, Messages {
  readonly paint: Paint;
  /** The answer of a verb that only reads: one document under --json, else lines. Throws `usage` for a field that the document does not have. */
  answer(document: unknown, lines: () => readonly string[]): void;
  /** As `answer`, of a verb that has acted, so it is too late to refuse a field: one that the document does not have is null. */
  outcome(document: unknown, lines: () => readonly string[]): void;
  /** Lines of the answer. They may contain colours, and no other escape sequences; on a terminal they are wrapped at words. */
  print(...lines: string[]): void;
  /** Prints foreign lines without change. */
  quote(...lines: string[]): void;
  /** A note that something is done; silent under --quiet and --json. */
  say(...lines: string[]): void;
  /** The result: one document under --json, otherwise lines, which --quiet silences. */
  done(document: unknown, ...lines: string[]): void;
  table(headings: readonly string[], rows: readonly (readonly Cell[])[], empty: string): string[];
  /** Prints a list as the answer: one document under --json, otherwise a table. `empty` is printed for an empty list. */
  list<Entry>(entries: readonly Entry[], look: ListLook<Entry>): void;
}

/** The most agents, signals or notifications in one answer of the engine. */
const newestMost = 1_000;

export interface ListLook<Entry> {
  readonly headings: readonly string[];
  row(entry: Entry): readonly Cell[];
  readonly empty: string;
  /** The answer has at most the newest `newestMost`. */
  readonly isBounded?: true;
}

/** Whether a command line asks for JSON, also if it has a mistake. */
export function saysJson(argv: readonly string[]): boolean {
  return argv.some((arg) => arg === '--json' || arg.startsWith('--json='));
}

export function createOutput(options: OutputOptions): Output {
  const { stdout, env, json, quiet, fields = [] } = options;
  const paint = paintFor(stdout, env);
  const messages = createMessages(options);
  const printAll = (lines: readonly string[]) => {
    if (lines.length === 0) return;
    const text = (json && fields.length > 0 ? lines.map((line) => withFields(line, fields)) : lines).join('\n');
    stdout.write(`${json ? escapedJson(text) : folded(colouredText(text), tableWidth(options))}\n`);
  };
  const print = (...lines: string[]) => printAll(lines);
  const quote = (...lines: string[]) => {
    if (lines.length > 0) stdout.write(`${colouredText(lines.join('\n'))}\n`);
  };
  const outcome: Output['outcome'] = (document, lines) => printAll(json ? [JSON.stringify(document)] : lines());
  const answer: Output['answer'] = (document, lines) => {
    if (json) mustHave(document, fields);
    outcome(document, lines);
  };
  const say: Output['say'] = (...lines) => {
    if (!json && !quiet) print(...lines.map(messages.addressed));
  };
  const shownTable: Output['table'] = (headings, rows, empty) => {
    // An empty list is an answer, not an error. A script that counts lines must find none.
    if (rows.length > 0) return table(headings, rows, { width: tableWidth(options), paint });
    messages.remark(empty);
    return [];
  };
  return {
    ...options,
    ...messages,
    paint,
    print,
    quote,
    answer,
    outcome,
    say,
    done(document, ...lines) {
      if (json) print(JSON.stringify(document));
      else say(...lines);
    },
    table: shownTable,
    list(entries, { headings, row, empty, isBounded = false }) {
      answer(entries, () => shownTable(headings, entries.map(row), empty));
      if (isBounded && entries.length === newestMost) messages.note(`at most the newest ${newestMost} are listed`);
    },
  };
}

function isRecord(entry: unknown): entry is Record<string, unknown> {
  return typeof entry === 'object' && entry !== null;
}

/** A document, or a list of documents, with these fields only. One that is not there is null: the lines of a stream differ. */
function withFields(line: string, fields: readonly string[]): string {
  const document: unknown = JSON.parse(line);
  const picked = (entry: unknown) =>
    isRecord(entry) ? Object.fromEntries(fields.map((field) => [field, entry[field] ?? null])) : entry;
  return JSON.stringify(Array.isArray(document) ? document.map(picked) : picked(document));
}

/** Throws `usage` for a field that neither the document nor any entry of the list has. */
function mustHave(document: unknown, fields: readonly string[]): void {
  const entries: readonly unknown[] = Array.isArray(document) ? document : [document];
  const known = [...new Set(entries.filter(isRecord).flatMap((entry) => Object.keys(entry)))];
  const unknown = fields.find((field) => !known.includes(field));
  if (unknown === undefined || entries.length === 0) return;
  throw new EngineError(
    'usage',
    `there is no field ${JSON.stringify(unknown)}`,
    `${didYouMean(unknown, known)}there are ${known.join(', ')}`,
  );
}

export interface MessagesOptions {
  readonly stderr: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };
  readonly env: NodeJS.ProcessEnv;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** The document that `--json` prints for an error, on one line. A person reads `error`, `log` and `hint`, and `page` below them. */
export interface ErrorMessage {
  readonly error: string;
  readonly code: string;
  readonly hint: string;
  /** The last lines of the log of a process that ended. */
  readonly log?: string;
  /** Not printed with --json. */
  readonly page?: string;
}

/**
 * Under `--json` only errors are printed; under `--quiet` also warnings and refusals. Callers make foreign text safe for the terminal, except in
 * errors.
 */
export interface Messages {
  /** The command line names that project, so from now on the commands in messages name it too. */
  about(project: string): void;
  addressed(text: string): string;
  error(message: ErrorMessage): void;
  /** A refusal; its first line is emphasized. */
  refusal(...lines: string[]): void;
  warn(text: string): void;
  /** Additional information. */
  note(text: string): void;
  /** As `note`, but each text only once: for notes that several calls would repeat. */
  noteOnce(text: string): void;
  /** As `note`, without colour. */
  remark(text: string): void;
  /** Printed with --verbose only. */
  detail(text: string): void;
}

/** consola's numbers for these levels. */
const levels = { error: 0, warn: 1, info: 3, debug: 4 } as const;

export function createMessages(options: MessagesOptions): Messages {
  const { stderr, json, quiet, verbose } = options;
  const limit = json ? levels.error : quiet ? levels.warn : verbose ? levels.debug : levels.info;
  const rowWidth = json || stderr.isTTY !== true ? null : stderr.columns || 80;
  let loaded: ConsolaInstance | null = null;
  const said = new Set<string>();
  let named: string | null = null;
  const addressed = (text: string) => (named === null ? text : withProject(text, named, null));

  /** null: messages of this level are not shown, so consola is not loaded. */
  function consola(level: number): ConsolaInstance | null {
    if (level > limit) return null;
    loaded ??= createConsola({
      log: (message) =>
        stderr.write(`${folded(madeSafe(timely(textOf(message, { ...options, addressed }), json), json), rowWidth)}\n`),
    });
    loaded.level = limit;
    return loaded;
  }

  return {
    addressed,
    about(project) {
      named = project;
    },
    error: (message) => consola(levels.error)?.error(message),
    refusal: (...lines) => consola(levels.warn)?.warn({ message: lines.join('\n'), tag: 'refusal' }),
    warn: (text) => consola(levels.warn)?.warn(text),
    note: (text) => consola(levels.info)?.info(text),
    noteOnce(text) {
      if (!said.has(text)) consola(levels.info)?.info(text);
      said.add(text);
    },
    remark: (text) => consola(levels.info)?.log(text),
    detail: (text) => consola(levels.debug)?.debug(text),
  };
}

function timely(text: string, json: boolean): string {
  return json ? text : withLocalTimes(text, Date.now());
}

/** Errors may quote foreign text, and addresses with passwords. */
function madeSafe(text: string, json: boolean): string {
  return withoutSecrets(json ? escapedJson(text) : colouredText(text));
}

type Look = Pick<MessagesOptions, 'stderr' | 'env' | 'json'> & Pick<Messages, 'addressed'>;

function textOf({ type, tag, args: [said] }: LogObject, { stderr, env, json, addressed }: Look): string {
  const paint = paintFor(stderr, env);
  if (type === 'error') {
    const { page, ...document } = said as ErrorMessage; // `error` takes nothing else
    const hint = addressed(document.hint);
    if (json) return JSON.stringify({ ...document, hint });
    const { error, log = '' } = document;
    return [
      `${paint('bad', 'error:')} ${plainLines(error)}`,
      ...(log === '' ? [] : [log]),
      ...(hint === '' ? [] : [`${paint('dim', 'hint:')} ${plainLines(hint)}`]),
      ...(page === undefined ? [] : ['', page]),
    ].join('\n');
  }
  const text = addressed(String(said));
  if (tag === 'refusal') return text.replace(/^.*/, (first) => paint('bad', first));
  if (type === 'warn') return paint('attention', text);
  return type === 'info' ? paint('dim', text) : text;
}

/** The only escape sequences in stator's own lines: colours. */
const colours = /\x1b\[[0-9;]{0,32}m/g;
/** A name and the spaces after it, or the spaces before a line. */
const beforeText = /^(?: *\S+(?: \S+){0,2} {2,}| *)/;
/** Spaces, and both sides of a character that is two columns wide: such scripts have no spaces between words. */
const breaks = new RegExp(`( +|(?<=[${wideBlocks}])(?![\\p{M}\\p{Cf}])|(?=[${wideBlocks}]))`, 'u');
/** Other programs whose commands we print; their names are also ordinary words, so they begin a command only after a colon. */
const others: ReadonlySet<string> = new Set(['cd', 'git', 'npm', 'curl']);

/**
 * The lines of a text, wrapped at `width` columns; null: unchanged. A continuation row begins in the column of the text beside a name, or deeper than
 * an indented line, so that it does not look like a new line.
 */
export function folded(text: string, width: number | null): string {
  if (width === null) return text;
  return text
    .split('\n')
    .map((line) => foldedLine(line, width))
    .join('\n');
}

function foldedLine(line: string, width: number): string {
  // A character is at most two columns wide, so this line fits without measuring it.
  if (line.length * 2 <= width || shownWidth(line) <= width) return line;
  const [lead = ''] = beforeText.exec(line.replace(colours, '')) ?? [];
  const [blanks = ''] = /^ */.exec(line) ?? [];
  const isBeside = lead.length > blanks.length && widthOf(lead) <= width / 2;
  const indent = isBeside ? widthOf(lead) : blanks.length === 0 ? 0 : blanks.length + 2;
  const parts = line.split(breaks);
  let folded = '';
  let column = 0;
  for (let at = 0; at < parts.length; at += 2) {
    const [gap = '', word = ''] = [parts[at - 1], parts[at]];
    const isNew = column > indent && column + gap.length + pieceWidth(parts, { at, room: width - indent }) > width;
    const wordWidth = shownWidth(word);
    // A word that does not fit beside the name begins further left, so that no terminal breaks it.
    const start = isNew ? Math.max(0, Math.min(indent, width - wordWidth)) : column + gap.length;
    folded += isNew ? `\n${' '.repeat(start)}${word}` : `${gap}${word}`;
    column = start + wordWidth;
  }
  return folded;
}

/** The width of a word. At the start of a command it is the width of the whole command, unless that needs more than a row. */
function pieceWidth(parts: readonly string[], { at, room }: { readonly at: number; readonly room: number }): number {
  const wordAt = (index: number) => (parts[index] ?? '').replace(colours, '');
  const word = wordAt(at).replace(/^[`('"]/, '');
  const own = shownWidth(parts[at] ?? '');
  const isCommand = word === 'stator' || (others.has(word) && wordAt(at - 2).endsWith(':'));
  if (!isCommand) return own;
  let width = own;
  for (let next = at + 2; next < parts.length && (parts[next - 1] ?? '').length <= 1; next += 2) {
    if (/[;,:)]$/.test(wordAt(next - 2))) break;
    width += (parts[next - 1] ?? '').length + shownWidth(parts[next] ?? '');
  }
  return width <= room ? width : own;
}

function shownWidth(text: string): number {
  return widthOf(text.replace(colours, ''));
}

export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface TableOptions {
  /** null: a pipe, where nothing is cut. */
  readonly width?: number | null;
  readonly paint?: Paint;
}

const gap = 2;
/** A narrower column would show nothing useful. */
const narrowest = 8;
/** The least width of a list's texts before names are cut. In a wide row it is a fifth of the row. */
const shortestText = 16;

/** The lines of a table. If it is too wide, narrow columns keep their width, and names are cut in their middle. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  { width = null, paint = noPaint }: TableOptions = {},
): string[] {
  const texts = rows.map((row) => row.map((cell) => plain(typeof cell === 'string' ? cell : cell.text)));
  const needs = headings.map((heading, column) =>
    texts.reduce((most, row) => Math.max(most, widthOf(row[column] ?? '')), widthOf(heading)),
  );
  const isName = headings.map((heading) => nameHeadings.has(heading));
  const isWhole = headings.map((heading, column) => heading === 'id' && (needs[column] ?? 0) <= longestId);
  const widths = width === null ? needs : shares(needs, { room: width - gap * (needs.length - 1), isName, isWhole });
  const line = (cells: readonly string[], toneOf: (column: number) => Tone) =>
    cells
      .map((text, column) => {
        const columnWidth = widths[column] ?? 0;
        const shown = (isName[column] ? cutMiddle : cut)(text, columnWidth);
        const isLast = column === cells.length - 1;
        return paint(toneOf(column), shown) + (isLast ? '' : ' '.repeat(columnWidth - widthOf(shown)));
      })
      .join(' '.repeat(gap))
      .trimEnd();
  return [
    line(headings, () => 'dim'),
    ...texts.map((row, index) =>
      line(row, (column) => {
        const cell = rows[index]?.[column];
        return typeof cell === 'object' ? cell.tone : 'plain';
      }),
    ),
  ];
}

/** An id that stator makes, such as that of a delivery, is never cut: another command takes it. */
const longestId = 32;

/** A column with names that people type: the end of a name tells as much as its beginning. */
const nameHeadings: ReadonlySet<string> = new Set([
  'plan',
  'title',
  'project',
  'repo',
  'issue',
  'name',
  'id',
  'branch',
  'path',
]);

/** The widest column of texts shrinks first, down to a useful width; then the columns that need more than an equal share. */
function shares(
  needs: readonly number[],
  { room, isName, isWhole }: { readonly room: number } & Readonly<Record<'isName' | 'isWhole', readonly boolean[]>>,
): number[] {
  const texts = needs.map((need, column) => (isName[column] ? 0 : need));
  const text = texts.indexOf(Math.max(...texts));
  const most = Math.max(shortestText, Math.floor(room / 5));
  const asked = needs.map((need, column) => (column === text && !isName[column] ? Math.min(need, most) : need));
  const widths: number[] = [];
  let left = room;
  const rank = (column: number) => (isWhole[column] ? 0 : (asked[column] ?? 0));
  const smallestFirst = [...asked.keys()].sort((a, b) => rank(a) - rank(b));
  for (const [place, column] of smallestFirst.entries()) {
    const need = asked[column] ?? 0;
    const share = isWhole[column]
      ? need
      : Math.min(need, Math.max(narrowest, Math.floor(left / (needs.length - place))));
    widths[column] = share;
    left -= share;
  }
  const given = widths[text];
  if (given !== undefined && left > 0) widths[text] = Math.min(needs[text] ?? 0, given + left);
  return widths;
}

/** Names and values, one pair per line; empty values are left out. */
export function fields(pairs: readonly (readonly [string, string | null])[], paint: Paint = noPaint): string[] {
  const shown = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== null && pair[1] !== '');
  const width = Math.max(0, ...shown.map(([name]) => widthOf(name)));
  return shown.map(([name, value]) => `${paint('dim', padded(name, width))}  ${value}`);
}

/** Lines below a title, after an empty line; empty if there are no lines. */
export function section(title: string, body: readonly string[]): string[] {
  return body.length === 0 ? [] : ['', title, ...body.map((line) => `  ${line}`)];
}
