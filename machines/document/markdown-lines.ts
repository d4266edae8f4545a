/**
 * A markdown text line by line, as CommonMark sees its fences, comments and headings. Containers (lists, quotes) and underlined headings are not
 * modelled: a plan's structure is at the start of lines. One pass, no look-back, so the time is linear in the text.
 */

export interface Fence {
  /** The line that opens it. */
  line: number;
  /** The run of backticks or tildes that opens it; a closing run is at least as long. */
  marker: string;
  indent: number;
  /** What follows the marker, trimmed. */
  info: string;
}

export interface MarkdownLine {
  number: number;
  /** Without its line end. */
  text: string;
  /** Offset of the line, and of the next one. */
  start: number;
  end: number;
  /** The fence that the line belongs to, the lines that open and close it included. */
  fence: Fence | null;
  /** `comment`: a line of an HTML comment of several lines, or of an element whose content is no markdown (`<pre>`), the first and the last included. */
  part: 'text' | 'open' | 'content' | 'close' | 'comment';
}

/** The lines of a text. LF, CRLF and CR end a line; a last line without an end counts, an empty rest after the last end does not. */
export function* markdownLines(content: string): Generator<MarkdownLine, void> {
  let fence: Fence | null = null;
  let start = 0;
  const endOf = createEndSearch(content);
  /** Lines that begin before it are of a comment. */
  let commentUntil = 0;
  for (let number = 1; start < content.length; number += 1) {
    const { textEnd, end } = lineEnd(content, start);
    const text = content.slice(start, textEnd);
    const ending = fence === null && start >= commentUntil ? endingOf(text) : null;
    if (ending !== null) commentUntil = endOf(ending, textEnd);
    if (start < commentUntil) {
      yield { number, text, start, end, fence, part: 'comment' };
    } else if (fence === null) {
      fence = openedFence(text, number);
      yield { number, text, start, end, fence, part: fence === null ? 'text' : 'open' };
    } else {
      const isClosing = closesFence(text, fence);
      yield { number, text, start, end, fence, part: isClosing ? 'close' : 'content' };
      if (isClosing) fence = null;
    }
    start = end;
  }
}

function lineEnd(content: string, start: number): { textEnd: number; end: number } {
  for (let at = start; at < content.length; at += 1) {
    const code = content.charCodeAt(at);
    if (code === 10) return { textEnd: at, end: at + 1 };
    if (code === 13) return { textEnd: at, end: content.charCodeAt(at + 1) === 10 ? at + 2 : at + 1 };
  }
  return { textEnd: content.length, end: content.length };
}

/** What ends a comment, and the elements whose content is no markdown. */
const endings = { comment: /-->/g, element: /<\/(?:pre|script|style|textarea)>/gi } as const;
type Ending = keyof typeof endings;

/** What ends the comment or the element that the line begins; null: it begins none, or ends it itself. */
function endingOf(text: string): Ending | null {
  const found = /^ {0,3}<(?:(!--)|(?:pre|script|style|textarea)(?=[\s>]|$))/i.exec(text);
  if (found === null) return null;
  const ending = found[1] === undefined ? 'element' : 'comment';
  return text.search(endings[ending]) < 0 ? ending : null;
}

/** Finds the end of what is open at an offset; 0 if it is never closed: then it is text, and hides nothing. */
function createEndSearch(content: string): (ending: Ending, from: number) => number {
  /** The endings that no longer follow: each is searched for only once. */
  const over = new Set<Ending>();
  return (ending, from) => {
    const pattern = new RegExp(endings[ending]);
    pattern.lastIndex = from;
    const found = over.has(ending) ? null : pattern.exec(content);
    if (found === null) over.add(ending);
    return found === null ? 0 : pattern.lastIndex;
  };
}

/** The fence that a line outside of fences opens; the info string of a backtick fence holds no backtick, or it would be a code span. */
export function openedFence(text: string, line: number): Fence | null {
  const found = /^( {0,3})(`{3,}|~{3,})/.exec(text);
  if (found === null) return null;
  const [all, indent = '', marker = ''] = found;
  const info = text.slice(all.length).trim();
  if (marker.startsWith('`') && info.includes('`')) return null;
  return { line, marker, indent: indent.length, info };
}

export function closesFence(text: string, fence: Fence): boolean {
  const found = openedFence(text, 0);
  return found !== null && found.info === '' && found.marker.startsWith(fence.marker);
}

/** A `#` heading with its level and its text, without closing `#`s; null: the line is no heading. */
export function markdownHeading(text: string): { level: number; text: string } | null {
  const found = /^ {0,3}(#{1,6})(?=[ \t]|$)/.exec(text);
  if (found === null) return null;
  const [all, marks = ''] = found;
  return { level: marks.length, text: withoutClosingMarks(text.slice(all.length)) };
}

/** Trimmed, and without the `#`s that may close a heading: a space is before them, so `C#` keeps its own. */
export function withoutClosingMarks(text: string): string {
  const trimmed = text.trim();
  let end = trimmed.length;
  while (end > 0 && trimmed[end - 1] === '#') end -= 1;
  if (end === 0) return '';
  return /\s/.test(trimmed.charAt(end - 1)) ? trimmed.slice(0, end).trimEnd() : trimmed;
}

/**
 * The contents of the fenced `sh` blocks of a text in order, lines joined by LF, the fence's indentation taken off. The first word of the
 * info string is exactly `sh`. A fence that is never closed runs to the end. Blank blocks are left out: there is nothing to run.
 */
export function shellBlocks(body: string): string[] {
  const blocks = new Map<number, string[]>();
  for (const { text, fence, part } of markdownLines(body)) {
    if (fence === null || part !== 'content' || !/^sh(?:\s|$)/.test(fence.info)) continue;
    const lines = blocks.get(fence.line) ?? [];
    lines.push(withoutIndent(text, fence.indent));
    blocks.set(fence.line, lines);
  }
  return [...blocks.values()].map((lines) => lines.join('\n')).filter((block) => block.trim() !== '');
}

function withoutIndent(text: string, indent: number): string {
  let at = 0;
  while (at < indent && text[at] === ' ') at += 1;
  return text.slice(at);
}
