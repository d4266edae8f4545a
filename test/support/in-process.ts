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
  /** Variables of `env` that the process gets too until the call ends. */
  readonly changed?: NodeJS.ProcessEnv;
}

/** Verbs that are the daemon, or that end with it. */
const ownProcess = /^(?:demo(?: |$)|(?:queue-)?daemon start .*--foreground)/;
/** Variables that verbs read only from the call. Others are also read from the process. */
const ownVariable = /^(STATOR_\w+|STATOR|\w+_TOKEN|NO_COLOR|FORCE_COLOR)$/;

/** Verbs that look for programs and folders by variables. They run no engine, so the process may have other variables until they end. */
const looking = /^(?:init|doctor|daemon (?:un)?install)(?: |$)/;
/** Variables that take effect only at the start of a process. */
const readAtStart = /^(?:NODE_|UV_|LD_|LC_|LANG|TZ$)/;

/** The number of calls that have not ended, and of variables of the process that one of them has replaced. */
const underWay = { calls: 0, replaced: 0 };

/** Whether the call may be made here. `changed`: the variables that differ from those of the test's process. */
export function mayCallHere(args: readonly string[], changed: NodeJS.ProcessEnv): boolean {
  const words = wordsOf(args);
  const { STATOR_HOME: home = '/' } = changed;
  // A relative home would be relative to the folder of the process.
  if (underWay.replaced > 0 || ownProcess.test(words) || !isAbsolute(home)) return false;
  const others = Object.keys(changed).filter((name) => !ownVariable.test(name));
  if (others.length === 0) return true;
  return looking.test(words) && underWay.calls === 0 && !others.some((name) => readAtStart.test(name));
}

/** The command line from the verb on, in one text. */
function wordsOf(args: readonly string[]): string {
  return args.slice(args.findIndex((arg) => !arg.startsWith('-'))).join(' ');
}

/** Takes a call to its end; both streams are pipes. */
export function callHere(called: Called): Promise<Ended> {
  return watchHere(called).ended;
}

/** The same, begun. */
export function watchHere({ args, cwd, env, input, changed = {} }: Called): Watched {
  const stdout = pipe();
  const stderr = pipe();
  const stdin = Readable.from(input === '' ? [] : [Buffer.from(input)]) as NodeJS.ReadStream; // no verb asks a pipe for more than a Readable has
  const ended = async (): Promise<Ended> => {
    const giveBack = replaceVariables(changed);
    underWay.calls += 1;
    try {
      const code = await runProgram({ argv: args, env, cwd, stdin, stdout, stderr });
      return { code, stdout: stdout.text(), stderr: stderr.text() };
    } finally {
      underWay.calls -= 1;
      giveBack();
    }
  };
  return { stdout: stdout.text, stderr: stderr.text, ended: ended() };
}

/** Gives the process those of the variables that it reads besides the call. Returns a function that restores them. */
function replaceVariables(changed: NodeJS.ProcessEnv): () => void {
  const names = Object.keys(changed).filter((name) => !ownVariable.test(name));
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) process.env[name] = changed[name];
  underWay.replaced += names.length;
  return () => {
    underWay.replaced -= names.length;
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}

function pipe() {
  const parts: string[] = [];
  return { write: (part: string) => void parts.push(part), text: () => parts.join('') };
}
