/**
 * Lays the tasks of a markdown document out in its sections. The headings that hold tasks are the waves; a section without tasks is about the whole plan;
 * what is between the tasks of a wave introduces it. Each line of the document is in one of these, or in a task.
 */
import { withoutLeadingMarks, withoutTrailingMark } from '../done-marks.ts';
import type { DraftNote, DraftTask, DraftWave, PlanDraft } from './family.ts';
import type { OutlineHeading, SourceLine } from './markdown-outline.ts';
import type { Mark } from './sheet.ts';
import { headingBox, type Sheet } from './sheet.ts';
import { titleOf } from './task-text.ts';

/** A task with the lines that are its own. */
export interface TaskSpan {
  readonly line: number;
  /** The line behind its last one. */
  readonly end: number;
  readonly tasks: readonly DraftTask[];
  /** The titles of the items of a list that it is in. */
  readonly within?: readonly string[];
  /** It is a wave of its own, as a numbered group of smaller tasks is. */
  readonly group: {
    readonly title: string;
    readonly introduction: readonly SourceLine[];
    readonly marks: readonly Mark[];
  } | null;
}

export interface Layout {
  /** Headings below that level start no section. */
  readonly deepest?: number;
  /** A heading above all of the tasks is a section before them, and not their wave, unless it is counted: `Phase 1`. */
  readonly needsSeveral?: boolean;
  /** The title is above that line. */
  readonly titleAbove?: number;
}

/** A draft with these tasks, in the order of their lines. */
export function layOut(
  sheet: Sheet,
  spans: readonly TaskSpan[],
  { deepest = 6, needsSeveral = false, titleAbove = Number.POSITIVE_INFINITY }: Layout = {},
): PlanDraft {
  const headings = sheet.outline().filter((block) => block.kind === 'heading');
  const outside = headings.filter(outsideOf(spans));
  const waves = waveHeadings(
    outside.filter(({ level }) => level <= deepest),
    spans,
  );
  const isCounted = /^\P{L}*\p{L}+\s*\d/u.test(waves[0]?.text ?? '');
  const isOne = needsSeveral && !isCounted && waves.every((heading) => heading === waves[0]);
  return divide(sheet, { spans, headings: outside, waves: isOne ? waves.map(() => null) : waves, titleAbove });
}

/** Returns a check whether a line is outside of every task. It must be called with lines in ascending order. */
function outsideOf(spans: readonly TaskSpan[]): (at: { readonly line: number }) => boolean {
  let at = 0;
  return ({ line }) => {
    while (at < spans.length && (spans[at]?.end ?? 0) <= line) at += 1;
    return (spans[at]?.line ?? Number.POSITIVE_INFINITY) > line;
  };
}

/** The heading of each task's wave; null where it is below none. */
function waveHeadings(headings: readonly OutlineHeading[], spans: readonly TaskSpan[]): (OutlineHeading | null)[] {
  const paths: OutlineHeading[][] = [];
  let next = 0;
  let path: OutlineHeading[] = [];
  for (const { line } of spans) {
    for (let heading = headings[next]; heading !== undefined && heading.line < line; heading = headings[next]) {
      const { level } = heading;
      path = [...path.filter((above) => above.level < level), heading];
      next += 1;
    }
    paths.push(path);
  }
  let depth = 0;
  const common = () => {
    const first = paths[0]?.[depth];
    return first !== undefined && paths.every((each) => each[depth] === first) ? first : null;
  };
  const title = common();
  if (title !== null && title.level === 1 && title === headings[0]) depth += 1;
  while (common() !== null && paths.every((each) => each.length > depth + 1)) depth += 1;
  return paths.map((each) => each[depth] ?? null);
}

interface WaveStart {
  readonly title: string;
  readonly line: number;
  readonly introduction: readonly SourceLine[];
  readonly marks: readonly Mark[];
}

interface Division {
  readonly spans: readonly TaskSpan[];
  readonly headings: readonly OutlineHeading[];
  readonly waves: readonly (OutlineHeading | null)[];
  readonly titleAbove: number;
}

function divide(sheet: Sheet, { spans, headings, waves, titleAbove }: Division): PlanDraft {
  const isWave = new Set(waves);
  const parts: (DraftWave | DraftNote)[] = [];
  const head: SourceLine[] = frontMatterText(sheet);
  let planTitle: SourceLine | null = null;
  /** Where the next line goes. */
  let into = head;
  let wave: { wave: DraftWave; heading: OutlineHeading | null; isGroup: boolean } | null = null;
  /** The level of the heading that the present note begins with; null: no note is written. */
  let noteLevel: number | null = null;
  /** The headings in the present wave that the next task is below. */
  let below: { level: number; title: string }[] = [];
  let line = sheet.firstLine;

  function begin(heading: OutlineHeading | null, start: WaveStart, isGroup = false): DraftWave {
    const next: DraftWave = { kind: 'wave', ...start, introduction: [...start.introduction], tasks: [] };
    parts.push(next);
    wave = { wave: next, heading, isGroup };
    noteLevel = null;
    below = [];
    into = next.introduction;
    return next;
  }

  const isTitle = ({ level, line: at, text }: OutlineHeading) => level === 1 && text !== '' && at < titleAbove;

  function readHeading(heading: OutlineHeading): void {
    if (isWave.has(heading)) {
      const title = headingTitle(heading.text);
      const whole = { text: heading.text, number: heading.line };
      const introduction = title === heading.text ? [] : [whole, { text: '', number: 0 }];
      begin(heading, { title, line: heading.line, introduction, marks: [] });
    } else if (planTitle === null && isTitle(heading) && parts.length === 0) {
      planTitle = { text: oneLine(heading.text), number: heading.line };
    } else {
      const endsWave = wave !== null && heading.level <= (wave.heading?.level ?? heading.level);
      const endsNote = noteLevel !== null && heading.level <= noteLevel;
      if (endsWave || endsNote) {
        const note: DraftNote = { kind: 'note', lines: [] };
        parts.push(note);
        into = note.lines;
        noteLevel = heading.level;
        wave = null;
      }
      comeBelow(heading);
      into.push({ text: `${'#'.repeat(heading.level)} ${heading.text}`, number: heading.line });
    }
  }

  function comeBelow({ level, text }: Pick<OutlineHeading, 'level' | 'text'>): void {
    const above = below.filter((each) => each.level < level);
    below = wave === null ? [] : [...above, { level, title: titleOf(text, '').title }];
  }

  function readSpan({ line: first, tasks, within = [], group }: TaskSpan, heading: OutlineHeading | null): void {
    if (group !== null) {
      const { title: groupTitle, introduction, marks } = group;
      begin(heading, { title: groupTitle, line: first, introduction, marks }, true).tasks.push(...tasks);
      return;
    }
    const isSame = wave !== null && wave.heading === heading && !wave.isGroup;
    const target =
      isSame && wave !== null ? wave.wave : begin(heading, { title: '', line: first, introduction: [], marks: [] });
    const section = [...below.map(({ title }) => title), ...within];
    target.tasks.push(...tasks.map((task) => withSection(task, section.filter(Boolean))));
  }

  const events = [
    ...headings.map((heading) => ({ line: heading.line, end: heading.end, read: () => readHeading(heading) })),
    ...spans.map((span, at) => ({ line: span.line, end: span.end, read: () => readSpan(span, waves[at] ?? null) })),
  ].sort((a, b) => a.line - b.line);
  for (const event of events) {
    for (const text of sheet.between(line, event.line)) {
      into.push(text);
      const label = boldLine.exec(text.text)?.[1];
      if (label !== undefined) comeBelow({ level: deepestLevel + 1, text: label });
    }
    event.read();
    line = Math.max(line, event.end);
  }
  for (const text of sheet.between(line, sheet.lines.length + 1)) into.push(text);
  return settled({ title: planTitle, head, parts });
}

const deepestLevel = 6;
/** Bold text alone on a line, which people write in place of a heading. */
const boldLine = /^\*\*([^*]{1,100}?):?\*\*:?\s*$/;

/** The headings and the items between the tasks of a wave are in its introduction, so a task such as `write tests` names the one that it is below. */
function withSection(task: DraftTask, below: readonly string[]): DraftTask {
  if (below.length === 0) return task;
  const text = `Section: ${below.join(' › ')}`;
  return { ...task, body: [{ text, number: 0 }, { text: '', number: 0 }, ...task.body] };
}

/** A wave whose tasks all belong to its groups introduces them: its text goes to the whole plan. */
function settled({ title, head, parts }: Pick<PlanDraft, 'title' | 'head' | 'parts'>): PlanDraft {
  const kept = parts.map((part): DraftWave | DraftNote => {
    if (part.kind === 'note' || part.tasks.length > 0) return part;
    return { kind: 'note', lines: [{ text: `## ${part.title}`, number: part.line }, ...part.introduction] };
  });
  return { title, head, parts: kept, after: [], problems: [], remarks: [], name: null };
}

/** Front matter that no family reads is for the agents, as it is. */
export function frontMatterText(sheet: Sheet): SourceLine[] {
  const lines = sheet.frontMatter()?.lines ?? [];
  if (lines.every(({ text }) => text.trim() === '')) return [];
  const longest = Math.max(2, ...lines.flatMap(({ text }) => text.match(/`{3,}/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [{ text: `${fence}yaml`, number: 0 }, ...lines, { text: fence, number: 0 }, { text: '', number: 0 }];
}

/** The marks of a heading say nothing about the tasks below it, which have their own. */
function headingTitle(text: string): string {
  return oneLine(withoutTrailingMark(withoutLeadingMarks(headingBox(text).text).text).text);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
