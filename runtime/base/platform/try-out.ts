/** Starts a program once, to find out whether it works on this machine. */
import { execFile } from 'node:child_process';

/** A try takes some 50 ms; the limit is for an overloaded machine. */
const limitMs = 10_000;

/** `failure`: the first line of its output, at most 300 characters; null: it ended well. Throws nothing. */
export function tryOut(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly failure: string | null; readonly output: string }> {
  return new Promise((done) => {
    execFile(program, args, { timeout: limitMs, encoding: 'utf8', env }, (error, output, stderr) => {
      const failure =
        error === null ? null : stderr.trim().split('\n')[0]?.slice(0, 300) || error.message.slice(0, 300);
      done({ failure, output });
    });
  });
}
