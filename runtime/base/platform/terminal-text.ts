/** Foreign text made safe for a terminal: nothing in it moves the cursor, writes a clipboard, or turns the direction of writing. Pure. */

/**
 * Text for people's terminals: no escape sequence and no control character but newline and tab, no character that turns the direction of
 * writing. A line that was overwritten with carriage returns (a progress bar) keeps its last state.
 */
export function safeText(text: string): string {
  return text.replace(escapeSequence, '').split('\n').map(lastState).join('\n').replace(unsafeCharacter, '');
}

/** CSI; OSC, DCS, PM, APC and SOS, which end within their line (a cut tail may hold the start alone); the two-byte escapes. */
const escapeSequence =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?/g;
const unsafeCharacter = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The only escape sequences of our own lines are colours. */
const colour = /(\x1b\[[0-9;]{0,32}m)/;

/** Lines that the program has put together and coloured: as `safeText`, but colours stay. The last guard; texts of others go through `safeText` or `oneLine` before. */
export function colouredText(text: string): string {
  if (!mayHarm.test(text)) return text;
  const parts = text.split(colour);
  return parts.map((part, index) => (index % 2 === 1 ? part : cleaned(part))).join('');
}

function cleaned(text: string): string {
  return text.replace(escapeSequence, '').replace(unsafeCharacter, '');
}

const mayHarm = new RegExp(unsafeCharacter.source);

/** A JSON text with all that a terminal would obey written as `\uXXXX`: such characters occur only inside of its strings, so its value stays the same. */
export function escapedJson(text: string): string {
  return text.replace(/[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, unicodeEscape);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Characters that are invisible, or look like others: controls, formats, other line ends, other blanks, half surrogate pairs. */
const unseen = /(?![\n\t ])[\p{Cc}\p{Cf}\p{Cs}\p{Zs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;
/** This many empty lines would push the following text out of sight. */
const emptyLines = /\n(?:[ \t]*\n){3,}/g;
const blanks = /[ \t]{40,}/g;

/**
 * Text of a permission question: nothing is left out. Control characters and invisible characters are written as `\xNN` or `\u{…}`;
 * long empty parts are named, so that the text after them is seen.
 */
export function spelledOut(text: string): string {
  return literalText(text)
    .replace(emptyLines, (found) => `\n[${found.split('\n').length - 2} empty lines]\n`)
    .replace(blanks, (found) => ` [${found.length} blanks] `);
}

/** Text that a person judges by, a change above all: nothing is left out, and what a terminal would obey or a person would not see is written as `\xNN` or `\u{…}`. */
export function literalText(text: string): string {
  return text.replace(unseen, (found) => {
    const code = found.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** By hand, because a pattern for trailing returns takes quadratic time on a line of nothing else. */
function lastState(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === '\r') end--;
  return line.slice(line.lastIndexOf('\r', end - 1) + 1, end);
}

/** The same on one line: what would end the line, or is between words as a control character, is a space. */
export function oneLine(text: string): string {
  return text
    .replace(escapeSequence, '')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(unsafeCharacter, '')
    .trim();
}
