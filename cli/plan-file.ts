/** Reads a plan's file, with a message for each kind of wrong file. */

import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { decodePlan, type PlanProblem } from '../machines/document/plan-document.ts';
import type { FamilyName, PlanReading } from '../machines/document/read-plan.ts';
import { EngineError } from '../machines/vocabulary/errors.ts';
import { planNameOf } from '../machines/vocabulary/ids.ts';
import { counted, shortList } from '../machines/vocabulary/numbers.ts';
import { planDocumentLimitBytes } from '../machines/vocabulary/plan-file.ts';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import { didYouMeanOr } from '../runtime/base/config/nearest.ts';
import { entriesOf, planSourceOf } from '../runtime/base/platform/plan-source.ts';
import { systemCode } from '../runtime/base/platform/system-code.ts';
import { refuseWayOut } from '../runtime/base/platform/way-out.ts';
import type { Call } from './command.ts';
import { pathMeant } from './plan-places.ts';
import { readStdin } from './sure.ts';
import { plain } from './text.ts';

/** A larger file is not read. */
const readLimitBytes = 16 * planDocumentLimitBytes;

/** The reader of other programs' documents needs further packages, so it is loaded when it is needed. */
const readers = () => import('../machines/document/read-plan.ts');

export interface PlanFile {
  readonly file: string;
  /** The real path, with symbolic links resolved; null: a pipe or standard input, which have none. */
  readonly path: string | null;
  readonly name: string;
  /** The family that a person chose; undefined: none. */
  readonly as?: FamilyName | undefined;
  readonly read: { readonly reading: PlanReading } | { readonly problem: PlanProblem };
}

export interface PlanFileOptions {
  /** The plan's name, if it is not that of the file. */
  readonly name?: string | undefined;
  /** Accepts a file of any name as a plan. */
  readonly force?: boolean;
  /** The family to read it as; undefined: the family is recognized. */
  readonly as?: string | undefined;
}

export const forceFileArgs = {
  force: { type: 'boolean', description: 'accept a file of any name, not only .md and .json' },
  as: { type: 'string', valueHint: 'family', description: 'read it as that, such as spec-kit' },
} as const;

/**
 * Throws `bad_file` for a file that cannot be read or that a symbolic link leads to outside of its repository, for a folder without exactly one plan,
 * and for a file name from which no plan name can be made. Throws `usage` for a given name that is no plan name, for an unknown family, and for a
 * file whose name says that it is no plan.
 */
export async function openPlanFile(cwd: string, file: string, options: PlanFileOptions = {}): Promise<PlanFile> {
  const { readPlan } = await readers();
  const { name: given, force = true } = options;
  const as = await familyOf(options.as);
  const path = resolve(cwd, file);
  const found = statOf(cwd, file);
  if (found.isDirectory()) return openPlanFile(cwd, join(file, await onlyPlanIn(path, file, as)), options);
  // `<(…)` of a shell gives a pipe; a device may have no end.
  if (!found.isFile() && !found.isFIFO())
    throw new EngineError('bad_file', `${file} is not a file`, 'name a file, or a folder with a plan in it');
  if (found.isFile()) refuseWayOut(path, file);
  if (found.isFile() && !force && !/\.(md|markdown|json)$/i.test(file)) throw otherKind(file);
  if (found.size > readLimitBytes) {
    const message = `${file} has ${found.size} bytes, over the limit of ${planDocumentLimitBytes} (1 MiB)`;
    throw new EngineError('bad_file', message, 'split it into plans that name each other in **After:**');
  }
  const decoded = decodePlan(bytesOf(cwd, file));
  const read = 'content' in decoded ? { reading: readPlan(planSourceOf(path, decoded.content), as) } : decoded;
  const isOwn = 'reading' in read && read.reading.family === 'stator';
  // JSON files are common: one is read as a plan only if its content says so.
  if (found.isFile() && !force && isOwn && /\.json$/i.test(file)) throw otherKind(file);
  if ('reading' in read && read.reading.planBeside !== null && !force) throw besidePlan(file, read.reading);
  const proposed = 'reading' in read ? read.reading.name : null;
  const name = given === undefined ? (proposed ?? planNameOf(basename(path))) : planNameOf(given);
  if (name === null) throw nameless(file, given);
  return { file, path: found.isFile() ? realpathSync(path) : null, name, as, read };
}

/** Reads a text that is not in a file. Its name is the given one, otherwise made from its title. Throws `usage`. */
export async function readPlanText(text: string, { name: given, as }: PlanFileOptions): Promise<ReadPlanFile> {
  const { readPlan } = await readers();
  const family = await familyOf(as);
  const reading = readPlan({ text, path: '', beside: [] }, family);
  const name = planNameOf(given ?? reading.document.title ?? '');
  if (name === null && given !== undefined) throw noName(given);
  if (name === null)
    throw new EngineError('usage', 'the document has no title that makes a name', 'name the plan: --name <plan>');
  return { file: '-', path: null, name, as: family, content: reading.content, reading, isNamed: true };
}

/** `-` is standard input. Throws the errors of reading it. */
export async function readPlanInput(call: Call, file: string, options: PlanFileOptions = {}): Promise<ReadPlanFile> {
  if (file !== '-') return readPlanFile(call.cwd, file, options);
  return readPlanText(await readStdin(call, 'the plan'), options);
}

/** The path of the only plan in a folder, relative to the folder. Throws `bad_file` if there is none, or several. */
async function onlyPlanIn(path: string, file: string, as: FamilyName | undefined): Promise<string> {
  const plans = (await plansIn(path, { as })).map((plan) => plan.path);
  const [first, ...more] = plans;
  if (first !== undefined && more.length === 0) return first;
  if (first === undefined) throw noPlanIn(file);
  throw new EngineError(
    'bad_file',
    `${file} is a folder with ${plans.length} plans: ${shortList(plans, namedLimit)}`,
    `name one of them; or register them all: stator plan import ${shellWord(file)}`,
  );
}

export function noPlanIn(folder: string): EngineError {
  return new EngineError(
    'bad_file',
    `${folder} is a folder without a plan that can be read`,
    `name the file that is meant; what is wrong with it says: stator plan check ${shellWord(folder)}/<file>`,
  );
}

const namedLimit = 5;
const depthLimit = 4;
const plansLimit = 1_000;

/** A document in a folder, with its path from there. */
export interface PlanInFolder {
  readonly path: string;
  readonly reading: PlanReading;
}

/**
 * The documents in a folder that are completely readable as plans, in the order of their names. `only`: those of these names directly in the folder.
 * `mistaken`: also those that have waves and mistakes. Symbolic links are not followed, and other checkouts are left out.
 */
export async function plansIn(
  folder: string,
  options: {
    readonly as?: FamilyName | undefined;
    readonly only?: readonly string[];
    readonly mistaken?: boolean;
  } = {},
): Promise<PlanInFolder[]> {
  const { as, only, mistaken = false } = options;
  const { readPlan } = await readers();
  const found: PlanInFolder[] = [];
  const look = (inside: string, depth: number) => {
    const entries = entriesOf(join(folder, inside)).sort((a, b) => a.name.localeCompare(b.name));
    // Another checkout, such as the worktree of an agent: its plans are copies, or those of another repository.
    if (depth > 0 && entries.some(({ name }) => name === '.git')) return;
    for (const entry of entries) {
      if (found.length >= plansLimit) return;
      const path = join(inside, entry.name);
      if (only !== undefined && !only.includes(entry.name)) continue;
      if (entry.isDirectory() && only === undefined && depth < depthLimit && !skipped.has(entry.name))
        look(path, depth + 1);
      if (!entry.isFile() || !/\.(md|markdown|json)$/i.test(entry.name)) continue;
      const file = join(folder, path);
      if (statSync(file).size > planDocumentLimitBytes) continue;
      const decoded = decodePlan(readFileSync(file));
      if ('problem' in decoded) continue;
      const reading = readPlan(planSourceOf(file, decoded.content, entries), as);
      if (reading.ok || (mistaken && reading.counts.waves > 0)) found.push({ path, reading });
    }
  };
  look('', 0);
  return found;
}

const skipped = new Set(['.git', '.worktrees', 'node_modules', 'archive']);

/** Throws `usage` with the nearest name. */
export async function familyOf(said: string | undefined): Promise<FamilyName | undefined> {
  if (said === undefined) return undefined;
  const { familyNames } = await readers();
  const family = familyNames.find((name) => name === said);
  if (family !== undefined) return family;
  const hint = didYouMeanOr(said, familyNames, `one of ${familyNames.join(', ')}`);
  throw new EngineError('usage', `--as: "${said}" is no family of plan documents`, hint);
}

function otherKind(file: string): EngineError {
  return new EngineError(
    'usage',
    `${file} is no plan by its name: a plan's file ends in .md or .markdown, or in .json where a family of plans is written so`,
    'name that file; or take this one for a plan all the same: --force',
  );
}

/** The path of the plan beside `file`, relative to the same folder. */
export function planBesideOf(file: string, { planBeside }: Pick<PlanReading, 'planBeside'>): string | null {
  return planBeside === null ? null : join(dirname(file), basename(planBeside));
}

/** The person has named the requirements, but means the plan in the same folder. */
function besidePlan(file: string, reading: PlanReading): EngineError {
  return new EngineError(
    'usage',
    `${file} is no plan: ${reading.describes}`,
    `name that file: ${shellWord(planBesideOf(file, reading) ?? '')}; or have this one planned all the same: --force`,
  );
}

function nameless(file: string, given: string | undefined): EngineError {
  if (given !== undefined) return noName(given);
  const hint = 'give the file a name with a letter or a digit in it, or the plan one: --name <plan>';
  return new EngineError('bad_file', `${file} makes no name for a plan`, hint);
}

function noName(given: string): EngineError {
  return new EngineError('usage', `"${given}" makes no name for a plan`, 'use letters, digits, ".", "_" and "-"');
}

/** The name that a title makes. Throws `usage`. */
export function planNameFrom(title: string): string {
  const name = planNameOf(title);
  if (name === null) throw noName(title);
  return name;
}

/** Notes that a typed name was changed. */
export function printName({ out }: Pick<Call, 'out'>, given: string | undefined, name: string): void {
  if (given !== undefined && given !== name)
    out.note(`"${given}" is not a plan’s name as typed: the plan is called ${name}`);
}

/** The remarks on a document that verbs other than `plan check` show. */
const mostRemarks = 3;

/** `read as spec-kit: 6 phases, 41 tasks, 12 done`. */
export function readingText(reading: Pick<PlanReading, 'familyTitle' | 'size' | 'counts'>): string {
  return `read as ${reading.familyTitle}: ${reading.size}${reading.counts.done === 0 ? '' : `, ${reading.counts.done} done`}`;
}

/** The notes about how a document was read: as another family's, and what was most likely meant otherwise. */
export function printReading({ out }: Pick<Call, 'out'>, reading: PlanReading): void {
  if (reading.family !== 'stator') out.note(readingText(reading));
  const { remarks } = reading;
  for (const { line, message } of remarks.slice(0, mostRemarks)) out.note(`line ${line}: ${plain(message)}`);
  if (remarks.length > mostRemarks)
    out.note(`and ${counted(remarks.length - mostRemarks, 'more note')}: stator plan check shows all`);
}

export interface ReadPlanFile extends Omit<PlanFile, 'read'> {
  /** The document in stator's own form, whatever family it had. */
  readonly content: string;
  readonly reading: PlanReading;
  /** The name was given, not made from that of the file. */
  readonly isNamed: boolean;
}

/** The text of a plan's file. Throws the errors of opening it, and `bad_file` if it is no text. */
export async function readPlanFile(cwd: string, file: string, options: PlanFileOptions = {}): Promise<ReadPlanFile> {
  const { read, ...opened } = await openPlanFile(cwd, file, options);
  if ('reading' in read) {
    const { reading } = read;
    return { ...opened, content: reading.content, reading, isNamed: options.name !== undefined };
  }
  const message = `${file}:${read.problem.line}: ${read.problem.message}`;
  throw new EngineError('bad_file', message, 'a plan is a markdown file with ## Wave N and ### Task N: title headings');
}

function statOf(cwd: string, file: string) {
  try {
    return statSync(resolve(cwd, file));
  } catch (thrown) {
    throw unreadable(cwd, file, thrown);
  }
}

function bytesOf(cwd: string, file: string): Uint8Array {
  try {
    return readFileSync(resolve(cwd, file));
  } catch (thrown) {
    throw unreadable(cwd, file, thrown);
  }
}

function unreadable(cwd: string, file: string, thrown: unknown): EngineError {
  const code = systemCode(thrown);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const meant = pathMeant(cwd, file);
    const hint =
      meant === null ? 'name a file that does; a path is taken from this folder' : `did you mean ${shellWord(meant)}?`;
    return new EngineError('bad_file', `${file} does not exist`, hint, { cause: thrown });
  }
  return new EngineError('bad_file', `${file} cannot be read (${code})`, `look at it: ls -l ${file}`, {
    cause: thrown,
  });
}
