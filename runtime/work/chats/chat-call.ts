/** One request to a chat's API. Error messages never contain the token, although some addresses do. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { ChatHookConfig } from '../../base/config/config.ts';
import { requestOutbound } from '../../base/platform/outbound.ts';
import { retryAfterMs } from '../../base/platform/retry-after.ts';
import { statorVersion } from '../../base/platform/version.ts';
import { readSecret, type SecretParts } from '../agents/secret.ts';

export interface ServiceParts {
  readonly config: ChatHookConfig;
  readonly token: string;
  readonly abort: AbortSignal;
}

export interface ChatCall {
  readonly base: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
}

/** The wait if the service names no time. */
const unsaidPauseMs = 5_000;
const maxResponseBytes = 4 * 1024 * 1024;

/** Throws as `readSecret`. */
export function tokenOf({ name, token, envFile }: ChatHookConfig, parts: SecretParts): string {
  return readSecret({ of: `[chats.${name}] in daemon.toml`, variables: [token], envFile }, parts);
}

/**
 * The answer as JSON, for every status. Throws `no_answer`, `timed_out`, `address_refused`, `interrupted`, and `unavailable` for a rate limit and for
 * an answer that is no JSON.
 */
export async function callChat(
  { config, abort }: Pick<ServiceParts, 'config' | 'abort'>,
  { base, path, headers, body, timeoutMs }: ChatCall,
): Promise<{ readonly status: number; readonly json: unknown }> {
  const answer = await requestOutbound({
    ...{ url: `${base}/${path}`, method: 'POST', body, timeoutMs, maxResponseBytes, signal: abort },
    headers: { 'user-agent': `stator/${statorVersion()}`, ...headers },
    allowPrivate: config.url !== null,
  });
  const hint = 'it is tried again by itself';
  if (answer.status === 429) {
    const pauseMs = pauseMsOf(answer.headers['retry-after'], answer.body);
    throw new EngineError('unavailable', `${new URL(base).origin} asks for a pause`, hint, { retryAfterMs: pauseMs });
  }
  try {
    return { status: answer.status, json: JSON.parse(answer.body) as unknown };
  } catch (cause) {
    const message = `${new URL(base).origin} answered ${answer.status}, and not with JSON`;
    throw new EngineError('unavailable', message, hint, { cause });
  }
}

/** The wait from the header, or from the body for Telegram: between a second and an hour. */
function pauseMsOf(header: string | undefined, body: string): number {
  const said = header ?? /"retry_after"\s*:\s*(\d+)/.exec(body)?.[1];
  return Math.max(1_000, retryAfterMs(said, Date.now()) ?? unsaidPauseMs);
}
