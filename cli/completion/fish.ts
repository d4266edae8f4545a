/** Completion for fish: one line for each possible word, with the condition under which it is offered. */
import {
  askFor,
  type CommandNode,
  type Flag,
  firstWords,
  fixedWords,
  flagWords,
  ownFlags,
  sharedFlags,
  type WordKind,
} from './tree.ts';

export function fishScript(tree: readonly CommandNode[]): string {
  const groups = firstWords(tree);
  const shared = sharedFlags(tree);
  const flags = tree.flatMap((node) => node.flags);
  const plainWords = new Set(flags.filter(({ value }) => value === null).flatMap(flagWords));
  const valued = [...new Set(flags.flatMap(flagWords))].filter((word) => !plainWords.has(word));
  return `# stator completion for fish; written by: stator completion fish
function __stator_typed --description 'the words so far, without flags and their values'
    set -l is_value 0
    for word in (commandline -opc)
        if test $is_value = 1
            set is_value 0
        else if string match -q -- '-*' $word
            contains -- $word ${valued.join(' ')}; and set is_value 1
        else
            echo $word
        end
    end
end
function __stator_at --description 'the command so far is exactly this'
    set -l typed (__stator_typed)
    test "$typed[2..]" = "$argv"
end
function __stator_in --description 'the command begins with this'
    set -l typed (__stator_typed)
    set -l last (math (count $argv) + 1)
    test (count $typed) -ge $last; and test "$typed[2..$last]" = "$argv"
end
function __stator_word --description 'it begins with this, and its n-th word is due'
    set -l typed (__stator_typed)
    set -l before $argv[2..]
    __stator_in $before; and test (math (count $typed) - 1 - (count $before)) -eq $argv[1]
end
complete -c stator -f
${[...groups].flatMap(([first, words]) => words.map((word) => wordLine(tree, first, word))).join('\n')}
${shared.map((flag) => flagLine('', flag)).join('\n')}
${tree.flatMap((node) => nodeLines(node, shared)).join('\n')}
`;
}

function wordLine(tree: readonly CommandNode[], first: string, word: string): string {
  const path = first === '' ? word : `${first} ${word}`;
  const summary = tree.find((node) => node.path === path)?.summary ?? `verbs of ${word}`;
  const at = first === '' ? '__stator_at' : `__stator_at ${first}`;
  return `complete -c stator -n '${at}' -a ${word} -d ${quoted(summary)}`;
}

function nodeLines(node: CommandNode, shared: readonly Flag[]): string[] {
  const { path, words } = node;
  return [
    ...ownFlags(node, shared).map((flag) => flagLine(`-n '__stator_in ${path}' `, flag)),
    ...words.flatMap((kind, index) => {
      const values = valuesOf(kind);
      return values === '' ? [] : [`complete -c stator -n '__stator_word ${index} ${path}' ${values}`];
    }),
  ];
}

function flagLine(condition: string, { name, short, description, value }: Flag): string {
  const letter = short === null ? '' : ` -s ${short.slice(1)}`;
  const values = value === null ? '' : ` ${value === 'file' ? '-r' : '-x'} ${valuesOf(value)}`;
  return `complete -c stator ${condition}-l ${name.slice(2)}${letter}${values.trimEnd()} -d ${quoted(description)}`;
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
