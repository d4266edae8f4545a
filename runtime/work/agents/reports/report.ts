/** The report of a run's program, in a form common to all programs. */
import type { JsonObject } from './json-line.ts';

export interface RunReport extends ToldReport {
  /** What it says of an argument that it does not take; null: it takes them all. Nothing was begun then, and a further attempt would end the same. */
  readonly refusedArgument: string | null;
  /** Its conversation is as long as its model takes: only a new one goes on. */
  readonly isContextFull: boolean;
  /** The service does not have its model, or not for this login. */
  readonly isModelRefused: boolean;
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
  /**
   * The whole of each message with which the program said that it had ended; more than one only by exception. Empty as well where no verdict may be read from
   * them: there are more than are looked at, or its messages gave verdicts that differ.
   */
  readonly finalMessages: readonly string[];
  /** Whether its last word is that it has ended well: nothing was begun since. */
  readonly isOver: boolean;
  /** The service is rate limited until then; null: until an unknown time. */
  readonly rateLimit: { readonly untilMs: number | null } | null;
  /** The service takes nothing from this login until a person acts: a further attempt would find the same. */
  readonly denied: boolean;
  /** What a further attempt would meet again, and what to do about it; null or not there: nothing of that. */
  readonly lastingProblem?: string | null;
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

/** Far more than a verdict may have. Only the end of a longer message is kept, and its last line is there. */
export const finalLimit = 256 * 1024;
/** A program ends once, or a few times where it went on in the background. Beyond this nothing that it said counts: what is not looked at may contradict. */
const finalCount = 16;

export interface FinalMessages {
  all(): readonly string[];
  /** The message with which the program ended; null: it ended badly, or without one. */
  add(text: string | null): void;
  /** The verdicts that a message of its gave, in words that are the same for the same verdict: two that differ count for nothing. */
  heard(verdicts: readonly string[]): void;
}

/** The messages with which a program ends, with a bound on how many and how long they are. */
export function createFinalMessages(): FinalMessages {
  const messages: string[] = [];
  const verdicts = new Set<string>();
  let isOver = false;
  return {
    all: () => (isOver || verdicts.size > 1 ? [] : messages),
    add(text) {
      if (messages.length >= finalCount) isOver = true;
      else messages.push((text ?? '').slice(-finalLimit));
    },
    heard(found) {
      for (const verdict of found) if (verdicts.size < 2) verdicts.add(verdict);
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
