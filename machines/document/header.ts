/** The fields of a plan, `**Name:** value`: they are before its first section, and nowhere else. */
import { type Amounts, amountsForm, readAmounts } from '../vocabulary/budget.ts';
import { isHostName } from '../vocabulary/host-name.ts';
import { planNameOf } from '../vocabulary/ids.ts';
import {
  asciiDigits,
  type Field,
  isNothing,
  type Reports,
  readField,
  repoAdvice,
  repoName,
  shownName,
  type TextLine,
} from './fields.ts';
import { readIssueLinks } from './issue-links.ts';
import type { Label } from './labels.ts';
import { type PlanDocument, quoted, type ReportProblem } from './shape.ts';

/** A topic is in lists. */
const topicLimit = 200;

const headerNames = [
  'goal',
  'architecture',
  'tech stack',
  'topic',
  'host',
  'issue',
  'after',
  'budget',
  'land',
  'repo',
] as const;
type HeaderName = (typeof headerNames)[number];

/** The part of the document that a line is in; lines of code and comments have none. */
export type LinePlace = 'introduction' | 'section' | 'task';

export interface HeaderReader {
  /** A line that is no heading, and is before the first section. */
  read(line: TextLine): void;
  /** A line below the head, where a field is plain text: it reports a line that was most likely meant as one. */
  readBelow(line: TextLine, place: LinePlace): void;
  /** A heading, a task or a fence came: the value that was being read is over. */
  interrupt(): void;
  /** The first section begins with that heading. */
  end(heading: string): void;
  hasEnded(): boolean;
}

/**
 * Reads the fields into the document; of several fields of one name, the first that is not empty counts. A value may be on the next line that is not blank.
 * One of prose goes on to the end of its paragraph, and one of several items behind a comma at the end of a line, or in a list beneath an empty value.
 */
export function createHeaderReader(document: PlanDocument, report: Reports): HeaderReader {
  /** The field that the next line may belong to. */
  let open: OpenField | null = null;
  let section: string | null = null;
  const block = createBlockWatch();

  function readLine({ text, number: line, label }: TextLine): void {
    const name = label === null ? null : nameOf(label);
    if (label === null || label.indent !== null || block.isHtml()) {
      if (label !== null && name !== null) report.remark(line, unreadMessage(label, name, block.isHtml()));
      if (label !== null && open !== null && itemNames.has(open.name)) close();
      else continueField(text, line);
      return;
    }
    close();
    // Libraries are in a plan's head under that name more often than plans, and links more often than members.
    const isOther = label.name === 'dependencies' || label.name === 'repos';
    const found = isOther ? () => {} : (message: string) => report.problem(line, message);
    const field = readField(label, headerNames, found);
    if (field !== null) start(field, line);
  }

  function start({ name, value }: Field<HeaderName>, line: number): void {
    if (isRead(document, name)) {
      report.remark(line, `this ${shownName(name)} is text, because the plan has one above; join them, or remove one`);
      return;
    }
    open = { name, values: value === '' ? [] : [value], line, isList: false, hasGap: false };
  }

  function continueField(text: string, line: number): void {
    if (open === null) return;
    const isFirst = open.values.length === 0;
    if (text.trim() === '' && isFirst) {
      open.hasGap = true;
      return;
    }
    const value = listItem(open, text) ?? (isProse(text) && goesOn(open) ? text.trim() : null);
    if (value === null) {
      close();
      return;
    }
    open.values.push(value);
    if (isFirst) open.line = line;
  }

  function close(): void {
    if (open === null) return;
    const { name, values, line, isList } = open;
    open = null;
    if (values.length > 0) take(document, { name, value: values.join(isList ? ', ' : ' ') }, line, report);
  }

  return {
    read(line) {
      const underlined = block.read(line);
      if (underlined === null) readLine(line);
      else {
        close();
        section = quoted(underlined);
      }
    },
    readBelow({ number: line, label }, place) {
      const name = label === null ? null : nameOf(label);
      if (label === null || name === null || label.isUnderscored || section === null) return;
      // A task's field, which the task's reader takes.
      if (place === 'task' ? name === 'after' || name === 'repo' || isProseName(name) : label.indent !== null) return;
      // A wave has a goal too.
      if (place === 'introduction' && isProseName(name) && isRead(document, name)) return;
      if (isNothing(label.value) && label.value !== '') return;
      const where = { introduction: 'below the first section', section: 'below the first section', task: 'in a task' };
      const advice = `move it above ${section} to put it in force for the whole plan`;
      report.remark(line, `${shownName(name)} is ${where[place]} and is text; ${advice}`);
    },
    interrupt() {
      close();
      block.interrupt();
    },
    end(heading) {
      close();
      section ??= quoted(heading);
    },
    hasEnded: () => section !== null,
  };
}

function nameOf(label: Label): HeaderName | null {
  return headerNames.find((candidate) => candidate === label.name) ?? null;
}

function unreadMessage(label: Label, name: HeaderName, isHtml: boolean): string {
  const shown = shownName(name);
  if (isHtml) return `${shown} is in HTML and is text; leave a blank line above it to put it in force`;
  return `${quoted(label.written)} is in a list or indented, and is text; begin the line with ${shown} to put it in force`;
}

interface BlockWatch {
  /** The text of a heading of level 2 where this line underlines it; null: it does not. */
  read(line: TextLine): string | null;
  /** The block is over. */
  interrupt(): void;
  /** The line that was read last is in a block of HTML. */
  isHtml(): boolean;
}

const htmlPattern =
  /^ {0,3}<\/?(?:article|aside|blockquote|center|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|iframe|li|main|nav|ol|p|section|summary|table|tbody|td|tfoot|th|thead|tr|ul)(?=[\s/>]|$)/i;

/** Follows the blocks of markdown from line to line, as far as they decide where a field may be. */
function createBlockWatch(): BlockWatch {
  /** The open block: a paragraph with its lines so far, which may be underlined; HTML up to the next blank line; or another one, such as a list. */
  let block: { kind: 'paragraph' | 'html' | 'other'; text: string } | null = null;

  return {
    read({ text, label }) {
      const isRule = /^ {0,3}-{2,}[ \t]*$/.test(text);
      if (text.trim() === '') block = null;
      else if (isRule) {
        const title = block?.kind === 'paragraph' ? block.text : null;
        if (block?.kind !== 'html') block = null;
        return title;
      } else if (block === null) {
        const isParagraph = isProse(text) && !/^(?: {4}|\t)/.test(text) && label === null;
        block = { kind: htmlPattern.test(text) ? 'html' : isParagraph ? 'paragraph' : 'other', text: text.trim() };
      } else if (block.kind === 'paragraph' && (label !== null || !isProse(text))) {
        block = { kind: 'other', text: '' };
      }
      return null;
    },
    interrupt() {
      block = null;
    },
    isHtml: () => block?.kind === 'html',
  };
}

interface OpenField {
  name: HeaderName;
  /** Its lines so far; `line`: that of the first of them. */
  values: string[];
  line: number;
  isList: boolean;
  hasGap: boolean;
}

/** The item of a list beneath an empty field that may have several; after a blank line only single words, because any list may follow. */
function listItem(open: OpenField, text: string): string | null {
  const [, item = null] = /^\s*(?:[-*+]|\d{1,9}[.)])[ \t]+(.*)$/s.exec(text) ?? [];
  const isBeneath = open.isList || (open.values.length === 0 && !(open.hasGap && /\s/.test(item?.trim() ?? '')));
  if (item === null || !itemNames.has(open.name) || !isBeneath) return null;
  open.isList = true;
  return item.trim();
}

/** Whether a line of prose still belongs to the value. */
function goesOn({ name, values, isList }: OpenField): boolean {
  if (values.length === 0 || isProseName(name)) return true;
  return itemNames.has(name) && !isList && /[,，、،;；]$/.test(values.at(-1) ?? '');
}

/** Fields with several items, which commas separate. */
const itemNames: ReadonlySet<HeaderName> = new Set(['after', 'issue', 'land', 'budget']);

const keys = { goal: 'goal', architecture: 'architecture', 'tech stack': 'techStack' } as const;

function isProseName(name: HeaderName): name is keyof typeof keys {
  return name in keys;
}

function isRead(document: PlanDocument, name: HeaderName): boolean {
  if (name === 'after') return document.after.length > 0;
  if (name === 'issue') return document.issues.length > 0;
  if (name === 'budget') return document.budget !== null;
  if (name === 'land') return document.land !== null;
  return document[name === 'topic' || name === 'host' || name === 'repo' ? name : keys[name]] !== null;
}

/** A line that goes on with a paragraph: neither blank nor the start of a list, a quotation, a table, a comment or a rule. */
function isProse(text: string): boolean {
  return text.trim() !== '' && !/^\s*(?:[-*+>|<]|[-*_=]{3,}\s*$|\d{1,9}[.)]\s)/.test(text);
}

function take(
  document: PlanDocument,
  { name, value }: { name: HeaderName; value: string },
  line: number,
  report: Reports,
): void {
  if (isProseName(name)) document[keys[name]] = value;
  else if (isNothing(value)) return;
  else if (name === 'after') document.after = readPlanNames(value, line, report);
  else if (name === 'issue') document.issues = readIssueLinks(value, line, report);
  else if (name === 'budget') document.budget = readBudget(value, line, report.problem);
  else if (name === 'land') document.land = readLand(value, line, report.problem);
  else if (name === 'host') document.host = readHost(value, line, report.problem);
  else if (name === 'repo') document.repo = readRepo(value, line, report);
  else {
    if (value.length > topicLimit) report.problem(line, `the topic has more than ${topicLimit} characters; shorten it`);
    document.topic = value;
  }
}

function readBudget(value: string, line: number, report: ReportProblem): Amounts | null {
  const budget = readAmounts(asciiDigits(value).replaceAll(/[，،]/g, ','));
  if (budget === null) report(line, `${quoted(value)} is no budget; write ${amountsForm}, as in **Budget:** 5 USD`);
  return budget;
}

function readHost(value: string, line: number, report: ReportProblem): string | null {
  const host = value.replaceAll('`', '').trim();
  if (isHostName(host)) return host;
  report(line, `${quoted(value)} is no host; write the name of one or one of its labels, as in **Host:** gpu`);
  return null;
}

function readPlanNames(value: string, line: number, report: Reports): string[] {
  const names = new Set<string>();
  for (const item of value.split(/[,，、،;；]/)) {
    const written = item
      .replaceAll('`', '')
      .trim()
      .replace(/^\[[^\][]{0,200}\]\(([^()\s]{1,300})\)$/, '$1');
    if (written === '') continue;
    const name = planNameOf(written);
    if (name === null)
      report.problem(line, `${quoted(written)} is no plan's name; write names as in **After:** plan-a, plan-b`);
    else names.add(name);
    if (name !== null && /\s/.test(written))
      report.remark(line, `${quoted(written)} is the plan ${name}; several names have commas between them`);
  }
  return [...names];
}

/** People write the address of their repository here; only a name can be that of a member. */
function readRepo(value: string, line: number, report: Reports): PlanDocument['repo'] {
  const name = repoName(value);
  if (name === null) report.remark(line, `${quoted(value)} is no name of a repo, and is text; ${repoAdvice}`);
  return name === null ? null : { name, line };
}

/** null: it names none. */
function readLand(value: string, line: number, report: ReportProblem): PlanDocument['land'] {
  const folders: string[] = [];
  const advice = 'write each repo of the plan once, in the order in which they land, as in **Land:** api, web';
  for (const item of value.split(/[,，、،]/)) {
    const name = item.replaceAll('`', '').trim();
    if (name === '') continue;
    if (!/^[\w.-]{1,64}$/.test(name)) report(line, `${quoted(name)} is no name of a repo; ${advice}`);
    else if (folders.includes(name)) report(line, `${quoted(name)} is there twice; ${advice}`);
    else folders.push(name);
  }
  return folders.length === 0 ? null : { folders, line };
}
