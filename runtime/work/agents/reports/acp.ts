/**
 * Reads the log of a relay that is a client of the Agent Client Protocol: the agent's messages unchanged, and between them the relay's own lines, `{"stator":
 * …}`, which name the request of each number. `end_turn` alone is no success, and not every text in an agent's message is the agent's own.
 */
import { sumOfKnown } from '../../../../machines/vocabulary/numbers.ts';
import { pauseMs } from '../../../base/platform/retry-after.ts';
import { errorText } from '../relay/json-rpc.ts';
import { isTypedId } from '../relay/message-line.ts';
import { type JsonObject, listAt, numberAt, objectAt, textAt, textsAt } from './json-line.ts';
import { createFinalMessages, type ProgramReport, type Reader, shortened } from './report.ts';
import { verdictsNamedIn } from './verdict.ts';

export function createAcpReader(): Reader {
  /** Open requests by number. */
  const open = new Map<number, string>();
  const readMessages: string[] = [];
  const final = createFinalMessages();
  let conversation: string | null = null;
  let logins: readonly string[] = [];
  let isOver = false;
  let hasSpoken = false;
  let hasActed = false;
  let lastMessage: string | null = null;
  /** The agent's text since its last tool, and the id of its message. */
  let pieces = '';
  let message: string | null = null;
  /** Text of the program itself in an agent's message. */
  let programText: string | null = null;
  let error: JsonObject | null = null;
  let problem: string | null = null;
  let isLasting = false;
  let usage: Usage = { input: null, output: null };

  function ofRelay(words: JsonObject): void {
    const [sent, id] = [textAt(words, 'sent'), numberAt(words, 'id')];
    if (sent !== null && id !== null && open.size < openLimit) open.set(id, sent);
    if (sent === 'session/prompt') [isOver, pieces, programText] = [false, '', null];
    conversation = textAt(words, 'conversation') ?? conversation;
    for (const typed of listAt(words, 'typed')) {
      const typedId = textAt(typed, 'id');
      if (isTypedId(typedId) && readMessages.length < readLimit) readMessages.push(typedId);
    }
    const said = textAt(words, 'problem');
    if (said !== null) [problem, isLasting, isOver] = [said, words.isLasting === true, false];
  }

  function ofAnswer(event: JsonObject): void {
    const id = numberAt(event, 'id');
    const method = id === null ? undefined : open.get(id);
    // A turn has one answer: with a second one it is not known which is the agent's.
    if (method === undefined && textAt(event, 'result', 'stopReason') !== null) final.add(null);
    if (id === null || method === undefined) return;
    open.delete(id);
    if (method === 'initialize') logins = listAt(event, 'result', 'authMethods').flatMap(loginText);
    // Failures to resume a conversation or to accept a message do not fail the run.
    const mayFail = takesUp(method) || method === '_session/steering';
    const failed = objectAt(event, 'error');
    if (failed !== null && (!mayFail || failed.code === loginNeeded)) error = failed;
    if (method === 'session/prompt' && failed === null) ofTurn(objectAt(event, 'result') ?? {});
  }

  function ofTurn(result: JsonObject): void {
    usage = added(usage, usageOf(result));
    isOver = result.stopReason === 'end_turn';
    final.add(isOver ? pieces : null);
  }

  function ofUpdate(update: JsonObject): void {
    switch (update.sessionUpdate) {
      case 'agent_message_chunk':
        say(textAt(update, 'content', 'text') ?? '', textAt(update, 'messageId'));
        break;
      case 'tool_call':
        [hasSpoken, hasActed, pieces] = [true, true, ''];
        break;
      case 'tool_call_update':
        pieces = '';
        break;
      default:
    }
  }

  function say(text: string, id: string | null): void {
    if (id !== message && id !== null) pieces = '';
    message = id;
    if (pieces === '' && programTextStart.test(text) && verdictsNamedIn(text).length === 0) {
      programText = shortened(text);
      return;
    }
    hasSpoken = true;
    pieces = `${pieces}${text}`.slice(-piecesLimit);
    lastMessage = shortened(pieces) ?? lastMessage;
    final.heard(verdictsNamedIn(pieces.slice(-text.length - namedLength)));
  }

  return {
    event(event) {
      const words = objectAt(event, 'stator');
      if (words !== null) ofRelay(words);
      else if (event.method === undefined) ofAnswer(event);
      else if (event.method === 'session/update') ofUpdate(objectAt(event, 'params', 'update') ?? {});
    },
    report({ writtenAtMs }): ProgramReport {
      const text = error === null ? (hasActed || pieces !== '' ? null : programText) : errorText(error);
      const denied = error !== null && isDenied(error);
      const how = denied && logins.length > 0 ? `; the agent says how to log in: ${logins.join('; ')}` : '';
      const said = problem ?? text;
      return {
        conversation,
        inputTokens: usage.input,
        outputTokens: usage.output,
        costUsd: null,
        countedOver: 'run',
        lastMessage: lastMessage ?? programText,
        readMessages,
        finalMessages: final.all(),
        isOver,
        rateLimit: denied || text === null ? null : rateLimitOf(error, text, writtenAtMs),
        denied,
        problem: said === null ? null : shortened(`${said}${how}`),
        lastingProblem: isLasting ? said : null,
        hasSpoken,
      };
    },
  };
}

/** The most open requests: usually few, and an agent that answers none must not fill the memory. */
const openLimit = 1_000;
/** The most messages: more than any person sends to one run. */
const readLimit = 10_000;
/** Only the end of a message in pieces is stored. */
const piecesLimit = 128 * 1024;
/** A verdict may arrive in pieces: this much of the earlier text is checked with each piece. */
const namedLength = 100;
const loginNeeded = -32_000;
/** The beginnings of texts from the program itself: warnings, errors of the service, marks of a mode. */
const programTextStart = /^\s*(?:\*\*)?(?:warning|info|notice|error)(?:\*\*)?:|^\[[A-Z_]{3,}\]/i;

function takesUp(method: string): boolean {
  return method === 'session/load' || method === 'session/resume';
}

/** The agent's instruction for a login: a command, or a text. */
function loginText(method: JsonObject): string[] {
  const command = textAt(method, '_meta', 'terminal-auth', 'command');
  if (command !== null)
    return [[command, ...textsAt(objectAt(method, '_meta', 'terminal-auth') ?? {}, 'args')].join(' ')];
  const text = textAt(method, 'description') ?? textAt(method, 'name');
  return text === null ? [] : [text.slice(0, 300)];
}

interface Usage {
  readonly input: number | null;
  readonly output: number | null;
}

/** The tokens of one turn. The input is the total without answer and thought, including caches. */
function usageOf(result: JsonObject): Usage {
  const usage = objectAt(result, 'usage');
  if (usage === null) {
    const quota = objectAt(result, '_meta', 'quota', 'token_count') ?? {};
    return { input: numberAt(quota, 'input_tokens'), output: numberAt(quota, 'output_tokens') };
  }
  const count = (key: string) => numberAt(usage, key);
  const sent = sumOfKnown([count('inputTokens'), count('cachedReadTokens'), count('cachedWriteTokens')]);
  const [output, thought, total] = [count('outputTokens'), count('thoughtTokens') ?? 0, count('totalTokens')];
  const isThoughtApart = total !== null && (sent ?? 0) + (output ?? 0) + thought <= total;
  const back = output === null ? null : output + (isThoughtApart ? thought : 0);
  return { input: total === null || back === null || total < back ? sent : total - back, output: back };
}

function added(one: Usage, other: Usage): Usage {
  return { input: sumOfKnown([one.input, other.input]), output: sumOfKnown([one.output, other.output]) };
}

/** The protocol's code for a required login, or the service's message about the key or an account that must pay, which some agents pass on as text. */
function isDenied(error: JsonObject): boolean {
  return error.code === loginNeeded || /\b40[123]\b|unauthori[sz]ed|invalid.{0,10}api.?key/i.test(errorText(error));
}

/** The adapters' codes for a limit, and the messages of other agents. */
function rateLimitOf(error: JsonObject | null, text: string, writtenAtMs: number): ProgramReport['rateLimit'] {
  const names = error === null ? [] : [textAt(error, 'data', 'errorKind'), textAt(error, 'data', 'codexErrorInfo')];
  const isNamed = names.includes('rate_limit') || names.includes('usageLimitExceeded');
  if (!isNamed && !/\b429\b|rate.?limit|(?:usage|quota) (?:limit|exceeded)|limit reached/i.test(text)) return null;
  const ms = pauseMs(/(?:retry|try again) (?:after|in) (.{1,100})/i.exec(text)?.[1] ?? '');
  return { untilMs: ms === null ? null : writtenAtMs + ms };
}
