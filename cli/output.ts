/** Where a verb prints: the answer on standard output, everything else on standard error. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import { didYouMean } from '../runtime/base/config/nearest.ts';
import { colouredText, escapedJson } from '../runtime/base/platform/terminal-text.ts';
import { type Paint, paintFor } from './colour.ts';
import { folded } from './folded.ts';
import { createMessages, type Messages, type MessagesOptions } from './messages.ts';
import { type Cell, table } from './table.ts';

export interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** The size of a terminal. One that does not know its size reports 0 (over a serial line, in some containers): then the usual size is assumed. */
export function sizeOf({ columns, rows }: Stream): { width: number; height: number } {
  return { width: columns || 80, height: rows || 24 };
}

/** null: a pipe, where nothing is cut. */
export function tableWidth({ stdout }: Pick<OutputOptions, 'stdout'>): number | null {
  return stdout.isTTY === true ? sizeOf(stdout).width : null;
}

export interface OutputOptions extends MessagesOptions {
  readonly stdout: Stream;
  /** Under --json: only these fields of the printed document, or of each entry of a list. */
  readonly fields?: readonly string[];
  readonly stderr: Stream;
}

export interface Output extends OutputOptions, Messages {
  readonly paint: Paint;
  /** The answer: one document under --json, else lines. */
  answer(document: unknown, lines: () => readonly string[]): void;
  /** Lines of the answer. Their only escape sequences are colours; on a terminal they are broken at words. */
  print(...lines: string[]): void;
  /** The same for foreign lines: they are printed as they are. */
  quote(...lines: string[]): void;
  /** A note that something is done; silent under --quiet and --json. */
  say(...lines: string[]): void;
  /** The result: one document under --json, else lines that --quiet silences. */
  done(document: unknown, ...lines: string[]): void;
  table(headings: readonly string[], rows: readonly (readonly Cell[])[], empty: string): string[];
  /** A list as the answer: one document under --json, else a table; `empty` is printed where it is empty. */
  list<Entry>(entries: readonly Entry[], look: ListLook<Entry>): void;
}

export interface ListLook<Entry> {
  readonly headings: readonly string[];
  row(entry: Entry): readonly Cell[];
  readonly empty: string;
}

export function createOutput(options: OutputOptions): Output {
  const { stdout, env, json, quiet, fields = [] } = options;
  const paint = paintFor(stdout, env);
  const messages = createMessages(options);
  const print = (...lines: string[]) => {
    if (lines.length === 0) return;
    const text = (json && fields.length > 0 ? lines.map((line) => withFields(line, fields)) : lines).join('\n');
    stdout.write(`${json ? escapedJson(text) : folded(colouredText(text), tableWidth(options))}\n`);
  };
  const quote = (...lines: string[]) => {
    if (lines.length > 0) stdout.write(`${colouredText(lines.join('\n'))}\n`);
  };
  const answer: Output['answer'] = (document, lines) => print(...(json ? [JSON.stringify(document)] : lines()));
  const say: Output['say'] = (...lines) => {
    if (!json && !quiet) print(...lines);
  };
  const shownTable: Output['table'] = (headings, rows, empty) => {
    // An empty list is an answer and not an error; a script that counts lines must not find one.
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
    say,
    done(document, ...lines) {
      if (json) print(JSON.stringify(document));
      else say(...lines);
    },
    table: shownTable,
    list: (entries, { headings, row, empty }) => answer(entries, () => shownTable(headings, entries.map(row), empty)),
  };
}

/** A document with those of its fields, or a list of such. Throws `usage` for a field that it does not have. */
function withFields(line: string, fields: readonly string[]): string {
  const document: unknown = JSON.parse(line);
  const entries = Array.isArray(document) ? document : [document];
  const isRecord = (entry: unknown): entry is Record<string, unknown> => typeof entry === 'object' && entry !== null;
  const known = [...new Set(entries.filter(isRecord).flatMap((entry) => Object.keys(entry)))];
  const unknown = fields.find((field) => !known.includes(field));
  if (unknown !== undefined && entries.length > 0)
    throw new EngineError(
      'usage',
      `there is no field ${JSON.stringify(unknown)}`,
      `${didYouMean(unknown, known)}there are ${known.join(', ')}`,
    );
  const picked = entries.map((entry) =>
    isRecord(entry) ? Object.fromEntries(fields.map((field) => [field, entry[field] ?? null])) : entry,
  );
  return JSON.stringify(Array.isArray(document) ? picked : picked[0]);
}
