/** A plan's file from the disk, with a message of its own for everything that is no such file. */

import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { decodePlan, type PlanProblem } from '../machines/document/plan-document.ts';
import { EngineError } from '../machines/vocabulary/errors.ts';
import { planNameOf } from '../machines/vocabulary/ids.ts';
import { planDocumentLimitBytes } from '../machines/vocabulary/plan-file.ts';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import { systemCode } from '../runtime/base/platform/system-code.ts';
import { refuseWayOut } from '../runtime/base/platform/way-out.ts';
import type { Call } from './command.ts';

/** More than this is not even read to say what is wrong with it. */
const readLimitBytes = 16 * planDocumentLimitBytes;

export interface PlanFile {
  readonly file: string;
  /** Where it lies, links followed; null: a pipe, which lies nowhere. */
  readonly path: string | null;
  readonly name: string;
  readonly read: { readonly content: string } | { readonly problem: PlanProblem };
}

export interface PlanFileOptions {
  /** The plan's name where it is not the file's. */
  readonly name?: string | undefined;
  /** A file of any name is taken for a plan. */
  readonly force?: boolean;
}

export const forceFileArgs = {
  force: { type: 'boolean', description: 'accept a file that does not end in .md or .markdown' },
} as const;

/**
 * Throws `bad_file` for what cannot be read as a file at all, or is reached by a link out of its repository, and where its name makes no plan's name; `usage` where the given name makes none, and where
 * the file's says that it is no markdown.
 */
export function openPlanFile(cwd: string, file: string, { name: given, force = true }: PlanFileOptions = {}): PlanFile {
  const path = resolve(cwd, file);
  const found = statOf(path, file);
  if (found.isDirectory()) throw new EngineError('bad_file', `${file} is a directory`, 'name the markdown file in it');
  // A pipe is what `<(…)` of a shell gives; a device may have no end.
  if (!found.isFile() && !found.isFIFO())
    throw new EngineError('bad_file', `${file} is not a file`, 'name a markdown file');
  if (found.isFile()) refuseWayOut(path, file);
  if (found.isFile() && !force && !/\.(md|markdown)$/i.test(file)) throw otherKind(file);
  if (found.size > readLimitBytes) {
    const message = `${file} has ${found.size} bytes, over the limit of ${planDocumentLimitBytes} (1 MiB)`;
    throw new EngineError('bad_file', message, 'split it into plans that name each other in **After:**');
  }
  const name = given === undefined ? planNameOf(basename(path)) : planNameOf(given);
  if (name === null) throw nameless(file, given);
  return { file, path: found.isFile() ? realpathSync(path) : null, name, read: decodePlan(bytesOf(path, file)) };
}

function otherKind(file: string): EngineError {
  return new EngineError(
    'usage',
    `${file} is no plan by its name: a plan's file ends in .md or .markdown`,
    'name the markdown file; or take this one for a plan all the same: --force',
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

/** A name that was typed and is not taken letter by letter. */
export function tellName({ out }: Pick<Call, 'out'>, given: string | undefined, name: string): void {
  if (given !== undefined && given !== name)
    out.note(`"${given}" is no name of a plan as it stands: it is called ${name}`);
}

export interface ReadPlanFile extends Omit<PlanFile, 'read'> {
  readonly content: string;
  /** The name was said, and not made from the file's. */
  readonly isNamed: boolean;
}

/** The text of a plan's file. Throws what opening it throws, and `bad_file` where it is no text. */
export function readPlanFile(cwd: string, file: string, options: PlanFileOptions = {}): ReadPlanFile {
  const { read, ...opened } = openPlanFile(cwd, file, options);
  if ('content' in read) return { ...opened, content: read.content, isNamed: options.name !== undefined };
  const message = `${file}:${read.problem.line}: ${read.problem.message}`;
  throw new EngineError('bad_file', message, 'a plan is a markdown file with ## Wave N and ### Task N: title headings');
}

function statOf(path: string, file: string) {
  try {
    return statSync(path);
  } catch (thrown) {
    throw unreadable(path, file, thrown);
  }
}

function bytesOf(path: string, file: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw unreadable(path, file, thrown);
  }
}

function unreadable(path: string, file: string, thrown: unknown): EngineError {
  const code = systemCode(thrown);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const hint = existsSync(`${path}.md`)
      ? `did you mean ${shellWord(`${file}.md`)}?`
      : 'name a file that does; a path is taken from this folder';
    return new EngineError('bad_file', `${file} does not exist`, hint, { cause: thrown });
  }
  return new EngineError('bad_file', `${file} cannot be read (${code})`, `look at it: ls -l ${file}`, {
    cause: thrown,
  });
}
