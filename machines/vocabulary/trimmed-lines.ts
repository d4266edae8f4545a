/** Puts texts of several lines on one. In linear time: a pattern for the white space around a line end takes quadratic time on a long run of blanks. Pure. */

/** The lines of a text, without the white space around each, and without empty ones. */
export function trimmedLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** These lines on one: each but the last is followed by a space, and before that by `;`, unless it ends with one of the `marks`. */
export function joinedLines(text: string, marks: string): string {
  const lines = trimmedLines(text);
  return lines
    .map((line, at) => (at === lines.length - 1 ? line : `${line}${marks.includes(line.at(-1) ?? ' ') ? ' ' : '; '}`))
    .join('');
}
