#!/usr/bin/env node
/** The program `stator`: a call with the streams and environment of this process, and its end with the call's exit code. */
import { runProgram } from './program.ts';

const argv = process.argv.slice(2);
const doesWork = argv.some((arg) => arg === 'run' || arg === 'demo' || arg === '--foreground');
/** The reader of the output may close it at any time (`| head`): then the output was enough. */
const gone: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']);
/** Why output was lost: half an answer looks like a whole one. */
let lost: NodeJS.ErrnoException | null = null;

/** A verb that does work goes on without output, and every verb without remarks. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (stream === process.stdout) note(error);
    if (!doesWork && (lost !== null || gone.has(error.code))) end(0);
  });
}

function note(error: NodeJS.ErrnoException | null | undefined): void {
  if (error !== null && error !== undefined && !gone.has(error.code)) lost ??= error;
}

function end(exitCode: number): void {
  const error = lost;
  if (error === null) process.exit(exitCode);
  const { stdout, stderr, env } = process;
  import('./failure.ts').then(({ reportLost }) => process.exit(reportLost(error, { argv, stdout, stderr, env })));
}

// V8 as it is in node 20 optimizes code that pays only after a short verb has ended: an eighth of the processor time of `status`. Later ones have no such flag.
if (!doesWork && process.versions.v8.startsWith('11.'))
  process.getBuiltinModule('node:v8').setFlagsFromString('--interrupt-budget=600000');

const interrupt = () => process.exit(130);
// A verb that must finish something first removes this listener.
process.once('SIGINT', interrupt);
const { env, stdin, stdout, stderr } = process;
const exitCode = await runProgram({ argv, env, cwd: process.cwd(), stdin, stdout, stderr });
process.exitCode = exitCode;
// The output is written, and anything that may still be open (an idle connection) must not keep the shell waiting.
process.stdout.write('', (error) => {
  note(error);
  process.stderr.write('', () => end(exitCode));
});
