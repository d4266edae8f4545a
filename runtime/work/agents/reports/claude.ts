/** Reads `claude --print --output-format stream-json --verbose`: an event a line, the last of them a `result`. */

import { sumOfKnown } from '../../../../machines/vocabulary/numbers.ts';
import { isTypedId } from '../relay/message-line.ts';
import { claudeLimitIn, claudeResetIn } from './claude-limit.ts';
import { type JsonObject, listAt, numberAt, objectAt, textAt, textsAt, timeAt } from './json-line.ts';
import { createFinalMessages, type ProgramReport, type Quota, type Reader, shortened } from './report.ts';

interface Usage {
  input: number | null;
  output: number | null;
  cost: number | null;
}

export function createClaudeReader(): Reader {
  let conversation: string | null = null;
  let lastMessage: string | null = null;
  let hasSpoken = false;
  /** The program's code of its last error; null: the service has answered since. */
  let error: string | null = null;
  /** The number of refused logins in a row after which it tried again. */
  let refusals = 0;
  /** From the event of a rejected request, which reports a subscription's own limit. */
  let resetsAtMs: number | null = null;
  const quotas = new Map<string, Quota>();
  let result: JsonObject | null = null;
  let isOver = false;
  const final = createFinalMessages();
  /** The sum of what each result reports since the one before, by model; one run may have several results. */
  let sinceLast: Usage | null = null;
  /** The same without models, from older versions. */
  let results: Usage = { input: null, output: null, cost: null };
  const readMessages: string[] = [];
  /** Usage since the last result, by message: counted until the next result. */
  const byMessage = new Map<string, Usage>();

  function assistant(event: JsonObject): void {
    error = textAt(event, 'error');
    if (error !== null) return; // the text is the program's, not the agent's
    hasSpoken = true;
    refusals = 0;
    resetsAtMs = null;
    const id = textAt(event, 'message', 'id');
    if (id !== null && byMessage.size < messageCountLimit) byMessage.set(id, usageAt(event, 'message', 'usage'));
    if (textAt(event, 'parent_tool_use_id') !== null) return;
    const texts = listAt(event, 'message', 'content').map((part) => textAt(part, 'text'));
    lastMessage = shortened(texts.filter((text) => text !== null).join('\n')) ?? lastMessage;
  }

  return {
    event(event) {
      conversation = textAt(event, 'session_id') ?? conversation;
      switch (event.type) {
        case 'assistant':
          isOver = false;
          assistant(event);
          break;
        case 'system':
          if (event.subtype === 'init') isOver = false; // a further turn
          if (event.subtype === 'api_retry') refusals = isRefusal(event, 'error_status') ? refusals + 1 : 0;
          break;
        case 'rate_limit_event':
          if (textAt(event, 'rate_limit_info', 'status') === 'rejected')
            resetsAtMs = timeAt(event, 'rate_limit_info', 'resetsAt');
          noteQuotas(quotas, objectAt(event, 'rate_limit_info') ?? {});
          break;
        case 'user': {
          isOver = false;
          const id = event.isReplay === true ? textAt(event, 'uuid') : null;
          if (isTypedId(id) && readMessages.length < readCountLimit) readMessages.push(id);
          break;
        }
        case 'result': {
          result = event;
          results = added([results, usageAt(event, 'usage')]);
          isOver = event.is_error !== true && event.subtype === 'success';
          final.add(isOver ? textAt(event, 'result') : null);
          const models = objectAt(event, 'model_usage_since_last_result');
          for (const name of Object.keys(models ?? {}))
            if (models !== null)
              sinceLast = added([...(sinceLast === null ? [] : [sinceLast]), modelUsageAt(models, name)]);
          byMessage.clear();
          break;
        }
        default:
      }
    },
    report({ writtenAtMs }): ProgramReport {
      const usage = usageOf(result, { results, sinceLast, byMessage });
      const isRefusedOften = refusals >= refusalLimit;
      const denied = isRefusedOften || (error !== null && deniedErrors.has(error)) || isRefused(result);
      const refused = isRefusedOften ? 'it was refused three times, and would have asked on' : null;
      const problem = result?.is_error === true ? problemOf(result) : refused;
      return {
        conversation: isUnknown(problem) ? null : conversation,
        inputTokens: usage.input,
        outputTokens: usage.output,
        costUsd: usage.cost,
        countedOver: 'run',
        lastMessage,
        readMessages,
        finalMessages: final.all(),
        isOver,
        rateLimit: result === null ? null : rateLimitOf(result, { error, resetsAtMs, writtenAtMs }),
        quotas: [...quotas.values()],
        denied,
        problem,
        hasSpoken,
      };
    },
  };
}

/** The program tries ten times over three minutes before it gives up. A login that is being renewed is refused once. */
const refusalLimit = 3;
/** Its codes for faults that only a person can correct. Source: the schema of its events in version 2.1.332. */
const deniedErrors: ReadonlySet<string> = new Set([
  ...['authentication_failed', 'oauth_org_not_allowed', 'account_on_hold', 'verification_required'],
  ...['billing_error', 'cloud_credential_error'],
]);

function isRefusal(event: JsonObject, key: string): boolean {
  const status = numberAt(event, key);
  return status === 401 || status === 403;
}

function isRefused(result: JsonObject | null): boolean {
  return result?.is_error === true && isRefusal(result, 'api_error_status');
}

/** The most messages: more than any run has; without a bound a hostile log would fill the memory. */
const messageCountLimit = 100_000;
/** The most messages of people: more than any person sends to one run. */
const readCountLimit = 10_000;

function usageAt(event: JsonObject, ...path: readonly string[]): Usage {
  const usage = objectAt(event, ...path) ?? {};
  const cached = [numberAt(usage, 'cache_creation_input_tokens'), numberAt(usage, 'cache_read_input_tokens')];
  return {
    input: sumOfKnown([numberAt(usage, 'input_tokens'), ...cached]),
    output: numberAt(usage, 'output_tokens'),
    cost: null,
  };
}

function modelUsageAt(models: JsonObject, name: string): Usage {
  const count = (key: string) => numberAt(models, name, key);
  return {
    input: sumOfKnown([count('inputTokens'), count('cacheReadInputTokens'), count('cacheCreationInputTokens')]),
    output: count('outputTokens'),
    cost: count('costUSD'),
  };
}

/**
 * By model if the program counts so, including subagents; otherwise from the result. The messages after the last result are counted by themselves, which gives
 * the least usage of a turn that works or was ended from outside. `total_cost_usd` counts a conversation over its runs in newer versions, so it comes second.
 */
function usageOf(
  result: JsonObject | null,
  {
    results,
    sinceLast,
    byMessage,
  }: {
    readonly results: Usage;
    readonly sinceLast: Usage | null;
    readonly byMessage: ReadonlyMap<string, Usage>;
  },
): Usage {
  const messages = [...byMessage.values()];
  if (sinceLast !== null) return added([sinceLast, ...messages]);
  if (result === null) return added(messages);
  const isCountedByModel = objectAt(result, 'model_usage_since_last_result') !== null;
  const cost = isCountedByModel ? 0 : numberAt(result, 'total_cost_usd');
  return added([{ ...results, cost }, ...messages]);
}

function added(usages: readonly Usage[]): Usage {
  return {
    input: sumOfKnown(usages.map(({ input }) => input)),
    output: sumOfKnown(usages.map(({ output }) => output)),
    cost: sumOfKnown(usages.map(({ cost }) => cost)),
  };
}

function problemOf(result: JsonObject): string | null {
  const errors = textsAt(result, 'errors').join('\n');
  return shortened(errors) ?? shortened(textAt(result, 'result')) ?? textAt(result, 'subtype');
}

interface LimitSigns {
  readonly error: string | null;
  readonly resetsAtMs: number | null;
  readonly writtenAtMs: number;
}

/**
 * Only the program itself can report a limit, never the agent's text: by the status of the service's answer, its error, the event of a rejected request, or
 * its own line in versions without these. The result of an error is the program's own text.
 */
function rateLimitOf(result: JsonObject, { error, resetsAtMs, writtenAtMs }: LimitSigns): ProgramReport['rateLimit'] {
  if (result.is_error !== true) return null;
  const text = textAt(result, 'result') ?? '';
  const line = claudeLimitIn(text, writtenAtMs);
  const isNamed = numberAt(result, 'api_error_status') === 429 || error === 'rate_limit' || resetsAtMs !== null;
  if (!isNamed && line === null) return null;
  return { untilMs: resetsAtMs ?? line?.untilMs ?? claudeResetIn(text, writtenAtMs) };
}

/** The spans with fixed names. Of any others only the newest counts. */
const spans = /^(?:five_hour|seven_day(?:_[a-z]{1,20})?)$/;
const spanLimit = 8;

/** Notes each span that limits the whole account, and the limit that is nearest. Older versions report only the latter, and only when much of it is used. */
function noteQuotas(quotas: Map<string, Quota>, nearest: JsonObject): void {
  const windows = objectAt(nearest, 'unifiedWindows') ?? {};
  for (const name of ['five_hour', 'seven_day']) noteQuota(quotas, name, objectAt(windows, name) ?? {});
  noteQuota(quotas, textAt(nearest, 'rateLimitType') ?? '', nearest);
}

/** Its use is a share, which is above 1 where the service takes more than the limit, or a percentage. */
function noteQuota(quotas: Map<string, Quota>, type: string, limit: JsonObject): void {
  const utilization = numberAt(limit, 'utilization');
  if (utilization === null || utilization > 100) return;
  const span = spans.test(type) && quotas.size < spanLimit ? type : 'limit';
  const used = utilization > 2 ? utilization / 100 : Math.min(1, utilization);
  quotas.set(span, { span, used, untilMs: timeAt(limit, 'resetsAt') });
}

function isUnknown(problem: string | null): boolean {
  return problem?.startsWith('No conversation found with session ID') === true;
}
