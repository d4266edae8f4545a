/**
 * Tasks without waves, as superpowers and many free plans have them: a heading `### Task 1: title` for each. They run one after the other, in the order that
 * they are written in, unless a task says itself what it comes after. Headings above them, such as `## Phase 1`, are waves.
 */
import { withoutLeadingMarks, withoutMarksBehindNumber, withoutTrailingMark } from '../done-marks.ts';
import { readLabel } from '../labels.ts';
import { type PlanProblem, quoted } from '../shape.ts';
import { saysDone } from '../task-fields.ts';
import type { DraftTask, Family } from './family.ts';
import { leftOut } from './lists.ts';
import type { OutlineHeading, OutlineItem, SourceLine } from './markdown-outline.ts';
import { layOut, type TaskSpan } from './sections.ts';
import type { Mark, Sheet } from './sheet.ts';
import { distinct, type IdOrder, idForm, idOrder, linkFields, linksIn, numberedTask, titleOf } from './task-text.ts';

export const tasks = {
  name: 'tasks',
  title: 'tasks without waves',
  waves: ['part', 'parts'],
  companions: [],
  recognises: (sheet) => taskHeadings(sheet).length > 0,
  read(sheet) {
    const headings = taskHeadings(sheet);
    const deepest = (headings[0]?.heading.level ?? 7) - 1;
    const spans = spansOf(sheet, headings);
    const draft = layOut(sheet, spans, { deepest, needsSeveral: true });
    const example = `${'#'.repeat(deepest + 1)} Task 2: title`;
    const left = leftOut(sheet, spans, `a heading such as \`${example}\` makes a task of one`);
    const unread = spans.flatMap((span, at) => unreadMarks(span, headings[at]));
    return { ...draft, remarks: [...draft.remarks, ...left, ...unread] };
  },
} as const satisfies Family;

interface TaskHeading {
  readonly heading: OutlineHeading;
  readonly ref: string;
  /** The number alone, without `Task` before it. */
  readonly number: string;
  readonly title: string;
  readonly isDone: boolean;
  /** The meaning of each mark in it. */
  readonly marks: readonly boolean[];
  /** The word and the number, as they are written. */
  readonly label: string;
}

const bareIds = idForm(numberedTask, { needsWord: true });
const namedIds = idForm(/T-?\d+[a-z]?(?![\p{L}\p{N}])/u, { needsWord: false });
const decoration = String.raw`[\s*_~:.\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F\u200D]*`;

/** A document uses one of these for its tasks; the surest first. */
const words = ['Task', 'T', 'Step'].map((word) => ({
  least: word === 'Task' ? 1 : 2,
  pattern: new RegExp(
    String.raw`^${decoration}(${word}${word === 'T' ? '-?' : '[\\s_-]*#?'}(\d+[a-z]?(?:\.\d+[a-z]?)*))(?![\p{L}\p{N}])(.*)$`,
    word === 'T' ? 'su' : 'isu',
  ),
}));

/** The headings of the highest level that has tasks; deeper ones are steps. */
function taskHeadings(sheet: Sheet): TaskHeading[] {
  const headings = sheet
    .outline()
    .filter((block) => block.kind === 'heading')
    .filter(isMarked);
  for (const { least, pattern } of words) {
    const found = headings.flatMap((heading) => readTaskHeading(heading, pattern));
    const level = Math.min(...found.map(({ heading }) => heading.level));
    const own = found.filter(({ heading }) => heading.level === level);
    // A single such heading at the top of a document is its title.
    if (own.length >= (level === 1 ? 2 : least)) return own;
  }
  return [];
}

/** With `#`: an underlined title in a task is text, as it is in the own form. */
function isMarked({ line, end }: { readonly line: number; readonly end: number }): boolean {
  return end === line + 1;
}

function readTaskHeading(heading: OutlineHeading, pattern: RegExp): TaskHeading[] {
  const outer = withoutLeadingMarks(heading.text);
  const [, label = '', number = '', rest = ''] = pattern.exec(outer.text) ?? [];
  if (number === '' || heading.level > 5) return [];
  const inner = withoutMarksBehindNumber(rest.replace(/(?<![\s*_~])[\s*_~]+$/u, ''));
  const behind = withoutTrailingMark(inner.text);
  const { title } = titleOf(behind.text, label, /\p{Extended_Pictographic}|\uFE0F/gu);
  const marks = [...outer.marks, ...inner.marks, ...behind.marks];
  const isDone = (marks.length > 0 && marks.every(Boolean)) || /^~~.+~~$/.test(outer.text);
  const ref = /^T-?\d/.test(label) ? label : number;
  return [{ heading, ref: ref.toUpperCase(), number, title, isDone, marks, label }];
}

function spansOf(sheet: Sheet, headings: readonly TaskHeading[]): TaskSpan[] {
  const level = headings[0]?.heading.level ?? 1;
  const blocks = sheet.outline();
  const ends = blocks.filter((block) => block.kind === 'heading' && block.level <= level && isMarked(block));
  const order = idOrder(distinct(headings.map(({ ref }) => ref)));
  const boxed = blocks
    .flatMap((block) => (block.kind === 'list' ? block.items : []))
    .flatMap(withSteps)
    .filter(({ box }) => box !== null);
  let next = 0;
  let nextBox = 0;
  return headings.map((found, at) => {
    const { heading } = found;
    while (next < ends.length && (ends[next]?.line ?? 0) <= heading.line) next += 1;
    const end = ends[next]?.line ?? sheet.lines.length + 1;
    const body = sheet.between(heading.end, end);
    while (nextBox < boxed.length && (boxed[nextBox]?.line ?? 0) < heading.line) nextBox += 1;
    const firstBox = nextBox;
    while (nextBox < boxed.length && (boxed[nextBox]?.line ?? 0) < end) nextBox += 1;
    const task = taskOf(sheet, found, {
      ref: order.refs[at] ?? '',
      order,
      body,
      boxed: boxed.slice(firstBox, nextBox),
    });
    return { line: heading.line, end, tasks: [task], group: null };
  });
}

function withSteps(item: OutlineItem): OutlineItem[] {
  return [item, ...item.items.flatMap(withSteps)];
}

interface TaskParts {
  readonly ref: string;
  readonly order: IdOrder;
  readonly body: readonly SourceLine[];
  readonly boxed: readonly OutlineItem[];
}

/** A task is done where its heading says so, or where all of its check boxes are checked. */
function taskOf(sheet: Sheet, found: TaskHeading, { ref, order, body, boxed }: TaskParts): DraftTask {
  const { heading, label } = found;
  const isWhole = /^\d{1,4}$/.test(found.number);
  const title = isWhole ? found.title : `${label}: ${found.title}`;
  const isFullTitle = letters(heading.text) === letters(isWhole ? `Task ${found.number} ${title}` : title);
  const headingLine = { text: heading.text, number: heading.line };
  const ids = /^T/.test(ref) ? namedIds : bareIds;
  const links = linksIn(body, ids, order).filter((link) => link.ref !== ref);
  const isStated = links.some(({ isField }) => isField) || linkFields(body).some(({ isNothing }) => isNothing);
  const steps = boxed.map(({ box }) => box?.isChecked === true);
  return {
    ref,
    title,
    line: heading.line,
    isDone: found.isDone || body.some(statesDone) || (steps.length > 0 && steps.every(Boolean)),
    body: isFullTitle ? body : [headingLine, { text: '', number: 0 }, ...body],
    files: [],
    check: null,
    links,
    order: isStated ? 'stated' : 'sequence',
    number: isWhole ? Number(found.number) : null,
    marks: [...headingMark(sheet, heading), ...boxed.flatMap((item) => uncheckedMark(sheet, item))],
  };
}

/** Also behind other fields of the line: `**Story:** 1 | **Status:** done`. */
function statesDone({ text }: SourceLine): boolean {
  return !/^\s*\|/.test(text) && text.split(' | ').some((part) => saysDone(readLabel(part)));
}

const ended = String.raw`(?:done|completed?|cancell?ed|skipped|obsolete|won.?t (?:do|fix))\b`;
const statusEnded = new RegExp(String.raw`^\W{0,20}${ended}`, 'iu');
const mayBeDone = new RegExp(
  String.raw`[\u2705\u2611\u2714]|\[x\]|[([]\W{0,3}${ended}|\s[\u2014\u2013-]\s+${ended}.{0,20}$`,
  'iu',
);

/** What may say that an open task is done or dropped, in a form that is not read. */
function unreadMarks({ tasks: [task] }: TaskSpan, found: TaskHeading | undefined): PlanProblem[] {
  if (task === undefined || found === undefined || task.isDone) return [];
  const { heading } = found;
  const lines = task.body.filter(({ text, number }) => {
    const label = number === heading.line ? null : readLabel(text);
    return label?.name === 'status' && statusEnded.test(label.value);
  });
  const isMarked = found.marks.length === 0 && mayBeDone.test(heading.text);
  return [...(isMarked ? [{ text: heading.text, number: heading.line }] : []), ...lines].map(({ text, number }) => ({
    line: number,
    message: `${quoted(text.trim())} may say that nothing is left to do, and the task counts as open; ✅ or [x] at the beginning or the end of its heading says so`,
  }));
}

function letters(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}]/gu, '');
}

function headingMark(sheet: Sheet, { line, text }: OutlineHeading): Mark[] {
  const written = sheet.lines[line - 1]?.text ?? '';
  const column = written.indexOf('[ ]');
  return /^\[ \]/.test(text)
    ? uncheckedMark(sheet, { line, box: { isChecked: false, column: column + 1, width: 1, isOptional: false } })
    : [];
}

function uncheckedMark(sheet: Sheet, item: Pick<OutlineItem, 'line' | 'box'>): Mark[] {
  const mark = item.box?.isChecked === true ? null : sheet.boxMark(item);
  return mark === null ? [] : [mark];
}
