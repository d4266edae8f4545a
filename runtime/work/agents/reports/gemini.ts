/** Reads `gemini --output-format stream-json`: messages in pieces, tools, and a result. */
import { pauseMs } from '../../../base/platform/retry-after.ts';
import { type JsonObject, numberAt, textAt } from './json-line.ts';
import { createFinalMessages, type ProgramReport, type Reader, shortened } from './report.ts';
import { verdictsNamedIn } from './verdict.ts';

export function createGeminiReader(): Reader {
  let conversation: string | null = null;
  /** Gemini continues a conversation only if the model has completed at least one answer. */
  let isAnswered = false;
  let lastMessage: string | null = null;
  /** The pieces of the current message. */
  let pieces = '';
  let hasSpoken = false;
  let warning: string | null = null;
  /** Its message that it stops before the work is done: then its result says `success` all the same. */
  let gaveUp: string | null = null;
  let result: JsonObject | null = null;
  const final = createFinalMessages();

  function say(event: JsonObject): void {
    if (event.role !== 'assistant') return;
    hasSpoken = true;
    result = null;
    pieces = `${pieces}${textAt(event, 'content') ?? ''}`.slice(-piecesLimit);
    lastMessage = shortened(pieces) ?? lastMessage;
    final.heard(verdictsNamedIn(pieces.slice(-(textAt(event, 'content') ?? '').length - namedLength)));
  }

  return {
    event(event) {
      switch (event.type) {
        case 'init':
          conversation = textAt(event, 'session_id') ?? conversation;
          break;
        case 'message':
          say(event);
          break;
        case 'tool_use':
          isAnswered = true;
          hasSpoken = true;
          result = null;
          gaveUp = null;
          pieces = '';
          break;
        case 'tool_result':
          pieces = '';
          break;
        case 'error':
          if (event.severity === 'error') warning = shortened(textAt(event, 'message')) ?? warning;
          if (givesUp.test(textAt(event, 'message') ?? '')) gaveUp = shortened(textAt(event, 'message'));
          break;
        case 'result':
          result = event;
          if (event.status === 'success') isAnswered = true;
          final.add(event.status === 'success' && gaveUp === null ? pieces : null);
          break;
        default:
      }
    },
    report({ writtenAtMs, code }): ProgramReport {
      const isBad = result?.status === 'error';
      const problem = isBad && result !== null ? shortened(textAt(result, 'error', 'message')) : null;
      return {
        conversation: isAnswered ? conversation : null,
        inputTokens: result === null ? null : numberAt(result, 'stats', 'input_tokens'),
        outputTokens: result === null ? null : outputOf(result),
        costUsd: null,
        countedOver: 'run',
        lastMessage,
        readMessages: [],
        finalMessages: final.all(),
        isOver: result?.status === 'success' && gaveUp === null,
        hasFailed: isBad || gaveUp !== null,
        rateLimit: problem === null ? null : rateLimitOf(problem, writtenAtMs),
        denied: code === loginExit || (problem !== null && refusals.test(problem)),
        problem: problem ?? gaveUp ?? (isBad || result === null ? warning : null),
        hasSpoken,
      };
    },
  };
}

/** Its `output_tokens` lack the thoughts, which its `total_tokens` include. */
function outputOf(result: JsonObject): number | null {
  const count = (key: string) => numberAt(result, 'stats', key);
  const [input, output, total] = [count('input_tokens'), count('output_tokens'), count('total_tokens')];
  return input === null || total === null ? output : Math.max(output ?? 0, total - input);
}

/** A verdict may arrive in pieces: this much of the earlier text is checked with each piece. */
const namedLength = 100;
/** Only the end of a message in pieces is stored. */
const piecesLimit = 128 * 1024;
/** It exits with 0 after these. Source: its `nonInteractiveCli`, and trials with 0.61.0. */
const givesUp = /^(?:Loop detected, stopping execution|Maximum session turns exceeded)$/;
/** The exit code without a login. Source: its table of exit codes. */
const loginExit = 41;
/** The service's answer to a refused key, inside the program's own error message. */
const refusals = /^\[API Error: [\s\S]*(?:API key not valid|API_KEY_INVALID|"code":\s*40[13]\b)/;

/** The program adds one of these lines to an error if the service answered with 429, and only then. */
const limitAdvice =
  /\]\n(?:Please wait and try again later\. To increase your limits|Possible quota limitations in place)/;
/** A daily quota names no time; more frequent tries are useless. */
const dailyMs = 3_600_000;

function rateLimitOf(problem: string, writtenAtMs: number): ProgramReport['rateLimit'] {
  if (!limitAdvice.test(problem)) return null;
  const ms = pauseMs(
    /(?:quota will reset after|Suggested retry after|Please retry in) (.{1,100})/.exec(problem)?.[1] ?? '',
  );
  if (ms !== null) return { untilMs: writtenAtMs + ms };
  return { untilMs: problem.includes('exhausted your daily quota') ? writtenAtMs + dailyMs : null };
}
