/** The whole command line as data, read from the definitions that also parse it. */

import type { ArgDef } from 'citty';
import type { Verb } from '../command.ts';
import { namedAgents } from '../init/agents.ts';

export interface NamedVerb {
  readonly name: string;
  readonly summary: string;
  /** stator's name for a name from kasmos or kugetsu. Such names are not offered. */
  readonly now?: string;
  load(): Promise<Verb>;
}

/** The tables of commands. They contain the completion verb too, so they are passed in. */
export interface Tables {
  readonly verbs: readonly NamedVerb[];
  readonly nouns: Readonly<Record<string, readonly NamedVerb[]>>;
}

/** The kind of word that completion offers for an argument. */
export type WordKind = 'plan' | 'title' | 'repo' | 'file' | 'shell' | 'agent' | 'text';

export interface Flag {
  /** With its dashes. */
  readonly name: string;
  readonly short: string | null;
  readonly description: string;
  /** The kind of the flag's value; null: the flag takes no value. */
  readonly value: WordKind | null;
}

export interface CommandNode {
  /** The words of the verb: one or two. */
  readonly path: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  readonly words: readonly WordKind[];
}

/** Every verb, those of one word first. Loads the code of all. */
export async function commandTree({ verbs, nouns }: Tables): Promise<CommandNode[]> {
  const all = [
    ...verbs.map((entry) => ({ path: entry.name, entry })),
    ...Object.entries(nouns).flatMap(([noun, list]) => list.map((entry) => ({ path: `${noun} ${entry.name}`, entry }))),
  ];
  const offered = all.filter(({ entry }) => entry.now === undefined);
  return Promise.all(offered.map(async ({ path, entry }) => nodeOf(path, entry, await entry.load())));
}

function nodeOf(path: string, { summary }: NamedVerb, { args }: Verb): CommandNode {
  const pairs = Object.entries(args);
  return {
    path,
    summary,
    flags: pairs.filter(([, arg]) => arg.type !== 'positional').map(([name, arg]) => flagOf(name, arg)),
    words: pairs.filter(([, arg]) => arg.type === 'positional').map(([name, arg]) => kindOf(name, arg)),
  };
}

function flagOf(name: string, arg: ArgDef): Flag {
  const isNegated = arg.type === 'boolean' && arg.default === true;
  const short = 'alias' in arg && typeof arg.alias === 'string' ? `-${arg.alias}` : null;
  const negative = arg.type === 'boolean' ? arg.negativeDescription : undefined;
  return {
    name: `--${isNegated ? 'no-' : ''}${name}`,
    short,
    description: (isNegated ? negative : undefined) ?? arg.description ?? '',
    value: arg.type === 'boolean' ? null : kindOf(name, arg),
  };
}

function kindOf(name: string, { valueHint }: ArgDef): WordKind {
  if (name === 'plan' || name === 'title' || name === 'shell' || name === 'agent') return name;
  if (name === 'project' || name === 'repo') return 'repo';
  if (name === 'file' || name === 'path' || valueHint === 'file') return 'file';
  return 'text';
}

/** The possible first words, and the words that may follow each noun, in order. */
export function firstWords(tree: readonly CommandNode[]): Map<string, string[]> {
  const words = new Map<string, string[]>([['', []]]);
  for (const { path } of tree) {
    const [first = '', second] = path.split(' ');
    if (!words.get('')?.includes(first)) words.get('')?.push(first);
    if (second !== undefined) words.set(first, [...(words.get(first) ?? []), second]);
  }
  return words;
}

/** The flags of every verb, which may also be before the verb. */
export function sharedFlags(tree: readonly CommandNode[]): readonly Flag[] {
  const [first] = tree;
  return (first?.flags ?? []).filter(({ name }) => tree.every(({ flags }) => flags.some((flag) => flag.name === name)));
}

/** The flags that only this verb, or some verbs, have. */
export function ownFlags({ flags }: CommandNode, shared: readonly Flag[]): Flag[] {
  return flags.filter(({ name }) => !shared.some((flag) => flag.name === name));
}

/** The words of a flag, as they are typed. */
export function flagWords({ name, short }: Flag): string[] {
  return short === null ? [name] : [name, short];
}

/** Shell commands that print the names of a kind, one per line; a kind without such a command has no names to complete. */
export const askFor: { readonly [kind in WordKind]?: string } = {
  plan: listing('plan list', 'plan'),
  title: listing('agent list', 'title'),
  repo: listing('repo list', 'project'),
};

/** The kinds whose values never change. */
export const fixedWords: { readonly [kind in WordKind]?: readonly string[] } = {
  shell: ['bash', 'zsh', 'fish'],
  agent: namedAgents.map(({ name }) => name),
};

function listing(verb: string, field: string): string {
  return `stator ${verb} --json 2>/dev/null | tr ',{' '\\n\\n' | sed -n 's/^"${field}":"\\([^"]*\\)".*/\\1/p'`;
}
