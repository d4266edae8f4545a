/**
 * Where a value is in a TOML text: smol-toml gives values without positions, and a message without a line sends people searching. The syntax
 * tree of toml-eslint-parser has them.
 */
import { type AST, parseTOML } from 'toml-eslint-parser';

export type TomlPath = readonly (string | number)[];

export interface TomlPlaces {
  /** The line (from 1) of that key, table or list item; that of the nearest table around it where it was not written; null if there is none. */
  line(path: TomlPath): number | null;
}

/** A key, table or list item, and what it holds. The first line counts: a dotted key may open a table long before its own header. */
interface Place {
  readonly line: number | null;
  readonly inside: Map<string | number, Place>;
}

/** The lines of every key, table and list item of `text`; the tables of `[[a]]` count from 0, as in smol-toml's lists. Throws nothing. */
export function placesOf(text: string): TomlPlaces {
  const root: Place = { line: null, inside: new Map() };
  const document = documentOf(text);
  for (const entry of document?.body ?? []) {
    if (entry.type === 'TOMLKeyValue') markEntry(root, entry);
    else {
      const table = markAll(root, entry.resolvedKey, lineOf(entry));
      for (const inner of entry.body) markEntry(table, inner);
    }
  }
  return { line: (path) => nearestLine(root, path) };
}

/** null: text that this parser does not take, though the other one may. Its values count; only their lines stay unknown. */
function documentOf(text: string): AST.TOMLTopLevelTable | null {
  try {
    return parseTOML(text, { tomlVersion: '1.1.0' }).body[0];
  } catch {
    return null;
  }
}

function lineOf({ loc }: AST.TOMLNode): number {
  return loc.start.line;
}

function markEntry(table: Place, entry: AST.TOMLKeyValue): void {
  const names = entry.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value));
  markValue(markAll(table, names, lineOf(entry)), entry.value);
}

function markValue(place: Place, value: AST.TOMLContentNode): void {
  if (value.type === 'TOMLArray')
    for (const [index, item] of value.elements.entries()) markValue(mark(place, index, lineOf(item)), item);
  else if (value.type === 'TOMLInlineTable') for (const entry of value.body) markEntry(place, entry);
}

function markAll(place: Place, path: TomlPath, line: number): Place {
  return path.reduce((inner: Place, part) => mark(inner, part, line), place);
}

function mark({ inside }: Place, part: string | number, line: number): Place {
  const known = inside.get(part);
  if (known !== undefined) return known;
  const place: Place = { line, inside: new Map() };
  inside.set(part, place);
  return place;
}

function nearestLine(root: Place, path: TomlPath): number | null {
  let place = root;
  for (const part of path) {
    const inner = place.inside.get(part);
    if (inner === undefined) break;
    place = inner;
  }
  return place.line;
}
