#!/usr/bin/env node
/** The program `stator`: a call with what this process has, and its end with the call's exit code. */
import { runProgram } from './program.ts';

/** Whoever reads us may go at any time (`| head`): then a verb has said enough, and one that does work goes on without words. */
function surviveClosedOutput(argv: readonly string[]): void {
  const doesWork = argv.some((arg) => arg === 'run' || arg === 'demo' || arg === '--foreground');
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      if (!doesWork) process.exit(0);
    });
  }
}

const argv = process.argv.slice(2);
surviveClosedOutput(argv);
const interrupt = () => process.exit(130);
// A verb that has something to finish first takes this away.
process.once('SIGINT', interrupt);
const { env, stdin, stdout, stderr } = process;
const exitCode = await runProgram({ argv, env, cwd: process.cwd(), stdin, stdout, stderr });
process.exitCode = exitCode;
// What was written is out, and what may still be open (an idle connection) must not keep the shell waiting.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
