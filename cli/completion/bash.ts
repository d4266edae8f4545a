/** Completion for bash 3.2 and newer, without the package bash-completion. */
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

export function bashScript(tree: readonly CommandNode[]): string {
  const shared = sharedFlags(tree);
  const all = [{ path: '', flags: shared }, ...tree];
  return `# stator completion for bash; written by: stator completion bash
_stator_kind() {
  case "$1" in
${Object.entries(askFor)
  .map(([kind, ask]) => `    ${kind}) ${ask} ;;`)
  .join('\n')}
${Object.entries(fixedWords)
  .map(([kind, words]) => `    ${kind}) printf '%s\\n' ${words.join(' ')} ;;`)
  .join('\n')}
  esac
}
_stator_words() {
  case "$1" in
${[...firstWords(tree)].map(([first, words]) => `    '${first}') printf '%s\\n' ${words.join(' ')} ;;`).join('\n')}
  esac
}
_stator_flags() {
  case "$1" in
${all.map(({ path, flags }) => `    '${path}') printf '%s\\n' ${flags.flatMap(flagWords).join(' ')} ;;`).join('\n')}
  esac
}
# What is typed after that command: the kind of its n-th word.
_stator_positional() {
  case "$1:$2" in
${tree.flatMap(({ path, words }) => words.map((kind, index) => `    '${path}:${index}') echo ${kind} ;;`)).join('\n')}
  esac
}
# What is typed after that flag of that command; nothing: it takes no value.
_stator_value() {
  case "$1:$2" in
${tree.flatMap((node) => ownFlags(node, shared).flatMap((flag) => valueLines(`'${node.path}'`, flag))).join('\n')}
${shared.flatMap((flag) => valueLines('*', flag)).join('\n')}
  esac
}
# Offers the lines that begin with what is typed. They are names that others gave: read, never expanded (compgen -W would run the command in $(...)).
_stator_offer() {
  local line
  while IFS= read -r line; do
    if [[ -n $line && "\${line:0:\${#cur}}" == "$cur" ]]; then COMPREPLY[\${#COMPREPLY[@]}]=$line; fi
  done
}
_stator() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path='' count=0 pending='' word kind i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ -n $pending ]]; then pending=''; continue; fi
    if [[ $word == -* ]]; then
      pending="$(_stator_value "$path" "$word")"
    elif [[ -z $path || ( -z $(_stator_flags "$path") && -n $(_stator_words "$path") ) ]]; then
      path="\${path:+$path }$word"
    else
      count=$((count + 1))
    fi
  done
  if [[ -n $pending ]]; then kind=$pending
  elif [[ $cur == -* ]]; then
    _stator_offer < <(_stator_flags "$path")
    return
  elif [[ -z $path || ( -z $(_stator_flags "$path") && -n $(_stator_words "$path") ) ]]; then
    _stator_offer < <(_stator_words "$path")
    return
  else kind="$(_stator_positional "$path" "$count")"
  fi
  case "$kind" in
    file) _stator_offer < <(compgen -f -- "$cur") ;;
    text | '') ;;
    *) _stator_offer < <(_stator_kind "$kind") ;;
  esac
}
complete -o filenames -F _stator stator
`;
}

function valueLines(path: string, flag: Flag): string[] {
  if (flag.value === null) return [];
  const kind: WordKind = flag.value;
  return flagWords(flag).map((word) => `    ${path}:${word}) echo ${kind} ;;`);
}
