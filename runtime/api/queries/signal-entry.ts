/** A signal, as lists and verdicts show it. */
import type { Refusal } from '../../../actors/refusal.ts';
import type { SignalRow } from '../../core/store/rows.ts';
import type { SignalAnswer, SignalEntry } from '../contract/signals.ts';
import { timeOrNull, timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

export function signalEntry(row: SignalRow, timeline: ViewDependencies['timeline']): SignalEntry {
  // The engine's own signals have the store's time, those of other programs the wall clock's.
  const dueAt = row.is_checked === 1 ? Math.round(timeline.wallOf(row.deliver_at)) : row.deliver_at;
  return {
    id: row.id,
    project: row.project,
    plan: row.plan,
    type: row.type,
    payload: jsonOrText(row.payload),
    origin: row.origin,
    status: row.status,
    attempts: row.attempts,
    result: resultOf(row),
    dedupe_key: row.dedupe_key,
    created_at: timeText(row.created_at),
    deliver_at: row.deliver_at === 0 ? null : timeText(dueAt),
    processed_at: timeOrNull(row.processed_at),
  };
}

/** What became of it, for the program that sent it. */
export function answeredSignal(row: SignalRow): SignalAnswer['signal'] {
  const { id, type, status } = row;
  const result = resultOf(row);
  // A refusal is recognized by its field.
  const isRefusal = status === 'failed' && typeof result === 'object' && result !== null && 'accepts' in result;
  return { id, type, status, result, refused: isRefusal ? (result as Refusal) : null };
}

function resultOf({ result }: SignalRow): unknown {
  return result === null ? null : jsonOrText(result);
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // a row of another program may contain plain text
  }
}
