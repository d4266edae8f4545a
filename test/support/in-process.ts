/** A call of the program in the test's process: the same output as from a separate process, without the third of a second in which node loads it. */
import { isAbsolute } from 'node:path';
import { Readable } from 'node:stream';
import { runProgram } from '../../cli/program.ts';
import type { Ended, Watched } from './cli.ts';

export interface Called {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly input: string;
}

/** Verbs that are the daemon, or that end with it. */
const ownProcess = /^(?:demo(?: |$)|(?:queue-)?daemon start .*--foreground)/;
/** Variables that verbs read only from the call. Others are also read from the process. */
const ownVariable = /^(STATOR_\w+|STATOR|\w+_TOKEN|NO_COLOR|FORCE_COLOR)$/;

/** Whether the call may be made here. `changed`: the variables that differ from those of the test's process. */
export function mayCallHere(args: readonly string[], changed: NodeJS.ProcessEnv): boolean {
  const words = args.slice(args.findIndex((arg) => !arg.startsWith('-'))).join(' ');
  const { STATOR_HOME: home = '/' } = changed;
  // A relative home would be relative to the folder of the process.
  return !ownProcess.test(words) && isAbsolute(home) && Object.keys(changed).every((name) => ownVariable.test(name));
}

/** Takes a call to its end; both streams are pipes. */
export function callHere(called: Called): Promise<Ended> {
  return watchHere(called).ended;
}

/** The same, begun. */
export function watchHere({ args, cwd, env, input }: Called): Watched {
  const stdout = pipe();
  const stderr = pipe();
  const stdin = Readable.from(input === '' ? [] : [Buffer.from(input)]) as NodeJS.ReadStream; // no verb asks a pipe for more than a Readable has
  const ended = async (): Promise<Ended> => {
    const code = await runProgram({ argv: args, env, cwd, stdin, stdout, stderr });
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  };
  return { stdout: stdout.text, stderr: stderr.text, ended: ended() };
}

function pipe() {
  const parts: string[] = [];
  return { write: (part: string) => void parts.push(part), text: () => parts.join('') };
}
