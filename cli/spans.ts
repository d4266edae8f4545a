/** A line of the board or of `run` as spans of one tone each, cut to the terminal's width and then painted. Pure. */
import type { Paint, Tone } from './output.ts';
import { cut, widthOf } from './text.ts';

export interface Span {
  readonly tone: Tone;
  readonly text: string;
}
export type Line = readonly Span[];

/** At most `width` columns of the line; a cut line ends with `…`. */
export function cutLine(line: Line, width: number): Line {
  const text = line.map((span) => span.text).join('');
  if (widthOf(text.trimEnd()) <= width) return line;
  const kept: Span[] = [];
  let left = width;
  for (const span of line) {
    if (left <= 0) break;
    const isLast = widthOf(span.text) >= left;
    // With a character more it is cut also where it would just fit, since others follow.
    kept.push(isLast ? { tone: span.tone, text: cut(`${span.text} `, left) } : span);
    if (isLast) break;
    left -= widthOf(span.text);
  }
  return kept;
}

export function paintLine(line: Line, paint: Paint): string {
  return line
    .map(({ tone, text }) => paint(tone, text))
    .join('')
    .trimEnd();
}
