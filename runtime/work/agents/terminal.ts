/**
 * A terminal for a program that wants one: `script` of util-linux opens it, as a part of the run, inside its walls. So the terminal survives the engine, only
 * the program reads from it, and input injected with TIOCSTI reaches no other program.
 */
import { execFile } from 'node:child_process';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { resolveProgram } from './program.ts';

/** As wide as a person's terminal, with enough room for a program that draws. */
const columns = 100;
const rows = 30;
/** `script` prints one line. */
const limitMs = 10_000;

export type TerminalProgram =
  | { readonly kind: 'works'; readonly program: string }
  | { readonly kind: 'missing'; readonly reason: string; readonly hint: string };

/** The `script` on that environment's PATH, if it supports the options used here. */
export async function probeTerminal(env: NodeJS.ProcessEnv): Promise<TerminalProgram> {
  const hint =
    'install it: Debian and Ubuntu have it in bsdutils, Fedora in util-linux-script, Alpine in util-linux-misc';
  const found = resolveProgram('script', { from: null, env: { PATH: env.PATH || '/usr/local/bin:/usr/bin:/bin' } });
  if (found.kind === 'missing')
    return { kind: 'missing', reason: 'the program `script` of util-linux is not there', hint };
  const said = await new Promise<string>((done) => {
    const options = { env, timeout: limitMs, encoding: 'utf8' } as const;
    execFile(found.path, ['--version'], options, (_error, stdout) => done(stdout)).stdin?.end();
  });
  if (said.includes('util-linux')) return { kind: 'works', program: found.path };
  return { kind: 'missing', reason: `${found.path} is not the \`script\` of util-linux`, hint };
}

/** Checked when a run first needs a terminal, and remembered. */
export function createTerminal(env: NodeJS.ProcessEnv): () => Promise<TerminalProgram> {
  let asked: Promise<TerminalProgram> | null = null;
  return () => {
    asked ??= probeTerminal(env);
    return asked;
  };
}

/** Throws `agent_unusable` if there is none. */
export function terminalOf(role: string, found: TerminalProgram): string {
  if (found.kind === 'works') return found.program;
  throw new EngineError(
    'agent_unusable',
    `${role}: terminal = true, and ${found.reason}`,
    `${found.hint}; or take terminal out of [agents.${role}]`,
  );
}

/**
 * A command line that runs the given command in a terminal, and ends with its exit code. Input is echoed, unless the program turns that off. Lines end as in a
 * log, unless the program draws.
 */
export function inTerminal(
  script: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): { readonly argv: readonly [string, ...string[]]; readonly env: Readonly<Record<string, string>> } {
  const { SHELL: shell, TERM: term } = env;
  // `script` starts its command with $SHELL, which may parse quotes differently.
  const own = shell === undefined ? 'unset SHELL' : `SHELL=${shellWord(shell)}`;
  const size = `command -p stty rows ${rows} cols ${columns} echo -onlcr`;
  const command = `${size}; ${own}; exec ${argv.map(shellWord).join(' ')}`;
  const isDrawable = term !== undefined && term !== 'dumb';
  return {
    argv: [script, '-qefc', command, '/dev/null'],
    env: { SHELL: '/bin/sh', ...(isDrawable ? {} : { TERM: 'xterm-256color' }) },
  };
}
