/**
 * Reads one line at the terminal while a plan runs. It uses node:readline, because it must close when another person answers, when the engine ends,
 * and at Ctrl-C; consola's prompt cannot be aborted.
 */
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import type { SignalAnswer } from '../../runtime/api/client/client.ts';
import type { Call } from '../command.ts';
import { plainLines } from '../text.ts';

/** A question, and how a typed line answers it. */
export interface Asked {
  /** A key that does not change while the question is open. */
  readonly key: string;
  readonly question: string;
  /** Distinguishes it from the other open questions: `#2`, or the id of a permission. */
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
  /** Whether the line is an answer; if not, the question is asked again. */
  takes(line: string): boolean;
}

/** Asks on standard error, without a picture. null: not now (Ctrl-D), or aborted. */
export function promptLine({ out, stdin }: Pick<Call, 'out' | 'stdin'>, asked: PromptLine): Promise<string | null> {
  // Created before the question is visible: an earlier Ctrl-D would end standard input for good.
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

/** For a picture that shows the typed text itself: `changed` is called after each key. */
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
    let lines: string[] = [];
    const answer = () => {
      // The last line of a paste may have no end.
      const said = [...lines, reader.line].join('\n').trim();
      lines = [];
      if (!takes(said)) return false;
      resolve(said);
      return true;
    };
    const end = () => {
      if (lines.length === 0) return;
      if (answer()) reader.close();
      else reader.prompt();
    };
    // The lines of a paste come in one piece, and are one answer.
    reader.on('line', (line) => {
      if (lines.push(line) === 1) setImmediate(end);
    });
    // On a terminal readline catches Ctrl-C; it must act as usual.
    reader.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    reader.once('close', () => {
      signal.removeEventListener('abort', close);
      if (lines.length > 0 && !signal.aborted) answer();
      lines = [];
      resolve(null);
    });
    if (signal.aborted) close();
    else signal.addEventListener('abort', close);
  });
}
