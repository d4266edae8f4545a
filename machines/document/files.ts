/** The paths of a `**Files:**` line and of the list beneath it: what a task claims. Prose among them claims nothing. */
import { isNothing } from './fields.ts';
import { quoted } from './shape.ts';

/** What one item names; the remark where the whole value names no file. */
export interface FileItem {
  paths: string[];
  remark: string | null;
}

/** Single words in the place of a file that name none. */
const NO_FILE = /^(?:all|any|many|multiple|no|nothing|several|tbd|todo|unknown|various)$/i;

/** The items of a value, with commas between them, those of Chinese, Japanese and Arabic keyboards too. Commas in backticks are part of a path. */
export function fileItems(value: string): FileItem[] {
  const items = commaItems(value).map((item) => ({ paths: itemPaths(item), remark: null }));
  if (items.some(({ paths }) => paths.length > 0)) return items;
  if (saysNothing(value)) return [];
  const form = 'a path is written in backticks, contains a / or a ., or is the only word';
  return [{ paths: [], remark: `${quoted(value.trim())} names no file; ${form}` }];
}

function saysNothing(value: string): boolean {
  return isNothing(value.trim()) || /^(?:no|tbd|todo|nothing|no(?:ne)?\s.*|-\s.*)$/is.test(value.trim());
}

function commaItems(value: string): string[] {
  const items: string[] = [];
  let isCode = false;
  let start = 0;
  for (let at = 0; at < value.length; at += 1) {
    const character = value.charAt(at);
    if (character === '`') isCode = !isCode;
    if (isCode || !/[,，、،]/.test(character)) continue;
    items.push(value.slice(start, at));
    start = at + 1;
  }
  return [...items, value.slice(start)];
}

/**
 * The first backticked path and those that are enumerated with it, not those that prose mentions; without backticks the first word where it has a `/` or a
 * `.` or is the only word (`Makefile`), and those after it that are certainly paths.
 */
function itemPaths(item: string): string[] {
  const text = withoutLinks(withoutLabel(item));
  const spans = codeSpans(text);
  if (spans.length > 0) {
    const isNamed = (span: CodeSpan, at: number) =>
      isPath(span.text) || (at === 0 && span.isFirst && isName(span.text));
    const first = spans.findIndex(isNamed);
    if (first < 0) return [];
    const after = spans.slice(first + 1);
    const end = after.findIndex((span) => !isPath(span.text) || !isEnumeration(span.gap));
    const paths = spans.slice(first, end < 0 ? undefined : first + 1 + end);
    return paths.map((span) => cleaned(span.text));
  }
  const words = text
    .replaceAll('`', '')
    .split(/\s+/)
    .map(withoutPunctuation)
    .filter((word) => word !== '');
  const [first = ''] = words;
  if (first === '' || isNothing(first)) return [];
  if (words.length === 1 && isName(first) && !NO_FILE.test(first)) return [first];
  const isList = words.every(isBarePath);
  const paths = words.filter((word, at) => isBarePath(word) && (at === 0 || isList || isSurePath(word)));
  return paths.map(cleaned);
}

/** Without the quotes, brackets and marks of the sentence around it; the brackets of `app/(group)` belong to the path. */
function withoutPunctuation(word: string): string {
  const path = word.replace(/^[("'“]+/, '');
  const marks = path.includes('(') ? `.,;:"'”` : `.,;:"'”)`;
  let end = path.length;
  while (end > 0 && marks.includes(path.charAt(end - 1))) end -= 1;
  return path.slice(0, end);
}

/** Without the check box and the label that an item begins with: `[ ] **Modify:** `. */
function withoutLabel(item: string): string {
  return item
    .trim()
    .replace(/^\[[ xX]\]\s+/, '')
    .replace(/^\**\p{L}{1,20}(?:[:：]\**\s+|：\**)/u, '');
}

interface CodeSpan {
  text: string;
  /** Nothing is before it. */
  isFirst: boolean;
  /** The text between the span before it and this one. */
  gap: string;
}

/** Nothing but the rest of a link, marks and a word for `and` is between two paths: `a.ts` and `b.ts`. */
function isEnumeration(gap: string): boolean {
  const text = gap.replace(/^\]\([^()]{0,500}\)/, '').replaceAll(/[\s[\]()*_;&+/|·]+/g, ' ');
  return /^(?: ?(?:and|or|und|et|y|e|и|和|と) ?| ?)$/iu.test(text);
}

function codeSpans(text: string): CodeSpan[] {
  const spans: CodeSpan[] = [];
  let opening = text.indexOf('`');
  let end = 0;
  while (opening >= 0) {
    const closing = text.indexOf('`', opening + 1);
    if (closing < 0) break;
    const span = text.slice(opening + 1, closing).trim();
    if (span !== '') {
      const isFirst = /^[[*_(]{0,4}$/.test(text.slice(0, Math.min(opening, 5)));
      spans.push({ text: span, isFirst, gap: text.slice(end, opening) });
    }
    end = closing + 1;
    opening = text.indexOf('`', closing + 1);
  }
  return spans;
}

/** A link to a file is replaced by the path that is its text; if that is only the end of its target's path, by the whole of it: `[a.ts:12](../src/a.ts#L12)`. */
function withoutLinks(text: string): string {
  if (!text.includes('](')) return text;
  return text.replace(
    /\[(`?)([^\][`]{1,300})\1\]\(([^()\s]{0,500})\)/g,
    (_, tick: string, name: string, target: string) => {
      const path = withoutLineRange(target.replace(/^(?:\.{0,2}\/)+/, ''));
      const isEnd = !target.includes('://') && path.endsWith(`/${cleaned(name)}`);
      return `${tick}${isEnd ? path : name}${tick}`;
    },
  );
}

/** Code that is no path is a command, a call or an address: `npm test`, `Foo.bar()`, `https://…`. */
function isPath(code: string): boolean {
  if (/:\/\/|^-|[;=<>|"]/.test(code) || isCall(code)) return false;
  // A name with spaces ends as files do, and does not begin as commands do.
  if (/\s/.test(code)) return /^[^\s/]*\/.*\.\w{1,8}$/s.test(code);
  return (code.includes('/') && code !== '/') || (/\.\w/.test(code) && !/^v?\d+(?:\.\d+)+$/.test(code));
}

/** A call like `run(x)`, but not a path like `app/(group)`. */
function isCall(code: string): boolean {
  return code.endsWith(')') && /\w/.test(code.charAt(code.indexOf('(') - 1));
}

/** `Makefile`, as the first word of an item. */
function isName(code: string): boolean {
  return /^[\w+@~][\w+@~-]*$/.test(code) && !isNothing(code);
}

function isBarePath(word: string): boolean {
  return isPath(word) && !/^(?:e\.g|i\.e|n\/a|and\/or)$/i.test(word);
}

function isSurePath(word: string): boolean {
  return /^[\w.@~+-]+\/.*\.[A-Za-z]\w{0,7}(?:[:#].*)?$/s.test(word);
}

function cleaned(path: string): string {
  const whole = withoutLineRange(path);
  return whole.startsWith('./') && whole.length > 2 ? whole.slice(2) : whole;
}

/** The path without `:12`, `:12:3`, `:12-30` and `#L12-L30`. */
function withoutLineRange(path: string): string {
  return path.replace(/(?:(?<=.):\d+)?(?<=.)[:#]L?\d+(?:[-–]L?\d+)?$/s, '');
}
