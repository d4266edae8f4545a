/** The `**Name:** value` lines of a plan: those of the whole document, and those of a task with what stands beneath them. */
import { planNameOf } from './ids.ts';
import { type PlanDocument, type PlanTask, planNumberLimit, quoted, type ReportProblem } from './plan-shape.ts';

/** A topic stands in lists, a check in a shell's argument list; both ends have limits of their own. */
const topicLimit = 200;
const checkLimit = 8000;

type FieldName = 'goal' | 'architecture' | 'tech stack' | 'topic' | 'after' | 'check' | 'files';

interface Field {
  name: FieldName;
  value: string;
  /** null at line start, else how far the bullet or the spaces before the field are in. */
  indent: number | null;
}

/** Also `**Name**: value`, which looks the same when it is rendered. */
const fieldPattern =
  /^(( {0,3})(?:[-*+][ \t]+)?)\*\*(goal|architecture|tech stack|topic|after|check|files)(?::\*\*|\*\*[ \t]*:)(.*)$/is;

function readField(text: string): Field | null {
  const found = fieldPattern.exec(text);
  if (found === null) return null;
  const [, lead = '', spaces = '', name = '', value = ''] = found;
  const fieldName = name.toLowerCase() as FieldName; // one of the pattern's words
  return { name: fieldName, value: value.trim(), indent: lead === '' ? null : spaces.length };
}

/** `none` and a lone dash are how people write that there is nothing. */
function isNothing(value: string): boolean {
  return value === '' || /^(?:none\.?|[-–—])$/i.test(value);
}

/** Reads a line outside of tasks into the document; of each header line the first that says something counts. */
export function readHeaderLine(text: string, line: number, document: PlanDocument, report: ReportProblem): void {
  const field = readField(text);
  if (field === null || field.indent !== null || field.value === '') return;
  if (field.name === 'goal') document.goal ??= field.value;
  if (field.name === 'architecture') document.architecture ??= field.value;
  if (field.name === 'tech stack') document.techStack ??= field.value;
  if (isNothing(field.value)) return;
  if (field.name === 'topic') {
    if (field.value.length > topicLimit) report(line, `the topic has more than ${topicLimit} characters; shorten it`);
    document.topic ??= field.value;
  }
  if (field.name === 'after' && document.after.length === 0) document.after = readPlanNames(field.value, line, report);
}

function readPlanNames(value: string, line: number, report: ReportProblem): string[] {
  const names = new Set<string>();
  for (const item of value.split(',')) {
    const written = item.replaceAll('`', '').trim();
    if (written === '') continue;
    const name = planNameOf(written);
    if (name === null)
      report(line, `${quoted(written)} is no plan's name; write names as in **After:** plan-a, plan-b`);
    else names.add(name);
  }
  return [...names];
}

/** That a task comes after another one of its wave, and the line that says so. */
export interface TaskLink {
  task: PlanTask;
  after: number;
  line: number;
}

export interface TaskReader {
  /** A line of the task's body that is no heading and outside of fences. */
  read(text: string, line: number): void;
  /** A heading or a fence came: a list beneath `**Files:**` is over. */
  interrupt(): void;
}

/** Reads the lines of one task's body into the task; its links also go to `links`, with their lines. */
export function createTaskReader(task: PlanTask, links: TaskLink[], report: ReportProblem): TaskReader {
  /** A list of files that is being read: items stand at `least` or deeper, and at the first item's indent (`own`). */
  let list: { least: number; own: number | null } | null = null;
  const files = new Set<string>();
  const after = new Set<number>();

  function addFile(item: string): void {
    const path = filePath(item);
    if (path === '' || files.has(path)) return;
    files.add(path);
    task.files.push(path);
  }

  function addLink(number: number, line: number): void {
    if (after.has(number)) return;
    after.add(number);
    task.after.push(number);
    links.push({ task, after: number, line });
  }

  function readTaskField(field: Field, line: number): void {
    if (field.name === 'check') readCheck(task, field.value, line, report);
    if (field.name === 'after') for (const number of taskNumbers(field.value, line, report)) addLink(number, line);
    if (field.name === 'files') {
      if (field.value === '') list = { least: field.indent === null ? 0 : field.indent + 1, own: null };
      else for (const item of commaItems(field.value)) addFile(item);
    }
  }

  function readListLine(text: string): void {
    if (list === null) return;
    const isBlank = text.trim() === '';
    if (isBlank && list.own === null) return;
    const item = /^(\s*)(?:[-*+]|\d{1,9}[.)])[ \t]+(.*)$/s.exec(text);
    const [, spaces = '', rest = ''] = item ?? [];
    // A blank line ends the list, or the steps that often follow it would be taken for files.
    const isOver = item === null ? isBlank || list.own === null || !/^\s/.test(text) : spaces.length < list.least;
    if (isOver) list = null;
    else if (item !== null) {
      list.own ??= spaces.length;
      if (spaces.length < list.own + 2) addFile(rest);
    }
  }

  return {
    read(text, line) {
      const field = readField(text);
      if (field === null) return readListLine(text);
      list = null;
      readTaskField(field, line);
    },
    interrupt() {
      list = null;
    },
  };
}

function readCheck(task: PlanTask, value: string, line: number, report: ReportProblem): void {
  if (value !== '' && isNothing(value)) return;
  const command = value.startsWith('`') ? codeSpan(value) : value;
  const problem = checkProblem(value, command, task.check);
  if (problem !== null) report(line, problem);
  else task.check = command;
}

function checkProblem(value: string, command: string | null, earlier: string | null): string | null {
  if (value === '') return 'the check has no command; write it on the same line, as in **Check:** npm test';
  if (earlier !== null) return 'the task has a second check; join the commands with && in one **Check:**';
  if (command === null) {
    return `the check ${quoted(value)} is partly in backticks; put the whole command into one pair, or into none`;
  }
  if (command.length <= checkLimit) return null;
  return `the check has more than ${checkLimit} characters; move it into a script of the repo`;
}

/** The content of a value that is one code span from end to end. A shell would run what the backticks print. */
function codeSpan(value: string): string | null {
  let width = 0;
  while (value[width] === '`') width += 1;
  const marker = '`'.repeat(width);
  const content = value.slice(width, -width);
  if (value.length <= 2 * width || !value.endsWith(marker) || content.includes(marker)) return null;
  return content.trim() === '' ? null : content.trim();
}

function taskNumbers(value: string, line: number, report: ReportProblem): number[] {
  if (isNothing(value)) return [];
  const numbers: number[] = [];
  for (const item of value.split(/,|\band\b|&/)) {
    const written = item.trim();
    if (written === '') continue;
    const found = /^(?:tasks?\s+)?#?0*(\d{1,4})\.?$/i.exec(written);
    if (found === null) {
      const form = 'write the numbers of tasks of the same wave, as in **After:** 1, 2 (earlier waves are done anyway)';
      report(line, `${quoted(written)} is no task number up to ${planNumberLimit}; ${form}`);
      continue;
    }
    numbers.push(Number(found[1]));
  }
  return numbers;
}

/** Splits at the commas outside of backticks. */
function commaItems(value: string): string[] {
  const items: string[] = [];
  let isCode = false;
  let start = 0;
  for (let at = 0; at < value.length; at += 1) {
    if (value[at] === '`') isCode = !isCode;
    if (value[at] !== ',' || isCode) continue;
    items.push(value.slice(start, at));
    start = at + 1;
  }
  return [...items, value.slice(start)];
}

/** The first backticked path; without backticks the first word behind a check box and a label like `Modify:`. */
function filePath(item: string): string {
  const opening = item.indexOf('`');
  const closing = opening < 0 ? -1 : item.indexOf('`', opening + 1);
  const written = closing < 0 ? firstWord(item.replaceAll('`', '')) : item.slice(opening + 1, closing).trim();
  const path = withoutLineRange(written);
  return path.startsWith('./') ? path.slice(2) : path;
}

function firstWord(item: string): string {
  const rest = item
    .trim()
    .replace(/^\[[ xX]\]\s+/, '')
    .replace(/^\**[A-Za-z]+:\**\s+/, '');
  const word = /^\S*/.exec(rest)?.[0] ?? '';
  return isNothing(word) ? '' : word.replace(/[,;]$/, '');
}

function withoutLineRange(path: string): string {
  const colon = path.lastIndexOf(':');
  return colon > 0 && /^\d+(?:[-–]\d+)?$/.test(path.slice(colon + 1)) ? path.slice(0, colon) : path;
}
