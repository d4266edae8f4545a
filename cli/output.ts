/** Where a verb prints: what was asked for on standard output, everything else on standard error. */
import { type Paint, paintFor } from './colour.ts';
import { type Cell, table } from './table.ts';

export interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Of a terminal. One that does not know its size says 0 (over a serial line, in some containers): then it is taken for the usual one. */
export function sizeOf({ columns, rows }: Stream): { width: number; height: number } {
  return { width: columns || 80, height: rows || 24 };
}

/** null: a pipe, where nothing is cut. */
export function tableWidth({ stdout }: Pick<OutputOptions, 'stdout'>): number | null {
  return stdout.isTTY === true ? sizeOf(stdout).width : null;
}

export interface OutputOptions {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: NodeJS.ProcessEnv;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

export interface Output extends OutputOptions {
  readonly paint: Paint;
  /** What was asked for: one document under --json, else lines. */
  answer(document: unknown, lines: () => readonly string[]): void;
  /** Lines of what was asked for, as they are. */
  print(...lines: string[]): void;
  /** That something is done; silent under --quiet and --json. */
  say(text: string): void;
  /** On standard error; silent under --quiet and --json. */
  note(text: string): void;
  table(headings: readonly string[], rows: readonly (readonly Cell[])[], empty: string): string[];
}

export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr, env, json, quiet } = options;
  const paint = paintFor(stdout, env);
  const print = (...lines: string[]) => {
    if (lines.length > 0) stdout.write(`${lines.join('\n')}\n`);
  };
  return {
    ...options,
    paint,
    print,
    answer(document, lines) {
      if (json) print(JSON.stringify(document));
      else print(...lines());
    },
    say(text) {
      if (!json && !quiet) print(text);
    },
    note(text) {
      if (!json && !quiet) stderr.write(`${paintFor(stderr, env)('dim', text)}\n`);
    },
    table(headings, rows, empty) {
      // An empty list is an answer and not an error; a script that counts lines must not find one.
      if (rows.length === 0) {
        if (!json && !quiet) stderr.write(`${empty}\n`);
        return [];
      }
      return table(headings, rows, { width: tableWidth(options), paint });
    },
  };
}
