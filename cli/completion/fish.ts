/** Completion for fish: one line for each possible word, with the condition under which it is offered. */
import { askFor, type CommandNode, type Flag, firstWords, fixedWords, type WordKind } from './tree.ts';

export function fishScript(tree: readonly CommandNode[]): string {
  const groups = firstWords(tree);
  return `# stator completion for fish; written by: stator completion fish
function __stator_at --description 'the command so far is exactly this'
    set -l typed (commandline -opc | string match -v -- '-*')
    test "$typed[2..]" = "$argv"
end
function __stator_in --description 'the command begins with this'
    set -l typed (commandline -opc | string match -v -- '-*')
    set -l last (math (count $argv) + 1)
    test (count $typed) -ge $last; and test "$typed[2..$last]" = "$argv"
end
function __stator_word --description 'it begins with this, and its n-th word is due'
    set -l typed (commandline -opc | string match -v -- '-*')
    set -l before $argv[2..]
    __stator_in $before; and test (math (count $typed) - 1 - (count $before)) -eq $argv[1]
end
complete -c stator -f
${[...groups].flatMap(([first, words]) => words.map((word) => wordLine(tree, first, word))).join('\n')}
${tree.flatMap(nodeLines).join('\n')}
`;
}

function wordLine(tree: readonly CommandNode[], first: string, word: string): string {
  const path = first === '' ? word : `${first} ${word}`;
  const summary = tree.find((node) => node.path === path)?.summary ?? `verbs of ${word}`;
  const at = first === '' ? '__stator_at' : `__stator_at ${first}`;
  return `complete -c stator -n '${at}' -a ${word} -d ${quoted(summary)}`;
}

function nodeLines({ path, flags, words }: CommandNode): string[] {
  return [
    ...flags.map((flag) => flagLine(path, flag)),
    ...words.flatMap((kind, index) => {
      const values = valuesOf(kind);
      return values === '' ? [] : [`complete -c stator -n '__stator_word ${index} ${path}' ${values}`];
    }),
  ];
}

function flagLine(path: string, { name, short, description, value }: Flag): string {
  const letter = short === null ? '' : ` -s ${short.slice(1)}`;
  const values = value === null ? '' : ` -r ${valuesOf(value)}`;
  return `complete -c stator -n '__stator_in ${path}' -l ${name.slice(2)}${letter}${values.trimEnd()} -d ${quoted(description)}`;
}

function valuesOf(kind: WordKind): string {
  if (kind === 'file') return '-F';
  const ask = askFor[kind];
  if (ask !== undefined) return `-a ${quoted(`(${ask})`)}`;
  const words = fixedWords[kind];
  return words === undefined ? '' : `-a ${quoted(words.join(' '))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
