/** Turns a signal file into a signal for the inbox, or a reason against it. */

import type { Kinds } from '../../../actors/kind.ts';
import { EngineError, withHint } from '../../../machines/vocabulary/errors.ts';
import { signalBodyLimitBytes } from '../../../machines/vocabulary/signal-kind.ts';
import { admitSignal } from '../../core/inbox/admission.ts';
import type { Store } from '../../core/store/port.ts';
import type { NewSignal } from '../../core/store/rows.ts';
import type { NamedSignal } from './file-name.ts';
import type { Saying } from './source.ts';

export type Reading = { kind: 'signal'; signal: Omit<NewSignal, 'at'> } | { kind: 'refused'; reason: string };

export interface ReadingRequest {
  readonly kinds: Kinds;
  readonly project: string;
  readonly named: NamedSignal;
  /** null: it is longer than a signal may be. */
  readonly bytes: Buffer | null;
  readonly key: string;
  readonly plan: string;
  readonly saying: Saying;
}

/** The first existing plan among those that a name may mean; if none exists, the first. */
export async function meantPlan(
  store: Pick<Store, 'plan'>,
  project: string,
  { plans }: Pick<NamedSignal, 'plans'>,
): Promise<string> {
  for (const plan of plans) if ((await store.plan(project, plan)) !== null) return plan;
  return plans[0];
}

/** The content is the body, without surrounding white space, as in kasmos. A missing plan is noticed when the signal is handled. */
export function readSignal({ kinds, project, named, bytes, key, plan, saying }: ReadingRequest): Reading {
  const content = contentOf(named, bytes);
  if (content instanceof EngineError) return { kind: 'refused', reason: withHint(content) };
  const isVerdict = named.type === 'review_approved' || named.type === 'review_changes_requested';
  const { base, draftRun, run = null } = saying;
  const isDraft = named.type === 'planner_finished' && draftRun !== undefined;
  const payload = isDraft
    ? { planner_id: draftRun }
    : { ...named.payload, ...content, ...(isVerdict && base !== null ? { reviewed_sha: base } : {}) };
  const type = isDraft ? 'planner_draft_finished' : named.type;
  const dedupeKey = `file:${key}`;
  const admission = admitSignal(kinds, { project, plan, type, payload, origin: 'file', dedupeKey });
  if (admission.kind === 'admitted') return { kind: 'signal', signal: { ...admission.signal, run } };
  return { kind: 'refused', reason: withHint(admission.error) };
}

function contentOf({ type, content }: NamedSignal, bytes: Buffer | null): Record<string, string> | EngineError {
  if (bytes === null) {
    return new EngineError(
      'too_large',
      `the file has more than the ${signalBodyLimitBytes} bytes (64 KiB) that a signal may have`,
      'shorten it, or put the text into a file of its own and name that file here',
    );
  }
  const body = textOf(bytes);
  if (body === null)
    return new EngineError('bad_payload', `invalid payload: ${type}: the file is not UTF-8`, 'write it as UTF-8 text');
  const trimmed = body.trim();
  return content === null || (content === 'body' && trimmed === '') ? {} : { [content]: trimmed };
}

/** The text without a byte order mark; null: it is not UTF-8. */
function textOf(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null; // it throws only for invalid UTF-8
  }
}
