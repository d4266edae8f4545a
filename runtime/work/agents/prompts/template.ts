/**
 * Prompts as markdown with `{{placeholder}}`s. Strict: an unknown placeholder is an error with its position, never a gap in a prompt.
 *
 * An absent value also removes the text about it: a list item that names it; a section all of whose placeholders outside of lists are absent; a heading with
 * nothing left beneath it. Elsewhere it renders to an empty text. Filled-in texts are never parsed as templates.
 */

import { type MarkdownLine, markdownHeading, markdownLines } from '../../../../machines/document/markdown-lines.ts';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { didYouMeanAfter } from '../../../base/config/nearest.ts';
import { isPlaceholder, type Placeholder, placeholders, type Values } from './placeholders.ts';

export interface Template {
  /** The file, for error messages. */
  readonly file: string;
  readonly text: string;
}

type Piece = { readonly text: string } | { readonly name: Placeholder };

interface Line {
  readonly pieces: readonly Piece[];
  readonly isBlank: boolean;
  readonly isItem: boolean;
}

/** From a heading to the next one of any level; the first may have no heading. */
interface Section {
  readonly heading: { readonly level: number; readonly line: Line } | null;
  readonly lines: readonly Line[];
}

/** The filled-in text, without blank lines at its ends. Throws `bad_config` as `namesIn` does. */
export function render(template: Template, values: Values): string {
  const sections = sectionsOf(template);
  const kept: string[] = [];
  let levelBelow = 0; // the level of the next section in the prompt; 0: none
  let writtenBelow = 0; // the level of the next section in the template
  for (const section of sections.reverse()) {
    const level = section.heading?.level ?? 0;
    const { text, body } = partOf(section, values);
    // A heading without text stays only if it still has one of its subsections.
    const wasFilled = section.lines.some((line) => !line.isBlank);
    const isEmptied = body === '' && (wasFilled || (writtenBelow > level && levelBelow <= level));
    writtenBelow = level;
    if (text === null || text === '' || isEmptied) continue;
    kept.push(text);
    levelBelow = level;
  }
  return kept.reverse().join('\n\n');
}

/** The placeholders of a template. Throws `bad_config` for an unknown or unclosed one, with its line. */
export function namesIn(template: Template): ReadonlySet<Placeholder> {
  const lines = sectionsOf(template).flatMap(({ heading, lines }) => (heading ? [heading.line, ...lines] : lines));
  return new Set(lines.flatMap(({ pieces }) => namesOf(pieces)));
}

/** The text from the first heading with this title to the next heading; throws if there is none. */
export function sectionOf({ file, text }: Template, title: string): Template {
  let found: number | null = null;
  for (const line of markdownLines(text)) {
    const heading = headingOf(line);
    if (heading !== null && found !== null) return { file, text: text.slice(found, line.start) };
    if (heading?.text === title) found = line.end;
  }
  if (found === null) throw new Error(`${file} has no section "${title}"`);
  return { file, text: text.slice(found) };
}

function headingOf({ part, text }: MarkdownLine) {
  return part === 'text' ? markdownHeading(text) : null;
}

function sectionsOf({ file, text }: Template): Section[] {
  const sections: { heading: Section['heading']; lines: Line[] }[] = [{ heading: null, lines: [] }];
  for (const line of markdownLines(text)) {
    const isText = line.part === 'text';
    const parsed: Line = {
      pieces: piecesOf(file, line),
      isBlank: isText && line.text.trim() === '',
      isItem: isText && /^\s*(?:[-*+]|\d+[.)])\s/.test(line.text),
    };
    const heading = headingOf(line);
    if (heading === null) sections.at(-1)?.lines.push(parsed);
    else sections.push({ heading: { level: heading.level, line: parsed }, lines: [] });
  }
  return sections;
}

/** `text` null: the section is left out. `body`: the text below its heading. */
function partOf({ heading, lines }: Section, values: Values): { text: string | null; body: string } {
  const outside = lines.filter(({ isItem }) => !isItem).flatMap(({ pieces }) => namesOf(pieces));
  const optional = outside.filter((name) => placeholders[name].there === 'sometimes');
  if (optional.length > 0 && optional.every((name) => isAbsent(values, name))) return { text: null, body: '' };
  const out: string[] = [];
  let isAfterBlank = true;
  for (const { pieces, isBlank, isItem } of lines) {
    const names = namesOf(pieces);
    const absent = names.filter((name) => isAbsent(values, name));
    if (isItem && absent.length > 0) continue;
    const text = fill(pieces, values);
    if (absent.length > 0 && text.trim() === '') continue;
    if (isBlank && isAfterBlank) continue;
    out.push(isBlank ? '' : text);
    isAfterBlank = isBlank;
  }
  const body = out.join('\n').trimEnd();
  if (heading === null) return { text: body, body };
  const title = fill(heading.line.pieces, values);
  return { text: body === '' ? title : `${title}\n\n${body}`, body };
}

function isAbsent(values: Values, name: Placeholder): boolean {
  return (values[name] ?? '') === '';
}

function namesOf(pieces: readonly Piece[]): Placeholder[] {
  return pieces.flatMap((piece) => ('name' in piece ? [piece.name] : []));
}

function fill(pieces: readonly Piece[], values: Values): string {
  return pieces.map((piece) => ('name' in piece ? (values[piece.name] ?? '') : piece.text)).join('');
}

/** `\{{` means literal braces. */
function piecesOf(file: string, { number, text }: MarkdownLine): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (let open = text.indexOf('{{'); open >= 0; open = text.indexOf('{{', at)) {
    if (text[open - 1] === '\\' && open > at) {
      pieces.push({ text: `${text.slice(at, open - 1)}{{` });
      at = open + 2;
      continue;
    }
    const close = text.indexOf('}}', open);
    if (close < 0) throw wrong(`${file}, line ${number}: {{ is not closed with }} on its line`);
    const name = text.slice(open + 2, close).trim();
    if (!isPlaceholder(name)) throw unknown(`${file}, line ${number}`, name);
    pieces.push({ text: text.slice(at, open) }, { name });
    at = close + 2;
  }
  return [...pieces, { text: text.slice(at) }];
}

function unknown(place: string, name: string): EngineError {
  const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name;
  return wrong(
    `${place}: unknown placeholder {{${shown}}}${didYouMeanAfter(name, Object.keys(placeholders), (meant) => `{{${meant}}}`)}`,
  );
}

function wrong(message: string): EngineError {
  const valid = Object.keys(placeholders).join(', ');
  return new EngineError('bad_config', message, `valid are: ${valid}; write \\{{ for braces that are no placeholder`);
}
