/** A document with everything that the families read from it, each part parsed once: its lines, its front matter, its outline, its JSON. */
import { frontMatterOf } from '../plan-document.ts';
import { type JsonDocument, readJson } from './json-document.ts';
import { markdownOutline, type OutlineBlock, type OutlineItem, readBox, type SourceLine } from './markdown-outline.ts';
import { parsers } from './parsers.ts';

/** A document as it is given. */
export interface PlanSource {
  readonly text: string;
  /** With `/` between folders, relative to the repository where that is known: `specs/001-cart/tasks.md`. */
  readonly path: string;
  /** The names of the other entries of its folder: `spec.md`, `plan.md`. */
  readonly beside: readonly string[];
}

/** A change of the document's own text: what is between the offsets is replaced. */
export interface Mark {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** No plan has more, and a short line costs the parser as much as a long one. */
export const lineLimit = 25_000;

export interface FrontMatter {
  /** Without the lines that enclose it. */
  readonly lines: readonly SourceLine[];
  /** Null where it is no YAML, or no list of keys. */
  readonly fields: Readonly<Record<string, unknown>> | null;
}

export interface Sheet extends PlanSource {
  /** The path's last part. */
  readonly file: string;
  /** The names of the folders that it lies in, outermost first. */
  readonly folders: readonly string[];
  /** All lines; line n is at index n - 1. */
  readonly lines: readonly SourceLine[];
  /** Behind the front matter. */
  readonly firstLine: number;
  frontMatter(): FrontMatter | null;
  /** Empty where the document has too many lines, or is JSON. */
  outline(): readonly OutlineBlock[];
  /** Null where the text does not begin like JSON. */
  json(): JsonDocument | null;
  /** The change that checks the box of an item or of a heading in that line. */
  boxMark(item: Pick<OutlineItem, 'line' | 'box'>): Mark | null;
  /** The offset of a line's first character. */
  startOf(line: number): number;
  /** The lines from `line` on, up to `end`, which is not included. */
  between(line: number, end: number): SourceLine[];
}

/** The text is without byte order mark. */
export function openSheet(source: PlanSource): Sheet {
  const parts = source.path.split('/').filter((part) => part !== '' && part !== '.');
  const { texts, starts } = splitLines(source.text);
  const lines = texts.map((text, at) => ({ text, number: at + 1 }));
  // A link in markdown begins with a bracket too: `[![build](…)](…)`.
  const isJson = /^\s*(?:\{|\[\s*[{["\]])/.test(source.text);
  const enclosed = isJson ? null : frontMatterOf(source.text);
  const firstLine = (enclosed?.end ?? 0) + 1;
  const frontMatter = once(() => enclosed && readFrontMatter(lines.slice(enclosed.start, enclosed.end - 1)));
  const outline = once(() => {
    if (isJson || texts.length > lineLimit) return [];
    // The parser would read front matter as a heading; blank lines in its place keep the line numbers.
    return markdownOutline(texts.map((text, at) => (at + 1 < firstLine ? '' : text)));
  });
  return {
    ...source,
    file: parts.at(-1) ?? '',
    folders: parts.slice(0, -1),
    lines,
    firstLine,
    frontMatter,
    outline,
    json: once(() => (isJson ? readJson(source.text) : null)),
    boxMark({ line, box }) {
      const start = starts[line - 1];
      if (box === null || start === undefined) return null;
      return { start: start + box.column, end: start + box.column + box.width, text: 'x' };
    },
    startOf: (line) => starts[line - 1] ?? 0,
    between: (line, end) => lines.slice(line - 1, end - 1),
  };
}

function once<Value>(read: () => Value): () => Value {
  let held: { value: Value } | null = null;
  return () => {
    held ??= { value: read() };
    return held.value;
  };
}

function splitLines(text: string): { texts: string[]; starts: number[] } {
  const texts: string[] = [];
  const starts: number[] = [];
  let start = 0;
  for (const { 0: end, index } of text.matchAll(/\r\n?|\n/g)) {
    texts.push(text.slice(start, index));
    starts.push(start);
    start = index + end.length;
  }
  if (start < text.length) {
    texts.push(text.slice(start));
    starts.push(start);
  }
  return { texts, starts };
}

function readFrontMatter(lines: readonly SourceLine[]): FrontMatter {
  const texts = lines.map(({ text }) => text);
  return { lines, fields: fieldsOf(texts) ?? fieldsOf(texts.map(withQuotedValue)) };
}

function fieldsOf(texts: readonly string[]): FrontMatter['fields'] {
  try {
    const value = parsers.yaml().load(texts.join('\n'));
    return isRecord(value) ? value : null;
  } catch {
    return null; // it is text
  }
}

/** `content: Phase 1: the shop` is no YAML, and programs write it all the same: they mean the rest of the line. */
function withQuotedValue(text: string): string {
  return text.replace(
    /^(\s*(?:-\s+)?[\w-]+:\s+)(?!["'|>[{&*!#])(.*:\s.*)$/s,
    (_, key: string, value: string) => key + JSON.stringify(value),
  );
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text of a heading without its check box. */
export function headingBox(text: string): { text: string; isChecked: boolean } {
  const found = readBox(text, 0);
  return found === null
    ? { text, isChecked: false }
    : { text: text.slice(found.length), isChecked: found.box.isChecked };
}
