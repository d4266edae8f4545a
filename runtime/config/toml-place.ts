/**
 * Where a value stands in a TOML text: the parser gives values without positions, and a message without a line sends people searching.
 * Works on text that the parser has accepted, so it reads structure only and judges nothing.
 */

export type TomlPath = readonly (string | number)[];

export interface TomlPlaces {
  /** The line (from 1) of that key, table or list item; of the nearest table around it where it was not written; null where there is none. */
  line(path: TomlPath): number | null;
}

/** The lines of every key, table and list item of `text`; the tables of `[[a]]` count from 0, as in the parser's lists. Throws nothing. */
export function placesOf(text: string): TomlPlaces {
  const scan: Scan = { text, at: 0, line: 1, lines: new Map(), tableCounts: new Map() };
  readDocument(scan);
  return {
    line(path) {
      for (let length = path.length; length > 0; length -= 1) {
        const line = scan.lines.get(nameOf(path.slice(0, length)));
        if (line !== undefined) return line;
      }
      return null;
    },
  };
}

interface Scan {
  readonly text: string;
  at: number;
  line: number;
  /** By the path's name. */
  readonly lines: Map<string, number>;
  /** How many tables each `[[array]]` has so far, by the array's name. */
  readonly tableCounts: Map<string, number>;
}

function nameOf(path: TomlPath): string {
  return JSON.stringify(path);
}

function readDocument(scan: Scan): void {
  let table: TomlPath = [];
  for (;;) {
    skipSpace(scan);
    if (scan.at >= scan.text.length) return;
    const before = scan.at;
    if (current(scan) === '[') table = readHeader(scan);
    else readAssignment(scan, table);
    // Text that the parser would have refused must not hold the loop.
    if (scan.at === before) step(scan);
  }
}

/** `[a.b]` or `[[a.b]]`: marks it and returns the path of the table that it opens. */
function readHeader(scan: Scan): TomlPath {
  const isArray = scan.text.startsWith('[[', scan.at);
  const line = scan.line;
  step(scan, isArray ? 2 : 1);
  const parts = readKey(scan);
  step(scan, isArray ? 2 : 1);
  const last = parts.at(-1);
  if (isArray && last !== undefined) {
    const array = nameOf([...intoTables(scan, [], parts.slice(0, -1)), last]);
    scan.tableCounts.set(array, (scan.tableCounts.get(array) ?? 0) + 1);
  }
  return markDown(scan, { base: [], parts, line });
}

/** `key = value`, at the top of a line or inside an inline table. */
function readAssignment(scan: Scan, table: TomlPath): void {
  skipBlanks(scan);
  const line = scan.line;
  const path = markDown(scan, { base: table, parts: readKey(scan), line });
  step(scan); // the equals sign
  skipBlanks(scan);
  readValue(scan, path);
}

function readValue(scan: Scan, path: TomlPath): void {
  const char = current(scan);
  if (char === '"' || char === "'") readQuoted(scan);
  else if (char === '[') {
    readItems(scan, ']', (index) => {
      mark(scan, [...path, index], scan.line);
      readValue(scan, [...path, index]);
    });
  } else if (char === '{') readItems(scan, '}', () => readAssignment(scan, path));
  else while (scan.at < scan.text.length && !/[,\]}#\n]/.test(current(scan))) step(scan);
}

function readItems(scan: Scan, close: string, readItem: (index: number) => void): void {
  step(scan);
  for (let index = 0; ; index += 1) {
    skipSpace(scan);
    if (scan.at >= scan.text.length || current(scan) === close) break;
    const before = scan.at;
    readItem(index);
    skipSpace(scan);
    if (current(scan) === ',') step(scan);
    if (scan.at === before) break;
  }
  step(scan);
}

function readKey(scan: Scan): string[] {
  const parts: string[] = [];
  for (;;) {
    skipBlanks(scan);
    const before = scan.at;
    parts.push(readKeyPart(scan));
    skipBlanks(scan);
    if (current(scan) !== '.' || scan.at === before) return parts;
    step(scan);
  }
}

function readKeyPart(scan: Scan): string {
  const char = current(scan);
  if (char === '"') return unescaped(readQuoted(scan));
  if (char === "'") return readQuoted(scan);
  const start = scan.at;
  while (/[A-Za-z0-9_-]/.test(current(scan))) step(scan);
  return scan.text.slice(start, scan.at);
}

/** Skips a string of any of the four kinds and returns its source without the quotes. */
function readQuoted(scan: Scan): string {
  const quote = current(scan);
  const isMultiline = scan.text.startsWith(quote.repeat(3), scan.at);
  const fence = isMultiline ? quote.repeat(3) : quote;
  step(scan, fence.length);
  const start = scan.at;
  while (scan.at < scan.text.length && !scan.text.startsWith(fence, scan.at)) {
    step(scan, quote === '"' && current(scan) === '\\' ? 2 : 1);
  }
  const end = scan.at;
  step(scan, fence.length);
  // Up to two quotes may stand just before the closing three: they belong to the string.
  if (isMultiline) while (current(scan) === quote) step(scan);
  return scan.text.slice(start, end);
}

interface Descent {
  readonly base: TomlPath;
  readonly parts: readonly string[];
  readonly line: number;
}

/** Marks every table on the way down and returns the path of the last. */
function markDown(scan: Scan, { base, parts, line }: Descent): TomlPath {
  for (let length = 1; length <= parts.length; length += 1) {
    mark(scan, [...intoTables(scan, base, parts.slice(0, length - 1)), ...parts.slice(length - 1, length)], line);
    mark(scan, intoTables(scan, base, parts.slice(0, length)), line);
  }
  return intoTables(scan, base, parts);
}

/** `base` and `parts` as one path, through the last table of every array of tables on the way. */
function intoTables(scan: Scan, base: TomlPath, parts: readonly string[]): TomlPath {
  const path = [...base];
  for (const part of parts) {
    path.push(part);
    const count = scan.tableCounts.get(nameOf(path));
    if (count !== undefined) path.push(count - 1);
  }
  return path;
}

/** The first line wins: a table may be opened by a dotted key long before its own header. */
function mark(scan: Scan, path: TomlPath, line: number): void {
  const name = nameOf(path);
  if (!scan.lines.has(name)) scan.lines.set(name, line);
}

function current(scan: Scan): string {
  return scan.text[scan.at] ?? '';
}

function step(scan: Scan, count = 1): void {
  for (let done = 0; done < count && scan.at < scan.text.length; done += 1, scan.at += 1) {
    if (current(scan) === '\n') scan.line += 1;
  }
}

/** Skips blanks, line ends and comments. */
function skipSpace(scan: Scan): void {
  for (;;) {
    const char = current(scan);
    if (char === '#') while (scan.at < scan.text.length && current(scan) !== '\n') step(scan);
    else if (char !== '' && ' \t\r\n'.includes(char)) step(scan);
    else return;
  }
}

function skipBlanks(scan: Scan): void {
  while (current(scan) === ' ' || current(scan) === '\t') step(scan);
}

const simpleEscapes: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\u001b' };

/** The text of a quoted key, its escapes read as TOML has them. */
function unescaped(source: string): string {
  const escapes = /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))/g;
  return source.replace(escapes, (_whole, four?: string, eight?: string, two?: string, char = '') => {
    const digits = four ?? eight ?? two;
    return digits === undefined ? (simpleEscapes[char] ?? char) : String.fromCodePoint(Number.parseInt(digits, 16));
  });
}
