/** A program in whose place this process stands: it has the same input and output, and its end is the end of this one. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const notFoundCode = 127;

/** A signal that ends processes goes to each process of a run, so the program has its own; this one only waits for it. */
export function standFor([program = '', ...args]: readonly string[]): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  const child = spawn(program, args, { stdio: 'inherit' });
  child.once('error', (error) => {
    process.stderr.write(`stator: ${program} could not be started: ${error.message}\n`);
    process.exit(notFoundCode);
  });
  child.once('exit', (code, signal) => process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
}
