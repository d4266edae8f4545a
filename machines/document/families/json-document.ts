/** JSON with the line of each value, so that a problem names its line, and one value can be replaced without changing the rest. */
import type { Node, ParseError } from 'jsonc-parser';
import { isNothing } from '../fields.ts';
import { readLabel } from '../labels.ts';
import type { PlanProblem } from '../shape.ts';
import type { SourceLine } from './markdown-outline.ts';
import { parsers } from './parsers.ts';

export interface JsonDocument {
  /** Undefined where the text is no JSON. */
  readonly value: unknown;
  /** Null: it is JSON. */
  readonly problem: PlanProblem | null;
  /** The document with the places of its values, parsed at its first use. Null where the text is no JSON. */
  root(): JsonNode | null;
}

export interface JsonNode {
  readonly type: 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** How many values an object or an array holds. */
  readonly size: number;
  /** The value that JSON.parse gives for an object or an array. */
  readonly value: unknown;
  /** Keys and values of an object, in order. */
  entries(): { readonly key: string; readonly value: JsonNode }[];
  /** The values of an array. */
  items(): JsonNode[];
  /** The value of a key; undefined where it has none. */
  get(key: string): JsonNode | undefined;
}

export function readJson(text: string): JsonDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { value: undefined, problem: findProblem(text), root: () => null };
  }
  return {
    value,
    problem: null,
    root() {
      const tree = treeOf(text);
      return tree === null ? null : wrapped(tree, lineCounter(text));
    },
  };
}

/** Null where it nests more deeply than the parser follows. */
function treeOf(text: string, errors: ParseError[] = []): Node | null {
  try {
    return parsers.json().parseTree(text, errors, { disallowComments: true }) ?? null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function findProblem(text: string): PlanProblem {
  const errors: ParseError[] = [];
  const tree = treeOf(text, errors);
  const [first] = errors;
  if (first === undefined) {
    const message = tree === null ? 'the JSON nests too deeply' : 'the document is no JSON';
    return { line: 1, message: `${message}; give a file that jq reads` };
  }
  const found = parsers
    .json()
    .printParseErrorCode(first.error)
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase();
  return { line: lineCounter(text)(first.offset), message: `the document is no JSON (${found}); correct it here` };
}

function lineCounter(text: string): (offset: number) => number {
  const ends = Array.from(text.matchAll(/\r\n?|\n/g), ({ index }) => index);
  return (offset) => {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}

function wrapped(node: Node, lineAt: (offset: number) => number): JsonNode {
  const children = node.children ?? [];
  const entries = () =>
    children.flatMap(({ children: pair }) => {
      const [key, value] = pair ?? [];
      return key === undefined || value === undefined
        ? []
        : [{ key: String(key.value), value: wrapped(value, lineAt) }];
    });
  return {
    // parseTree gives a property only inside of an object.
    type: node.type as JsonNode['type'],
    get line() {
      return lineAt(node.offset);
    },
    start: node.offset,
    end: node.offset + node.length,
    size: children.length,
    get value() {
      return parsers.json().getNodeValue(node) as unknown;
    },
    entries,
    items: () => (node.type === 'array' ? children.map((child) => wrapped(child, lineAt)) : []),
    get(key) {
      const pair = children.findLast(({ children: both }) => both?.[0]?.value === key)?.children;
      return pair?.[1] === undefined ? undefined : wrapped(pair[1], lineAt);
    },
  };
}

/** Empty where the value is a list or an object. */
export function textOf(node: JsonNode | undefined): string {
  return node === undefined || node.type === 'object' || node.type === 'array' ? '' : String(node.value).trim();
}

/** The ids in a list, or in a text with commas between them. */
export function linksIn(
  node: JsonNode | undefined,
): { readonly ref: string; readonly line: number; readonly isField: true }[] {
  if (node === undefined || node.type === 'null') return [];
  const { line } = node;
  if (node.type === 'array') return node.items().map((item) => ({ ref: textOf(item), line: item.line, isField: true }));
  const ids = textOf(node)
    .split(',')
    .map((id) => id.trim());
  return ids.filter((id) => !isNothing(id)).map((ref) => ({ ref, line, isField: true }));
}

const depthLimit = 50;

/**
 * Values as text that people read, without those of the given keys and those that are empty. Each line has the number of the line that its value is in.
 * A field of stator inside a value is plain text: in JSON only the keys count.
 */
export function readableJson(node: JsonNode, without: ReadonlySet<string> = new Set()): SourceLine[] {
  const lines: SourceLine[] = [];
  for (const { key, value } of node.entries()) {
    if (!without.has(key)) writeEntry(lines, key, value);
  }
  return lines.map((line) => ({ ...line, text: withoutField(line.text) }));
}

function withoutField(text: string): string {
  const isField = /^(?:check|files|after|budget)$/.test(readLabel(text)?.name ?? '');
  return isField ? text.replace(/\*\*|__/, '\\$&') : text;
}

function writeEntry(lines: SourceLine[], key: string, value: JsonNode): void {
  if (isEmpty(value)) return;
  const name = key.replaceAll(/\s+/g, ' ');
  const isProse = value.type === 'string' && /[\r\n]/.test(String(value.value));
  if (isProse) {
    lines.push({ text: '', number: 0 }, { text: `#### ${name}`, number: value.line }, { text: '', number: 0 });
    for (const text of String(value.value).split(/\r\n?|\n/)) lines.push({ text, number: value.line });
    lines.push({ text: '', number: 0 });
  } else writeItem(lines, value, { lead: `- ${name}: `, indent: 2, depth: 1 });
}

interface ItemPlace {
  readonly lead: string;
  readonly indent: number;
  readonly depth: number;
}

function writeItem(lines: SourceLine[], node: JsonNode, { lead, indent, depth }: ItemPlace): void {
  if (node.type !== 'object' && node.type !== 'array') {
    const [first = '', ...rest] = String(node.value).split(/\r\n?|\n/);
    lines.push({ text: `${lead}${first}`, number: node.line });
    for (const text of rest) lines.push({ text: `${' '.repeat(indent)}${text}`, number: node.line });
    return;
  }
  if (depth > depthLimit) {
    lines.push({ text: `${lead}${JSON.stringify(node.value)}`, number: node.line });
    return;
  }
  lines.push({ text: lead.trimEnd(), number: node.line });
  const children = node.type === 'array' ? node.items().map((value) => ({ key: null, value })) : node.entries();
  for (const { key, value } of children) {
    if (isEmpty(value)) continue;
    const label = key === null ? '' : `${key.replaceAll(/\s+/g, ' ')}: `;
    writeItem(lines, value, { lead: `${' '.repeat(indent)}- ${label}`, indent: indent + 2, depth: depth + 1 });
  }
}

function isEmpty(node: JsonNode): boolean {
  if (node.type === 'object' || node.type === 'array') return node.size === 0;
  return node.type === 'null' || (node.type === 'string' && String(node.value).trim() === '');
}
