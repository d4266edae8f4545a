/** The report of a run's program, in a form common to all programs. */
import type { JsonObject } from './json-line.ts';

export interface RunReport extends ToldReport {
  /** What it says of an argument that it does not take; null: it takes them all. Nothing was begun then, and a further attempt would end the same. */
  readonly refusedArgument: string | null;
}

/** What the events of a program report. */
export interface ToldReport {
  /** The program's own name for what was talked about; null: it said none. */
  readonly conversation: string | null;
  /** All that was sent to the model and all that came back, caches and thinking included; null: it does not say. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** The cost as the program calculates it, in US dollars; null: it does not. */
  readonly costUsd: number | null;
  /** What the tokens are counted over: this run, or all runs of its conversation. */
  readonly countedOver: 'run' | 'conversation';
  /** The last that the agent itself said, at most 8 KiB. */
  readonly lastMessage: string | null;
  /** The whole of each message with which the program said that it had ended well; more than one only by exception. */
  readonly finalMessages: readonly string[];
  /** Whether its last word is that it has ended well: nothing was begun since. */
  readonly isOver: boolean;
  /** The service is rate limited until then; null: until an unknown time. */
  readonly rateLimit: { readonly untilMs: number | null } | null;
  /** The service takes nothing from this login until a person acts: a further attempt would find the same. */
  readonly denied: boolean;
  /** The program's description of the problem, at most 8 KiB. */
  readonly problem: string | null;
  /** The ids of the messages that a person typed and the program has read. */
  readonly readMessages: readonly string[];
  /** Whether the agent said or did anything. */
  readonly hasSpoken: boolean;
}

/** Takes the lines of a log in order. Made anew for each run. */
export interface Reader {
  event(event: JsonObject): void;
  report(at: ReadAt): ToldReport;
}

export interface ReadAt {
  /** How it exited; null: it has not, or nobody knows. */
  readonly code: number | null;
  /** When the log was last written, ms: what a time of day without a date is near to. */
  readonly writtenAtMs: number;
}

export const messageLimit = 8 * 1024;

/** Far more than a verdict may have. */
const finalLimit = 256 * 1024;
/** A program ends once, or a few times where it went on in the background. */
const finalCount = 16;

/** The messages with which a program ends, with a bound on how many and how long they are. */
export function createFinalMessages(): { readonly all: readonly string[]; add(text: string | null): void } {
  const all: string[] = [];
  return {
    all,
    add(text) {
      if (all.length < finalCount) all.push((text ?? '').slice(-finalLimit));
    },
  };
}

/** Its end, which is what matters of something long. */
export function shortened(text: string | null): string | null {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '') return null;
  return trimmed.length <= messageLimit ? trimmed : `…${trimmed.slice(1 - messageLimit)}`;
}

/** The sum of what is known; null where nothing is. */
export function sumOf(...values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}
