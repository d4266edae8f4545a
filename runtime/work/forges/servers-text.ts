/** Changes `servers.toml` and leaves all else unchanged: comments, order, spaces. Pure. */
import { stringify } from 'smol-toml';
import { type AST, parseTOML } from 'toml-eslint-parser';

/** The text with one more server at its end. */
export function withServer(text: string, server: Readonly<Record<string, unknown>>): string {
  const block = stringify({ servers: [server] });
  return text.trim() === '' ? `${text}${block}` : `${text.trimEnd()}\n\n${block}`;
}

/** The text without the server at that place in the list. */
export function withoutServer(text: string, index: number): string {
  const table = entriesOf(text).find(
    (entry) => entry.type === 'TOMLTable' && entry.kind === 'array' && entry.resolvedKey[1] === index,
  );
  return table === undefined ? text : withoutLines(text, table);
}

/** The file's text with another default server, or none. */
export function withDefault(text: string, name: string | null): string {
  const before = entriesOf(text).find((entry) => entry.type === 'TOMLKeyValue');
  const line = name === null ? '' : stringify({ default: name });
  if (before === undefined) return name === null ? text : `${line.trimEnd()}\n${text.trim() === '' ? '' : `\n${text}`}`;
  if (name === null) return withoutLines(text, before);
  const { value } = before as AST.TOMLKeyValue; // it was found by its type
  return `${text.slice(0, value.range[0])}${JSON.stringify(name)}${text.slice(value.range[1])}`;
}

function entriesOf(text: string): readonly (AST.TOMLKeyValue | AST.TOMLTable)[] {
  return parseTOML(text, { tomlVersion: '1.1.0' }).body[0].body;
}

/** The server's own lines, and one empty line behind them. */
function withoutLines(text: string, { loc }: AST.TOMLNode): string {
  const lines = text.split('\n');
  const count = loc.end.line - loc.start.line + 1;
  const isEmptyBehind = lines[loc.end.line]?.trim() === '' && loc.end.line + 1 < lines.length;
  lines.splice(loc.start.line - 1, count + (isEmptyBehind ? 1 : 0));
  return lines.join('\n');
}
