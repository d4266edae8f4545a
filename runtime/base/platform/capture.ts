/** Runs a program to its end, in a session of its own, and collects its output. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { messageOf } from '../../../machines/vocabulary/errors.ts';

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
  /** The limit of each of its two streams; beyond that it is ended. */
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

/** A program that writes too much is asked to end, and killed after this. */
const killAfterMs = 5_000;
const nothing = { exitCode: null, signal: null, stdout: '', stderr: '', isTooLong: false, failure: null };

/** `onStart` gets its process id, which is that of its group, too. Throws nothing. */
export function capture(request: CaptureRequest, onStart: (pid: number) => void): Promise<Captured> {
  return new Promise((resolve) => {
    const fail = (thrown: unknown) => resolve({ ...nothing, failure: systemFailure(thrown) });
    try {
      const child = start(request);
      child.once('error', (error) => child.pid === undefined && fail(error));
      if (child.pid === undefined) return;
      onStart(child.pid);
      follow(child, request, resolve);
    } catch (thrown) {
      fail(thrown);
    }
  });
}

function start({ program, args, cwd, env, input, inputFile }: CaptureRequest): ChildProcess {
  const file = inputFile === undefined ? null : openSync(inputFile, 'r');
  try {
    const stdin = file ?? (input === undefined ? 'ignore' : 'pipe');
    const child = spawn(program, args, { cwd, env, detached: true, stdio: [stdin, 'pipe', 'pipe'] });
    // A program that ends before it has read everything shows that by its exit code.
    child.stdin?.on('error', () => {}).end(input);
    return child;
  } finally {
    if (file !== null) closeSync(file);
  }
}

function follow(child: ChildProcess, { maxBytes }: CaptureRequest, resolve: (captured: Captured) => void): void {
  let isTooLong = false;
  let kill: NodeJS.Timeout | undefined;
  const tooLong = () => {
    if (isTooLong) return;
    isTooLong = true;
    child.kill();
    kill = setTimeout(() => child.kill('SIGKILL'), killAfterMs).unref();
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const stdout = taken(child.stdout, maxBytes, tooLong);
  const stderr = taken(child.stderr, maxBytes, tooLong);
  child.once('close', (exitCode, signal) => {
    clearTimeout(kill);
    resolve({ exitCode, signal, stdout: stdout(), stderr: stderr(), isTooLong, failure: null });
  });
}

/** Returns the output so far, without its last newline. */
function taken(stream: Readable | null, maxBytes: number, onTooLong: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes > maxBytes) onTooLong();
  });
  return () =>
    Buffer.concat(chunks)
      .subarray(0, maxBytes)
      .toString()
      .replace(/\r?\n$/, '');
}

/** The system's message about a program that could not be started. */
export function systemFailure(thrown: unknown): SystemFailure {
  const { code = '', syscall = '' } = thrown as NodeJS.ErrnoException; // the system's, or Node's for what it cannot pass on
  return { code, syscall, message: messageOf(thrown) };
}
