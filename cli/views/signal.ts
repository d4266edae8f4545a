/** The inbox, as a person reads it. */
import { clockTime } from '../../machines/vocabulary/time-text.ts';
import type { SignalAnswer, SignalEntry } from '../../runtime/api/client/client.ts';
import type { signalOperations } from '../../runtime/api/operations/signal.ts';
import type { View } from '../operation-verb.ts';
import type { Tone } from '../output.ts';
import { plainLines } from '../text.ts';
import { printVerdict } from '../verdict.ts';

const tones: Readonly<Record<SignalEntry['status'], Tone>> = {
  pending: 'plain',
  held: 'attention',
  done: 'plain',
  failed: 'bad',
};

const signals: View<SignalEntry[]> = {
  list: {
    headings: ['id', 'at', 'plan', 'type', 'by', 'status', 'result'],
    row: ({ id, created_at: at, project, plan, type, origin, status, result }) => [
      String(id),
      `${at.slice(0, 10)} ${clockTime(at)}`,
      `${project}/${plan}`,
      type,
      origin,
      { text: status, tone: tones[status] },
      textOf(result) ?? '',
    ],
    empty: 'no signals',
  },
};

const signal: View<SignalEntry> = {
  fields: (entry) => [
    ['signal', `${entry.id} ${entry.type}`],
    ['plan', `${entry.project}/${entry.plan}`],
    ['by', entry.origin],
    ['status', entry.status],
    ['attempts', String(entry.attempts)],
    ['result', linesOf(entry.result)],
    ['payload', linesOf(entry.payload)],
    ['created', entry.created_at],
    ['not before', entry.deliver_at],
    ['handled', entry.processed_at],
  ],
};

function linesOf(value: unknown): string | null {
  const text = textOf(value, 2);
  return text === null ? null : plainLines(text);
}

function textOf(value: unknown, indent = 0): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value, null, indent);
}

const retrySignal: View<SignalAnswer> = { tell: printVerdict };

export default { signals, signal, retrySignal } satisfies Partial<Record<keyof typeof signalOperations, View<never>>>;
