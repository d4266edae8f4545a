/** The headings of the plan grammar: `## Wave N`, `### Task N: title`, any other heading, and lines that were meant as one of the first two. */

import { slips } from '../vocabulary/slips.ts';
import { withoutLeadingMarks, withoutTrailingMark } from './done-marks.ts';
import { asciiDigits } from './fields.ts';
import { markdownHeading, withoutClosingMarks } from './markdown-lines.ts';
import { planNumberLimit, quoted } from './shape.ts';

/** `isDone` is what its marks say; null: it has none. `remark`: a note about a heading that is valid but was most likely meant otherwise. */
interface Named {
  level: number;
  number: number;
  title: string;
  isDone: boolean | null;
  problem: string | null;
  remark: string | null;
}

export interface TaskHeading extends Named {
  kind: 'task';
}

export type PlanHeading =
  | ({ kind: 'wave' } & Named)
  /** `counted`: the same heading as task 2 of wave 1, where its number is written `1.2`. */
  | (TaskHeading & { counted: { wave: number; heading: TaskHeading } | null })
  | { kind: 'other'; level: number; title: string };

/**
 * `slip` is a message about a line that looks like a heading of the grammar but is not one. If `isCertain` is false, the author may have meant the line as
 * it is (`# Wave 1` as the title): the message is shown only if a wave or a task is missing anyway.
 */
export interface HeadingLine {
  heading: PlanHeading | null;
  slip: { message: string; isCertain: boolean } | null;
}

const headingPattern = /^( {0,3})(#{1,6})(\s*)(.*)$/s;
const namePattern = /^(wave|task)(\s*)([#＃]?)([\d０-９]+)(?![0-9０-９A-Za-z_])(.*)$/is;
/** One number of a dotted number: the `.2` in `1.2`. */
const dottedPattern = /^[.．]([\d０-９]{1,4})(?![\d０-９.．])/;
const separator = '[:：—–－-]';
const separatorPattern = new RegExp(`^${separator}`);

/** What a line outside of fences means in the grammar. */
export function readHeading(text: string): HeadingLine {
  const [, indent = '', signs = '', gap = '', written = ''] = headingPattern.exec(text) ?? [];
  if (signs === '') return { heading: null, slip: null };
  const { text: plain, marks, picture } = undecorated(withoutClosingMarks(written));
  const found = namePattern.exec(plain);
  if (found === null) return { heading: otherHeading(text), slip: decoratedHeading(text, plain, signs.length) };
  const [, word = '', space = '', sign = '', digits = '', rest = ''] = found;
  const level = signs.length;
  const isWave = word.toLowerCase() === 'wave';
  const isWritten = indent === '' && gap !== '' && /^(?:Wave|Task)$/.test(word) && space !== '' && sign === '';
  if (isLevelOf(isWave, level) && isWritten) {
    const name = { level, digits, rest, marks, picture };
    return { heading: isWave ? waveHeading(name) : taskHeading(name), slip: null };
  }
  const message = isWave ? waveSlip(text, digits, rest) : taskSlip(text, digits, rest);
  return { heading: otherHeading(text), slip: { message, isCertain: isSlipLevel(isWave, level) } };
}

function isLevelOf(isWave: boolean, level: number): boolean {
  return isWave ? level === 2 || level === 3 : level === 3 || level === 4;
}

/** At its wave's level, a `## Task 1` could not hold its text; deeper headings are still part of a task's body. */
function isSlipLevel(isWave: boolean, level: number): boolean {
  return isLevelOf(isWave, level) || (!isWave && level === 2);
}

interface Undecorated {
  text: string;
  marks: boolean[];
  /** A picture that does not show a state, and becomes part of the title. */
  picture: string;
}

/** The text without the marks, the picture and the emphasis that it begins with: `✅ **Task 4: Labels**`. */
function undecorated(text: string): Undecorated {
  if (/^[A-Za-z]/.test(text)) return { text, marks: [], picture: '' };
  const outer = withoutLeadingMarks(text);
  const inner = withoutLeadingMarks(withoutEmphasis(outer.text));
  const picture =
    /^(?:\p{Extended_Pictographic}(?:\uFE0F|\u200D|[\u{1F3FB}-\u{1F3FF}])?\s*){1,4}/u.exec(inner.text)?.[0] ?? '';
  const rest = withoutEmphasis(inner.text.slice(picture.length));
  return { text: rest, marks: [...outer.marks, ...inner.marks], picture: picture.trim() };
}

/** Without the asterisks or underscores that it begins with, and those that end that emphasis. */
function withoutEmphasis(text: string): string {
  const signs = /^(?:\*{1,3}|_{1,3})(?=\S)/.exec(text)?.[0] ?? '';
  const end = signs === '' ? -1 : text.indexOf(signs, signs.length);
  return end < 0 ? text : `${text.slice(signs.length, end)}${text.slice(end + signs.length)}`;
}

/** Only this many characters at the start of a line decide whether it is a heading. */
const lookLimit = 200;
/** Numbers, links, quotation marks, strikethrough and tags: `4. Task 4: Labels`, `[Task 4](#a): Labels`, `~~Task 4~~`. */
const decoratedPattern =
  /^(?:<[^<>]{1,100}>|[^\p{L}\p{N}<]){0,20}(?:\d{1,4}(?:\.\d{1,4}){0,3}[.):]?\s{1,5})?[^\p{L}\p{N}]{0,5}(wave|task)[\s_-]{0,5}[#＃]?([\d０-９]{1,5})(?![\p{L}\p{N}_])(.*)$/isu;
/** The text after it continues like a heading, and not like a sentence. */
const titledPattern = /^(?:[^\p{L}\p{N}]*$|\s*[:：—–－.)\]}~*_`"'”’-])/u;
/** The end of a link, of a tag, of a quotation or of strikethrough. */
const closingPattern = /(?:\]\([^()]{0,150}\)|<\/[^<>]{1,100}>|[~"'”’)\]])$/u;
/** By its end, what a quotation or a bracket begins with. */
const openings = new Map(Object.entries({ '"': '"', "'": "'", '”': '“', '’': '‘', ')': '(', ']': '[' }));
/** `### Taks 1: title`: a number behind a word that is one slip away from one of the grammar's. */
const nearPattern = /^ {0,3}(#{2,4})\s+([a-z]{3,6})\s+(\d+)(\s*|\s*[:：—–－-].*)$/is;
/** Ordinary words that are as similar as a misspelling. */
const otherWords = new Set(['save', 'saves', 'have', 'gave', 'cave', 'mask', 'masks', 'ask', 'asks', 'tank', 'talk']);

function decoratedHeading(text: string, plain: string, level: number): HeadingLine['slip'] {
  const [, word = '', digits = '', rest = ''] = decoratedPattern.exec(plain.slice(0, lookLimit)) ?? [];
  if (word === '' || !titledPattern.test(rest)) return misspelledHeading(text);
  const isWave = word.toLowerCase() === 'wave';
  const title = withoutEnds(rest.replace(/^\]\([^)]{0,150}\)|^[^\p{L}\p{N}:：—–－-]+/u, ''));
  const message = isWave ? waveSlip(text, digits, title) : taskSlip(text, digits, title);
  return { message, isCertain: isSlipLevel(isWave, level) };
}

/** Without the ends of what began before the title; the quotation marks of `"Base"` stay. */
function withoutEnds(title: string): string {
  const [end] = closingPattern.exec(title) ?? [];
  if (end === undefined) return title;
  const rest = title.slice(0, -end.length);
  return isOpen(rest, end) ? title : withoutEnds(rest);
}

/** Whether the text begins what ends with that sign. */
function isOpen(text: string, end: string): boolean {
  const count = (sign: string) => text.split(sign).length - 1;
  const opening = openings.get(end);
  if (opening === undefined) return false;
  return opening === end ? count(end) % 2 === 1 : count(opening) > count(end);
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

/** The text around a keyword of the grammar. */
interface Written {
  level: number;
  digits: string;
  rest: string;
  /** The meaning of the marks before it. */
  marks: readonly boolean[];
  picture: string;
}

function waveHeading({ level, digits, rest, marks, picture }: Written): PlanHeading {
  const number = readNumber(digits);
  let problem =
    number > planNumberLimit ? `the wave's number is over ${planNumberLimit}; number the waves 1, 2, 3, …` : null;
  if (dottedPattern.test(rest))
    problem = `${quoted(`Wave ${digits}${rest}`)} has no whole number; number the waves 1, 2, 3, …`;
  const separated = withoutLeadingMarks(rest);
  const title = withoutTrailingMark(behindSeparator(separated.text));
  const all = [...marks, ...separated.marks, ...title.marks];
  const shown = withPicture(picture, title.text);
  return { kind: 'wave', level, number, title: shown, isDone: stateOf(all), problem, remark: contradiction(all) };
}

function taskHeading(written: Written): PlanHeading {
  const [dotted = '', minor = ''] = dottedPattern.exec(written.rest) ?? [];
  const heading = readTask(written);
  if (dotted === '') return { ...heading, counted: null };
  const inWave = readTask({ ...written, digits: minor, rest: written.rest.slice(dotted.length) });
  return { ...heading, counted: { wave: heading.number, heading: inWave } };
}

function readTask({ level, digits, rest, marks, picture }: Written): TaskHeading {
  const number = readNumber(digits);
  const separated = withoutLeadingMarks(rest);
  const behind = withoutLeadingMarks(separatorPattern.test(separated.text) ? behindSeparator(separated.text) : '');
  const title = withoutTrailingMark(behind.text);
  const all = [...marks, ...separated.marks, ...behind.marks, ...title.marks];
  const problem = taskProblem({ level, digits, number, rest, title: title.text });
  const remark = contradiction(all) ?? (all.length === 0 ? titleRemark(level, digits, title.text) : null);
  return {
    kind: 'task',
    level,
    number,
    title: withPicture(picture, title.text),
    isDone: stateOf(all),
    problem,
    remark,
  };
}

function withPicture(picture: string, title: string): string {
  return picture === '' ? title : `${picture} ${title}`.trim();
}

/** If marks contradict each other, the open one counts: work done twice is noticed, work left out is not. */
function stateOf(marks: readonly boolean[]): boolean | null {
  return marks.length === 0 ? null : marks.every((isDone) => isDone);
}

function contradiction(marks: readonly boolean[]): string | null {
  return new Set(marks).size < 2 ? null : 'this heading is marked as done and as open, and counts as open';
}

/** A title whose text, or a line through it, says that nothing is to be done. */
function titleRemark(level: number, digits: string, title: string): string | null {
  const form = `write ${quoted(`${'#'.repeat(level)} [x] Task ${digits}: …`)} where it is done`;
  if (/^~~.*~~$/s.test(title)) return `a title that is struck out is still a task to be done; ${form}, or remove it`;
  const word = /(?:[[(](?:done|completed?|finished)[\])]|\s[—–-]\s+(?:done|completed?|finished))$/i.exec(
    title.slice(-40),
  );
  return word === null ? null : `${quoted(word[0])} is read as part of the title; ${form}`;
}

interface ReadTask {
  level: number;
  digits: string;
  number: number;
  rest: string;
  title: string;
}

/** A title goes into a commit's subject and so through an argument list. */
const titleLimit = 500;

function taskProblem({ level, digits, number, rest, title }: ReadTask): string | null {
  if (number > planNumberLimit)
    return `the task's number is over ${planNumberLimit}; number the tasks of a wave 1, 2, 3, …`;
  if (number === 0) return 'a task is numbered 0; number the tasks of a wave 1, 2, 3, …';
  if (title.length > titleLimit) return `the task's title has more than ${titleLimit} characters; shorten it`;
  if (title !== '') return null;
  // `Task 1.2` is how people count tasks through a plan, where only the 2 belongs into the heading.
  const [dotted = '', minor = ''] = dottedPattern.exec(rest) ?? [];
  const written = behindSeparator(dotted === '' ? rest.replace(/^\s*[.)](?:\s+|$)/, '') : rest.slice(dotted.length));
  const heading = `Task ${minor === '' ? number : readNumber(minor)}: ${written === '' ? 'title' : written}`;
  const form = `write ${quoted(`${'#'.repeat(level)} ${heading}`)}`;
  const found = minor === '' ? 'has no title behind a colon or a dash' : 'does not begin with the number of its wave';
  return `task heading ${quoted(`Task ${digits}${rest}`)} ${found}; ${form}`;
}

function waveSlip(text: string, digits: string, rest: string): string {
  const title = behindSeparator(rest);
  return `${quoted(text)} is not read as a wave; write ${quoted(`## Wave ${readNumber(digits)}${title === '' ? '' : `: ${title}`}`)}`;
}

function taskSlip(text: string, digits: string, rest: string): string {
  const title = behindSeparator(rest);
  return `${quoted(text)} is not read as a task; write ${quoted(`### Task ${readNumber(digits)}: ${title === '' ? 'title' : title}`)}`;
}

/** The text behind one run of colons and dashes, without closing `#`s; nothing where only more of them follow. */
function behindSeparator(text: string): string {
  const rest = withoutClosingMarks(text.trimStart().replace(/^[:：—–－-]+/, ''));
  return /^[\s:：—–－-]*$/.test(rest) ? '' : rest;
}

/** The limit plus one for all numbers over the limit, since a longer one would lose digits, or be no number in JSON. */
function readNumber(digits: string): number {
  const significant = asciiDigits(digits).replace(/^0+/, '');
  return significant.length > String(planNumberLimit).length ? planNumberLimit + 1 : Number(significant);
}

/** Whether a task of that title would count as done. */
export function isDoneTitle(title: string): boolean {
  const { heading } = readHeading(`### Task 1: ${title}`);
  return heading?.kind === 'task' && heading.isDone === true;
}

/** What a heading or a line would be as a task: the number that it has, and what follows it. */
export interface LikeTask {
  number: number | null;
  title: string;
}

const countedWords =
  'step|phase|part|item|story|feature|milestone|ticket|issue|job|stage|todo|action|work item|subtask|sub-task|unit|chunk|slice|' +
  'schritt|aufgabe|teil|étape|etape|tâche|tache|paso|tarea|etapa|tarefa|passo|attività|шаг|задача|任务|任務|步骤|步驟|タスク|ステップ|작업|단계';
/** `Step 5: Stock`, `T006: Alarm`, `7. Door`, `#7 — Door`, `第7步：Door`. */
const countedPatterns = [
  new RegExp(`^(?:${countedWords})\\s{0,5}[#＃]?([\\d０-９]{1,4})(?:\\s{0,5}${separator}|[.)．]|$)(.*)$`, 'isu'),
  new RegExp(`^\\p{L}{1,12}[-_ ]?([\\d０-９]{1,4})\\s{0,5}${separator}\\s*(\\S.*)$`, 'su'),
  new RegExp(
    `^[(（[]?[#＃]?([\\d０-９]{1,4})(?:[.．][\\d０-９]{1,4}){0,3}(?:\\s{0,5}${separator}|[.)．）\\]、])\\s*(\\S.*)$`,
    'su',
  ),
  /^第\s?([\d０-９]{1,4})\s?(?:步|个任务|タスク)[:：\s]*(.*)$/su,
  // A word before it, as in `Backend Task 4: Labels`; not a sentence about a task, as in `Notes on Task 4`.
  new RegExp(`^[^:：]{1,40}?[\\s,/|·—–-]Task\\s{0,5}[#＃]?([\\d０-９]{1,4})\\s{0,5}${separator}\\s*(\\S.*)$`, 'su'),
];
/** `Task A: Labels`, `Task 1a: Labels`, `Task: Labels`, `B. Labels`. */
const letteredPattern = new RegExp(
  `^(?:task(?:\\s+[(（[]?[\\p{L}\\p{N}]{1,20}[)）\\]]?)?\\s{0,5}${separator}|[A-Z]\\.)\\s+(\\S.*)$`,
  'isu',
);

/** What a heading of another form would be as a task; null: it does not read like one. */
export function likeTask(title: string): LikeTask | null {
  const { text, marks } = undecorated(title.slice(0, lookLimit));
  for (const pattern of countedPatterns) {
    const [found, digits = '', rest = ''] = pattern.exec(text) ?? [];
    if (found !== undefined) return { number: readNumber(digits), title: behindSeparator(rest) };
  }
  const lettered = letteredPattern.exec(text);
  if (lettered !== null) return { number: null, title: lettered[1] ?? '' };
  return marks.length > 0 && text !== '' ? { number: null, title: text } : null;
}

/** `**Task 2: Till**` or `**Task 2:** Till` as a line of its own. */
const boldPattern = /^(\*\*|__)(wave|task)\s{1,5}#?(\d{1,4})(?![\p{L}\p{N}])((?:(?!\1).){0,200})\1(.*)$/isu;

/** The remark on a bold line that reads like a heading; null: none. */
export function boldHeading(text: string): string | null {
  if (!/^(?:\*\*|__)[wt]/i.test(text)) return null;
  const [, , word = '', digits = '', inner = '', rest = ''] = boldPattern.exec(text) ?? [];
  // `**Task 2 is late**` and `**Task 2** is late` are sentences.
  const title = `${inner}${rest}`.trim();
  if (word === '' || !(title === '' || separatorPattern.test(title))) return null;
  return word.toLowerCase() === 'wave' ? waveSlip(text, digits, title) : taskSlip(text, digits, title);
}

/** The remark on a line that a line of dashes makes a heading, if it would be one of the grammar; null: it would not. */
export function underlinedHeading(text: string): string | null {
  const { text: plain } = undecorated(text.trim());
  const [, word = '', , , digits = '', rest = ''] = namePattern.exec(plain) ?? [];
  if (word === '' || !(rest.trim() === '' || separatorPattern.test(rest.trim()))) return null;
  return word.toLowerCase() === 'wave' ? waveSlip(text, digits, rest) : taskSlip(text, digits, rest);
}
