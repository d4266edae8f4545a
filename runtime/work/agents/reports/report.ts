/** The report of a run's program, in a form common to all programs. */
import type { JsonObject } from './json-line.ts';

export interface RunReport extends ProgramReport {
  /** The exit code that counts: 1 if it exited with 0, but reported a failure; null: as in `ReadAt`. */
  readonly code: number | null;
  /** Its message about an argument that it does not accept; null: it accepts all. Then it did no work, and another attempt would end in the same way. */
  readonly refusedArgument: string | null;
  /** Its conversation has reached the model's limit: only a new one can continue. */
  readonly isContextFull: boolean;
  /** The service lacks its model, or does not offer it to this login. */
  readonly isModelRefused: boolean;
}

export interface Quota {
  /** `five_hour`, `seven_day`, a `seven_day_` of one model, or `limit` if it is not known. */
  readonly span: string;
  /** Between 0 and 1. */
  readonly used: number;
  /** When the limit is reset; null: not reported. */
  readonly untilMs: number | null;
  /** true: the agent can write the file from which this was read. */
  readonly isUnproven?: true;
}

/** The report from a program's events. */
export interface ProgramReport {
  /** The program's id of the conversation; null: none. */
  readonly conversation: string | null;
  /** All tokens sent to the model and received from it, including caches and thinking; null: not reported. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** The cost in US dollars, computed by the program; null: not reported. */
  readonly costUsd: number | null;
  /** Whether the usage is for this run, or for all runs of its conversation. */
  readonly countedOver: 'run' | 'conversation';
  /** The agent's last message, at most 8 KiB. */
  readonly lastMessage: string | null;
  /**
   * The full text of each message with which the program reported its end; more than one only in exceptions. Also empty if no verdict may be read from them:
   * there are too many, or their verdicts differ.
   */
  readonly finalMessages: readonly string[];
  /** Whether its last event reports success, and nothing was begun since. */
  readonly isOver: boolean;
  /** Whether its last event reports a failure; missing: its exit code tells. */
  readonly hasFailed?: boolean;
  /** The service is rate limited until then; null: until an unknown time. */
  readonly rateLimit: { readonly untilMs: number | null } | null;
  /** The last reported use of each span of its account's limits. Empty or missing: not reported. */
  readonly quotas?: readonly Quota[];
  /** The service accepts nothing from this login until a person acts: another attempt would fail in the same way. */
  readonly denied: boolean;
  /** A failure that another attempt would repeat, with the remedy; null or missing: none. */
  readonly lastingProblem?: string | null;
  /** The program's description of the problem, at most 8 KiB. */
  readonly problem: string | null;
  /** The ids of the messages that a person typed and the program has read. */
  readonly readMessages: readonly string[];
  /** Whether the agent wrote or did anything. */
  readonly hasSpoken: boolean;
}

/** Accepts the lines of a log in order. Created for each run. */
export interface Reader {
  event(event: JsonObject): void;
  report(at: ReadAt): ProgramReport;
}

export interface ReadAt {
  /** Its exit code; null: it has not exited, or the code is not known. */
  readonly code: number | null;
  /** When the log was last written, in ms: a time of day without a date is near to this. */
  readonly writtenAtMs: number;
}

export const messageLimit = 8 * 1024;

/** Far more than a verdict may have. Of a longer message only the end, with its last line, is stored. */
export const finalLimit = 256 * 1024;
/** A program ends once, or a few times with background work. Beyond this number no message counts, because unread messages may contradict it. */
const finalCount = 16;

export interface FinalMessages {
  all(): readonly string[];
  /** The message with which the program ended; null: it failed, or had no message. */
  add(text: string | null): void;
  /** The verdicts in its messages, in a normal form: two different ones cancel each other. */
  heard(verdicts: readonly string[]): void;
}

/** Collects a program's final messages, with limits for their number and length. */
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

/** The end of a long text, which is the important part. */
export function shortened(text: string | null): string | null {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '') return null;
  return trimmed.length <= messageLimit ? trimmed : `…${trimmed.slice(1 - messageLimit)}`;
}
