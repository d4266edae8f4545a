/** A line of a picture as spans of one tone each, cut to the terminal's width and then painted. Pure. */
import type { Paint, Tone } from './output.ts';
import { cut, widthOf } from './text.ts';

export interface Span {
  readonly tone: Tone;
  readonly text: string;
}
export type Line = readonly Span[];

/** At most `width` columns of the line; a cut line ends with `…`. */
export function cutLine(line: Line, width: number): Line {
  const kept: Span[] = [];
  let left = width;
  for (const { tone, text } of line) {
    if (left <= 0) break;
    const shown = cut(text, left);
    kept.push({ tone, text: shown });
    if (shown !== text) break;
    left -= widthOf(shown);
  }
  return kept;
}

export function paintLine(line: Line, paint: Paint): string {
  return line
    .map(({ tone, text }) => paint(tone, text))
    .join('')
    .trimEnd();
}
