/** The fields of a task: the `**Name:** value` lines of its body, with what is beneath them. */
import {
  asciiDigits,
  codeSpan,
  type Field,
  isNothing,
  type Reports,
  readField,
  repoAdvice,
  repoName,
  type TextLine,
} from './fields.ts';
import { fileItems } from './files.ts';
import { isProofLabel, type Label } from './labels.ts';
import { type PlanTask, planNumberLimit, quoted, type ReportProblem } from './shape.ts';

/** A check is in a shell's argument list. */
const checkLimit = 8000;

const taskNames = ['check', 'files', 'after', 'agent', 'repo'] as const;
type TaskName = (typeof taskNames)[number];

/** A task that follows another task of its wave, and the line of the document that says so. */
export interface TaskLink {
  task: PlanTask;
  after: number;
  line: number;
}

export interface TaskReader {
  /** A line of the task's body that is no heading and outside of fences. */
  read(line: TextLine): void;
  /** A heading or a fence came: a list beneath a field is over. */
  interrupt(): void;
  /** The task is over. */
  end(): void;
}

/** The list beneath a field that is being read: items are at `least` or deeper, and at the first item's indent (`own`). */
interface FieldList {
  of: 'files' | 'after';
  least: number;
  own: number | null;
  hasItem: boolean;
  hasGap: boolean;
}

/** What a task says of the files that it writes and that was not read. `isField`: an empty field, which no list of files follows. */
interface UnreadFiles {
  line: number;
  text: string;
  isField: boolean;
}

/**
 * Reads the lines of one task's body into the task; its links also go to `links`, with their lines. `wave`: the number of its wave, if it has one.
 * `planRepo`: the repo of a task that says nothing about it.
 */
export function createTaskReader(
  { task, wave, planRepo }: { task: PlanTask; wave: number | null; planRepo: string | null },
  links: TaskLink[],
  report: Reports,
): TaskReader {
  let list: FieldList | null = null;
  const files = new Set<string>();
  const after = new Set<number>();
  let saysRepo = false;

  /** A line that looks like a check and is not one; it matters only if the task has no check. */
  const almostChecks: { line: number; message: string }[] = [];
  /** The first line that says in plain words what comes first; it matters only if no field does. */
  let plainOrder: { line: number; text: string } | null = null;
  let unreadFiles: UnreadFiles | null = null;
  /** The meaning of each check box, and the line of a status that says that the task is done. */
  const boxes: boolean[] = [];
  let doneStatus: number | null = null;

  function addFiles(value: string, line: number): void {
    if (unreadFiles?.isField === true) unreadFiles = null;
    for (const { paths, remark } of fileItems(value)) {
      if (remark !== null) report.remark(line, remark);
      for (const path of paths) {
        if (files.has(path)) continue;
        files.add(path);
        task.files.push(path);
      }
    }
  }

  function addLink(number: number, line: number): void {
    if (after.has(number)) return;
    after.add(number);
    task.after.push(number);
    links.push({ task, after: number, line });
  }

  function addLinks(value: string, line: number): void {
    for (const number of taskNumbers(value, { line, wave }, report.problem)) addLink(number, line);
  }

  function readTaskField(field: Field<TaskName>, line: number): void {
    if (field.name === 'check') readCheck(task, field.value, line, report);
    if (field.name === 'after') addLinks(field.value, line);
    if (field.name === 'agent') readAgent(task, field.value, line, report);
    if (field.name === 'repo') {
      saysRepo = true;
      readRepo(task, field.value, line, report);
    }
    if (field.name === 'files' && !isNothing(field.value)) addFiles(field.value, line);
    if ((field.name === 'files' || field.name === 'after') && field.value === '')
      list = {
        of: field.name,
        least: field.indent === null ? 0 : field.indent + 1,
        own: null,
        hasItem: false,
        hasGap: false,
      };
    if (field.name === 'files' && field.value === '') unreadFiles ??= { line, text: '**Files:**', isField: true };
  }

  function readListLine(text: string, line: number): void {
    if (list === null) return;
    const isBlank = text.trim() === '';
    if (isBlank && !list.hasItem) {
      list.hasGap = true;
      return;
    }
    const item = /^(\s*)(?:[-*+]|\d{1,9}[.)])[ \t]+(.*)$/s.exec(text);
    const [, spaces = '', rest = ''] = item ?? [];
    // A blank line ends the list, or the steps that often follow it would be taken for files.
    const isOver = item === null ? isBlank || list.own === null || !/^\s/.test(text) : spaces.length < list.least;
    // Steps may also follow an empty **After:**.
    const isStep = list.of === 'after' && list.hasGap && !taskNumberPattern.test(rest);
    if (list.of === 'files' && list.own === null && isNothing(text.trim())) unreadFiles = null;
    // A number below an empty **After:** which is no item of a list.
    if (list.of === 'after' && item === null && taskNumbersPattern.test(text.trim()))
      plainOrder ??= { line, text: text.trim() };
    if (isOver || isStep) list = null;
    else if (item !== null) {
      list.own = Math.min(list.own ?? spaces.length, spaces.length);
      list.hasItem = true;
      if (spaces.length >= list.own + 2) return;
      if (list.of === 'files' && fileLabelPattern.test(rest)) list.own = null;
      else if (list.of === 'files') addFiles(rest, line);
      else addLinks(rest, line);
    }
  }

  return {
    read({ text, number: line, label }) {
      const found = (message: string) => report.problem(line, message);
      const field = label === null ? null : readField(label, taskNames, found);
      if (field !== null) {
        list = null;
        readTaskField(field, line);
        return;
      }
      const box = /^\s*(?:[-*+]|\d{1,9}[.)])\s+\[([ xX])\]\s/.exec(text)?.[1];
      if (box !== undefined) boxes.push(box !== ' ');
      if (saysDone(label)) doneStatus ??= line;
      const message = almostCheck(text, label);
      if (message !== null && almostChecks.length < almostCheckLimit) almostChecks.push({ line, message });
      if (plainOrderPattern.test(text)) plainOrder ??= { line, text: text.trim() };
      if (saysFiles(text)) unreadFiles ??= { line, text: text.trim(), isField: false };
      readListLine(text, line);
    },
    interrupt() {
      list = null;
    },
    end() {
      if (!saysRepo) task.repo = planRepo;
      const { repo } = task;
      // They are written as that repo has them.
      if (repo !== null)
        task.files = task.files.map((file) => (file.startsWith(`${repo}/`) ? file : `${repo}/${file}`));
      if (plainOrder !== null && after.size === 0)
        report.remark(
          plainOrder.line,
          `${quoted(plainOrder.text)} is text, and nothing waits; write it as in **After:** 1`,
        );
      if (unreadFiles !== null && files.size === 0) report.remark(unreadFiles.line, unreadText(unreadFiles));
      if (!task.isDone && (doneStatus !== null || (boxes.length > 0 && boxes.every(Boolean)))) {
        const found =
          doneStatus === null ? 'all check boxes of the task are checked' : 'the status says that the task is done';
        const form = `write ${quoted(`### [x] Task ${task.number}: …`)} where it is done`;
        report.remark(doneStatus ?? task.line, `${found}, and it counts as open; ${form}`);
      }
      if (task.check !== null) return;
      for (const { line, message } of almostChecks) report.remark(line, message);
    },
  };
}

function unreadText({ text, isField }: UnreadFiles): string {
  const found = isField ? 'names no file' : 'is text';
  const form = isField ? 'write their paths in its line, or as a list below it' : 'write it as in **Files:** src/a.ts';
  return `${quoted(text)} ${found}, and other tasks may write these files meanwhile; ${form}`;
}

/** `After: 1`, `Depends on Task 2`, `- Blocked by: 1, 2` without the bold text of a field. */
const plainOrderPattern =
  /^ {0,3}(?:[-*+][ \t]+)?(?:(?:after|depends on|dependencies|blocked by)[ \t]*[:：][ \t]*(?:tasks?[ \t]+)?#?\d|(?:depends on|blocked by)[ \t]+tasks?[ \t]+#?\d)/i;

const taskNumberPattern = /^(?:tasks?\s+)?[#＃]?[\d０-９]/i;
/** Task numbers and nothing else. */
const taskNumbersPattern = /^(?:tasks?|and|[\d０-９#＃&,，、\s])*[\d０-９]\.?$/i;

/** `Modify:` above the files themselves; a file may have such a name, too: `Makefile:`. */
const fileLabelPattern =
  /^(?!(?:\S+file|LICENSE|README|CHANGELOG|VERSION|CODEOWNERS|NOTICE|AUTHORS)\s*[:：])[^`./]*[:：]\**\s*$/;

/** `Files: a.ts`, `*Files:* a.ts`, or `Files:` above a list, without the bold text of a field. */
function saysFiles(text: string): boolean {
  const value = /^ {0,3}(?:[-*+][ \t]+)?(?:[*_]files?(?:[:：][*_]|[*_][:：])|files?[ \t]*[:：])(.*)$/is.exec(text)?.[1];
  return value !== undefined && (value.trim() === '' || fileItems(value).some(({ paths }) => paths.length > 0));
}

/** `**Status:** done`, with or without a mark. */
export function saysDone(label: Label | null): boolean {
  return label?.name === 'status' && /^\W{0,20}(?:\[x\])?\W{0,20}(?:done|completed?)\W{0,20}$/iu.test(label.value);
}

/** The most such lines that are examined in one task. */
const almostCheckLimit = 20;
const unmarkedCheck =
  /^ {0,3}(?:>\s?)?(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?:\p{Extended_Pictographic}\uFE0F? )?(?:\*\*check\*\*\s+|(?:\*{0,3}|_)check(?: \([^()]{1,40}\))?[*_]{0,3}(?::[*_]{1,3}\s*|:\s+|：[*_]{0,3}\s*))(\S.*)$/isu;

/** The remark on a line that was most likely meant as a check and is not run: `**Check** npm test`, `*Check:* npm test`, `> **Check:** npm test`, `**Verify:** npm test`. */
function almostCheck(text: string, label: TextLine['label']): string | null {
  const [written, command = ''] = unmarkedCheck.exec(text) ?? [];
  if (written !== undefined)
    return `${quoted(written.trim())} is not read, so nothing runs it; a check is written **Check:** ${shortened(command)}`;
  if (label === null || !isProofLabel(label)) return null;
  const example = (label.value.startsWith('`') ? codeSpan(label.value) : null) ?? 'npm test';
  const form = `what must exit with 0 before the task is done is written **Check:** ${shortened(example)}`;
  return `${quoted(label.written)} is text, and nothing runs it; ${form}`;
}

/** In a message. */
function shortened(command: string): string {
  return quoted(command.trimEnd()).slice(1, -1);
}

/** The name of a table, which the configuration knows; only its form is checked here. */
function readAgent(task: PlanTask, value: string, line: number, report: Reports): void {
  if (value !== '' && isNothing(value)) return;
  const name = value.startsWith('`') ? codeSpan(value) : value;
  if (task.agent !== null) report.problem(line, 'the task has a second agent; one does it');
  else if (name === null || !/^[\w.-]{1,64}$/.test(name))
    report.problem(
      line,
      `${quoted(value)} is no name of an agent; write that of a table [agents.<name>], as in **Agent:** strong`,
    );
  else task.agent = name;
}

/** The name of a member, which the configuration knows; only its form is checked here. */
function readRepo(task: PlanTask, value: string, line: number, report: Reports): void {
  if (value !== '' && isNothing(value)) return;
  if (task.repo !== null) report.problem(line, 'the task has a second repo; write a task for each');
  else {
    task.repo = repoName(value);
    if (task.repo === null) report.problem(line, `${quoted(value)} is no name of a repo; ${repoAdvice}`);
  }
}

function readCheck(task: PlanTask, value: string, line: number, report: Reports): void {
  if (value !== '' && isNothing(value)) return;
  const command = value.startsWith('`') ? codeSpan(value) : value;
  const problem = checkProblem(value, command, task.check);
  if (problem !== null) report.problem(line, problem);
  else task.check = command;
  const last = command === null ? null : neverFailing(command);
  if (last !== null) report.remark(line, `this check cannot fail: it ends in ${quoted(last)}; leave that out`);
}

/** The last command of a check, where its exit code is 0 whatever came before: `|| true`, `|| echo no`, `| tail -5`. */
function neverFailing(command: string): string | null {
  return endsWell.exec(command.trim())?.[0] ?? null;
}

const words = `(?:"[^"]*"|'[^']*'|[^"'|&;()])*`;
const endsWell = new RegExp(
  String.raw`(?:\|\|\s*(?:true|:|echo\b${words})|(?<!\|)\|\s*(?:head|tail|cat|tee)\b${words})$`,
);

function checkProblem(value: string, command: string | null, earlier: string | null): string | null {
  if (value === '') return 'the check has no command; write it on the same line, as in **Check:** npm test';
  if (earlier !== null) return 'the task has a second check; join the commands with && in one **Check:**';
  if (command === null) {
    return `the check ${quoted(value)} is partly in backticks; put the whole command into one pair, or into none`;
  }
  const [open] = /(?:\\|&&|\|)$/.exec(command.trim()) ?? [];
  if (open !== undefined) return `the check ends in ${quoted(open)}; write the whole command on one line`;
  if (command.length <= checkLimit) return null;
  return `the check has more than ${checkLimit} characters; move it into a script of the repo`;
}

/** `wave`: the one that the task is in; a number of it may be written `1.2`, and one of an earlier wave holds anyway. */
function taskNumbers(
  value: string,
  { line, wave }: { line: number; wave: number | null },
  report: ReportProblem,
): number[] {
  if (isNothing(value)) return [];
  const numbers: number[] = [];
  for (const item of asciiDigits(value).split(/[,，、،]|\band\b|&/)) {
    const written = item.trim();
    if (written === '') continue;
    const [, own, dotted] = /^(?:tasks?\s+)?[#＃]?0*(\d{1,4})(?:\.0*(\d{1,4}))?\.?$/i.exec(written) ?? [];
    if (own !== undefined && dotted === undefined) numbers.push(Number(own));
    else if (own !== undefined && wave !== null && Number(own) === wave) numbers.push(Number(dotted));
    else if (own === undefined || wave === null || Number(own) > wave) {
      const form = 'write the numbers of tasks of the same wave, as in **After:** 1, 2 (earlier waves are done anyway)';
      report(line, `${quoted(written)} is no task number up to ${planNumberLimit}; ${form}`);
    }
  }
  return numbers;
}
