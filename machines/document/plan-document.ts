/**
 * The plan grammar: a markdown document with `## Wave N` sections of `### Task N: title` parts. Read in one pass over its lines, so the
 * time is linear in its size whatever it holds. What the parts look like is in plan-shape.ts.
 */

import { createFenceWatch, type FenceWatch } from './fences.ts';
import {
  createHeaderReader,
  createTaskReader,
  type HeaderReader,
  misplacedBudget,
  type TaskLink,
  type TaskReader,
} from './fields.ts';
import { type PlanHeading, readHeading } from './headings.ts';
import { type MarkdownLine, markdownLines } from './markdown-lines.ts';
import { createNoteReader, type NoteReader } from './notes.ts';
import { checkOrder } from './order.ts';
import type { ParsedPlan, PlanDocument, PlanProblem, PlanTask, PlanWave } from './shape.ts';
import { textProblem } from './text.ts';

export { shellBlocks } from './markdown-lines.ts';
export { checksOutsideTasks, checksUnread, headingsUnread } from './notes.ts';
export type { ParsedPlan, PlanDocument, PlanProblem, PlanTask } from './shape.ts';
export { decodePlan } from './text.ts';

/** A document with more problems is not a plan that somebody mistyped; the rest is counted. */
const problemLimit = 1000;
/** More than anybody has planned at once; 25,000 of them kept a daemon busy for minutes. */
const waveLimit = 1_000;
const taskLimit = 10_000;

/**
 * Reads a plan. Never throws: all problems come at once, by line, up to 1,000, and the document holds what could be read. Headings and
 * fields in fenced code and in comments are text. Of a document over 1 MiB nothing is read.
 */
export function parsePlan(content: string): ParsedPlan {
  const text = content.startsWith('\uFEFF') ? content.slice(1) : content;
  const found = textProblem(text) ?? (text.trim() === '' ? { line: 1, message: 'empty plan content' } : null);
  if (found !== null) return { ok: false, document: emptyDocument(), problems: [found] };
  const reading = startReading(text);
  for (const line of markdownLines(text)) {
    if (line.part === 'comment') readComment(reading, line);
    else if (line.fence === null) readTextLine(reading, line);
    else {
      interrupt(reading);
      if (reading.task === null) reading.notes.add(line);
      reading.fences.read(line, line.fence);
    }
  }
  endTask(reading, text.length);
  reading.document.notes = reading.notes.notes();
  checkWhole(reading);
  const problems = sorted(reading.problems);
  return { ok: problems.length === 0, document: reading.document, problems };
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
  };
  return { ...header, issues: [], after: [], waves: [], notes: [] };
}

interface Reading {
  text: string;
  document: PlanDocument;
  problems: PlanProblem[];
  wave: { wave: PlanWave; level: number } | null;
  /** Between a wave's heading and its first task, or another heading of its level. */
  isIntroduction: boolean;
  /** The task whose body is being read, with the offset where it starts; also one that stands before the first wave. */
  task: { task: PlanTask; start: number; reader: TaskReader } | null;
  header: HeaderReader;
  notes: NoteReader;
  links: TaskLink[];
  /** Tasks before the first wave. */
  strays: PlanTask[];
  /** Lines that read like headings and are none, and matter only where something is missing. */
  slips: PlanProblem[];
  fences: FenceWatch;
  /** The line of the first wave heading inside of a comment. */
  commentedWave: number | null;
}

function startReading(text: string): Reading {
  const document = emptyDocument();
  const problems: PlanProblem[] = [];
  return {
    text,
    document,
    problems,
    wave: null,
    isIntroduction: false,
    task: null,
    header: createHeaderReader(document, (line, message) => problems.push({ line, message })),
    notes: createNoteReader(text),
    links: [],
    strays: [],
    slips: [],
    fences: createFenceWatch(),
    commentedWave: null,
  };
}

function report(reading: Reading, line: number, message: string): void {
  reading.problems.push({ line, message });
}

function readTextLine(reading: Reading, line: MarkdownLine): void {
  const { heading, slip } = readHeading(line.text);
  if (slip?.isCertain === true) report(reading, line.number, slip.message);
  if (slip?.isCertain === false) reading.slips.push({ line: line.number, message: slip.message });
  if (heading === null) {
    if (reading.task === null) readOutside(reading, line);
    else reading.task.reader.read(line.text, line.number);
    return;
  }
  interrupt(reading);
  if (heading.kind === 'other') {
    readOtherHeading(reading, line, heading);
    return;
  }
  if (heading.problem !== null) report(reading, line.number, heading.problem);
  endTask(reading, line.start);
  if (heading.kind === 'wave') startWave(reading, line, heading);
  else startTask(reading, line, heading);
}

/** Agents read it with what is around it; to the grammar it says nothing. */
function readComment(reading: Reading, line: MarkdownLine): void {
  interrupt(reading);
  if (reading.task === null) reading.notes.add(line);
  if (readHeading(line.text).heading?.kind === 'wave') reading.commentedWave ??= line.number;
}

/** A value or a list that may go on over several lines is over. */
function interrupt(reading: Reading): void {
  reading.task?.reader.interrupt();
  reading.header.interrupt();
}

/** In the introduction of a wave a `**Goal:**` is that wave's, and text. */
function readOutside(reading: Reading, line: MarkdownLine): void {
  const { header, notes, isIntroduction } = reading;
  const misplaced = isIntroduction ? misplacedBudget(line.text) : null;
  if (misplaced !== null) report(reading, line.number, misplaced);
  const kind = isIntroduction ? 'text' : header.read(line.text, line.number);
  if (kind === 'text') notes.add(line);
  else if (kind === 'held') notes.hold(line);
  else notes.drop();
}

function readOtherHeading(
  reading: Reading,
  line: MarkdownLine,
  { level, title }: Extract<PlanHeading, { kind: 'other' }>,
): void {
  const { document, notes } = reading;
  const isTitle = level === 1 && title !== '' && document.title === null && reading.wave === null;
  if (isTitle) document.title = title;
  if (level <= (reading.wave?.level ?? 2)) {
    endTask(reading, line.start);
    reading.isIntroduction = false;
    notes.begin({ title: isTitle ? '' : title, wave: null });
  }
  if (reading.task === null && !isTitle) notes.add(line);
}

function startWave(reading: Reading, line: MarkdownLine, heading: Extract<PlanHeading, { kind: 'wave' }>): void {
  const wave: PlanWave = { number: heading.number, line: line.number, title: heading.title, tasks: [] };
  reading.document.waves.push(wave);
  reading.wave = { wave, level: heading.level };
  reading.isIntroduction = true;
  reading.notes.begin({ title: '', wave: heading.number });
}

function startTask(reading: Reading, line: MarkdownLine, heading: Extract<PlanHeading, { kind: 'task' }>): void {
  const { number, title, isDone } = heading;
  reading.isIntroduction = false;
  const task: PlanTask = { number, title, line: line.number, isDone, body: '', check: null, files: [], after: [] };
  (reading.wave?.wave.tasks ?? reading.strays).push(task);
  const reader = createTaskReader(task, reading.links, (at, message) => report(reading, at, message));
  reading.task = { task, start: line.end, reader };
}

function endTask(reading: Reading, end: number): void {
  if (reading.task !== null) reading.task.task.body = reading.text.slice(reading.task.start, end);
  reading.task = null;
}

/** What only the whole document can tell. */
function checkWhole(reading: Reading): void {
  const { document, fences, strays, slips, commentedWave } = reading;
  const add = (line: number, message: string) => report(reading, line, message);
  const problems = fences.problems();
  if (document.waves.length === 0) {
    const missing = fences.withoutWaves(commentedWave);
    reading.problems = reading.problems.concat(missing, slips);
    reading.problems = reading.problems.concat(problems.filter((problem) => problem.line !== missing.line));
    return; // tasks stand before no wave, and need no line each
  }
  reading.problems = reading.problems.concat(problems);
  if (document.waves.some((wave) => wave.tasks.length === 0)) reading.problems = reading.problems.concat(slips);
  for (const task of strays) {
    add(task.line, `task ${task.number} stands before the first wave; move it below a ## Wave N heading`);
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

function sorted(problems: PlanProblem[]): PlanProblem[] {
  const ordered = problems.toSorted((a, b) => a.line - b.line);
  const shown = ordered.slice(0, problemLimit);
  const next = ordered[problemLimit];
  if (next === undefined) return shown;
  const message = `${ordered.length - problemLimit} more problems from here on; correct those above first`;
  return [...shown, { line: next.line, message }];
}
