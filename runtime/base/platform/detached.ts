/** Starts a program that outlives its starter: a session of its own, files for its streams, and one line of input. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { type SystemFailure, systemFailure } from './capture.ts';

export interface DetachRequest {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The file whose content it reads as standard input; null: it reads nothing. */
  readonly stdinFile: string | null;
  /** The folder in which the copy of that file briefly has a name. */
  readonly folder: string;
  /** Its output and its errors are appended to this file. */
  readonly outputFile: string;
  /** Its input over descriptor 3, which no other program reads. */
  readonly input: string;
}

export interface DetachEnd {
  /** As text. */
  readonly how: string;
  readonly code: number | null;
  readonly isSignalled: boolean;
  /** Why it could not be started, as the system says; null: it was started. */
  readonly failure: SystemFailure | null;
}

/** `onEnd` is called once with how it ended, also where it could not be started. Throws nothing. */
export function startDetached(request: DetachRequest, onEnd: (ended: DetachEnd) => void): void {
  const fds: number[] = [];
  try {
    const { stdinFile, outputFile } = request;
    fds.push(stdinFile === null ? openSync('/dev/null', 'r') : openCopy(request.folder, stdinFile));
    fds.push(openSync(outputFile, 'a', 0o600));
    fds.push(openSync('/dev/null', 'r'));
    const [stdin, output, nothing] = fds;
    // A folder that a terminal or an editor left open would be a way out of walls: in place of each such descriptor the program finds one of nothing.
    const stdio: (number | 'ignore' | 'pipe' | undefined)[] = [stdin, output, output];
    for (const descriptor of inheritedFiles()) stdio[descriptor] = nothing;
    stdio[3] = 'pipe';
    const child = spawn(request.program, request.args, {
      cwd: request.cwd,
      env: request.env,
      detached: true,
      stdio: Array.from(stdio, (each) => each ?? 'ignore'),
    });
    child.once('error', (error) => onEnd(notStarted(error)));
    child.once('exit', (code, signal) =>
      onEnd({ how: `it ended with ${signal ?? code}`, code, isSignalled: signal !== null, failure: null }),
    );
    if (child.pid === undefined) return;
    child.unref();
    writeInput(child, request.input);
  } catch (error) {
    onEnd(notStarted(error));
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

function notStarted(thrown: unknown): DetachEnd {
  const failure = systemFailure(thrown);
  return { how: failure.message, code: null, isSignalled: false, failure };
}

/**
 * A copy without a name. A process with a descriptor could open its file again for writing (`/proc/self/fd/0`), walls or none, and would exchange what the next attempt
 * and people read.
 */
function openCopy(folder: string, file: string): number {
  const copy = join(folder, `stdin-${randomUUID()}`);
  writeFileSync(copy, readFileSync(file), { mode: 0o600, flag: 'wx' });
  try {
    return openSync(copy, 'r');
  } finally {
    unlinkSync(copy);
  }
}

/** Writes the request to the process. A process that ends before it has read it reports that by its end. */
function writeInput(child: ChildProcess, input: string): void {
  const way = child.stdio[3];
  if (!(way instanceof Writable)) throw new Error('a program was started without a pipe for its input');
  way.on('error', () => {});
  way.end(input);
}

const closedByExec = 0o2000000;
/** What the system reports of each descriptor. */
const descriptors = '/proc/self/fdinfo';

/** The numbers of descriptors beyond the three standard ones that a new program inherits; none where the system does not report them. */
function inheritedFiles(): number[] {
  return namesIn(descriptors)
    .map(Number)
    .filter((descriptor) => descriptor > 2 && isInherited(`${descriptors}/${descriptor}`));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no Linux
  }
}

function isInherited(file: string): boolean {
  try {
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(file, 'latin1')) ?? [];
    return flags !== undefined && (Number.parseInt(flags, 8) & closedByExec) === 0;
  } catch {
    return false; // closed in the meantime, such as the one that the folder was listed by
  }
}
