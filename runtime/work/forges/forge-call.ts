/** One request to the API of a forge or of another issue tracker, through the guard for outgoing requests, with their common errors. */
import { isDeepStrictEqual } from 'node:util';
import { request } from '@octokit/request';
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { firstIssueText } from '../../../machines/vocabulary/schema-issue.ts';
import { requestOutbound } from '../../base/platform/outbound.ts';
import { retryAfterMs } from '../../base/platform/retry-after.ts';
import { withoutSecrets } from '../../base/platform/secrets.ts';
import { oneLine } from '../../base/platform/terminal-text.ts';
import type { ForgeParts } from './forge.ts';

export interface CallOptions {
  /** The address of the API: `https://api.github.com`. */
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The hints for a bad token, and for answers of another program. Default: those for a server in `servers.toml`. */
  readonly hints?: { readonly token: string; readonly kind: string };
  /** The error for a failure that this service reports in its own form; null: the usual error. */
  readonly failure?: (answer: FailedAnswer) => EngineError | null;
}

/** A failed answer. The names of headers are in lower case. */
export interface FailedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly data: unknown;
}

/** The service, and how to reach it. */
export type CallParts = Pick<ForgeParts, 'token' | 'signal' | 'send'> & {
  readonly server: Pick<ForgeParts['server'], 'name' | 'url' | 'allowPrivate'>;
};

export interface Asked<Answer> {
  /** `GET /repos/{owner}/{repo}/pulls/{number}`: in the form of the forges' docs. */
  readonly route: string;
  readonly parameters: Readonly<Record<string, string | number | boolean | Readonly<Record<string, unknown>>>>;
  readonly shape: z.ZodType<Answer>;
}

export interface Answered<Answer> {
  readonly value: Answer;
  readonly etag: string | null;
}

const timeoutMs = 30_000;
const maxResponseBytes = 4 * 1024 * 1024;
/** The wait if a forge names no time. */
export const limitDefaultMs = 60_000;
const limitCapMs = 60 * 60_000;
const saidChars = 500;

/** A longer answer is not used at all: a part of an answer could look complete. */
export class AnswerTooLarge extends EngineError {}

/** Statuses with which a forge refuses a request that it has understood. */
export class ForgeRefusal extends EngineError {
  readonly status: number;

  constructor(words: string, status: number) {
    super('forge_refused', words, 'its answer says what is wrong');
    this.status = status;
  }
}

/** The forge answered with a redirect: the repository, the issue or the server has another address now. */
export class ForgeMoved extends EngineError {}

export type Ask = <Answer>(asked: Asked<Answer>) => Promise<Answer>;
/** null: nothing has changed since that etag. */
export type AskSince = <Answer>(
  asked: Asked<Answer>,
  etag: string | null | undefined,
) => Promise<Answered<Answer> | null>;

export interface ForgeCall {
  readonly ask: Ask;
  readonly askSince: AskSince;
}

/** Sends the request, and throws as documented at `Forge`. No message contains the token. */
export function createForgeCall(
  { server, token, signal, send = requestOutbound }: CallParts,
  { baseUrl, headers, hints = serverHints(server.name, token), failure = () => null }: CallOptions,
): ForgeCall {
  const host = new URL(server.url).host;

  async function fetchOutbound(
    url: string,
    init: { method?: string; headers?: Record<string, string>; body?: string | null },
  ): Promise<Response> {
    const answer = await send({
      url,
      method: init.method ?? 'GET',
      headers: init.headers ?? {},
      body: init.body ?? null,
      allowPrivate: server.allowPrivate,
      timeoutMs,
      maxResponseBytes,
      signal,
    });
    if (answer.isCut)
      throw new AnswerTooLarge(
        'forge_refused',
        `${host} answered with more than ${maxResponseBytes} bytes`,
        'see whether that address is a forge',
      );
    // The client would take a redirect for an answer, also for a request that changes something.
    if (answer.status >= 300 && answer.status < 400 && answer.status !== 304)
      throw new ForgeMoved(
        'forge_refused',
        `${host} answered ${init.method ?? 'GET'} with ${answer.status}: it has another address now`,
        'give its new address: of a repository with git remote set-url, of a server in servers.toml or in its table',
      );
    const bodyless = answer.status === 204 || answer.status === 205 || answer.status === 304;
    // The body is already decoded, and these headers describe the bytes as sent.
    const {
      'content-length': _length,
      'content-encoding': _encoding,
      'transfer-encoding': _transfer,
      ...kept
    } = answer.headers;
    return new Response(bodyless ? null : answer.body, { status: answer.status, headers: kept });
  }

  const requestForge = request.defaults({
    baseUrl,
    headers: { ...headers, 'accept-encoding': 'identity' },
    request: { fetch: fetchOutbound },
  });

  const askSince: AskSince = async ({ route, parameters, shape }, etag) => {
    try {
      const answer = await requestForge(route, {
        ...parameters,
        ...(etag == null ? {} : { headers: { 'if-none-match': etag } }),
      });
      const read = shape.safeParse(answer.data);
      // A page of a proxy, or of a forge under maintenance, is no answer of the forge, also where its answer says nothing more.
      const isPage = /^text\/html\b/i.test(answer.headers['content-type'] ?? '') && answer.data !== '';
      if (typeof answer.data === 'string' && (isPage || !read.success))
        throw new EngineError(
          'forge_unreachable',
          `${host} answered ${route} with a text that is no JSON: ${oneLine(answer.data).slice(0, saidChars)}`,
          `it is asked again later; if it stays so, ${hints.kind}`,
        );
      if (!read.success)
        throw new EngineError(
          'forge_refused',
          `${host} answered ${route} with something else: ${firstIssueText(read.error, 'the whole')}`,
          hints.kind,
        );
      return { value: read.data, etag: answer.headers.etag ?? null };
    } catch (thrown) {
      if (statusOf(thrown) === 304 && etag != null) return null;
      if (isOver(signal)) {
        const hint = 'it had no more time here; see whether it is up';
        throw new EngineError('forge_unreachable', `${host} gave no answer in time to ${route}`, hint, {
          cause: thrown,
        });
      }
      throw failureOf(thrown, { host, route, token, hint: hints.token, failure });
    }
  };
  return {
    askSince,
    async ask(asked) {
      const answer = await askSince(asked, null);
      if (answer === null) throw new Error(`${asked.route} is unchanged since an etag that it was not given`);
      return answer.value;
    },
  };
}

function serverHints(name: string, token: string | null): NonNullable<CallOptions['hints']> {
  return {
    token:
      token !== null
        ? `give ${name} a token that may do this; see docs/forges.md`
        : `there is no token for ${name}: stator server get ${name} says where it is looked for`,
    kind: `see whether its kind is right: stator server get ${name}`,
  };
}

/** Whether the caller's time limit ended the request. */
function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
}

function statusOf(thrown: unknown): number | null {
  const { status } = (thrown ?? {}) as { status?: unknown }; // any object may have this field
  return typeof status === 'number' ? status : null;
}

interface Failed {
  readonly host: string;
  readonly route: string;
  readonly token: string | null;
  readonly hint: string;
  readonly failure: NonNullable<CallOptions['failure']>;
}

function failureOf(thrown: unknown, { host, route, token, hint, failure }: Failed): EngineError {
  const guard = engineErrorIn(thrown);
  if (guard !== null) {
    const isSilent = guard.code === 'no_answer' || guard.code === 'timed_out';
    return isSilent
      ? new EngineError('forge_unreachable', guard.message, 'it is asked again later; see whether it is up', {
          cause: guard,
        })
      : guard;
  }
  const status = statusOf(thrown);
  if (status === null)
    return new EngineError(
      'forge_unreachable',
      `${host} gave no readable answer to ${route}`,
      'it is asked again later',
      { cause: thrown },
    );
  const { headers, data } = responseOf(thrown);
  const own = failure({ status, headers, data });
  if (own !== null) return own;
  const said = messageIn(data, token);
  const retryAtMs = retryAt({ status, headers, said }, Date.now());
  if (retryAtMs !== null) return limitError(host, retryAtMs);
  const words = `${host} answered ${route} with ${status}${said === '' ? '' : `: ${said}`}`;
  if (status === 401 || status === 403) return new EngineError('forge_denied', words, hint);
  if (status === 404 || status === 410)
    return new EngineError('not_found', words, 'see whether it is there, and whether the token may see it');
  if (status >= 500 || status === 408) return new EngineError('forge_unreachable', words, 'it is asked again later');
  return new ForgeRefusal(words, status);
}

/** Octokit wraps the errors of its fetch. */
function engineErrorIn(thrown: unknown): EngineError | null {
  for (let at: unknown = thrown, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (at instanceof EngineError) return at;
  }
  return null;
}

function responseOf(thrown: unknown): { headers: Readonly<Record<string, string | undefined>>; data: unknown } {
  const { response } = (thrown ?? {}) as { response?: { headers?: Record<string, string>; data?: unknown } }; // the shape of @octokit/request-error
  return { headers: response?.headers ?? {}, data: response?.data ?? null };
}

/** GitHub may name a limit in its message alone: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api */
const limitWords = /\b(?:rate limit|abuse detection)\b/i;

/** When to try again if the answer reports a rate limit; null: it does not. GitHub also uses 403 for that, and Jira 503. */
function retryAt(
  { status, headers, said }: Pick<FailedAnswer, 'status' | 'headers'> & { readonly said: string },
  nowMs: number,
): number | null {
  const isSpent = headers['x-ratelimit-remaining'] === '0' || headers['ratelimit-remaining'] === '0';
  const after = headers['retry-after'];
  const isLimit =
    status === 429 ||
    (status === 403 && (isSpent || after !== undefined || limitWords.test(said))) ||
    (status === 503 && after !== undefined);
  if (!isLimit) return null;
  const pauseMs = retryAfterMs(after, nowMs);
  const reset = Number(headers['x-ratelimit-reset'] ?? headers['ratelimit-reset']);
  if (pauseMs !== null) return nowMs + pauseMs;
  // The time is that of a limit which is not the one that was reached.
  const isOfOther = status === 403 && !isSpent;
  return !isOfOther && Number.isFinite(reset) && reset > 0 ? reset * 1000 : nowMs + limitDefaultMs;
}

/** The service wants to be asked again at that time, which is taken as a second to an hour from now. */
export function limitError(host: string, atMs: number): EngineError {
  const nowMs = Date.now();
  return new ForgeLimit(host, Math.min(Math.max(atMs, nowMs + 1000), nowMs + limitCapMs));
}

/** The forge's message on one line, without the token: a forge may repeat it. */
function messageIn(data: unknown, token: string | null): string {
  const found = z
    .object({
      ...{ message: z.unknown().optional(), error: z.unknown().optional(), errors: z.unknown().optional() },
      errorMessages: z.array(z.string()).optional(),
    })
    .safeParse(data);
  const { message, error, errors, errorMessages = [] } = found.success ? found.data : {};
  const text = [message, error, ...errorMessages, errors]
    .filter((part) => part !== undefined && part !== null && !isDeepStrictEqual(part, {}))
    .map((part) => (typeof part === 'string' ? part : JSON.stringify(part)))
    .join('; ');
  const safe = withoutSecrets(oneLine(text));
  return (token === null ? safe : safe.replaceAll(token, '***')).slice(0, saidChars);
}

/** A forge wants us to wait: nothing was done. `retryAtMs` is wall clock time, within the next hour. */
export class ForgeLimit extends EngineError {
  override readonly retryAtMs: number;

  constructor(host: string, retryAtMs: number) {
    const at = new Date(retryAtMs).toISOString();
    super('forge_limited', `${host} was asked too often and wants us to wait until ${at}`, 'it is asked again then');
    this.retryAtMs = retryAtMs;
  }
}
