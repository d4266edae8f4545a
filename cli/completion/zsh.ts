/** Completion for zsh, through its completion system. Source it, or put it on $fpath as _stator. */
import {
  askFor,
  type CommandNode,
  type Flag,
  firstWords,
  fixedWords,
  flagWords,
  sharedFlags,
  type WordKind,
} from './tree.ts';

export function zshScript(tree: readonly CommandNode[]): string {
  const groups = firstWords(tree);
  const nouns = [...groups.keys()].filter((first) => first !== '');
  const shared = sharedFlags(tree);
  const valued = shared.filter(({ value }) => value !== null).flatMap(flagWords);
  return `#compdef stator
# stator completion for zsh; written by: stator completion zsh
_stator_kind() {
  local -a names
  case "$1" in
${Object.entries(askFor)
  .map(([kind, ask]) => `    ${kind}) names=(\${(f)"$(${ask})"}) ;;`)
  .join('\n')}
  esac
  compadd -a names
}
_stator() {
  local line state
  local -a words_here
  local -i at length
  # Flags may also be before the noun and the verb. They are dropped here, because zsh undoes what a function changes in \`words\`.
  for at in 2 3; do
    if (( at == 3 )) && [[ $words[2] != (${nouns.join('|')}) ]]; then break; fi
    while [[ $words[at] == -* ]]; do
      length=1
      if [[ $words[at] == (${valued.join('|')}) ]]; then length=2; fi
      if (( CURRENT < at + length )); then
        words=(stator "\${(@)words[at,CURRENT]}")
        CURRENT=$#words
        _arguments ${shared.flatMap(flagSpecs).join(' ')}
        return
      fi
      words[at,at+length-1]=()
      (( CURRENT -= length ))
    done
  done
  if (( CURRENT == 2 )); then
    words_here=(
${[...(groups.get('') ?? [])].map((word) => `      ${described(word, summaryOf(tree, word))}`).join('\n')}
    )
    _describe command words_here
    return
  fi
  case "$words[2]" in
${nouns.map((noun) => nounCase(tree, noun, groups.get(noun) ?? [])).join('\n')}
${tree
  .filter(({ path }) => !path.includes(' '))
  .map((node) => verbCase(node, '    ', 1))
  .join('\n')}
  esac
}
if [[ "$funcstack[1]" == _stator ]]; then _stator "$@"; else compdef _stator stator; fi
`;
}

function summaryOf(tree: readonly CommandNode[], word: string): string {
  return tree.find(({ path }) => path === word)?.summary ?? `verbs of ${word}`;
}

function nounCase(tree: readonly CommandNode[], noun: string, list: readonly string[]): string {
  const nodes = tree.filter(({ path }) => path.startsWith(`${noun} `));
  return `    ${noun})
      if (( CURRENT == 3 )); then
        words_here=(
${list.map((verb, index) => `          ${described(verb, nodes[index]?.summary ?? '')}`).join('\n')}
        )
        _describe verb words_here
        return
      fi
      case "$words[3]" in
${nodes.map((node) => verbCase(node, '        ', 2)).join('\n')}
      esac
      ;;`;
}

/** `_arguments` takes the verb for the command itself. */
function verbCase({ path, flags, words }: CommandNode, indent: string, depth: number): string {
  const name = path.split(' ').at(-1);
  const specs = [
    ...flags.flatMap(flagSpecs),
    ...words.map((kind, index) => quoted(`${index + 1}:${kind}:${actionOf(kind)}`)),
  ];
  return `${indent}${name}) shift ${depth} words; (( CURRENT -= ${depth} )); _arguments ${specs.join(' ')} ;;`;
}

function flagSpecs(flag: Flag): string[] {
  const { description, value } = flag;
  const text = description.replace(/[[\]:]/g, ' ');
  const rest = `[${text}]${value === null ? '' : `:${value}:${actionOf(value)}`}`;
  return flagWords(flag).map((word) => quoted(`${word}${rest}`));
}

function actionOf(kind: WordKind): string {
  if (kind === 'file') return '_files';
  const words = fixedWords[kind];
  if (words !== undefined) return `(${words.join(' ')})`;
  return kind in askFor ? `{_stator_kind ${kind}}` : ' ';
}

function described(word: string, summary: string): string {
  return quoted(`${word}:${summary.replaceAll(':', ' ')}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
