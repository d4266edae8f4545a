/** Mistakes in the command line, and the pages of `--help`. This file imports only types, so that help is fast. */
import type { ArgDef, ArgsDef } from 'citty';

/** An unknown word, and the accepted ones; the message names the nearest. */
export interface Words {
  readonly given: string;
  readonly valid: readonly string[];
  /** If the word is a verb: its noun ('' for none), and the arguments after it. */
  readonly verbOf?: { readonly noun: string; readonly rest: readonly string[] };
}

/** Exit code 64. `usage`: the usage line, or the page of all words; empty: the line of the verb that throws. It has either a hint or words. */
export class UsageError extends Error {
  readonly hint: string;
  readonly words: Words | null;
  readonly usage: string;

  constructor(message: string, { hint, words, usage }: { hint: string; words: Words | null; usage: string }) {
    super(message);
    this.name = 'UsageError';
    this.hint = hint;
    this.words = words;
    this.usage = usage;
  }
}

/** For an argument that is needed only if its default is missing, such as the plan of the run. */
export function missingWord(word: string, hint: string): UsageError {
  return new UsageError(`${word} is missing`, { hint, words: null, usage: '' });
}

export const globalArgs = {
  json: { type: 'boolean', valueHint: 'field,…', description: 'print JSON; only these fields of it' },
  project: { type: 'string', valueHint: 'name', description: 'the repo; default: the repo of this folder' },
  quiet: { type: 'boolean', alias: 'q', description: 'print no notes' },
  verbose: { type: 'boolean', description: 'print more' },
  help: { type: 'boolean', alias: 'h', description: 'this page' },
} as const satisfies ArgsDef;

export interface VerbPage {
  readonly name: string;
  readonly summary: string;
  readonly args: ArgsDef;
  readonly examples: readonly string[];
  /** Further text, if the flags do not explain everything. */
  readonly more?: string;
}

function aliasesOf(arg: ArgDef): string[] {
  if (!('alias' in arg) || arg.alias === undefined) return [];
  return typeof arg.alias === 'string' ? [arg.alias] : arg.alias;
}

function flagText(name: string, arg: ArgDef): string {
  const shorts = aliasesOf(arg).map((alias) => `-${alias}, `);
  if (arg.type === 'boolean') {
    const value = arg.valueHint === undefined ? '' : `[=<${arg.valueHint}>]`;
    return `${shorts.join('')}--${arg.default === true ? 'no-' : ''}${name}${value}`;
  }
  return `${shorts.join('')}--${name} <${arg.valueHint ?? name}>`;
}

function positionalText(name: string, arg: ArgDef): string {
  const shown = arg.valueHint ?? name;
  return arg.required === false ? `[${shown}]` : `<${shown}>`;
}

/** The width of a small terminal: no line of a page is longer. */
const pageWidth = 80;

export function usageLine({ name, args }: Pick<VerbPage, 'name' | 'args'>): string {
  const words = Object.entries(args)
    .filter(([, arg]) => arg.type === 'positional')
    .map(([key, arg]) => positionalText(key, arg));
  const flags = Object.entries(args)
    .filter(([, arg]) => arg.type !== 'positional')
    .map(([key, arg]) => `[${flagText(key, arg).replace(/^-\w, /, '')}]`);
  return wrapped(['usage: stator', name, ...words, ...flags], '  ').join('\n');
}

/** The help page of a verb, or of several that belong together: how each is typed and what it does, then all arguments and flags. */
export function verbUsage(pages: readonly VerbPage[]): string {
  const [first, ...others] = pages;
  const heads =
    others.length === 0 && first !== undefined
      ? [...paragraph(first.summary), '', usageLine(first)]
      : pages.flatMap((page) => [usageLine(page), ...indented(page.summary), '']).slice(0, -1);
  const rows = new Map(
    pages.flatMap(({ args }) =>
      Object.entries(args).map(([key, arg]): [string, string] => [
        arg.type === 'positional' ? positionalText(key, arg) : flagText(key, arg),
        (arg.type === 'boolean' && arg.negativeDescription) || (arg.description ?? ''),
      ]),
    ),
  );
  const more = [...new Set(pages.flatMap((page) => (page.more === undefined ? [] : [page.more])))];
  return [
    ...heads,
    ...(rows.size === 0 ? [] : ['', ...columns([...rows])]),
    ...(more.length === 0
      ? []
      : ['', ...more.flatMap((text) => text.replace(/\n +/g, ' ').split('\n').flatMap(paragraph))]),
    '',
    'any command: --json --project <name> --quiet --verbose --help',
    ...[...new Set(pages.flatMap(({ examples }) => examples))].map(
      (example, index) => `${index === 0 ? '\nexample: ' : '         '}${example}`,
    ),
  ].join('\n');
}

export function nounUsage(noun: string, rows: readonly (readonly [string, string])[], example: string): string {
  return [
    `usage: stator ${noun} <verb>`,
    '',
    ...list(rows),
    '',
    `more about one: stator ${noun} <verb> --help`,
    `example: ${example}`,
  ].join('\n');
}

/** A page with one word per line. */
export function listUsage(
  version: string,
  rows: readonly (readonly [string, string])[],
  otherNames: readonly (readonly [string, string])[],
): string {
  const width = pageWidth - 4 - Math.max(...rows.map(([word]) => word.length));
  return [
    `stator ${version}: runs plans through coding agents in git worktrees`,
    '',
    'usage: stator <command>; more about one: stator <command> --help',
    '',
    ...columns(rows.map(([word, meaning]) => [word, shortened(meaning, width)])),
    '',
    ...(otherNames.length === 0
      ? []
      : ['other names, also those from kasmos and kugetsu:', '', ...stacked(otherNames), '']),
    'any command: --json --project <name> --quiet --verbose --help, and --version',
    'all commands: stator help --all; example: stator run docs/plans/login.md',
  ].join('\n');
}

/** Names with their descriptions after them; a long list of names gets a line of its own. */
function stacked(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => (left.length > stackedWidth ? 0 : left.length)));
  return rows.flatMap(([left, right]) => {
    const row = `  ${left.padEnd(width)}  ${right}`;
    return left.length > width ? [`  ${left}`, `  ${' '.repeat(width)}  ${right}`] : [row];
  });
}

/** Names, with the descriptions wrapped beside them. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.flatMap(([left, right]) =>
    wrapped(right.split(' '), '', pageWidth - width - 4).map((line, index) =>
      `  ${(index === 0 ? left : '').padEnd(width)}  ${line}`.trimEnd(),
    ),
  );
}

/** With more lines there would be no room for the rest of the page. */
const rowLimit = 19;
const stackedWidth = 30;

/** One entry per line if they fit on a small terminal, otherwise two. */
function list(rows: readonly (readonly [string, string])[]): string[] {
  const single = columns(rows);
  if (single.length <= rowLimit) return single;
  const half = Math.ceil(rows.length / 2);
  const cellWidth = Math.floor((pageWidth - 4) / 2);
  const sides = [rows.slice(0, half), rows.slice(half)].map((side) => {
    const width = Math.max(...side.map(([name]) => name.length));
    return side.map(([name, meaning]) => `${name.padEnd(width)}  ${shortened(meaning, cellWidth - width - 2)}`);
  });
  return (sides[0] ?? []).map((cell, index) => `  ${cell.padEnd(cellWidth)}  ${sides[1]?.[index] ?? ''}`.trimEnd());
}

/** As many whole words as fit into the width. */
function shortened(text: string, width: number): string {
  if (text.length <= width) return text;
  const words = text.slice(0, width - 1).split(' ');
  return `${words
    .slice(0, -1)
    .join(' ')
    .replace(/[,;:]$/, '')}…`;
}

function paragraph(text: string): string[] {
  return wrapped(text.split(' '), '');
}

function indented(text: string): string[] {
  return wrapped(text.split(' '), '', pageWidth - 2).map((line) => `  ${line}`);
}

/** Words in lines of at most `width` columns; every line but the first begins with `indent`. A longer word keeps its line. */
function wrapped(words: readonly string[], indent: string, width = pageWidth): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    const next = line === '' ? word : `${line} ${word}`;
    if (line.trim() !== '' && next.length > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = next;
  }
  return [...lines, line];
}
