/** The `**Name:** value` lines of a plan: those of the whole document, and those of a task with what stands beneath them. */
import { type Amounts, amountsForm, readAmounts } from '../vocabulary/budget.ts';
import { isHostName } from '../vocabulary/host-name.ts';
import { planNameOf } from '../vocabulary/ids.ts';
import { readIssueLinks } from './issue-links.ts';
import { type Label, readLabel, slippedLabel } from './labels.ts';
import { type PlanDocument, type PlanTask, planNumberLimit, quoted, type ReportProblem } from './shape.ts';

/** A topic stands in lists, a check in a shell's argument list; both ends have limits of their own. */
const topicLimit = 200;
const checkLimit = 8000;

const headerNames = ['goal', 'architecture', 'tech stack', 'topic', 'host', 'issue', 'after', 'budget'] as const;
/** A budget is the plan's: in a task it is a problem, and not text. */
const taskNames = ['check', 'files', 'after', 'budget'] as const;
type HeaderName = (typeof headerNames)[number];
type TaskName = (typeof taskNames)[number];

type Field<Name extends string> = Label & { name: Name };

/** The field that a line begins with. A label that was most likely meant as one is reported. */
function readField<Name extends string>(
  text: string,
  known: readonly Name[],
  found: (message: string) => void,
): Field<Name> | null {
  const label = readLabel(text);
  if (label === null) return null;
  const name = known.find((candidate) => candidate === label.name);
  if (name !== undefined && !label.isUnderscored) return { ...label, name };
  const meant = name ?? slippedLabel(label.name, known);
  if (meant !== null) found(slipMessage(label.written, meant));
  return null;
}

function slipMessage(written: string, meant: string): string {
  const shown = capitalised(meant);
  const advice = `write **${shown}:**, or use another word where it is only text`;
  return `${quoted(written)} is not read; did you mean **${shown}:**? ${advice}`;
}

function capitalised(name: string): string {
  return name.replace(/(?:^| )[a-z]/g, (letter) => letter.toUpperCase());
}

/** `none` and a lone dash are how people write that there is nothing. */
function isNothing(value: string): boolean {
  return value === '' || /^(?:none\.?|[-–—])$/i.test(value);
}

/**
 * What became of a line outside of tasks. `taken`: it was read, and those that were held before it with it. `held`: it is taken if one of the
 * next lines is its value. `text`: it is none of ours.
 */
export type HeaderLine = 'taken' | 'held' | 'text';

export interface HeaderReader {
  /** A line outside of tasks that is no heading and outside of fences. */
  read(text: string, line: number): HeaderLine;
  /** A heading, a task or a fence came: the value that was being read is over. */
  interrupt(): void;
}

/**
 * Reads the header lines into the document; of each the first that says something counts. A value may stand on the next line that is not
 * blank, and one of prose goes on to the end of its paragraph.
 */
export function createHeaderReader(document: PlanDocument, report: ReportProblem): HeaderReader {
  /** The field that the next line may belong to. */
  let open: { name: HeaderName; hasValue: boolean } | null = null;

  function start({ name, value }: Field<HeaderName>, line: number): HeaderLine {
    if (isRead(document, name)) return 'text';
    open = { name, hasValue: value !== '' };
    if (value === '') return 'held';
    take(document, { name, value }, line, report);
    return 'taken';
  }

  function continueField(text: string, line: number): HeaderLine {
    if (open === null) return 'text';
    const { name, hasValue } = open;
    const value = text.trim();
    if (value === '' && !hasValue) return 'held';
    if (!isProse(text) || (hasValue && !isProseName(name))) {
      open = null;
      return 'text';
    }
    open = { name, hasValue: true };
    if (hasValue && isProseName(name)) document[keys[name]] += ` ${value}`;
    else take(document, { name, value }, line, report);
    return 'taken';
  }

  return {
    read(text, line) {
      const label = readLabel(text);
      if (label === null || label.indent !== null) return continueField(text, line);
      open = null;
      const field = readField(text, headerNames, (message) => report(line, message));
      return field === null ? 'text' : start(field, line);
    },
    interrupt() {
      open = null;
    },
  };
}

const keys = { goal: 'goal', architecture: 'architecture', 'tech stack': 'techStack' } as const;

function isProseName(name: HeaderName): name is keyof typeof keys {
  return name in keys;
}

function isRead(document: PlanDocument, name: HeaderName): boolean {
  if (name === 'after') return document.after.length > 0;
  if (name === 'issue') return document.issues.length > 0;
  if (name === 'budget') return document.budget !== null;
  return document[name === 'topic' || name === 'host' ? name : keys[name]] !== null;
}

/** A line that goes on with a paragraph: neither blank nor the start of a list, a quotation, a table, a comment or a rule. */
function isProse(text: string): boolean {
  return text.trim() !== '' && !/^\s*(?:[-*+>|<]|[-*_=]{3,}\s*$|\d{1,9}[.)]\s)/.test(text);
}

function take(
  document: PlanDocument,
  { name, value }: { name: HeaderName; value: string },
  line: number,
  report: ReportProblem,
): void {
  if (isProseName(name)) document[keys[name]] = value;
  else if (isNothing(value)) return;
  else if (name === 'after') document.after = readPlanNames(value, line, report);
  else if (name === 'issue') document.issues = readIssueLinks(value, line, report);
  else if (name === 'budget') document.budget = readBudget(value, line, report);
  else if (name === 'host') document.host = readHost(value, line, report);
  else {
    if (value.length > topicLimit) report(line, `the topic has more than ${topicLimit} characters; shorten it`);
    document.topic = value;
  }
}

function readBudget(value: string, line: number, report: ReportProblem): Amounts | null {
  const budget = readAmounts(value);
  if (budget === null) report(line, `${quoted(value)} is no budget; write ${amountsForm}, as in **Budget:** 5 USD`);
  return budget;
}

function readHost(value: string, line: number, report: ReportProblem): string | null {
  const host = value.replaceAll('`', '').trim();
  if (isHostName(host)) return host;
  report(line, `${quoted(value)} is no host; write the name of one or one of its labels, as in **Host:** gpu`);
  return null;
}

/** Where a line reads like a budget that counts for less than the plan. */
export function misplacedBudget(text: string): string | null {
  const label = readLabel(text);
  return label?.name === 'budget' ? budgetPlace : null;
}

const budgetPlace = 'a budget is that of the whole plan; write **Budget:** before the first wave';

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

  function readTaskField(field: Field<TaskName>, line: number): void {
    if (field.name === 'budget') report(line, budgetPlace);
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
      const field = readField(text, taskNames, (message) => report(line, message));
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
