/**
 * One line typed at the terminal while a plan runs. With node:readline, unlike the other questions: it must go away when somebody else answers, when the
 * engine goes, and at Ctrl-C, and consola's prompt takes no signal to abort it.
 */
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import type { SignalAnswer } from '../../runtime/api/client/client.ts';
import type { Call } from '../command.ts';
import { plainLines } from '../text.ts';

/** A question, and the meaning of a typed line. */
export interface Asked {
  /** Stays the same while it is open. */
  readonly key: string;
  readonly question: string;
  /** Its difference from the other open questions: `#2`, or the id of a permission. */
  readonly name: string;
  /** The accepted form of a line: `allow, or deny <why>`. */
  readonly form: string;
  /** The command that answers it later. */
  readonly command: string;
  /** null: the line does not answer the question. */
  answerBy(line: string): (() => Promise<SignalAnswer>) | null;
}

export interface PromptLine {
  readonly question: string;
  readonly prompt: string;
  readonly signal: AbortSignal;
  /** Whether a line is an answer; else it is asked again. */
  takes(line: string): boolean;
}

/** On standard error, where nothing is drawn around it. null: not now (Ctrl-D), or aborted. */
export function promptLine({ out, stdin }: Pick<Call, 'out' | 'stdin'>, asked: PromptLine): Promise<string | null> {
  // Before the question can be seen: a Ctrl-D that came sooner would end standard input for good.
  const reader = createInterface({ input: stdin, output: process.stderr });
  out.stderr.write(`\n${plainLines(asked.question)}\n`);
  reader.setPrompt(asked.prompt);
  reader.prompt();
  return lineOf(reader, asked).finally(() => out.stderr.write('\n'));
}

export interface TypedLine {
  text(): string;
  /** null: not now (Ctrl-D), or aborted. */
  readonly ended: Promise<string | null>;
}

/** For a picture that shows the typed text itself: `changed` is called at each key. */
export function typedLine({ stdin }: Pick<Call, 'stdin'>, asked: PromptLine, changed: () => void): TypedLine {
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: stdin, output: unseen, terminal: true });
  stdin.on('keypress', changed);
  const ended = lineOf(reader, asked).finally(() => stdin.off('keypress', changed));
  return { text: () => reader.line, ended };
}

function lineOf(reader: Interface, { signal, takes }: PromptLine): Promise<string | null> {
  return new Promise((resolve) => {
    const close = () => reader.close();
    reader.on('line', (line) => {
      const said = line.trim();
      if (!takes(said)) {
        reader.prompt();
        return;
      }
      resolve(said);
      reader.close();
    });
    // On a terminal readline takes Ctrl-C for itself; it must act as always.
    reader.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    reader.once('close', () => {
      signal.removeEventListener('abort', close);
      resolve(null);
    });
    if (signal.aborted) close();
    else signal.addEventListener('abort', close);
  });
}
