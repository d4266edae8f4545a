/** Reads `opencode run --format json`: the finished parts of its messages. */
import { sumOfKnown } from '../../../../machines/vocabulary/numbers.ts';
import { retryAfterMs } from '../../../base/platform/retry-after.ts';
import { type JsonObject, numberAt, objectAt, textAt } from './json-line.ts';
import { createFinalMessages, type ProgramReport, type Reader, shortened } from './report.ts';
import { verdictAtEnd } from './verdict.ts';

export function createOpencodeReader(): Reader {
  let conversation: string | null = null;
  let lastMessage: string | null = null;
  let hasSpoken = false;
  let error: JsonObject | null = null;
  let input: number | null = null;
  let output: number | null = null;
  let cost: number | null = null;
  /** The text of the current step. */
  let inStep: string[] = [];
  let isOver = false;
  /** Whether its last answer ended at the model's limit: it exits with 0 all the same. */
  let isCut = false;
  /** Most versions exit with 0 after an error too. If it could not begin, it writes no event. */
  let hasBegun = false;
  const final = createFinalMessages();

  return {
    event(event) {
      hasBegun = true;
      conversation = textAt(event, 'sessionID') ?? conversation;
      switch (event.type) {
        case 'step_start':
          error = null; // it went on
          inStep = [];
          [isOver, isCut] = [false, false];
          break;
        case 'text':
          hasSpoken = true;
          inStep.push(textAt(event, 'part', 'text') ?? '');
          final.heard(verdictAtEnd(inStep.at(-1) ?? null));
          lastMessage = shortened(inStep.at(-1) ?? null) ?? lastMessage;
          break;
        case 'tool_use':
          hasSpoken = true;
          break;
        case 'step_finish': {
          isOver = textAt(event, 'part', 'reason') === 'stop';
          isCut = textAt(event, 'part', 'reason') === 'length';
          if (isOver) final.add(inStep.join('\n'));
          const count = (...path: string[]) => numberAt(event, 'part', 'tokens', ...path);
          input = sumOfKnown([input, count('input'), count('cache', 'read'), count('cache', 'write')]);
          output = sumOfKnown([output, count('output'), count('reasoning')]);
          cost = sumOfKnown([cost, numberAt(event, 'part', 'cost')]);
          break;
        }
        case 'error':
          error = objectAt(event, 'error') ?? {};
          isOver = false;
          break;
        default:
      }
    },
    report: ({ writtenAtMs }): ProgramReport => ({
      conversation,
      inputTokens: input,
      outputTokens: output,
      costUsd: cost,
      countedOver: 'run',
      lastMessage,
      readMessages: [],
      finalMessages: error === null ? final.all() : [],
      isOver,
      hasFailed: isCut || error !== null || !hasBegun,
      rateLimit: error === null ? null : rateLimitOf(error, writtenAtMs),
      denied: error !== null && isDenied(error),
      problem: error === null ? (isCut ? cutText : null) : shortened(problemOf(error)),
      hasSpoken,
    }),
  };
}

const cutText = 'length: its answer was longer than its model writes';

/** Services have many messages about a full conversation; the program's name for all of them says so. */
function problemOf(error: JsonObject): string | null {
  const [name, message] = [textAt(error, 'name'), textAt(error, 'data', 'message')];
  return name === 'ContextOverflowError' ? `${name}: ${message ?? ''}` : (message ?? name);
}

/** The service refuses the login or wants to be paid first, or there is no login for its provider, which has its own error code. */
function isDenied(error: JsonObject): boolean {
  const status = numberAt(error, 'data', 'statusCode') ?? 0;
  if ([401, 402, 403].includes(status) || textAt(error, 'name') === 'ProviderAuthError') return true;
  return /^Your credit balance is too low\b/.test(textAt(error, 'data', 'message') ?? '');
}

/** No known limit of a subscription is longer than a week. */
const longestLimitMs = 7 * 86_400_000;

/** The program itself waits for limits as long as it may; if it gives up, its error has the service's answer. */
function rateLimitOf(error: JsonObject, writtenAtMs: number): ProgramReport['rateLimit'] {
  if (numberAt(error, 'data', 'statusCode') !== 429) return null;
  const header = textAt(error, 'data', 'responseHeaders', 'retry-after') ?? undefined;
  const pauseMs = retryAfterMs(header, writtenAtMs, longestLimitMs);
  return { untilMs: pauseMs === null ? null : writtenAtMs + pauseMs };
}
