/** The headings of the plan grammar: `## Wave N`, `### Task N: title`, any other heading, and lines that were meant as one of the first two. */
import { withoutLeadingMarks, withoutTrailingMark } from './done-marks.ts';
import { slips } from './labels.ts';
import { markdownHeading, withoutClosingMarks } from './markdown-lines.ts';
import { planNumberLimit, quoted } from './shape.ts';

export type PlanHeading =
  | { kind: 'wave'; level: number; number: number; title: string; isDone: boolean; problem: string | null }
  | { kind: 'task'; level: number; number: number; title: string; isDone: boolean; problem: string | null }
  | { kind: 'other'; level: number; title: string };

/**
 * `slip` is a message about a line that looks like a heading of the grammar but is none. If `isCertain` is false, the author may have meant the line as
 * it is (`# Wave 1` as the title): the message is shown only if a wave or a task is missing anyway.
 */
export interface HeadingLine {
  heading: PlanHeading | null;
  slip: { message: string; isCertain: boolean } | null;
}

const headingPattern = /^( {0,3})(#{1,6})(\s*)(.*)$/s;
const namePattern = /^(wave|task)(\s*)(#?)(\d+)(?![0-9A-Za-z_])(.*)$/is;

/** `### Taks 1: title`: a number behind a word that is one slip away from one of the grammar's. */
const nearPattern = /^ {0,3}(#{2,4})\s+([a-z]{3,6})\s+(\d+)(\s*|\s*[:—–-].*)$/is;
/** Ordinary words that are as similar as a misspelling. */
const otherWords = new Set(['save', 'saves', 'have', 'gave', 'cave', 'mask', 'masks', 'ask', 'asks', 'tank', 'talk']);

/** What a line outside of fences is to the grammar. */
export function readHeading(text: string): HeadingLine {
  const [, indent = '', signs = '', gap = '', written = ''] = headingPattern.exec(text) ?? [];
  if (signs === '') return { heading: null, slip: null };
  const { text: plain, marks } = undecorated(withoutClosingMarks(written));
  const found = namePattern.exec(plain);
  if (found === null) return { heading: otherHeading(text), slip: misspelledHeading(text) };
  const [, word = '', space = '', sign = '', digits = '', rest = ''] = found;
  const level = signs.length;
  const isWave = word.toLowerCase() === 'wave';
  const isLevel = isWave ? level === 2 || level === 3 : level === 3 || level === 4;
  const isWritten = indent === '' && gap !== '' && /^(?:Wave|Task)$/.test(word) && space !== '' && sign === '';
  if (isLevel && isWritten) {
    const name = { level, digits, rest, marks };
    return { heading: isWave ? waveHeading(name) : taskHeading(name), slip: null };
  }
  const message = isWave ? waveSlip(text, digits, rest) : taskSlip(text, digits, rest);
  // Below its wave's level nothing would keep the text of a `## Task 1`; deeper headings are still part of a task's body.
  return { heading: otherHeading(text), slip: { message, isCertain: isLevel || (!isWave && level === 2) } };
}

/** The text without the marks and the emphasis that it begins with: `✅ **Task 4: Labels**`. */
function undecorated(text: string): { text: string; marks: boolean[] } {
  const outer = withoutLeadingMarks(text);
  const inner = withoutLeadingMarks(withoutEmphasis(outer.text));
  return { text: inner.text, marks: [...outer.marks, ...inner.marks] };
}

/** Without the asterisks or underscores that it begins with, and those that end that emphasis. */
function withoutEmphasis(text: string): string {
  const signs = /^(?:\*{1,3}|_{1,3})(?=\S)/.exec(text)?.[0] ?? '';
  const end = signs === '' ? -1 : text.indexOf(signs, signs.length);
  return end < 0 ? text : `${text.slice(signs.length, end)}${text.slice(end + signs.length)}`;
}

function misspelledHeading(text: string): HeadingLine['slip'] {
  const [, marks = '', written = '', digits = '', rest = ''] = nearPattern.exec(text) ?? [];
  const word = written.toLowerCase();
  if (word === '' || otherWords.has(word)) return null;
  if (isMisspelling(word, 'task')) return { message: taskSlip(text, digits, rest), isCertain: true };
  const isWave = isMisspelling(word, 'wave') && marks.length < 4;
  return isWave ? { message: waveSlip(text, digits, rest), isCertain: true } : null;
}

function isMisspelling(word: string, name: string): boolean {
  return slips(word, name) === 1 || slips(word, `${name}s`) <= 1;
}

function otherHeading(text: string): PlanHeading | null {
  const heading = markdownHeading(text);
  return heading === null ? null : { kind: 'other', level: heading.level, title: heading.text };
}

/** What stands around the word of the grammar, with what the marks before it say. */
interface Named {
  level: number;
  digits: string;
  rest: string;
  marks: readonly boolean[];
}

function waveHeading({ level, digits, rest, marks }: Named): PlanHeading {
  const number = readNumber(digits);
  let problem =
    number > planNumberLimit ? `the wave's number is over ${planNumberLimit}; number the waves 1, 2, 3, …` : null;
  if (/^\.\d/.test(rest))
    problem = `${quoted(`Wave ${digits}${rest}`)} has no whole number; number the waves 1, 2, 3, …`;
  const title = withoutTrailingMark(behindSeparator(rest));
  return { kind: 'wave', level, number, title: title.text, isDone: saysDone([...marks, ...title.marks]), problem };
}

function taskHeading({ level, digits, rest, marks }: Named): PlanHeading {
  const number = readNumber(digits);
  const separated = withoutLeadingMarks(rest);
  const behind = withoutLeadingMarks(/^[:—–-]/.test(separated.text) ? behindSeparator(separated.text) : '');
  const title = withoutTrailingMark(behind.text);
  const isDone = saysDone([...marks, ...separated.marks, ...behind.marks, ...title.marks]);
  const problem = taskProblem({ level, digits, number, rest, title: title.text });
  return { kind: 'task', level, number, title: title.text, isDone, problem };
}

/** Of marks that contradict each other the open one counts: work that is done twice is seen, and work that is left out is not. */
function saysDone(marks: readonly boolean[]): boolean {
  return marks.length > 0 && marks.every((isDone) => isDone);
}

interface WrittenTask {
  level: number;
  digits: string;
  number: number;
  rest: string;
  title: string;
}

/** A title goes into a commit's subject and so through an argument list. */
const titleLimit = 500;

function taskProblem({ level, digits, number, rest, title }: WrittenTask): string | null {
  if (number > planNumberLimit)
    return `the task's number is over ${planNumberLimit}; number the tasks of a wave 1, 2, 3, …`;
  if (number === 0) return 'a task is numbered 0; number the tasks of a wave 1, 2, 3, …';
  if (title.length > titleLimit) return `the task's title has more than ${titleLimit} characters; shorten it`;
  if (title !== '') return null;
  // `Task 1.2` is how people count tasks through a plan, where only the 2 belongs into the heading.
  const counted = /^\.(\d{1,4})(?!\d)/.exec(rest);
  const written = behindSeparator(counted === null ? rest.replace(/^\s*[.)]\s+/, '') : rest.slice(counted[0].length));
  const heading = `Task ${counted?.[1] ?? number}: ${written === '' ? 'title' : written}`;
  const form = `write ${quoted(`${'#'.repeat(level)} ${heading}`)}`;
  return `task heading ${quoted(`Task ${digits}${rest}`)} has no title behind a colon or a dash; ${form}`;
}

function waveSlip(text: string, digits: string, rest: string): string {
  const title = behindSeparator(rest);
  return `${quoted(text)} is not read as a wave; write ${quoted(`## Wave ${digits}${title === '' ? '' : `: ${title}`}`)}`;
}

function taskSlip(text: string, digits: string, rest: string): string {
  const title = behindSeparator(rest);
  return `${quoted(text)} is not read as a task; write ${quoted(`### Task ${digits}: ${title === '' ? 'title' : title}`)}`;
}

/** The text behind one run of colons and dashes, without closing `#`s; nothing where only more of them follow. */
function behindSeparator(text: string): string {
  const rest = withoutClosingMarks(text.trimStart().replace(/^[:—–-]+/, ''));
  return /^[\s:—–-]*$/.test(rest) ? '' : rest;
}

/** One over the limit for all numbers that are over it, since a longer one would lose digits, or be no number in JSON. */
function readNumber(digits: string): number {
  const significant = digits.replace(/^0+/, '');
  return significant.length > String(planNumberLimit).length ? planNumberLimit + 1 : Number(significant);
}
