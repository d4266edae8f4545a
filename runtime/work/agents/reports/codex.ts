/** Reads `codex exec --json`: a thread, its turns, and the items of a turn. */
import { pauseMs } from '../../../base/platform/retry-after.ts';
import { numberAt, textAt } from './json-line.ts';
import { createFinalMessages, type ProgramReport, type Reader, shortened } from './report.ts';
import { verdictAtEnd } from './verdict.ts';

export function createCodexReader(): Reader {
  let conversation: string | null = null;
  let lastMessage: string | null = null;
  let hasSpoken = false;
  let problem: string | null = null;
  let inputTokens: number | null = null;
  let outputTokens: number | null = null;
  /** The last message of the current turn. */
  let inTurn: string | null = null;
  let isOver = false;
  const final = createFinalMessages();

  return {
    event(event) {
      switch (event.type) {
        case 'thread.started':
          conversation = textAt(event, 'thread_id') ?? conversation;
          break;
        case 'turn.started':
          inTurn = null;
          isOver = false;
          break;
        case 'turn.completed':
          problem = null;
          isOver = true;
          final.add(inTurn);
          inputTokens = numberAt(event, 'usage', 'input_tokens') ?? inputTokens;
          outputTokens = numberAt(event, 'usage', 'output_tokens') ?? outputTokens;
          break;
        case 'turn.failed':
          isOver = false;
          problem = shortened(textAt(event, 'error', 'message')) ?? problem;
          final.add(null);
          break;
        case 'error':
          problem = shortened(textAt(event, 'message')) ?? problem;
          break;
        case 'item.started':
        case 'item.completed': {
          const type = textAt(event, 'item', 'type');
          if (type === 'error') break; // a warning of the program: a failed turn reports its own error
          hasSpoken = true;
          if (type !== 'agent_message') break;
          inTurn = textAt(event, 'item', 'text') ?? inTurn;
          final.heard(verdictAtEnd(textAt(event, 'item', 'text')));
          lastMessage = shortened(inTurn) ?? lastMessage;
          break;
        }
        default:
      }
    },
    report: ({ writtenAtMs }): ProgramReport => ({
      conversation,
      inputTokens,
      outputTokens,
      costUsd: null,
      countedOver: 'conversation',
      lastMessage,
      readMessages: [],
      finalMessages: final.all(),
      isOver,
      rateLimit: problem === null ? null : rateLimitOf(problem, writtenAtMs),
      denied: problem !== null && isDenied(problem),
      problem,
      hasSpoken,
    }),
  };
}

/** The service's answers to a refused login or an account that must pay, and the program's messages about an expired login that it could not renew. */
const deniedLines = [
  /^unexpected status 40[123] /,
  /^Quota exceeded\. Check your plan and billing details\b/,
  /^To use Codex with your ChatGPT plan, upgrade\b/,
  /^Your (?:access token|authentication session) could not be refreshed\b/,
];

function isDenied(problem: string): boolean {
  return deniedLines.some((line) => line.test(problem));
}

/** It has no field for a limit; these are its lines about one, whole or from the beginning. */
const limitLines = [
  /^You['\u2019]ve hit your usage limit/,
  /^Your workspace is out of credits\b/,
  /^You hit your spend cap set (?:in|by the owner of) your workspace\b/,
  /^rate limit exceeded: /,
  /^exceeded retry limit, last status: 429 /,
  /^stream disconnected before completion: Rate limit reached for /,
];

function rateLimitOf(problem: string, writtenAtMs: number): ProgramReport['rateLimit'] {
  if (!limitLines.some((line) => line.test(problem))) return null;
  return { untilMs: clockTimeIn(problem, writtenAtMs) ?? delayIn(problem, writtenAtMs) };
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** Codex leaves out the seconds. */
const minuteMs = 60_000;

/** `try again at 1:54 PM`, on that day; `try again at Nov 21st, 2026 1:54 PM`. Local time, as in the program. */
function clockTimeIn(text: string, writtenAtMs: number): number | null {
  const found = /try again at (?:([A-Z][a-z]{2}) (\d{1,2})(?:st|nd|rd|th), (\d{4}) )?(\d{1,2}):(\d{2}) (AM|PM)/i.exec(
    text,
  );
  if (found === null) return null;
  const [, month, day, year, hour, minute, half] = found;
  const on = new Date(writtenAtMs);
  const hours = (Number(hour) % 12) + (half?.toUpperCase() === 'PM' ? 12 : 0);
  const date =
    month === undefined
      ? new Date(on.getFullYear(), on.getMonth(), on.getDate(), hours, Number(minute))
      : new Date(Number(year), months.indexOf(month), Number(day), hours, Number(minute));
  const at = date.getTime();
  return Number.isNaN(at) ? null : at + minuteMs;
}

/** `try again in 7m12s`; in older versions `try again in 3 days 2 hours 5 minutes`. */
function delayIn(text: string, writtenAtMs: number): number | null {
  const ms = pauseMs(/try again in (.{1,100})/i.exec(text)?.[1] ?? '');
  return ms === null || ms === 0 ? null : writtenAtMs + ms;
}
