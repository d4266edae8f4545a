/** A signal that cannot be written into the inbox now is left as a file that the next engine takes: a signal of an agent is never lost. */

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

/** The store, or the home that it is in, cannot be written or belongs to a process that does not answer, or that waits for that store. */
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
/** The codes of the system for such a home, where no error with a text was made of them. */
const systemCodes: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EIO']);

/** Whether a signal that met this error is left as a file. */
export function isUnwritable(thrown: unknown): thrown is Error {
  if (thrown instanceof EngineError) return unwritable.has(thrown.code);
  return thrown instanceof Error && systemCodes.has(systemCode(thrown));
}

/** Leaves the file and says where; answers the exit code. Throws the first error where no file can be left, with the reason for that too. */
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

/** Inside a run its worktree, which an agent can write where it can write anything; then the main repository. None where these are another project's. */
function placesFor(call: Call, project: string): string[] {
  // Inside of walls only the worktree is there.
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
