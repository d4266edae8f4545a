/**
 * Accepts deliveries of webhooks after their signature was checked. Each becomes a row of the store before the sender gets its answer, so every host
 * and every later engine recognizes a repeated one. A tracker's delivery only triggers a reading of the tracker: its content is not used. A delivery
 * for `source = "webhook"` is the item itself.
 */
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { firstIssueText } from '../../../machines/vocabulary/schema-issue.ts';
import type { IntakeConfig } from '../../base/config/config.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import type { Store } from '../../core/store/port.ts';
import { waitingDeliveryLimit } from '../../core/store/rows.ts';
import { readSecret, type SecretParts, type SecretPlace, secretForm } from '../agents/secret.ts';
import { readDocumentText } from './read-document.ts';
import { placeOfIntake, type SecretOwner } from './secret-place.ts';
import { checkSignature, type Delivery, notStandard, standardKey } from './signatures.ts';
import type { SourceParts } from './source.ts';

/** The body of a delivery of `source = "webhook"`. Other fields are ignored. */
const deliveredShape = z.object({
  title: z.string().trim().min(1).max(300),
  body: z.string().max(256 * 1024),
  url: z.string().max(2048).optional(),
  author: z.string().max(300).optional(),
  labels: z.array(z.string().max(100)).max(100).optional(),
});
export type Delivered = z.output<typeof deliveredShape>;

interface DeliveryParts extends Pick<SourceParts, 'env' | 'projects' | 'nowMs'> {
  readonly store: Pick<Store, 'commit' | 'isDelivered'>;
  intakes(): readonly IntakeConfig[];
}

export interface Deliveries {
  /**
   * Accepts a delivery. Throws `unauthorized` if no intake of that name accepts any, or if its signature or time is wrong; `bad_request` for an
   * invalid item; `conflict` if the intake is off; `limit_reached`; and the codes of `readSecret` and the errors of the store.
   */
  take(name: string, delivery: Delivery): Promise<{ readonly status: 'taken' | 'repeated' }>;
  /** Sets the function that reads the intakes after a delivery. */
  onDelivery(look: () => void): void;
}

export function createDeliveries(parts: DeliveryParts): Deliveries {
  let look = () => {};

  return {
    async take(name, delivery) {
      const config = parts.intakes().find((intake) => intake.name === name);
      const place = config === undefined ? null : secretPlace(config);
      if (config === undefined || place === null)
        throw refused(
          'no intake of that name has a secret for deliveries',
          'name one in daemon.toml; see docs/intake.md',
        );
      const signed = checkSignature(config.source as 'webhook', delivery, {
        // only sources with a signature scheme have a secret
        secret: secretAt(place, parts),
        nowMs: parts.nowMs(),
      });
      if ('reason' in signed) throw refused(signed.reason, `the sender signs with the secret of ${place.of}`);
      if (!config.isEnabled)
        throw new EngineError('conflict', `the intake ${name} is off`, 'send it again when it is on');
      const { item, content } = rowOf(config, signed.id, delivery.body);
      const row = { intake: name, item, content, at: parts.nowMs() };
      const { status } = await parts.store.commit([{ do: 'intake.deliver', ...row }]);
      if (status === 'lost' && (await parts.store.isDelivered(name, item))) return { status: 'repeated' };
      if (status === 'lost')
        throw new EngineError(
          'limit_reached',
          `${waitingDeliveryLimit} deliveries wait already`,
          'send it again later',
        );
      look();
      return { status: 'taken' };
    },
    onDelivery(listener) {
      look = listener;
    },
  };
}

/** The key of a delivery, unique within the intake, and its content. */
function rowOf(config: IntakeConfig, id: string, body: Buffer): { item: string; content: string | null } {
  if (config.source !== 'webhook') return { item: `delivery-${textDigest(id)}`, content: null };
  const noItem = (reason: string) =>
    new EngineError(
      'bad_request',
      `the delivery is no item: ${reason}`,
      'send {"title": "…", "body": "…"}; url, author and labels may be there; see docs/intake.md',
    );
  const read = deliveredShape.safeParse(jsonOf(body));
  if (!read.success) throw noItem(firstIssueText(read.error, 'the body'));
  const document = config.work === 'plan' ? readDocumentText(read.data.body, `${read.data.title}.md`) : null;
  if (document !== null && 'reason' in document) throw noItem(`its body is no plan: ${document.reason}`);
  return { item: `webhook-${textDigest(id)}`, content: JSON.stringify(read.data) };
}

/** null: the intake accepts no deliveries. */
function secretPlace(config: IntakeConfig): SecretPlace | null {
  if (config.source === 'webhook') return deliverySecret(config, config.secret);
  return 'webhook' in config && config.webhook !== undefined ? deliverySecret(config, config.webhook) : null;
}

/**
 * Checks the secret for deliveries before a sender notices that it is wrong; does nothing for an intake without deliveries. Throws `bad_config` for a
 * secret that must be a key of Standard Webhooks and is not, and the errors of `readSecret`.
 */
export function mustTakeDeliveries(config: IntakeConfig, parts: SecretParts): void {
  const place = secretPlace(config);
  const secret = place === null ? null : readSecret(place, parts);
  if (secret === null || config.source !== 'webhook' || standardKey(secret) !== null) return;
  throw new EngineError(
    'bad_config',
    `[intake.${config.name}] secret: ${notStandard}`,
    'make one: printf "whsec_%s" "$(openssl rand -base64 32)"',
  );
}

/** A shorter secret could be guessed from a delivery. */
const deliveryForm = secretForm(16);

function deliverySecret(config: SecretOwner, variable: string): SecretPlace {
  return { ...placeOfIntake(config, variable), form: deliveryForm };
}

/** Anybody may send a delivery: a stranger does not learn where the secret is. `stator status` says it to the owner. */
function secretAt(place: SecretPlace, parts: SecretParts): string {
  try {
    return readSecret(place, parts);
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    const hint = 'the owner sees on that machine what is wrong: stator status';
    throw new EngineError(thrown.code, `the secret of ${place.of} cannot be read`, hint);
  }
}

function refused(reason: string, hint: string): EngineError {
  return new EngineError('unauthorized', `the delivery is refused: ${reason}`, hint);
}

/** The content of a row; null: another program wrote it. */
export function readDelivered(content: string): Delivered | null {
  return deliveredShape.safeParse(jsonOf(Buffer.from(content))).data ?? null;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return null; // it is no JSON
  }
}
