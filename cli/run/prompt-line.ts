/**
 * One line typed at the terminal while a plan runs. With node:readline, unlike the other questions: it must go away when somebody else answers, when the
 * engine goes, and at Ctrl-C, and consola's prompt takes no signal to abort it.
 */
import { createInterface } from 'node:readline/promises';
import type { Client } from '../../runtime/client/client.ts';
import type { Call } from '../command.ts';
import { plainLines } from '../text.ts';
import type { Display } from './display.ts';

export interface Questions {
  readonly call: Call;
  readonly client: Client;
  readonly display: Display;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
}

/** Whether somebody else has answered meanwhile is looked at this often. */
export const lookMs = 1_000;

export interface PromptLine<Said> {
  /** Shown above the line, as text. */
  readonly question: string;
  readonly prompt: string;
  readonly signal: AbortSignal;
  /** What a line says; null: it is asked again. */
  read(line: string): Said | null;
}

/** null: not now (Ctrl-D), or aborted. */
export async function promptLine<Said>(
  { out, stdin }: Call,
  { question, prompt, signal, read }: PromptLine<Said>,
): Promise<Said | null> {
  const { stderr } = out;
  // Before the question can be seen: a Ctrl-D that came sooner would end standard input for good.
  const reader = createInterface({ input: stdin, output: process.stderr });
  stderr.write(`\n${plainLines(question)}\n`);
  // On a terminal readline takes Ctrl-C for itself; it is to do what it always does.
  reader.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const closed = new Promise<null>((resolve) => reader.once('close', () => resolve(null)));
  try {
    for (;;) {
      const asked = reader.question(prompt, { signal }).catch(() => null); // aborted, or the terminal is gone
      const line = await Promise.race([asked, closed]);
      if (line === null) return null;
      const said = read(line.trim());
      if (said !== null) return said;
    }
  } finally {
    reader.close();
    stderr.write('\n');
  }
}
