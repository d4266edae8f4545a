/**
 * The plan grammar: a markdown document with `## Wave N` sections of `### Task N: title` parts. Read in one pass over its lines, so the
 * time is linear in its size whatever it holds. What the parts look like is in shape.ts.
 */
import { createFenceWatch, type FenceWatch } from './fences.ts';
import type { Reports, TextLine } from './fields.ts';
import { createHeaderReader, type HeaderReader } from './header.ts';
import {
  boldHeading,
  likeTask,
  type PlanHeading,
  readHeading,
  type TaskHeading,
  underlinedHeading,
} from './headings.ts';
import { readLabel } from './labels.ts';
import { type MarkdownLine, markdownLines } from './markdown-lines.ts';
import { checkOrder } from './order.ts';
import {
  type ParsedPlan,
  type PlanDocument,
  type PlanNote,
  type PlanProblem,
  type PlanTask,
  type PlanWave,
  quoted,
} from './shape.ts';
import { createTaskReader, type TaskLink, type TaskReader } from './task-fields.ts';
import { textProblem } from './text.ts';

export { isDoneTitle } from './headings.ts';
export { shellBlocks } from './markdown-lines.ts';
export type { ParsedPlan, PlanDocument, PlanProblem, PlanTask } from './shape.ts';
export { decodePlan } from './text.ts';

/** A document with more problems is not a plan with typing mistakes; the rest is counted. */
const problemLimit = 1000;
/** More than a real plan has; 25,000 tasks kept a daemon busy for minutes. */
const waveLimit = 1_000;
const taskLimit = 10_000;
/** The parser of YAML is slow, and front matter is short. */
const frontMatterLimit = 64 * 1024;

/**
 * Reads a plan. Never throws: all problems come at once, by line, up to 1,000, and the document holds what could be read. Headings and
 * fields in fenced code and in comments are text. A document over 1 MiB is not read at all.
 */
export function parsePlan(content: string): ParsedPlan {
  const text = content.startsWith('\uFEFF') ? content.slice(1) : content;
  const found = textProblem(text) ?? (text.trim() === '' ? { line: 1, message: 'empty plan content' } : null);
  if (found !== null) return { ok: false, document: emptyDocument(), problems: [found], remarks: [] };
  const reading = startReading(text);
  const settingsEnd = frontMatterOf(text)?.end ?? 0;
  for (const line of markdownLines(text)) {
    if (line.part === 'comment' || line.number <= settingsEnd) readComment(reading, line);
    else if (line.fence === null) readTextLine(reading, line);
    else {
      interrupt(reading);
      if (reading.task === null) reading.notes.add(line);
      reading.fences.read(line, line.fence);
    }
  }
  interrupt(reading);
  endTask(reading, text.length);
  reading.document.notes = reading.notes.notes();
  checkWhole(reading);
  const problems = sorted(reading.problems, 'problems');
  const remarks = sorted(reading.remarks, 'remarks');
  return { ok: problems.length === 0, document: reading.document, problems, remarks };
}

function emptyDocument(): PlanDocument {
  const header = {
    title: null,
    goal: null,
    architecture: null,
    techStack: null,
    topic: null,
    host: null,
    budget: null,
    land: null,
    repo: null,
  };
  return { ...header, issues: [], after: [], waves: [], notes: [] };
}

/**
 * The lines with dashes around the YAML front matter that the document begins with; null: it has none. A line of dashes above a title, a wave or a task
 * is only a rule.
 */
export function frontMatterOf(content: string): { readonly start: number; readonly end: number } | null {
  let [start, hasKey] = [0, false];
  for (const { number, text, end } of markdownLines(content)) {
    if (start === 0) {
      if (text.trim() === '') continue;
      if (text.trimEnd() !== '---') return null;
      start = number;
      continue;
    }
    if (/^(?:---|\.\.\.)\s*$/.test(text)) return hasKey ? { start, end: number } : null;
    // A colon in a key has no space behind it: `og:title: x`.
    const isKey = /^[\p{L}\p{N}_"'$@.<].*?:(?:\s|$)/u.test(text);
    const kind = readHeading(text).heading?.kind;
    if (kind === 'wave' || kind === 'task' || !(isKey || /^(?:\s|$|#|-(?! *\[[ xX]\] ))/.test(text))) return null;
    if (end > frontMatterLimit) return null;
    hasKey ||= isKey;
  }
  return null;
}

interface Reading {
  text: string;
  document: PlanDocument;
  problems: PlanProblem[];
  remarks: PlanProblem[];
  /** Problems and remarks; each finding goes to one of them. */
  reports: Reports;
  wave: { wave: PlanWave; level: number; isDone: boolean } | null;
  /** Between a wave's heading and its first task, or another heading of its level. */
  isIntroduction: boolean;
  /** The task whose body is being read, with the offset where it starts; also one that is before the first wave. */
  task: { task: PlanTask; level: number; start: number; reader: TaskReader } | null;
  header: HeaderReader;
  notes: NoteReader;
  links: TaskLink[];
  /** Tasks before the first wave. */
  strays: PlanTask[];
  /** Lines that read like headings but are text. They matter only if something is missing. */
  slips: PlanProblem[];
  fences: FenceWatch;
  /** The line of the first wave heading inside of a comment. */
  commentedWave: number | null;
  /** The text lines of the current paragraph: how many they are, and the last of them. */
  paragraph: { lines: number; last: MarkdownLine } | null;
}

function startReading(text: string): Reading {
  const document = emptyDocument();
  const problems: PlanProblem[] = [];
  const remarks: PlanProblem[] = [];
  const reports: Reports = {
    problem: (line, message) => void problems.push({ line, message }),
    remark: (line, message) => void remarks.push({ line, message }),
  };
  return {
    text,
    document,
    problems,
    remarks,
    reports,
    wave: null,
    isIntroduction: false,
    task: null,
    header: createHeaderReader(document, reports),
    notes: createNoteReader(text),
    links: [],
    strays: [],
    slips: [],
    fences: createFenceWatch(),
    commentedWave: null,
    paragraph: null,
  };
}

function readTextLine(reading: Reading, line: MarkdownLine): void {
  const { heading, slip } = readHeading(line.text);
  if (slip !== null) reportSlip(reading, line.number, slip);
  if (heading === null) {
    readUnderline(reading, line);
    const text = { text: line.text, number: line.number, label: readLabel(line.text) };
    if (reading.task !== null) readInTask(reading, text, reading.task.reader);
    else {
      reading.notes.add(line);
      readOutside(reading, text);
    }
    return;
  }
  interrupt(reading);
  if (heading.kind === 'other') {
    if (slip === null) remarkLikeTask(reading, line.number, heading);
    readOtherHeading(reading, line, heading);
    return;
  }
  endTask(reading, line.start);
  reading.header.end(line.text.trim());
  if (heading.kind === 'wave') startWave(reading, line, heading);
  else startTask(reading, line, heading);
}

function reportSlip(
  reading: Reading,
  line: number,
  { message, isCertain }: { message: string; isCertain: boolean },
): void {
  if (isCertain) reading.problems.push({ line, message });
  else reading.slips.push({ line, message });
}

/** A line of dashes or equals signs makes a heading of the one line above it, and such headings are text to the grammar. */
function readUnderline(reading: Reading, line: MarkdownLine): void {
  const { paragraph } = reading;
  const isBlank = line.text.trim() === '';
  reading.paragraph = isBlank ? null : { lines: (paragraph?.lines ?? 0) + 1, last: line };
  if (paragraph?.lines !== 1 || !/^ {0,3}(?:-{2,}|={2,})[ \t]*$/.test(line.text)) return;
  const message = underlinedHeading(paragraph.last.text);
  if (message !== null) reportSlip(reading, paragraph.last.number, { message, isCertain: reading.wave !== null });
}

/** A line of a comment or of front matter: agents read it with the text around it, and the grammar gives it no meaning. */
function readComment(reading: Reading, line: MarkdownLine): void {
  interrupt(reading);
  if (reading.task === null) reading.notes.add(line);
  if (readHeading(line.text).heading?.kind === 'wave') reading.commentedWave ??= line.number;
}

/** Ends a value or a list that could continue on further lines. */
function interrupt(reading: Reading): void {
  reading.paragraph = null;
  reading.task?.reader.interrupt();
  reading.header.interrupt();
}

/** The remark on a task's field that is in no task. */
const strayFields: Readonly<Record<string, string>> = {
  check: 'this check is in no task, so nothing runs it; move it below the heading of its task',
  files: 'these files are in no task, so no task claims them; move them below its heading',
  agent: 'this agent is in no task, so it does none; write the line into each task that it is to do',
};

/** In a section and in the introduction of a wave there are no fields, and the line goes to its agents as it is. */
function readOutside(reading: Reading, line: TextLine): void {
  const { header, reports, isIntroduction } = reading;
  const { label } = line;
  const advice = label === null ? undefined : strayFields[label.name];
  // Files are named in the head of many documents.
  if (advice !== undefined && (label?.name !== 'files' || reading.wave !== null)) reports.remark(line.number, advice);
  if (!header.hasEnded()) header.read(line);
  else header.readBelow(line, isIntroduction ? 'introduction' : 'section');
  if (isIntroduction) remarkBold(reading, line);
}

function readInTask(reading: Reading, line: TextLine, reader: TaskReader): void {
  reader.read(line);
  reading.header.readBelow(line, 'task');
  if (reading.wave !== null) remarkBold(reading, line);
}

function remarkBold(reading: Reading, line: TextLine): void {
  const message = boldHeading(line.text);
  if (message !== null) reading.reports.remark(line.number, message);
}

/** The remark on a heading that is numbered or marked like the tasks beside it. Where its wave has no task yet it is most likely a task. */
function remarkLikeTask(
  { wave, task, isIntroduction, reports, slips }: Reading,
  line: number,
  { level, title }: Extract<PlanHeading, { kind: 'other' }>,
): void {
  if (wave === null || !(task !== null || isIntroduction)) return;
  if (level < 3 || level <= wave.level || level > (task?.level ?? 4)) return;
  const like = likeTask(title);
  if (like === null) return;
  const form = `### Task ${like.number ?? 'N'}: ${like.title === '' ? 'title' : like.title}`;
  const place = task === null ? `the introduction of wave ${wave.wave.number}` : `task ${task.task.number}`;
  const message = `${quoted(title)} is read as text of ${place}; write ${quoted(form)} if it is a task of its own`;
  if (task === null && wave.wave.tasks.length === 0) slips.push({ line, message });
  reports.remark(line, message);
}

function readOtherHeading(
  reading: Reading,
  line: MarkdownLine,
  { level, title }: Extract<PlanHeading, { kind: 'other' }>,
): void {
  const { document, notes } = reading;
  const isTitle = level === 1 && title !== '' && document.title === null && reading.wave === null;
  if (isTitle) document.title = title;
  if (level === 2) reading.header.end(line.text.trim());
  if (level <= (reading.wave?.level ?? 2)) {
    endTask(reading, line.start);
    reading.isIntroduction = false;
    if (!isTitle) remarkUnread(reading, line.number, title);
    notes.begin({ title: isTitle ? '' : title, wave: null });
  }
  if (reading.task === null && !isTitle) notes.add(line);
}

/** A section whose heading says `Wave 2` or `Task 3` goes to agents as text, and is not worked on. */
function remarkUnread({ reports }: Reading, line: number, title: string): void {
  const word = /^(wave|task)\s+(?:\d+|[ivx]+|one|two|three|four|five|six)\b/i.exec(title)?.[1]?.toLowerCase();
  if (word === undefined) return;
  const form = word === 'wave' ? '## Wave 2' : '### Task 2: title';
  reports.remark(line, `${quoted(title)} is not read as a ${word}, so nobody works on it; write ${quoted(form)}`);
}

function startWave(reading: Reading, line: MarkdownLine, heading: Extract<PlanHeading, { kind: 'wave' }>): void {
  const { number, title, level } = heading;
  sayOf(reading, line, heading);
  const wave: PlanWave = { number, line: line.number, title, tasks: [] };
  reading.document.waves.push(wave);
  reading.wave = { wave, level, isDone: heading.isDone === true };
  reading.isIntroduction = true;
  reading.notes.begin({ title: '', wave: number });
}

function startTask(reading: Reading, line: MarkdownLine, read: Extract<PlanHeading, { kind: 'task' }>): void {
  const { wave } = reading;
  // `Task 1.2` of wave 1 is its task 2.
  const isCounted = read.counted !== null && read.counted.wave === wave?.wave.number;
  const heading: TaskHeading = isCounted && read.counted !== null ? read.counted.heading : read;
  sayOf(reading, line, heading);
  reading.isIntroduction = false;
  const { number, title, level } = heading;
  const isDone = heading.isDone ?? wave?.isDone ?? false;
  const own = { check: null, files: [], after: [], agent: null, repo: null };
  const task: PlanTask = { number, title, line: line.number, isDone, body: '', ...own };
  (wave?.wave.tasks ?? reading.strays).push(task);
  const place = { task, wave: wave?.wave.number ?? null, planRepo: reading.document.repo?.name ?? null };
  const reader = createTaskReader(place, reading.links, reading.reports);
  reading.task = { task, level, start: line.end, reader };
}

function sayOf({ reports }: Reading, line: MarkdownLine, { problem, remark }: Pick<TaskHeading, 'problem' | 'remark'>) {
  if (problem !== null) reports.problem(line.number, problem);
  if (remark !== null) reports.remark(line.number, remark);
}

function endTask(reading: Reading, end: number): void {
  if (reading.task === null) return;
  reading.task.task.body = reading.text.slice(reading.task.start, end);
  reading.task.reader.end();
  reading.task = null;
}

/** Checks that need the whole document. */
function checkWhole(reading: Reading): void {
  const { document, fences, strays, slips, commentedWave } = reading;
  const add = reading.reports.problem;
  const addAll = (problems: readonly PlanProblem[]) => {
    for (const { line, message } of problems) add(line, message);
  };
  const problems = fences.problems();
  if (document.waves.length === 0) {
    const missing = fences.withoutWaves(commentedWave);
    addAll([missing]);
    addAll(slips);
    addAll(problems.filter((problem) => problem.line !== missing.line));
    return; // tasks are before no wave, and need no line each
  }
  addAll(problems);
  if (document.waves.some((wave) => wave.tasks.length === 0)) addAll(slips);
  for (const task of strays) {
    add(task.line, `task ${task.number} is before the first wave; move it below a ## Wave N heading`);
  }
  checkOrder(document.waves, reading.links, add);
  for (const excess of tooMany(document.waves)) add(excess.line, excess.message);
}

/** The first wave and the first task that are beyond the limits: each of them is an actor of the plan's tree, which is one row. */
function tooMany(waves: readonly PlanWave[]): PlanProblem[] {
  const advice = 'split it into plans that name each other in **After:**';
  const wave = waves[waveLimit];
  const task = waves.flatMap(({ tasks }) => tasks)[taskLimit];
  return [
    ...(wave === undefined
      ? []
      : [{ line: wave.line, message: `the plan has more than ${waveLimit} waves; ${advice}` }]),
    ...(task === undefined
      ? []
      : [{ line: task.line, message: `the plan has more than ${taskLimit} tasks; ${advice}` }]),
  ];
}

function sorted(found: PlanProblem[], what: 'problems' | 'remarks'): PlanProblem[] {
  const ordered = found.toSorted((a, b) => a.line - b.line);
  const shown = ordered.slice(0, problemLimit);
  const next = ordered[problemLimit];
  if (next === undefined) return shown;
  const message = `${ordered.length - problemLimit} more ${what} from here on; correct those above first`;
  return [...shown, { line: next.line, message }];
}

export interface NoteReader {
  /** Begins a new note for the lines that follow outside of tasks. */
  begin(start: Pick<PlanNote, 'title' | 'wave'>): void;
  /** A line for the present note. */
  add(line: MarkdownLine): void;
  /** The notes so far; empty ones are left out. */
  notes(): PlanNote[];
}

/** Collects the text outside of a plan's tasks, so that every line of a document reaches an agent. */
function createNoteReader(content: string): NoteReader {
  interface Draft extends Pick<PlanNote, 'title' | 'wave'> {
    readonly lines: MarkdownLine[];
  }
  let draft: Draft = { title: '', wave: null, lines: [] };
  const drafts = [draft];

  return {
    begin(start) {
      draft = { ...start, lines: [] };
      drafts.push(draft);
    },
    add: (line) => void draft.lines.push(line),
    notes() {
      return drafts.flatMap(({ title, wave, lines }) => {
        const first = lines.find(({ text }) => text.trim() !== '');
        if (first === undefined) return [];
        const text = lines.map(({ start, end }) => content.slice(start, end)).join('');
        return [{ line: first.number, title, wave, text }];
      });
    },
  };
}
