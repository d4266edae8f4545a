/** A line of the journal as people and programs read it: with why it happened, which the signal and the run that it came from tell. */

import type { Refusal } from '../../actors/refusal.ts';
import type { Reason } from '../../machines/vocabulary/effect.ts';
import type { PlanTree } from '../../machines/vocabulary/ids.ts';
import { type JsonObject, numberAt, objectOf, textAt, textsAt } from '../agents/reports/json-line.ts';
import { firstTelling, whyFailed } from '../agents/reports/telling.ts';
import type { HistoryEntry } from '../contract/plans.ts';
import { safeText } from '../platform/terminal-text.ts';
import type { JournalLine, RunRow } from '../store/rows.ts';
import type { Store } from '../store/sqlite/store.ts';
import { timeOrNull, timeText } from './parts.ts';

/** So much of a review is told with the news of it. */
const reviewLines = 3;
/** Files of a conflict that are named. */
const filesNamed = 3;

export function createFactView({ store }: { readonly store: Store }) {
  return {
    historyEntry(line: JournalLine): HistoryEntry {
      const { seq, at, signal, origin, actor, event, from, to, effects } = line;
      const refused = line.refused as Refusal | null; // written from one
      const isMove = from !== to && refused === null;
      const payload = isMove && signal !== null ? payloadOf(store, signal) : null;
      const run = isMove ? runAt(store, line) : null;
      return {
        seq,
        at: timeText(at),
        signal,
        origin,
        actor,
        event,
        from,
        to,
        effects,
        refused,
        attempt: run?.attempt ?? null,
        reason: isFailure(to) ? ((run?.reason ?? null) as Reason | null) : null, // written from the machine's reasons
        why: payload === null ? null : whyOf(payload, line),
        until: payload === null ? null : timeOrNull(numberAt(payload, 'until')),
        resumed: run !== null && to === 'running' && store.runs.isResumed(run),
      };
    },
  };
}

function isFailure(state: string): boolean {
  return state === 'backingOff' || state === 'failed' || state === 'waiting.rateLimit';
}

function payloadOf(store: Store, signal: number): JsonObject | null {
  const row = store.signals.read(signal);
  return row === null ? null : objectOf(row.payload);
}

/** The run of an agent's line, or of a task that failed by it; null of any other. */
function runAt(store: Store, { tree, actor, to, at }: JournalLine): RunRow | null {
  if (to !== 'running' && !isFailure(to)) return null;
  if (!isPlanTree(tree) || actor === '' || /^wave-[^/]+$/.test(actor)) return null;
  const paths = actor.endsWith('/agent') ? [actor] : [`${actor}/agent`, actor];
  const found = paths.map((path) => store.runs.ofAgent(tree, path, at));
  return found.find((row) => row !== null) ?? null;
}

function isPlanTree(tree: string): tree is PlanTree {
  return tree.startsWith('plan:');
}

/** Judges begin with what matters; whoever fails says it last. */
function whyOf(payload: JsonObject, { event }: JournalLine): string | null {
  const files = textsAt(payload, 'files');
  if (files.length > 0) {
    const more = files.length > filesNamed ? ` and ${files.length - filesNamed} more` : '';
    return safeText(`${files.slice(0, filesNamed).join(', ')}${more}`);
  }
  const said = textAt(payload, 'detail') ?? textAt(payload, 'body') ?? textAt(payload, 'reason');
  if (said === null) return null;
  const text = safeText(said);
  const isVerdict = event.startsWith('review_') || event.startsWith('verify_');
  if (isVerdict) return firstTelling(text, reviewLines).join('\n') || null;
  const cause = textAt(payload, 'cause');
  return whyFailed(text, cause !== 'start-failed' && cause !== 'unusable');
}
