/** Runs a program to its end, in a session of its own, and takes what it writes. */
import { loadExeca } from './execa.ts';

export interface CaptureRequest {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Its standard input; without it, and without a file, it reads nothing. */
  readonly input?: string;
  /** A file that is read as standard input instead. */
  readonly inputFile?: string;
  /** Of one of the two streams that it writes; beyond that it is ended. */
  readonly maxBytes: number;
}

export interface Captured {
  /** null: a signal ended it, or it was not started. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Both without their last newline. */
  readonly stdout: string;
  readonly stderr: string;
  readonly isTooLong: boolean;
  /** Why it could not be started, or not be read, as the system says. */
  readonly failure: SystemFailure | null;
}

export interface SystemFailure {
  readonly code: string;
  readonly syscall: string;
  readonly message: string;
}

/** `onStart` is told its process id, which is that of its group, too. Throws nothing. */
export async function capture(request: CaptureRequest, onStart: (pid: number) => void): Promise<Captured> {
  const { program, args, cwd, env, input, inputFile, maxBytes } = request;
  const { execa } = await loadExeca();
  const running = execa(program, args, {
    cwd,
    env,
    extendEnv: false,
    reject: false,
    detached: true,
    maxBuffer: maxBytes,
    ...(inputFile === undefined ? {} : { stdin: { file: inputFile } }),
    ...(input === undefined ? {} : { input }),
    ...(input === undefined && inputFile === undefined ? { stdin: 'ignore' } : {}),
  });
  if (running.pid !== undefined) onStart(running.pid);
  const { exitCode = null, signal = null, stdout = '', stderr = '', isMaxBuffer, cause } = await running;
  const failure = failureOf(cause);
  // Without its input it may have come to its end all the same, and has answered nothing.
  const isUnread = failure?.syscall === 'open';
  return { exitCode: isUnread ? null : exitCode, signal, stdout, stderr, isTooLong: isMaxBuffer, failure };
}

function failureOf(cause: unknown): SystemFailure | null {
  if (!(cause instanceof Error) || !('code' in cause)) return null;
  const { code = '', syscall = '', message } = cause as NodeJS.ErrnoException; // by its code
  return { code, syscall, message };
}
