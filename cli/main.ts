/** The program `stator`: one call with the streams and environment of this process. It ends with the call's exit code. */
import { environmentFault } from '../runtime/base/platform/environment-fault.ts';
import { runProgram } from './program.ts';

const argv = process.argv.slice(2);
const doesWork = argv.some((arg) => arg === 'run' || arg === 'demo' || arg === '--foreground');
/** A reader of the output, such as `head`, may close it at any time: then it has read enough. */
const gone: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']);
/** Why output was lost. It is reported, since a part of an answer looks like the whole. */
let lost: NodeJS.ErrnoException | null = null;

/** A verb that does work continues without its output; every verb continues without standard error. */
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

// What the next version of a package will not do, such as pg with `~/.pgpass`, is nothing that a user could act on.
process.noDeprecation ||= true; // read-only where a flag of node has set it

/** Outside of any call, such as in a callback of the runtime: what the process was doing is not known, so it ends, with the same report as a call's failure. */
process.on('uncaughtException', (thrown) => {
  const { env, stdout, stderr } = process;
  import('./failure.ts').then(
    ({ reportCrash }) => process.exit(reportCrash(thrown, { argv, env, stdout, stderr })),
    () => {
      // Without memory or open files the report cannot be loaded.
      const known = environmentFault(thrown);
      const text =
        known === null ? `a bug: ${thrown.stack ?? thrown.message}` : `${known.message}\nhint: ${known.hint}`;
      stderr.write(`error: ${text}\n`);
      process.exit(known === null ? 70 : 1);
    },
  );
});

const interrupt = () => process.exit(130);
// A verb that must finish something first removes this listener.
process.once('SIGINT', interrupt);
const { env, stdin, stdout, stderr } = process;
const exitCode = await runProgram({ argv, env, cwd: process.cwd(), stdin, stdout, stderr });
process.exitCode = exitCode;
// The process exits once the output is written: an idle connection must not keep it alive.
process.stdout.write('', (error) => {
  note(error);
  process.stderr.write('', () => end(exitCode));
});
