/** Sends a hook as an HTTP request: one POST, signed as in Standard Webhooks (https://www.standardwebhooks.com). */
import { createHmac } from 'node:crypto';
import { EngineError, onOneLine, withHint } from '../../../machines/vocabulary/errors.ts';
import type { WebhookConfig } from '../../base/config/config.ts';
import { type OutboundAnswer, type OutboundRequest, requestOutbound } from '../../base/platform/outbound.ts';
import { retryAfterMs } from '../../base/platform/retry-after.ts';
import { statorVersion } from '../../base/platform/version.ts';
import { readSecret } from '../agents/secret.ts';
import { failedTry, type HookTry } from './hook-try.ts';

export interface WebhookSending {
  /** The id of the delivery: the same at each try. */
  readonly id: string;
  readonly body: string;
  /** The folder for a relative env file. */
  readonly repo: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nowMs: number;
  readonly abort: AbortSignal;
}

/** Only the status of an answer is stored: the body could repeat our own headers. */
const maxResponseBytes = 64 * 1024;

/** Sends it once. Throws `interrupted` if the engine stops. */
export async function sendWebhook(hook: WebhookConfig, sending: WebhookSending): Promise<HookTry> {
  try {
    const headers = headersOf(hook, sending);
    const request: OutboundRequest = {
      url: hook.url,
      method: 'POST',
      headers,
      body: sending.body,
      allowPrivate: hook.allowPrivate,
      timeoutMs: hook.timeoutMs,
      maxResponseBytes,
      ignoresBody: true,
      signal: sending.abort,
    };
    return judged(await requestOutbound(request), sending.nowMs);
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || thrown.code === 'interrupted') throw thrown;
    // A missing variable or env file may be there at the next try.
    return failedTry(onOneLine(withHint(thrown)), { retries: thrown.code !== 'address_refused' });
  }
}

function judged({ status, headers }: OutboundAnswer, nowMs: number): HookTry {
  if (status >= 200 && status < 300) return { kind: 'delivered', status, output: null };
  const isRedirect = status >= 300 && status < 400;
  const error = `the answer was ${status}${isRedirect ? '; redirects are not followed' : ''}`;
  const retries = status === 408 || status === 429 || status >= 500;
  const pauseMs = status === 429 || status === 503 ? retryAfterMs(headers['retry-after'], nowMs) : null;
  return failedTry(error, { retries, isGone: status === 410, retryAfterMs: pauseMs, status });
}

const headerForm = {
  pattern: /^[\t\x20-\x7e\x80-\xff]*$/,
  is: 'text that a header may have: one line of Latin letters',
};

function headersOf(hook: WebhookConfig, { id, body, nowMs, repo, env }: WebhookSending): Record<string, string> {
  const place = { of: `[[hooks]] ${hook.name} in the config`, envFile: hook.envFile, repo };
  const own = { 'content-type': 'application/json', 'user-agent': `stator/${statorVersion()}` };
  const given = Object.entries(hook.headers).map(([name, value]) => {
    if (value.startsWith('env:')) {
      const variables = [value.slice('env:'.length)];
      return [name.toLowerCase(), readSecret({ ...place, variables, form: headerForm }, { env })] as const;
    }
    if (!headerForm.pattern.test(value))
      throw badSetting(`the header ${name} is no ${headerForm.is}`, `correct headers of ${place.of}`);
    return [name.toLowerCase(), value] as const;
  });
  const seconds = String(Math.floor(nowMs / 1000));
  const signatures = hook.secrets.map((name) =>
    signature(keyOf(name, readSecret({ ...place, variables: [name] }, { env })), `${id}.${seconds}.${body}`),
  );
  const signed = signatures.length === 0 ? {} : { 'webhook-signature': signatures.join(' ') };
  return { ...own, ...Object.fromEntries(given), 'webhook-id': id, 'webhook-timestamp': seconds, ...signed };
}

function signature(key: Buffer, text: string): string {
  return `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
}

/** The key of a secret: base 64, after `whsec_` or without it. */
function keyOf(name: string, secret: string): Buffer {
  const text = secret.trim().replace(/^whsec_/, '');
  const key = Buffer.from(text, 'base64');
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(text) && key.length > 0;
  if (isBase64 && key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')) return key;
  throw badSetting(
    `$${name} is no secret of Standard Webhooks`,
    'write base 64, with or without whsec_ before it: printf "whsec_%s" "$(openssl rand -base64 32)"',
  );
}

/** It may be corrected before the next try. */
function badSetting(message: string, hint: string): EngineError {
  return new EngineError('bad_config', message, hint);
}
