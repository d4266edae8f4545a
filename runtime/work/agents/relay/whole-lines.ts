/**
 * Merges two streams into one log: a program's output, and the errors of it and its children. Lines are passed on whole, so neither stream writes into a line
 * of the other, and no error line can be mistaken for an event of the program.
 */
import { createLineReader } from '../line-reader.ts';

export interface WholeLines {
  said(chunk: Buffer): void;
  error(chunk: Buffer): void;
  /** Passes on an unfinished line. */
  end(): void;
}

/** A longer line is passed on in pieces. */
const lineLimitBytes = 8 * 1024 * 1024;
/** The most errors that wait for the end of such a line, and their longest line; more is left out. */
const errorLimitBytes = 1024 * 1024;
/** The prefix of an error line that begins like an event. */
const mark = 'stderr: ';
const newline = 0x0a;

export function createWholeLines(write: (chunk: Buffer | string) => void): WholeLines {
  let parts: Buffer[] = [];
  let sizeBytes = 0;
  /** Whether a part of a line has already been written. */
  let isOpen = false;
  let waiting: string[] = [];
  let waitingBytes = 0;

  function flush(): void {
    for (const part of parts) write(part);
    isOpen ||= sizeBytes > 0;
    parts = [];
    sizeBytes = 0;
  }

  function closeLine(): void {
    isOpen = false;
    for (const line of waiting) write(line);
    waiting = [];
    waitingBytes = 0;
  }

  function errorLine(text: string): void {
    const line = `${text.startsWith('{') ? mark : ''}${text}\n`;
    if (!isOpen) {
      write(line);
      return;
    }
    waitingBytes += line.length;
    if (waitingBytes <= errorLimitBytes) waiting.push(line);
  }

  const readErrors = createLineReader(errorLimitBytes, errorLine);
  let hasErrorRest = false;

  return {
    said(chunk) {
      const end = chunk.lastIndexOf(newline) + 1;
      if (end > 0) {
        parts.push(chunk.subarray(0, end));
        flush();
        closeLine();
      }
      const rest = chunk.subarray(end);
      if (rest.length === 0) return;
      parts.push(rest);
      sizeBytes += rest.length;
      if (sizeBytes > lineLimitBytes) flush();
    },
    error(chunk) {
      readErrors(chunk);
      hasErrorRest = chunk.at(-1) !== newline;
    },
    end() {
      const isEnded = sizeBytes === 0 && !isOpen;
      flush();
      if (!isEnded && (hasErrorRest || waiting.length > 0)) write('\n');
      closeLine();
      if (hasErrorRest) readErrors(Buffer.from('\n'));
      hasErrorRest = false;
    },
  };
}
