/**
 * A draft of any family written in stator's own form, in which all that comes after reads it. No line of the draft is left out. Text that the own grammar would
 * wrongly read as a heading or a field gets a backslash, which markdown does not show.
 */
import type { DraftTask, PlanDraft, TaskLink } from './families/family.ts';
import type { SourceLine } from './families/markdown-outline.ts';
import { isLinkField, linkFields } from './families/task-text.ts';
import { readHeading, underlinedHeading } from './headings.ts';
import { readLabel } from './labels.ts';
import { markdownHeading, markdownLines } from './markdown-lines.ts';
import { parsePlan } from './plan-document.ts';
import { type ParsedPlan, type PlanProblem, planNumberLimit, quoted } from './shape.ts';
import { textProblem } from './text.ts';

/** A task of the own form, and what it was in its family. */
export interface PlacedTask {
  readonly wave: number;
  readonly number: number;
  readonly task: DraftTask;
}

export interface OwnForm {
  readonly content: string;
  readonly parsed: ParsedPlan;
  readonly tasks: readonly PlacedTask[];
  /** With lines of the document. */
  readonly problems: readonly PlanProblem[];
  readonly remarks: readonly PlanProblem[];
  /** The line of the document that a line of `content` comes from. */
  lineOf(line: number): number;
}

/** The most numbers in the orders of one plan. Documents that people write have fewer. */
const linkLimit = 50_000;

/** The most lines that look almost like fields. Documents that people write have fewer. */
const fieldLimit = 200;

/** Writes and reads a draft. `problems` and `remarks` hold those of the draft too. Never throws. */
export function inOwnForm(draft: PlanDraft): OwnForm {
  const problems: PlanProblem[] = [...draft.problems];
  const remarks: PlanProblem[] = [...draft.remarks];
  const placed = place(draft);
  const orders = orderOf(placed, problems, remarks);
  for (const { task } of placed.flat()) reportUnreadLinks(task, problems, remarks);
  const lines = written(draft, placed, orders);
  const lineOf = (line: number) => sourceLine(lines, line);
  const large = textProblem(joined(lines));
  if (large !== null) {
    const message = `written in stator’s own form, ${large.message}`;
    return {
      content: joined(lines),
      parsed: parsePlan(''),
      tasks: [],
      problems: [...problems, { line: 1, message }],
      remarks,
      lineOf,
    };
  }
  const { parsed, unread } = readBack(lines, placed, remarks);
  return { content: joined(lines), parsed, tasks: placed.flat(), problems: [...problems, ...unread], remarks, lineOf };
}

function place(draft: PlanDraft): PlacedTask[][] {
  const waves = draft.parts.filter((part) => part.kind === 'wave');
  return waves.map(({ tasks }, at) => {
    const numbers = new Set(tasks.map(({ number }) => number));
    const isNumbered = numbers.size === tasks.length && tasks.every(({ number }) => isTaskNumber(number));
    return tasks.map((task, index) => ({
      wave: at + 1,
      number: isNumbered && task.number !== null ? task.number : index + 1,
      task,
    }));
  });
}

function isTaskNumber(number: number | null): boolean {
  return number !== null && Number.isInteger(number) && number > 0 && number <= planNumberLimit;
}

/** The numbers of the tasks of the same wave that each task comes after. */
type Orders = Map<DraftTask, readonly number[]>;

function orderOf(waves: readonly PlacedTask[][], problems: PlanProblem[], remarks: PlanProblem[]): Orders {
  const known = new Map(waves.flat().map((placed) => [placed.task.ref, placed]));
  const orders: Orders = new Map();
  let left = linkLimit;
  for (const wave of waves) {
    /** The tasks so far that none of the others comes after. */
    const last = new Set<number>();
    let group: { id: DraftTask['order']; before: number[] } = { id: 'sequence', before: [] };
    for (const { wave: waveNumber, number, task } of wave) {
      const isBeside = typeof task.order === 'number' && group.id === task.order;
      if (!isBeside) group = { id: task.order, before: task.order === 'stated' ? [] : [...last] };
      const numbers = new Set(group.before);
      for (const link of task.links) {
        const other = known.get(link.ref);
        if (known.has(`${link.ref} (2)`)) remarks.push({ line: link.line, message: ambiguous(link.ref) });
        if (other?.wave === waveNumber && other.task !== task) numbers.add(other.number);
        else if (other === undefined) reportUnknown(task, link, problems, remarks);
        else if (other.wave > waveNumber) problems.push({ line: link.line, message: tooEarly(task, link.ref) });
      }
      for (const earlier of numbers) last.delete(earlier);
      last.add(number);
      left -= numbers.size;
      if (left >= 0) orders.set(task, [...numbers]);
    }
  }
  const [first] = waves.flat();
  if (left < 0 && first !== undefined) {
    const message = 'too many tasks wait for too many others at once; split the plan, or group its tasks';
    problems.push({ line: first.task.line, message });
  }
  return orders;
}

function reportUnknown(task: DraftTask, link: TaskLink, problems: PlanProblem[], remarks: PlanProblem[]): void {
  const found = `${quoted(task.title)} comes after ${quoted(link.ref)}, which this document does not have`;
  if (link.isField) problems.push({ line: link.line, message: `${found}; name a task of the document` });
  else remarks.push({ line: link.line, message: `${found}; nothing waits for it` });
}

/** A field for what comes first that names no task. */
function reportUnreadLinks({ body, links }: DraftTask, problems: PlanProblem[], remarks: PlanProblem[]): void {
  const read = new Set(links.map(({ line }) => line));
  for (const { text, line, values, isNothing } of linkFields(body)) {
    if (isNothing || values.some(({ number }) => read.has(number))) continue;
    const isOurs = readLabel(text)?.name === 'after';
    const message = `${quoted(text)} names no task of this document`;
    if (isOurs) problems.push({ line, message: `${message}; write numbers, as in **After:** 1, 2` });
    else remarks.push({ line, message: `${message}; the order is as it would be without it` });
  }
}

/** Families add a number to the id of the second task. */
function ambiguous(ref: string): string {
  return `${quoted(ref)} is the number of several tasks, and the first of them is waited for; give each its own`;
}

function tooEarly(task: DraftTask, ref: string): string {
  const found = `${quoted(task.title)} comes after ${quoted(ref)}, which is in a later part of the document`;
  return `${found}; move one of them, since parts run in the order that they are written in`;
}

function written(draft: PlanDraft, waves: readonly PlacedTask[][], orders: Orders): SourceLine[] {
  const lines: SourceLine[] = [];
  const add = (text: string, number = 0) => lines.push({ text: onOneLine(text), number });
  const space = () => {
    if (lines.length > 0 && lines.at(-1)?.text.trim() !== '') add('');
  };
  const addBlock = (block: readonly SourceLine[]) => {
    space();
    for (const line of block) lines.push(line);
    space();
  };
  if (draft.title !== null) add(`# ${draft.title.text}`, draft.title.number);
  space();
  if (draft.after.length > 0) addBlock([{ text: onOneLine(`**After:** ${draft.after.join(', ')}`), number: 0 }]);
  // Without a title no other heading becomes one.
  addBlock(asText(draft.head, draft.title === null ? 2 : 1));
  let wave = 0;
  for (const part of draft.parts) {
    if (part.kind === 'note') addBlock(asNote(part.lines));
    else {
      wave += 1;
      space();
      add(`## Wave ${wave}${part.title === '' ? '' : `: ${part.title}`}`, part.line);
      addBlock(asText(part.introduction, 3));
      for (const placed of waves[wave - 1] ?? []) addBlock(taskLines(placed, orders.get(placed.task) ?? []));
    }
  }
  while (lines.at(-1)?.text.trim() === '') lines.pop();
  return lines;
}

/** A name from JSON or a file's name may have line ends, and another heading could follow them. */
function onOneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}

function taskLines({ number, task }: PlacedTask, after: readonly number[]): SourceLine[] {
  const lines: SourceLine[] = [{ text: onOneLine(taskHeading(number, task)), number: task.line }];
  const fields: SourceLine[] = [];
  // The line of the link that says it, so that a circle is reported where it is written.
  if (after.length > 0)
    fields.push({ text: `**After:** ${after.join(', ')}`, number: task.links[0]?.line ?? task.line });
  if (task.files.length > 0)
    fields.push({ text: `**Files:** ${task.files.map((file) => `\`${file}\``).join(', ')}`, number: task.line });
  if (task.check !== null) fields.push({ ...task.check, text: `**Check:** ${task.check.text}` });
  const body = asText(trimmed(task.body), 3).map(withoutOrder);
  const written = fields.map((field) => ({ ...field, text: onOneLine(field.text) }));
  if (written.length > 0) lines.push({ text: '', number: 0 }, ...written);
  if (body.length > 0) lines.push({ text: '', number: 0 }, ...body);
  return lines;
}

/** An open box keeps a picture in the title from saying that the task is done. */
function taskHeading(number: number, { title, isDone }: DraftTask): string {
  if (isDone) return `### [x] Task ${number}: ${title}`;
  const { heading } = readHeading(`### Task ${number}: ${title}`);
  return `### ${heading?.kind === 'task' && heading.isDone ? '[ ] ' : ''}Task ${number}: ${title}`;
}

/** What comes first is in one field of the own form, with its numbers; where the document says it, it is text. */
function withoutOrder(line: SourceLine): SourceLine {
  return isLinkField(line.text) ? { ...line, text: line.text.replace(/\*\*|__/, '\\$&') } : line;
}

function trimmed(lines: readonly SourceLine[]): readonly SourceLine[] {
  const isBlank = ({ text }: SourceLine) => text.trim() === '';
  const first = lines.findIndex((line) => !isBlank(line));
  return first < 0 ? [] : lines.slice(first, lines.findLastIndex((line) => !isBlank(line)) + 1);
}

/** A section of the plan ends the task before it, so its heading is at level 2 or above. */
function asNote(lines: readonly SourceLine[]): SourceLine[] {
  const [first, ...rest] = trimmed(lines);
  if (first === undefined) return [];
  const heading = markdownHeading(first.text);
  if (heading === null) return [{ text: '## Notes', number: 0 }, ...asText([first, ...rest], 3)];
  const level = Math.min(heading.level, 2);
  const marks = '#'.repeat(level);
  const isRead = isOtherHeading(`${marks} ${heading.text}`);
  return [{ text: `${marks} ${isRead ? '' : '\\'}${heading.text}`, number: first.number }, ...asText(rest, level + 1)];
}

function isOtherHeading(text: string): boolean {
  const { heading, slip } = readHeading(text);
  return heading?.kind === 'other' && slip === null;
}

/** Lines as text of the own form. Headings are at `level` or deeper, code fences are closed, and nothing is a wave or a task. */
function asText(lines: readonly SourceLine[], level: number): SourceLine[] {
  const texts: SourceLine[] = [];
  let open: string | null = null;
  for (const { number, text, part, fence } of markdownLines(lines.map((line) => line.text).join('\n'))) {
    const source = lines[number - 1]?.number ?? 0;
    open = fence === null || part === 'close' ? null : `${' '.repeat(fence.indent)}${fence.marker}`;
    texts.push({ text: part === 'text' ? asTextLine(text, level) : text, number: source });
  }
  if (open !== null) texts.push({ text: open, number: 0 });
  return texts;
}

function asTextLine(text: string, level: number): string {
  // A comment that ends in another part would hide what is between them.
  if (/^ {0,3}<!--/.test(text) && !text.includes('-->')) return text.replace('<', '\\<');
  const { heading, slip } = readHeading(text);
  if (heading === null && slip === null) return text;
  const deeper = heading?.kind === 'other' && heading.level < level ? text.replace(/#+/, '#'.repeat(level)) : text;
  return isOtherHeading(deeper) ? deeper : deeper.replace('#', '\\#');
}

function joined(lines: readonly SourceLine[]): string {
  return lines.map(({ text }) => `${text}\n`).join('');
}

/**
 * Reads the own form. A line that looks like a field of it and cannot be read as one is text in another family: it gets a backslash, and a remark. A check,
 * and what comes first, that cannot be read stays a problem, since its writer counts on it.
 */
function readBack(
  lines: SourceLine[],
  placed: readonly PlacedTask[][],
  remarks: PlanProblem[],
): { parsed: ParsedPlan; unread: PlanProblem[] } {
  let parsed = parsePlan(joined(lines));
  for (let round = 0; round < 2 && !parsed.ok && parsed.problems.length <= fieldLimit; round += 1) {
    let hasChanged = false;
    for (const { line, message } of parsed.problems) {
      const found = lines[line - 1];
      const label = found === undefined ? null : readLabel(found.text);
      const below = lines[line];
      // A title that is underlined: the line beneath it becomes text, and it with that line.
      if (
        found !== undefined &&
        below !== undefined &&
        underlinedHeading(found.text) !== null &&
        /^ {0,3}[-=]/.test(below.text)
      ) {
        lines[line] = { ...below, text: below.text.replace(/[-=]/, '\\$&') };
        hasChanged = true;
        continue;
      }
      if (found === undefined || found.number === 0 || label === null || /^(?:check|after)$/.test(label.name)) continue;
      lines[line - 1] = { ...found, text: found.text.replace(/\*\*|__/, '\\$&') };
      remarks.push({ line: found.number, message: `${quoted(found.text)} is text here: ${message}` });
      hasChanged = true;
    }
    if (!hasChanged) break;
    parsed = parsePlan(joined(lines));
  }
  const unread = parsed.problems.map(({ line, message }) => {
    const wave = parsed.document.waves.findLast((each) => each.line <= line)?.number ?? 1;
    const section = /^(#+ )\\(.*)$/s.exec(lines[line - 1]?.text ?? '');
    const said =
      section === null ? inItsIds(message, placed[wave - 1] ?? []) : nobodyWorksOn(`${section[1]}${section[2]}`);
    return { line: sourceLine(lines, line), message: said };
  });
  return { parsed, unread };
}

/** A section with a heading of the own grammar, beside tasks of another family. */
function nobodyWorksOn(heading: string): string {
  const advice = 'give it another name, or write its tasks below it as `### Task 1: title`';
  return `${quoted(heading)} is read as a section of text, so nobody works on it; ${advice}`;
}

/** A circle with the ids that the document gives its tasks, instead of the numbers of the own form. */
function inItsIds(message: string, tasks: readonly PlacedTask[]): string {
  const [, lead = '', circle = ''] = /^(tasks wait for each other in a circle: )([^;]*);/.exec(message) ?? [];
  if (lead === '') return message;
  const ids = new Map(tasks.map(({ number, task }) => [String(number), task.ref]));
  const named = circle.replaceAll(/\d+(?! more)/g, (number) => ids.get(number) ?? number);
  return `${lead}${named}; remove one of these orders`;
}

/** The line of the document that a line of the own form comes from, or one before it. */
function sourceLine(lines: readonly SourceLine[], line: number): number {
  for (let at = Math.min(line, lines.length) - 1; at >= 0; at -= 1) {
    const number = lines[at]?.number ?? 0;
    if (number > 0) return number;
  }
  return 1;
}
