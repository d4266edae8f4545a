/** Signals for people, and the answer to the sender of a signal. */

import type { Refusal } from '../../../actors/refusal.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { SignalFilter, SignalRow } from '../../core/store/rows.ts';
import type { SignalAnswer, SignalEntry } from '../contract/signals.ts';
import { timeOrNull, timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';
import { heldUp } from './waiting.ts';

export function createSignalViews(parts: ViewDependencies) {
  const { store, timeline } = parts;
  const entryOf = (row: SignalRow) => signalEntry(row, timeline);
  return {
    signals: async (filter: SignalFilter): Promise<SignalEntry[]> => (await store.signals(filter)).map(entryOf),
    /** Throws `not_found`; with a project, also for a signal of another project. */
    async signal(id: number, project?: string): Promise<SignalEntry> {
      const row = await store.signal(id);
      if (row === null || (project !== undefined && row.project !== project))
        throw new EngineError('not_found', `signal ${id} not found`, 'see the signals with: stator signal list');
      return entryOf(row);
    },
    async answer(id: number): Promise<SignalAnswer> {
      const row = await store.signal(id);
      if (row === null) throw new Error(`signal ${id} is gone`);
      const result = row.result === null ? null : jsonOrText(row.result);
      const isRefusal = row.status === 'failed' && typeof result === 'object' && result !== null && 'accepts' in result;
      const plan = await store.plan(row.project, row.plan);
      return {
        signal: { id, type: row.type, status: row.status, result, refused: isRefusal ? (result as Refusal) : null }, // recognized by its field
        plan: {
          ...{ project: row.project, plan: row.plan, status: plan?.status ?? null, phase: plan?.phase ?? null },
          waits: plan === null || !mayWonder(row) ? null : await heldUp(parts, plan),
        },
      };
    },
  };
}

/** After an accepted signal a person expects something to begin, unless the signal stops something. */
function mayWonder({ origin, status, type }: SignalRow): boolean {
  return status === 'done' && type !== 'pause' && origin.startsWith('person');
}

function signalEntry(row: SignalRow, timeline: ViewDependencies['timeline']): SignalEntry {
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
    result: row.result === null ? null : jsonOrText(row.result),
    dedupe_key: row.dedupe_key,
    created_at: timeText(row.created_at),
    deliver_at: row.deliver_at === 0 ? null : timeText(dueAt),
    processed_at: timeOrNull(row.processed_at),
  };
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // a row of another program may contain plain text
  }
}
