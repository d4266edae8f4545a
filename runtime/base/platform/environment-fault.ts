/**
 * A fault of the environment: a full disk, a folder that is out of reach, no more open files, a branch that a person has checked out. The work is not at fault, and it
 * ends by itself or through a person: work that meets it waits (`retry: 'wait'` in the table of errors).
 */
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { EngineError, errorClasses, isError, thenContinues } from '../../../machines/vocabulary/errors.ts';
import { isOwnModuleAway, ownFileAway } from './package-files.ts';
import { systemCode } from './system-code.ts';

type Trouble = 'disk_full' | 'unreachable' | 'system_limit';

interface Fault {
  readonly trouble: Trouble;
  /** The error codes of the system; some mean this fault only in certain calls. */
  readonly codes: readonly string[];
  readonly calls?: RegExp;
  /** The messages of git and of the system. */
  readonly words: RegExp | null;
  /** What the runtime throws itself, as `Name: message`, where it gives no such code. */
  readonly thrown?: RegExp;
  /** The text before the message: the exhausted resource, with the limit if this process knows it. */
  what?(): string;
  readonly hint: string;
}

const noOpenFiles = {
  trouble: 'system_limit',
  what: () => `no more open files${limitText('open_files')}`,
  hint: `raise it where stator is started (ulimit -n 4096, or LimitNOFILE= of its service) and restart it there, or close files; ${thenContinues}`,
} as const;

/** All faults of the environment; the first matching one counts. */
const faults: readonly Fault[] = [
  {
    trouble: 'disk_full',
    codes: ['ENOSPC', 'EDQUOT'],
    words: /No space left on device|Out of diskspace|Disk quota exceeded/,
    hint: `free some space there: df -h, df -i; ${thenContinues}`,
  },
  {
    trouble: 'unreachable',
    codes: ['EROFS', 'EIO', 'ENXIO', 'ESTALE', 'ENOTCONN'],
    words:
      /Read-only file system|Input\/output error|Stale (NFS )?file handle|Transport endpoint is not connected|No such device or address|insufficient permission for adding an object to repository database/,
    hint: `see that it can be read and written: mount, ls -ld; ${thenContinues}`,
  },
  {
    trouble: 'system_limit',
    codes: ['ENFILE'],
    words: /Too many open files in system/,
    what: () => 'the system has no more open files',
    hint: `close programs, or raise it: sysctl fs.file-max (macOS: kern.maxfiles); ${thenContinues}`,
  },
  { ...noOpenFiles, codes: ['EMFILE'], words: /Too many open files/ },
  // A descriptor of the new program would be above the limit: fcntl(2), F_DUPFD.
  { ...noOpenFiles, codes: ['EINVAL'], calls: /^spawn/, words: null },
  {
    trouble: 'system_limit',
    codes: ['EAGAIN'],
    calls: /^(spawn|fork)/,
    words:
      /[Cc]an(?:not|'t) fork|[Ff]ork(ing)? failed|(fork|namespace failed): (retry: )?Resource temporarily unavailable|unable to create (threaded|thread)/,
    what: () => `no more processes${limitText('max_user_processes')}`,
    hint: `end some (ps -u "$USER"), or raise it where stator is started: ulimit -u; ${thenContinues}`,
  },
  {
    trouble: 'system_limit',
    codes: ['ENOMEM'],
    words: /Cannot allocate memory|Out of memory, malloc failed/,
    thrown:
      /^(RangeError|CompileError): .*(Out of memory|allocation failed)|: failed to map segment from shared object/,
    what: () => 'no more memory',
    hint: `end what takes the most (free -m, ps aux), or raise the limit where stator is started: ulimit -v, ulimit -d; ${thenContinues}`,
  },
  {
    trouble: 'unreachable',
    codes: ['ENOENT', 'EACCES'],
    calls: /^uv_cwd$/,
    words: null,
    what: () => 'the current folder does not exist any more, or is closed to you',
    hint: 'go to another one, such as the main folder of the repo: cd <folder>',
  },
  {
    // A git that cannot write a file of a checkout gives no reason, as it does elsewhere after a colon.
    trouble: 'disk_full',
    codes: [],
    words: /unable to write file (?!.*: [A-Z])./,
    hint: `see whether its disk has room, and works: df -h, df -i, mount; ${thenContinues}`,
  },
];

/** What cleans up may delete the folder that TMPDIR names in a shell. */
const noTempFolder: Fault = {
  trouble: 'unreachable',
  codes: [],
  words: null,
  hint: `make that folder, or set TMPDIR to one that can be written, where stator is started; ${thenContinues}`,
};

/** ` (this process may have 64)`; asked of the system without opening a file, which may be what is not possible. Empty: none is set. */
function limitText(name: 'open_files' | 'max_user_processes'): string {
  Object.assign(process.report, { excludeNetwork: true }); // not in its type yet; else it would look names up
  const report = process.report.getReport() as { userLimits?: Record<string, { soft?: unknown }> }; // its shape is not typed
  const soft = report.userLimits?.[name]?.soft;
  return typeof soft === 'number' ? ` (this process may have ${soft})` : '';
}

function faultOf(fault: Fault, message: string, options: { cause?: unknown } = {}): EngineError {
  const { trouble, what, hint } = fault;
  return new EngineError(trouble, what === undefined ? message : `${what()}: ${message}`, hint, options);
}

/** The most causes that are searched: any code may meet an exhausted resource, and wraps the error. */
const causeLimit = 10;

function limitBehind(thrown: EngineError): EngineError | null {
  let at: unknown = thrown.cause;
  for (let depth = 0; depth < causeLimit && isError(at); depth += 1, at = at.cause) {
    const fault = byCode(at);
    if (fault?.trouble === 'system_limit') return faultOf(fault, thrown.message, { cause: thrown });
  }
  return null;
}

function byCode(error: NodeJS.ErrnoException): Fault | undefined {
  // Both fields are missing in other errors. A thread that does not begin has the system's code as the last word of its message.
  const isThread = error.code === 'ERR_WORKER_INIT_FAILED';
  const { code = '', syscall = '' } = isThread ? { code: error.message.split(' ').at(-1), syscall: 'fork' } : error;
  const text = `${error.name}: ${error.message}`;
  return faults.find(
    ({ codes, calls, thrown }) =>
      (codes.includes(code) && (calls === undefined || calls.test(syscall))) || thrown?.test(text) === true,
  );
}

/**
 * The trouble behind what was thrown; null: something else was wrong. A folder that may not be entered is out of reach. A file that may not be read is
 * not: an agent can leave such a one behind, and no one would come to repair it. An EngineError stays as it was thrown, except for a limit of the system
 * behind it.
 */
export function environmentFault(thrown: unknown): EngineError | null {
  if (thrown instanceof EngineError) return errorClasses[thrown.code].retry === 'wait' ? thrown : limitBehind(thrown);
  if (!isError(thrown)) return null;
  const { code = '', syscall = '', path = '' } = thrown as NodeJS.ErrnoException; // all fields are missing in other errors
  if (isOwnModuleAway(thrown)) return ownFileAway(thrown);
  const isClosed = code === 'EACCES' && ['stat', 'lstat', 'scandir'].includes(syscall);
  const isTemp = syscall === 'mkdtemp' && dirname(path) === tmpdir();
  const met = isClosed ? faults.find(({ trouble }) => trouble === 'unreachable') : byCode(thrown);
  const fault = met ?? (isTemp ? noTempFolder : undefined);
  return fault === undefined ? null : faultOf(fault, thrown.message, { cause: thrown });
}

/** For a `catch` where an unreadable file counts as missing: throws the error again if the file may be there, and only the environment keeps it from being read. */
export function throwIfHidden(thrown: unknown): void {
  if (systemCode(thrown) !== 'EACCES' && environmentFault(thrown) !== null) throw thrown;
}

/** The trouble in git's own message; null: none. `what` says which command it was, and where. Of many lines, such as one for each file, the first is named. */
export function environmentFaultInText(said: string, what: string): EngineError | null {
  const found = faults.find(({ words }) => words?.test(said) === true);
  const line = said.split('\n').find((each) => found?.words?.test(each));
  return found === undefined ? null : faultOf(found, `${what}: ${line ?? said}`);
}
