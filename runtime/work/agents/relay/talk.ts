/** How a relay talks with a program, by the program's own protocol. */
import type { TypedMessage } from './message-line.ts';

export interface TalkPorts {
  /** One line to the program; dropped where it takes no more. */
  send(line: string): void;
  /** Whether the program takes nothing more now: it reads too slowly, or has closed its input. */
  isFull(): boolean;
  /** No further line will come. The program still reads what was sent. */
  end(): void;
}

export interface Talk {
  /** Called once, first. */
  begin(prompt: string): void;
  type(message: TypedMessage): void;
  /** One whole line of the program's output, within the limit. */
  line(text: string): void;
}
