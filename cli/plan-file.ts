/** A plan's file from the disk, with a message of its own for everything that is no such file. */
import { readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { EngineError } from '../machines/errors.ts';
import { planNameOf } from '../machines/ids.ts';
import { decodePlan, type PlanProblem, planDocumentLimitBytes } from '../machines/plan-document.ts';

/** More than this is not even read to say what is wrong with it. */
const readLimitBytes = 16 * planDocumentLimitBytes;

export interface PlanFile {
  /** As it was typed. */
  readonly file: string;
  readonly name: string;
  readonly read: { readonly content: string } | { readonly problem: PlanProblem };
}

/** Throws `bad_file` for what cannot be read as a file at all, and where its name makes no plan's name. */
export function openPlanFile(cwd: string, file: string): PlanFile {
  const path = resolve(cwd, file);
  const found = statOf(path, file);
  if (found.isDirectory()) throw new EngineError('bad_file', `${file} is a directory`, 'name the markdown file in it');
  // A pipe is what `<(…)` of a shell gives; a device may have no end.
  if (!found.isFile() && !found.isFIFO())
    throw new EngineError('bad_file', `${file} is not a file`, 'name a markdown file');
  if (found.size > readLimitBytes) {
    const message = `${file} has ${found.size} bytes, over the limit of ${planDocumentLimitBytes} (1 MiB)`;
    throw new EngineError('bad_file', message, 'split it into plans that name each other in **After:**');
  }
  const name = planNameOf(basename(path));
  if (name === null) {
    throw new EngineError(
      'bad_file',
      `${file} makes no name for a plan`,
      'give the file a name with a letter or a digit in it',
    );
  }
  return { file, name, read: decodePlan(bytesOf(path, file)) };
}

/** The text of a plan's file. Throws `bad_file`, also where it is no text. */
export function readPlanFile(cwd: string, file: string): { readonly name: string; readonly content: string } {
  const { name, read } = openPlanFile(cwd, file);
  if ('content' in read) return { name, content: read.content };
  const message = `${file}:${read.problem.line}: ${read.problem.message}`;
  throw new EngineError('bad_file', message, 'a plan is a markdown file with ## Wave N and ### Task N: title headings');
}

function statOf(path: string, file: string) {
  try {
    return statSync(path);
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
}

function bytesOf(path: string, file: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
}

function unreadable(file: string, thrown: unknown): EngineError {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown';
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new EngineError(
      'bad_file',
      `${file} does not exist`,
      'name a file that does; a path is taken from this folder',
      {
        cause: thrown,
      },
    );
  }
  return new EngineError('bad_file', `${file} cannot be read (${code})`, `look at it: ls -l ${file}`, {
    cause: thrown,
  });
}
