/** A typed line below a picture, and the question above it. Pure. */
import type { Tone } from './output.ts';
import type { Line } from './spans.ts';
import { cut, isWider, lastColumns, plain, widthOf } from './text.ts';

/** The text, wrapped at words into at most `limit` lines. */
export function brokenLine(text: string, tone: Tone, width: number, limit: number): Line[] {
  return broken(text, Math.max(1, width - 1))
    .slice(0, limit)
    .map((part) => [{ tone, text: part }]);
}

/** The text in rows of at most `width` columns, broken at spaces if possible. */
export function broken(whole: string, width: number): string[] {
  const rows: string[] = [];
  let left = whole;
  while (isWider(left, width)) {
    const head = cut(left, width + 1).slice(0, -1); // without the trailing …
    if (head === '') break;
    const space = head.lastIndexOf(' ');
    const at = space > head.length / 2 ? space + 1 : head.length;
    rows.push(left.slice(0, at));
    left = left.slice(at);
  }
  return [...rows, left];
}

/** The typed text after its label, with a cursor sign; the end of a long text is visible. */
export function typedLine(label: string, text: string, width: number): Line {
  return [
    { tone: 'strong', text: label },
    { tone: 'plain', text: `${endOf(plainEnd(text), width - 2 - widthOf(label))}_` },
  ];
}

/** As `plain`, but a trailing space stays. */
function plainEnd(text: string): string {
  return `${plain(text)}${/\s$/.test(text) ? ' ' : ''}`;
}

function endOf(text: string, width: number): string {
  return isWider(text, width) ? `…${lastColumns(text, width - 1)}` : text;
}
