/** A call of the program in the process of the test: what a process of its own would say, without the third of a second that node takes to load it. */
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
/** What verbs take from the call alone. Of other variables the process reads its own value too. */
const ownVariable = /^(STATOR_\w+|STATOR|\w+_TOKEN|NO_COLOR|FORCE_COLOR)$/;

/** Whether the call may be made here. `changed`: the variables in which it differs from the process of the test. */
export function mayCallHere(args: readonly string[], changed: NodeJS.ProcessEnv): boolean {
  const words = args.slice(args.findIndex((arg) => !arg.startsWith('-'))).join(' ');
  const { STATOR_HOME: home = '/' } = changed;
  // A relative home is one below the folder of the process.
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
