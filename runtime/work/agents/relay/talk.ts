/** The interface for a program's own protocol in a relay. */
import type { JsonObject } from '../reports/json-line.ts';
import type { TypedMessage } from './message-line.ts';

export interface TalkPorts {
  /** Sends one line to the program; dropped if the program accepts no more. */
  send(line: string): void;
  /** Whether the program accepts nothing more now: it reads too slowly, or has closed its input. */
  isFull(): boolean;
  /** Closes the program's input. The program still reads earlier lines. */
  end(): void;
  /** Writes a line of the relay to the log: `{"stator": …}`; no line of the program can have this form. */
  note(words: JsonObject): void;
}

export interface Talk {
  /** Called once, first. */
  begin(prompt: string): void;
  type(message: TypedMessage): void;
  /** One whole line of the program's output, within the limit. */
  line(text: string): void;
  /** Whether it now repeats output of earlier runs: that is marked in the log, so that it does not count as a part of this run. */
  isRepeating?(): boolean;
  /** A line of its output over the limit, which is not in the log: its beginning and its length. */
  leftOut?(beginning: string, sizeBytes: number): void;
  /** Asks the program to end, if its protocol can do that. */
  cancel?(): void;
  /** Called after the program's end. Returns the run's end if the program's exit code does not show it. */
  ended?(code: number): number;
}
