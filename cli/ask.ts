/** Questions to the person at the terminal, over the prompts of consola, and text that comes from standard input. */
import type { ConsolaInstance } from 'consola';
import { EngineError } from '../machines/vocabulary/errors.ts';
import { planDocumentLimitBytes } from '../machines/vocabulary/plan-file.ts';
import type { Call } from './command.ts';
import { sizeOf } from './output.ts';

const ctrlC = '\x03';
const ctrlD = '\x04';

/** Whether a person can be asked: consola's prompts write to standard output. */
export function canAsk({ stdin, out }: Call): boolean {
  return stdin.isTTY === true && out.stdout.isTTY === true && out.stderr.isTTY === true && !out.json;
}

/** Enter, Escape and Ctrl-D mean no. Throws `interrupted` at Ctrl-C. */
export async function confirm(call: Call, question: string): Promise<boolean> {
  const answer = await ask(call, (consola) =>
    consola.prompt(question, { type: 'confirm', initial: false, cancel: 'null' }),
  );
  return answer === true;
}

/** One of `words`; Enter, Escape and Ctrl-D mean the first. Throws `interrupted` at Ctrl-C. */
export async function choose(call: Call, question: string, words: readonly [string, ...string[]]): Promise<string> {
  const answer = await ask(call, (consola) =>
    consola.prompt(question, { type: 'select', options: [...words], initial: words[0], cancel: 'null' }),
  );
  return answer ?? words[0];
}

/** null: cancelled. consola does not know Ctrl-D or a terminal that is closed, and would wait for ever: it is given the key that it knows, Ctrl-C. */
async function ask<Answer>(
  { stdin, out }: Call,
  prompt: (consola: ConsolaInstance) => Promise<Answer>,
): Promise<Answer | null> {
  const { consola } = await import('consola');
  const { width, height } = sizeOf(out.stdout);
  Object.assign(process.stdout, { columns: width, rows: height }); // on a terminal of no columns it would draw without end
  let cancelledBy: 'us' | 'person' | null = null;
  const cancel = () => {
    cancelledBy ??= 'us';
    stdin.emit('keypress', ctrlC, { name: 'c', ctrl: true });
  };
  const hear = (key: string | undefined) => {
    if (key === ctrlC) cancelledBy ??= 'person';
    else if (key === ctrlD) cancel();
  };
  stdin.on('keypress', hear);
  stdin.once('end', cancel);
  try {
    const answer = await prompt(consola);
    if (cancelledBy === 'person')
      throw new EngineError('interrupted', 'the question was not answered', 'the same command asks again');
    return answer;
  } finally {
    stdin.off('keypress', hear);
    stdin.off('end', cancel);
  }
}

/** All of standard input as UTF-8. On a terminal it says that it waits. Throws `too_large` beyond what a plan may have. */
export async function readStdin({ stdin, out }: Call, what: string): Promise<string> {
  if (stdin.isTTY === true) out.note(`reading ${what} from the terminal; end with Ctrl-D`);
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of stdin) {
    const bytes = Buffer.from(part);
    sizeBytes += bytes.length;
    if (sizeBytes > planDocumentLimitBytes) {
      throw new EngineError(
        'too_large',
        `${what} is over the limit of ${planDocumentLimitBytes} bytes (1 MiB)`,
        'split it',
      );
    }
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString('utf8');
}
