/** Reads documents: one of any family is turned into stator's own form once, and all later code reads the own form. */
import { planNameOf } from '../vocabulary/ids.ts';
import {
  almostBoxRemark,
  companionNote,
  describe,
  emptyProblem,
  planBeside,
  tooManyLines,
} from './families/descriptions.ts';
import type { Family, PlanDraft } from './families/family.ts';
import { leftOut } from './families/lists.ts';
import { families } from './families/registry.ts';
import { openSheet, type PlanSource, type Sheet } from './families/sheet.ts';
import { inOwnForm, type PlacedTask } from './own-form.ts';
import { parsePlan } from './plan-document.ts';
import type { ParsedPlan, PlanDocument, PlanProblem } from './shape.ts';
import { textProblem } from './text.ts';

export type { PlanSource } from './families/sheet.ts';

export type FamilyName = 'stator' | (typeof families)[number]['name'];

/** The names that `--as` takes. */
export const familyNames: readonly FamilyName[] = ['stator', ...families.map(({ name }) => name)];

/** A task, and where the document has it. */
export interface TaskReference {
  readonly wave: number;
  readonly task: number;
  /** Its id in its family: `T007`, `1.2`, `US-001`. */
  readonly ref: string;
  /** The line of the document that it begins in. */
  readonly line: number;
  /** Something in the document can show that it is done. */
  readonly hasMark: boolean;
}

export interface PlanReading extends Omit<ParsedPlan, 'remarks'> {
  readonly family: FamilyName;
  /** How people write the family's name: `spec-kit`. */
  readonly familyTitle: string;
  /** The document in stator's own form; the text itself where it has that form, or has problems. Line numbers of `document` are lines of the own form. */
  readonly content: string;
  /** The line of the text as it was given that a line of `document` comes from. */
  lineOf(line: number): number;
  /** What a person should know about how it was read, with lines of the document. */
  readonly remarks: readonly PlanProblem[];
  readonly counts: { readonly waves: number; readonly tasks: number; readonly done: number };
  /** `6 phases, 41 tasks`. */
  readonly size: string;
  readonly refs: readonly TaskReference[];
  /** The name that the plan should have where its file is called like many others, or its content names it; null: the file's own. */
  readonly name: string | null;
  /** What the document looks like if it is no plan; null: it is one. */
  readonly describes: string | null;
  /** The path of the plan that it belongs to, where it is no plan itself: `tasks.md` beside `requirements.md`. */
  readonly planBeside: string | null;
}

/**
 * Reads a document of any family. Never throws: `problems` says why it is no plan, with lines of the document. `as` forces a family,
 * else the surest sign decides; a document without any is read in stator's own form.
 */
export function readPlan(source: PlanSource, as?: FamilyName): PlanReading {
  const text = source.text.startsWith('\uFEFF') ? source.text.slice(1) : source.text;
  const sheet = openSheet({ ...source, text });
  const isText = textProblem(text) === null && text.trim() !== '';
  if (!isText || as === 'stator') return inItself(sheet, parsePlan(text), null);
  if (as !== undefined) {
    const forced = families.find(({ name }) => name === as);
    if (forced !== undefined) return inFamily(sheet, forced);
  }
  const parsed = parsePlan(text);
  if (parsed.document.waves.some(({ tasks }) => tasks.length > 0)) return inItself(sheet, parsed, null);
  const family = families.find((candidate) => candidate.recognises(sheet));
  if (family !== undefined) return inFamily(sheet, family);
  const mistake = /\.json$/i.test(sheet.file) ? (sheet.json()?.problem ?? null) : null;
  const problems = mistake === null ? parsed.problems : [mistake];
  return inItself(
    sheet,
    { ...parsed, problems, remarks: [...parsed.remarks, ...almostBoxRemark(sheet)] },
    describe(sheet),
  );
}

/**
 * The text with the tasks of these ids shown as done. Nothing else of it changes, not a byte. Ids that it does not have, and tasks that have nothing to
 * mark, are passed over.
 */
export function markDone(source: PlanSource, refs: ReadonlySet<string>, as?: FamilyName): string {
  const offset = source.text.startsWith('\uFEFF') ? 1 : 0;
  const sheet = openSheet({ ...source, text: source.text.slice(offset) });
  const family = families.find((candidate) => (as === undefined ? candidate.recognises(sheet) : candidate.name === as));
  if (family === undefined) return source.text;
  const { parts } = draftOf(family, sheet);
  const isDone = (task: { ref: string; isDone: boolean }) => task.isDone || refs.has(task.ref);
  const marks = parts.flatMap((part) => {
    if (part.kind === 'note') return [];
    const ofTasks = part.tasks.flatMap((task) => (refs.has(task.ref) && !task.isDone ? task.marks : []));
    return ofTasks.length > 0 && part.tasks.every(isDone) ? [...ofTasks, ...part.marks] : ofTasks;
  });
  let text = source.text;
  for (const { start, end, text: mark } of marks.toSorted((a, b) => b.start - a.start)) {
    text = text.slice(0, start + offset) + mark + text.slice(end + offset);
  }
  return text;
}

function draftOf(family: Family, sheet: Sheet): PlanDraft {
  return family.read(sheet);
}

function inItself(sheet: Sheet, parsed: ParsedPlan, describes: string | null): PlanReading {
  const counts = countsOf(parsed.document);
  const refs = parsed.document.waves.flatMap(({ number: wave, tasks }) =>
    tasks.map(({ number, line }) => ({ wave, task: number, ref: `${wave}.${number}`, line, hasMark: false })),
  );
  return {
    ...parsed,
    family: 'stator',
    familyTitle: 'stator’s own form',
    content: sheet.text,
    lineOf: (line) => line,
    remarks: [...parsed.remarks, ...boxesOutside(sheet, parsed.document)].toSorted((a, b) => a.line - b.line),
    counts,
    size: sizeOf(counts, ['wave', 'waves']),
    refs,
    name: null,
    describes,
    planBeside: describes === null ? null : planBeside(sheet),
  };
}

/** The remarks on open boxes that may be work and are in no task. */
function boxesOutside(sheet: Sheet, { waves, notes }: PlanDocument): PlanProblem[] {
  const tasks = waves.flatMap((wave) => wave.tasks);
  // Most documents have none, and need no parser for it.
  if (tasks.length === 0 || !notes.some(({ text }) => /^[^\S\n]*(?:[-*+]|\d{1,9}[.)])\s+\[ \]/m.test(text))) return [];
  const spans = tasks.map(({ line, body }) => ({ line, end: line + body.split(/\r\n?|\n/).length }));
  return leftOut(sheet, spans, 'a heading such as `### Task 2: title` in a wave makes a task of one');
}

function inFamily(sheet: Sheet, family: Family & { readonly name: FamilyName }): PlanReading {
  const read = draftOf(family, sheet);
  const hasTasks = read.parts.some((part) => part.kind === 'wave');
  if (!hasTasks) {
    const problems = read.problems.length > 0 ? read.problems : [tooManyLines(sheet) ?? emptyProblem(family)];
    const reading = inItself(sheet, { ...parsePlan(sheet.text), ok: false, problems: [...problems] }, describe(sheet));
    return { ...reading, family: family.name, familyTitle: family.title };
  }
  const own = inOwnForm({ ...read, head: [...read.head, ...companionNote(sheet, family)] });
  const counts = countsOf(own.parsed.document);
  const problems = own.problems.toSorted((a, b) => a.line - b.line);
  return {
    ok: problems.length === 0,
    document: own.parsed.document,
    problems,
    family: family.name,
    familyTitle: family.title,
    // The own form has no place for some mistakes, such as a task that comes after an unknown one, and would be a plan without them.
    content: problems.length === 0 ? own.content : sheet.text,
    lineOf: own.lineOf,
    remarks: [...own.remarks, ...almostBoxRemark(sheet)].toSorted((a, b) => a.line - b.line),
    counts,
    size: sizeOf(counts, family.waves),
    refs: own.tasks.map(referenceOf),
    name: planName(sheet, read.name),
    describes: null,
    planBeside: null,
  };
}

function referenceOf({ wave, number, task }: PlacedTask): TaskReference {
  return { wave, task: number, ref: task.ref, line: task.line, hasMark: task.marks.length > 0 };
}

function planName(sheet: Sheet, proposed: string | null): string | null {
  const name = proposed ?? folderName(sheet);
  return name === null ? null : planNameOf(name);
}

function countsOf({ waves }: PlanDocument): PlanReading['counts'] {
  const tasks = waves.flatMap((wave) => wave.tasks);
  return { waves: waves.length, tasks: tasks.length, done: tasks.filter(({ isDone }) => isDone).length };
}

function sizeOf({ waves, tasks }: PlanReading['counts'], [one, several]: readonly [string, string]): string {
  const counted = `${tasks} ${tasks === 1 ? 'task' : 'tasks'}`;
  return waves === 1 ? counted : `${waves} ${waves === 1 ? one : several}, ${counted}`;
}

const commonFiles = /^(?:tasks?|todo|plan|prd|implementation[-_]?plan|spec|index|readme)\.(?:md|markdown|json)$/i;
/** Folders that hold plans of a kind; their names do not name a plan. */
const commonFolders = new Set([
  ...[
    'tasks',
    'plans',
    'plan',
    'specs',
    'spec',
    'changes',
    'archive',
    'tracks',
    'phases',
    'quick',
    'todo',
    'todos',
    'prd',
    'docs',
    'doc',
  ],
  ...[
    'scripts',
    'ralph',
    'conductor',
    'openspec',
    'backlog',
    'stories',
    'features',
    'feature',
    'src',
    'work',
    'planning',
    'agent',
    'agents',
  ],
]);

/** The name of the folder that identifies the plan, or of a JSON file without its ending; null: the file's own name identifies it. */
function folderName({ file, folders }: Pick<Sheet, 'file' | 'folders'>): string | null {
  const numbered = /^(\d+(?:\.\d+)?-(?:.+-)?\d+[A-Za-z]?)-PLAN\.md$/i.exec(file)?.[1];
  if (numbered !== undefined) return numbered;
  const own = /^(.+)\.json$/i.exec(file)?.[1] ?? null;
  if (!commonFiles.test(file) && !/^(?:\d+-)?PLAN\.md$/i.test(file)) return own;
  const folder = folders.at(-1);
  const isCommon = folder === undefined || folder.startsWith('.') || commonFolders.has(folder.toLowerCase());
  return isCommon ? own : folder;
}
