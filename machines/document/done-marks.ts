/** Marks in a heading that say whether its work is done: check boxes, the usual pictures, and `DONE` in brackets. */

const doneMarks = [
  ...['[x]', '[X]', '[✓]', '[✔]', '[✅]', '✅', '☑', '✔', '✓', '🗹'],
  ...[':white_check_mark:', ':heavy_check_mark:', ':ballot_box_with_check:'],
  ...['[DONE]', '(DONE)', '[COMPLETE]', '(COMPLETE)', '[COMPLETED]', '(COMPLETED)'],
];
/** Work that has begun counts as open. */
const openMarks = [
  ...['[ ]', '[~]', '[/]', '⬜', '🔲', '☐', '◻', '🔳', '⏳', '⌛', '🚧', '🔄'],
  ...[':white_large_square:', ':black_square_button:', ':hourglass:', ':construction:'],
  ...['[TODO]', '(TODO)', '[WIP]', '(WIP)', '[IN PROGRESS]', '(IN PROGRESS)'],
];
const marks = [
  ...doneMarks.map((written) => ({ written, isDone: true })),
  ...openMarks.map((written) => ({ written, isDone: false })),
];
/** The characters that a mark can begin or end with, and that a word after it can end with: a quick test that rules out almost every text. */
const firstPattern = /^[[(:✅☑✔✓🗹⬜🔲☐◻🔳⏳⌛🚧🔄]/u;
const lastPattern = /(?:[\]):✅☑✔✓🗹⬜🔲☐◻🔳⏳⌛🚧🔄]|\uFE0F|(?:done|completed?|finished)\)?[.!]?)$/iu;
/** A longer run of such characters is text. */
const markLimit = 4;
/** Selects the picture form of a character, and is invisible itself. */
const pictureSign = '\uFE0F';
/** After one of these words, a mark is part of the title: `Replace the text with ✅`. */
const leadingWord =
  /(?:^|\s)(?:an?|the|as|by|for|from|in|into|like|of|on|or|and|to|with|use|uses|show|shows|print|prints|[❌✗✘]\S*|→|->)$/iu;

export interface Unmarked {
  /** Trimmed, without its marks. */
  text: string;
  /** The meaning of each of them, in their order. */
  marks: boolean[];
}

/** Takes the marks off the start of a text. */
export function withoutLeadingMarks(text: string): Unmarked {
  let rest = text.trim();
  const found: boolean[] = [];
  for (let mark = leadingMark(rest); mark !== undefined && found.length < markLimit; mark = leadingMark(rest)) {
    found.push(mark.isDone);
    rest = rest.slice(mark.written.length);
    rest = (rest.startsWith(pictureSign) ? rest.slice(1) : rest).trimStart();
  }
  return { text: rest, marks: found };
}

/** Takes the marks off what follows the number of a heading, before and behind its colon or dash: `Task 1 [x]: title`, `Task 1: ✅ title`. */
export function withoutMarksBehindNumber(rest: string): Unmarked {
  const before = withoutLeadingMarks(rest.replace(/^[\s*_]+/u, ''));
  const separated = before.marks.length > 0 ? before.text : rest;
  const behind = withoutLeadingMarks(separated.replace(/^[\s*_~]*[:：.)—–-]+/u, ''));
  return { text: behind.text, marks: [...before.marks, ...behind.marks] };
}

function leadingMark(text: string): (typeof marks)[number] | undefined {
  if (!firstPattern.test(text)) return undefined;
  return marks.find(({ written }) => text.startsWith(written));
}

/** Takes a mark off the end of a title, with the word for it (`✅ Done`) and a dash before it. */
export function withoutTrailingMark(text: string): Unmarked {
  const whole = text.trim();
  if (!lastPattern.test(whole.slice(-12))) return { text: whole, marks: [] };
  const capitals = /\s[—–-]+\s+(?:DONE|COMPLETED?)$/.exec(whole.slice(-40));
  if (capitals !== null) return { text: whole.slice(0, -capitals[0].length).trimEnd(), marks: [true] };
  const word = /(?<=\S)\s+\(?(?:done|completed?|finished)\)?[.!]?$/iu.exec(whole.slice(-40))?.[0] ?? '';
  return (
    markAtEnd(whole.slice(0, whole.length - word.length), true) ?? markAtEnd(whole, false) ?? { text: whole, marks: [] }
  );
}

/** `isOnlyDone`: the text ended with a word such as `done`, so an open mark does not count. */
function markAtEnd(text: string, isOnlyDone: boolean): Unmarked | null {
  const end = text.endsWith(pictureSign) ? text.slice(0, -1) : text;
  const mark = marks.find(({ written, isDone }) => (isDone || !isOnlyDone) && end.endsWith(written));
  if (mark === undefined) return null;
  const given = end.slice(0, -mark.written.length);
  const before = given.trimEnd();
  // `items[x]` is a word.
  if (before === given && /^[[(:]/.test(mark.written) && before !== '') return null;
  if (leadingWord.test(before.slice(-40)) || /[❌✗✘]/u.test(before)) return null;
  return { text: withoutDash(before), marks: [mark.isDone] };
}

function withoutDash(text: string): string {
  const dash = /\s[—–-]+$/.exec(text.slice(-20));
  return dash === null ? text : text.slice(0, -dash[0].length).trimEnd();
}
