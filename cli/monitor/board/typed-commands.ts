/** Commands that are typed after `:`, with completion: each does what its key does. Pure. */
import { type Board, sortings } from './state.ts';

/** The key of each command that acts on what is marked, or on the board. */
const keysOfCommands: Readonly<Record<string, string>> = {
  answer: 'a',
  diff: 'd',
  end: 'x',
  event: 't',
  help: '?',
  history: 'h',
  log: 'l',
  merge: 'm',
  message: 's',
  pause: ' ',
  plan: 'v',
  prompt: 'p',
  quit: 'q',
  retry: 'r',
  start: 'i',
};

export type TypedCommand =
  | { readonly kind: 'key'; readonly letter: string }
  | { readonly kind: 'sort'; readonly by: Board['sorting'] }
  | { readonly kind: 'go'; readonly project: string; readonly plan: string };

function commandsOf({ news }: Pick<Board, 'news'>): Map<string, TypedCommand> {
  const keys = Object.entries(keysOfCommands).map(([name, letter]) => [name, { kind: 'key', letter }] as const);
  const sorts = sortings.map((by) => [`sort ${by}`, { kind: 'sort', by }] as const);
  const plans = (news?.seen.plans ?? []).map(
    ({ project, plan }) => [`go ${project}/${plan}`, { kind: 'go', project, plan }] as const,
  );
  return new Map<string, TypedCommand>([...keys, ...sorts, ...plans]);
}

/** All commands that begin with the text, in the order of the alphabet. */
export function completionsOf(board: Pick<Board, 'news'>, text: string): string[] {
  return [...commandsOf(board).keys()].filter((name) => name.startsWith(text)).toSorted();
}

/** The text as far as all of its completions agree. */
export function completed(board: Pick<Board, 'news'>, text: string): string {
  const [first, ...others] = completionsOf(board, text);
  if (first === undefined) return text;
  let length = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length -= 1;
  return first.slice(0, length);
}

/** The command of that name, or the only one that begins so; null: there is none, or there are several. */
export function typedCommand(board: Pick<Board, 'news'>, text: string): TypedCommand | null {
  const wanted = text.trim();
  const all = commandsOf(board);
  const [only, ...others] = completionsOf(board, wanted);
  return all.get(wanted) ?? (only === undefined || others.length > 0 || wanted === '' ? null : (all.get(only) ?? null));
}
