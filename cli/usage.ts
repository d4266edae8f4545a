/** Mistakes of the command line itself, and the pages that `--help` shows. No import but types: a page is there at once. */
import type { ArgDef, ArgsDef } from 'citty';

/** A word that is not valid, and those that are; whoever reports it names the nearest. */
export interface Words {
  readonly given: string;
  readonly valid: readonly string[];
}

/** Exit code 64; `usage` is the page that helps. Either a hint or words. */
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

/** Flags that every verb takes. */
export const globalArgs = {
  json: { type: 'boolean', description: 'print JSON' },
  project: { type: 'string', valueHint: 'name', description: 'the repo, where the folder does not say it' },
  quiet: { type: 'boolean', alias: 'q', description: 'no notes' },
  verbose: { type: 'boolean', description: 'say more' },
  help: { type: 'boolean', alias: 'h', description: 'this page' },
} as const satisfies ArgsDef;

export interface VerbPage {
  readonly name: string;
  readonly summary: string;
  readonly args: ArgsDef;
  readonly examples: readonly string[];
  /** Further words, where the flags do not say it all. */
  readonly more?: string;
}

function aliasesOf(arg: ArgDef): string[] {
  if (!('alias' in arg) || arg.alias === undefined) return [];
  return typeof arg.alias === 'string' ? [arg.alias] : arg.alias;
}

function flagText(name: string, arg: ArgDef): string {
  const shorts = aliasesOf(arg).map((alias) => `-${alias}, `);
  if (arg.type === 'boolean') return `${shorts.join('')}--${arg.default === true ? 'no-' : ''}${name}`;
  return `${shorts.join('')}--${name} <${arg.valueHint ?? name}>`;
}

function positionalText(name: string, arg: ArgDef): string {
  const shown = arg.valueHint ?? name;
  return arg.required === false ? `[${shown}]` : `<${shown}>`;
}

export function usageLine({ name, args }: Pick<VerbPage, 'name' | 'args'>): string {
  const words = Object.entries(args)
    .filter(([, arg]) => arg.type === 'positional')
    .map(([key, arg]) => positionalText(key, arg));
  const flags = Object.entries(args)
    .filter(([, arg]) => arg.type !== 'positional')
    .map(([key, arg]) => `[${flagText(key, arg).replace(/^-\w, /, '')}]`);
  return ['usage: stator', name, ...words, ...flags].join(' ');
}

export function verbUsage(page: VerbPage): string {
  const rows = Object.entries(page.args).map(([key, arg]): [string, string] => [
    arg.type === 'positional' ? positionalText(key, arg) : flagText(key, arg),
    (arg.type === 'boolean' && arg.negativeDescription) || (arg.description ?? ''),
  ]);
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return [
    `${page.summary}`,
    '',
    usageLine(page),
    ...(rows.length === 0 ? [] : ['', ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd())]),
    ...(page.more === undefined ? [] : ['', page.more]),
    '',
    'always: --json --project <name> --quiet --verbose --help',
    ...page.examples.map((example, index) => `${index === 0 ? '\nexample: ' : '         '}${example}`),
  ].join('\n');
}

export function nounUsage(noun: string, verbs: readonly { name: string; summary: string }[], example: string): string {
  const width = Math.max(...verbs.map(({ name }) => name.length));
  return [
    `usage: stator ${noun} <verb>`,
    '',
    ...verbs.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    `more about one: stator ${noun} <verb> --help`,
    `example: ${example}`,
  ].join('\n');
}
