/**
 * A person's comments on lines of a change, as the message that carries them to an agent. This file writes the text and reads it again: the message is their
 * only record. Pure.
 */

export interface LineComment {
  /** Identifies the comment in commit messages; it is unique within a plan. */
  readonly id: string;
  readonly path: string;
  /** The first of its lines, from 1 on. */
  readonly line: number;
  /** The last of its lines. */
  readonly end: number;
  /** `before`: the lines are gone, and these are their numbers before the change. */
  readonly side: 'before' | 'after';
  /** The text of its lines. */
  readonly quoted: string;
  readonly text: string;
  /** The replacement that a person suggests for those lines; '': delete them. null: there is no suggestion. */
  readonly suggestion: string | null;
}

export interface CommentMessage {
  /** The compared commits, each by the beginning of its name. */
  readonly from: string;
  readonly to: string;
  readonly comments: readonly LineComment[];
}

const headWords = 'A person commented on lines of the change';
const replaceWords = 'Put exactly these lines in their place, without any difference:';
const deleteWords = 'Delete these lines.';
const answerWords =
  'Answer each comment in the message of a commit, on a line of its own: "Comment <id>: what you did, or why not". Apply a suggested replacement exactly as it is.';

/** `words`: a further message of the person; '': none. */
export function commentMessage({ from, to, comments }: CommentMessage, words: string): string {
  const head = `${headWords} ${from.slice(0, 10)}..${to.slice(0, 10)}:`;
  return [...(words === '' ? [] : [words]), head, ...comments.map(partOf), answerWords].join('\n\n');
}

function partOf({ id, path, line, end, side, quoted, text, suggestion }: LineComment): string {
  const lines = end > line ? `lines ${line} to ${end}` : `line ${line}`;
  const removed = side === 'before' ? 'removed ' : '';
  const rows = [`Comment ${id}, ${pathText(path)}, ${removed}${lines}:`, ...marked('|', quoted)];
  if (text !== '') rows.push(...text.split('\n').map((row) => `   ${row}`));
  if (suggestion === '') rows.push(`   ${deleteWords}`);
  else if (suggestion !== null) rows.push(`   ${replaceWords}`, ...marked('>', suggestion));
  return rows.join('\n');
}

function marked(mark: string, text: string): string[] {
  return text.split('\n').map((row) => `   ${mark} ${row}`);
}

/** A path that could be read as something else is quoted. */
function pathText(path: string): string {
  return /["\n]/.test(path) ? JSON.stringify(path) : path;
}

const headLine = new RegExp(`^${headWords} ([0-9a-f]{4,40})\\.\\.([0-9a-f]{4,40}):$`, 'm');
const partLine =
  /^Comment ([a-z0-9]{4,12}), ("(?:[^"\\]|\\.)*"|[^\n]+), (removed )?lines? ([0-9]{1,9})(?: to ([0-9]{1,9}))?:$/;

/** null: the text is no such message. */
export function commentsIn(message: string): CommentMessage | null {
  const head = headLine.exec(message);
  const [, from = '', to = ''] = head ?? [];
  if (head === null) return null;
  const comments: LineComment[] = [];
  let rows: string[] = [];
  let open: RegExpExecArray | null = null;
  const close = () => {
    if (open !== null) comments.push(commentOf(open, rows));
    [open, rows] = [null, []];
  };
  for (const row of message.slice(head.index + head[0].length).split('\n')) {
    const part = partLine.exec(row);
    if (part !== null) {
      close();
      open = part;
    } else if (row.startsWith('   ')) rows.push(row.slice(3));
    else if (row !== '') close();
  }
  close();
  return { from, to, comments };
}

function commentOf(
  [, id = '', path = '', removed, first, last]: RegExpExecArray,
  rows: readonly string[],
): LineComment {
  const line = Number(first);
  const end = last === undefined ? line : Number(last);
  // A person's text may begin with the same mark.
  const quotedEnd = Math.min(endOf(rows, 0, '|'), end - line + 1);
  const replaced = rows.lastIndexOf(replaceWords);
  const isReplaced =
    replaced >= quotedEnd && replaced < rows.length - 1 && endOf(rows, replaced + 1, '>') === rows.length;
  const isDeleted = !isReplaced && rows.length > quotedEnd && rows.at(-1) === deleteWords;
  const textEnd = isReplaced ? replaced : isDeleted ? rows.length - 1 : rows.length;
  return {
    ...{ id, path: pathIn(path), line, end },
    side: removed === undefined ? 'after' : 'before',
    quoted: unmarked(rows.slice(0, quotedEnd)),
    text: rows.slice(quotedEnd, textEnd).join('\n'),
    suggestion: isReplaced ? unmarked(rows.slice(replaced + 1)) : isDeleted ? '' : null,
  };
}

/** The end of the rows with that mark. */
function endOf(rows: readonly string[], from: number, mark: string): number {
  const other = rows.findIndex((row, at) => at >= from && !row.startsWith(`${mark} `));
  return other === -1 ? rows.length : other;
}

function unmarked(rows: readonly string[]): string {
  return rows.map((row) => row.slice(2)).join('\n');
}

function pathIn(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    const path: unknown = JSON.parse(text);
    return typeof path === 'string' ? path : text;
  } catch {
    return text; // a name that begins with a quotation mark, written by hand
  }
}

/** What a commit message answers, by the ids of the comments. */
export function answersIn(commitMessage: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, id = '', text = ''] of commitMessage.matchAll(/^[ \t]*(?:[-*] )?Comment ([a-z0-9]{4,12}): *(.+)$/gm)) {
    const before = found.get(id);
    found.set(id, before === undefined ? text.trim() : `${before}\n${text.trim()}`);
  }
  return found;
}
