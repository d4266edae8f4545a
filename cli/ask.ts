/** Questions to the person at the terminal, and text that comes from standard input. */
import { createInterface } from 'node:readline/promises';
import { planDocumentLimitBytes } from '../machines/document/plan-document.ts';
import { EngineError } from '../machines/vocabulary/errors.ts';
import type { Call } from './command.ts';

/** Whether there is somebody to ask. */
export function canAsk({ stdin, out }: Call): boolean {
  return stdin.isTTY === true && out.stderr.isTTY === true && !out.json;
}

/** Yes only for `y` or `yes`. */
export async function confirm(call: Call, question: string): Promise<boolean> {
  const reader = createInterface({ input: call.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await reader.question(`${question} [y/N] `)).trim());
  } catch {
    return false; // the terminal was closed: nobody said yes
  } finally {
    reader.close();
  }
}

/** One of `words`, by its number or its name; the first where nothing, or three times something else, is said. */
export async function choose(call: Call, question: string, words: readonly [string, ...string[]]): Promise<string> {
  const reader = createInterface({ input: call.stdin, output: process.stderr });
  const list = words.map((word, index) => `  ${index + 1} ${word}\n`).join('');
  try {
    for (let tries = 0; tries < 3; tries += 1) {
      const said = (await reader.question(`${question}\n${list}[${words[0]}] `)).trim();
      const word = said === '' ? words[0] : (words[Number(said) - 1] ?? words.find((candidate) => candidate === said));
      if (word !== undefined) return word;
    }
    return words[0];
  } catch {
    return words[0]; // the terminal was closed
  } finally {
    reader.close();
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
