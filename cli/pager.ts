/** Long texts on a terminal go through the pager that the person uses, as those of git do. */
import { spawnSync } from 'node:child_process';
import type { Call } from './command.ts';
import { createOutput, type Output } from './output.ts';

/** The flag of a verb whose answer may be long. */
export const pagerArgs = {
  pager: {
    type: 'boolean',
    default: true,
    description: 'through $PAGER, or less, on a terminal',
    negativeDescription: 'print it on the terminal at once',
  },
} as const;

/** These flags end less if the text fits on the screen, keep colours, and leave the text on the screen. Some systems do not have less. */
const usualPager = 'if command -v less >/dev/null; then exec less -FRX; else exec cat; fi';

/** Prints with `print`; on the terminal of this process the output goes through the pager. Returns the result of `print`. */
export async function paged<Answer>(
  { out, env }: Pick<Call, 'out' | 'env'>,
  { pager }: { readonly pager: boolean },
  print: (out: Output) => Answer | Promise<Answer>,
): Promise<Answer> {
  const { stdout } = out;
  const command = (env.PAGER ?? usualPager).trim();
  const isTerminal = stdout === process.stdout && stdout.isTTY === true && env.TERM !== 'dumb';
  if (!pager || out.json || !isTerminal || command === '' || command === 'cat') return print(out);
  let text = '';
  const { columns = 0, rows = 0 } = stdout;
  const write = (part: string) => {
    text += part;
  };
  const answer = await print(createOutput({ ...out, stdout: { isTTY: true, columns, rows, write } }));
  if (text === '') return answer;
  const { status, error } = spawnSync('sh', ['-c', command], {
    input: text,
    stdio: ['pipe', 'inherit', 'inherit'],
    env,
  });
  // The shell's exit code for a program that it cannot start is 126 or 127.
  if ((error !== undefined && !isGone(error)) || status === 126 || status === 127) stdout.write(text);
  return answer;
}

/** A person who leaves the pager has read enough. */
function isGone(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE';
}
