/**
 * Deliveries of webhooks, once their signature is checked. That of a tracker is only a reason to look at the tracker now: nothing that it says is used. That
 * of `source = "webhook"` is the item itself: a file of the home, which is there before the sender gets its answer.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { firstIssueText } from '../../../machines/vocabulary/schema-issue.ts';
import type { IntakeConfig } from '../../base/config/config.ts';
import { replaceFileSynced } from '../../base/platform/atomic-file.ts';
import { readPrivate } from '../../base/platform/private-file.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import { readSecret } from './secret.ts';
import { checkSignature, type Delivery } from './signatures.ts';
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

interface DeliveryParts extends Pick<SourceParts, 'home' | 'env' | 'projects' | 'nowMs'> {
  readonly store: Pick<SourceParts['store'], 'intakeItem'>;
  intakes(): readonly IntakeConfig[];
}

export interface Deliveries {
  /**
   * Takes one. Throws `unauthorized`: no intake of that name takes any, or its signature or its time is wrong; `bad_request`: it is no item; `conflict`: the
   * intake is off; `limit_reached`, and as `readSecret`.
   */
  take(name: string, delivery: Delivery): Promise<{ readonly status: 'taken' | 'repeated' }>;
  /** Who looks at the source of an intake when a delivery has come. */
  onDelivery(look: (name: string) => void): void;
}

/** Files that wait to become plans. */
const waitingLimit = 1_000;
const draftMs = 60_000;
/** Ids of trackers' deliveries that are remembered. */
const seenLimit = 10_000;

/** A file each, named by the digest of the delivery's id. */
export function deliveryFolder(home: string, intake: string): string {
  return join(home, 'deliveries', intake);
}

/** The key of its item: no other delivery of the intake has it. */
function deliveryKey(id: string): string {
  return `webhook-${textDigest(id)}`;
}

export function createDeliveries(parts: DeliveryParts): Deliveries {
  const seen = new Set<string>();
  let look = (_name: string) => {};

  async function keep(name: string, id: string, body: Buffer): Promise<boolean> {
    const item = deliveryKey(id);
    const folder = deliveryFolder(parts.home, name);
    const file = join(folder, `${item}.json`);
    if ((await parts.store.intakeItem(name, item)) !== null || (await isThere(file))) return false;
    const read = deliveredShape.safeParse(jsonOf(body));
    if (!read.success)
      throw new EngineError(
        'bad_request',
        `the delivery is no item: ${firstIssueText(read.error, 'the body')}`,
        'send {"title": "…", "body": "…"}; url, author and labels may be there; see docs/intake.md',
      );
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (waitingIn(folder) >= waitingLimit)
      throw new EngineError('limit_reached', `${waitingLimit} deliveries wait already`, 'send it again later');
    await replaceFileSynced(file, JSON.stringify(read.data), 0o600);
    return true;
  }

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
        // only sources with a scheme have a secret
        secret: await readSecret(place, parts),
        nowMs: parts.nowMs(),
      });
      if ('reason' in signed) throw refused(signed.reason, `the secret is that of [intake.${name}] ${place.key}`);
      if (!config.isEnabled)
        throw new EngineError('conflict', `the intake ${name} is off`, 'send it again when it is on');
      if (config.source === 'webhook') {
        if (!(await keep(name, signed.id, delivery.body))) return { status: 'repeated' };
      } else {
        const id = `${name} ${signed.id}`;
        if (seen.has(id)) return { status: 'repeated' };
        seen.add(id);
        for (const oldest of seen) {
          if (seen.size <= seenLimit) break;
          seen.delete(oldest);
        }
      }
      look(name);
      return { status: 'taken' };
    },
    onDelivery(listener) {
      look = listener;
    },
  };
}

/** null: it takes no deliveries. */
function secretPlace(config: IntakeConfig): Parameters<typeof readSecret>[0] | null {
  const { name } = config;
  if (config.source === 'webhook')
    return { name, key: 'secret', variable: config.secret, envFile: config.env_file, minChars: secretChars };
  if (!('webhook' in config) || config.webhook === undefined) return null;
  return { name, key: 'webhook', variable: config.webhook, envFile: config.env_file, minChars: secretChars };
}

/** A shorter one could be guessed from a delivery. */
export const secretChars = 16;

function refused(reason: string, hint: string): EngineError {
  return new EngineError('unauthorized', `the delivery is refused: ${reason}`, hint);
}

/** How many wait. Removes drafts that a killed engine left: no file is written for so long. */
function waitingIn(folder: string): number {
  const names = readdirSync(folder);
  const drafts = names.filter((name) => !name.endsWith('.json'));
  for (const path of drafts.map((name) => join(folder, name))) {
    const seen = statSync(path, { throwIfNoEntry: false });
    if (seen !== undefined && Date.now() - seen.mtimeMs > draftMs) rmSync(path, { force: true });
  }
  return names.length - drafts.length;
}

/** A kept delivery; null: the file is damaged or gone. */
export function readDelivered(file: string): Delivered | null {
  const text = readPrivate(file, 'take the file away');
  return deliveredShape.safeParse(jsonOf(Buffer.from(text ?? ''))).data ?? null;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return null; // it is no JSON
  }
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
