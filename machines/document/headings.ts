/** The headings of the plan grammar: `## Wave N`, `### Task N: title`, any other heading, and lines that were meant as one of the first two. */
import { slips } from './labels.ts';
import { markdownHeading, withoutClosingMarks } from './markdown-lines.ts';
import { planNumberLimit, quoted } from './shape.ts';

export type PlanHeading =
  | { kind: 'wave'; level: number; number: number; title: string; problem: string | null }
  | { kind: 'task'; level: number; number: number; title: string; problem: string | null }
  | { kind: 'other'; level: number; title: string };

/**
 * `slip` is a message about a line that looks like a heading of the grammar but is none. If `isCertain` is false, the author may have meant the line as
 * it is (`# Wave 1` as the title): the message is shown only if a wave or a task is missing anyway.
 */
export interface HeadingLine {
  heading: PlanHeading | null;
  slip: { message: string; isCertain: boolean } | null;
}

const likelyPattern = /^( {0,3})(#{1,6})(\s*)(wave|task)(\s*)(#?)(\d+)(?![0-9A-Za-z_])(.*)$/is;

/** `### Taks 1: title`: a number behind a word that is one slip away from one of the grammar's. */
const nearPattern = /^ {0,3}(#{2,4})\s+([a-z]{3,6})\s+(\d+)(\s*|\s*[:—–-].*)$/is;
/** Ordinary words that are as similar as a misspelling. */
const otherWords = new Set(['save', 'saves', 'have', 'gave', 'cave', 'mask', 'masks', 'ask', 'asks', 'tank', 'talk']);

/** What a line outside of fences is to the grammar. */
export function readHeading(text: string): HeadingLine {
  if (!text.includes('#')) return { heading: null, slip: null };
  const found = likelyPattern.exec(text);
  if (found === null) return { heading: otherHeading(text), slip: misspelledHeading(text) };
  const [, indent = '', marks = '', gap = '', word = '', space = '', sign = '', digits = '', rest = ''] = found;
  const level = marks.length;
  const isWave = word.toLowerCase() === 'wave';
  const isLevel = isWave ? level === 2 || level === 3 : level === 3 || level === 4;
  const isWritten = indent === '' && gap !== '' && /^(?:Wave|Task)$/.test(word) && space !== '' && sign === '';
  if (isLevel && isWritten) {
    return { heading: isWave ? waveHeading(level, digits, rest) : taskHeading(level, digits, rest), slip: null };
  }
  const message = isWave ? waveSlip(text, digits, rest) : taskSlip(text, digits, rest);
  // Below its wave's level nothing would keep the text of a `## Task 1`; deeper headings are still part of a task's body.
  return { heading: otherHeading(text), slip: { message, isCertain: isLevel || (!isWave && level === 2) } };
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

function waveHeading(level: number, digits: string, rest: string): PlanHeading {
  const number = readNumber(digits);
  let problem =
    number > planNumberLimit ? `the wave's number is over ${planNumberLimit}; number the waves 1, 2, 3, …` : null;
  if (/^\.\d/.test(rest))
    problem = `${quoted(`Wave ${digits}${rest}`)} has no whole number; number the waves 1, 2, 3, …`;
  return { kind: 'wave', level, number, title: behindSeparator(rest), problem };
}

function taskHeading(level: number, digits: string, rest: string): PlanHeading {
  const number = readNumber(digits);
  const separated = rest.trimStart();
  const title = /^[:—–-]/.test(separated) ? behindSeparator(separated) : '';
  return { kind: 'task', level, number, title, problem: taskProblem({ level, digits, number, rest, title }) };
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
