/** Leaves a signal as a file for the next engine if it cannot be written into the inbox now: a signal of an agent must not be lost. */

import { basename } from 'node:path';
import { EngineError, type ErrorCode } from '../../machines/vocabulary/errors.ts';
import { isInWalls } from '../../runtime/base/platform/home.ts';
import { systemCode } from '../../runtime/base/platform/system-code.ts';
import type { Call } from '../command.ts';
import { askGit, mainRepository, requireProject } from '../place.ts';

export interface SaidWord {
  readonly plan: string;
  readonly type: string;
  readonly payload?: unknown;
}

/** The store or its home cannot be written, or belongs to a process that does not answer or waits for that store. */
const unwritable: ReadonlySet<ErrorCode> = new Set([
  'store_locked',
  'store_full',
  'store_unreadable',
  'store_corrupt',
  'store_newer',
  'home_unusable',
  'owner_taken',
  'unavailable',
]);
/** The system's codes for the same faults, if nothing has turned them into an `EngineError`. */
const systemCodes: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EIO']);

/** Whether a signal is left as a file after this error. */
export function isUnwritable(thrown: unknown): thrown is Error {
  if (thrown instanceof EngineError) return unwritable.has(thrown.code);
  return thrown instanceof Error && systemCodes.has(systemCode(thrown));
}

/** Leaves the file, prints where it is, and returns the exit code. If no file can be written, throws the first error with the reason for that too. */
export async function leaveWord(call: Call, word: SaidWord, cause: Error): Promise<number> {
  const project = requireProject(call);
  const roots = placesFor(call, project);
  if (roots.length === 0)
    throw both(cause, `${call.cwd} is not in the repo ${project}, where a signal file would be left`);
  try {
    const { leaveSignalFile } = await import('../../runtime/work/signal-files/leave.ts');
    const { type, path } = await leaveSignalFile({ roots, ...word, payload: word.payload ?? {} });
    const { out } = call;
    out.note(`${cause.message}; the signal is left as a file, and the next engine takes it: ${path}`);
    const signal = { id: null, type, status: 'pending', result: null, refused: null };
    const plan = { project, plan: word.plan, status: null, phase: null, waits: null };
    out.done({ signal, plan, file: path }, `pending: ${type} lies in ${path}`);
    return 0;
  } catch (thrown) {
    throw thrown instanceof EngineError ? both(cause, thrown.message) : thrown;
  }
}

/**
 * The folders to try: inside a run its worktree, which an agent can always write, then the main repository. Folders of another project are left out.
 */
function placesFor(call: Call, project: string): string[] {
  // Inside of walls only the worktree is visible.
  if (isInWalls(call.env)) {
    const own = call.env.STATOR_PROJECT === project ? askGit(call, ['rev-parse', '--show-toplevel']) : null;
    return own === null ? [] : [own];
  }
  const main = mainRepository(call);
  if (main === null || basename(main) !== project) return [];
  const top = call.env.STATOR_RUN === undefined ? null : askGit(call, ['rev-parse', '--show-toplevel']);
  return top === null || top === main ? [main] : [top, main];
}

function both(cause: Error, why: string): EngineError {
  const code = cause instanceof EngineError ? cause.code : 'home_unusable';
  const hint =
    cause instanceof EngineError ? cause.hint : 'make the home writable, or set STATOR_HOME to another folder';
  return new EngineError(code, `${cause.message}; and no file could be left for the next engine: ${why}`, hint, {
    cause,
  });
}
