/** Runs a program in place of this process: with the same input and output, and this process ends with it. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const notFoundCode = 127;

/** A termination signal goes to each process of a run, so the program gets its own; this process only waits. */
export function runInPlace([program = '', ...args]: readonly string[]): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  const child = spawn(program, args, { stdio: 'inherit' });
  child.once('error', (error) => {
    process.stderr.write(`stator: ${program} could not be started: ${error.message}\n`);
    process.exit(notFoundCode);
  });
  child.once('exit', (code, signal) => process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
}
