/**
 * The only code that calls citty. citty parses, but it accepts unknown flags, missing values and extra words silently, so these are checked first,
 * and each message names what is valid.
 */
import { parseArgs as tokenize } from 'node:util';
import { type ArgDef, type ArgsDef, parseArgs } from 'citty';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import type { Output } from './output.ts';
import { globalArgs, UsageError, usageLine, type VerbPage, type Words } from './usage.ts';

/** The caller's environment and current folder. */
export interface Call {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadStream;
  readonly out: Output;
  readonly project: string | undefined;
  /** The typed verb, if it is a name from kasmos or kugetsu: `plan transition`. */
  readonly calledAs?: string;
}

type ArgValue<Arg extends ArgDef> = Arg extends { type: 'boolean'; default: boolean }
  ? boolean
  : Arg extends { type: 'boolean'; valueHint: string }
    ? boolean | string | undefined
    : Arg extends { type: 'boolean' }
      ? boolean | undefined
      : Arg extends { type: 'positional'; required: false } | { type: 'string' }
        ? string | undefined
        : string;

/**
 * The values of a verb's own arguments. citty's own type forgets that a flag may be absent. A boolean with a `valueHint` may be typed alone, or with
 * `=` and a value.
 */
export type Args<Definition extends ArgsDef> = { readonly [Name in keyof Definition]: ArgValue<Definition[Name]> };

interface VerbDefinition<Definition extends ArgsDef> {
  readonly summary: string;
  readonly args: Definition;
  readonly examples: readonly string[];
  readonly more?: string;
  /** The flags and arguments that accept an empty text. */
  readonly mayBeEmpty?: readonly string[];
  /** The last argument may be repeated: `run` receives all of them. */
  readonly mayRepeat?: boolean;
  /** Returns the exit code; undefined is 0. */
  run(args: Args<Definition>, call: Call, words: readonly string[]): Promise<number | undefined>;
}

/** The verbs of one file, by their names. */
export type Verbs = Readonly<Record<string, Verb>>;

export interface Verb {
  readonly summary: string;
  /** The verb's own arguments, and those that every verb accepts. */
  readonly args: ArgsDef;
  /** The text of the verb's help page. */
  readonly definition: Omit<VerbPage, 'name'>;
  /** Throws `UsageError`. */
  read(name: string, rawArgs: readonly string[]): ReadVerb;
}

export interface ReadVerb {
  readonly wantsHelp: boolean;
  readonly globals: Args<typeof globalArgs>;
  run(call: Call): Promise<number>;
}

export function defineVerb<const Definition extends ArgsDef>(definition: VerbDefinition<Definition>): Verb {
  const all: ArgsDef = { ...definition.args, ...globalArgs };
  return {
    summary: definition.summary,
    args: all,
    definition,
    read(name, rawArgs) {
      const { mayBeEmpty = [], mayRepeat = false } = definition;
      const problem = findProblem(rawArgs, all, { mayBeEmpty, mayRepeat });
      const wantsHelp = problem === null && tokensOf(rawArgs, all).some((token) => asksForHelp(token));
      if (problem !== null) {
        const { message, words = null } = problem;
        throw new UsageError(message, {
          hint: problem.hint(name),
          words,
          usage: usageLine({ name, args: definition.args }),
        });
      }
      const parsed = wantsHelp ? {} : readArgs(rawArgs, all);
      return {
        wantsHelp,
        globals: parsed as Args<typeof globalArgs>, // read by that very definition
        async run(call) {
          try {
            return (await definition.run(parsed as Args<Definition>, call, wordsOf(rawArgs, all))) ?? 0; // likewise
          } catch (thrown) {
            if (!(thrown instanceof UsageError) || thrown.usage !== '') throw thrown;
            const { message, hint, words } = thrown;
            throw new UsageError(message, { hint, words, usage: usageLine({ name, args: definition.args }) });
          }
        },
      };
    },
  };
}

function readArgs(rawArgs: readonly string[], args: ArgsDef): Record<string, unknown> {
  const valued = tokensOf(rawArgs, args).filter(
    (token) => token.kind === 'option' && token.value !== undefined && takesValue(args[token.name]),
  );
  const plain = [...rawArgs];
  for (const { index } of valued) plain[index] = plain[index]?.replace(/=.*/s, '') ?? '';
  const parsed = parseArgs(plain, args) as Record<string, unknown>; // its own type is narrower than its answers
  for (const token of valued) if (token.kind === 'option') parsed[token.name] = token.value;
  return Object.fromEntries(Object.keys(args).map((name) => [name, parsed[name]]));
}

/** Whether a flag that needs no value may have one, too. */
function takesValue(arg: ArgDef | undefined): boolean {
  return arg?.type === 'boolean' && arg.valueHint !== undefined;
}

type Token = ReturnType<typeof tokensOf>[number];

function tokensOf(rawArgs: readonly string[], args: ArgsDef) {
  const options = Object.entries(args)
    .filter(([, arg]) => arg.type !== 'positional')
    .map(([name, arg]) => {
      const short = 'alias' in arg && typeof arg.alias === 'string' ? { short: arg.alias } : {};
      return [name, { type: arg.type === 'boolean' ? ('boolean' as const) : ('string' as const), ...short }] as const;
    });
  return tokenize({
    args: [...rawArgs],
    options: Object.fromEntries(options),
    allowPositionals: true,
    strict: false,
    tokens: true,
  }).tokens;
}

function asksForHelp(token: Token): boolean {
  return token.kind === 'option' && (token.name === 'help' || token.rawName === '-h');
}

interface Problem {
  readonly message: string;
  hint(name: string): string;
  readonly words?: Words | null;
}

function wordsOf(rawArgs: readonly string[], args: ArgsDef): string[] {
  return tokensOf(rawArgs, args).flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
}

function findProblem(
  rawArgs: readonly string[],
  args: ArgsDef,
  { mayBeEmpty, mayRepeat }: { readonly mayBeEmpty: readonly string[]; readonly mayRepeat: boolean },
): Problem | null {
  const tokens = tokensOf(rawArgs, args);
  for (const token of tokens) {
    const problem = token.kind === 'option' ? flagProblem(token, { rawArgs, args, mayBeEmpty }) : null;
    if (problem !== null) return problem;
  }
  if (tokens.some((token) => asksForHelp(token))) return null;
  const given = tokens.filter((token) => token.kind === 'positional');
  const wanted = Object.entries(args).filter(([, arg]) => arg.type === 'positional');
  const [missing] = wanted.slice(given.length).filter(([, arg]) => arg.required !== false);
  const help = (name: string) => `see stator ${name} --help`;
  if (missing !== undefined) return { message: `<${missing[1].valueHint ?? missing[0]}> is missing`, hint: help };
  const empty = wanted.find(([name], at) => given[at]?.value === '' && !mayBeEmpty.includes(name));
  if (empty !== undefined) {
    const [name, { valueHint = name }] = empty;
    return {
      message: `<${valueHint}> is empty`,
      hint: () => 'name it; a variable of the shell that is not set is empty',
    };
  }
  const extra = given[wanted.length];
  if (extra === undefined || mayRepeat) return null;
  return { message: `"${extra.value}" is one word too many`, hint: () => extraHint(tokens, args, extra.value) };
}

/** A value after a flag without `=` was parsed as an argument. */
function extraHint(tokens: readonly Token[], args: ArgsDef, extra: string): string {
  const [json] = Object.entries(args).find(([, arg]) => arg.type === 'string' && arg.valueHint === 'JSON') ?? [];
  if (json !== undefined && extra.startsWith('{'))
    return `a JSON object goes with its flag: --${json} ${shellWord(extra)}`;
  for (const [at, token] of tokens.entries()) {
    const next = tokens[at + 1];
    if (token.kind !== 'option' || token.value !== undefined || !takesValue(args[token.name])) continue;
    if (next?.kind !== 'positional') continue;
    return `if "${next.value}" is the value of ${token.rawName}, join them: ${token.rawName}=${shellWord(next.value)}`;
  }
  const [last] = Object.entries(args).findLast(([, arg]) => arg.type === 'positional') ?? [];
  const takes = last === undefined ? 'it takes no word' : `it takes one <${args[last]?.valueHint ?? last}>`;
  return `${takes}; put a text of several words in quotes`;
}

function validFlags(args: ArgsDef): string[] {
  return Object.entries(args)
    .filter(([, arg]) => arg.type !== 'positional')
    .map(([name, arg]) => `--${arg.type === 'boolean' && arg.default === true ? 'no-' : ''}${name}`);
}

function flagProblem(
  token: Extract<Token, { kind: 'option' }>,
  {
    rawArgs,
    args,
    mayBeEmpty,
  }: { readonly rawArgs: readonly string[]; readonly args: ArgsDef; readonly mayBeEmpty: readonly string[] },
): Problem | null {
  const flags = validFlags(args);
  const arg = Object.hasOwn(args, token.name) ? args[token.name] : undefined;
  const isNegation = token.name.startsWith('no-') && flags.includes(`--${token.name}`);
  if (!isNegation && (arg === undefined || arg.type === 'positional'))
    return unknownFlag(token.rawName, flags, rawArgs[token.index]);
  if (arg?.type !== 'string') {
    if (token.value === undefined) return null;
    if (takesValue(arg) && token.value !== '') return null;
    if (takesValue(arg)) {
      const hint = `write ${token.rawName} alone, or ${token.rawName}=<${arg?.valueHint}>`;
      return { message: `${token.rawName}= needs a value`, hint: () => hint };
    }
    return { message: `${token.rawName} takes no value`, hint: () => `write ${token.rawName} alone` };
  }
  const isSwallowed = token.inlineValue === false && flags.includes(token.value ?? '');
  const isGiven = token.value !== undefined && (token.value !== '' || mayBeEmpty.includes(token.name));
  if (isGiven && !isSwallowed) return null;
  const hint = `write ${token.rawName} <${arg.valueHint ?? token.name}>`;
  return { message: `${token.rawName} needs a value`, hint: () => hint };
}

function unknownFlag(given: string, flags: string[], written = given): Problem {
  const words = { given, valid: flags };
  // A list in Markdown.
  if (/^-+\s/.test(written))
    return {
      message: `unknown flag ${given.trim()}`,
      hint: (name) => `a text that begins with a dash comes last, after two dashes: stator ${name} … -- "- <text>"`,
      words: null,
    };
  if (!/[./]/.test(written.replace(/=.*/s, ''))) return { message: `unknown flag ${given}`, hint: () => '', words };
  return {
    message: `unknown flag ${given}`,
    hint: () => `a file whose name begins with a dash is written ${shellWord(`./${written}`)}`,
    words: null,
  };
}
