/**
 * a fault of the environment: a full disk, a folder that is out of reach, a branch that somebody has checked out. Nobody's work is at fault, and it
 * ends by itself or by a person's hand: what meets it waits (`retry: 'wait'` in the table of errors).
 */
import { EngineError, errorClasses } from '../../../machines/vocabulary/errors.ts';

type Trouble = 'disk_full' | 'unreachable';

/** The error codes of the system for each fault. */
const systemCodes: Readonly<Record<string, Trouble>> = {
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
  EROFS: 'unreachable',
  EIO: 'unreachable',
  ENXIO: 'unreachable',
  ESTALE: 'unreachable',
  ENOTCONN: 'unreachable',
};

/** The messages of git and of the system for each fault. */
const gitWords: readonly (readonly [RegExp, Trouble])[] = [
  [/No space left on device|Out of diskspace|Disk quota exceeded/, 'disk_full'],
  [/Read-only file system|Input\/output error|Stale (NFS )?file handle/, 'unreachable'],
  [/Transport endpoint is not connected|No such device or address/, 'unreachable'],
  [/insufficient permission for adding an object to repository database/, 'unreachable'],
];

const hints: Readonly<Record<Trouble, string>> = {
  disk_full: 'free some space there: df -h; it continues by itself',
  unreachable: 'see that it can be read and written: mount, ls -ld; it continues by itself',
};

/**
 * The trouble behind what was thrown; null: something else was wrong. A folder that may not be entered is out of reach. A file that may not be read is
 * not: an agent can leave such a one behind, and nobody would come to mend it. An EngineError is what its thrower said.
 */
export function environmentFault(thrown: unknown): EngineError | null {
  if (thrown instanceof EngineError) return errorClasses[thrown.code].retry === 'wait' ? thrown : null;
  if (!(thrown instanceof Error)) return null;
  const { code = '', syscall = '' } = thrown as NodeJS.ErrnoException; // both are missing where it is none
  const isClosed = code === 'EACCES' && ['stat', 'lstat', 'scandir'].includes(syscall);
  const trouble = isClosed ? 'unreachable' : systemCodes[code];
  return trouble === undefined ? null : new EngineError(trouble, thrown.message, hints[trouble], { cause: thrown });
}

/** The trouble that git's own words tell of; null: none. `what` says which command it was, and where. */
export function environmentFaultInText(said: string, what: string): EngineError | null {
  const found = gitWords.find(([words]) => words.test(said));
  return found === undefined ? null : new EngineError(found[1], `${what}: ${said}`, hints[found[1]]);
}
