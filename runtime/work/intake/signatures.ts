/**
 * Checks that the delivery of a webhook was signed by its service. Pure, and in constant time, so that its duration reveals nothing about the secret.
 */
import { createHmac } from 'node:crypto';
import { isSameSecret } from '../../base/platform/token.ts';

export interface Delivery {
  /** null: there is no such header. */
  header(name: string): string | null;
  /** The received bytes. */
  readonly body: Buffer;
}

interface Checked {
  readonly secret: string;
  readonly nowMs: number;
}

/** `id`: the same for a repeated delivery. */
export type Signed = { readonly id: string } | { readonly reason: string };

/**
 * The tolerance for different clocks and slow deliveries. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
const ageLimitMs = 5 * 60_000;
/** https://linear.app/developers/webhooks */
const linearAgeLimitMs = 60_000;
const idForm = /^[\w.:-]{1,128}$/;

const schemes = {
  /** The signature covers the id and the time too. */
  webhook: standard,
  github: (delivery, checked) =>
    hashed(delivery, checked, { header: 'x-hub-signature-256', prefix: 'sha256=', id: 'x-github-delivery' }),
  gitea: (delivery, checked) =>
    hashed(delivery, checked, { header: 'x-gitea-signature', prefix: '', id: 'x-gitea-delivery' }),
  jira: (delivery, checked) =>
    hashed(delivery, checked, { header: 'x-hub-signature', prefix: 'sha256=', id: 'x-atlassian-webhook-identifier' }),
  linear(delivery, checked) {
    const signed = hashed(delivery, checked, { header: 'linear-signature', prefix: '', id: 'linear-delivery' });
    return 'reason' in signed ? signed : (tooOld(sentAt(delivery.body), checked, linearAgeLimitMs) ?? signed);
  },
  /** A signing token in the form of Standard Webhooks, or the older secret token, which is sent as a header. */
  gitlab(delivery, checked) {
    if (delivery.header('webhook-signature') !== null) return standard(delivery, checked);
    if (!isSameSecret(delivery.header('x-gitlab-token') ?? '', checked.secret)) return wrong('x-gitlab-token');
    return identified(delivery.header('idempotency-key') ?? delivery.header('x-gitlab-event-uuid'));
  },
} satisfies Record<string, (delivery: Delivery, checked: Checked) => Signed>;

export type SignatureScheme = keyof typeof schemes;

export function checkSignature(scheme: SignatureScheme, delivery: Delivery, checked: Checked): Signed {
  return schemes[scheme](delivery, checked);
}

function standard({ header, body }: Delivery, { secret, nowMs }: Checked): Signed {
  const [id, seconds] = [header('webhook-id') ?? '', header('webhook-timestamp') ?? ''];
  const key = standardKey(secret);
  if (key === null) return { reason: notStandard };
  const signed = createHmac('sha256', key).update(`${id}.${seconds}.`).update(body).digest('base64');
  const given = (header('webhook-signature') ?? '').split(' ').slice(0, 10);
  if (!given.some((one) => isSameSecret(one, `v1,${signed}`))) return wrong('webhook-signature');
  return (
    tooOld(/^\d{1,12}$/.test(seconds) ? Number(seconds) * 1000 : null, { secret, nowMs }, ageLimitMs) ?? identified(id)
  );
}

export const notStandard = 'the secret is not base 64 of 16 bytes or more, as Standard Webhooks has it';

/** null: the secret has another form. Decoding it anyway would make a key that is easy to guess. */
export function standardKey(secret: string): Buffer | null {
  const text = secret.replace(/^whsec_/, '').replace(/=+$/, '');
  const key = Buffer.from(text, 'base64');
  return key.length >= 16 && key.toString('base64').replace(/=+$/, '') === text ? key : null;
}

/** The body's SHA-256 with the secret, in hex. */
function hashed(
  { header, body }: Delivery,
  { secret }: Checked,
  where: { readonly header: string; readonly prefix: string; readonly id: string },
): Signed {
  const signed = `${where.prefix}${createHmac('sha256', secret).update(body).digest('hex')}`;
  return isSameSecret(header(where.header) ?? '', signed) ? identified(header(where.id)) : wrong(where.header);
}

function identified(id: string | null): Signed {
  return id !== null && idForm.test(id) ? { id } : { reason: 'it has no id by which a repetition is recognized' };
}

function wrong(header: string): Signed {
  return { reason: `${header} is missing, or is not made of this body with the secret` };
}

function tooOld(sentMs: number | null, { nowMs }: Checked, limitMs: number): Signed | null {
  if (sentMs !== null && Math.abs(nowMs - sentMs) <= limitMs) return null;
  return { reason: `it was sent more than ${limitMs / 1000} s ago by the clock of this machine, or does not say when` };
}

/** `webhookTimestamp` of Linear, in milliseconds; null: there is none. */
function sentAt(body: Buffer): number | null {
  try {
    const { webhookTimestamp } = JSON.parse(body.toString('utf8')) as { webhookTimestamp?: unknown }; // any JSON
    return typeof webhookTimestamp === 'number' ? webhookTimestamp : null;
  } catch {
    return null; // it is no JSON
  }
}
