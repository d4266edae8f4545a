/** The effect of each key: it changes the board's state, or it gives a command that other code carries out. Pure. */
import type { Line } from '../../spans.ts';
import { markedIndex, markedTarget, type Row, rowsOf, sideKindOf } from './rows.ts';
import {
  type Board,
  type BoardAction,
  type Input,
  type InputKind,
  type Page,
  type PageKind,
  sortings,
  type Target,
} from './state.ts';

/** A key with a name, or typed text. */
export type Key =
  | { readonly name: 'up' | 'down' | 'pageup' | 'pagedown' | 'home' | 'end' | 'enter' | 'escape' | 'backspace' | 'tab' }
  | { readonly name: 'ctrl'; readonly letter: string }
  | { readonly name: 'text'; readonly text: string }
  /** Pasted text, possibly of several lines. It is never read as keys, since one of its lines may be a command by accident. */
  | { readonly name: 'paste'; readonly text: string };

export type Command =
  | { readonly kind: 'quit'; readonly exitCode: number }
  | { readonly kind: 'suspend' | 'redraw' | 'look' }
  | { readonly kind: 'open'; readonly page: PageKind; readonly target: Target }
  /** Shows the open questions, or the signals that the plan would accept. */
  | { readonly kind: 'ask' | 'events'; readonly target: Target }
  | {
      readonly kind: 'do';
      readonly action: BoardAction;
      readonly target: Target;
      readonly input?: Input;
      readonly permission?: string;
      /** The person has confirmed the action. */
      readonly isSure?: boolean;
    };

export interface Pressed {
  readonly board: Board;
  readonly command: Command | null;
}

export interface Space {
  /** The number of rows of the list or page. */
  readonly height: number;
  readonly nowMs: number;
}

/** A signal holds no more, in bytes. */
const inputLimit = 65_536;

export function press(board: Board, key: Key, space: Space): Pressed {
  if (key.name === 'ctrl') {
    if (key.letter === 'c') return { board, command: { kind: 'quit', exitCode: 130 } };
    if (key.letter === 'z') return { board, command: { kind: 'suspend' } };
    if (key.letter === 'l') return { board, command: { kind: 'redraw' } };
  }
  if (key.name === 'paste' && board.input === null) return { board, command: null };
  // A message stays until the next key.
  const calm: Board = board.message === null ? board : { ...board, message: null };
  if (calm.input !== null) return pressInput(calm, calm.input, key, space);
  if (calm.confirmation !== null) return pressConfirmation(calm, key);
  if (calm.isHelp) return stay({ ...calm, isHelp: false });
  if (calm.page !== null) return pressPage(calm, key, space);
  return pressList(calm, key, space);
}

function stay(board: Board): Pressed {
  return { board, command: null };
}

function pressInput(board: Board, input: Input, key: Key, space: Space): Pressed {
  const put = (text: string) => (text.length > inputLimit ? tooLong(board) : stay(changed(board, { ...input, text })));
  switch (key.name) {
    case 'escape': {
      const closed = { ...board, input: null };
      return stay(input.kind === 'filter' ? { ...closed, filter: '' } : closed);
    }
    case 'backspace':
      return put([...input.text].slice(0, -1).join(''));
    case 'ctrl':
      if (key.letter === 'u') return put('');
      if (key.letter === 'w') return put(input.text.replace(/\S*\s*$/, ''));
      return stay(board);
    case 'text': {
      const chosen = input.text === '' ? input.choices?.[Number(key.text) - 1] : undefined;
      return chosen === undefined ? put(input.text + key.text) : entered(board, { ...input, text: chosen }, space);
    }
    case 'tab':
      return input.kind === 'command' ? put(completed(board, input.text)) : stay(board);
    case 'paste':
      return put(input.text + key.text.replace(/[\r\n]+/g, ' '));
    case 'enter':
      return entered(board, input, space);
    default:
      return stay(board);
  }
}

/** Without the message, a person would send the beginning of a text as the whole. */
function tooLong(board: Board): Pressed {
  const why = `this line takes ${inputLimit} characters at most: the end of the text is not in it`;
  return stay({ ...board, message: { tone: 'attention', lines: [why] } });
}

/** The most completions that are shown. */
const completionsMost = 12;

/** A filter applies while it is typed. For a command the completions are shown. */
function changed(board: Board, input: Input): Board {
  if (input.kind === 'command') {
    const all = completionsOf(board, input.text);
    const more = all.length > completionsMost ? '  …' : '';
    return { ...board, input: { ...input, question: `${all.slice(0, completionsMost).join('  ')}${more}` } };
  }
  return input.kind === 'filter' ? { ...board, input, filter: input.text } : { ...board, input };
}

function entered(board: Board, input: Input, space: Space): Pressed {
  const closed = { ...board, input: null };
  if (input.kind === 'command') return obeyed(closed, input.text, space);
  if (input.kind === 'filter') return stay(closed);
  if (input.kind === 'search') return stay(board.page === null ? closed : searched(closed, input.text, 1));
  // An empty line is not an answer.
  if ((input.text.trim() === '' && !input.mayBeEmpty) || input.target === null) return stay(board);
  const { kind: action, target, permission } = input;
  if (permission === null) return { board: closed, command: { kind: 'do', action, target, input } };
  return { board: { ...closed, page: null }, command: { kind: 'do', action, target, input, permission } };
}

function obeyed(board: Board, text: string, space: Space): Pressed {
  if (text.trim() === '') return stay(board);
  const command = typedCommand(board, text);
  if (command !== null) return carriedOut(board, command, space);
  const all = completionsOf(board, text.trim());
  const why = all.length === 0 ? `there is no command "${text.trim()}"` : `"${text.trim()}" may be: ${all.join(', ')}`;
  return stay({ ...board, message: { tone: 'attention', lines: [why] } });
}

function carriedOut(board: Board, command: TypedCommand, space: Space): Pressed {
  switch (command.kind) {
    case 'key':
      return press(board, { name: 'text', text: command.letter }, space);
    case 'sort':
      return stay({ ...board, near: null, page: null, sorting: command.by });
    case 'go': {
      const { project, plan } = command;
      const marks = { ...board.marks, near: { id: null, index: 0 } };
      return { board: { ...board, page: null, near: { project, plan }, marks }, command: { kind: 'look' } };
    }
    default:
      return command satisfies never;
  }
}

function pressConfirmation(board: Board, key: Key): Pressed {
  const { confirmation } = board;
  const closed: Board = { ...board, confirmation: null };
  if (confirmation === null || key.name !== 'text' || key.text.toLowerCase() !== 'y') {
    return stay({ ...closed, message: { tone: 'dim', lines: ['nothing was done'] } });
  }
  const { action, target, input } = confirmation;
  const command = { kind: 'do' as const, action, target, isSure: true, ...(input === undefined ? {} : { input }) };
  return { board: closed, command };
}

/** The number of rows that a key moves by; null: the key does not move. */
function step(key: Key, height: number): number | null {
  const page = Math.max(1, height - 1);
  const whole = Number.MAX_SAFE_INTEGER;
  switch (key.name) {
    case 'up':
      return -1;
    case 'down':
      return 1;
    case 'pageup':
      return -page;
    case 'pagedown':
      return page;
    case 'home':
      return -whole;
    case 'end':
      return whole;
    case 'text':
      return ({ k: -1, j: 1, g: -whole, G: whole, b: -page } as Readonly<Record<string, number>>)[key.text] ?? null;
    default:
      return null;
  }
}

function pressPage(board: Board, key: Key, { height }: Space): Pressed {
  const { page } = board;
  if (page === null) return stay(board);
  const lastTop = Math.max(0, page.rows.length - height);
  const by = step(key, height) ?? (key.name === 'text' && key.text === ' ' ? Math.max(1, height - 1) : null);
  if (by !== null) {
    const top = Math.max(0, Math.min(lastTop, Math.min(page.top, lastTop) + by));
    return stay({ ...board, page: { ...page, top, follows: page.kind === 'log' && top === lastTop } });
  }
  if (key.name === 'escape' || key.name === 'backspace') return stay({ ...board, page: null });
  if (key.name !== 'text') return stay(board);
  const answered = page.permission === null ? null : pressPermission(board, page, page.permission, key.text);
  if (answered !== null) return answered;
  switch (key.text) {
    case 'q':
      return stay({ ...board, page: null });
    case '?':
      return stay({ ...board, isHelp: true });
    case '/':
      return stay(asking(board, { kind: 'search', target: null }));
    case 'n':
      return stay(searched(board, page.search, 1));
    case 'N':
      return stay(searched(board, page.search, -1));
    default:
      return pressTarget(board, key.text, page.target);
  }
}

/** The page of a question stays visible until it is answered, because the answer refers to the text above it. */
function pressPermission(board: Board, { target }: Page, permission: string, letter: string): Pressed | null {
  switch (letter) {
    case 'y':
    case 'n': {
      const action = letter === 'y' ? 'allow' : 'deny';
      return { board: { ...board, page: null }, command: { kind: 'do', action, target, permission } };
    }
    case 'w':
      return stay(asking(board, { kind: 'deny', target, permission }));
    default:
      return null;
  }
}

interface Wanted {
  readonly kind: InputKind;
  readonly target: Target | null;
  readonly text?: string;
  readonly permission?: string;
}

function asking(board: Board, wanted: Wanted): Board {
  return { ...board, input: inputOf(wanted) };
}

function inputOf({ kind, target, text = '', permission = undefined }: Wanted): Input {
  const title = target?.title ?? target?.plan ?? '';
  const questions: Partial<Record<InputKind, string>> = {
    send: `a message for the next turn of ${title}`,
    deny: `denied, and ${title} gets the reason, or what it should do instead`,
  };
  const question = questions[kind] ?? null;
  return {
    kind,
    target,
    text,
    question,
    title,
    number: null,
    mayBeEmpty: false,
    permission: permission ?? null,
  };
}

function textOf(line: Line): string {
  return line.map(({ text }) => text).join('');
}

/** Moves to the next row with that text in the direction. At the end it continues from the other end. */
function searched(board: Board, wanted: string, direction: 1 | -1): Board {
  const { page } = board;
  if (page === null || wanted === '') return board;
  const found = page.rows.flatMap((row, index) =>
    textOf(row).toLowerCase().includes(wanted.toLowerCase()) ? [index] : [],
  );
  const next =
    direction === 1
      ? (found.find((index) => index > page.top) ?? found[0])
      : (found.findLast((index) => index < page.top) ?? found.at(-1));
  if (next === undefined) {
    return {
      ...board,
      page: { ...page, search: wanted },
      message: { tone: 'attention', lines: [`"${wanted}" is not in it`] },
    };
  }
  return { ...board, page: { ...page, search: wanted, top: next, follows: false } };
}

function pressList(board: Board, key: Key, space: Space): Pressed {
  const rows = rowsOf(board, space.nowMs);
  const place = board.near === null ? 'fleet' : 'near';
  const index = markedIndex(rows, board.marks[place]);
  const by = step(key, space.height);
  if (by !== null) return stay(moved(board, rows, { place, index, by }));
  if (key.name === 'escape' || key.name === 'backspace') {
    if (board.near !== null) return { board: { ...board, near: null }, command: { kind: 'look' } };
    return stay({ ...board, filter: '' });
  }
  const target = rows[index]?.target ?? null;
  if (key.name === 'enter') return enter(board, target);
  if (key.name !== 'text') return stay(board);
  switch (key.text) {
    case 'q':
      if (board.near !== null) return { board: { ...board, near: null }, command: { kind: 'look' } };
      return { board, command: { kind: 'quit', exitCode: 0 } };
    case '?':
      return stay({ ...board, isHelp: true });
    case '/':
      return stay(board.near === null ? asking(board, { kind: 'filter', target: null, text: board.filter }) : board);
    case ':':
      return stay(changed(board, inputOf({ kind: 'command', target: null })));
    case 'o': {
      const shown = sideKindOf(board, markedTarget(board, space.nowMs));
      return stay({ ...board, sideKind: shown === 'need' ? 'log' : shown === 'log' ? 'diff' : 'need' });
    }
    case 'S': {
      const next = sortings[(sortings.indexOf(board.sorting) + 1) % sortings.length] ?? 'turn';
      return stay({ ...board, sorting: board.near === null ? next : board.sorting });
    }
    default:
      // From here on the mark stays with that row: what the key does may move it, and the next key is about the same plan.
      return pressTarget(moved(board, rows, { place, index, by: 0 }), key.text, markedTarget(board, space.nowMs));
  }
}

function moved(
  board: Board,
  rows: readonly Row[],
  { place, index, by }: { readonly place: 'fleet' | 'near'; readonly index: number; readonly by: number },
): Board {
  const marks = rows.flatMap((row, at) => (row.id === null ? [] : [at]));
  const here = marks.indexOf(index);
  const next = marks[Math.max(0, Math.min(marks.length - 1, here + by))];
  if (next === undefined) return board;
  return { ...board, marks: { ...board.marks, [place]: { id: rows[next]?.id ?? null, index: next } } };
}

function enter(board: Board, target: Target | null): Pressed {
  if (target === null || target.plan === null) return stay(board);
  if (board.near !== null || target.title !== null) return { board, command: { kind: 'open', page: 'log', target } };
  const near = { project: target.project, plan: target.plan };
  const marks = { ...board.marks, near: { id: null, index: 0 } };
  return { board: { ...board, near, marks }, command: { kind: 'look' } };
}

const pages: Readonly<Record<string, PageKind>> = { l: 'log', d: 'diff', h: 'history', p: 'prompt', v: 'plan' };

/** Keys that act on the marked row. */
function pressTarget(board: Board, letter: string, target: Target | null): Pressed {
  if (target === null) return stay(board);
  const page = pages[letter];
  if (page !== undefined) return { board, command: { kind: 'open', page, target } };
  switch (letter) {
    case 'a':
      return { board, command: { kind: 'ask', target } };
    case 't':
      return { board, command: { kind: 'events', target } };
    case 'i':
      return { board, command: { kind: 'do', action: 'start', target: { ...target, title: null } } };
    case 'r':
      return { board, command: { kind: 'do', action: 'retry', target } };
    case ' ':
      return { board, command: { kind: 'do', action: 'pause', target } };
    case 'm':
      return { board, command: { kind: 'do', action: 'merge', target } };
    case 'x':
      return { board, command: { kind: 'do', action: 'end', target } };
    case 's':
      if (target.title !== null) return stay(asking(board, { kind: 'send', target }));
      return stay({ ...board, message: { tone: 'attention', lines: ['a message is for an agent: mark one, then s'] } });
    default:
      return stay(board);
  }
}

/** The key of each command that acts on the marked row or on the board. */
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

/** The commands that begin with the text, in alphabetical order. */
function completionsOf(board: Pick<Board, 'news'>, text: string): string[] {
  return [...commandsOf(board).keys()].filter((name) => name.startsWith(text)).toSorted();
}

/** The text, extended as far as all completions agree. */
function completed(board: Pick<Board, 'news'>, text: string): string {
  const [first, ...others] = completionsOf(board, text);
  if (first === undefined) return text;
  let length = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length -= 1;
  return first.slice(0, length);
}

/** The command of that name, or the only one that begins with the text; null: none, or several. */
function typedCommand(board: Pick<Board, 'news'>, text: string): TypedCommand | null {
  const wanted = text.trim();
  const all = commandsOf(board);
  const [only, ...others] = completionsOf(board, wanted);
  return all.get(wanted) ?? (only === undefined || others.length > 0 || wanted === '' ? null : (all.get(only) ?? null));
}
