/** How a relay talks with a program, by the program's own protocol. */
import type { JsonObject } from '../reports/json-line.ts';
import type { TypedMessage } from './message-line.ts';

export interface TalkPorts {
  /** One line to the program; dropped where it takes no more. */
  send(line: string): void;
  /** Whether the program takes nothing more now: it reads too slowly, or has closed its input. */
  isFull(): boolean;
  /** No further line will come. The program still reads what was sent. */
  end(): void;
  /** A line of the relay's own in the log: `{"stator": …}`, which no line of the program can be. */
  note(words: JsonObject): void;
}

export interface Talk {
  /** Called once, first. */
  begin(prompt: string): void;
  type(message: TypedMessage): void;
  /** One whole line of the program's output, within the limit. */
  line(text: string): void;
  /** Whether it repeats now what was said in earlier runs: that is marked in the log, so that nobody takes it for a part of this one. */
  isRepeating?(): boolean;
  /** A line of its output over the limit, which is not in the log: its beginning, and how long it was. */
  leftOut?(beginning: string, sizeBytes: number): void;
  /** It is to end now, as far as the program does so by itself. */
  cancel?(): void;
  /** The program has ended. Answers how the run ended, where the program's own code does not say it. */
  ended?(code: number): number;
}
